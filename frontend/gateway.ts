// Puts the parts together: helper session, external address, announcements, and the answerer between them. Opens
// nothing and reads no clock of its own.

import type { Logger } from 'pino';
import type { HelperClient, Listener } from '../proto/client.js';
import type { BootClock } from '../proto/clock.js';
import type { Ipv4 } from '../proto/mapping.js';
import { formatIpv4 } from '../proto/mapping.js';
import type { AddressKind } from '../config/public-address.js';
import { addressKind } from '../config/public-address.js';
import type { Rate } from '../proto/token-bucket.js';
import { RateLimiter } from '../proto/token-bucket.js';
import type { Mac } from '../config/rules.js';
import type { Schedule } from './announce.js';
import { Announcer } from './announce.js';
import type { Responder, GatewayState } from './answer.js';
import { createResponder } from './answer.js';
import type { Config } from './config.js';
import { Counters } from './counters.js';
import { LeaseReplica } from './ledger.js';
import type { InFlightLimits } from './in-flight.js';
import { InFlight } from './in-flight.js';
import { HelperSession } from './replica.js';
import { encodeAnnouncement, secondsSinceStartOfEpoch } from './wire.js';

/**
 * After a power failure a whole LAN asks at once, and whoever is met with silence asks again later and later (RFC 6886
 * §3.1). So many requests a helper in health answers within half a second; of devices that ask too much, within a
 * tenth.
 */
const IN_FLIGHT: InFlightLimits = { total: 2048, allocations: 1536, busy: 256, perHost: 128 };

/** A host may ask for all the mappings of its quota at once, and as many again every ten seconds. */
const QUOTA_EVERY_MS = 10_000;
const MIN_BURST = 32;

/** A helper that comes and goes is told about six times in a row, then once a minute; it is always counted. */
const HELPER_LINES: Rate = { burst: 6, intervalMs: 60_000 };

export interface GatewayDeps {
  readonly config: Config;
  readonly log: Logger;
  readonly clock: BootClock;
  readonly random: () => number;
  readonly schedule: Schedule;
  /** Of a LAN host, as the kernel knows it now. */
  readonly hardwareAddress: (host: Ipv4) => Mac | null;
  connect(listener: Listener): HelperClient;
  /** Send an announcement on every LAN. */
  announce(announcement: Uint8Array): void;
}

export interface RunningGateway {
  readonly answer: Responder;
  readonly counters: Counters;
  readonly situation: GatewayState;
  readonly ledger: LeaseReplica;
  readonly inFlight: InFlight;
  readonly helper: Pick<HelperClient, 'ask'>;
  /** The external address, of use or not. */
  foundAddress(): Ipv4 | null;
  /** The external interface has another address, or none any more. */
  addressChanged(address: Ipv4 | null): void;
  /**
   * Other rules and limits from the next request on. What is granted already stays, and nothing that is asked is lost.
   */
  reload(config: Config): void;
  close(): void;
}

export function startGateway(world: GatewayDeps): RunningGateway {
  const { clock } = world;
  let { config } = world;
  const counters = new Counters();
  const ledger = new LeaseReplica();
  /** As the interface has it, or as it was fixed. */
  let found = config.externalAddress;
  const usableAddress = (): Ipv4 | null => (isUsable(found, config) ? found : null);

  const announcer = new Announcer(() => {
    const { epochStart, externalAddress } = situation;
    if (epochStart === null || externalAddress === null) return; // there is nothing to announce yet
    world.announce(encodeAnnouncement(secondsSinceStartOfEpoch(epochStart, clock()), externalAddress));
  }, world.schedule);
  // A new epoch is announced (§3.7), and so is the first one that is known: "on boot" (§3.2.1).
  const { replica, client } = meetHelper(world, ledger, counters, () => announcer.start());
  const situation: GatewayState = {
    get isHelperReady() {
      return replica.isReady;
    },
    get epochStart() {
      return replica.epochStart;
    },
    get externalAddress() {
      return usableAddress();
    },
  };
  const inFlight = new InFlight(IN_FLIGHT);
  let newMappings = limiterOf(config);
  const answer = createResponder({
    get config() {
      return config;
    },
    get newMappings() {
      return newMappings;
    },
    situation,
    ledger,
    helper: client,
    counters,
    clock,
    hardwareAddress: world.hardwareAddress,
    inFlight,
    startedAt: clock(),
    random: world.random,
  });
  return {
    answer,
    counters,
    situation,
    ledger,
    inFlight,
    helper: client,
    foundAddress: () => found,
    addressChanged(address) {
      if (address !== found) counters.count('address-changed');
      found = address;
      logAddress(world.log, address, config);
      announcer.start(); // §3.2.1; an address that is gone, or of no use, is not announced
    },
    reload(next) {
      const before = usableAddress();
      config = next;
      newMappings = limiterOf(config);
      if (usableAddress() === before) return;
      logAddress(world.log, found, config);
      announcer.start();
    },
    close() {
      announcer.stop();
      client.close();
    },
  };
}

/** As fast as the largest quota of any rule wants it. */
function limiterOf({ rules }: Config): RateLimiter {
  const burst = Math.max(MIN_BURST, ...rules.map(({ grant }) => grant?.maxMappings ?? 0));
  return new RateLimiter({ burst, intervalMs: QUOTA_EVERY_MS / burst });
}

/** Whoever fixes the address knows what stands before this router. */
function isUsable(address: Ipv4 | null, config: Config): boolean {
  return (
    address === null ||
    !config.requirePublicAddress ||
    config.externalAddress !== null ||
    addressKind(address) === 'public'
  );
}

function meetHelper(world: GatewayDeps, ledger: LeaseReplica, counters: Counters, newEpoch: () => void) {
  const { log, clock } = world;
  const lines = new RateLimiter(HELPER_LINES);
  const mayLog = (): boolean => lines.take(0, clock());
  const replica = new HelperSession({
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

const BEHIND: Readonly<Record<Exclude<AddressKind, 'public'>, string>> = {
  private: 'a private one (RFC 1918): another router translates behind this one',
  shared: 'a shared one (RFC 6598): the provider translates behind this router (carrier NAT)',
  reserved: 'a reserved one, which no host on the Internet has',
};

/** Once for each address. */
function logAddress(log: Logger, address: Ipv4 | null, config: Config): void {
  if (address === null) return log.warn('no external address: requests are answered with NETWORK_FAILURE');
  const externalAddress = formatIpv4(address);
  const kind = addressKind(address);
  if (kind === 'public' || config.externalAddress !== null) return log.info({ externalAddress }, 'external address');
  log.warn(
    { externalAddress, kind },
    `external address is not a public one, but ${BEHIND[kind]}: ` +
      (isUsable(address, config)
        ? 'the Internet reaches no mapping unless that is forwarded here'
        : 'requests are answered with NETWORK_FAILURE'),
  );
}
