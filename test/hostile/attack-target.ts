// What is attacked, and what must still stand afterwards: mappings of other hosts, a static one, and a caller that
// behaves.

import * as assert from 'uvu/assert';
import type { Answer, HelperClient } from '../../proto/client.js';
import { connectHelper } from '../../proto/client.js';
import type { AddPinhole, Request, Response } from '../../proto/codec.js';
import { decodeResponse, encodeRequest } from '../../proto/client-codec.js';
import { parseIpv6 } from '../../proto/ipv6.js';
import type { Ipv4, Ipv6, Lease } from '../../proto/mapping.js';
import { parseIpv4 } from '../../proto/mapping.js';
import type { AttackedHelper } from './attacked-helper.js';
import { lineOf, memoryOf, pinholeLineOf } from './attacked-helper.js';
import { frame, RawPeer } from './zmtp.js';

export const ip = (text: string): Ipv4 => parseIpv4(text) as Ipv4;
/** Hosts that the attacks ask for; whatever they hold is removed after each. */
export const MINE = (number: number): Ipv4 => ip('192.168.1.100') + number;
const HOW_MANY_ARE_MINE = 150;
export const VICTIM = ip('192.168.1.40');
export const ip6 = (text: string): Ipv6 => parseIpv6(text) as Ipv6;
export const VICTIM6 = ip6('2001:db8:1::40');
export const VICTIMS_NONCE = '404142434445464748494a4b';
/** Devices that rules name, and that the attacks claim to speak for; the next one is theirs as well. */
export const MY_DEVICE = 0x020000006601;
export const MY_OTHER_DEVICE = 0x020000006602;
const VICTIMS_DEVICE = 0x020000006640;
const CALLER = ip('192.168.1.30');

export type Add = Extract<Request, { kind: 'add-mapping' }>;
export const add = (fields: Partial<Add> = {}): Add => ({
  kind: 'add-mapping',
  protocol: 'tcp',
  internalAddress: MINE(0),
  internalPort: 80,
  externalPort: 20_000,
  lifetime: 600,
  origin: 'dynamic',
  ...fields,
});
export const addPinhole = (fields: Partial<AddPinhole> = {}): AddPinhole => ({
  kind: 'add-pinhole',
  protocol: 'tcp',
  address: ip6('2001:db8:66::1'),
  port: 20_000,
  lifetime: 600,
  origin: 'dynamic',
  nonce: '6'.repeat(24),
  hardwareAddress: MY_DEVICE,
  ...fields,
});
const OPEN: readonly AddPinhole[] = [
  addPinhole({
    address: VICTIM6,
    port: 6000,
    lifetime: 3600,
    nonce: VICTIMS_NONCE,
    hardwareAddress: VICTIMS_DEVICE,
  }),
  addPinhole({ address: VICTIM6, port: 443, lifetime: 0, origin: 'static', nonce: '', hardwareAddress: 0 }),
];
const STANDING: readonly Add[] = [
  add({ internalAddress: VICTIM, internalPort: 6000, externalPort: 6000, lifetime: 3600 }),
  add({ internalAddress: VICTIM, internalPort: 6001, externalPort: 6001, lifetime: 3600, protocol: 'udp' }),
  add({ internalAddress: VICTIM, internalPort: 22, externalPort: 7000, lifetime: 0, origin: 'static' }),
];
const CALLERS = add({ internalAddress: CALLER, internalPort: 5000, externalPort: 5000, lifetime: 7200 });

/** Below what the helper queues for one that reads late. */
const AT_ONCE = 4000;

/** What the caller that behaves has seen. */
export interface Served {
  readonly answers: number;
  /** The longest wait for an answer, in milliseconds. */
  readonly longestMs: number;
  /** Answers that were not the right ones. */
  readonly wrong: readonly string[];
  /** Requests without an answer. */
  readonly unavailable: number;
  /** The most resident memory seen, in MB (10^6). */
  readonly residentMb: number;
}

export class AttackTarget {
  readonly helper: AttackedHelper;
  /** 1 in `npm test`; counts are multiplied by it. */
  readonly scale: number;
  readonly #client: HelperClient;
  readonly #admin: HelperClient;
  readonly #peers: RawPeer[] = [];

  private constructor(helper: AttackedHelper, scale: number) {
    this.helper = helper;
    this.scale = scale;
    this.#client = connectHelper(helper.path);
    this.#admin = connectHelper(helper.adminPath);
  }

