// The network around the gateway: interfaces, addresses, routes, forwarding. Pure.

import { addressKind } from '../../../config/public-address.js';
import type { Ipv4, Lan } from '../../../proto/mapping.js';
import { formatLan } from '../../../config/format.js';
import { formatIpv4 } from '../../../proto/mapping.js';
import type { Finding } from '../finding.js';
import { fail, ok, unknown, warn } from '../finding.js';
import type { Check, Facts } from './facts.js';
import { interfaceWith, isUnavailable } from './facts.js';
import { objectsOf, only, textOf } from '../../host/nft-json.js';
import { findLeftovers, findRuleset } from '../../host/ruleset-plan.js';
import { labelOf } from '../../host/ruleset-text.js';

export const externalInterface: Check = (facts) => {
  const {
    setup: { externalInterface: name },
    interfaces,
    defaultRoutes,
  } = facts;
  if (name === null)
    return [
      unknown('external', 'the interface is not known: no daemon runs that names it', 'say --external-interface NAME'),
    ];
  const found = interfaces.get(name);
  if (found === undefined) {
    return [
      fail(
        'external',
        facts.altnames.get(name) ?? `there is no interface ${name}`,
        `start the gateway with one of: ${[...interfaces.keys()].sort().join(', ')}`,
      ),
    ];
  }
  if (!found.isUp)
    return [fail('external', `${name} is down`, `ip link set ${name} up, or wait until it is brought up`)];
  if (found.lans.length === 0)
    return [
      fail(
        'external',
        `${name} has no IPv4 address`,
        'wait for DHCP or PPP, or give it one: until then requests are answered with NETWORK FAILURE',
      ),
    ];
  const address = `${name} is up and has ${found.lans.map(formatLan).join(', ')}`;
  if (!found.isRunning) return [warn('external', `${name} has no carrier`, 'is the cable in, and the modem on?')];
  if (defaultRoutes.length === 0)
    return [
      ok('external', address),
      warn(
        'route',
        'there is no default route',
        'without one nothing from outside is answered: ip route add default ...',
      ),
    ];
  if (!defaultRoutes.includes(name)) {
    return [
      ok('external', address),
      warn(
        'route',
        `the default route goes through ${defaultRoutes.join(', ')}, not through ${name}`,
        `answers leave by another way than requests come in: is --external-interface ${defaultRoutes[0]} meant (PPPoE: ppp0 rather than the port it runs on)?`,
      ),
    ];
  }
  return [ok('external', `${address}; the default route goes through it`)];
};

export const publicAddress: Check = ({ setup, interfaces }) => {
  const address =
    setup.externalAddress ?? interfaces.get(setup.externalInterface ?? '')?.lans[0]?.routerAddress ?? null;
  if (address === null) return [];
  const subject = `the external address ${formatIpv4(address)}`;
  return [addressFinding('double NAT', address, subject, `${subject} is a public one`)];
};

/** Whether the Internet can reach an address. `okSays`: what to say if it can. */
export function addressFinding(check: string, address: Ipv4, subject: string, okSays: string): Finding {
  const kind = addressKind(address);
  if (kind === 'public') return ok(check, okSays);
  return warn(check, `${subject} is ${ADDRESS_WORDS[kind]}: the Internet does not reach it`, ADDRESS_REMEDIES[kind]);
}

const ADDRESS_WORDS = {
  private: 'a private one (RFC 1918)',
  shared: 'a shared one of your provider (RFC 6598, carrier NAT)',
  reserved: 'one that nobody has on the Internet',
} as const;
const ADDRESS_REMEDIES = {
  private: 'another router translates in front of this one: put it into bridge mode, or have it forward the ports here',
  shared: 'ask the provider for a public address; a mapping works only as far as the provider passes it on',
  reserved: 'has DHCP or PPP given the right address? See: ip address',
} as const;

export const lanInterfaces: Check = (facts) => {
  const {
    setup: { listenInterfaces, lans },
    interfaces,
    altnames,
  } = facts;
  const findings = listenInterfaces.map((name) => {
    const found = interfaces.get(name);
    if (found === undefined)
      return fail(
        'LAN',
        altnames.get(name) ?? `there is no interface ${name}`,
        `start the gateway with one of: ${[...interfaces.keys()].sort().join(', ')}`,
      );
    if (!found.isUp) return fail('LAN', `${name} is down`, `ip link set ${name} up`);
    if (found.lans.length === 0)
      return fail('LAN', `${name} has no IPv4 address`, `ip address add ADDRESS/LENGTH dev ${name}`);
    return ok('LAN', `${name} is up and has ${found.lans.map(formatLan).join(', ')}`);
  });
  const gone = lans.filter((lan) => !isThere(lan, interfaces));
  for (const lan of gone) {
    findings.push(
      fail(
        'LAN',
        `the gateway serves ${formatLan(lan)}, but no interface has that address any more`,
        'give it back, or install the units again (natpmp-server notices by itself)',
      ),
    );
  }
  if (findings.length === 0 && lans.length === 0)
    return [
      unknown('LAN', 'the interfaces are not known: no daemon runs that names them', 'say --listen-interface NAME'),
    ];
  return findings.length > 0
    ? findings
    : [
        ok(
          'LAN',
          `${lans.map((lan) => `${formatLan(lan)} on ${interfaceWith(lan.routerAddress, interfaces)}`).join(', ')}`,
        ),
      ];
};

