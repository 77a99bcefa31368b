// A real systemd as PID 1, in a container of util-linux alone: new namespaces, and a layer in memory over a root file
// system that stays as it is. The project lies in /src, read-only, and node in /usr/bin.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { atEnd } from '../support/cases.js';
import { must, run, type Finished } from '../support/run.js';

const PROJECT = resolve(import.meta.dirname, '../../..');
const BOOT_MS = 60_000;
/**
 * Arguments: root file system, node, project, host name. Runs in new namespaces, with the folder for mounts on /mnt.
 */
const INIT = `
set -e
root=$1 node=$2 project=$3
mount --make-rprivate /
mount -t tmpfs box /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o "lowerdir=$root,upperdir=/mnt/upper,workdir=/mnt/work" /mnt/root
cd /mnt/root
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 run run
mount -t tmpfs -o mode=755 dev dev
mkdir dev/pts dev/shm src old
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
mount -t tmpfs shm dev/shm
mknod -m 666 dev/null c 1 3; mknod -m 666 dev/zero c 1 5; mknod -m 666 dev/full c 1 7
mknod -m 666 dev/random c 1 8; mknod -m 666 dev/urandom c 1 9; mknod -m 666 dev/tty c 5 0
ln -s pts/ptmx dev/ptmx; ln -s /proc/self/fd dev/fd
# nft prints numbers without it.
printf 'tcp 6 TCP\\nudp 17 UDP\\n' > etc/protocols
touch usr/bin/node
mount --bind "$node" usr/bin/node
mount --bind "$project" src
mount -o remount,bind,ro src
# There is no module to load from here.
ln -s /dev/null etc/systemd/system/systemd-modules-load.service
pivot_root . old
umount -l /old
exec env -i container=box PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --log-target=journal
`;

/** A booted container, in a network namespace that somebody else has made. */
export class Container {
  /** The container's PID 1, as seen from here. */
  readonly init: number;

  protected constructor(init: number) {
    this.init = init;
  }

  /** Boot in the network namespace at this path. `name` is that of its control group. */
  static async boot(root: string, network: string, name: string): Promise<Container> {
    return new Container(await boot(root, network, name));
  }

  /** Run a program in the container to its end. */
  run(...command: readonly string[]): Promise<Finished> {
    return run('nsenter', [...enter(this.init), ...command]);
  }

  /** Run what must succeed, and have its output. */
  must(...command: readonly string[]): Promise<string> {
    return must('nsenter', [...enter(this.init), ...command]);
  }

  /** What runs a command in the container, as the words before it. */
  get entrance(): readonly string[] {
    return ['nsenter', ...enter(this.init)];
  }

  /** Run lines of shell, which must succeed. */
  sh(script: string): Promise<string> {
    return this.must('sh', '-ec', script);
  }

  async property(unit: string, name: string): Promise<string> {
    return (await this.must('systemctl', 'show', '--value', '-p', name, unit)).trim();
  }

  /** The main process of a unit, as the container sees it; 0 while there is none. */
  async pid(unit: string): Promise<number> {
    return Number(await this.property(unit, 'MainPID'));
  }

  /** What a unit has written to its log, without the journal's own columns. */
  log(unit: string): Promise<string> {
    return this.must('journalctl', '--no-pager', '-o', 'cat', '-u', unit);
  }
}

/** Boot to the end; resolves with the pid of the container's PID 1. */
export async function boot(root: string, network: string, name: string): Promise<number> {
  const group = controlGroup(name);
  const child = spawn(
    'setpriv',
    [
      '--pdeathsig=SIGKILL',
      'sh',
      '-ec',
      'echo $$ > "$0/cgroup.procs"; exec "$@"',
      group,
      'nsenter',
      `--net=${network}`,
      'unshare',
      '-m',
      '-p',
      '-f',
      '-u',
      '-i',
      '-C',
      '--kill-child=SIGKILL',
      'sh',
      '-c',
      INIT,
      'sh',
      root,
      process.execPath,
      PROJECT,
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  atEnd(() => end(child, group));
  const init = await initOf(child);
  await must('nsenter', [...enter(init), 'systemctl', 'is-system-running', '--wait']);
  return init;
}

/** The arguments of nsenter for all of the container. */
function enter(init: number): readonly string[] {
  return ['-t', String(init), '-m', '-u', '-i', '-n', '-p', '-C', '-r', '-w'];
}

/** A control group for the container, in the hierarchy of version 2. */
function controlGroup(name: string): string {
  const unified = '/sys/fs/cgroup/unified';
  const group = join(existsSync(unified) ? unified : '/sys/fs/cgroup', name);
  mkdirSync(group, { recursive: true });
  return group;
}

/** The container's PID 1, once it takes orders. */
async function initOf(child: ChildProcess): Promise<number> {
  for (
    const endMs = performance.now() + BOOT_MS;
    performance.now() < endMs;
    await new Promise((resume) => setTimeout(resume, 20))
  ) {
    if (child.exitCode !== null) break;
    const init = childrenOf(child.pid ?? 0).find((pid) => existsSync(`/proc/${pid}/root/run/systemd/private`));
    if (init !== undefined) return init;
  }
  throw new Error(`systemd does not boot in the container (status ${child.exitCode})`);
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .split(' ')
      .filter((text) => text !== '')
      .map(Number);
  } catch {
    return [];
  }
}

async function end(child: ChildProcess, group: string): Promise<void> {
  const ended = new Promise((resume) => child.once('exit', resume));
  if (child.exitCode === null && child.kill('SIGKILL')) await ended;
  // The kernel empties it a moment after the last process.
  for (let times = 0; times < 100 && existsSync(group); times++) {
    try {
      removeGroups(group);
    } catch {
      await new Promise((resume) => setTimeout(resume, 20));
    }
  }
}

function removeGroups(group: string): void {
  for (const entry of readdirSync(group, { withFileTypes: true }))
    if (entry.isDirectory()) removeGroups(join(group, entry.name));
  rmdirSync(group);
}
