// How many mappings the kernel holds, as nft lists them. The listing of a full table is ten megabytes and takes nft
// seconds: it is counted as it comes, line by line.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Namespace } from '../support/network.js';

/** What nft calls the sets of the ruleset (cli/host/ruleset-text.ts). */
const SETS = [
  ['map', 'NATPMP-in'],
  ['map', 'NATPMP-out'],
  ['set', 'NATPMP-live'],
] as const;

/** The elements of each set in the router's namespace. */
export async function countElements(router: Namespace): Promise<readonly number[]> {
  const counts: number[] = [];
  for (const [type, name] of SETS) counts.push(await count(router, ['list', type, 'inet', 'nat', name]));
  return counts;
}

async function count({ entrance: [program, ...before] }: Namespace, args: readonly string[]): Promise<number> {
  const nft = spawn(program, [...before, 'nft', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(nft, 'exit');
  let elements = 0;
  for await (const line of createInterface(nft.stdout)) elements += countInLine(line);
  const [status] = (await ended) as [number | null];
  if (status !== 0) throw new Error(`nft ${args.join(' ')}: exit ${status}`);
  return elements;
}

/** Elements in one line of a listing. The helper's own probe, of protocol 255, is no mapping. */
export function countInLine(line: string): number {
  return line.split(' expires ').length - 1 - (/\s255 \. /.test(line) ? 1 : 0);
}
