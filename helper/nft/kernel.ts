// The kernel's elements, over the inherited netlink sockets. A request is answered before `write` returns, so write and
// read are a call and its result. An answer that makes no sense is a broken invariant: it throws, the process
// ends, and the next one starts with `repair`.

import type { AnyLease, Change, Element, Kernel, Message, NetlinkSocket, Ruleset } from '../types.js';
import type { Lease } from '../../proto/lease.js';
import type { Traffic } from '../../proto/messages.js';
import type { Flow } from './conntrack.js';
import { encodeDelete, encodeDump6, encodeEarlier, flowIn, flowTo } from './conntrack.js';
import { addedBy, RepairPlan } from './repair-plan.js';
import * as elements from './elements.js';
import { elementsOf, SETS } from './elements.js';
import { inParts, netChanges } from '../leases.js';
import { errorOf, messages, MessageWriter, NLM_F, NLMSG } from './netlink.js';

/** The kernel refuses to talk: CAP_NET_ADMIN is missing, here or where the socket was opened. */
export class MissingCapability extends Error {}

const EPERM = 1;
const ENOENT = 2;
const EINTR = 4;
const EEXIST = 17;

/** Elements in one transaction: 136 bytes a lease, added and removed, stay below the default send buffer of 208 KiB. */
const ELEMENTS_PER_TRANSACTION = 1500;
/** So that the elements of leases, each removed and added, fit into one. */
const LEASES_PER_TRANSACTION = ELEMENTS_PER_TRANSACTION / SETS.length / 2;
const DUMP_TRIES = 20;
const ELEMENTS_PER_LOOK = 250;
/** How often a transaction is tried again because elements have ended since the kernel was asked. */
const EXPIRY_TRIES = 5;

/**
 * An element that matches no packet. Its timeout, set and set again, tells whether this kernel (6.12) updates timeouts.
 */
const PROBE: Element = { set: 'in', key: [0xff << 24, 0xffff << 16], data: [0, 0], timeout: 3_600_000 };
const PROBE_AGAIN: Element = { ...PROBE, timeout: 7_200_000 };

export class NftKernel implements Kernel {
  readonly #ruleset: Ruleset;
  readonly #socket: NetlinkSocket;
  readonly #events: NetlinkSocket;
  /** All that hold leases. */
  readonly #sets: readonly elements.SetName[];
  readonly #writer = new MessageWriter(512 * 1024);
  readonly #portId: number;
  #updatesTimeouts: boolean | null = null;
  /** How many rules our chains had when they were first looked at. */
  #rules = 0;
  #isDisturbed = false;

  constructor(ruleset: Ruleset, socket: NetlinkSocket, events: NetlinkSocket, hasPinholes = false) {
    this.#sets = hasPinholes ? [...SETS, 'pinholes'] : SETS;
    this.#ruleset = ruleset;
    this.#socket = socket;
    this.#events = events;
    // The socket outlives us: it may hold answers to a helper that was killed, and while a dump is unread, the kernel
    // accepts no other.
    while (socket.read() !== null);
    this.#portId = this.#getGenId().portId;
  }

  apply(changes: readonly Change[], now: number): 'done' | 'refused' | 'out-of-sync' {
    const removed: Element[] = [];
    const added: Element[] = [];
    for (const { before, after } of netChanges(changes)) {
      const isUpdate =
        this.#updatesTimeouts === true && before !== undefined && after !== undefined && isSameTuple(before, after);
      if (before !== undefined && !isUpdate) removed.push(...elementsOf(before, now));
      if (after !== undefined) added.push(...elementsOf(after, now));
    }
    const error = this.#commit(removed, added);
    this.#drainEvents();
    if (error === 0) return 'done';
    return error === ENOENT || error === EEXIST || removed.length > 0 ? 'out-of-sync' : 'refused';
  }

