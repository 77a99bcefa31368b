// The networks of all tests: namespaces, the cables and bridges between them, their addresses and routes.
//
// A namespace lives as long as a child of this process that holds it, and the child dies with this process: a test that
// is killed leaves no network behind. There are no names in /run/netns.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import koffi from 'koffi';
import { must } from './run.js';

const CLONE_NEWNET = 0x40000000;
const setns = koffi.load(null).func('int setns(int fd, int type)') as (fd: number, type: number) => number;

/** One end of a cable: an interface, up. */
export interface End {
  readonly in: Namespace;
  readonly device: string;
  /** As ip-address(8) takes them: '192.168.1.1/24', '192.168.1.1/24 noprefixroute'. */
  readonly addresses?: readonly string[];
  /** The bridge that it is a port of. */
  readonly bridge?: string;
}

export class Namespace {
  readonly #holder: ChildProcess;

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
  }

  /** A new one, with lo up. @throws if no namespaces can be made here. */
  static async open(): Promise<Namespace> {
    const hold = 'ip link set lo up; echo; exec sleep infinity';
    const holder = spawn('setpriv', ['--pdeathsig=SIGKILL', 'unshare', '--net', 'sh', '-c', hold], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await Promise.race([once(holder.stdout, 'data'), once(holder, 'close')]);
    if (holder.exitCode !== null) throw new Error('no network namespace can be made here: root is needed');
    return new Namespace(holder);
  }

  /** The process that holds it. */
  get pid(): number {
    return this.#holder.pid ?? 0;
  }

  /** For nsenter(1), setns(2) and systemd. */
  get path(): string {
    return `/proc/${this.pid}/ns/net`;
  }

  /** The words in front of a command that is to run in it. */
  get entrance(): readonly [string, string] {
    return ['nsenter', `--net=${this.path}`];
  }

  /** The same for a command that is to end with this process. */
  entranceUntilOurEnd(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): readonly [string, ...string[]] {
    return ['setpriv', `--pdeathsig=${signal}`, ...this.entrance];
  }

  /** Run a program in it that must succeed, and have its output. */
  must(program: string, args: readonly string[], input = ''): Promise<string> {
    const [first, ...rest] = this.entrance;
    return must(first, [...rest, program, ...args], input);
  }

  /** Run ip(8) in it, one command a line. */
  async ip(...commands: readonly string[]): Promise<void> {
    await this.must('ip', ['-batch', '-'], `${commands.join('\n')}\n`);
  }

  async nft(script: string): Promise<void> {
    await this.must('nft', ['-f', '-'], script);
  }

  /** Forward packets, as a router does. With `filterReversePaths` that filter stays as the kernel has it. */
  async forward({ filterReversePaths }: { readonly filterReversePaths: boolean }): Promise<void> {
    const values = {
      'net/ipv4/ip_forward': 1,
      ...(filterReversePaths ? {} : { 'net/ipv4/conf/all/rp_filter': 0, 'net/ipv4/conf/default/rp_filter': 0 }),
      // Where the module is loaded, a new namespace has it on.
      'net/bridge/bridge-nf-call-iptables': 0,
    };
    const lines = Object.entries(values).map(([name, value]) => `[ ! -e ${name} ] || echo ${value} > ${name}`);
    await this.must('sh', ['-e', '-s'], ['cd /proc/sys', ...lines].join('\n'));
  }

  /** A bridge, up, without ports. */
  bridge(device: string, address: string): Promise<void> {
    return this.ip(`link add ${device} type bridge`, `addr add ${address} dev ${device}`, `link set ${device} up`);
  }

  /** Do something in it that does not wait, such as opening a socket. */
  during<T>(action: () => T): T {
    const [home, there] = [openSync('/proc/thread-self/ns/net', 'r'), openSync(this.path, 'r')];
    try {
      if (setns(there, CLONE_NEWNET) !== 0) throw new Error(`setns: errno ${koffi.errno()}`);
      return action();
    } finally {
      if (setns(home, CLONE_NEWNET) !== 0) process.abort(); // never go on in a foreign namespace
      closeSync(there);
      closeSync(home);
    }
  }

  close(): void {
    this.#holder.kill('SIGKILL');
  }
}

/** So many new namespaces. */
export function openNamespaces<const N extends readonly unknown[]>(
  names: N,
): Promise<{ readonly [K in keyof N]: Namespace }> {
  return Promise.all(names.map(() => Namespace.open())) as Promise<{ readonly [K in keyof N]: Namespace }>;
}

/** Connect two interfaces, which need not be in different namespaces. */
export async function cable(one: End, other: End): Promise<void> {
  await one.in.ip(`link add ${one.device} type veth peer name ${other.device} netns ${other.in.pid}`, ...upAt(one));
  await other.in.ip(...upAt(other));
}

function upAt({ device, addresses = [], bridge }: End): readonly string[] {
  return [
    ...(bridge === undefined ? [] : [`link set ${device} master ${bridge}`]),
    ...addresses.map((address) => `addr add ${address} dev ${device}`),
    `link set ${device} up`,
  ];
}
