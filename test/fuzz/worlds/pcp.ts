// A frontend that serves PCP, but for its sockets, with a model of the helper that answers at once or when told, hardware
// addresses that are known or not, and a clock that moves when told.

import type { Logger } from 'pino';
import { parseConfig } from '../../../frontend/config.js';
import { startGateway } from '../../../frontend/gateway.js';
import type { Device } from '../../../caller/route/devices.js';
import type { Answer, Listener } from '../../../proto/client.js';
import type { Event, Reason, Request } from '../../../proto/codec.js';
import type { Ipv6, Pinhole } from '../../../proto/mapping.js';
import { hex } from '../../support/bytes.js';
import { ModelHelper } from '../../frontend/model-helper.js';
import { manualClock, seeded } from '../../frontend/support.js';
import { must } from '../target.js';
import { mustBePcpReply, pcpKindOf } from './pcp-replies.js';
import { secondsSince } from './replies.js';

/** First global ones, then others of the LAN, then those that must not be heard. */
export const HOSTS6: readonly Ipv6[] = [
  '20010db8000100000000000000000a0a',
  '20010db8000100000000000000000b0b',
  '20010db8000100000000000000000c0c',
  'fe800000000000000000000000000a0a',
  'fd000000000000000000000000000a0a',
  '20010db8000200000000000000000a0a',
  '0'.repeat(32),
];
const GLOBAL: ReadonlySet<Ipv6> = new Set(HOSTS6.slice(0, 3));
const LAN: ReadonlySet<Ipv6> = new Set(HOSTS6.slice(0, 5));
const LAN_INDEX = 3;
/** More than the promises between the helper's last answer and the reply. */
const LONGEST_CHAIN = 128;
/** More than a request waits, in seconds. */
const LONGEST_WAIT_S = 8;

export class PcpWorld {
  readonly helper = new ModelHelper();
  readonly clock = manualClock();
  readonly gateway: ReturnType<typeof startGateway>;
  /** By host; those that are not here are not known. */
  readonly devices = new Map<Ipv6, number>(HOSTS6.map((host, index) => [host, index < 2 ? 1 : index]));
  isConnected = false;
  isHolding = false;
  refuseNext: Reason | null = null;
  epochStart: number | null = null;
  lines = 0;
  asked = 0;
  #listener!: Listener;
  #waiting: { readonly request: Request; readonly resolve: (answer: Answer) => void }[] = [];
  #events: Event[] = [];
  #pending = 0;
  #failure: unknown = null;

