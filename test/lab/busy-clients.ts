// Clients that never stop asking, and remember what the gateway has promised them.

import type { Host } from './host.js';
import { ROUTER } from './lab.js';
import { Asker } from './natpmp.js';

/** Longer than any test takes. */
const LIFETIME = 3600;
/** How many requests of one host are under way at a time. */
const ASKERS = 4;

/** What has been acknowledged, in the words of Server.mappings. */
export interface Promises {
  readonly mapped: ReadonlySet<string>;
  readonly deleted: ReadonlySet<string>;
  /** Asked for, and not answered yet: may be there or not. */
  readonly open: ReadonlySet<string>;
  /** Requests that were refused, or that nobody answered, in words; each was asked again. */
  readonly failures: readonly string[];
}

export interface Load {
  /** Resolves when so many mappings more have been acknowledged. */
  more(count: number): Promise<void>;
  /** Ask for no more; resolves when all that was asked is answered. */
  stop(): Promise<Promises>;
}

/** Map UDP ports one after the other, from `firstPort`, and delete every fourth again. */
export async function startLoad(host: Host, address: string, firstPort: number): Promise<Load> {
  const mapped = new Set<string>();
  const deleted = new Set<string>();
  const open = new Set<string>();
  const failures: string[] = [];
  let nextPort = firstPort;
  let isStopping = false;
  let waiting: { count: number; resolve: () => void } | null = null;
  const line = (internal: number, external: number) => `udp ${external} -> ${address}:${internal}`;

  async function askOn(asker: Asker): Promise<void> {
    while (!isStopping) {
      const port = nextPort++;
      const wish = line(port, port);
      open.add(wish);
      if (!(await succeeds(() => asker.map('udp', port, port, LIFETIME)))) continue;
      mapped.add(wish);
      open.delete(wish);
      if (waiting !== null && --waiting.count <= 0) waiting.resolve();
      if (port % 4 !== 0) continue;
      mapped.delete(wish);
      open.add(wish);
      if (!(await succeeds(() => asker.unmap('udp', port)))) continue;
      open.delete(wish);
      deleted.add(wish);
    }
  }

  /** Ask until the gateway says success; false when told to stop before. */
  async function succeeds(request: () => Promise<{ result: number }>): Promise<boolean> {
    for (;;) {
      const reply = await request().catch(() => null);
      if (reply?.result === 0) return true;
      failures.push(reply === null ? 'no answer' : `result ${reply.result}`);
      if (isStopping) return false;
      await new Promise((resolve) => setTimeout(resolve, 10)); // result 3 comes at once: give the helper time
    }
  }

  const askers = await Promise.all(Array.from({ length: ASKERS }, () => Asker.open(host, ROUTER)));
  const done = Promise.all(askers.map(askOn));
  return {
    more: (count) =>
      new Promise((resolve) => {
        waiting = { count, resolve };
      }),
    async stop() {
      isStopping = true;
      await done;
      for (const asker of askers) asker.udp.close();
      return { mapped, deleted, open, failures };
    },
  };
}

/**
 * What is wrong with the table, in words; empty when every promise is kept and nothing is there that nobody asked for.
 */
export function brokenPromises(table: readonly string[], promises: readonly Promises[]): string[] {
  const held = new Set(table);
  const asked = new Set(promises.flatMap(({ mapped, open }) => [...mapped, ...open]));
  return [
    ...promises.flatMap(({ mapped }) => [...mapped].filter((line) => !held.has(line)).map((line) => `lost: ${line}`)),
    ...promises.flatMap(({ deleted }) =>
      [...deleted].filter((line) => held.has(line)).map((line) => `came back: ${line}`),
    ),
    ...table
      .filter((line) => !asked.has(line) && !promises.some(({ deleted }) => deleted.has(line)))
      .map((line) => `invented: ${line}`),
  ];
}
