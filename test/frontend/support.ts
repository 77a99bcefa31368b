// What the frontend's tests share: a LAN, its hosts, and a gateway whose helper follows a script.

import { parseLan } from '../../config/lans.js';
import type { AnswerContext } from '../../frontend/answer.js';
import type { Grant } from '../../config/types.js';
import type { PolicyConfig } from '../../frontend/config.js';
import { Counters } from '../../frontend/counters.js';
import { LeaseReplica } from '../../caller/lease-replica.js';
import { InFlight } from '../../frontend/in-flight.js';
import type { Answer, HelperClient } from '../../proto/client.js';
import type { Request } from '../../proto/codec.js';
import type { Endpoint, Ipv4, Lease } from '../../proto/mapping.js';
import { EVERYONE } from '../../config/rules.js';
import { parseIpv4 } from '../../proto/mapping.js';
import { RateLimiter } from '../../proto/token-bucket.js';
import { Table } from '../../proto/table.js';

export function ip(text: string): Ipv4 {
  const address = parseIpv4(text);
  if (address === null) throw new Error(`${text} is no address`);
  return address;
}

export const LAN = parseLan('192.168.1.1/24')!;
export const ALICE = ip('192.168.1.10');
export const BOB = ip('192.168.1.11');
export const EXTERNAL = ip('203.0.113.7');
/** SSSoE is 00012345 in replies. */
export const NOW = 0x12345 * 1000 + 999;

export const CONFIG: Grant = {
  maxMappings: 3,
  maxLifetime: 86400,
  ports: [{ from: 1024, to: 65535 }],
  pinholePorts: [{ from: 1024, to: 65535 }],
};

/** The same for everyone. */
export function policyOf(grant: Grant): PolicyConfig {
  return { rules: [{ who: EVERYONE, grant }], deniedPorts: [], defaultLifetime: 3600, requirePublicAddress: false };
}

export function lease(endpoint: Partial<Endpoint> & { externalPort: number }, more: Partial<Lease> = {}): Lease {
  return {
    protocol: 'udp',
    internalAddress: ALICE,
    internalPort: endpoint.externalPort,
    origin: 'dynamic',
    lifetime: 3600,
    expiresAt: 10_000_000_000,
    ...endpoint,
    ...more,
  };
}

export function staticLease(endpoint: Partial<Endpoint> & { externalPort: number }): Lease {
  return lease(endpoint, { origin: 'static', lifetime: 0, expiresAt: Infinity });
}

export function tableOf(leases: readonly Lease[]): Table {
  const table = new Table();
  for (const each of leases) table.put(each);
  return table;
}

/** A helper that expects these requests, in this order, and no other. */
export class ScriptedHelper implements Pick<HelperClient, 'ask'> {
  readonly unexpected: Request[] = [];
  readonly #script: (readonly [Request, Answer])[];

  constructor(script: readonly (readonly [Request, Answer])[]) {
    this.#script = [...script];
  }

  get isDone(): boolean {
    return this.#script.length === 0 && this.unexpected.length === 0;
  }

  ask(request: Request): Promise<Answer> {
    const next = this.#script.shift();
    if (next !== undefined && JSON.stringify(sorted(next[0])) === JSON.stringify(sorted(request))) {
      return Promise.resolve(next[1]);
    }
    this.unexpected.push(request);
    return Promise.resolve({ kind: 'unavailable' });
  }
}

function sorted(request: Request): unknown {
  return Object.entries(request).sort(([a], [b]) => a.localeCompare(b));
}

export interface Setting {
  readonly helper?: Pick<HelperClient, 'ask'>;
  readonly config?: Partial<Grant>;
  readonly policy?: Partial<PolicyConfig>;
  readonly isLanHost?: AnswerContext['isLanHost'];
  readonly hardwareAddress?: (host: Ipv4) => number | null;
  readonly leases?: readonly Lease[];
  /** For how long the helper has been away; it does not come back. */
  readonly helperAwayMs?: number;
  readonly epochStartMs?: number | null;
  readonly externalAddress?: Ipv4;
  /** For how long there has been no external address that may be used. */
  readonly addressAwayMs?: number;
  /** There is one, and it may not be used. */
  readonly isAddressForbidden?: true;
  readonly newMappings?: RateLimiter;
  readonly inFlight?: InFlight;
  readonly clock?: () => number;
  readonly startedAtMs?: number;
  readonly random?: () => number;
}

/** A gateway in good health, but for what the setting says. */
export function gatewayWith(setting: Setting): AnswerContext {
  const leases = new LeaseReplica();
  leases.reset(tableOf(setting.leases ?? []));
  // Time passes for those alone that wait.
  let now = NOW;
  const clock = setting.clock ?? (() => now);
  const { helperAwayMs, addressAwayMs } = setting;
  const newMappings = setting.newMappings ?? new RateLimiter({ burst: 1000, intervalMs: 1 });
  return {
    config: { ...policyOf({ ...CONFIG, ...setting.config }), lans: [LAN], ...setting.policy },
    isLanHost: setting.isLanHost ?? (() => true),
    hardwareAddress: (_interface, host) => setting.hardwareAddress?.(host) ?? null,
    state: {
      isHelperReady: helperAwayMs === undefined,
      epochStartMs: setting.epochStartMs === undefined ? 0 : setting.epochStartMs,
      helperLostAtMs: helperAwayMs === undefined ? null : clock() - helperAwayMs,
      externalAddress: addressAwayMs === undefined ? (setting.externalAddress ?? EXTERNAL) : null,
      addressLostAtMs: addressAwayMs === undefined ? null : clock() - addressAwayMs,
      isAddressForbidden: setting.isAddressForbidden ?? false,
      async helperReady(limitMs) {
        now += limitMs;
      },
    },
    leases,
    helper: setting.helper ?? new ScriptedHelper([]),
    newMappings: () => newMappings,
    inFlight: setting.inFlight ?? new InFlight({ total: 100, allocations: 100, throttled: 100, perHost: 100 }),
    counters: new Counters(),
    clock,
    schedule(delayMs, run) {
      now += delayMs;
      run();
      return () => {};
    },
    startedAtMs: setting.startedAtMs ?? 0,
    random: setting.random ?? (() => 0),
  };
}

/** A reproducible [0, 1): mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A schedule whose clock only moves when told. */
export function manualClock() {
  let now = 0;
  let timers: { at: number; run: () => void }[] = [];
  return {
    now: () => now,
    pending: () => timers.length,
    schedule(delayMs: number, run: () => void) {
      const timer = { at: now + delayMs, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    advance(ms: number) {
      const until = now + ms;
      for (;;) {
        const next = timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
        if (next === undefined) break;
        timers = timers.filter((timer) => timer !== next);
        now = next.at;
        next.run();
      }
      now = until;
    },
  };
}
