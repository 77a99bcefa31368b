// Connects the parts of the frontend: helper session, external address, announcements and responder. Opens nothing and
// reads no clock of its own.

import type { Logger } from 'pino';
import type { HelperClient, Listener } from '../proto/client.js';
import type { BootClock } from '../proto/clock.js';
import type { Ipv4 } from '../proto/mapping.js';
import { formatIpv4 } from '../proto/mapping.js';
import type { AddressKind } from '../config/public-address.js';
import { addressKind } from '../config/public-address.js';
import type { Mac } from '../config/types.js';
import { Announcer } from './announce.js';
import type { Responder, GatewayState } from './answer.js';
import { createResponder } from './answer.js';
import type { Config } from './config.js';
import { Counters } from './counters.js';
import { connectToHelper, newMappingLimiter, newMappingLimiters } from '../caller/connect.js';
import { isUsable } from '../caller/external-address.js';
import type { InFlightLimits } from './in-flight.js';
import { InFlight } from './in-flight.js';
import { LeaseReplica } from '../caller/lease-replica.js';
import type { PcpContext, PcpResponder } from './pcp/answer.js';
import { createPcpResponder } from './pcp/answer.js';
import { PinholeReplica } from '../caller/pinhole-replica.js';
import { encodeAnnounce, epochTime } from './pcp/wire.js';
import type { Schedule } from '../caller/schedule.js';
import { encodeAnnouncement, secondsSinceStartOfEpoch } from './wire.js';

/**
 * Sized so that a healthy helper clears them in 500 ms, and the throttled share in 100 ms: after a power failure a
 * whole LAN asks at once, and clients that get no reply retransmit ever later (RFC 6886 §3.1).
 */
const IN_FLIGHT: InFlightLimits = { total: 2048, allocations: 1536, throttled: 256, perHost: 128 };

const WHILE_LOST = 'helper lost: requests wait for it, and after 30 s get NETWORK_FAILURE';

export interface GatewayDeps {
  readonly config: Config;
  readonly log: Logger;
  readonly clock: BootClock;
  /** [0, 1) */
  readonly random: () => number;
  readonly schedule: Schedule;
  /** Whether packets for the host leave by this interface (route/lan-hosts.ts). */
  readonly isLanHost: (interfaceIndex: number, host: Ipv4) => boolean;
  /** From the kernel's neighbour table; null if it has none. */
  readonly hardwareAddress: (interfaceIndex: number, host: Ipv4) => Mac | null;
  connect(listener: Listener): HelperClient;
  /** Send an announcement on every LAN. */
  announce(announcement: Uint8Array): void;
  /** What PCP over IPv6 needs; null if it is not served, because there are no sockets for it. */
  readonly pcp: PcpDeps | null;
  /** Tell the supervisor, in a line, what is served or waited for. */
  setStatus(status: string): void;
}

export interface PcpDeps extends Pick<PcpContext, 'isLanHost' | 'findDevice' | 'resolve'> {
  /** Send an announcement of PCP on every LAN. */
  announce(announcement: Uint8Array): void;
}

export interface RunningGateway {
  readonly answer: Responder;
  /** Null if PCP is not served; so is `pinholes`. */
  readonly answerPcp: PcpResponder | null;
  readonly pinholes: PinholeReplica | null;
  readonly counters: Counters;
  readonly state: GatewayState;
  readonly leases: LeaseReplica;
  readonly inFlight: InFlight;
  readonly helper: Pick<HelperClient, 'ask'>;
  /** The external address, even if it may not be used (`requirePublicAddress`); null if there is none. */
  currentAddress(): Ipv4 | null;
  /** The external interface has a new address, or none. */
  addressChanged(address: Ipv4 | null): void;
  /** The sockets for PCP are there: announce, if the epoch is known. */
  announcePcp(): void;
  /** Apply new rules and limits from the next request on. Leases and pending requests stay. */
  reload(config: Config): void;
  close(): void;
}

