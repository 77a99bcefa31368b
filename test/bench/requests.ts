// The first half of the bench: what a request costs, by kind, by how many are outstanding, by how many mappings are
// held. The gateways that are compared run side by side, and take turns.

import type { MeasuredGateway } from '../load/measured-gateway.js';
import type { LoadOptions } from '../load/generator.js';
import type { Limits } from './limits.js';
import type { Done } from '../load/generator-protocol.js';
import { memoryFigures, type MemoryFigures } from './memory.js';
import type { Options } from './options.js';
import { cpuMicroseconds } from '../load/processes.js';
import { spread, type Spread } from '../load/statistics.js';

export type RequestKind = 'address' | 'new' | 'renewal' | 'deletion' | PinholeKind;
/** Of pinholes: with as many mappings held, and no other pinhole. */
export type PinholeKind = 'new pinhole' | 'pinhole renewal' | 'pinhole deletion';

/** What one kind of request comes to under one set of circumstances. */
export interface RequestFigures {
  readonly gateway: string;
  readonly held: number;
  readonly kind: RequestKind;
  readonly width: number;
  readonly perSecond: Spread;
  /** Microseconds. */
  readonly p50: Spread;
  readonly p99: Spread;
  /** How many requests these are figures of, in all rounds. */
  readonly requests: number;
  /** Microseconds of processor time for each request, by process: what other programs on the machine hardly change. */
  readonly cpu: Readonly<Record<string, Spread>>;
  readonly generatorCpu: Spread;
}

interface Sample {
  readonly key: Pick<RequestFigures, 'gateway' | 'held' | 'kind' | 'width'>;
  readonly done: Done;
  readonly cpu: Readonly<Record<string, number>>;
  readonly generatorCpu: number;
}

/** Address requests are so cheap that a measurement of them needs more. */
const ADDRESS_FACTOR = 4;
const FILL_WIDTH = 64;
/** For warming up, and for filling a slow gateway: each request has its answer long before it is taken for lost. */
const SLOW_WIDTH = 16;
const LIMIT_SAMPLES = 300;

export interface Around {
  readonly limits: Limits;
  readonly say: (what: string) => void;
  /** Told when these gateways have come to hold so many mappings. */
  readonly reached: (held: number, gateways: readonly MeasuredGateway[]) => Promise<void>;
  /** Do something with a gateway; false if that has failed, which is noted. */
  readonly attempt: (gateway: MeasuredGateway, action: () => Promise<void>) => Promise<boolean>;
}

/** The gateways hold the greatest of the sizes at the end, or as many as they can. Who fails takes no further part. */
export async function measureRequests(
  gateways: readonly MeasuredGateway[],
  options: Options,
  { limits, say, reached, attempt }: Around,
) {
  const samples: Sample[] = [];
  const memory: MemoryFigures[] = gateways.map((gateway) => memoryFigures(gateway, null));
  const held = new Map(gateways.map((gateway) => [gateway, 0]));
  const present = () => [...held.keys()];
  const each = async (action: (gateway: MeasuredGateway) => Promise<void>): Promise<void> => {
    for (const gateway of present()) if (!(await attempt(gateway, () => action(gateway)))) held.delete(gateway);
  };
  await each(async (gateway) => void (await round(gateway, 0, SLOW_WIDTH, options.counts.wide))); // warms the programs up
  for (const size of options.sizes) {
    for (const gateway of present()) if (size > gateway.most) held.delete(gateway);
    await each(async (gateway) => {
      say(`requests: ${gateway.name} is to hold ${size} mappings`);
      await fill(gateway, held.get(gateway) ?? 0, size);
      held.set(gateway, size);
      memory.push(memoryFigures(gateway, size));
    });
    await reached(size, present());
    for (let at = 1; at <= options.rounds; at++) {
      say(`requests: ${size} mappings held, round ${at} of ${options.rounds}`);
      limits.measure(LIMIT_SAMPLES);
      for (const width of options.widths) {
        const count = width === 1 ? options.counts.narrow : options.counts.wide;
        await each(async (gateway) => void samples.push(...(await round(gateway, size, width, count))));
      }
    }
  }
  return { requests: summarise(samples), memory };
}

