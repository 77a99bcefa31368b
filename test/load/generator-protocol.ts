// What the bench and its load generator say to each other.

export type Op = 'address' | 'map' | 'unmap';
/** What is asked for: mappings by NAT-PMP, or pinholes by PCP. */
export type What = 'mappings' | 'pinholes';

export type Job =
  /**
   * Ask for `count` things, `width` of them outstanding at a time: of the mappings `first` to `first + span`, jumping
   * about.
   */
  | {
      readonly kind: 'load';
      readonly what: What;
      readonly op: Op;
      readonly first: number;
      readonly span: number;
      readonly count: number;
      readonly width: number;
      readonly portsAHost: number;
      /** After how many milliseconds a request is sent again. */
      readonly repeatMs: number;
      /** After how many milliseconds nothing more is asked. */
      readonly limitMs: number | null;
    }
  /**
   * All hosts at once: each asks for its mappings one after the other, and waits for each answer. Of the first `count`
   * mappings.
   */
  | { readonly kind: 'cold'; readonly count: number; readonly portsAHost: number }
  /** Renew one mapping again and again until that succeeds. */
  | { readonly kind: 'probe'; readonly number: number; readonly portsAHost: number };

export interface Done {
  readonly kind: 'done';
  /** Requests, and those that were answered. */
  readonly asked: number;
  readonly count: number;
  readonly elapsedMs: number;
  /** Microseconds from request to reply. */
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
  /** How many replies had each result code. */
  readonly results: Readonly<Record<number, number>>;
  /** Requests that had to be sent again. */
  readonly repeats: number;
  /** No reply came for a long time: the figures are of what came before. */
  readonly isStalled: boolean;
}

export interface Answered {
  readonly kind: 'answered';
  /** Milliseconds of CLOCK_MONOTONIC, which all processes share; null when no success came. */
  readonly atMs: number | null;
  /** How many replies said anything but success. */
  readonly refusals: number;
}

export type Report = { readonly kind: 'ready' } | Done | Answered;

export const LIFETIME_SECONDS = 36_000;

/** Milliseconds of CLOCK_MONOTONIC. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
