// The values of all metrics at one moment: those of this process, and those of the helper.

import type { Answer, HelperClient } from '../../proto/client.js';
import type { BootClock } from '../../proto/clock.js';
import type { StatusReport } from '../../proto/codec.js';
import type { Distribution } from '../../proto/messages.js';
import type { Ipv4, Protocol } from '../../proto/mapping.js';
import type { AddressKind } from '../../config/public-address.js';
import { addressKind } from '../../config/public-address.js';
import type { GatewayState } from '../answer.js';
import type { Counters } from '../counters.js';
import type { InFlight } from '../in-flight.js';
import type { LeaseReplica } from '../../caller/lease-replica.js';
import type { PinholeReplica } from '../../caller/pinhole-replica.js';
import type { Schedule } from '../../caller/schedule.js';

export interface Snapshot {
  readonly version: string;
  /** Since the start of this process. */
  readonly uptimeSeconds: number;
  readonly memoryBytes: number;
  readonly counters: Pick<Counters, 'get' | 'replies' | 'pcpReplies'>;
  /** Seconds from the arrival of a datagram to its reply. */
  readonly latency: Distribution;
  readonly inFlight: number;
  readonly leases: Readonly<Record<Protocol, number>>;
  readonly hosts: number;
  /** Null if PCP is not served. */
  readonly pinholes: (Readonly<Record<Protocol, number>> & { readonly devices: number }) | null;
  /** Since the start of the epoch; null until it is known. */
  readonly epochSeconds: number | null;
  readonly addressKind: AddressKind | 'none';
  /** Null if the helper did not answer. */
  readonly helper: HelperSnapshot | null;
}

export interface HelperSnapshot {
  readonly status: StatusReport;
  /** Since the start of its process. */
  readonly uptimeSeconds: number;
}

/** The parts of the frontend that a snapshot reads. */
export interface SnapshotSource {
  readonly version: string;
  readonly clock: BootClock;
  readonly startedAtMs: number;
  readonly memoryBytes: () => number;
  readonly counters: Counters;
  readonly latency: Distribution;
  readonly inFlight: InFlight;
  readonly leases: LeaseReplica;
  readonly pinholes: PinholeReplica | null;
  readonly state: GatewayState;
  currentAddress(): Ipv4 | null;
  readonly helper: Pick<HelperClient, 'ask'>;
  readonly schedule: Schedule;
}

/** How long the helper may take to answer; a scraper has a timeout, too. */
const HELPER_TIMEOUT_MS = 1000;

export async function takeSnapshot(source: SnapshotSource): Promise<Snapshot> {
  const answer = await withDeadline(source.helper.ask({ kind: 'status' }), source.schedule);
  const { version, counters, latency, inFlight, leases, pinholes, state } = source;
  const now = source.clock();
  const address = source.currentAddress();
  const seconds = (since: number): number => Math.max(0, now - since) / 1000;
  return {
    version,
    counters,
    latency,
    uptimeSeconds: seconds(source.startedAtMs),
    memoryBytes: source.memoryBytes(),
    inFlight: inFlight.total,
    leases: { udp: leases.sizeOf('udp'), tcp: leases.sizeOf('tcp') },
    hosts: leases.hosts,
    pinholes:
      pinholes === null
        ? null
        : { udp: pinholes.sizeOf('udp'), tcp: pinholes.sizeOf('tcp'), devices: pinholes.devices },
    epochSeconds: state.epochStartMs === null ? null : seconds(state.epochStartMs),
    addressKind: address === null ? 'none' : addressKind(address),
    helper:
      answer.kind === 'status-report'
        ? { status: answer.status, uptimeSeconds: seconds(answer.status.startedAt) }
        : null,
  };
}

function withDeadline(pending: Promise<Answer>, schedule: Schedule): Promise<Answer> {
  return new Promise((resolve) => {
    const cancel = schedule(HELPER_TIMEOUT_MS, () => resolve({ kind: 'unavailable' }));
    void pending.then((answer) => {
      cancel();
      resolve(answer);
    });
  });
}
