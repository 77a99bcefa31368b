// Whether a foreign chain drops requests of LAN hosts before our sockets have them: UDP to the router's address on the
// LAN, with pinholes also over IPv6; with UPnP searches to the group and to that address, and TCP. Each base chain on their way is judged by itself, for each LAN. Pure.

import type { Ipv4 } from '../../../proto/mapping.js';
import { formatIpv4 } from '../../../proto/mapping.js';
import { block } from '../../host/firewall/range.js';
import type { Packets, Stage } from '../../host/firewall/packet.js';
import type { Finding } from '../finding.js';
import { fail, ok, unknown, warn } from '../finding.js';
import type { Check, Facts } from './facts.js';
import { isUnavailable, SSDP } from './facts.js';
import type { Judgement } from './firewall/judge.js';
import { judge, lansOf } from './firewall/judge.js';
import type { Listening } from './firewall/remedy.js';
import { requestRemedy } from './firewall/remedy.js';
import type { Chain } from './firewall/ruleset.js';
import { chainsOfGateways, readRuleset } from './firewall/ruleset.js';

/** Of the kernel's own hook, in either family (linux/netfilter_ipv4.h, netfilter_ipv6.h). */
const CONNTRACK_PRIORITY = -200;
const ANY_PORT = [[1, 65535]] as const;
/** Conditions that a message lists. */
const MAX_SHOWN_CONDITIONS = 3;

type Family = 'ip' | 'ip6';
interface Request extends Listening {
  /** The group that it is sent to; null: to the router's address on the LAN. */
  readonly group: Ipv4 | null;
}
interface Judged {
  readonly lan: string;
  readonly request: Request;
  readonly judgement: Judgement;
}
/** Requests that are told of in one line. */
interface Kind {
  readonly check: string;
  /** "requests of LAN hosts" */
  readonly what: string;
  readonly requests: readonly Request[];
  readonly families: readonly Family[];
}

export const input: Check = (facts) => {
  const { ipv6, helper, setup } = facts;
  const hasPinholes = ipv6 !== null && !isUnavailable(helper) && helper.maxPinholes > 0;
  return judgeKind(facts, {
    check: 'input',
    what: 'requests of LAN hosts',
    requests: [{ protocol: 'udp', port: setup.listenPort, group: null }],
    families: hasPinholes ? ['ip', 'ip6'] : ['ip'],
  });
};

/** Searches, and what clients that have found the gateway ask. */
export const upnpInput: Check = (facts) => {
  if (facts.upnp === null) return [];
  return judgeKind(facts, {
    check: 'UPnP input',
    what: 'what UPnP needs',
    requests: [
      { protocol: 'udp', port: SSDP.port, group: SSDP.group },
      { protocol: 'udp', port: SSDP.port, group: null },
      { protocol: 'tcp', port: facts.upnp.port, group: null },
    ],
    families: ['ip'],
  });
};

function judgeKind(facts: Facts, kind: Kind): readonly Finding[] {
  const { rulesetListing: listing, legacyTables, ipv6, setup } = facts;
  if (isUnavailable(listing)) return []; // as the check of forwarded packets says
  const lans = lansOf(setup, facts.interfaces).flatMap(({ interfaceName }) => interfaceName ?? []);
  if (lans.length === 0) return [];
  const findings = kind.families.flatMap((family) => familyFindings(facts, listing, lans, family, kind));
  const isLegacy =
    legacyTables.includes('filter') ||
    (kind.families.includes('ip6') && (ipv6?.legacyTables.includes('filter') ?? false));
  if (isLegacy) {
    const accepts = distinct(
      kind.requests.map(
        ({ protocol, port }) => `iptables-legacy -I INPUT -i ${lans[0]} -p ${protocol} --dport ${port} -j ACCEPT`,
      ),
    );
    findings.push(
      unknown(
        kind.check,
        'there are rules of the legacy iptables, which nft does not show',
        `look at: iptables-legacy -S INPUT; if it drops, put first: ${accepts.join('; ')}`,
      ),
    );
  }
  const places = distinct(kind.requests.map(placeOf)).join(', ');
  return findings.length > 0 ? findings : [ok(kind.check, `no chain of others drops ${kind.what} (${places})`)];
}

