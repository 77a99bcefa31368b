// The scale check: the full port space, 64,512 ports of each protocol, asked for by many hosts, verified from two
// sides, renewed, carried over restarts, and given back.

import type { Done } from '../load/generator-protocol.js';
import { monotonicMs } from '../load/generator-protocol.js';
import { MOST_MAPPINGS } from '../load/mappings.js';
import { memoryFigures, type MemoryFigures } from './memory.js';
import { measureRestarts, type RestartFigures } from './restarts.js';
import type { MeasuredServer } from '../load/measured-server.js';

export interface FullStep {
  readonly gateway: string;
  readonly what: string;
  readonly seconds: number;
  readonly perSecond: number;
  /** Microseconds; null if it was no load. */
  readonly p50: number | null;
  readonly p99: number | null;
}

export interface FullFigures {
  readonly steps: FullStep[];
  readonly memory: MemoryFigures[];
  readonly restarts: RestartFigures[];
}

const WIDTH = 64;

/**
 * Fills the figures in as they come, so that those before a failure are not lost.
 * @throws if the operator or the kernel sees another number of mappings than were granted.
 */
export async function checkFullSpace(
  gateway: MeasuredServer,
  { steps, memory, restarts }: FullFigures,
  say: (what: string) => void,
): Promise<void> {
  memory.push(memoryFigures(gateway, null));
  const loaded = async (what: string, load: () => Promise<Done>): Promise<void> => {
    say(`full port space, ${gateway.name}: ${what}`);
    const { count, elapsedMs, p50, p99 } = await load();
    steps.push({
      gateway: gateway.name,
      what,
      seconds: elapsedMs / 1000,
      perSecond: (count / elapsedMs) * 1000,
      p50,
      p99,
    });
  };
  await loaded('map all, all hosts at once', () => gateway.generator.cold(MOST_MAPPINGS));
  steps.push(await verify(gateway, MOST_MAPPINGS));
  const all = { first: 0, span: MOST_MAPPINGS, count: MOST_MAPPINGS, width: WIDTH };
  memory.push(memoryFigures(gateway, MOST_MAPPINGS));
  await loaded('renew all', () => gateway.generator.load({ op: 'map', ...all }));
  steps.push(await verify(gateway, MOST_MAPPINGS));
  await measureRestarts(gateway, MOST_MAPPINGS, restarts, say);
  steps.push(await verify(gateway, MOST_MAPPINGS));
  memory.push(memoryFigures(gateway, MOST_MAPPINGS));
  await loaded('delete all', () => gateway.generator.load({ op: 'unmap', ...all }));
  steps.push(await verify(gateway, 0));
  memory.push(memoryFigures(gateway, 0));
}

/**
 * Memory with the full port space mapped, and with every mapping renewed again and again: it is to stay where it is.
 */
export async function checkMemory(
  gateway: MeasuredServer,
  rounds: number,
  say: (what: string) => void,
): Promise<MemoryFigures[]> {
  const memory = [memoryFigures(gateway, null)];
  const all = { first: 0, span: MOST_MAPPINGS, count: MOST_MAPPINGS, width: WIDTH };
  for (let round = 0; round <= rounds; round++) {
    say(`memory, ${gateway.name}: ${round === 0 ? 'map all' : `renew all, ${round} of ${rounds}`}`);
    await gateway.generator.load({ op: 'map', ...all });
    memory.push(memoryFigures(gateway, MOST_MAPPINGS));
  }
  return memory;
}

async function verify(gateway: MeasuredServer, mappings: number): Promise<FullStep> {
  const start = monotonicMs();
  const listed = await gateway.listed();
  const seconds = (monotonicMs() - start) / 1000;
  const counts = [listed, ...(await gateway.elements())];
  if (counts.some((count) => count !== mappings)) {
    throw new Error(
      `natpmpctl list shows ${listed} mappings, nft ${counts.slice(1).join(', ')} elements, instead of ${mappings}`,
    );
  }
  return {
    gateway: gateway.name,
    what: `natpmpctl list --json: ${listed}, nft the same`,
    seconds,
    perSecond: listed / seconds,
    p50: null,
    p99: null,
  };
}
