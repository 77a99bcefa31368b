// What is measured, one after the other.

import { checkFullSpace, checkMemory, type FullFigures } from './full.js';
import type { MeasuredGateway } from '../load/measured-gateway.js';
import { measureIdle, type IdleFigures } from './idle.js';
import { Limits } from './limits.js';
import type { MemoryFigures } from './memory.js';
import type { Options } from './options.js';
import { FEWEST, measurePackets, type PacketFigures } from './packets.js';
import { measureRenewals, type RenewalFigures } from './renewals.js';
import type { Figures } from './report.js';
import { changePinholes, drain, fill, measureRequests } from './requests.js';
import { measureRestarts, type RestartFigures } from './restarts.js';
import type { MeasuredServer } from '../load/measured-server.js';
import { measureWear, type WearFigures } from './wear.js';

export interface Stage {
  readonly servers: readonly MeasuredServer[];
  /** Without pinholes; null where it is not needed. */
  readonly plain: MeasuredServer | null;
  readonly rivals: readonly MeasuredGateway[];
  readonly folder: string;
  readonly options: Options;
  readonly say: (what: string) => void;
  readonly attempt: (gateway: MeasuredGateway, action: () => Promise<void>) => Promise<boolean>;
}

const MEMORY_ROUNDS = 3;
/** So many fewer than there may be: the kernel counts those that were deleted until it has collected them. */
const PINHOLES_LEFT = 384;

export async function measureSizes(stage: Stage): Promise<Partial<Figures>> {
  const { servers, plain, rivals, folder, options, say, attempt } = stage;
  const { sizes, widths } = options;
  const all = [...servers, ...(plain === null ? [] : [plain]), ...rivals];
  const idle = await idleFirst(all, stage);
  const limits = await Limits.open(folder, Math.max(...sizes), widths);
  const some = { wear: [] as WearFigures[], renewals: [] as RenewalFigures[] };
  const reached = async (held: number, present: readonly MeasuredGateway[]) => {
    if (held === sizes.find((size) => size > 0)) await measureWithSome(stage, held, present, some);
  };
  const { requests, memory } = await measureRequests(all, options, { limits, say, reached, attempt });
  limits.close();
  const packets = await comparePackets(stage);
  return { limits: limits.figures(), requests, memory, idle, ...some, packets, restarts: await restartAll(stage) };
}

/**
 * With nothing held, and with some mappings that nobody asks about: before others are deleted, which keeps our helper
 * busy for a while.
 */
async function idleFirst(
  all: readonly MeasuredGateway[],
  { options: { sizes, seconds }, say, attempt }: Stage,
): Promise<IdleFigures[]> {
  say(`idle: nothing is asked for ${seconds.idle} s`);
  const idle = await measureIdle(all, 0, seconds.idle);
  const held = sizes.find((size) => size > 0);
  if (held === undefined) return idle;
  const able = all.filter(({ most }) => held <= most);
  for (const gateway of able) await attempt(gateway, async () => void (await fill(gateway, 0, held)));
  say(`idle: ${held} mappings held, nothing is asked for ${seconds.idle} s`);
  idle.push(...(await measureIdle(able, held, seconds.idle)));
  for (const gateway of able) await attempt(gateway, () => drain(gateway, 0, held));
  return idle;
}

/** What is measured once some mappings are held. */
async function measureWithSome(
  { servers, options: { counts, seconds }, say, attempt }: Stage,
  held: number,
  present: readonly MeasuredGateway[],
  { wear, renewals }: { wear: WearFigures[]; renewals: RenewalFigures[] },
): Promise<void> {
  for (const gateway of servers) {
    say(`wear, ${gateway.name}`);
    await attempt(
      gateway,
      async () => void wear.push(...(await measureWear(gateway, held, { 1: counts.narrow, 64: counts.wide }))),
    );
  }
  for (const gateway of present) {
    say(`new connections during renewals, ${gateway.name}`);
    await attempt(gateway, async () => void renewals.push(await measureRenewals(gateway, held, seconds.renewals)));
  }
}

/**
 * One of ours with few mappings, the other with as many as there are, whichever is which: packets meet only the kernel.
 */
async function comparePackets(stage: Stage): Promise<PacketFigures[]> {
  const {
    servers,
    plain,
    rivals,
    options: { sizes },
    say,
    attempt,
  } = stage;
  const held = Math.max(...sizes);
  const [many, few] = servers as [MeasuredServer, MeasuredServer];
  let figures: PacketFigures[] = [];
  say('packets');
  await attempt(few, async () => {
    await drain(few, FEWEST, held);
    await fill(few, held, FEWEST);
    await fill(many, held, FEWEST);
    await changePinholes(few, 'map', 0, FEWEST);
    const pinholes = Math.max(FEWEST, Math.min(held, many.mostPinholes - PINHOLES_LEFT));
    await changePinholes(many, 'map', 0, pinholes);
    if (plain !== null) await fill(plain, 0, FEWEST);
    const others = rivals
      .map((gateway) => ({ gateway, pinholes: 0, held: Math.max(0, ...sizes.filter((size) => size <= gateway.most)) }))
      .filter((other) => other.held >= FEWEST);
    figures = measurePackets([
      { gateway: few, held: FEWEST, pinholes: FEWEST },
      ...(plain === null ? [] : [{ gateway: plain, held: FEWEST, pinholes: 0 }]),
      { gateway: many, held: Math.max(held, FEWEST), pinholes },
      ...others,
    ]);
    await changePinholes(few, 'unmap', 0, FEWEST);
    await changePinholes(many, 'unmap', 0, pinholes);
  });
  return figures;
}

/** After the packets, and what they have left behind. */
async function restartAll({
  servers,
  options: { sizes, restartLeases },
  say,
  attempt,
}: Stage): Promise<RestartFigures[]> {
  const restarts: RestartFigures[] = [];
  for (const [index, gateway] of restartLeases === 0 ? [] : servers.entries()) {
    const held = index === 0 ? Math.max(FEWEST, ...sizes) : FEWEST;
    await attempt(gateway, async () => {
      await fill(gateway, held, restartLeases);
      await drain(gateway, restartLeases, held);
      await measureRestarts(gateway, restartLeases, restarts, say);
    });
  }
  return restarts;
}

/** The full port space. */
export async function measureFull({ servers, say, attempt }: Stage): Promise<Partial<Figures>> {
  const full: FullFigures[] = [];
  for (const gateway of servers) {
    const figures: FullFigures = { steps: [], memory: [], restarts: [] };
    full.push(figures);
    await attempt(gateway, () => checkFullSpace(gateway, figures, say));
  }
  return { full };
}

export async function measureMemory({ servers, say, attempt }: Stage): Promise<Partial<Figures>> {
  const memory: MemoryFigures[] = [];
  for (const gateway of servers)
    await attempt(gateway, async () => void memory.push(...(await checkMemory(gateway, MEMORY_ROUNDS, say))));
  return { memory };
}
