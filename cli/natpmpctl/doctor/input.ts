// Whether a foreign chain drops requests of LAN hosts before the frontend has them: UDP to the router's address on the
// LAN, with pinholes also over IPv6. Each base chain on their way is judged by itself, for each LAN. Pure.

import { block } from '../../host/firewall/range.js';
import type { Packets, Stage } from '../../host/firewall/packet.js';
import type { Finding } from '../finding.js';
import { fail, ok, unknown, warn } from '../finding.js';
import type { Check, Facts } from './facts.js';
import { isUnavailable } from './facts.js';
import type { Judgement } from './firewall/judge.js';
import { judge, lansOf } from './firewall/judge.js';
import { requestRemedy } from './firewall/remedy.js';
import type { Chain } from './firewall/ruleset.js';
import { chainsOfGateways, readRuleset } from './firewall/ruleset.js';

/** Of the kernel's own hook, in either family (linux/netfilter_ipv4.h, netfilter_ipv6.h). */
const CONNTRACK_PRIORITY = -200;
const ANY_PORT = [[1, 65535]] as const;
/** Conditions that a message lists. */
const MAX_SHOWN_CONDITIONS = 3;

type Family = 'ip' | 'ip6';
interface Judged {
  readonly lan: string;
  readonly judgement: Judgement;
}

export const input: Check = (facts) => {
  const { rulesetListing: listing, legacyTables, ipv6, helper, setup } = facts;
  if (isUnavailable(listing)) return []; // as the check of forwarded packets says
  const hasPinholes = ipv6 !== null && !isUnavailable(helper) && helper.maxPinholes > 0;
  const families: readonly Family[] = hasPinholes ? ['ip', 'ip6'] : ['ip'];
  const lans = lansOf(setup, facts.interfaces).flatMap(({ interfaceName }) => interfaceName ?? []);
  if (lans.length === 0) return [];
  const findings = families.flatMap((family) => familyFindings(facts, listing, lans, family));
  const isLegacy = legacyTables.includes('filter') || (hasPinholes && ipv6.legacyTables.includes('filter'));
  if (isLegacy)
    findings.push(
      unknown(
        'input',
        'there are rules of the legacy iptables, which nft does not show',
        `look at: iptables-legacy -S INPUT; if it drops, put first: iptables-legacy -I INPUT -i ${lans[0]} -p udp --dport ${setup.listenPort} -j ACCEPT`,
      ),
    );
  return findings.length > 0
    ? findings
    : [ok('input', `no chain of others drops requests of LAN hosts (UDP ${setup.listenPort})`)];
};

function familyFindings(facts: Facts, listing: string, lans: readonly string[], family: Family): Finding[] {
  const ruleset = readRuleset(listing, facts.nftDetails, chainsOfGateways(facts.tables), family);
  return ruleset.bases.flatMap((chain) => {
    const judged = lans.flatMap((lan) =>
      requestsOf(facts, chain, lan, family).map((packets) => ({ lan, judgement: judge(chain, ruleset, packets) })),
    );
    return findingsOf(facts, chain, judged, family);
  });
}

/** The requests of one LAN's hosts; none if they do not pass the chain, or cannot be for want of an address. */
function requestsOf(facts: Facts, chain: Chain, lan: string, family: Family): readonly Packets[] {
  const { setup, interfaces, interfaceGroups: groups } = facts;
  const stage = stageOf(chain, lan);
  const served = (interfaces.get(lan)?.lans ?? []).filter(
    ({ routerAddress }) => setup.lans.length === 0 || setup.lans.some((one) => one.routerAddress === routerAddress),
  );
  if (stage === null || (family === 'ip' && served.length === 0)) return [];
  return [
    {
      stage,
      protocol: 'udp',
      isRequest: true,
      from: lan,
      to: null,
      sources: served.map(({ routerAddress, prefixLength }) => block(routerAddress, prefixLength)),
      hosts: null,
      externalAddresses: served.map(({ routerAddress }) => [routerAddress, routerAddress] as const),
      externalPorts: [[setup.listenPort, setup.listenPort]],
      internalPorts: ANY_PORT,
      // A LAN host is one to which the route back leaves by the interface that it asks on.
      isOnlyRoute: true,
      groups,
      ipv6: family === 'ip' ? null : { label: null },
    },
  ];
}

/** Nothing translates requests: on their whole way they are for the router. */
function stageOf({ type, hook, priority, devices }: Chain, lan: string): Stage | null {
  if (type === 'nat') return null;
  switch (hook) {
    case 'ingress':
      return devices.includes(lan) ? 'untracked' : null;
    case 'prerouting':
      return priority < CONNTRACK_PRIORITY ? 'untracked' : 'untranslated';
    case 'input':
      return 'untranslated';
    default:
      return null;
  }
}

function findingsOf(
  { setup: { listenPort }, nftDetails }: Facts,
  chain: Chain,
  judged: readonly Judged[],
  family: Family,
): readonly Finding[] {
  const affected = judged.filter(({ judgement }) => judgement.kind !== 'passes');
  if (affected.length === 0) return [];
  const lost = affected.filter(({ judgement }) => judgement.kind === 'lost' && judgement.but.length === 0);
  const shown = lost.length > 0 ? lost : affected;
  const lans = shown.map(({ lan }) => lan);
  const where = `chain ${chain.name} of table ${chain.family} ${chain.table}`;
  const what = `requests of LAN hosts${family === 'ip6' ? ' over IPv6' : ''} (UDP ${listenPort} on ${lans.join(', ')})`;
  const saved = family === 'ip' ? nftDetails.iptables : nftDetails.ip6tables;
  const remedy = requestRemedy(chain, lans, listenPort, saved);
  if (lost.length > 0) return [fail('input', `${where} drops ${what}`, remedy)];
  const only = affected.flatMap(({ judgement }) => (judgement.kind === 'lost' ? judgement.but : []));
  const on = affected.flatMap(({ judgement }) => (judgement.kind === 'unclear' ? judgement.on : []));
  return [
    warn(
      'input',
      only.length > 0
        ? `${where} drops ${what}, except if: ${listText(only)}`
        : `${where} may drop ${what}: it depends on ${listText(on)}`,
      remedy,
    ),
  ];
}

function listText(conditions: readonly string[]): string {
  return [...new Set(conditions)].slice(0, MAX_SHOWN_CONDITIONS).join('; ');
}
