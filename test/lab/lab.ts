// The network laboratory of the system tests: a router between a LAN and the outside, each a network namespace.
//
//   alice 192.168.1.2 --.                                              .-- 203.0.113.1   outside, which also has
//   bob   192.168.1.3 --+-- br-lan 192.168.1.1  router  wan0 .10 ------+-- 203.0.113.2   198.51.100.7 further away
//   carol 192.168.2.2 ----- br-guest 192.168.2.1 (guest: true)
//
// The router forwards and masquerades as a router does that knows nothing of NAT-PMP. Everything is named after this
// process and removed at its end.

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atEnd, skip } from '../support/cases.js';
import { Host } from './host.js';
import { must, run, type Finished } from '../support/run.js';

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

/** Build the lab, or skip the file's claims, loudly, where namespaces can not be made: null. */
export async function openLab(options: LabOptions = {}): Promise<Lab | null> {
  const why = process.getuid?.() === 0 ? null : 'needs root, for network namespaces';
  if (why !== null) {
    skip('the system in namespaces', why);
    return null;
  }
  await sweep();
  const name = (host: string) => `${PREFIX}-${process.pid}-${host}`;
  const guest = options.guest === true;
  const names = ['router', 'alice', 'bob', 'outside', ...(guest ? ['carol'] : [])];

  const folder = mkdtempSync(join(tmpdir(), `${PREFIX}-`));
  const hosts: Host[] = [];
  atEnd(async () => {
    for (const host of hosts) host.stop();
    for (const host of names) await run('ip', ['netns', 'del', name(host)]);
    rmSync(folder, { recursive: true, force: true });
  });
  await must('chmod', ['755', folder]);
  await must('sh', ['-e', '-s'], topology(name, guest));
  await must('nsenter', [`--net=/run/netns/${name('router')}`, 'nft', '-f', '-'], MASQUERADE);
  hosts.push(...(await Promise.all(names.map((host) => Host.start(host, name(host))))));

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
      await must('nsenter', [`--net=/run/netns/${router.namespace}`, 'nft', '-f', '-'], script);
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

function topology(name: (host: string) => string, guest: boolean): string {
  const inside = (host: string, bridge: string, address: string, router: string) => `
    ip netns add ${name(host)}
    ip -n ${name(host)} link set lo up
    ip -n ${name('router')} link add to-${host} type veth peer name eth0 netns ${name(host)}
    ip -n ${name('router')} link set to-${host} master ${bridge} up
    ip -n ${name(host)} addr add ${address}/24 dev eth0
    ip -n ${name(host)} link set eth0 up
    ip -n ${name(host)} route add default via ${router}
  `;
  const bridge = (bridgeName: string, address: string) => `
    ip -n ${name('router')} link add ${bridgeName} type bridge
    ip -n ${name('router')} addr add ${address}/24 dev ${bridgeName}
    ip -n ${name('router')} link set ${bridgeName} up
  `;
  return `
    ip netns add ${name('router')}
    ip netns add ${name('outside')}
    # rp_filter off: what keeps strangers out must be the server's doing, not this kernel's default.
    ip netns exec ${name('router')} sh -ec '
      echo 1 > /proc/sys/net/ipv4/ip_forward
      echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter
      echo 0 > /proc/sys/net/ipv4/conf/default/rp_filter
      f=/proc/sys/net/bridge/bridge-nf-call-iptables; [ ! -e $f ] || echo 0 > $f
    '
    ip -n ${name('router')} link set lo up
    ip -n ${name('outside')} link set lo up
    ${bridge('br-lan', ROUTER)}
    ${inside('alice', 'br-lan', ALICE, ROUTER)}
    ${inside('bob', 'br-lan', BOB, ROUTER)}
    ${guest ? bridge('br-guest', GUEST_ROUTER) + inside('carol', 'br-guest', CAROL, GUEST_ROUTER) : ''}
    ip -n ${name('router')} link add wan0 type veth peer name eth0 netns ${name('outside')}
    ip -n ${name('router')} addr add ${EXTERNAL}/24 dev wan0
    ip -n ${name('router')} link set wan0 up
    ip -n ${name('router')} route add default via ${OUTSIDE}
    ip -n ${name('outside')} addr add ${OUTSIDE}/24 dev eth0
    ip -n ${name('outside')} addr add ${OUTSIDE_TOO}/24 dev eth0
    ip -n ${name('outside')} addr add ${REMOTE}/32 dev lo
    ip -n ${name('outside')} link set eth0 up
  `;
}

/** Remove what a test process that was killed has left. */
async function sweep(): Promise<void> {
  const left = readdirSync('/run', { encoding: 'utf8' }).includes('netns') ? readdirSync('/run/netns') : [];
  for (const namespace of left) {
    const owner = new RegExp(`^${PREFIX}-(\\d+)-`).exec(namespace)?.[1];
    if (owner !== undefined && !isAlive(Number(owner))) await run('ip', ['netns', 'del', namespace]);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
