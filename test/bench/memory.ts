// How much memory a gateway takes.

import type { MeasuredGateway } from '../load/measured-gateway.js';
import { memoryOf, type Memory } from '../load/processes.js';

export interface MemoryFigures {
  readonly gateway: string;
  /** Mappings held; null for idle, before the first request. */
  readonly held: number | null;
  /** By process. */
  readonly of: Readonly<Record<string, Memory>>;
  readonly launcher: Memory | null;
}

export function memoryFigures(gateway: MeasuredGateway, held: number | null): MemoryFigures {
  const { name, launcher } = gateway;
  const of = Object.fromEntries(Object.entries(gateway.pids()).map(([role, pid]) => [role, memoryOf(pid)]));
  return { gateway: name, held, of, launcher: launcher === null ? null : memoryOf(launcher) };
}

/** Of all its processes together, the launcher left out. */
export function together({ of }: MemoryFigures): Memory {
  const all = Object.values(of);
  const sum = (value: (memory: Memory) => number) => all.reduce((total, memory) => total + value(memory), 0);
  return { pss: sum(({ pss }) => pss), anonymous: sum(({ anonymous }) => anonymous) };
}
