// `kill -9` at random moments, of the helper, the frontend, both, natpmp-upnp, or all of it, under load; after each few, when all is
// back, everything that can be seen has to agree with what was acknowledged.

import { until } from '../lab/flows.js';
import type { Random } from './random.js';
import { between, randomFrom, weighted } from './random.js';
import type { Report } from './report.js';
import { TorturedGateway } from './tortured-gateway.js';

export interface KillsOptions {
  readonly kills: number;
  readonly seed: number;
  /** Told of each check. */
  say(what: string): void;
}

/** Who is killed: `both` at the same moment; `all` is natpmp-server too, as a power failure does it. */
export type Victim = 'helper' | 'frontend' | 'upnp' | 'both' | 'all';

export interface Kill {
  readonly victim: Victim;
  /** How long after the kill before it, or after the load began, in milliseconds. */
  readonly afterMs: number;
}

const VICTIMS: Readonly<Record<Victim, number>> = { helper: 40, frontend: 22, upnp: 14, both: 20, all: 4 };
/** How many kills between two checks. */
const IN_A_ROW = { from: 1, to: 4 } as const;
const FIRST_MS = { from: 20, to: 500 } as const;
/** A process takes about half a second to come back: the next one often dies on its way. */
const NEXT_MS = { from: 0, to: 700 } as const;
/** How long a busy machine may take for what has to happen, in milliseconds. */
const SOON_MS = 60_000;

/** The kills between two checks. Pure, by the chance that is given. */
export function planRound(random: Random, most: number): readonly Kill[] {
  return Array.from({ length: Math.min(most, between(random, IN_A_ROW.from, IN_A_ROW.to)) }, (_, index) => {
    const { from, to } = index === 0 ? FIRST_MS : NEXT_MS;
    return { victim: weighted(random, VICTIMS), afterMs: between(random, from, to) };
  });
}

/** Null if there can be no lab. */
export async function runKills({ kills, seed, say }: KillsOptions): Promise<Report | null> {
  const beganAt = performance.now();
  const random = randomFrom(seed);
  const gateway = await TorturedGateway.open(seed ^ 0x5eed);
  if (gateway === null) return null;
  const killed: Record<Victim, number> = { helper: 0, frontend: 0, upnp: 0, both: 0, all: 0 };
  let most = 0;
  gateway.clients.start();
  await gateway.clients.more(200);
  for (let done = 0; done < kills; ) {
    gateway.clients.start();
    const round = planRound(random, kills - done);
    for (const { victim, afterMs } of round) {
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      await strike(gateway, victim);
      killed[victim]++;
      done++;
    }
    await gateway.server.answering();
    await gateway.check(`kills ${done - round.length + 1}-${done} (${round.map(({ victim }) => victim).join(', ')})`);
    most = Math.max(most, gateway.model.owed(performance.now()));
    const { lost, revived, other } = gateway.findings;
    if (gateway.checks % 10 === 0)
      say(`${done} of ${kills} kills, ${gateway.clients.counts.acknowledged} leases acknowledged, ${most} held`);
    // A gateway that is out of step with the model once stays so.
    if (lost.length + revived.length + other.length > 50) break;
  }
  await gateway.server.stop();
  const { acknowledged, deleted, refused, inDoubt } = gateway.clients.counts;
  return {
    part: 'kills',
    faults: Object.values(killed).reduce((a, b) => a + b),
    acknowledged,
    findings: gateway.findings,
    seconds: (performance.now() - beganAt) / 1000,
    notes: [
      `seed ${seed}: helper ${killed.helper}, frontend ${killed.frontend}, upnp ${killed.upnp}, ` +
        `both ${killed.both}, everything ${killed.all}; ${gateway.checks} comparisons`,
      `${deleted} deletions acknowledged, ${refused} requests refused meanwhile, ${inDoubt} left in doubt, ` +
        `up to ${most} leases at a time`,
    ],
  };
}

async function strike(gateway: TorturedGateway, victim: Victim): Promise<void> {
  const { server } = gateway;
  const kill = async (which: 'helper' | 'frontend' | 'upnp') => {
    // It may be on its way: then it dies as soon as it is there. Or it goes by itself, before it is killed.
    await until(
      `there is a ${which} to kill`,
      () =>
        server.killOne(which).then(
          () => true,
          () => false,
        ),
      SOON_MS,
    );
  };
  switch (victim) {
    case 'helper':
    case 'frontend':
    case 'upnp':
      return kill(victim);
    case 'both':
      await Promise.all([kill('helper'), kill('frontend')]);
      return;
    case 'all':
      return gateway.startAgain();
  }
}
