// What IPv6 pinholes need of the router: forwarding, routes, addresses, and a firewall that keeps out everything else and
// lets in what a pinhole has marked. Pure.

import type { Finding } from '../finding.js';
import { fail, ok, unknown, warn } from '../finding.js';
import { IPV4_RULES_REMEDY } from '../../../frontend/pcp/ipv4-rules.js';
import type { Protocol } from '../../../proto/mapping.js';
import type { Packets, Stage } from '../../host/firewall/packet.js';
import { labelOf } from '../../host/ruleset-text.js';
import { ipv4RulesOf } from '../ipv4-rules.js';
import type { Check, Facts, Ipv6 } from './facts.js';
import { isUnavailable } from './facts.js';
import type { Judgement } from './firewall/judge.js';
import { judge } from './firewall/judge.js';
import { pinholeRemedy } from './firewall/remedy.js';
import type { Chain, Ruleset } from './firewall/ruleset.js';
import { chainsOfGateways, readRuleset } from './firewall/ruleset.js';

/** Of the chain that sets the label: filter - 5 (cli/host/ruleset-text.ts). */
const LABEL_PRIORITY = -5;
/** NF_IP6_PRI_CONNTRACK of linux/netfilter_ipv6.h. */
const CONNTRACK_PRIORITY = -200;
const ANY_PORT = [[1, 65535]] as const;

export const pinholes: Check = (facts) => {
  const { helper, ipv6, kernelSettings } = facts;
  if (isUnavailable(helper) || helper.maxPinholes === 0) return [];
  if (ipv6 === null) return [ok('pinholes', 'on, but this kernel has no IPv6')];
  if (kernelSettings.get('net/ipv6/conf/all/disable_ipv6') === '1')
    return [ok('pinholes', 'on, but IPv6 is turned off (net.ipv6.conf.all.disable_ipv6)')];
  const external = externalOf(facts);
  const { findings: ofFilters, others } = filterFindings(facts, ipv6, external);
  const findings = [
    ...socketFindings(facts, ipv6),
    ...forwardingFindings(facts, external),
    ...routeFindings(facts, ipv6, external),
    ...addressFindings(facts, ipv6),
    ...ruleFindings(facts),
    ...ofFilters,
  ];
  return findings.length > 0
    ? findings
    : [
        ok(
          'pinholes',
          `${helper.pinholes} open; the firewall lets in connections with their label (${labelOf(facts.setup.natChain)}), and ${others}`,
        ),
      ];
};

/** Rules that the administrator may take for more than they are. */
function ruleFindings({ daemons }: Facts): readonly Finding[] {
  const notice = ipv4RulesOf(daemons);
  return notice === null ? [] : [warn('pinholes', notice, IPV4_RULES_REMEDY)];
}

/** Where connections from outside arrive, as the ruleset has it; null if there is none, or it cannot be read. */
function externalOf({ nftDetails: { text }, setup }: Facts): string | null {
  const chain = text.split(`\tchain ${setup.natChain}-forward6 {`)[1]?.split('\n\t}')[0] ?? '';
  return /^\t\tiifname "([^"]+)" oifname /m.exec(chain)?.[1] ?? setup.externalInterface;
}

function socketFindings({ setup: { listenPort } }: Facts, { udpTable }: Ipv6): readonly Finding[] {
  const port = listenPort.toString(16).toUpperCase().padStart(4, '0');
  if (new RegExp(`^ *\\d+: 0{32}:${port} `, 'm').test(udpTable)) return [];
  return [
    fail(
      'pinholes',
      `nobody listens on [::]:${listenPort}/udp: nobody is answered over IPv6`,
      "start natpmp-server with --pinholes, or: sh systemd/install.sh ... --pinholes yes; systemctl status 'natpmp-pcp@*.socket'",
    ),
  ];
}

function forwardingFindings({ kernelSettings, setup }: Facts, external: string | null): readonly Finding[] {
  if (kernelSettings.get('net/ipv6/conf/all/forwarding') !== '0') return [];
  // Linux 6.17 and later: an interface may forward by itself.
  const names = [external, ...setup.listenInterfaces].filter((name) => name !== null);
  if (names.every((name) => kernelSettings.get(`net/ipv6/conf/${name}/force_forwarding`) === '1')) return [];
  return [
    fail(
      'pinholes',
      'net.ipv6.conf.all.forwarding is 0: this host forwards no IPv6 packets, so no pinhole can work',
      'sysctl -w net.ipv6.conf.all.forwarding=1, and a line in /etc/sysctl.d to keep it',
    ),
  ];
}

