// All that metrics are made of, at one moment: what this process knows, and what only the helper does.

import type { Answer, HelperClient } from '../../proto/client.js';
import type { BootClock } from '../../proto/clock.js';
import type { StatusReport } from '../../proto/codec.js';
import type { Distribution } from '../../proto/messages.js';
import type { Ipv4, Protocol } from '../../proto/mapping.js';
import type { AddressKind } from '../../config/public-address.js';
import { addressKind } from '../../config/public-address.js';
import type { Schedule } from '../announce.js';
import type { GatewayState } from '../answer.js';
import type { Counters } from '../counters.js';
import type { LeaseReplica } from '../ledger.js';
import type { InFlight } from '../in-flight.js';

export interface Snapshot {
  readonly version: string;
  /** Seconds since the start of this process. */
  readonly uptime: number;
  /** Octets. */
  readonly memory: number;
  readonly counters: Pick<Counters, 'get' | 'replies'>;
  /** Seconds from a datagram's arrival to its reply. */
  readonly latency: Distribution;
  readonly inFlight: number;
  readonly leases: Readonly<Record<Protocol, number>>;
  readonly hosts: number;
  /** Seconds since the start of the epoch; null until it is known. */
  readonly epoch: number | null;
  readonly addressKind: AddressKind | 'none';
  /** Null where the helper does not say. */
  readonly helper: Helper | null;
}

export interface Helper {
  readonly status: StatusReport;
  /** Seconds since the start of its process. */
  readonly uptime: number;
}

/** What is looked at. */
export interface Subject {
  readonly version: string;
  readonly clock: BootClock;
  readonly startedAt: number;
  readonly memory: () => number;
  readonly counters: Counters;
  readonly latency: Distribution;
  readonly inFlight: InFlight;
  readonly ledger: LeaseReplica;
  readonly situation: GatewayState;
  foundAddress(): Ipv4 | null;
  readonly helper: Pick<HelperClient, 'ask'>;
  readonly schedule: Schedule;
}

/** How long the helper may take to answer; who scrapes does not wait for ever either, in milliseconds. */
const HELPER_MS = 1000;

export async function takeSnapshot(subject: Subject): Promise<Snapshot> {
  const answer = await withDeadline(subject.helper.ask({ kind: 'status' }), subject.schedule);
  const { version, counters, latency, inFlight, ledger, situation } = subject;
  const now = subject.clock();
  const address = subject.foundAddress();
  const seconds = (since: number): number => Math.max(0, now - since) / 1000;
  return {
    version,
    counters,
    latency,
    uptime: seconds(subject.startedAt),
    memory: subject.memory(),
    inFlight: inFlight.total,
    leases: { udp: ledger.sizeOf('udp'), tcp: ledger.sizeOf('tcp') },
    hosts: ledger.hosts,
    epoch: situation.epochStart === null ? null : seconds(situation.epochStart),
    addressKind: address === null ? 'none' : addressKind(address),
    helper:
      answer.kind === 'status-report' ? { status: answer.status, uptime: seconds(answer.status.startedAt) } : null,
  };
}

function withDeadline(asked: Promise<Answer>, schedule: Schedule): Promise<Answer> {
  return new Promise((resolve) => {
    const callOff = schedule(HELPER_MS, () => resolve({ kind: 'unavailable' }));
    void asked.then((answer) => {
      callOff();
      resolve(answer);
    });
  });
}
