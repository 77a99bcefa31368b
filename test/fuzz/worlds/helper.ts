// The helper from a frame to its answer, over a kernel and a journal in memory, with everything that must hold of
// table, kernel, journal and answers after each batch.

import type { AnyLease, Limits, RequestFrom, Role } from '../../../helper/types.js';
import { Reconciler } from '../../../helper/reconcile.js';
import type { Leases } from '../../../helper/leases.js';
import { replay } from '../../../helper/journal/format.js';
import { restore } from '../../../helper/journal/restore.js';
import type { Request, Response } from '../../../proto/codec.js';
import { decodeRequest, encodeResponse } from '../../../proto/codec.js';
import { decodeResponse, MAX_RESPONSE_BYTES } from '../../../proto/client-codec.js';
import { StatsRecorder } from '../../../proto/totals.js';
import { hex } from '../../support/bytes.js';
import { pinholeKey } from '../../../helper/pinholes.js';
import { limitsFor } from '../../helper/leases.js';
import { FakeKernel } from '../../support/fake-kernel.js';
import { CLOCK } from '../seeds.js';
import { must } from '../target.js';
import { MemoryJournal } from './journal.js';
import { mustAnswer, mustBeWithin, pinholesMustBeWithin, standing } from './limits.js';

export const DENIED_DEVICE = 0x020000000066;

export const LIMITS: Limits = withDenials(
  limitsFor({
    allowedPorts: [{ from: 1024, to: 65535 }],
    reservedPorts: [{ from: 5350, to: 5351 }],
    maxMappings: 5,
    maxMappingsPerHost: 3,
    newMappings: { burst: 64, intervalMs: 100 },
    maxLifetime: 86400,
    maxPinholes: 4,
  }),
);

/** One host, one device and one inside port are denied. */
function withDenials(limits: Limits): Limits {
  const denied = { who: { kind: 'prefix', address: 0xc0a80103, length: 32 }, grant: null } as const;
  const device = { who: { kind: 'mac', mac: DENIED_DEVICE }, grant: null } as const;
  return { ...limits, deniedPorts: [{ from: 6881, to: 6881 }], rules: [denied, device, ...limits.rules] };
}

/** Milliseconds of CLOCK_BOOTTIME at the beginning. */
const START = 1_000_000;

export class HelperWorld {
  now = START;
  /** How far the wall clock has been set, in milliseconds. */
  wallSet = 0;
  kernel = new FakeKernel();
  journal = new MemoryJournal();
  leases!: Leases;
  keeper!: Reconciler;
  /** Someone else may have changed the kernel since the last look. */
  isDisturbed = false;

  constructor() {
    this.restart();
  }

  /** The process dies, and the next one begins with what is on disk and in the kernel. */
  restart(): void {
    const restored = restore(replay(this.journal.bytesOnDisk()), LIMITS, {
      bootId: CLOCK.bootId,
      boottimeMs: this.now,
      wall: this.#wall(),
    });
    this.leases = restored.leases;
    const { epochStart, agedAt } = restored;
    const clock = {
      bootId: CLOCK.bootId,
      wallOffsetMs: this.#wall() - this.now,
      epochStartMs: epochStart,
      agedAtMs: agedAt,
    };
    this.kernel = Object.assign(new FakeKernel(), { held: this.kernel.held });
    this.kernel.repair(this.leases.all());
    this.journal = new MemoryJournal();
    this.journal.rewrite(this.leases.all(), clock, this.now);
    this.keeper = new Reconciler({
      limits: LIMITS,
      leases: this.leases,
      kernel: this.kernel,
      journal: this.journal,
      clock,
      now: () => this.now,
      wall: () => this.#wall(),
      awake: () => this.now,
      pid: 1,
      totals: new StatsRecorder(() => 0),
    });
    this.isDisturbed = false;
    this.check();
  }