/** Ask for the mappings from one number up to another. */
export async function fill({ generator, patienceMs }: MeasuredGateway, from: number, to: number): Promise<Done | null> {
  if (to <= from) return null;
  return generator.load({
    op: 'map',
    first: from,
    span: to - from,
    count: to - from,
    width: patienceMs === null ? FILL_WIDTH : SLOW_WIDTH,
  });
}

/** Give back the mappings from one number up to another. */
export async function drain({ generator }: MeasuredGateway, from: number, to: number): Promise<void> {
  if (to > from)
    await generator.load({ op: 'unmap', first: from, span: to - from, count: to - from, width: FILL_WIDTH });
}

/** Ask for the pinholes from one number up to another, or give them back. */
export async function changePinholes(
  { generator }: MeasuredGateway,
  op: 'map' | 'unmap',
  from: number,
  to: number,
): Promise<void> {
  const job = { what: 'pinholes', op, first: from, span: to - from, count: to - from, width: FILL_WIDTH } as const;
  if (to > from) await generator.load(job);
}

/** All kinds in turn; leaves the table as it was. */
async function round(gateway: MeasuredGateway, held: number, width: number, count: number): Promise<Sample[]> {
  const limit = gateway.patienceMs === null ? {} : { limitMs: gateway.patienceMs };
  const fresh = { first: held, span: count };
  const samples: Sample[] = [];
  const measure = async (kind: RequestKind, job: LoadOptions): Promise<number> => {
    const before = cpuOf(gateway);
    const done = await gateway.generator.load(job);
    const after = cpuOf(gateway);
    const each = (role: string) => ((after.roles[role] ?? NaN) - (before.roles[role] ?? NaN)) / done.count;
    samples.push({
      key: { gateway: gateway.name, held, kind, width },
      done,
      generatorCpu: (after.generator - before.generator) / done.count,
      cpu: Object.fromEntries(Object.keys(after.roles).map((role) => [role, each(role)])),
    });
    return done.count;
  };
  await measure('address', { op: 'address', ...fresh, count: ADDRESS_FACTOR * count, width, ...limit });
  const made = await measure('new', { op: 'map', ...fresh, count, width, ...limit });
  const [whole, renewals] = held === 0 ? [fresh, made] : [{ first: 0, span: held }, count];
  await measure('renewal', { op: 'map', ...whole, count: renewals, width, ...limit });
  await measure('deletion', { op: 'unmap', ...fresh, count: made, width });
  if (gateway.mostPinholes >= count) {
    const pinholes = { what: 'pinholes', ...fresh, count, width } as const;
    await measure('new pinhole', { ...pinholes, op: 'map' });
    await measure('pinhole renewal', { ...pinholes, op: 'map' });
    await measure('pinhole deletion', { ...pinholes, op: 'unmap' });
  }
  return samples;
}

function cpuOf(gateway: MeasuredGateway) {
  return {
    roles: Object.fromEntries(
      Object.entries(gateway.pids()).map(([role, pid]) => [role, cpuMicroseconds(pid)]),
    ) as Record<string, number>,
    generator: cpuMicroseconds(gateway.generator.pid),
  };
}

function summarise(samples: readonly Sample[]): RequestFigures[] {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const name = JSON.stringify(sample.key);
    groups.set(name, [...(groups.get(name) ?? []), sample]);
  }
  return [...groups.values()].map((group) => {
    const over = (value: (sample: Sample) => number) => spread(group.map(value));
    const [first] = group as [Sample];
    return {
      ...first.key,
      requests: group.reduce((sum, { done }) => sum + done.count, 0),
      perSecond: over(({ done }) => (done.count / done.elapsedMs) * 1000),
      p50: over(({ done }) => done.p50),
      p99: over(({ done }) => done.p99),
      cpu: Object.fromEntries(Object.keys(first.cpu).map((role) => [role, over(({ cpu }) => cpu[role] ?? NaN)])),
      generatorCpu: over(({ generatorCpu }) => generatorCpu),
    };
  });
}
