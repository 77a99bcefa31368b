// What /proc says of the processes under measurement.

import { readdirSync, readFileSync } from 'node:fs';

export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** All processes below one, at this moment. */
export function descendants(root: number): Process[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => processOf(Number(name)));
  const found: Process[] = [];
  const parents = [root];
  for (let parent = parents.pop(); parent !== undefined; parent = parents.pop()) {
    for (const each of all) {
      if (each === null || each.parent !== parent) continue;
      found.push(each);
      parents.push(each.pid);
    }
  }
  return found;
}

/** Null if it has ended, or is ending. */
function processOf(pid: number): Process | null {
  const stat = readOr(`/proc/${pid}/stat`);
  const parent = /^.*\) [^Z] (\d+)/s.exec(stat)?.[1];
  const command = readOr(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
  return parent === undefined || command === '' ? null : { pid, parent: Number(parent), command };
}

export interface Memory {
  /** Proportional set size, in MB (10^6): shared pages are divided by the number of processes that share them ... */
  readonly pss: number;
  /** ... and what of it is no file's, so that it does not shrink when somebody else runs the same program. */
  readonly anonymous: number;
}

export function memoryOf(pid: number): Memory {
  const rollup = readOr(`/proc/${pid}/smaps_rollup`);
  const megabytes = (name: string) =>
    (Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(rollup)?.[1] ?? NaN) * 1024) / 1e6;
  return { pss: megabytes('Pss'), anonymous: megabytes('Pss_Anon') };
}

/** Processor time of all its threads so far, in microseconds. */
export function cpuMicroseconds(pid: number): number {
  let nanoseconds = 0;
  for (const thread of tasks(pid))
    nanoseconds += Number(readOr(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0] ?? 0);
  return nanoseconds / 1000;
}

/** How often its threads have gone to sleep by themselves so far: each time something has woken them up before. */
export function wakeUps(pid: number): number {
  let count = 0;
  for (const thread of tasks(pid)) {
    count += Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(readOr(`/proc/${pid}/task/${thread}/status`))?.[1] ?? 0);
  }
  return count;
}

/** Bytes that it has had written to disks so far; none on a file system in memory. */
export function writtenBytes(pid: number): number {
  return Number(/^write_bytes: (\d+)$/m.exec(readOr(`/proc/${pid}/io`))?.[1] ?? NaN);
}

function tasks(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

export function isAlive(pid: number): boolean {
  return processOf(pid) !== null;
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
