// The second stack of the lab: the prefixes that a provider has delegated, the router's link-local addresses, and a
// firewall that lets nobody in.
//
//   alice ::2 --.                                                         .-- 2001:db8:ffff::1   outside, which also has
//   bob   ::3 --+-- br-lan   2001:db8:a:1::1  router  wan0 ...:ffff::10 --+-- 2001:db8:ffff::2   2001:db8:f00::7 further away
//   carol ::2 ----- br-guest 2001:db8:a:2::1
//
// Hosts know their router by its link-local address, as router advertisements tell it; it is fe80::1 in both LANs.

import { labelOf } from '../../cli/host/ruleset-text.js';
import type { Host } from './host.js';
import { type Lab, type LabOptions, openLab } from './lab.js';

/** The prefixes of the LANs, each a /64. */
export const LAN6 = '2001:db8:a:1::';
export const GUEST_LAN6 = '2001:db8:a:2::';
/** What the provider may delegate instead: the outside has a route for it, too. */
export const OTHER_LAN6 = '2001:db8:b:1::';
export const ROUTER6 = `${LAN6}1`;
export const ALICE6 = `${LAN6}2`;
export const BOB6 = `${LAN6}3`;
export const GUEST_ROUTER6 = `${GUEST_LAN6}1`;
export const CAROL6 = `${GUEST_LAN6}2`;
export const EXTERNAL6 = '2001:db8:ffff::10';
export const OUTSIDE6 = '2001:db8:ffff::1';
export const OUTSIDE6_TOO = '2001:db8:ffff::2';
export const REMOTE6 = '2001:db8:f00::7';

/** Link-local addresses. The router's is the same in every LAN. */
export const ROUTER6_LOCAL = 'fe80::1';
export const ALICE6_LOCAL = 'fe80::2';
export const BOB6_LOCAL = 'fe80::3';
export const CAROL6_LOCAL = 'fe80::2';

/** The conntrack label that the firewall has to accept: of the default chain. */
const LABEL = labelOf('NATPMP');

/**
 * A firewall as routers have it: hosts of the LAN may begin what they like, and nobody else anything, but what the
 * gateway has marked. IPv4 is the other firewall's matter.
 */
export const FIREWALL6 = `
table inet lab6 {
  chain forward {
    type filter hook forward priority filter; policy drop;
    meta nfproto ipv4 accept
    ct state established,related accept
    iifname "br-lan" accept
    iifname "br-guest" oifname "wan0" accept
    ct label ${LABEL} accept
  }
}
`;

/** The lab with both stacks; null as openLab. */
export async function openDualStackLab(options: LabOptions = {}): Promise<Lab | null> {
  const lab = await openLab(options);
  if (lab !== null) await addIpv6(lab);
  return lab;
}

/** Give a lab its second stack. No firewall, null: where another nft has loaded the ruleset, ours may not read it. */
export async function addIpv6(lab: Lab, firewall: string | null = FIREWALL6): Promise<void> {
  const { router, alice, bob, carol, outside } = lab;
  await router.run('sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/all/forwarding');
  await Promise.all([
    addresses(router, 'br-lan', ROUTER6_LOCAL, ROUTER6),
    addresses(router, 'wan0', 'fe80::a', EXTERNAL6),
    addresses(alice, 'eth0', ALICE6_LOCAL, ALICE6),
    addresses(bob, 'eth0', BOB6_LOCAL, BOB6),
    addresses(outside, 'eth0', 'fe80::1', OUTSIDE6),
    ...(carol === null
      ? []
      : [addresses(router, 'br-guest', ROUTER6_LOCAL, GUEST_ROUTER6), addresses(carol, 'eth0', CAROL6_LOCAL, CAROL6)]),
  ]);
  for (const host of [alice, bob, carol]) await host?.namespace.ip(`route add default via ${ROUTER6_LOCAL} dev eth0`);
  await router.namespace.ip(`route add default via ${OUTSIDE6}`);
  await outside.namespace.ip(
    // Deprecated: a socket that is bound to no address sends from the other one.
    `addr add ${OUTSIDE6_TOO}/64 dev eth0 nodad preferred_lft 0`,
    `addr add ${REMOTE6}/128 dev lo nodad`,
    `route add 2001:db8:a::/47 via ${EXTERNAL6}`,
  );
  if (firewall !== null) await lab.nft(firewall);
}

/** In place of those that the kernel gives, at once, without asking whether another has them (DAD). */
async function addresses(host: Host, device: string, ...given: readonly string[]): Promise<void> {
  await host.namespace.ip(
    `link set dev ${device} addrgenmode none`,
    `addr flush dev ${device} scope link`,
    ...given.map((address) => `addr add ${address}/64 dev ${device} nodad`),
  );
}

/** A link-local address as a program of this host names it. */
export function onLan(address: string): string {
  return `${address}%eth0`;
}
