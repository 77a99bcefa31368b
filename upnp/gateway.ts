// Connects the parts of natpmp-upnp: helper session, external address, descriptions and control. Opens nothing and reads
// no clock of its own.

import type { Logger } from 'pino';
import { connectToHelper, largestQuota, newMappingLimiters } from '../caller/connect.js';
import { isUsable } from '../caller/external-address.js';
import { LeaseReplica } from '../caller/lease-replica.js';
import type { Schedule } from '../caller/schedule.js';
import type { Waiting } from '../caller/waiting.js';
import { addressKind } from '../config/public-address.js';
import type { Mac } from '../config/types.js';
import type { HelperClient, Listener } from '../proto/client.js';
import type { BootClock } from '../proto/clock.js';
import type { Ipv4 } from '../proto/mapping.js';
import { formatIpv4 } from '../proto/mapping.js';
import type { Config } from './config.js';
import type { Control, ControlContext } from './igd/control.js';
import { createControl } from './igd/control.js';
import { Counters } from './metrics/counters.js';
import { Descriptions } from './igd/descriptions.js';
import type { Identity } from './igd/identity.js';

const WHILE_LOST = 'helper lost: requests for mappings wait for it, and after 3 s get 501; all others are answered';

export interface GatewayDeps {
  readonly config: Config;
  readonly log: Logger;
  readonly clock: BootClock;
  readonly schedule: Schedule;
  /** From the kernel's neighbour table; null if it has none. */
  hardwareAddress(interfaceIndex: number, host: Ipv4): Mac | null;
  connect(listener: Listener): HelperClient;
  /** The names of the devices on the LAN of this interface. */
  identity(interfaceIndex: number): Identity;
  /** Tell the supervisor, in a line, what is served or waited for. */
  setStatus(status: string): void;
}

export interface RunningGateway {
  readonly control: Control;
  /** The same, for questions of this router: they are not counted. */
  readonly ownControl: Control;
  readonly counters: Counters;
  readonly leases: LeaseReplica;
  readonly descriptions: Descriptions;
  readonly state: Waiting['state'];
  /** The external address, even if it may not be used (`requirePublicAddress`); null if there is none. */
  currentAddress(): Ipv4 | null;
  /** The largest number of mappings that the rules in force grant a host. */
  mostMappings(): number;
  /** The external interface has a new address, or none. */
  addressChanged(address: Ipv4 | null): void;
  /** Apply new rules and limits from the next request on. Leases stay. */
  reload(config: Config): void;
  close(): void;
}

export function startGateway(deps: GatewayDeps): RunningGateway {
  const { clock, schedule, log } = deps;
  let { config } = deps;
  const counters = new Counters();
  const countProcess = counters.of('process');
  const leases = new LeaseReplica();
  const descriptions = new Descriptions(leases);
  let currentAddress = config.externalAddress;
  const usableAddress = (): Ipv4 | null => (isUsable(currentAddress, config) ? currentAddress : null);
  let addressSinceMs = usableAddress() === null ? null : clock();

  const connecting = { ...deps, whileLost: WHILE_LOST };
  const { session, client } = connectToHelper(
    connecting,
    leases,
    null,
    { count: countProcess },
    {
      newEpoch() {},
      changed: () => tellStatus(),
      applied: (event) => descriptions.apply(event),
    },
  );
  const state: Waiting['state'] = {
    get isHelperReady() {
      return session.isReady;
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
  let newMappings = newMappingLimiters(config);
  const contextOf = (count: ControlContext['count']): ControlContext => ({
    get config() {
      return config;
    },
    get newMappings() {
      return newMappings;
    },
    leases,
    descriptions,
    state,
    helper: client,
    hardwareAddress: deps.hardwareAddress,
    identity: deps.identity,
    externalAddress: usableAddress,
    isAddressForbidden: () => currentAddress !== null && usableAddress() === null,
    addressSinceMs: () => addressSinceMs,
    clock,
    schedule,
    count,
  });
  const control = createControl(contextOf(counters.of('control')));
  const ownControl = createControl(contextOf(() => {}));
  /** Uptime is counted from when the address came that is told now. */
  const noteAddress = (before: Ipv4 | null): void => {
    if (usableAddress() !== before) addressSinceMs = usableAddress() === null ? null : clock();
  };
  return {
    control,
    ownControl,
    counters,
    leases,
    descriptions,
    state,
    currentAddress: () => currentAddress,
    mostMappings: () => largestQuota(config),
    addressChanged(address) {
      const before = usableAddress();
      if (address !== currentAddress) countProcess('address-changed');
      currentAddress = address;
      noteAddress(before);
      logAddress(log, address, config);
      tellStatus();
    },
    reload(next) {
      const before = usableAddress();
      config = next;
      newMappings = newMappingLimiters(config);
      noteAddress(before);
    },
    close: () => client.close(),
  };
}

/** Log a new external address, with a warning if the Internet cannot reach it: many programs then map nothing by UPnP. */
function logAddress(log: Logger, address: Ipv4 | null, config: Config): void {
  if (address === null)
    return log.warn({ interface: config.externalInterface }, 'no external address: UPnP tells that it is disconnected');
  const externalAddress = formatIpv4(address);
  const kind = addressKind(address);
  if (kind === 'public' || config.externalAddress !== null) return log.info({ externalAddress }, 'external address');
  log.warn({ externalAddress, kind }, 'external address is not a public one: some programs map nothing by UPnP then');
}
