// What the fault layer in a daemon (faults.ts) gets from the test (fault-control.ts), by files in one folder.

/** The calls of the helper that can be made to fail. */
export type Call =
  | 'journal-read'
  | 'journal-open'
  | 'journal-write'
  | 'journal-sync'
  | 'journal-rename'
  | 'folder-sync'
  /** On the nftables socket: a transaction or a request for a table is sent, a reply is read; and an event is read. */
  | 'transaction'
  | 'dump'
  | 'reply'
  | 'event';

export type Does =
  /** The call fails with this error, and does nothing. */
  | { readonly kind: 'fail'; readonly code: string }
  /** Only so many bytes are written. */
  | { readonly kind: 'short'; readonly bytes: number }
  /** The kernel does nothing, and answers with this error. */
  | { readonly kind: 'answer'; readonly code: string }
  /** The kernel says that what it sends of a table has changed meanwhile. */
  | { readonly kind: 'interrupt' }
  /** Nothing happens until the test takes the rule away. */
  | { readonly kind: 'wait' };

export interface Rule {
  readonly id: string;
  readonly call: Call;
  readonly does: Does;
  /** So many calls of a process pass before the first that does not. */
  readonly after?: number;
  /** At most so many in all; without it, until the rule is taken away. */
  readonly times?: number;
  /** A process that is spared: one that is about to be killed. */
  readonly spares?: number;
}

export interface Rules {
  readonly rules: readonly Rule[];
  /** What is added to the wall clock, in milliseconds. */
  readonly wallMs: number;
  /** What is added to CLOCK_BOOTTIME; read once, at the start of a process. */
  readonly bootMs: number;
}

export const RULES_FILE = 'rules.json';
/** The id of a rule, a line each time it has struck. */
export const STRUCK_FILE = 'struck';

export const ERRNO: Readonly<Record<string, number>> = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  ENOMEM: 12,
  EBUSY: 16,
  EEXIST: 17,
  ENFILE: 23,
  ENOSPC: 28,
  EROFS: 30,
  ENOBUFS: 105,
  EDQUOT: 122,
};
