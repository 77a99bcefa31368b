// How a program ends early: an exit status, and one line that names the remedy.

import { EXIT as OF_DAEMONS } from '../../process/exit.js';

/** The exit statuses of all programs, as far as each applies. */
export const EXIT = {
  ...OF_DAEMONS,
  /** natpmp-client: no answer. natpmpctl: not there, not confirmed, or (doctor) not working. */
  failed: 1,
  /** natpmp-client: this plus the result code of the gateway, at most 255. */
  result: 10,
  interface: 66,
  /** Something is in use; natpmpctl: the helper cannot be reached. */
  unavailable: 69,
  missingProgram: 72,
  /** natpmpctl: the helper refused the mapping. */
  refused: 73,
  foreignTable: 78,
  /** npm start: Ctrl-C, as shells report it. */
  interrupted: 130,
} as const;

export class Failure extends Error {
  readonly status: number;

  constructor(status: number, line: string) {
    super(line);
    this.status = status;
  }
}

/** The message of anything that was thrown, on one line. */
export function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).trim().replaceAll(/\s*\n\s*/g, ' ');
}
