// A daemon's session with the helper, with counters and log lines for its changes, and the rate of new mappings.

import type { Logger } from 'pino';
import type { HelperClient, Listener } from '../proto/client.js';
import type { BootClock } from '../proto/clock.js';
import type { Event } from '../proto/codec.js';
import type { Rate } from '../proto/token-bucket.js';
import { RateLimiter } from '../proto/token-bucket.js';
import { HelperSession } from './helper-session.js';
import type { LeaseReplica } from './lease-replica.js';
import type { PinholeReplica } from './pinhole-replica.js';
import type { Rules } from './policy.js';
import type { Schedule } from './schedule.js';

/** A host may ask for all the mappings of its quota at once, and for as many again in each interval. */
const QUOTA_INTERVAL_MS = 10_000;
const MIN_BURST = 32;

/** Log lines about a helper that comes and goes: six in a row, then one a minute. The counters count every time. */
const HELPER_LOG_RATE: Rate = { burst: 6, intervalMs: 60_000 };

export interface ConnectDeps {
  readonly log: Logger;
  readonly clock: BootClock;
  readonly schedule: Schedule;
  connect(listener: Listener): HelperClient;
  /** The log line for a helper that is away: what requests get meanwhile. */
  readonly whileLost: string;
}

/** Connect a session to the helper, with counters and log lines for its changes. */
export function connectToHelper(
  deps: ConnectDeps,
  leases: LeaseReplica,
  pinholes: PinholeReplica | null,
  counters: { count(event: 'helper-found' | 'helper-lost' | 'fell-behind'): void },
  on: { newEpoch(): void; changed(): void; applied?(event: Event): void },
): { readonly session: HelperSession; readonly client: HelperClient } {
  const { log, clock } = deps;
  const logRate = new RateLimiter(HELPER_LOG_RATE);
  const mayLog = (): boolean => logRate.take(0, clock());
  const session = new HelperSession({
    leases,
    pinholes,
    ask: (request) => client.ask(request),
    clock,
    schedule: deps.schedule,
    ready(status, isNewEpoch) {
      counters.count('helper-found');
      if (mayLog()) log.info({ mappings: leases.size, epochStart: status.epochStart, isNewEpoch }, 'helper connected');
      on.changed();
      if (isNewEpoch) on.newEpoch();
    },
    lost() {
      counters.count('helper-lost');
      if (mayLog()) log.warn(deps.whileLost);
      on.changed();
    },
    fellBehind: () => counters.count('fell-behind'),
    applied: (event) => on.applied?.(event),
  });
  const client: HelperClient = deps.connect(session);
  return { session, client };
}

/** The largest quota of any rule. */
export function largestQuota({ rules }: Pick<Rules, 'rules'>): number {
  return Math.max(0, ...rules.map(({ grant }) => grant?.maxMappings ?? 0));
}

/** Allows a burst of the largest quota. */
export function newMappingLimiter(rules: Pick<Rules, 'rules'>): RateLimiter {
  const burst = Math.max(MIN_BURST, largestQuota(rules));
  return new RateLimiter({ burst, intervalMs: QUOTA_INTERVAL_MS / burst });
}

/** The same for each LAN, by interface: the addresses of two hosts may fold to one slot, if they are of different LANs. */
export function newMappingLimiters(rules: Pick<Rules, 'rules'>): (interfaceIndex: number) => RateLimiter {
  const lans = new Map<number, RateLimiter>();
  return (interfaceIndex) => {
    const limiter = lans.get(interfaceIndex) ?? newMappingLimiter(rules);
    lans.set(interfaceIndex, limiter);
    return limiter;
  };
}
