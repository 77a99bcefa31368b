// What the administrator beside the attacks and the process that attacks tell each other. Types only.

import type { Lease } from '../../proto/mapping.js';

/** The longest wait for an answer, in milliseconds, without the time in which others of the machine ran. */
export interface Waits {
  readonly list: number;
  readonly show: number;
  readonly revoke: number;
  readonly add: number;
}

export interface AdministratorTask {
  readonly adminPath: string;
  readonly helperPid: number;
  /** Mappings that may be revoked; they come back as static ones. */
  readonly revocable: readonly Lease[];
}

export type AdministratorReport =
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'figures';
      readonly waits: Waits;
      readonly answers: number;
      /** Answers that were not the right ones. */
      readonly wrong: readonly string[];
    };
