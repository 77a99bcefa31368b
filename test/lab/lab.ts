// The network laboratory of the system tests: a router between a LAN and the outside, each a network namespace.
//
//   alice 192.168.1.2 --.                                              .-- 203.0.113.1   outside, which also has
//   bob   192.168.1.3 --+-- br-lan 192.168.1.1  router  wan0 .10 ------+-- 203.0.113.2   198.51.100.7 further away
//   carol 192.168.2.2 ----- br-guest 192.168.2.1 (guest: true)
//
// The router forwards and masquerades as a router does that knows nothing of NAT-PMP. Nothing is
// left of it when this process ends.

import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atEnd, skip } from '../support/cases.js';
import { Host } from './host.js';
import type { Namespace } from '../support/network.js';
import { cable, openNamespaces } from '../support/network.js';
import type { Finished } from '../support/run.js';

export const ROUTER = '192.168.1.1';
export const ALICE = '192.168.1.2';
export const BOB = '192.168.1.3';
export const GUEST_ROUTER = '192.168.2.1';
export const CAROL = '192.168.2.2';
export const EXTERNAL = '203.0.113.10';
export const OUTSIDE = '203.0.113.1';
export const OUTSIDE_TOO = '203.0.113.2';
/** An address behind the outside host, reached through the router's default route. */
export const REMOTE = '198.51.100.7';

const PREFIX = 'natpmp-test';

export interface LabOptions {
  /** A second LAN, br-guest, with carol in it. */
  readonly guest?: boolean;
}

export interface Lab {
  readonly router: Host;
  readonly alice: Host;
  readonly bob: Host;
  readonly outside: Host;
  /** Only in a lab with `guest`. */
  readonly carol: Host | null;
  /** A folder of this lab's own, that anybody may enter. */
  readonly folder: string;
  /** Run nft in the router, with a script on its input. */
  nft(script: string): Promise<void>;
  /** Run ip(8) in the router. */
  ip(command: string): Promise<Finished>;
}

/** Build the lab, or skip the file's claims, loudly, if namespaces cannot be made: null. */
export async function openLab(options: LabOptions = {}): Promise<Lab | null> {
  const why = process.getuid?.() === 0 ? null : 'needs root, for network namespaces';
  if (why !== null) {
    skip('the system in namespaces', why);
    return null;
  }
  const names = ['router', 'alice', 'bob', 'outside', 'carol'].slice(0, options.guest === true ? 5 : 4);
  const folder = mkdtempSync(join(tmpdir(), `${PREFIX}-`));
  const namespaces: Namespace[] = [];
  const hosts: Host[] = [];
  atEnd(() => {
    for (const host of hosts) host.stop();
    for (const namespace of namespaces) namespace.close();
    rmSync(folder, { recursive: true, force: true });
  });
  chmodSync(folder, 0o755);
  namespaces.push(...(await openNamespaces(names)));
  await connect(namespaces);
  hosts.push(...(await Promise.all(namespaces.map((namespace, at) => Host.start(names[at] ?? '', namespace)))));

  const [router, alice, bob, outside, carol] = hosts;
  if (!router || !alice || !bob || !outside) throw new Error('a lab has four hosts');
  return {
    router,
    alice,
    bob,
    outside,
    carol: carol ?? null,
    folder,
    async nft(script) {
      await router.namespace.nft(script);
    },
    ip: (command) => router.run('ip', ...command.split(' ')),
  };
}

/** Take the external address away, and give another, or none. The route goes with the address, and comes with it. */
export async function setExternal({ ip }: Lab, address: string | null): Promise<void> {
  await ip('addr flush dev wan0');
  if (address === null) return;
  await ip(`addr add ${address}/24 dev wan0`);
  await ip(`route add default via ${OUTSIDE}`);
}

/** What a router's own firewall does for traffic that nobody mapped; there before the server starts. */
export const MASQUERADE = `
table ip lab {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "wan0" masquerade
  }
}
`;

async function connect([router, alice, bob, outside, carol]: readonly Namespace[]): Promise<void> {
  if (!router || !alice || !bob || !outside) throw new Error('a lab has four hosts');
  const inside = async (namespace: Namespace, name: string, bridge: string, address: string, gateway: string) => {
    await cable(
      { in: router, device: `to-${name}`, bridge },
      { in: namespace, device: 'eth0', addresses: [`${address}/24`] },
    );
    await namespace.ip(`route add default via ${gateway}`);
  };
  // rp_filter off: what keeps strangers out must be the server's doing, not this kernel's default.
  await router.forward({ filterReversePaths: false });
  await router.bridge('br-lan', `${ROUTER}/24`);
  await inside(alice, 'alice', 'br-lan', ALICE, ROUTER);
  await inside(bob, 'bob', 'br-lan', BOB, ROUTER);
  if (carol !== undefined) {
    await router.bridge('br-guest', `${GUEST_ROUTER}/24`);
    await inside(carol, 'carol', 'br-guest', CAROL, GUEST_ROUTER);
  }
  await cable(
    { in: router, device: 'wan0', addresses: [`${EXTERNAL}/24`] },
    { in: outside, device: 'eth0', addresses: [`${OUTSIDE}/24`, `${OUTSIDE_TOO}/24`] },
  );
  await router.ip(`route add default via ${OUTSIDE}`);
  await outside.ip(`addr add ${REMOTE}/32 dev lo`);
  await router.nft(MASQUERADE);
}
