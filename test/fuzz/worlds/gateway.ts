// A whole frontend but for its sockets, with a model of the helper that answers at once or when told, and a clock that
// moves when told. What the helper is asked is checked here; what clients are told is checked in replies.ts.

import type { Logger } from 'pino';
import { parseConfig } from '../../../frontend/config.js';
import { startGateway } from '../../../frontend/gateway.js';
import type { Answer, Listener } from '../../../proto/client.js';
import type { Event, Reason, Request, Response } from '../../../proto/codec.js';
import { encodeResponse } from '../../../proto/codec.js';
import { decodeResponse } from '../../../proto/client-codec.js';
import type { Lease } from '../../../proto/mapping.js';
import { ModelHelper } from '../../frontend/model-helper.js';
import { manualClock, seeded } from '../../frontend/support.js';
import { must } from '../target.js';
import { mustBeAnnouncement } from './replies.js';

interface Waiting {
  readonly request: Request;
  readonly resolve: (answer: Answer) => void;
}

/** More than the promises between the helper's last answer and the reply, with every port refused that is tried. */
const LONGEST_CHAIN = 128;
/** More than a request waits for the helper, in seconds. */
const LONGEST_WAIT_S = 5;

export class GatewayWorld {
  readonly helper = new ModelHelper();
  readonly clock = manualClock();
  readonly gateway: ReturnType<typeof startGateway>;
  /** Lines that were logged. */
  lines = 0;
  /** Requests for changes that the frontend made. */
  asked = 0;
  isConnected = false;
  isHolding = false;
  /** How the next request comes out, whatever it asks. */
  refuseNext: Reason | null = null;
  /** It has come out so once. */
  hasRefused = false;
  /** As the helper told it when the frontend last met it; null until then. */
  epochStart: number | null = null;
  #listener!: Listener;
  #waiting: Waiting[] = [];
  #events: Event[] = [];
  readonly #checks = new Set<Promise<void>>();
  /** What did not hold where the frontend, and not the test, was calling. */
  #failure: unknown = null;