  repair(
    leases: Iterable<AnyLease>,
    now: () => number,
  ): { readonly added: number; readonly removed: number } | 'no-ruleset' {
    this.#drainEvents();
    this.#isDisturbed = false; // what happened until here shows in the dump
    if (!this.#hasRules() || !this.#probe()) return 'no-ruleset';
    const generation = this.#getGenId().generation; // before the first look, so that no change falls in between
    const plan = this.#compare([...leases], now); // a table is an iterator: it can be read only once
    if (plan === null) return 'no-ruleset';

    const done = { added: 0, removed: 0 };
    const steps = plan.steps();
    let transactions = 0;
    for (const part of inParts(steps, LEASES_PER_TRANSACTION)) {
      // Timeouts count from each transaction: a large table takes its time.
      const removed = part.flatMap(({ remove }) => remove);
      const at = now();
      const added = part.flatMap((step) => addedBy(step, at));
      const error = this.#commit(removed, added);
      if (error === ENOENT) return 'no-ruleset'; // it went away meanwhile
      if (error !== 0) throw new Error(`the kernel refuses to hold the lease table: errno ${error}`);
      transactions++;
      done.added += added.length;
      done.removed += removed.length;
    }
    this.#drainEvents();
    // The events of a large repair are more than their socket holds. Where nobody else has made a transaction, none was
    // missed.
    if (this.#getGenId().generation === generation + transactions) this.#isDisturbed = false;
    return done;
  }

  traffic(page: readonly AnyLease[]): readonly (Traffic | null)[] {
    const carried = page.map((): Traffic | null => null);
    this.#get(
      page.map((lease) => elementsOf(lease, 0).at(-1) as Element),
      (message, index) => {
        carried[index] = elements.counterIn(message);
      },
    );
    return carried;
  }

  takeForeignChange(): boolean {
    this.#drainEvents();
    const isDisturbed = this.#isDisturbed;
    this.#isDisturbed = false;
    return isDisturbed;
  }

  flushEndedFlows(): number {
    const ended: Element[] = [];
    for (const set of this.#sets.includes('pinholes') ? (['stale', 'stale6'] as const) : (['stale'] as const))
      this.#dump(
        () => elements.writeDump(this.#writer, this.#ruleset, set),
        (message) => elements.eachElement(message, set, (element) => ended.push(element.copy())),
      );
    // First out of the set: the next flow of the same tuple may be one of a mapping in force.
    this.#commit(ended, []);
    this.#deleteFlows(ended.map(({ key }) => key));
    return ended.length;
  }

  flushEarlierFlows(granted: Lease): void {
    for (const isInbound of [true, false]) {
      if (this.#change(() => encodeEarlier(this.#writer, 'delete', granted, isInbound)) === 0) continue;
      const found: (Flow | null)[] = []; // this kernel can only filter dumps
      const take = (message: Message) => found.push(flowIn(message, granted, isInbound));
      this.#dump(() => encodeEarlier(this.#writer, 'dump', granted, isInbound), take);
      this.#deleteFlows(found);
    }
  }

  /** Delete the UDP flows of pinholes that ended with `--pinholes`: the ruleset has no set to tell of them. */
  flushPinholeFlows(ended: readonly AnyLease[]): void {
    const udp = ended.filter((lease) => 'address' in lease && lease.protocol === 'udp');
    if (udp.length === 0) return;
    const endpoints = new Set(udp.map((lease) => elementsOf(lease, 0)[0].key.slice(1).join()));
    const found: (Flow | null)[] = [];
    const take = (message: Message) => found.push(flowTo(message, endpoints));
    this.#dump(() => encodeDump6(this.#writer), take);
    this.#deleteFlows(found);
  }

  /** Whatever the answers: a flow that is not found is gone. */
  #deleteFlows(flows: readonly (Flow | null)[]): void {
    for (const flow of flows) if (flow !== null) this.#change(() => encodeDelete(this.#writer, flow));
  }

  /** Compare what the kernel holds with the leases; null where a set is missing. */
  #compare(leases: readonly AnyLease[], now: () => number): RepairPlan | null {
    for (let tries = 0; tries < DUMP_TRIES; tries++) {
      const plan = new RepairPlan(leases);
      const errors = this.#sets.map((set) =>
        this.#dump(
          () => elements.writeDump(this.#writer, this.#ruleset, set),
          (message) => {
            const at = now();
            elements.eachElement(message, set, (element) => plan.compare(element, at));
          },
        ),
      );
      if (errors.every((error) => error === 0)) return plan;
      if (errors.includes(ENOENT)) return null;
    }
    throw new Error(
      `table ${this.#ruleset.table} was changed by someone else ${DUMP_TRIES} times in a row while it was read`,
    );
  }