export function startGateway(deps: GatewayDeps): RunningGateway {
  const { clock } = deps;
  let { config } = deps;
  const counters = new Counters();
  const leases = new LeaseReplica();
  const pinholes = deps.pcp === null ? null : new PinholeReplica();
  let currentAddress = config.externalAddress;
  const usableAddress = (): Ipv4 | null => (isUsable(currentAddress, config) ? currentAddress : null);

  let addressLostAtMs = usableAddress() === null ? clock() : null;
  let isAddressKnown = false;
  /**
   * Something has changed that the usable address depends on. An address that is not public may pass if it came while
   * we run: PPP links have one for a moment. If it was there before, or the configuration forbids it now, it does not.
   */
  const noteAddress = (mayPass: boolean): void => {
    if (usableAddress() !== null) addressLostAtMs = null;
    else if (state.isAddressForbidden && !mayPass) addressLostAtMs = -Infinity;
    else addressLostAtMs ??= clock();
  };

  const announcer = new Announcer(() => {
    const { epochStartMs, externalAddress } = state;
    if (epochStartMs === null || externalAddress === null) return; // nothing to announce yet
    deps.announce(encodeAnnouncement(secondsSinceStartOfEpoch(epochStartMs, clock()), externalAddress));
  }, deps.schedule);
  // RFC 6887 §14.1.3: the external address of a pinhole is the host's own, so only the epoch matters.
  const pcpAnnouncer = new Announcer(() => {
    const sssoe = state.epochStartMs === null ? null : secondsSinceStartOfEpoch(state.epochStartMs, clock());
    if (sssoe !== null) deps.pcp?.announce(encodeAnnounce(epochTime(sssoe)));
  }, deps.schedule);
  // A new epoch is announced (§3.7), and so is the first one, which is "on boot" (§3.2.1).
  const { session, client } = connectToHelper({ ...deps, whileLost: WHILE_LOST }, leases, pinholes, counters, {
    newEpoch() {
      announcer.start();
      if (deps.pcp !== null) pcpAnnouncer.start();
    },
    changed: () => tellStatus(),
  });
  const state: GatewayState = {
    get isHelperReady() {
      return session.isReady;
    },
    get epochStartMs() {
      return session.epochStartMs;
    },
    get helperLostAtMs() {
      return session.lostAtMs;
    },
    get externalAddress() {
      return usableAddress();
    },
    get addressLostAtMs() {
      return addressLostAtMs;
    },
    get isAddressForbidden() {
      return currentAddress !== null && usableAddress() === null;
    },
    helperReady: (limitMs) => session.ready(limitMs),
  };
  const tellStatus = (): void => {
    const missing = [
      ...(session.isReady ? [] : ['the helper']),
      ...(currentAddress === null ? [`an address on ${config.externalInterface}`] : []),
    ];
    deps.setStatus(missing.length === 0 ? 'serving' : `waiting for ${missing.join(' and ')}`);
  };
  const inFlight = new InFlight(IN_FLIGHT);
  let newMappings = newMappingLimiters(config);
  let newPinholes = newMappingLimiter(config);
  const { schedule } = deps;
  const shared = { state, helper: client, counters, clock, inFlight, schedule, startedAtMs: clock() };
  const answer = createResponder({
    ...shared,
    get config() {
      return config;
    },
    get newMappings() {
      return newMappings;
    },
    leases,
    isLanHost: deps.isLanHost,
    hardwareAddress: deps.hardwareAddress,
    random: deps.random,
  });
  const answerPcp =
    deps.pcp === null || pinholes === null
      ? null
      : createPcpResponder({
          ...shared,
          ...deps.pcp,
          resolving: { count: 0 },
          get config() {
            return config;
          },
          get newPinholes() {
            return newPinholes;
          },
          pinholes,
        });
  return {
    answer,
    answerPcp,
    pinholes,
    counters,
    state,
    leases,
    inFlight,
    helper: client,
    currentAddress: () => currentAddress,
    addressChanged(address) {
      if (address !== currentAddress) counters.count('address-changed');
      currentAddress = address;
      noteAddress(isAddressKnown);
      isAddressKnown = true;
      logAddress(deps.log, address, config);
      tellStatus();
      announcer.start(); // §3.2.1; sends nothing if there is no usable address
    },
    announcePcp: () => pcpAnnouncer.start(),
    reload(next) {
      const before = usableAddress();
      config = next;
      newMappings = newMappingLimiters(config);
      newPinholes = newMappingLimiter(config);
      noteAddress(false);
      if (usableAddress() === before) return;
      logAddress(deps.log, currentAddress, config);
      announcer.start();
    },
    close() {
      announcer.stop();
      pcpAnnouncer.stop();
      client.close();
    },
  };
}

const EXPLANATION: Readonly<Record<Exclude<AddressKind, 'public'>, string>> = {
  private: 'a private one (RFC 1918): another router translates behind this one',
  shared: 'a shared one (RFC 6598): the provider translates behind this router (carrier NAT)',
  reserved: 'a reserved one, which no host on the Internet has',
};

/** Log a new external address, with a warning if the Internet cannot reach it. */
function logAddress(log: Logger, address: Ipv4 | null, config: Config): void {
  if (address === null) {
    return log.warn(
      { interface: config.externalInterface },
      config.requirePublicAddress
        ? 'no external address: requests for it and for new mappings get NETWORK_FAILURE after 30 s'
        : 'no external address: requests for it get NETWORK_FAILURE after 30 s; mappings are granted and renewed',
    );
  }
  const externalAddress = formatIpv4(address);
  const kind = addressKind(address);
  if (kind === 'public' || config.externalAddress !== null) return log.info({ externalAddress }, 'external address');
  log.warn(
    { externalAddress, kind },
    `external address is not a public one, but ${EXPLANATION[kind]}: ` +
      (isUsable(address, config)
        ? 'the Internet reaches no mapping unless that is forwarded here'
        : 'requests for it and for mappings get NETWORK_FAILURE'),
  );
}