  /** Frames that came in on one socket, as one batch. */
  receive(frames: readonly Uint8Array[], role: Role): void {
    const requests = frames.map((frame) => decodeRequest(frame)?.body).filter((body) => body !== undefined);
    const asked = requests
      .filter((request): request is RequestFrom['request'] => request.kind !== 'watch')
      .map((request): RequestFrom => ({ request, role }));
    const before = [...this.leases.all()];
    const { responses, events } = this.keeper.handle(asked);
    must(responses.length === asked.length, 'every request has one answer', {
      asked: asked.length,
      responses: responses.length,
    });
    responses.forEach((response, index) =>
      this.#checkAnswer((asked[index] as RequestFrom).request, response, asked.length === 1),
    );
    for (const lease of before) this.#mustStand(lease, asked);
    for (const event of events) decodable({ kind: 'event', sequence: 1, event });
    this.check();
  }

  /** What the keeper does several times a second. */
  look(): void {
    this.keeper.reconcile();
    this.keeper.flushFlows();
    this.isDisturbed = false;
    this.check();
  }

  /** Table within the limits; kernel and journal as the table. */
  check(): void {
    const table = standing(this.leases.all(), this.now);
    mustBeWithin(this.leases, LIMITS);
    pinholesMustBeWithin(this.leases.pinholes, LIMITS, DENIED_DEVICE);
    const read = replay(this.journal.bytesOnDisk());
    must(read.kind === 'intact' && read.tornBytes === 0, 'the journal can be read', read.kind);
    must(standing(read.leases, this.now) === table, 'the journal replays to the table', { read: read.leases, table });
    if (this.isDisturbed || !this.keeper.status().kernelInStep) return;
    must(standing(this.kernel.held.values(), this.now) === table, 'the kernel holds the table', {
      held: [...this.kernel.held.values()],
      table,
    });
  }

  #checkAnswer(request: Request, response: Response, isAlone: boolean): void {
    decodable(response);
    mustAnswer(request, response);
    if (!isAlone) return;
    if (response.kind === 'granted')
      must(this.leases.holds(response.lease), 'what is granted is in the table', response);
    if (response.kind === 'pinhole-granted')
      must(
        this.leases.pinholes.get(response.pinhole)?.expiresAt === response.pinhole.expiresAt,
        'a pinhole that is granted is in the table',
        response,
      );
  }

  /** A lease ends by its expiry or by a request that names it, and a static one by the administrator's alone. */
  #mustStand(lease: AnyLease, asked: readonly RequestFrom[]): void {
    if ('address' in lease) {
      const mayTouch = asked.some(
        ({ request, role }) =>
          'address' in request &&
          pinholeKey(request) === pinholeKey(lease) &&
          (lease.origin === 'dynamic' || role === 'administrator') &&
          (lease.nonce === '' || lease.nonce === request.nonce || (role === 'administrator' && request.nonce === '')),
      );
      const now = this.leases.pinholes.get(lease);
      must(
        mayTouch || lease.expiresAt <= this.now || JSON.stringify(now) === JSON.stringify(lease),
        'no request touches a pinhole that it does not name, with its nonce',
        { lease, asked },
      );
      return;
    }
    const isNamed = asked.some(
      ({ request, role }) =>
        'internalAddress' in request &&
        (lease.origin === 'dynamic' || role === 'administrator') &&
        request.internalAddress === lease.internalAddress &&
        request.protocol === lease.protocol &&
        (!('internalPort' in request) || request.internalPort === lease.internalPort),
    );
    const stands = this.leases.holds(lease);
    must(stands || isNamed || lease.expiresAt <= this.now, 'no request touches a lease that it does not name', {
      lease,
      asked,
    });
  }

  #wall(): number {
    return CLOCK.wallOffsetMs + this.now + this.wallSet;
  }
}

function decodable(response: Response): void {
  const frame = encodeResponse(1, response);
  must(
    frame.length <= MAX_RESPONSE_BYTES && decodeResponse(frame) !== null,
    'callers can read what the helper says',
    hex(frame.subarray(0, 64)),
  );
}
