// The first half of the bench: what a request costs, by kind, by how many are outstanding, by how many mappings are held.
// The gateways that are compared run side by side, and take turns.

import type { Done } from './load-protocol.js';
import type { Options } from './options.js';
import { cpuMicroseconds, memoryOf, type Memory } from './processes.js';
import type { Rig, Role } from './rig.js';
import { spread, type Spread } from './statistics.js';

export type RequestKind = 'address' | 'new' | 'renewal' | 'deletion';

/** What one kind of request comes to under one set of circumstances. */
export interface RequestFigures {
  readonly rig: string;
  readonly held: number;
  readonly kind: RequestKind;
  readonly width: number;
  readonly perSecond: Spread;
  /** Microseconds. */
  readonly p50: Spread;
  readonly p99: Spread;
  /** Microseconds of processor time for each request: what other programs on the machine hardly change. */
  readonly cpu: Readonly<Record<Role | 'generator', Spread>>;
}

export interface MemoryFigures {
  readonly rig: string;
  /** Mappings held; null for idle, before the first request. */
  readonly held: number | null;
  readonly of: Readonly<Record<Role, Memory>>;
}

interface Sample {
  readonly key: Pick<RequestFigures, 'rig' | 'held' | 'kind' | 'width'>;
  readonly done: Done;
  readonly cpu: readonly number[];
}

/** Address requests are so cheap that a measurement of them needs more. */
const ADDRESS_FACTOR = 4;
const FILL_WIDTH = 64;

export async function measureRequests(rigs: readonly Rig[], options: Options, say: (what: string) => void) {
  const samples: Sample[] = [];
  const memory: MemoryFigures[] = rigs.map((rig) => memoryFigures(rig, null));
  let held = 0;
  for (const rig of rigs) await round(rig, 0, Math.max(...options.widths), options.counts.wide); // warms the programs up
  for (const size of options.sizes) {
    for (const rig of rigs) if (size > held) await fill(rig, held, size);
    held = size;
    memory.push(...rigs.map((rig) => memoryFigures(rig, size)));
    for (let at = 1; at <= options.rounds; at++) {
      say(`requests: ${size} mappings held, round ${at} of ${options.rounds}`);
      for (const width of options.widths) {
        const count = width === 1 ? options.counts.narrow : options.counts.wide;
        for (const rig of rigs) samples.push(...(await round(rig, size, width, count)));
      }
    }
  }
  return { requests: summarise(samples), memory };
}

/** Ask for the mappings from one number up to another. */
export function fill({ generator }: Rig, from: number, to: number): Promise<Done> {
  return generator.load({ op: 'map', first: from, span: to - from, count: to - from, width: FILL_WIDTH });
}

/** All four kinds in turn; leaves the table as it was. */
async function round(rig: Rig, held: number, width: number, count: number): Promise<Sample[]> {
  const whole = { first: 0, span: held + count };
  const fresh = { first: held, span: count };
  const jobs = [
    { kind: 'address', op: 'address', ...fresh, count: ADDRESS_FACTOR * count },
    { kind: 'new', op: 'map', ...fresh, count },
    { kind: 'renewal', op: 'map', ...whole, count },
    { kind: 'deletion', op: 'unmap', ...fresh, count },
  ] as const;
  const samples: Sample[] = [];
  const { frontend, helper } = rig.pids();
  const pids = [frontend, helper, rig.generator.pid];
  for (const { kind, ...job } of jobs) {
    const before = pids.map(cpuMicroseconds);
    const done = await rig.generator.load({ width, ...job });
    const cpu = pids.map((pid, index) => (cpuMicroseconds(pid) - (before[index] ?? 0)) / done.count);
    samples.push({ key: { rig: rig.name, held, kind, width }, done, cpu });
  }
  return samples;
}

function summarise(samples: readonly Sample[]): RequestFigures[] {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const name = JSON.stringify(sample.key);
    groups.set(name, [...(groups.get(name) ?? []), sample]);
  }
  return [...groups.values()].map((group) => {
    const over = (value: (sample: Sample) => number) => spread(group.map(value));
    return {
      ...(group[0] as Sample).key,
      perSecond: over(({ done }) => (done.count / done.elapsedMs) * 1000),
      p50: over(({ done }) => done.p50),
      p99: over(({ done }) => done.p99),
      cpu: { frontend: over(({ cpu }) => cpu[0] ?? NaN), helper: over(({ cpu }) => cpu[1] ?? NaN), generator: over(({ cpu }) => cpu[2] ?? NaN) },
    };
  });
}

export function memoryFigures(rig: Rig, held: number | null): MemoryFigures {
  const { frontend, helper } = rig.pids();
  return { rig: rig.name, held, of: { frontend: memoryOf(frontend), helper: memoryOf(helper) } };
}
