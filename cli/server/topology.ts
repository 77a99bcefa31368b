// The network of the sandbox: a host in the LAN and one outside, each in a network namespace that lives as long as a
// child process of ours. The namespaces have no name in /run/netns, so there is nothing to clean up after a crash.
//
//   LAN host 192.168.77.2 -- br-lan 192.168.77.1 [gateway] wan0 203.0.113.2 -- 203.0.113.10 outside host
//
// With pinholes also over IPv6, with a firewall that lets nobody in but by a pinhole:
//
//   LAN host 2001:db8:77::2 -- br-lan fe80::1 [gateway] wan0 2001:db8:ffff::2 -- 2001:db8:ffff::10 outside host

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { EXIT, Failure } from '../host/failure.js';
import { nftFailure, runNft } from '../host/nft.js';
import { PATH } from '../host/programs.js';
import { labelOf } from '../host/ruleset-text.js';
import type { Config } from './config.js';

export interface Host {
  /** A process in the host's namespace, for nsenter. */
  readonly pid: number;
  readonly address: string;
  /** Null without pinholes, or without IPv6. */
  readonly ipv6: string | null;
}

export interface SandboxNetwork {
  readonly lanHost: Host;
  readonly outsideHost: Host;
  /** The gateway's address in the LAN, and outside. */
  readonly gateway: string;
  readonly external: string;
  /** The gateway's address in the LAN over IPv6, as the LAN host names it; null like that of a host. */
  readonly gateway6: string | null;
}

const WAN6 = { gateway: '2001:db8:ffff::2', host: '2001:db8:ffff::10' };
const GATEWAY6 = 'fe80::1';

export async function buildNetwork(config: Config): Promise<SandboxNetwork> {
  const { listenInterfaces, externalInterface } = config;
  const hasPinholes = config.pinholes && existsSync('/proc/net/if_inet6');
  const lan = await holdNamespace();
  const outside = await holdNamespace();
  const wan = { gateway: '203.0.113.2', host: '203.0.113.10' };
  const lans = listenInterfaces.map((name, index) => ({
    name,
    peer: `eth${index}`,
    gateway: `192.168.${77 + index}.1`,
    host: `192.168.${77 + index}.2`,
    prefix6: `2001:db8:${77 + index}::`,
  }));
  ip(
    [],
    [
      'link set lo up',
      ...lans.flatMap(({ name, peer, gateway }) => vethLines(name, gateway, peer, lan)),
      ...vethLines(externalInterface, wan.gateway, 'eth0', outside),
    ],
  );
  ip(inNamespaceOf(lan), [
    'link set lo up',
    ...lans.flatMap(({ peer, host }) => [`addr add ${host}/24 dev ${peer}`, `link set ${peer} up`]),
    `route add default via ${lans[0]?.gateway}`,
  ]);
  ip(inNamespaceOf(outside), ['link set lo up', `addr add ${wan.host}/24 dev eth0`, 'link set eth0 up']);
  setKernelSetting('net/ipv4/ip_forward', '1');
  // A new namespace has this on if the module is loaded. The LAN of the sandbox is no bridge.
  setKernelSetting('net/bridge/bridge-nf-call-iptables', '0');
  if (hasPinholes) {
    ip(
      [],
      [
        ...lans.flatMap(({ name, prefix6 }) => ipv6Lines(name, GATEWAY6, `${prefix6}1`)),
        ...ipv6Lines(externalInterface, WAN6.gateway),
      ],
    );
    ip(inNamespaceOf(lan), [
      ...lans.flatMap(({ peer, prefix6 }) => ipv6Lines(peer, `${prefix6}2`)),
      `route add default via ${GATEWAY6} dev ${lans[0]?.peer}`,
    ]);
    ip(inNamespaceOf(outside), [
      ...ipv6Lines('eth0', WAN6.host),
      ...lans.map(({ prefix6 }) => `route add ${prefix6}/64 via ${WAN6.gateway}`),
    ]);
    setKernelSetting('net/ipv6/conf/all/forwarding', '1');
    const { status, stderr } = runNft(['-f', '-'], firewall(config));
    if (status !== 0) throw nftFailure(stderr);
  }
  return {
    lanHost: { pid: lan, address: lans[0]?.host ?? '', ipv6: hasPinholes ? `${lans[0]?.prefix6}2` : null },
    outsideHost: { pid: outside, address: wan.host, ipv6: hasPinholes ? WAN6.host : null },
    gateway: lans[0]?.gateway ?? '',
    external: wan.gateway,
    gateway6: hasPinholes ? `${GATEWAY6}%${lans[0]?.peer}` : null,
  };
}

/** Addresses at once, without asking whether another has them (DAD). */
function ipv6Lines(name: string, ...addresses: readonly string[]): readonly string[] {
  return addresses.map((address) => `addr add ${address}/64 dev ${name} nodad`);
}

/** As routers have one: the LAN may begin what it likes, and nobody else anything, but what the gateway has marked. */
function firewall({ listenInterfaces, natChain }: Config): string {
  const lans = listenInterfaces.map((name) => `"${name}"`).join(', ');
  return `
table inet firewall {
  chain forward {
    type filter hook forward priority filter; policy accept;
    meta nfproto ipv4 accept
    ct state established,related accept
    iifname { ${lans} } accept
    ct label ${labelOf(natChain)} accept
    reject with icmpv6 admin-prohibited
  }
}
`;
}

/** A cable from an interface here to one in another namespace. */
function vethLines(name: string, address: string, peer: string, namespace: number): readonly string[] {
  return [
    `link add ${name} type veth peer name ${peer} netns ${namespace}`,
    `addr add ${address}/24 dev ${name}`,
    `link set ${name} up`,
  ];
}

/** The prefix of a command that runs in the namespace of a process. */
export function inNamespaceOf(pid: number): readonly string[] {
  return ['nsenter', `--net=/proc/${pid}/ns/net`];
}

/** A child that does nothing but hold a network namespace open, and dies with us. */
async function holdNamespace(): Promise<number> {
  const child = spawn('setpriv', ['--pdeathsig=SIGKILL', 'unshare', '--net', 'sh', '-c', 'echo; exec sleep infinity'], {
    env: { PATH },
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await Promise.race([once(child.stdout, 'data'), once(child, 'close')]);
  if (child.pid === undefined || child.exitCode !== null)
    throw new Failure(EXIT.capability, 'no network namespace can be made inside the sandbox');
  child.stdout.destroy();
  // It must not keep this process alive; it ends with it.
  child.unref();
  return child.pid;
}

function ip(prefix: readonly string[], lines: readonly string[]): void {
  const [program = '', ...args] = [...prefix, 'ip', '-batch', '-'];
  const { status, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    input: `${lines.join('\n')}\n`,
    env: { PATH },
  });
  if (status !== 0)
    throw new Failure(EXIT.defect, `the sandbox's network could not be made: ${stderr.trim().replaceAll('\n', '; ')}`);
}

/** In this network namespace. */
function setKernelSetting(name: string, value: string): void {
  try {
    writeFileSync(`/proc/sys/${name}`, value);
  } catch {
    // /proc/sys may be read-only; warnAboutKernel reports a wrong setting.
  }
}
