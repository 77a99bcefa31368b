// The world of one gateway: a router between a LAN full of hosts and the outside, each a network namespace that lives
// as long as a child of ours. No name in /run/netns: nothing is left behind, even by a crash.
//
//   10.77.128.1 ... the hosts, all one machine -- 10.77.0.2 -- br-lan 10.77.0.1 [router] wan0 203.0.113.10 -- outside
//                              another device -- 10.77.0.3 --

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { formatIpv4 } from '../../proto/mapping.js';
import { must } from '../support/lab-run.js';
import { FIRST_HOST, LAN_GATE, LAN_HOSTS, NEIGHBOUR, ROUTER, ROUTER_LAN } from './mappings.js';

/** As many as the gateway counts by themselves (cli/host/ruleset-text.ts). */
const DEVICES = 4096;

/** The router's address outside, and that of the one who is there. */
export const EXTERNAL = '203.0.113.10';
export const OUTSIDE = '203.0.113.1';

export interface World {
  /** Processes that hold the namespaces. */
  readonly router: number;
  readonly lan: number;
  readonly neighbour: number;
  readonly outside: number;
  close(): void;
}

/** The command in front of one that is to run in the namespace of a process, and to end with us. */
export function within(pid: number, signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): readonly [string, ...string[]] {
  return ['setpriv', `--pdeathsig=${signal}`, 'nsenter', `--net=/proc/${pid}/ns/net`];
}

/**
 * `hardware`: the hosts of the LAN send from one hardware address, as one device does that forges addresses, or each
 * from its own.
 */
export async function buildWorld(hardware: 'one device' | 'many devices' = 'one device'): Promise<World> {
  const holders = await Promise.all([hold(), hold(), hold(), hold()]);
  const [router, lan, neighbour, outside] = holders.map((holder) => holder.pid ?? 0) as [
    number,
    number,
    number,
    number,
  ];
  await ip(
    router,
    `
    link set lo up
    link add br-lan type veth peer name eth0 netns ${lan}
    addr add ${ROUTER_LAN} dev br-lan noprefixroute
    link set br-lan up
    route add ${LAN_GATE}/32 dev br-lan
    route add ${NEIGHBOUR}/32 dev br-lan
    route add ${ROUTER_LAN.replace(/\.\d+\//, '.0/')} via ${LAN_GATE} dev br-lan
    link add wan0 type veth peer name eth0 netns ${outside}
    addr add ${EXTERNAL}/24 dev wan0
    link set wan0 up
    route add default via ${OUTSIDE}
  `,
  );
  // All the hosts are this one machine, and one neighbour of the router's: its neighbour table is not under
  // measurement.
  await ip(
    lan,
    `
    link set lo up
    addr add ${LAN_GATE}/16 dev eth0
    link set eth0 up
    route add local ${LAN_HOSTS} dev lo
    route add default via ${ROUTER}
    link add eth1 link eth0 type macvlan mode bridge
    link set eth1 netns ${neighbour} name eth0
  `,
  );
  await ip(
    neighbour,
    `
    addr add ${NEIGHBOUR}/16 dev eth0
    link set eth0 up
  `,
  );
  await ip(
    outside,
    `
    link set lo up
    addr add ${OUTSIDE}/24 dev eth0
    link set eth0 up
  `,
  );
  if (hardware === 'many devices') await nft(lan, hardwareAddresses());
  const [program, ...args] = within(router);
  await must(program, [...args, 'sh', '-ec', 'echo 1 > /proc/sys/net/ipv4/ip_forward']);
  return {
    router,
    lan,
    neighbour,
    outside,
    close() {
      for (const holder of holders) holder.kill('SIGKILL');
    },
  };
}

async function hold(): Promise<ChildProcess> {
  const holder = spawn(
    'setpriv',
    ['--pdeathsig=SIGKILL', 'unshare', '--net', 'sh', '-c', 'echo; exec sleep infinity'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await Promise.race([once(holder.stdout, 'data'), once(holder, 'close')]);
  if (holder.exitCode !== null) throw new Error('no network namespace can be made here: root is needed');
  return holder;
}

/**
 * Who asks is counted by device: the first hosts send from hardware addresses of their own. Answers do not need these;
 * all of the hosts are reached by the gate's.
 */
function hardwareAddresses(): string {
  const elements = Array.from({ length: DEVICES }, (_, host) => {
    const octets = [0x02, 0x77, 0, 0, host >>> 8, host & 0xff].map((octet) => octet.toString(16).padStart(2, '0'));
    return `${formatIpv4(FIRST_HOST + host)} : ${octets.join(':')}`;
  });
  return `table netdev bench {
    map hardware { type ipv4_addr : ether_addr; elements = { ${elements.join(', ')} } }
    chain leaving { type filter hook egress device eth0 priority 0; ether saddr set ip saddr map @hardware; }
  }`;
}

async function nft(pid: number, script: string): Promise<void> {
  const [program, ...args] = within(pid);
  await must(program, [...args, 'nft', '-f', '-'], script);
}

async function ip(pid: number, commands: string): Promise<void> {
  const [program, ...args] = within(pid);
  await must(
    program,
    [...args, 'ip', '-batch', '-'],
    commands
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
      .join('\n') + '\n',
  );
}
