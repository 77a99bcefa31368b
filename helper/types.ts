// The values that the parts of the helper exchange, and what they need of kernel, disk and clock: tests put fakes in
// their place. Types only.

import type { HostRule } from '../config/types.js';
import type { Ipv4, Lease, Pinhole, PortRange } from '../proto/lease.js';
import type { Event, Request, Response, StatusReport, Traffic } from '../proto/messages.js';
import type { RateLimiter } from '../proto/token-bucket.js';
import type { StatsRecorder } from '../proto/totals.js';
import type { Leases } from './leases.js';
import type { SetName } from './nft/elements.js';

export interface Limits {
  /** Addresses of 127.0.0.0/8 may hold mappings: in the sandbox, where clients are on the loopback. */
  readonly loopback: boolean;
  /** External ports that may be mapped, and among them those that may not. */
  readonly allowedPorts: readonly PortRange[];
  readonly reservedPorts: readonly PortRange[];
  /** Nobody's internal ports. */
  readonly deniedPorts: readonly PortRange[];
  /** What each host may have, in order; the last one names everyone. Not for what the administrator makes by hand. */
  readonly rules: readonly HostRule[];
  readonly maxMappings: number;
  readonly maxMappingsPerHost: number;
  /** 0: pinholes are off. A device may hold as many as mappings. */
  readonly maxPinholes: number;
  /** How fast a host may get new ones. */
  readonly newMappings: { readonly burst: number; readonly intervalMs: number };
  /** Seconds. */
  readonly maxLifetime: number;
}

/** A pinhole in the table. */
export interface HeldPinhole extends Pinhole {
  /** That of the request (24 hexadecimal digits), which renews and removes it; '': none. In no list and no event. */
  readonly nonce: string;
}

export type AnyLease = Lease | HeldPinhole;

/** One step of the table: granted (no `before`), renewed (both, of the same key), or ended (no `after`). */
export interface Change {
  readonly before: AnyLease | undefined;
  readonly after: AnyLease | undefined;
}

/** Whose socket the request came in on. The administrator's may also make static mappings and remove any. */
export type Role = 'client' | 'administrator';

/** What to do to the table, and the answer once that is done. */
export interface Plan {
  readonly response: Response;
  readonly changes: readonly Change[];
}

/** What the helper needs of the kernel; tests put a fake in its place. */
export interface Kernel {
  /**
   * Make the changes, in one transaction. `refused`: nothing was changed. `out-of-sync`: the kernel does not hold what it
   * should, perhaps some of the changes were made, and `repair` is due.
   */
  apply(changes: readonly Change[], now: number): 'done' | 'refused' | 'out-of-sync';
  /** Make the kernel hold exactly these leases. `no-ruleset`: there are no sets to hold them. */
  repair(
    leases: Iterable<AnyLease>,
    now: () => number,
  ): { readonly added: number; readonly removed: number } | 'no-ruleset';
  /**
   * What each of a page of leases (MAX_TRAFFIC_PAGE) has carried, in their order; null for one that the kernel does not
   * hold.
   */
  traffic(page: readonly AnyLease[]): readonly (Traffic | null)[];
  /** Whether someone else changed our table since the last call. */
  takeForeignChange(): boolean;
  /** Delete the UDP flows that the ruleset rejected because their mapping ended. Returns how many; cheap if none. */
  flushEndedFlows(): number;
  /**
   * Delete UDP flows that began before this mapping, which would have translated them. Costs two walks over all flows of
   * the router, of some 0.25 ms for each thousand; before Linux 6.12 also 10 ms or less for a dump.
   */
  flushEarlierFlows(granted: Lease): void;
}

export interface NetlinkSocket {
  write(data: Uint8Array): void;
  /** One datagram, valid until the next read; null when there is none. @throws where the kernel had to drop some. */
  read(): Buffer | null;
}

/** The clock of a journal's times. */
export interface Clock {
  /** The boot that the times count from: /proc/sys/kernel/random/boot_id. */
  readonly bootId: string;
  /** Wall clock minus CLOCK_BOOTTIME, in milliseconds. */
  readonly wallOffsetMs: number;
  /** Milliseconds of CLOCK_BOOTTIME; negative when the epoch began before this boot. */
  readonly epochStartMs: number;
  /** When leases of an earlier boot were aged by the wall clock, in milliseconds of CLOCK_BOOTTIME; 0: never. */
  readonly agedAtMs: number;
}

export type Replayed =
  | { readonly kind: 'empty' }
  /**
   * `writtenAtMs`: when the last group was written, by the journal's clock. `tornBytes`: an unfinished frame at the end,
   * which no answer ever acknowledged.
   */
  | {
      readonly kind: 'intact';
      readonly clock: Clock;
      readonly leases: readonly AnyLease[];
      readonly writtenAtMs: number;
      readonly tornBytes: number;
    }
  | { readonly kind: 'damaged'; readonly at: number };

