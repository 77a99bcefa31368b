// Whether a foreign chain drops requests of LAN hosts before our sockets have them: UDP to the router's address on the
// LAN, with pinholes also over IPv6; with UPnP searches to the group and to that address, and TCP. And whether one drops
// the answers. Each base chain on their way is judged by itself, for each LAN. Pure.

import type { Ipv4 } from '../../../proto/mapping.js';
import { formatIpv4 } from '../../../proto/mapping.js';
import { block } from '../../host/firewall/range.js';
import type { Packets, Stage } from '../../host/firewall/packet.js';
import type { Finding } from '../finding.js';
import { fail, ok, unknown, warn } from '../finding.js';
import type { Check, Facts, Upnp } from './facts.js';
import { isUnavailable, SSDP } from './facts.js';
import type { Judgement } from './firewall/judge.js';
import { judge, lansOf } from './firewall/judge.js';
import type { Listening } from './firewall/remedy.js';
import { answerRemedy, requestRemedy } from './firewall/remedy.js';
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
/** What a LAN host sends, and what it is sent then. */
interface Exchanges {
  readonly requests: readonly Request[];
  readonly families: readonly Family[];
}
/** Requests, or their answers, that are told of in one line. */
interface Kind extends Exchanges {
  readonly check: string;
  /** "requests of LAN hosts" */
  readonly what: string;
  readonly way: 'requests' | 'answers';
}

export const input: Check = (facts) =>
  judgeRequests(facts, { ...exchanges(facts), check: 'input', what: 'requests of LAN hosts', way: 'requests' });

/** Nothing if all is well. */
export const output: Check = (facts) =>
  judgeKind(facts, { ...exchanges(facts), check: 'output', what: 'answers to LAN hosts', way: 'answers' });

/** Searches, and what clients that have found the gateway ask. */
export const upnpInput: Check = (facts) =>
  facts.upnp === null
    ? []
    : judgeRequests(facts, {
        ...upnpExchanges(facts.upnp),
        check: 'UPnP input',
        what: 'what UPnP needs',
        way: 'requests',
      });

/** Nothing if all is well. */
export const upnpOutput: Check = (facts) =>
  facts.upnp === null
    ? []
    : judgeKind(facts, {
        ...upnpExchanges(facts.upnp),
        check: 'UPnP output',
        what: 'what UPnP answers',
        way: 'answers',
      });

function exchanges({ ipv6, helper, setup }: Facts): Exchanges {
  const hasPinholes = ipv6 !== null && !isUnavailable(helper) && helper.maxPinholes > 0;
  return {
    requests: [{ protocol: 'udp', port: setup.listenPort, group: null }],
    families: hasPinholes ? ['ip', 'ip6'] : ['ip'],
  };
}

function upnpExchanges({ port }: Upnp): Exchanges {
  return {
    requests: [
      { protocol: 'udp', port: SSDP.port, group: SSDP.group },
      { protocol: 'udp', port: SSDP.port, group: null },
      { protocol: 'tcp', port, group: null },
    ],
    families: ['ip'],
  };
}

function judgeKind(facts: Facts, kind: Kind): readonly Finding[] {
  const { rulesetListing: listing } = facts;
  if (isUnavailable(listing)) return []; // as the check of forwarded packets says
  return kind.families.flatMap((family) => familyFindings(facts, listing, servedLans(facts), family, kind));
}

function servedLans({ setup, interfaces }: Facts): readonly string[] {
  return lansOf(setup, interfaces).flatMap(({ interfaceName }) => interfaceName ?? []);
}

function judgeRequests(facts: Facts, kind: Kind): readonly Finding[] {
  const { rulesetListing, legacyTables, ipv6 } = facts;
  const lans = servedLans(facts);
  if (isUnavailable(rulesetListing) || lans.length === 0) return [];
  const findings = [...judgeKind(facts, kind)];
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
  const places = distinct(kind.requests.map((request) => placeOf(request, kind.way))).join(', ');
  return findings.length > 0 ? findings : [ok(kind.check, `no chain of others drops ${kind.what} (${places})`)];
}

