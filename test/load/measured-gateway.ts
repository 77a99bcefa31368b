// What the bench needs of a gateway to ask it, ours or another's.

import type { Generator } from './generator.js';
import type { WideLan } from './wide-lan.js';

export interface MeasuredGateway {
  /** What to call it in tables. */
  readonly name: string;
  readonly generator: Generator;
  readonly network: WideLan;
  /**
   * How long one measurement of it may take, in milliseconds, if it is slow; null: for as many requests as ordered.
   */
  readonly patienceMs: number | null;
  /** The most mappings it is measured with. */
  readonly most: number;
  /** The most pinholes; 0: it is not asked for any. */
  readonly mostPinholes: number;
  /** Its processes, by what they are called. @throws if one is away. */
  pids(): Readonly<Record<string, number>>;
  /** Who looks after them, and takes no part in requests; null if nobody does. */
  readonly launcher: number | null;
  close(): Promise<void>;
}

/** Ours as in production, with pinholes, and the same without: what these cost those who ask for none. */
export const WITH_PINHOLES = 'jitless';
export const WITHOUT_PINHOLES = 'jitless without pinholes';

/** The gateway of others that ours are compared with. */
export const RIVAL = 'miniupnpd';
