// The actions on a LAN of three hosts, with the real decisions of the helper on a kernel in memory. Time moves only for
// those that wait.

import * as assert from 'uvu/assert';
import type { HandlerDeps } from '../../helper/types.js';
import { handle } from '../../helper/handle.js';
import { Leases } from '../../helper/leases.js';
import { LeaseReplica } from '../../caller/lease-replica.js';
import type { Rules } from '../../caller/policy.js';
import { EVERYONE } from '../../config/rules.js';
import type { Grant, Mac } from '../../config/types.js';
import type { Answer } from '../../proto/client.js';
import { encodeRequest } from '../../proto/client-codec.js';
import type { Event, Reason, Request } from '../../proto/codec.js';
import { decodeRequest } from '../../proto/codec.js';
import type { Ipv4, Lease } from '../../proto/mapping.js';
import { formatIpv4, parseIpv4 } from '../../proto/mapping.js';
import { Table } from '../../proto/table.js';
import { RateLimiter } from '../../proto/token-bucket.js';
import { TOOL } from '../../proto/tools.js';
import { StatsRecorder } from '../../proto/totals.js';
import type { Control, ControlContext, ControlEvent, ControlResult } from '../../upnp/igd/control.js';
import { createControl } from '../../upnp/igd/control.js';
import { Descriptions } from '../../upnp/igd/descriptions.js';
import { identityOf } from '../../upnp/igd/identity.js';
import type { ServiceName } from '../../upnp/igd/services.js';
import { limitsFor } from '../helper/leases.js';
import { FakeKernel } from '../support/fake-kernel.js';

export const ALICE = parseIpv4('192.168.1.10')!;
export const BOB = parseIpv4('192.168.1.11')!;
export const EXTERNAL = parseIpv4('203.0.113.7')!;
export const NOW = 1_000_000;
export const INTERFACE = 7;

const PORTS = [{ from: 1024, to: 65535 }];
export const GRANT: Grant = { ports: PORTS, pinholePorts: PORTS, maxMappings: 5, maxLifetime: 86400 };

/** A lease of UPnP for an hour, but for what is given. */
export function lease(fields: Partial<Lease> & { readonly externalPort: number }): Lease {
  return {
    protocol: 'tcp',
    internalAddress: ALICE,
    internalPort: fields.externalPort,
    origin: 'dynamic',
    lifetime: 3600,
    expiresAt: NOW + 3_600_000,
    tool: TOOL.UPNP,
    ...fields,
  };
}

export function byNatPmp(fields: Partial<Lease> & { readonly externalPort: number }): Lease {
  const { tool: _, ...rest } = lease(fields);
  return rest;
}

export function staticLease(fields: Partial<Lease> & { readonly externalPort: number }): Lease {
  return byNatPmp({ origin: 'static', lifetime: 0, expiresAt: Infinity, ...fields });
}

export interface Setting {
  readonly grant?: Partial<Grant>;
  readonly rules?: Partial<Rules & { readonly requirePublicAddress: boolean }>;
  readonly leases?: readonly Lease[];
  /** What the helper holds, if the replica is behind it. */
  readonly atHelper?: readonly Lease[];
  /** How fast a host may get new ones: of this process, and of the helper. */
  readonly burst?: number;
  readonly helperBurst?: number;
  /** The helper is away; `back`: for so many milliseconds. */
  readonly away?: true | { readonly backAfterMs: number };
  /**
   * Answers that the helper gives in place of its own, by the number of the request, from 1; `lost`: it does what it is
   * asked, and nobody hears of it.
   */
  readonly answers?: Readonly<Record<number, Reason | 'unavailable' | 'lost'>>;
  /** The next changes of the kernel's sets are refused. */
  readonly kernelRefuses?: number;
  /** The helper's events come only when `hear` is called. */
  readonly lateEvents?: true;
  readonly address?: Ipv4 | null;
  readonly isAddressForbidden?: true;
  readonly addressSinceMs?: number;
  readonly hardwareAddress?: (interfaceIndex: number, host: Ipv4) => Mac | null;
}