  constructor() {
    // As CONFIG of the frontend's tests, which is what the model holds requests against.
    const config = parseConfig({ lan: ['192.168.1.1/24'], externalInterface: 'eth1', maxMappingsPerIp: '3' });
    if (!('ok' in config)) throw new Error(config.complaints.join());
    const line = (): void => {
      this.lines++;
    };
    this.gateway = startGateway({
      config: config.ok,
      log: { info: line, warn: line } as unknown as Logger,
      clock: this.clock.now,
      random: seeded(1),
      schedule: this.clock.schedule,
      isLanHost: () => true,
      hardwareAddress: () => null,
      connect: (listener) => {
        this.#listener = listener;
        return { ask: (request) => this.#ask(request), close() {} };
      },
      pcp: null,
      setStatus() {},
      announce: (octets) => this.#guard(() => mustBeAnnouncement(octets, this.epochStart, this.clock.now())),
    });
  }

  async connect(): Promise<void> {
    const isBehind = this.isConnected;
    if (!isBehind) this.#events = [];
    this.isConnected = true;
    this.epochStart = this.helper.epochStart;
    if (isBehind) this.#listener.resync();
    else this.#listener.connected();
    await this.settle();
  }

  /** The connection breaks; what waited was carried out, or was not. */
  async disconnect(wasCarriedOut: boolean): Promise<void> {
    this.isConnected = false;
    for (const { request, resolve } of this.#waiting.splice(0)) {
      if (wasCarriedOut) this.#carryOut(request);
      resolve({ kind: 'unavailable' });
    }
    this.#listener.disconnected();
    await this.settle();
  }

  /** Carry out what waits, in order, and let everything follow from it. */
  async release(): Promise<void> {
    this.isHolding = false;
    while (this.#waiting.length > 0) {
      const { request, resolve } = this.#waiting.shift() as Waiting;
      resolve(this.#carryOut(request));
      await null; // as little as the real client leaves between an answer and the event behind it
      this.#hear();
      await turn();
    }
    await this.settle();
  }

  /** One of the helper's leases expires. */
  async end(which: number): Promise<void> {
    const leases = [...this.helper.table.leases()];
    const lease = leases[which % leases.length];
    if (lease === undefined || lease.origin === 'static') return;
    this.helper.table.drop(lease);
    this.#events.push({ kind: 'expired', lease });
    await this.settle();
  }

  /** Another tool has this lease made, where the helper would. The frontend hears of it before the host asks again. */
  async grant(lease: Lease): Promise<void> {
    const { table } = this.helper;
    const isAllowed = lease.internalPort > 0 && lease.externalPort >= 1024 && table.byEndpoint(lease) === undefined;
    // One that comes between a request and its answer is the helper's business alone.
    if (this.isHolding || this.hasPending || !isAllowed || !table.isAvailable(lease, lease.externalPort)) return;
    table.put(lease);
    this.#events.push({ kind: 'granted', lease });
    await this.settle();
  }

  /** Events were dropped on their way, of leases that ended. */
  async fallBehind(): Promise<void> {
    if (!this.isConnected) return;
    this.#events = this.#events.filter(({ kind }) => kind !== 'expired' && kind !== 'removed');
    await this.connect();
  }

  /** A check that is due when the helper has answered, or the request has waited for long enough. */
  watch(check: Promise<void>): void {
    this.#checks.add(check);
    check.catch((error: unknown) => (this.#failure ??= error)).finally(() => this.#checks.delete(check));
  }

  /** Whether requests are still to be answered. */
  get hasPending(): boolean {
    return this.#checks.size > 0;
  }

  /** Every request ends, whatever becomes of the helper. */
  async finish(): Promise<void> {
    await this.release();
    for (let seconds = 0; seconds < LONGEST_WAIT_S; seconds++) {
      this.clock.advance(1000);
      await this.settle();
    }
    must(this.#checks.size === 0, 'no request waits without end', this.#checks.size);
    must(this.gateway.inFlight.total === 0, 'what has ended is not in flight', this.gateway.inFlight.total);
  }

  /** Events reach the frontend after the answers before them. */
  async settle(): Promise<void> {
    await turn();
    if (this.#failure !== null) throw this.#failure;
    if (this.isHolding) return;
    this.#hear();
    await turn();
    if (this.#failure !== null) throw this.#failure;
  }

  #hear(): void {
    for (const event of this.#events.splice(0)) if (this.isConnected) this.#listener.event(event);
  }

  #ask(request: Request): Promise<Answer> {
    const isSession = request.kind === 'watch' || request.kind === 'list-mappings';
    if (!isSession) this.asked++;
    if (!this.isConnected) return Promise.resolve({ kind: 'unavailable' });
    if (isSession || !this.isHolding) return Promise.resolve(this.#carryOut(request));
    return new Promise((resolve) => this.#waiting.push({ request, resolve }));
  }

  #carryOut(request: Request): Answer {
    let answer: Answer = { kind: 'unavailable' };
    this.#guard(() => {
      answer = this.#answer(request);
    });
    return answer;
  }

  #guard(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#failure ??= error;
    }
  }

  #answer(request: Request): Answer {
    const { helper } = this;
    const before = [...helper.table.leases()];
    helper.note(request);
    const isChange = 'internalAddress' in request;
    if (this.refuseNext !== null && isChange) {
      const reason = this.refuseNext;
      this.refuseNext = null;
      this.hasRefused = true;
      return overTheWire({ kind: 'refused', reason });
    }
    const answer = helper.answer(request) as Response;
    must(helper.outsidePolicy.length === 0, 'the helper is asked for nothing outside the policy', request);
    if (isChange) this.#tellWhatChanged(before, request);
    return overTheWire(answer);
  }

  /** Events of a change; and whatever is asked, a lease of another endpoint stays as it was. */
  #tellWhatChanged(before: readonly Lease[], request: Extract<Request, { internalAddress: number }>): void {
    const { table } = this.helper;
    for (const lease of before) {
      const isOwn =
        lease.internalAddress === request.internalAddress &&
        lease.protocol === request.protocol &&
        (!('internalPort' in request) || lease.internalPort === request.internalPort);
      must(isOwn || table.holds(lease), 'no request touches the lease of another endpoint', { lease, request });
      if (table.byEndpoint(lease) === undefined) this.#events.push({ kind: 'removed', lease });
    }
    const now = request.kind === 'add-mapping' ? table.byEndpoint(request) : undefined;
    if (now?.origin === 'dynamic') this.#events.push({ kind: 'granted', lease: now });
  }
}

function overTheWire(response: Response): Answer {
  const received = decodeResponse(encodeResponse(1, response));
  must(received !== null, 'the helper says nothing that its caller cannot read', response);
  return received.body as Answer;
}

/** Long enough for every promise that hangs on one that is settled; a turn of the event loop would be too slow. */
async function turn(): Promise<void> {
  for (let left = LONGEST_CHAIN; left > 0; left--) await null;
}