function familyFindings(facts: Facts, listing: string, lans: readonly string[], family: Family, kind: Kind): Finding[] {
  const ruleset = readRuleset(listing, facts.nftDetails, chainsOfGateways(facts.tables), family);
  return ruleset.bases.flatMap((chain) => {
    const judged = lans.flatMap((lan) =>
      kind.requests.flatMap((request) =>
        packetsOf(facts, chain, lan, family, request, kind.way).map((packets) => ({
          lan,
          request,
          judgement: judge(chain, ruleset, packets),
        })),
      ),
    );
    return findingsOf(facts, chain, judged, family, kind);
  });
}

/** The requests of one LAN's hosts, or the answers; none if they do not pass the chain, or cannot be for want of an address. */
function packetsOf(
  facts: Facts,
  chain: Chain,
  lan: string,
  family: Family,
  { protocol, port, group }: Request,
  way: Kind['way'],
): readonly Packets[] {
  const { setup, interfaces, interfaceGroups: groups } = facts;
  const stage = way === 'requests' ? stageOf(chain, lan) : answerStageOf(chain, lan);
  const served = (interfaces.get(lan)?.lans ?? []).filter(
    ({ routerAddress }) => setup.lans.length === 0 || setup.lans.some((one) => one.routerAddress === routerAddress),
  );
  if (stage === null || (family === 'ip' && served.length === 0)) return [];
  if (way === 'answers')
    return [
      {
        stage,
        protocol,
        isRequest: true,
        // To connection tracking it is no answer if it comes from another address than was asked.
        answer: group === null ? 'established' : 'new',
        from: null,
        to: lan,
        sources: [],
        hosts: served.map(({ routerAddress, prefixLength }) => block(routerAddress, prefixLength)),
        externalAddresses: served.map(({ routerAddress }) => [routerAddress, routerAddress] as const),
        externalPorts: [[port, port]],
        internalPorts: ANY_PORT,
        isOnlyRoute: true,
        groups,
        ipv6: family === 'ip' ? null : { label: null },
      },
    ];
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
function placeOf({ protocol, port, group }: Request, way: Kind['way']): string {
  const to = group === null ? '' : way === 'requests' ? ` to ${formatIpv4(group)}` : ' to searches by multicast';
  return `${protocol.toUpperCase()} ${port}${to}`;
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

/** The same of answers. */
function answerStageOf({ type, hook, priority, devices }: Chain, lan: string): Stage | null {
  if (type === 'nat') return null;
  switch (hook) {
    case 'output':
      return priority < CONNTRACK_PRIORITY ? 'untracked' : 'untranslated';
    case 'postrouting':
      return 'untranslated';
    case 'egress':
      return devices.includes(lan) ? 'untranslated' : null;
    default:
      return null;
  }
}

function findingsOf(
  { nftDetails }: Facts,
  chain: Chain,
  judged: readonly Judged[],
  family: Family,
  { check, what: kind, way }: Kind,
): readonly Finding[] {
  const affected = judged.filter(({ judgement }) => judgement.kind !== 'passes');
  if (affected.length === 0) return [];
  const lost = affected.filter(({ judgement }) => judgement.kind === 'lost' && judgement.but.length === 0);
  const shown = lost.length > 0 ? lost : affected;
  const lans = distinct(shown.map(({ lan }) => lan));
  const where = `chain ${chain.name} of table ${chain.family} ${chain.table}`;
  const places = distinct(shown.map(({ request }) => placeOf(request, way))).join(', ');
  const what = `${kind}${family === 'ip6' ? ' over IPv6' : ''} (${places} on ${lans.join(', ')})`;
  const saved = family === 'ip' ? nftDetails.iptables : nftDetails.ip6tables;
  const ports = shown
    .map(({ request }) => request)
    .filter(({ protocol, port }, at, all) => at === all.findIndex((o) => o.protocol === protocol && o.port === port));
  const remedy = (way === 'requests' ? requestRemedy : answerRemedy)(chain, lans, ports, saved);
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
