// What ends a program with one clear line: the exit status (docs/architecture.md) and the line, which names the remedy.

export { EXIT } from '../../process/exit.js';

export class Failure extends Error {
  readonly status: number;

  constructor(status: number, line: string) {
    super(line);
    this.status = status;
  }
}

/** The message of whatever was thrown, on one line. */
export function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).trim().replaceAll(/\s*\n\s*/g, ' ');
}