  static async open(helper: AttackedHelper, scale: number): Promise<AttackTarget> {
    const target = new AttackTarget(helper, scale);
    await target.reached();
    for (const wish of [...STANDING, CALLERS]) assert.is((await target.#admin.ask(wish)).kind, 'granted');
    for (const wish of OPEN) assert.is((await target.#admin.ask(wish)).kind, 'pinhole-granted');
    return target;
  }

  close(): void {
    this.#client.close();
    this.#admin.close();
  }

  /** Resolves when both sockets answer. */
  async reached(): Promise<void> {
    for (const end = performance.now() + 15_000; performance.now() < end; await pause(10)) {
      const answers = await Promise.all([this.#client.ask({ kind: 'status' }), this.#admin.ask({ kind: 'status' })]);
      if (answers.every(({ kind }) => kind === 'status-report')) return;
    }
    throw new Error(`the helper does not answer:\n${this.helper.log()}`);
  }

  /** A connection for the attack, past the handshake; closed after it. */
  async peer(): Promise<RawPeer> {
    return this.keep(await RawPeer.greeted(this.helper.path));
  }

  keep(peer: RawPeer): RawPeer {
    this.#peers.push(peer);
    return peer;
  }

  /** Ask all of it over one connection, thousands at once; the answers in order. */
  async askAll(requests: readonly Request[]): Promise<readonly Response[]> {
    const answers = await this.sendAll(requests.map((request, index) => encodeRequest(index + 1, request)));
    assert.equal(
      answers.map(({ id }) => id),
      requests.map((_, index) => index + 1),
      'one answer each, in order',
    );
    return answers.map(({ body }) => body);
  }

  /** Send all frames over one connection, thousands at once; the answers in order. */
  async sendAll(frames: readonly Uint8Array[]): Promise<readonly { readonly id: number; readonly body: Response }[]> {
    const peer = await this.peer();
    const messages: Buffer[] = [];
    for (let from = 0; from < frames.length; from += AT_ONCE) {
      const part = frames.slice(from, from + AT_ONCE);
      peer.socket.write(Buffer.concat(part.map((body) => frame(body))));
      messages.push(...(await peer.take(part.length, 30_000)));
    }
    assert.is(messages.length, frames.length, 'as many answers as requests');
    peer.close();
    return messages.map((message) => {
      const answer = decodeResponse(message);
      if (answer === null) throw new Error(`${message.toString('hex')} is no response`);
      return answer;
    });
  }

  /** Ask as the caller that behaves. */
  askAsCaller(requests: readonly Request[]): Promise<readonly Answer[]> {
    return Promise.all(requests.map((request) => this.#client.ask(request)));
  }

  dropPeers(): void {
    for (const peer of this.#peers.splice(0)) peer.close();
  }

  /** End the attack: its connections, and its mappings, if it could get any. */
  async sweep(): Promise<void> {
    this.dropPeers();
    await this.reached();
    for (const { protocol, address, port } of this.helper.pinholes().disk)
      if (address !== VICTIM6) await this.#admin.ask({ kind: 'remove-pinhole', protocol, address, port, nonce: '' });
    for (const end = performance.now() + 60_000; ; ) {
      const lease = this.helper
        .leases()
        .find(({ internalAddress }) => internalAddress >= MINE(0) && internalAddress < MINE(HOW_MANY_ARE_MINE));
      if (lease === undefined) return;
      if (performance.now() > end) throw new Error(`${lineOf(lease)} cannot be removed`);
      // Nobody may be served at once: what others have asked before they went is still waiting.
      await this.#client.ask({
        kind: 'remove-host-mappings',
        protocol: lease.protocol,
        internalAddress: lease.internalAddress,
      });
    }
  }

  /**
   * Everything that an attack may not change: epoch, leases on disk, and the kernel's three sets, which have to agree
   * with them.
   */
  async standing(): Promise<readonly string[]> {
    const answer = await this.#admin.ask({ kind: 'status' });
    const leases = this.helper.leases();
    const lines = leases.map(lineOf).sort();
    const { in: ins, out, live } = this.helper.elements();
    assert.equal([ins, out, live], [lines, lines, lines], 'kernel and disk hold the same');
    const { disk, kernel } = this.helper.pinholes();
    assert.equal(kernel, disk.map(pinholeLineOf).sort(), 'kernel and disk hold the same pinholes');
    const epoch = answer.kind === 'status-report' ? `epoch since ${answer.status.epochStart}` : answer.kind;
    return [
      epoch,
      ...disk.map((pinhole) => JSON.stringify(pinhole)).sort(),
      ...leases
        .map(
          (lease) =>
            `${lineOf(lease)} ${lease.origin} ${lease.lifetime} s${isCallers(lease) ? '' : ` until ${lease.expiresAt}`}`,
        )
        .sort(),
    ];
  }

  /** While `attack` runs, be the caller that behaves: renew, and look from the other socket. */
  async watchDuring(attack: () => Promise<string>): Promise<{ readonly seen: string; readonly served: Served }> {
    const served = { answers: 0, longestMs: 0, wrong: [] as string[], unavailable: 0, residentMb: 0 };
    let isOver = false;
    const caller = (async () => {
      for (let count = 0; !isOver; count++) {
        const since = performance.now();
        const answer = count % 4 === 3 ? await this.#admin.ask({ kind: 'status' }) : await this.#client.ask(CALLERS);
        const ms = performance.now() - since;
        served.residentMb = Math.max(served.residentMb, memoryOf(this.helper.pid()).resident);
        if (answer.kind === 'unavailable') {
          served.unavailable++;
        } else {
          served.answers++;
          served.longestMs = Math.max(served.longestMs, ms);
          if (!isRight(answer)) served.wrong.push(JSON.stringify(answer));
        }
        await pause(5);
      }
    })();
    try {
      const seen = await attack();
      return { seen, served: await finished(served) };
    } finally {
      isOver = true;
      await caller;
    }

    async function finished(now: Served): Promise<Served> {
      isOver = true;
      await caller;
      return now;
    }
  }
}

function isRight(answer: Answer): boolean {
  return (
    answer.kind === 'status-report' ||
    (answer.kind === 'granted' && isCallers(answer.lease) && answer.lease.lifetime === CALLERS.lifetime)
  );
}

function isCallers(lease: Lease): boolean {
  return lease.internalAddress === CALLER && lease.externalPort === CALLERS.externalPort;
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** An answer in a word: its reason, if it is a refusal. */
export function word(answer: Response): string {
  return answer.kind === 'refused' ? answer.reason : answer.kind;
}

/** "granted 100, host-full 50". */
export function tally(answers: readonly Response[]): string {
  const counts = new Map<string, number>();
  for (const answer of answers) counts.set(word(answer), (counts.get(word(answer)) ?? 0) + 1);
  return [...counts].map(([name, count]) => `${name} ${count}`).join(', ');
}
