// Puts the parts together: helper session, external address, announcements, and the answerer between them. Opens
// nothing and reads no clock of its own.

import type { Logger } from 'pino';
import type { HelperClient, Listener } from '../proto/client.js';
import type { BootClock } from '../proto/clock.js';
import type { Ipv4 } from '../proto/mapping.js';
import { formatIpv4 } from '../proto/mapping.js';
import type { Rate } from '../proto/rate.js';
import { RateLimiter } from '../proto/rate.js';
import type { Schedule } from './announce.js';
import { Announcer } from './announce.js';
import type { Answerer, Situation } from './answer.js';
import { answerer } from './answer.js';
import type { Config } from './config.js';
import { Counters } from './counters.js';
import { Ledger } from './ledger.js';
import type { InFlightLimits } from './limiter.js';
import { InFlight } from './limiter.js';
import { Replica } from './replica.js';
import { encodeAnnouncement, secondsSinceStartOfEpoch } from './wire.js';

/** What a helper in health answers within a tenth of a second or two: more would be answered after the client has asked again. */
const IN_FLIGHT: InFlightLimits = { total: 512, allocations: 384, perHost: 128 };

/** A host may ask for all the mappings of its quota at once, and as many again every ten seconds. */
const QUOTA_EVERY_MS = 10_000;
const MIN_BURST = 32;

/** A helper that comes and goes is told about six times in a row, then once a minute; it is always counted. */
const HELPER_LINES: Rate = { burst: 6, intervalMs: 60_000 };

export interface World {
  readonly config: Config;
  readonly log: Logger;
  readonly clock: BootClock;
  readonly random: () => number;
  readonly schedule: Schedule;
  connect(listener: Listener): HelperClient;
  /** Send an announcement on every LAN. */
  announce(announcement: Uint8Array): void;
}

export interface RunningGateway {
  readonly answer: Answerer;
  readonly counters: Counters;
  readonly situation: Situation;
  /** The external interface has another address, or none any more. */
  addressChanged(address: Ipv4 | null): void;
  close(): void;
}

export function startGateway(world: World): RunningGateway {
  const { config, clock } = world;
  const counters = new Counters();
  const ledger = new Ledger();
  let externalAddress = config.externalAddress;

  const announcer = new Announcer(() => {
    const { epochStart } = situation;
    if (epochStart === null || externalAddress === null) return; // there is nothing to announce yet
    world.announce(encodeAnnouncement(secondsSinceStartOfEpoch(epochStart, clock()), externalAddress));
  }, world.schedule);
  // A new epoch is announced (§3.7), and so is the first one that is known: "on boot" (§3.2.1).
  const { replica, client } = meetHelper(world, ledger, counters, () => announcer.start());
  const situation: Situation = {
    get isHelperReady() { return replica.isReady; },
    get epochStart() { return replica.epochStart; },
    get externalAddress() { return externalAddress; },
  };
  const burst = Math.max(MIN_BURST, config.maxMappingsPerIp);
  const answer = answerer({
    config, situation, ledger, helper: client, counters, clock,
    newMappings: new RateLimiter({ burst, intervalMs: QUOTA_EVERY_MS / burst }),
    inFlight: new InFlight(IN_FLIGHT),
    startedAt: clock(),
    random: world.random,
  });
  return {
    answer, counters, situation,
    addressChanged(address) {
      externalAddress = address;
      logAddress(world.log, address);
      announcer.start(); // §3.2.1; an address that is gone is not announced
    },
    close() {
      announcer.stop();
      client.close();
    },
  };
}

function meetHelper(world: World, ledger: Ledger, counters: Counters, newEpoch: () => void) {
  const { log, clock } = world;
  const lines = new RateLimiter(HELPER_LINES);
  const mayLog = (): boolean => lines.take(0, clock());
  const replica = new Replica({
    ledger,
    ask: (request) => client.ask(request),
    schedule: world.schedule,
    ready(status, isNewEpoch) {
      counters.count('helper-found');
      if (mayLog()) log.info({ mappings: ledger.size, epochStart: status.epochStart, isNewEpoch }, 'helper connected');
      if (isNewEpoch) newEpoch();
    },
    lost() {
      counters.count('helper-lost');
      if (mayLog()) log.warn('helper lost: requests are answered with NETWORK_FAILURE until it is back');
    },
    fellBehind: () => counters.count('fell-behind'),
  });
  const client = world.connect(replica);
  return { replica, client };
}

function logAddress(log: Logger, address: Ipv4 | null): void {
  if (address === null) return log.warn('no external address: requests are answered with NETWORK_FAILURE');
  const externalAddress = formatIpv4(address);
  if (!isTranslatedAgain(address)) return log.info({ externalAddress }, 'external address');
  log.warn({ externalAddress }, 'external address is not a public one: another router translates behind this one, and '
    + 'the Internet reaches no mapping unless that one forwards too');
}

/** RFC 1918 and RFC 6598 (carrier-grade NAT). */
function isTranslatedAgain(address: Ipv4): boolean {
  return address >>> 24 === 10 || address >>> 20 === 0xac1 || address >>> 16 === 0xc0a8 || address >>> 22 === 0x191;
}
