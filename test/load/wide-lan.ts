// A router between a LAN full of hosts and the outside, each a network namespace.
//
//   10.77.128.1 ... the hosts, all one machine -- 10.77.0.2 -- br-lan 10.77.0.1 [router] wan0 203.0.113.10 -- outside
//                              another device -- 10.77.0.3 --
//
// The same over IPv6: 2001:db8:77::1 is the router, ::2 the gate, ::3 the other device, and 2001:db8:77:1::/64 the hosts.

import { formatIpv4 } from '../../proto/mapping.js';
import type { Namespace } from '../support/network.js';
import { cable, openNamespaces } from '../support/network.js';
import {
  FIRST_HOST,
  LAN_GATE,
  LAN_GATE6,
  LAN_HOSTS,
  LAN_HOSTS6,
  NEIGHBOUR,
  NEIGHBOUR6,
  ROUTER,
  ROUTER6,
  ROUTER_LAN,
} from './mappings.js';

/** As many as the gateway counts by themselves (helper/ruleset.ts). */
const DEVICES = 4096;

/** The router's address outside, and that of the host there. */
export const EXTERNAL = '203.0.113.10';
export const OUTSIDE = '203.0.113.1';
export const EXTERNAL6 = '2001:db8:ffff::10';
export const OUTSIDE6 = '2001:db8:ffff::1';

export interface WideLan {
  readonly router: Namespace;
  readonly lan: Namespace;
  readonly neighbour: Namespace;
  readonly outside: Namespace;
  close(): void;
}

/**
 * `hardware`: the hosts of the LAN send from one hardware address, as one device does that forges addresses, or each
 * from its own.
 */
export async function buildWideLan(hardware: 'one device' | 'many devices' = 'one device'): Promise<WideLan> {
  const namespaces = await openNamespaces(['router', 'lan', 'neighbour', 'outside'] as const);
  const [router, lan, neighbour, outside] = namespaces;
  await cable(
    { in: router, device: 'br-lan', addresses: [`${ROUTER_LAN} noprefixroute`] },
    { in: lan, device: 'eth0', addresses: [`${LAN_GATE}/16`] },
  );
  await router.ip(
    `route add ${LAN_GATE}/32 dev br-lan`,
    `route add ${NEIGHBOUR}/32 dev br-lan`,
    `route add ${ROUTER_LAN.replace(/\.\d+\//, '.0/')} via ${LAN_GATE} dev br-lan`,
  );
  // All the hosts are this one machine, and one neighbour of the router's: its neighbour table is not under
  // measurement.
  await lan.ip(
    `route add local ${LAN_HOSTS} dev lo`,
    `route add default via ${ROUTER}`,
    'link add eth1 link eth0 type macvlan mode bridge',
    `link set eth1 netns ${neighbour.pid} name eth0`,
  );
  await neighbour.ip(`addr add ${NEIGHBOUR}/16 dev eth0`, 'link set eth0 up');
  await cable(
    { in: router, device: 'wan0', addresses: [`${EXTERNAL}/24`] },
    { in: outside, device: 'eth0', addresses: [`${OUTSIDE}/24`] },
  );
  await router.ip(`route add default via ${OUTSIDE}`);
  await addIpv6(router, lan, neighbour, outside);
  if (hardware === 'many devices') await lan.nft(hardwareAddresses());
  await router.forward({ filterReversePaths: true });
  return {
    router,
    lan,
    neighbour,
    outside,
    close() {
      for (const namespace of namespaces) namespace.close();
    },
  };
}

async function addIpv6(router: Namespace, lan: Namespace, neighbour: Namespace, outside: Namespace): Promise<void> {
  // Without a wait for others that might have the address.
  await router.ip(
    `addr add ${ROUTER6}/64 dev br-lan nodad`,
    `addr add ${EXTERNAL6}/64 dev wan0 nodad`,
    `route add ${LAN_HOSTS6} via ${LAN_GATE6} dev br-lan`,
    `route add default via ${OUTSIDE6}`,
  );
  await lan.ip(
    `addr add ${LAN_GATE6}/64 dev eth0 nodad`,
    `route add local ${LAN_HOSTS6} dev lo`,
    `route add default via ${ROUTER6}`,
  );
  await neighbour.ip(`addr add ${NEIGHBOUR6}/64 dev eth0 nodad`, `route add default via ${ROUTER6}`);
  await outside.ip(`addr add ${OUTSIDE6}/64 dev eth0 nodad`, `route add 2001:db8:77::/48 via ${EXTERNAL6}`);
  await router.must('sh', ['-c', 'echo 1 > /proc/sys/net/ipv6/conf/all/forwarding']);
  // The kernel lets nobody send from an address that is only a local route.
  await lan.must('sh', ['-c', 'echo 1 > /proc/sys/net/ipv6/ip_nonlocal_bind']);
}

/**
 * Who asks is counted by device: the first hosts send from hardware addresses of their own. Answers do not need these;
 * all of the hosts are reached by the gate's.
 */
function hardwareAddresses(): string {
  const devices = Array.from({ length: DEVICES }, (_, host) => {
    const octets = [0x02, 0x77, 0, 0, host >>> 8, host & 0xff].map((octet) => octet.toString(16).padStart(2, '0'));
    return { host: FIRST_HOST + host, mac: octets.join(':') };
  });
  const elements4 = devices.map(({ host, mac }) => `${formatIpv4(host)} : ${mac}`).join(', ');
  const elements6 = devices.map(({ host, mac }) => `${address6(host)} : ${mac}`).join(', ');
  return `table netdev bench {
    map hardware { type ipv4_addr : ether_addr; elements = { ${elements4} } }
    map hardware6 { type ipv6_addr : ether_addr; elements = { ${elements6} } }
    chain leaving { type filter hook egress device eth0 priority 0;
      ether saddr set ip saddr map @hardware
      ether saddr set ip6 saddr map @hardware6; }
  }`;
}

/** Of the host with this IPv4 address. */
export function address6(host: number): string {
  return `${LAN_HOSTS6.replace('/64', '')}${(host >>> 16).toString(16)}:${(host & 0xffff).toString(16)}`;
}
