// A program of Debian 12 as people run it: in a network namespace of its own on the lab's LAN, as nobody, in Debian's
// file system with a home folder of its own. It reaches nothing but the lab.

import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { atEnd } from '../support/cases.js';
import { debianRoot } from '../support/debian-root.js';
import { cable, Namespace } from '../support/network.js';
import { type Lab, ROUTER } from '../lab/lab.js';

/** Where a program sees its home folder. */
export const HOME = '/mnt';
/** Debian's nobody and nogroup. */
const NOBODY = 65534;
/** In its root (`$1`), with its home (`$2`): no name service, no temporary file that outlives it. */
const ENTER = `
root=$1 home=$2; shift 2
mount --rbind /proc "$root/proc"
mount --bind /dev/null "$root/etc/resolv.conf"
mount --bind "$home" "$root${HOME}"
mount -t tmpfs none "$root/tmp"
mount -t tmpfs none "$root/dev/shm"
exec chroot "$root" setpriv --reuid=${NOBODY} --regid=${NOBODY} --clear-groups --pdeathsig=SIGKILL "$@"
`;

const PACKAGES = [
  ...['transmission-daemon', 'libfaketime', 'qbittorrent-nox', 'deluged', 'deluge-console', 'syncthing'],
  // Each with a control point of another make: miniupnpc, its binding for Python, libgupnp-igd, libupnp.
  ...['miniupnpc', 'python3-miniupnpc', 'gir1.2-gupnpigd-1.0', 'python3-gi', 'gupnp-tools', 'amule-daemon', 'i2pd'],
  'minidlna',
];

/** The file system with the programs, or why there is none. */
export function programsRoot(): Promise<{ readonly folder: string } | { readonly why: string }> {
  return debianRoot({ name: 'bookworm-programs-2', suite: 'bookworm', packages: PACKAGES });
}

/** A host of its own for a program, on br-lan. */
export async function lanHost({ router }: Lab, name: string, address: string): Promise<Namespace> {
  const namespace = await Namespace.open();
  atEnd(() => namespace.close());
  await cable(
    { in: router.namespace, device: `to-${name}`, bridge: 'br-lan' },
    { in: namespace, device: 'eth0', addresses: [`${address}/24`] },
  );
  await namespace.ip(`route add default via ${ROUTER}`);
  return namespace;
}

export interface Place {
  readonly root: string;
  readonly namespace: Namespace;
  /** A folder of the lab. */
  readonly folder: string;
}

export class DebianProgram {
  readonly #place: Place;
  readonly #home: string;
  #command: readonly string[] = [];
  #child: ChildProcess | null = null;
  #log = '';

  /** `files`: by their names in the home folder. */
  constructor(place: Place, files: Readonly<Record<string, string | Uint8Array>>) {
    this.#place = place;
    this.#home = mkdtempSync(join(place.folder, 'home-'));
    chownSync(this.#home, NOBODY, NOBODY);
    for (const [name, content] of Object.entries(files)) this.write(name, content);
  }

  /** All it has written to its terminal. */
  get log(): string {
    return this.#log;
  }

  /** A file of its home folder, which only it and we can change. */
  write(name: string, content: string | Uint8Array): void {
    const file = join(this.#home, name);
    const made = mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    const folders = made === undefined ? [] : foldersBetween(made, dirname(file));
    for (const each of [...folders, file]) chownSync(each, NOBODY, NOBODY);
  }

  read(name: string): string {
    return readFileSync(join(this.#home, name), 'utf8');
  }

  start(...command: readonly string[]): void {
    this.#command = command;
    this.#child = this.#spawn(command);
  }

  /** The same command once more, after its end. */
  startAgain(): void {
    this.start(...this.#command);
  }

  /** Another program beside it, to its end. @throws if it fails. */
  async must(...command: readonly string[]): Promise<void> {
    const status = await ended(this.#spawn(command));
    if (status !== 0) throw new Error(`${command.join(' ')}: exit ${status}:\n${this.#log}`);
  }

  /** SIGTERM, as from a shutdown; resolves with the exit status. */
  async stop(): Promise<number> {
    if (this.#child === null) throw new Error('it was never started');
    this.#child.kill('SIGTERM');
    return ended(this.#child);
  }

  #spawn(command: readonly string[]): ChildProcess {
    const { root, namespace } = this.#place;
    const child = spawn(
      namespace.entrance[0],
      [namespace.entrance[1], 'unshare', '--mount', 'sh', '-ec', ENTER, 'sh', root, this.#home, ...command],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { HOME, PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' },
      },
    );
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        this.#log += chunk.toString();
      });
    }
    atEnd(() => {
      child.kill('SIGKILL');
    });
    return child;
  }
}

/** The exit status; 128 for a program that a signal ended. */
function ended(child: ChildProcess): Promise<number> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode ?? 128);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve(status ?? 128));
  });
}

/** `first` and all below it down to `last`. */
function foldersBetween(first: string, last: string): string[] {
  return first === last ? [first] : [...foldersBetween(first, dirname(last)), last];
}
