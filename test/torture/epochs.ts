// Whether the epoch goes on, as clients judge it (RFC 6886 §3.6): a client that sees it start again takes all mappings
// for lost. Pure.

/** How far the start of an epoch may seem to move, in milliseconds: replies take time on a busy machine. */
const SLACK_MS = 10_000;
/** An epoch is new for so long, in milliseconds: a start under load takes its time. */
const NEW_MS = 20_000;

export class Epochs {
  #startedAt: number | null = null;
  #isNewDue = false;
  readonly #restarts: string[] = [];

  /** A reply said this many seconds, at this moment in milliseconds. */
  heard(epoch: number, at: number): void {
    if (this.#isNewDue && epoch * 1000 > NEW_MS)
      this.#restarts.push(`all is lost, and the epoch goes on at ${epoch} s`);
    this.#isNewDue = false;
    const startedAt = at - epoch * 1000;
    const moved = startedAt - (this.#startedAt ?? startedAt);
    this.#startedAt ??= startedAt;
    if (Math.abs(moved) <= SLACK_MS) return;
    this.#restarts.push(`the epoch says ${epoch} s, ${Math.round(moved / 1000)} s from where it was`);
    this.#startedAt = startedAt;
  }

  /** What went wrong since the last time this was asked. */
  take(): string[] {
    return this.#restarts.splice(0);
  }

  /** Time has passed that the caller's clock did not count, in milliseconds. */
  pass(ms: number): void {
    if (this.#startedAt !== null) this.#startedAt -= ms;
  }

  /** All was lost: what is said next has to be a new epoch. */
  begin(): void {
    this.#startedAt = null;
    this.#isNewDue = true;
  }
}
