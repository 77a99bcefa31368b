// What has happened and nobody has looked at yet, in order.

/** How long a test waits for what must happen, in milliseconds. */
export const SOON_MS = 5000;
/** The same for what a program does that is started, or started again, in milliseconds. */
export const EVENTUALLY_MS = 30_000;
/**
 * How long a test listens before it says that nothing came, in milliseconds. Far above a round trip in the lab (<1).
 */
export const SILENCE_MS = 250;

export class Inbox<T> {
  readonly #items: T[] = [];
  #waiting: ((item: T) => void) | null = null;

  put(item: T): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting === null) this.#items.push(item);
    else waiting(item);
  }

  /** The next item, or null when none has come in time. One caller at a time. */
  next(withinMs: number): Promise<T | null> {
    const item = this.#items.shift();
    if (item !== undefined) return Promise.resolve(item);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiting = null;
        resolve(null);
      }, withinMs);
      this.#waiting = (arrived) => {
        clearTimeout(timer);
        resolve(arrived);
      };
    });
  }

  /** Take all that is there now. */
  drain(): T[] {
    return this.#items.splice(0);
  }
}