  /** Remove and add, in one transaction if it fits into one. Returns an errno; 0 when all was done. */
  #commit(removed: readonly Element[], added: readonly Element[]): number {
    if (removed.length + added.length === 0) return 0;
    if (removed.length + added.length <= ELEMENTS_PER_TRANSACTION) {
      let left = removed;
      for (let tries = 0; left.length + added.length > 0; tries++) {
        const error = this.#sendBatch(left, added);
        if (error !== ENOENT || left.length === 0 || tries === EXPIRY_TRIES) return error;
        // Some of the removed are gone already: their timers ran out a moment ago. A transaction that fails takes the
        // kernel some 15 ms, so it is asked which are left, and not tried with each.
        left = this.#heldOf(left);
      }
      return 0;
    }
    // All removals first: an added element may take the key of one that goes.
    let error = 0;
    for (const part of inParts(removed, ELEMENTS_PER_TRANSACTION)) error ||= this.#commit(part, []);
    for (const part of inParts(added, ELEMENTS_PER_TRANSACTION)) error ||= this.#commit([], part);
    return error;
  }

  #heldOf(wanted: readonly Element[]): readonly Element[] {
    const held: Element[] = [];
    for (const part of inParts(wanted, ELEMENTS_PER_LOOK))
      this.#get(part, ({ type }, index) => {
        if (type === elements.NFT_MSG.NEWSETELEM) held.push(part[index]!);
      });
    return held;
  }

  #sendBatch(removed: readonly Element[], added: readonly Element[]): number {
    return this.#change(() => elements.writeTransaction(this.#writer, this.#ruleset, removed, added));
  }

  /**
   * Send what is written, and read what the kernel answers: 0 if all went well, with a single acknowledgement; else the
   * first errno. Each failing message has an error: all are read, because one left in the queue would be taken for the
   * answer to the next request.
   */
  #change(write: () => void): number {
    let error = 0;
    for (const message of this.#exchange(write)) {
      if (message.type !== NLMSG.ERROR) continue;
      if (error === 0) error = errorOf(message);
      if (error === 0) return 0;
    }
    if (error === 0) throw new Error('the kernel did not answer');
    return error;
  }

  /** Send what is written; then the kernel's answers to it, each valid until the next. */
  *#exchange(write: () => void): Generator<Message> {
    write();
    this.#socket.write(this.#writer.bytes());
    const { first, last } = this.#writer;
    for (let data = this.#socket.read(); data !== null; data = this.#socket.read()) {
      for (const message of messages(data)) if (message.sequence >= first && message.sequence <= last) yield message;
    }
  }

  /** Our chains still have as many rules as at start; elements without rules have no effect. */
  #hasRules(): boolean {
    let count = 0;
    const error = this.#dump(
      () => elements.writeDump(this.#writer, this.#ruleset),
      (message) => {
        if (message.type === elements.NFT_MSG.NEWRULE && elements.isAbout(this.#ruleset, message)) count++;
      },
    );
    if (error !== 0) return false; // also where someone is just changing them: the next look tells more
    this.#rules ||= count;
    return count > 0 && count >= this.#rules;
  }

  /**
   * Ask for a dump and take its messages as they come, each valid until the next. Returns an errno: ENOENT if there is
   * no such table or set, EINTR if it changed meanwhile: then the dump is useless.
   */
  #dump(write: () => void, take: (message: Message) => void): number {
    let isInterrupted = false;
    for (const message of this.#exchange(write)) {
      if ((message.flags & NLM_F.DUMP_INTR) !== 0) isInterrupted = true;
      if (message.type === NLMSG.ERROR) return errorOf(message);
      if (message.type === NLMSG.DONE) return isInterrupted ? EINTR : errorOf(message); // a dump may fail midway, too
      take(message);
    }
    throw new Error('the kernel broke off a dump');
  }

  /** Ask for elements by their keys, and take the answer to each. */
  #get(wanted: readonly Element[], take: (message: Message, index: number) => void): void {
    if (wanted.length === 0) return;
    const answers = this.#exchange(() => elements.writeGet(this.#writer, this.#ruleset, wanted));
    for (const message of answers) take(message, message.sequence - this.#writer.first);
  }

  /** Set the probe's timeout twice and compare, once per process; false if there is no set for it. */
  #probe(): boolean {
    if (this.#updatesTimeouts !== null) return true;
    if (this.#commit([PROBE], [PROBE]) !== 0 || this.#commit([], [PROBE_AGAIN]) !== 0) return false;
    let timeout = 0;
    this.#get([PROBE], (message) =>
      elements.eachElement(message, PROBE.set, (element) => {
        timeout = element.copy().timeout;
      }),
    );
    this.#updatesTimeouts = timeout === PROBE_AGAIN.timeout;
    return this.#commit([PROBE], []) === 0;
  }

  /** The number of the ruleset's generation, which every transaction of anyone raises by one; and our own port id. */
  #getGenId(): { readonly generation: number; readonly portId: number } {
    for (const message of this.#exchange(() => elements.writeGetGeneration(this.#writer))) {
      const generation = elements.generationIn(message);
      if (generation !== null) return { generation, portId: message.portId };
      if (message.type === NLMSG.ERROR && errorOf(message) === EPERM) throw new MissingCapability();
    }
    throw new Error('the nftables socket does not answer');
  }

  /** Read the event socket until it is empty; the kernel reports our own transactions there, too. */
  #drainEvents(): void {
    try {
      for (let data = this.#events.read(); data !== null; data = this.#events.read()) {
        for (const message of messages(data, this.#portId))
          if (elements.isAbout(this.#ruleset, message)) this.#isDisturbed = true;
      }
    } catch {
      this.#isDisturbed = true; // events were lost (ENOBUFS): only a look at the table tells what happened
    }
  }
}

/** Of leases with the same key. */
function isSameTuple(a: AnyLease, b: AnyLease): boolean {
  if (a.origin !== b.origin || 'address' in a || 'address' in b) return a.origin === b.origin;
  return a.internalAddress === b.internalAddress && a.internalPort === b.internalPort;
}
