// How a program ends early: an exit status, and one line that names the remedy.

import { EXIT } from '../../process/exit.js';

export { EXIT };

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
