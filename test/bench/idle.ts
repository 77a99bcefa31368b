// What gateways cost while nobody asks anything.

import type { MeasuredGateway } from '../load/measured-gateway.js';
import { memoryFigures, together } from './memory.js';
import { cpuMicroseconds, wakeUps, type Memory } from '../load/processes.js';

export interface IdleFigures {
  readonly gateway: string;
  readonly held: number;
  readonly seconds: number;
  /** Milliseconds of processor time a second, by process. */
  readonly cpu: Readonly<Record<string, number>>;
  /** Times a second that a thread went to sleep, and so was woken up before, by process. */
  readonly wakeUps: Readonly<Record<string, number>>;
  readonly memory: Memory;
}

/**
 * All of them in the same seconds, after as many in which what was started before (timers, collections of garbage) may
 * end.
 */
export async function measureIdle(
  gateways: readonly MeasuredGateway[],
  held: number,
  seconds: number,
): Promise<IdleFigures[]> {
  await pause(seconds * 1000);
  const before = gateways.map(countsOf);
  await pause(seconds * 1000);
  return gateways.map((gateway, index) => {
    const after = countsOf(gateway);
    const each = (kind: 'cpu' | 'wakeUps', unit: number) =>
      Object.fromEntries(
        Object.entries(after[kind]).map(([role, count]) => [
          role,
          (count - (before[index]?.[kind][role] ?? NaN)) / seconds / unit,
        ]),
      );
    return {
      gateway: gateway.name,
      held,
      seconds,
      cpu: each('cpu', 1000),
      wakeUps: each('wakeUps', 1),
      memory: together(memoryFigures(gateway, held)),
    };
  });
}

function countsOf(gateway: MeasuredGateway): Readonly<Record<'cpu' | 'wakeUps', Record<string, number>>> {
  const pids = Object.entries(gateway.pids());
  return {
    cpu: Object.fromEntries(pids.map(([role, pid]) => [role, cpuMicroseconds(pid)])),
    wakeUps: Object.fromEntries(pids.map(([role, pid]) => [role, wakeUps(pid)])),
  };
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