function familyFindings(facts: Facts, listing: string, lans: readonly string[], family: Family, kind: Kind): Finding[] {
  const ruleset = readRuleset(listing, facts.nftDetails, chainsOfGateways(facts.tables), family);
  return ruleset.bases.flatMap((chain) => {
    const judged = lans.flatMap((lan) =>
      kind.requests.flatMap((request) =>
        packetsOf(facts, chain, lan, family, request).map((packets) => ({
          lan,
          request,
          judgement: judge(chain, ruleset, packets),
        })),
      ),
    );
    return findingsOf(facts, chain, judged, family, kind);
  });
}

/** The requests of one LAN's hosts; none if they do not pass the chain, or cannot be for want of an address. */
function packetsOf(
  facts: Facts,
  chain: Chain,
  lan: string,
  family: Family,
  { protocol, port, group }: Request,
): readonly Packets[] {
  const { setup, interfaces, interfaceGroups: groups } = facts;
  const stage = stageOf(chain, lan);
  const served = (interfaces.get(lan)?.lans ?? []).filter(
    ({ routerAddress }) => setup.lans.length === 0 || setup.lans.some((one) => one.routerAddress === routerAddress),
  );
  if (stage === null || (family === 'ip' && served.length === 0)) return [];
  return [
    {
      stage,
      protocol,
      isRequest: true,
      isMulticast: group !== null,
      from: lan,
      to: null,
      sources: served.map(({ routerAddress, prefixLength }) => block(routerAddress, prefixLength)),
      hosts: null,
      externalAddresses:
        group === null ? served.map(({ routerAddress }) => [routerAddress, routerAddress] as const) : [[group, group]],
      externalPorts: [[port, port]],
      internalPorts: ANY_PORT,
      // A LAN host is one to which the route back leaves by the interface that it asks on.
      isOnlyRoute: true,
      groups,
      ipv6: family === 'ip' ? null : { label: null },
    },
  ];
}

/** "UDP 5351" */
function placeOf({ protocol, port, group }: Request): string {
  return `${protocol.toUpperCase()} ${port}${group === null ? '' : ` to ${formatIpv4(group)}`}`;
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
  { nftDetails }: Facts,
  chain: Chain,
  judged: readonly Judged[],
  family: Family,
  { check, what: kind }: Kind,
): readonly Finding[] {
  const affected = judged.filter(({ judgement }) => judgement.kind !== 'passes');
  if (affected.length === 0) return [];
  const lost = affected.filter(({ judgement }) => judgement.kind === 'lost' && judgement.but.length === 0);
  const shown = lost.length > 0 ? lost : affected;
  const lans = distinct(shown.map(({ lan }) => lan));
  const where = `chain ${chain.name} of table ${chain.family} ${chain.table}`;
  const places = distinct(shown.map(({ request }) => placeOf(request))).join(', ');
  const what = `${kind}${family === 'ip6' ? ' over IPv6' : ''} (${places} on ${lans.join(', ')})`;
  const saved = family === 'ip' ? nftDetails.iptables : nftDetails.ip6tables;
  const ports = shown
    .map(({ request }) => request)
    .filter(({ protocol, port }, at, all) => at === all.findIndex((o) => o.protocol === protocol && o.port === port));
  const remedy = requestRemedy(chain, lans, ports, saved);
  if (lost.length > 0) return [fail(check, `${where} drops ${what}`, remedy)];
  const only = affected.flatMap(({ judgement }) => (judgement.kind === 'lost' ? judgement.but : []));
  const on = affected.flatMap(({ judgement }) => (judgement.kind === 'unclear' ? judgement.on : []));
  return [
    warn(
      check,
      only.length > 0
        ? `${where} drops ${what}, except if: ${listText(only)}`
        : `${where} may drop ${what}: it depends on ${listText(on)}`,
      remedy,
    ),
  ];
}

function listText(conditions: readonly string[]): string {
  return distinct(conditions).slice(0, MAX_SHOWN_CONDITIONS).join('; ');
}

function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}