/** Tells how many of its failures are still to come. */
class FailingKernel extends FakeKernel {
  failuresLeft = 0;

  override failNext(...failures: ('refused' | 'out-of-sync' | 'crash')[]): void {
    super.failNext(...failures);
    this.failuresLeft += failures.length;
  }

  override apply(...change: Parameters<FakeKernel['apply']>): ReturnType<FakeKernel['apply']> {
    this.failuresLeft = Math.max(0, this.failuresLeft - 1);
    return super.apply(...change);
  }
}

export class ControlWorld {
  now = NOW;
  readonly leases = new LeaseReplica();
  readonly descriptions = new Descriptions(this.leases);
  readonly counted: ControlEvent[] = [];
  /** What the helper was asked, a row for each message; and the events that it told. */
  readonly messages: string[][] = [];
  readonly events: string[] = [];
  readonly context: ControlContext;
  readonly control: Control;
  readonly helper: HandlerDeps;
  /** Requests that are not in the one wire form. */
  readonly malformed: Request[] = [];
  address: Ipv4 | null;
  /** For how long the helper stays away, in milliseconds; null if it is there. */
  #awayMs: number | null;
  readonly #kernel = new FailingKernel();
  readonly #setting: Setting;
  #asked = 0;
  #late: Event[] = [];
  #outgoing: { readonly request: Request; readonly resolve: (answer: Answer) => void }[] = [];

