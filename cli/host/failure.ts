// What ends a program with one clear line: the exit status (docs/architecture.md) and the line, which names the remedy.

export const EXIT = {
  /** natpmpctl: what was asked for is not there, was not confirmed, or does not work. */
  no: 1,
  flags: 2,
  interface: 66,
  occupied: 69,
  defect: 70,
  program: 72,
  /** natpmpctl: the helper refused the mapping. */
  refused: 73,
  state: 74,
  rulesetGone: 75,
  capability: 77,
  foreignTable: 78,
} as const;

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