  constructor() {
    // The quota is that of the model.
    const config = parseConfig({ externalInterface: 'eth1', maxMappingsPerIp: '3', deniedPorts: ['8081'] });
    if (!('ok' in config)) throw new Error(config.complaints.join());
    const line = (): void => void this.lines++;
    this.gateway = startGateway({
      config: config.ok,
      log: { info: line, warn: line } as unknown as Logger,
      clock: this.clock.now,
      random: seeded(1),
      schedule: this.clock.schedule,
      isLanHost: () => false,
      hardwareAddress: () => null,
      connect: (listener) => {
        this.#listener = listener;
        return { ask: (request) => this.#ask(request), close() {} };
      },
      setStatus() {},
      announce() {},
      pcp: {
        isLanHost: (index, host) => index === LAN_INDEX && LAN.has(host),
        findDevice: (_index, host): Device => this.devices.get(host) ?? 'unresolved',
        resolve() {},
        announce: (octets) => this.#guard(() => this.#mustBeAnnouncement(octets)),
      },
    });
  }

  async connect(): Promise<void> {
    if (this.isConnected) return;
    this.#events = [];
    this.isConnected = true;
    this.epochStart = this.helper.epochStart;
    this.#listener.connected();
    await this.settle();
  }

  async disconnect(wasCarriedOut: boolean): Promise<void> {
    if (!this.isConnected) return;
    this.isConnected = false;
    for (const { request, resolve } of this.#waiting.splice(0)) {
      if (wasCarriedOut) this.#carryOut(request);
      resolve({ kind: 'unavailable' });
    }
    this.#listener.disconnected();
    await this.settle();
  }

  async release(): Promise<void> {
    this.isHolding = false;
    for (const { request, resolve } of this.#waiting.splice(0)) {
      resolve(this.#carryOut(request));
      await turn();
    }
    await this.settle();
  }

  /** Another tool has this pinhole made, without a nonce of a client. */
  async grant(pinhole: Pinhole): Promise<void> {
    const key = `${pinhole.protocol} ${pinhole.address} ${pinhole.port}`;
    if (this.isHolding || this.#pending > 0 || pinhole.port < 1024 || this.helper.pinholes.has(key)) return;
    this.helper.pinholes.set(key, { ...pinhole, nonce: '' });
    this.#events.push({ kind: 'granted', pinhole });
    await this.settle();
  }

  /** One of the pinholes expires. */
  async end(which: number): Promise<void> {
    const { pinholes } = this.helper;
    const found = [...pinholes].filter(([, { origin }]) => origin === 'dynamic');
    const [key, ended] = found[which % Math.max(1, found.length)] ?? [];
    if (key === undefined || ended === undefined) return;
    pinholes.delete(key);
    const { nonce: _, ...pinhole } = ended;
    this.#events.push({ kind: 'expired', pinhole });
    await this.settle();
  }

  async ask(host: Ipv6, datagram: Uint8Array, isThrottled: boolean): Promise<void> {
    const before = { asked: this.asked, lines: this.lines };
    const octets = hex(datagram);
    const kind = pcpKindOf(datagram, host);
    const reply = this.gateway.answerPcp?.(datagram, host, isThrottled, LAN_INDEX) ?? null;
    const mayAsk = GLOBAL.has(host) && (kind === 'map' || kind === 'delete');
    must(this.lines === before.lines, 'no datagram causes a log line', octets);
    must(mayAsk || (this.asked === before.asked && !(reply instanceof Promise)), 'only MAP asks the helper', octets);
    const copy = Uint8Array.from(datagram);
    if (reply instanceof Promise) {
      this.#pending++;
      void reply
        .then((said) => this.#guard(() => this.#check(host, copy, said)))
        .catch((error: unknown) => (this.#failure ??= error))
        .finally(() => this.#pending--);
      datagram.fill(0xee); // the buffer is used again
    } else this.#check(host, copy, reply);
    await this.settle();
  }

  async finish(): Promise<void> {
    await this.release();
    for (let seconds = 0; seconds < LONGEST_WAIT_S; seconds++) {
      this.clock.advance(1000);
      await this.settle();
    }
    must(this.#pending === 0, 'no request waits without end', this.#pending);
    must(this.gateway.inFlight.total === 0, 'what has ended is not in flight', this.gateway.inFlight.total);
    if (!this.isConnected) return;
    const { pinholes } = this.gateway;
    const held = [...this.helper.pinholes.values()];
    must(pinholes?.size === held.length, 'the replica is the table', { replica: pinholes?.size, held });
    for (const device of new Set(held.map(({ hardwareAddress, address }) => hardwareAddress || address))) {
      const own = held.filter(({ hardwareAddress, address }) => (hardwareAddress || address) === device);
      must(pinholes?.count(device) === own.length, 'no reservation is left', { device, own });
    }
  }

  async settle(): Promise<void> {
    await turn();
    if (!this.isHolding) {
      for (const event of this.#events.splice(0)) if (this.isConnected) this.#listener.event(event);
      await turn();
    }
    if (this.#failure !== null) throw this.#failure;
  }

  #check(host: Ipv6, datagram: Uint8Array, reply: Uint8Array | null): void {
    if (reply === null) return;
    must(LAN.has(host), 'only LAN hosts are answered', { host, reply: hex(reply) });
    const epoch = this.epochStart === null ? null : secondsSince(this.epochStart, this.clock.now());
    mustBePcpReply(datagram, host, reply, epoch);
    const isChange = reply[3] === 0 && ['map', 'delete'].includes(String(pcpKindOf(datagram, host)));
    must(!isChange || GLOBAL.has(host), 'only a global address opens a port', hex(reply));
    must(!isChange || this.isConnected, 'nothing changes while the helper is away', hex(reply));
  }

  #mustBeAnnouncement(octets: Uint8Array): void {
    must(this.epochStart !== null, 'an announcement has an epoch', hex(octets));
    const asked = Buffer.from(`0200000000000000${HOSTS6[0]}`, 'hex');
    mustBePcpReply(asked, HOSTS6[0] as Ipv6, octets, secondsSince(this.epochStart, this.clock.now()));
  }

  #ask(request: Request): Promise<Answer> {
    const isSession = ['watch', 'list-mappings', 'list-pinholes'].includes(request.kind);
    if (!isSession) this.asked++;
    if (!this.isConnected) return Promise.resolve({ kind: 'unavailable' });
    if (isSession || !this.isHolding) return Promise.resolve(this.#carryOut(request));
    return new Promise((resolve) => this.#waiting.push({ request, resolve }));
  }

  #carryOut(request: Request): Answer {
    let answer: Answer = { kind: 'unavailable' };
    this.#guard(() => {
      this.helper.note(request);
      if (this.refuseNext !== null && 'address' in request) {
        answer = { kind: 'refused', reason: this.refuseNext };
        this.refuseNext = null;
        return;
      }
      const before = new Map(this.helper.pinholes);
      answer = this.helper.answer(request);
      must(this.helper.outsidePolicy.length === 0, 'the helper is asked for nothing outside the policy', request);
      for (const [key, held] of before) {
        const isNamed = 'port' in request && key === `${request.protocol} ${request.address} ${request.port}`;
        const now = this.helper.pinholes.get(key);
        must(isNamed || now === held, 'only what a request names changes', { request, held });
        const { nonce: _, ...pinhole } = held;
        if (now === undefined) this.#events.push({ kind: 'removed', pinhole });
      }
      if (answer.kind === 'pinhole-granted') this.#events.push({ kind: 'granted', pinhole: answer.pinhole });
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
}

/** Long enough for every promise that hangs on one that is settled. */
async function turn(): Promise<void> {
  for (let left = LONGEST_CHAIN; left > 0; left--) await null;
}