  constructor(setting: Setting = {}) {
    this.#setting = setting;
    const grant = { ...GRANT, ...setting.grant };
    const table = new Table();
    for (const each of setting.leases ?? []) table.put(each);
    this.leases.reset(table);
    const held = new Leases();
    for (const each of setting.atHelper ?? setting.leases ?? []) held.put(each);
    this.#kernel.repair(held.all());
    this.#kernel.failNext(...Array<'refused'>(setting.kernelRefuses ?? 0).fill('refused'));
    this.address = setting.address === undefined ? EXTERNAL : setting.address;
    this.#awayMs = setting.away === undefined ? null : setting.away === true ? Infinity : setting.away.backAfterMs;
    this.helper = {
      limits: limitsFor({
        allowedPorts: PORTS,
        reservedPorts: [],
        maxMappings: 100,
        maxMappingsPerHost: grant.maxMappings,
        newMappings: { burst: setting.helperBurst ?? 1000, intervalMs: 400 },
        maxLifetime: 86400,
      }),
      leases: held,
      newMappings: new RateLimiter({ burst: 1000, intervalMs: 1 }),
      newPinholes: new RateLimiter({ burst: 1000, intervalMs: 1 }),
      kernel: this.#kernel,
      journal: { append() {}, compact() {}, bytes: 0 },
      now: () => this.now,
      clock: () => ({ bootId: 'b', wallOffsetMs: 0, epochStartMs: 0, agedAtMs: 0 }),
      status() {
        throw new Error('not asked for');
      },
      markOutOfSync() {},
      totals: new StatsRecorder(() => 0),
    };
    const world = this;
    const newMappings = new RateLimiter({ burst: setting.burst ?? 1000, intervalMs: 1000 });
    this.context = {
      config: {
        rules: [{ who: EVERYONE, grant }],
        deniedPorts: [],
        requirePublicAddress: false,
        ...setting.rules,
      },
      leases: this.leases,
      descriptions: this.descriptions,
      newMappings: () => newMappings,
      state: {
        get isHelperReady() {
          return world.#awayMs === null;
        },
        async helperReady(limitMs) {
          await nextTurn();
          if (world.#awayMs === null) return;
          world.now += Math.min(limitMs, world.#awayMs);
          world.#awayMs -= limitMs;
          if (world.#awayMs <= 0) world.back();
        },
      },
      helper: { ask: (request) => this.#ask(request) },
      hardwareAddress: setting.hardwareAddress ?? (() => null),
      identity: (interfaceIndex) => identityOf('a secret', `lan${interfaceIndex}`),
      externalAddress: () => this.address,
      isAddressForbidden: () => setting.isAddressForbidden ?? false,
      addressSinceMs: () => setting.addressSinceMs ?? (this.address === null ? null : 0),
      clock: () => this.now,
      schedule: (delayMs, run) => {
        setImmediate(() => {
          this.now += delayMs;
          run();
        });
        return () => {};
      },
      count: (event) => this.counted.push(event),
    };
    this.control = createControl(this.context);
  }

  call(
    service: ServiceName,
    action: string,
    given: Readonly<Record<string, string>> = {},
    host = ALICE,
  ): Promise<ControlResult> {
    const call = { service, action, arguments: new Map(Object.entries(given)) };
    return this.control(call, { host, interfaceIndex: INTERFACE });
  }

  /** AddPortMapping of TCP 4000 for an hour, but for what is given; undefined leaves an argument out. */
  add(given: Readonly<Record<string, string | undefined>> = {}, host = ALICE): Promise<ControlResult> {
    const all = {
      NewRemoteHost: '',
      NewExternalPort: '4000',
      NewProtocol: 'TCP',
      NewInternalPort: '4000',
      NewInternalClient: formatIpv4(host),
      NewEnabled: '1',
      NewPortMappingDescription: 'a game',
      NewLeaseDuration: '3600',
      ...given,
    };
    const rest = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined);
    return this.call('WANIPConnection', 'AddPortMapping', Object.fromEntries(rest), host);
  }

  remove(externalPort: number, protocol = 'TCP', host = ALICE): Promise<ControlResult> {
    const given = { NewRemoteHost: '', NewExternalPort: String(externalPort), NewProtocol: protocol };
    return this.call('WANIPConnection', 'DeletePortMapping', given, host);
  }

  specific(externalPort: number, protocol = 'TCP', host = ALICE): Promise<ControlResult> {
    const given = { NewRemoteHost: '', NewExternalPort: String(externalPort), NewProtocol: protocol };
    return this.call('WANIPConnection', 'GetSpecificPortMappingEntry', given, host);
  }

  generic(index: number, host = ALICE): Promise<ControlResult> {
    return this.call('WANIPConnection', 'GetGenericPortMappingEntry', { NewPortMappingIndex: String(index) }, host);
  }

  /** What the helper holds: "tcp 4000 -> 192.168.1.10:4000 3600 s UPnP". */
  get held(): readonly string[] {
    return [...this.helper.leases.leases()].map(show);
  }

  /** The same of the replica. */
  get known(): readonly string[] {
    const all = [...this.leases.mappingsOf(ALICE), ...this.leases.mappingsOf(BOB)];
    return all.map(show).sort();
  }

  /** The helper goes away for so many milliseconds, of those that wait for it. */
  leave(awayMs: number): void {
    this.#awayMs = awayMs;
  }

  /** It is back, and the replica is complete again. */
  back(): void {
    this.#awayMs = null;
    const table = new Table();
    for (const each of this.helper.leases.leases()) table.put(each);
    this.leases.reset(table);
  }

  /** The helper is there, and does what it is asked. */
  get isHealthy(): boolean {
    return this.#awayMs === null && this.#kernel.failuresLeft === 0;
  }

  /** The next changes of the kernel's sets are refused. */
  refuseNext(count: number): void {
    this.#kernel.failNext(...Array<'refused'>(count).fill('refused'));
  }

  /** Time passes, and what has expired ends. */
  pass(ms: number): void {
    this.now += ms;
    const { events } = handle([], this.helper);
    if (this.#awayMs === null) this.#deliver(events);
  }

  /** Another caller of the helper, such as the frontend. */
  askElsewhere(request: Request, role: 'client' | 'administrator' = 'client'): void {
    const { events } = handle([{ request: request as never, role }], this.helper);
    if (this.#awayMs === null) this.#deliver(events);
  }

  #ask(request: Request): Promise<Answer> {
    if (decodeRequest(encodeRequest(1, request)) === null) this.malformed.push(request);
    if (this.#awayMs !== null) return Promise.resolve({ kind: 'unavailable' });
    return new Promise((resolve) => {
      this.#outgoing.push({ request, resolve });
      if (this.#outgoing.length === 1) setImmediate(() => void this.#send());
    });
  }

  /** All that was asked in one turn of the event loop is one message, and one batch. */
  async #send(): Promise<void> {
    const message = this.#outgoing;
    this.#outgoing = [];
    this.messages.push(message.map(({ request }) => showRequest(request)));
    const scripted = message.map(() => this.#setting.answers?.[++this.#asked]);
    const isDone = (index: number): boolean => scripted[index] === undefined || scripted[index] === 'lost';
    const batch = message.filter((_, index) => isDone(index));
    const asked = batch.map(({ request }) => ({ request: request as never, role: 'client' as const }));
    const { responses, events } = handle(asked, this.helper);
    let next = 0;
    for (const [index, { resolve }] of message.entries()) {
      const script = scripted[index];
      const response = isDone(index) ? (responses[next++] as Answer) : null;
      if (response !== null && script === undefined) resolve(response);
      else if (script === undefined || script === 'lost' || script === 'unavailable') resolve({ kind: 'unavailable' });
      else resolve({ kind: 'refused', reason: script });
      await null; // as the client does: the caller goes on before the next frame is read
    }
    this.#deliver(events);
  }

  /** The events that have been held back. */
  hear(): void {
    const events = this.#late;
    this.#late = [];
    this.#apply(events);
  }

  #deliver(events: readonly Event[]): void {
    if (this.#setting.lateEvents === true) this.#late.push(...events);
    else this.#apply(events);
  }

  #apply(events: readonly Event[]): void {
    for (const event of events) {
      this.descriptions.apply(event);
      this.leases.apply(event);
      if ('lease' in event) this.events.push(`${event.kind} ${show(event.lease)}`);
    }
  }
}

function show({ protocol, externalPort, internalAddress, internalPort, origin, lifetime, tool }: Lease): string {
  const term = origin === 'static' ? 'static' : `${lifetime} s`;
  const maker = tool === TOOL.UPNP ? ' UPnP' : '';
  return `${protocol} ${externalPort} -> ${formatIpv4(internalAddress)}:${internalPort} ${term}${maker}`;
}

function showRequest(request: Request): string {
  if (request.kind === 'add-mapping') {
    const { protocol, externalPort, internalAddress, internalPort, lifetime, tool } = request;
    const maker = tool === TOOL.UPNP ? ' UPnP' : '';
    return `add ${protocol} ${externalPort} -> ${formatIpv4(internalAddress)}:${internalPort} ${lifetime} s${maker}`;
  }
  if (request.kind === 'remove-mapping')
    return `remove ${request.protocol} ${formatIpv4(request.internalAddress)}:${request.internalPort}`;
  return request.kind;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

export const DONE: ControlResult = { kind: 'values', values: [] };
export const fault = (code: number): ControlResult => ({ kind: 'fault', code });
export const values = (...all: [string, string][]): ControlResult => ({ kind: 'values', values: all });

/** What a world says when it is done. */
export function inSync(world: ControlWorld): void {
  assert.equal(world.known, [...world.held].sort(), 'the replica is what the helper holds');
  assert.equal(world.malformed, []);
}

/** The mapping of `add` without changes, and the request for it. */
export const NEW = 'tcp 4000 -> 192.168.1.10:4000 3600 s UPnP';
export const ADD = `add ${NEW}`;

/** The helper holds this one mapping of Alice. */
export const held = (fields: Parameters<typeof lease>[0]): Setting => ({ leases: [lease(fields)] });
export const shown = (port: number, tail = '3600 s UPnP', to = port): string =>
  `tcp ${port} -> 192.168.1.10:${to} ${tail}`;