/** What the helper needs of the disk; tests put a fake in its place. */
export interface Journal {
  /** Make the changes durable. Returns when they are. */
  append(changes: readonly Change[], clock: Clock | null, now: number): void;
  /** Rewrite the file if it has outgrown the table: a part of it, and the next one when it is called again. */
  compact(table: Pick<Leases, 'size' | 'pinholes' | 'all' | 'cursorOf'>, clock: Clock, now: number): void;
  readonly bytes: number;
}

export interface HandlerDeps {
  readonly limits: Limits;
  readonly leases: Leases;
  readonly newMappings: RateLimiter;
  readonly newPinholes: RateLimiter;
  readonly kernel: Kernel;
  readonly journal: Journal;
  readonly totals: StatsRecorder;
  /** Milliseconds of CLOCK_BOOTTIME. */
  readonly now: () => number;
  /** The journal's clock, for when it is rewritten. */
  readonly clock: () => Clock;
  readonly status: () => StatusReport;
  /** The kernel turned out not to hold what it should. */
  readonly markOutOfSync: () => void;
}

/** A request, and whose socket it came in on. `watch` is missing: the server answers it. */
export interface RequestFrom {
  readonly request: Exclude<Request, { kind: 'watch' }>;
  readonly role: Role;
}

export interface BatchResult {
  /** One for each request, in order. */
  readonly responses: readonly Response[];
  /** What happened, in order, for the watchers. */
  readonly events: readonly Event[];
}

export interface ReconcilerDeps
  extends Pick<HandlerDeps, 'limits' | 'leases' | 'kernel' | 'journal' | 'totals' | 'now'> {
  readonly clock: Clock;
  /** Milliseconds of the wall clock since 1970. */
  readonly wall: () => number;
  /** As `now`, but it stands still in suspend. */
  readonly awake: () => number;
  readonly pid: number;
}

/** `isRulesetGone`: the supervisor has to install it again. */
export interface ReconcileResult {
  readonly events: readonly Event[];
  readonly repaired: { readonly added: number; readonly removed: number } | null;
  readonly isRulesetGone: boolean;
}

/** Where our sets are: a table of family inet, and the prerouting chain after which they are named. */
export interface Ruleset {
  readonly table: string;
  readonly chain: string;
}

export interface Config {
  readonly limits: Limits;
  readonly adminUids: readonly number[];
  readonly stateDir: string;
  readonly ruleset: Ruleset;
  readonly bootId: string;
  readonly logLevel: string;
  /** Only the flags are to be checked. */
  readonly check: boolean;
}

export interface Endpoint {
  readonly role: Role;
  /** The inherited listening socket. */
  readonly fd: number;
  /** Only peers of these uids are accepted; empty: all that may open the socket file. */
  readonly uids: readonly number[];
}

export interface Handler {
  handle(requests: readonly RequestFrom[]): BatchResult;
  /** How many mappings the host holds: as many may one request remove. */
  heldBy(host: Ipv4): number;
  /** Answers a Watch. */
  watching(): Response;
  /** After every batch and `publish`: the events in order, as the watchers get them. */
  onEvents(events: readonly Event[]): void;
  readonly totals: StatsRecorder;
}

export interface Restored {
  readonly leases: Leases;
  /** Milliseconds of CLOCK_BOOTTIME of this boot. */
  readonly epochStart: number;
  readonly agedAt: number;
  /** Why a new epoch starts; null if it continues. */
  readonly epochResetReason: string | null;
}

export interface Now {
  readonly bootId: string;
  /** Milliseconds of CLOCK_BOOTTIME. */
  readonly boottimeMs: number;
  /** Milliseconds of the wall clock since 1970. */
  readonly wall: number;
}

/** Key and data are big-endian words as signed 32-bit numbers: byte arrays are several times slower under --jitless. */
export interface Element {
  readonly set: SetName;
  readonly key: readonly number[];
  /** The data of a map's element; null in a set, and in a copy: to remove an element, its key is enough. */
  readonly data: readonly number[] | null;
  /** How long the kernel keeps it, in milliseconds from now; `Infinity`: until it is removed. */
  readonly timeout: number;
}

/** An element of a dump, as fields of a mapping's lease. `copy` works as long as the message is valid. */
export interface HeldElement {
  readonly set: SetName;
  /** As in mapping.ts; -1 if it cannot be read, or is that of a pinhole. */
  readonly externalKey: number;
  readonly internalAddress: number;
  readonly internalPort: number;
  /** How long until it ends, in milliseconds. */
  readonly remaining: number;
  copy(): Element;
}

/** Of one transaction: the removals free the keys that the additions need. */
export interface Step {
  readonly remove: readonly Element[];
  readonly lease: AnyLease | null;
  /** A bit for each of SETS that lacks the lease; all for a pinhole. */
  readonly missing: number;
}

export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** Of the socket that caused the message. */
  readonly portId: number;
  /** What follows the netlink header. */
  readonly payload: Buffer;
}
