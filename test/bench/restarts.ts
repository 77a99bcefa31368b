// How long a gateway full of leases is away when one process, or all of it, starts again.

import type { FlowFigures } from './flows-protocol.js';
import { monotonicMs } from '../load/generator-protocol.js';
import type { MeasuredServer, Role } from '../load/measured-server.js';
import { Watcher } from './watcher.js';

export interface RestartFigures {
  readonly gateway: string;
  readonly what: string;
  readonly leases: number;
  /** Milliseconds from the kill, or from the start, to the first request that is granted. */
  readonly answered: number;
  /** Milliseconds until `nft` had shown every element, its own time of listing included ... */
  readonly complete: number;
  /** ... which was this, for the last of so many listings; one means that all was there at the first answer. */
  readonly listing: number;
  readonly listings: number;
  /** Replies that were refusals, in between. */
  readonly refusals: number;
  /** As seen from outside meanwhile: what went on through a mapping. */
  readonly flows: FlowFigures;
}

/** How long the kernel may take to hold what it should, in milliseconds. */
const COMPLETE_MS = 60_000;

/** The table of the gateway holds `leases` mappings from number 0 on. Adds to the figures as they come. */
export async function measureRestarts(
  gateway: MeasuredServer,
  leases: number,
  figures: RestartFigures[],
  say: (what: string) => void,
): Promise<void> {
  const watcher = await Watcher.open(gateway);
  const measure = async (what: string, begin: () => Promise<number>): Promise<void> => {
    say(`restart, ${gateway.name}: ${what}`);
    await watcher.begin();
    const sinceMs = await begin();
    const { atMs, refusals } = await gateway.generator.probe(0);
    const flows = await watcher.end();
    const { endMs, listing, listings } = await complete(gateway, leases);
    figures.push({
      gateway: gateway.name,
      what,
      leases,
      answered: atMs - sinceMs,
      complete: endMs - sinceMs,
      listing,
      listings,
      refusals,
      flows,
    });
  };
  try {
    await measure('helper killed', () => kill(gateway, 'helper'));
    await measure('frontend killed', () => kill(gateway, 'frontend'));
    await measure('stopped and started', () => startAgain(gateway, async () => {}));
    await measure('started with an empty kernel', () => startAgain(gateway, () => gateway.flushKernel()));
  } finally {
    watcher.close();
  }
}

async function kill(gateway: MeasuredServer, role: Role): Promise<number> {
  const pid = gateway.pids()[role];
  const sinceMs = monotonicMs();
  process.kill(pid, 'SIGKILL');
  return sinceMs;
}

async function startAgain(gateway: MeasuredServer, between: () => Promise<void>): Promise<number> {
  await gateway.stop();
  await between();
  const sinceMs = monotonicMs();
  await gateway.start();
  return sinceMs;
}

/** List until everything is shown. */
async function complete(
  gateway: MeasuredServer,
  mappings: number,
): Promise<{ endMs: number; listing: number; listings: number }> {
  const until = monotonicMs() + COMPLETE_MS;
  for (let listings = 1; ; listings++) {
    const beginMs = monotonicMs();
    const elements = await gateway.elements();
    const endMs = monotonicMs();
    if (elements.every((count) => count === mappings)) return { endMs, listing: endMs - beginMs, listings };
    if (endMs > until) throw new Error(`the kernel holds ${elements.join(', ')} elements instead of ${mappings} each`);
  }
}
