// What IPv6 pinholes need of the router: forwarding, routes, addresses, and a firewall that keeps out everything else and
// lets in what a pinhole has marked. Pure.

import type { Finding } from '../finding.js';
import { fail, ok, unknown, warn } from '../finding.js';
import type { Packets, Stage } from '../../host/firewall/packet.js';
import { labelOf } from '../../host/ruleset-text.js';
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
  const findings = [
    ...socketFindings(facts, ipv6),
    ...forwardingFindings(facts, external),
    ...routeFindings(ipv6, external),
    ...addressFindings(facts, ipv6),
    ...filterFindings(facts, ipv6, external),
  ];
  return findings.length > 0
    ? findings
    : [
        ok(
          'pinholes',
          `${helper.pinholes} open; the firewall lets in connections with their label (${labelOf(facts.setup.natChain)}), and no others`,
        ),
      ];
};

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

function routeFindings({ defaultRoutes }: Ipv6, external: string | null): readonly Finding[] {
  const [first] = defaultRoutes;
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
  return listenInterfaces
    .filter((name) => !addresses.has(name))
    .map((name) =>
      warn(
        'pinholes',
        `${name} has no global IPv6 address (2000::/3): its hosts have none that the Internet reaches`,
        `delegate a prefix to ${name} (DHCPv6-PD of networkd, dhcpcd, odhcp6c), and announce it there`,
      ),
    );
}

interface JudgedChain {
  readonly chain: Chain;
  readonly isLabelled: boolean;
  readonly judgements: readonly Judgement[];
}

function filterFindings(facts: Facts, ipv6: Ipv6, external: string | null): readonly Finding[] {
  const { rulesetListing: listing, nftDetails: details, setup } = facts;
  if (isUnavailable(listing)) return [unknown('pinholes', `the firewall was not checked: ${listing.reason}`)];
  const label = labelOf(setup.natChain);
  const ruleset = readRuleset(listing, details, chainsOfGateways(facts.tables), 'ip6');
  const judged = (marked: number | null): readonly JudgedChain[] =>
    ruleset.bases.flatMap((chain) => judgeChain(chain, ruleset, facts, ipv6, external, marked));
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
  const isOpen = judged(null).every(({ judgements }) => judgements.every(({ kind }) => kind === 'passes'));
  if (isOpen && !isLegacy)
    findings.push(
      warn(
        'pinholes',
        'nothing filters the IPv6 packets that are forwarded: all hosts of the LAN are reached from outside, with and without pinholes',
        `a chain of the forward hook that drops what comes from ${external ?? 'outside'}, and accepts: ct state established,related; ct label ${label} (docs/pcp.md; on NixOS networking.firewall.filterForward = true)`,
      ),
    );
  return findings;
}

/** `label`: what the packets are marked with, from our chain on. */
function judgeChain(
  chain: Chain,
  ruleset: Ruleset,
  { setup: { listenInterfaces }, interfaceGroups: groups }: Facts,
  { defaultRoutes }: Ipv6,
  external: string | null,
  label: number | null,
): readonly JudgedChain[] {
  const stage = stageOf(chain, external);
  if (stage === null) return [];
  const isLabelled =
    label !== null && (stage === 'leaving' || (stage === 'forward' && chain.priority >= LABEL_PRIORITY));
  const names = listenInterfaces.length > 0 ? listenInterfaces : [null];
  const classes = names.flatMap((to) =>
    (['tcp', 'udp'] as const).map(
      (protocol): Packets => ({
        stage,
        protocol,
        from: external,
        to,
        sources: [],
        hosts: null,
        externalAddresses: null,
        externalPorts: ANY_PORT,
        internalPorts: ANY_PORT,
        isOnlyRoute: defaultRoutes.length === 1 && defaultRoutes[0] === external,
        groups,
        ipv6: { label: isLabelled ? label : null },
      }),
    ),
  );
  return [{ chain, isLabelled, judgements: classes.map((packets) => judge(chain, ruleset, packets)) }];
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