function isThere({ routerAddress }: Lan, interfaces: Facts['interfaces']): boolean {
  return interfaceWith(routerAddress, interfaces) !== undefined;
}

export const forwarding: Check = ({ kernelSettings, setup }) => {
  if (kernelSettings.get('net/ipv4/ip_forward') === '0') {
    return [
      fail(
        'forwarding',
        'net.ipv4.ip_forward is 0: this host forwards no packets, so no mapping can work',
        'sysctl -w net.ipv4.ip_forward=1, and a line in /etc/sysctl.d to keep it',
      ),
    ];
  }
  const names = [setup.externalInterface, ...setup.listenInterfaces].filter((name) => name !== null);
  const off = names.filter((name) => kernelSettings.get(`net/ipv4/conf/${name}/forwarding`) === '0');
  if (off.length > 0)
    return [
      fail(
        'forwarding',
        `it is off for ${off.join(', ')}`,
        off.map((name) => `sysctl -w net/ipv4/conf/${name}/forwarding=1`).join('; '),
      ),
    ];
  return [ok('forwarding', 'the kernel forwards packets')];
};

export const bridge: Check = ({ kernelSettings }) =>
  kernelSettings.get('net/bridge/bridge-nf-call-iptables') === '1'
    ? [
        warn(
          'bridge',
          'bridged packets pass the firewall (Docker and Kubernetes ask for it), which breaks hairpin: LAN hosts do not reach mappings by the external address',
          'sysctl -w net.bridge.bridge-nf-call-iptables=0, or start the gateway with --no-hairpin',
        ),
      ]
    : [ok('bridge', 'bridged packets do not pass the firewall')];

/** From these shares of the limit on, the table is nearly full, and full: its last places come and go. */
const [NEARLY, FULL] = [0.9, 0.99];

export const conntrack: Check = ({ kernelSettings }) => {
  const connections = connectionsIn((name) => kernelSettings.get(name) ?? null);
  return connections === null ? [] : [conntrackFinding('conntrack', connections)];
};

/** The kernel's connection tracking table: connections that there are, and that there may be. */
export interface Connections {
  readonly count: number;
  readonly max: number;
}

/** Pure but for `setting`, which has the files below /proc/sys; null if connections are not tracked. */
export function connectionsIn(setting: (name: string) => string | null): Connections | null {
  const [count = NaN, max = NaN] = ['count', 'max'].map((name) =>
    Number(setting(`net/netfilter/nf_conntrack_${name}`) ?? NaN),
  );
  return count >= 0 && max > 0 ? { count, max } : null;
}

/** Pure. */
export function conntrackFinding(check: string, { count, max }: Connections): Finding {
  if (count < max * NEARLY) return ok(check, `${count} of at most ${max} connections`);
  const remedy = `conntrack -L shows who has them; for more: sysctl -w net.netfilter.nf_conntrack_max=${max * 2}, and a line in /etc/sysctl.d to keep it`;
  return count < max * FULL
    ? warn(
        check,
        `the connection tracking table is nearly full (${count} of ${max}): beyond that, new connections are dropped, to mappings too`,
        remedy,
      )
    : fail(
        check,
        `the connection tracking table is full (${count} of ${max}): new connections are dropped, to mappings too`,
        remedy,
      );
}

/** Offloaded packets pass no forward chain, so the rules that end a mapping's connections never see them. */
export const offload: Check = ({ rulesetListing, setup }) => {
  if (isUnavailable(rulesetListing)) return [];
  const tables = only('flowtable', objectsOf(rulesetListing));
  const [first] = tables;
  if (first === undefined) return [];
  const [family, table, name] = [textOf(first['family']), textOf(first['table']), textOf(first['name'])];
  return [
    warn(
      'offload',
      `flowtable ${name} of table ${family} ${table} takes connections past the rules: those of a mapping that has ended go on until they are idle, and their traffic is not counted`,
      `in front of the rule "flow add @${name}" put: ct label ${labelOf(setup.natChain)} return, in a chain of its own with that rule`,
    ),
  ];
};

export const ruleset: Check = ({ tables, setup, helper }) => {
  if (isUnavailable(tables)) return [unknown('ruleset', `not checked: ${tables.reason}`)];
  const { natTable: table, natChain: chain } = setup;
  if (findRuleset(tables, { table, chain }) === null)
    return [
      fail(
        'ruleset',
        `there is no chain ${chain} of ours in table inet ${table}`,
        'start natpmp-server, which installs it; with the units: systemctl restart natpmp-ruleset',
      ),
    ];
  if (!isUnavailable(helper) && !helper.kernelInStep) {
    return [
      fail(
        'ruleset',
        `the ruleset ${chain} is in table inet ${table}, but its elements are not what the helper put there`,
        "look at the helper's log; restart it if this stays so",
      ),
    ];
  }
  const [before] = findLeftovers(tables, { table, chain }, null);
  if (before !== undefined)
    return [
      warn(
        'ruleset',
        `table ${before.family} ${before.table} of an earlier configuration is still there`,
        'restart the gateway, which removes it',
      ),
    ];
  return [ok('ruleset', `the ruleset ${chain} is in table inet ${table}`)];
};
