// Which packets of mappings are lost in a chain. Pure.

import { NOT_PUBLIC } from '../../../../config/public-address.js';
import type { Mapping, Protocol } from '../../../../proto/mapping.js';
import type { Interface, Setup } from '../facts.js';
import type { Packets, Stage } from '../../../host/firewall/packet.js';
import type { Range } from '../../../host/firewall/range.js';
import { block, without } from '../../../host/firewall/range.js';
import type { Chain, Ruleset } from './ruleset.js';
import type { End } from './walk.js';
import { endsOf } from './walk.js';

/** The network around the packets. */
export interface Network {
  readonly externalInterface: string | null;
  readonly externalAddresses: readonly Range[] | null;
  readonly isOnlyRoute: boolean;
  readonly groups: ReadonlyMap<string, number>;
  readonly lans: readonly Lan[];
}
interface Lan {
  readonly interfaceName: string | null;
  readonly hosts: readonly Range[] | null;
}

export type Judgement =
  /** All of them, but for those that `but` is about. */
  | { readonly kind: 'passes'; readonly but: readonly string[] }
  | { readonly kind: 'lost'; readonly how: 'dropped' | 'untracked'; readonly but: readonly string[] }
  | { readonly kind: 'unclear'; readonly on: readonly string[] };

/** Priorities of the kernel's own hooks (linux/netfilter_ipv4.h). */
const CONNTRACK = -200;
const NAT_DST = -100;

const ANY_PORT: readonly Range[] = [[1, 65535]];

export function networkOf(
  setup: Setup,
  interfaces: ReadonlyMap<string, Interface>,
  defaultRoutes: readonly string[],
  groups: ReadonlyMap<string, number>,
): Network {
  const externalInterface = setup.externalInterface ?? (defaultRoutes.length === 1 ? (defaultRoutes[0] ?? null) : null);
  // As in the ruleset: the address that clients are told counts alone if it is one of the router's.
  const told = [...interfaces.values()]
    .flatMap(({ lans }) => lans)
    .filter(({ routerAddress }) => routerAddress === setup.externalAddress);
  const addresses = told.length > 0 ? told : (interfaces.get(externalInterface ?? '')?.lans ?? []);
  return {
    externalInterface,
    groups,
    lans: lansOf(setup, interfaces),
    externalAddresses:
      addresses.length === 0 ? null : addresses.map(({ routerAddress }): Range => [routerAddress, routerAddress]),
    isOnlyRoute: defaultRoutes.length === 1 && defaultRoutes[0] === externalInterface,
  };
}

/** Of each LAN interface, its hosts; if no interface is known, one LAN of which nothing is known. */
export function lansOf({ listenInterfaces, lans }: Setup, interfaces: ReadonlyMap<string, Interface>): readonly Lan[] {
  const isServed = (address: number): boolean => lans.some(({ routerAddress }) => routerAddress === address);
  const served = [...interfaces].filter(
    ([name, found]) =>
      listenInterfaces.includes(name) || found.lans.some(({ routerAddress }) => isServed(routerAddress)),
  );
  const known = served.map(([interfaceName, found]) => {
    const own = found.lans.filter(({ routerAddress }) => lans.length === 0 || isServed(routerAddress));
    return {
      interfaceName,
      hosts: own.length === 0 ? null : own.map(({ routerAddress, prefixLength }) => block(routerAddress, prefixLength)),
    };
  });
  return known.length > 0 ? known : [{ interfaceName: null, hosts: null }];
}

/** The stage of packets of mappings in a chain; null if they do not pass it. */
export function stageOf({ type, hook, priority, devices }: Chain, externalInterface: string | null): Stage | null {
  switch (hook) {
    case 'forward':
      return 'forward';
    case 'postrouting':
      return 'leaving';
    case 'ingress':
      return externalInterface !== null && devices.includes(externalInterface) ? 'untracked' : null;
    case 'prerouting':
      if (priority < CONNTRACK) return 'untracked';
      if (priority <= NAT_DST) return 'untranslated';
      // A connection that is translated passes by the chains for translation that come later.
      return type === 'nat' ? null : 'translated';
    default:
      return null;
  }
}

/** The packets of all mappings, by protocol and LAN. */
export function classesOf(network: Network, stage: Stage): readonly Packets[] {
  return network.lans.flatMap((lan) =>
    (['tcp', 'udp'] as const).map((protocol) => packetsOf(network, stage, lan, protocol)),
  );
}

/** Those of one mapping. */
export function classOf(network: Network, stage: Stage, mapping: Mapping): Packets {
  const { protocol, internalAddress: host, internalPort, externalPort } = mapping;
  const lan = network.lans.find(({ hosts }) => hosts?.some(([from, to]) => from <= host && host <= to) ?? false);
  return {
    ...packetsOf(network, stage, { interfaceName: lan?.interfaceName ?? null, hosts: [[host, host]] }, protocol),
    internalPorts: [[internalPort, internalPort]],
    externalPorts: [[externalPort, externalPort]],
  };
}

function packetsOf(network: Network, stage: Stage, lan: Lan, protocol: Protocol): Packets {
  const lans = network.lans.flatMap(({ hosts }) => hosts ?? []);
  return {
    stage,
    protocol,
    from: network.externalInterface,
    to: lan.interfaceName,
    hosts: lan.hosts,
    sources: without([...NOT_PUBLIC.map(([address, length]) => block(address, length)), ...lans]),
    externalAddresses: network.externalAddresses,
    isOnlyRoute: network.isOnlyRoute,
    groups: network.groups,
    externalPorts: ANY_PORT,
    internalPorts: ANY_PORT,
    ipv6: null,
  };
}

export function judge(chain: Chain, ruleset: Ruleset, packets: Packets): Judgement {
  const ends = endsOf(chain, ruleset, packets);
  const likely = ends.filter(({ chance }) => chance !== 'rare');
  const onWhat = (some: readonly End[]): readonly string[] => [...new Set(some.flatMap(({ on }) => on))];
  if (likely.length > 0 && likely.every(({ fate }) => fate === 'passes'))
    return { kind: 'passes', but: onWhat(ends.filter(({ fate }) => fate !== 'passes')) };
  // Which of the two it is makes no difference to them.
  if (likely.length > 0 && likely.every(isLoss)) {
    return {
      kind: 'lost',
      how: likely.every(({ fate }) => fate === 'untracked') ? 'untracked' : 'dropped',
      but: onWhat(ends.filter((end) => !isLoss(end))),
    };
  }
  return { kind: 'unclear', on: onWhat(likely.length > 0 ? likely : ends) };
}

function isLoss({ fate }: End): boolean {
  return fate === 'dropped' || fate === 'untracked';
}