function routeFindings(
  { setup, interfaces }: Facts,
  { defaultRoutes }: Ipv6,
  external: string | null,
): readonly Finding[] {
  const [first] = defaultRoutes;
  if (external !== null && external !== setup.externalInterface && !interfaces.has(external))
    return [
      fail(
        'pinholes',
        `there is no interface ${external}, where pinholes let connections in`,
        `a tunnel that comes up later is taken; else start the gateway with --pinhole-interface ${first ?? 'NAME'}, on NixOS pinholes.externalInterface`,
      ),
    ];
  if (first === undefined)
    return [
      warn(
        'pinholes',
        'there is no default route of IPv6: nobody outside is answered',
        'has the provider IPv6? With forwarding on, accept its route: sysctl -w net.ipv6.conf.WAN.accept_ra=2',
      ),
    ];
  if (external === null || defaultRoutes.includes(external)) return [];
  return [
    warn(
      'pinholes',
      `the default route of IPv6 goes through ${defaultRoutes.join(', ')}, and pinholes let in what arrives on ${external}`,
      `start the gateway with --pinhole-interface ${first} (a tunnel), on NixOS pinholes.externalInterface`,
    ),
  ];
}

function addressFindings({ setup: { listenInterfaces } }: Facts, { addresses }: Ipv6): readonly Finding[] {
  return [...new Set(listenInterfaces)]
    .filter((name) => !addresses.has(name))
    .map((name) =>
      warn(
        'pinholes',
        `${name} has no global IPv6 address (2000::/3): its hosts have none that the Internet reaches`,
        `delegate a prefix to ${name} (DHCPv6-PD of networkd, dhcpcd, odhcp6c), and announce it there`,
      ),
    );
}

/** New connections from outside into one LAN. */
interface Class {
  /** Null if no LAN is known. */
  readonly lan: string | null;
  readonly protocol: Protocol;
}

interface JudgedChain {
  readonly chain: Chain;
  readonly isLabelled: boolean;
  /** In the order of the classes. */
  readonly judgements: readonly Judgement[];
}

/** `others`: whom the firewall lets in besides pinholes; said if there is no finding. */
function filterFindings(
  facts: Facts,
  ipv6: Ipv6,
  external: string | null,
): { readonly findings: readonly Finding[]; readonly others: string } {
  const { rulesetListing: listing, nftDetails: details, setup } = facts;
  if (isUnavailable(listing))
    return { findings: [unknown('pinholes', `the firewall was not checked: ${listing.reason}`)], others: '' };
  const label = labelOf(setup.natChain);
  const classes = classesOf(setup.listenInterfaces);
  const ruleset = readRuleset(listing, details, chainsOfGateways(facts.tables), 'ip6');
  const judged = (marked: number | null): readonly JudgedChain[] =>
    ruleset.bases.flatMap((chain) => judgeChain(chain, ruleset, classes, facts, ipv6, external, marked));
  const findings = judged(label).flatMap((each) => lossFindings(each, label, details.ip6tables));
  const isLegacy = ipv6.legacyTables.includes('filter');
  if (isLegacy)
    findings.push(
      warn(
        'pinholes',
        'there are rules of the legacy ip6tables, which nft does not show',
        `look at: ip6tables-legacy -S FORWARD; if it drops, put first: ip6tables-legacy -I FORWARD -m connlabel --label ${label} -j ACCEPT`,
      ),
    );
  const unmarked = judged(null);
  const doors = classes.map((_, index) => doorOf(unmarked.flatMap(({ judgements }) => judgements[index] ?? [])));
  if (!isLegacy) findings.push(...openFindings(classes, doors, external, label));
  const conditions = [...new Set(doors.flatMap((door) => (door.kind === 'closed' ? door.but : [])))];
  return {
    findings,
    others: conditions.length === 0 ? 'no others' : `others by its own rules: ${conditions.slice(0, 3).join('; ')}`,
  };
}

function classesOf(listenInterfaces: readonly string[]): readonly Class[] {
  const lans = listenInterfaces.length > 0 ? [...new Set(listenInterfaces)] : [null];
  return lans.flatMap((lan) => (['tcp', 'udp'] as const).map((protocol) => ({ lan, protocol })));
}

/** What a class of connections without the label meets. */
type Door =
  | { readonly kind: 'open' }
  /** To all, but for those that `but` is about. */
  | { readonly kind: 'closed'; readonly but: readonly string[] }
  | { readonly kind: 'unclear'; readonly on: readonly string[] };

/** A packet has to pass all chains: one that stops it is enough. */
function doorOf(judgements: readonly Judgement[]): Door {
  const losses = judgements.flatMap((one) => (one.kind === 'lost' ? [one.but] : []));
  const [first] = losses.toSorted((one, other) => one.length - other.length);
  if (first !== undefined) return { kind: 'closed', but: first };
  const conditions = judgements.flatMap((one) => (one.kind === 'unclear' ? one.on : []));
  return judgements.every(({ kind }) => kind === 'passes') ? { kind: 'open' } : { kind: 'unclear', on: conditions };
}

function openFindings(
  classes: readonly Class[],
  doors: readonly Door[],
  external: string | null,
  label: number,
): readonly Finding[] {
  const which = (kind: Door['kind']): readonly Class[] => classes.filter((_, index) => doors[index]?.kind === kind);
  const [open, unclear] = [which('open'), which('unclear')];
  const remedy = `a chain of the forward hook that drops what comes from ${external ?? 'outside'}, and accepts: ct state established,related; ct label ${label} (docs/pcp.md; on NixOS networking.firewall.filterForward = true)`;
  if (open.length === classes.length)
    return [
      warn(
        'pinholes',
        'nothing filters the IPv6 packets that are forwarded: all hosts of the LAN are reached from outside, with and without pinholes',
        remedy,
      ),
    ];
  const conditions = [...new Set(doors.flatMap((door) => (door.kind === 'unclear' ? door.on : [])))];
  return [
    ...(open.length === 0
      ? []
      : [
          warn(
            'pinholes',
            `nothing filters what is forwarded over IPv6 by ${phrase(open)}: these hosts are reached from outside, with and without pinholes`,
            remedy,
          ),
        ]),
    ...(unclear.length === 0
      ? []
      : [
          warn(
            'pinholes',
            `whether the firewall keeps out IPv6 connections without a pinhole by ${phrase(unclear)} depends on ${conditions.slice(0, 3).join('; ')}`,
            remedy,
          ),
        ]),
  ];
}

/** "TCP and UDP to br-lan, UDP to br-guest". */
function phrase(classes: readonly Class[]): string {
  return [...new Set(classes.map(({ lan }) => lan))]
    .map((lan) => {
      const protocols = classes.filter((one) => one.lan === lan).map(({ protocol }) => protocol.toUpperCase());
      return `${protocols.join(' and ')} to ${lan ?? 'the LAN'}`;
    })
    .join(', ');
}

/** `label`: what the packets are marked with, from our chain on. */
function judgeChain(
  chain: Chain,
  ruleset: Ruleset,
  classes: readonly Class[],
  { interfaceGroups: groups }: Facts,
  { defaultRoutes }: Ipv6,
  external: string | null,
  label: number | null,
): readonly JudgedChain[] {
  const stage = stageOf(chain, external);
  if (stage === null) return [];
  const isLabelled =
    label !== null && (stage === 'leaving' || (stage === 'forward' && chain.priority >= LABEL_PRIORITY));
  const packets = classes.map(
    ({ lan, protocol }): Packets => ({
      stage,
      protocol,
      from: external,
      to: lan,
      sources: [],
      hosts: null,
      externalAddresses: null,
      externalPorts: ANY_PORT,
      internalPorts: ANY_PORT,
      isOnlyRoute: defaultRoutes.length === 1 && defaultRoutes[0] === external,
      groups,
      ipv6: { label: isLabelled ? label : null },
    }),
  );
  return [{ chain, isLabelled, judgements: packets.map((each) => judge(chain, ruleset, each)) }];
}

function stageOf({ type, hook, priority, devices }: Chain, external: string | null): Stage | null {
  if (type === 'nat') return null;
  switch (hook) {
    case 'forward':
      return 'forward';
    case 'postrouting':
      return 'leaving';
    case 'ingress':
      return external !== null && devices.includes(external) ? 'untracked' : null;
    case 'prerouting':
      return priority < CONNTRACK_PRIORITY ? 'untracked' : 'translated';
    default:
      return null;
  }
}

function lossFindings({ chain, isLabelled, judgements }: JudgedChain, label: number, saved: string): Finding[] {
  if (judgements.every(({ kind }) => kind === 'passes')) return [];
  const where = `chain ${chain.name} of table ${chain.family} ${chain.table}`;
  const remedy = pinholeRemedy(chain, label, isLabelled, saved);
  if (judgements.some((one) => one.kind === 'lost' && one.but.length === 0))
    return [fail('pinholes', `${where} drops what pinholes let in`, remedy)];
  const conditions = judgements.flatMap((one) => (one.kind === 'unclear' ? one.on : one.but));
  return [
    warn(
      'pinholes',
      `${where} may drop what pinholes let in: it depends on ${[...new Set(conditions)].slice(0, 3).join('; ')}`,
      remedy,
    ),
  ];
}
