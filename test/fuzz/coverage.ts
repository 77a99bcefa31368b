// Which code of the product ran: V8's precise block coverage, read in this thread through node:inspector.

import { Session } from 'node:inspector';
import type { Profiler } from 'node:inspector';

/** Compiled product code; the tests themselves do not count. */
const COUNTED = /\/dist\/(caller|frontend|helper|proto|upnp)\//;

export class Coverage {
  readonly #session = new Session();
  /** For each script a byte for each character: whether it ever ran. */
  readonly #ran = new Map<string, Uint8Array>();
  /** Shapes of scripts that hold nothing new: most runs are like another. */
  readonly #known = new Set<string>();
  #characters = 0;

  constructor() {
    this.#session.connect();
    this.#post('Profiler.enable');
    this.#post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** How many characters of code ran since the beginning. */
  get characters(): number {
    return this.#characters;
  }

  /** Whether anything ran since the last call of `isNew` or `take` that had not by the last call of `take`. */
  isNew(): boolean {
    return this.#read().some(({ url, functions }) => {
      const now = painted(functions);
      const ran = this.#ran.get(url);
      for (let at = 0; at < now.length; at++) if (now[at] !== 0 && (ran?.[at] ?? 0) === 0) return true;
      return false;
    });
  }

  /** How many characters ran since the last call that never had before. */
  take(): number {
    const before = this.#characters;
    for (const script of this.#read()) {
      this.#add(script);
      this.#known.add(shapeOf(script));
    }
    return this.#characters - before;
  }

  close(): void {
    this.#session.disconnect();
  }

  /** What ran since the last reading, as V8 counts from zero each time; without the scripts that ran just so before. */
  #read(): readonly Profiler.ScriptCoverage[] {
    const { result } = this.#post('Profiler.takePreciseCoverage') as Profiler.TakePreciseCoverageReturnType;
    return result.filter((script) => COUNTED.test(script.url) && !this.#known.has(shapeOf(script)));
  }

  #add({ url, functions }: Profiler.ScriptCoverage): void {
    const now = painted(functions);
    const ran = grown(this.#ran.get(url), now.length);
    this.#ran.set(url, ran);
    for (let at = 0; at < now.length; at++) {
      if (now[at] === 0 || ran[at] !== 0) continue;
      ran[at] = 1;
      this.#characters++;
    }
  }

  /** The session is of this thread, so the callback has run when `post` returns. */
  #post(method: string, params: object = {}): unknown {
    let answer: unknown;
    this.#session.post(method, params, (error, result) => {
      if (error !== null) throw new Error(`${method}: ${error.message}`);
      answer = result;
    });
    return answer;
  }
}

/** Which ranges ran, without how often. */
function shapeOf({ url, functions }: Profiler.ScriptCoverage): string {
  const shapes = functions.map(({ ranges }) =>
    ranges.map(({ startOffset, endOffset, count }) => `${count > 0 ? '+' : '-'}${startOffset}.${endOffset}`).join(''),
  );
  return `${url}${shapes.join()}`;
}

/** Ranges come outermost first, each with its own count: what is painted last holds. */
function painted(functions: readonly Profiler.FunctionCoverage[]): Uint8Array {
  const ranges = functions.flatMap((each) => each.ranges);
  const now = new Uint8Array(Math.max(0, ...ranges.map(({ endOffset }) => endOffset)));
  for (const { startOffset, endOffset, count } of ranges) now.fill(count > 0 ? 1 : 0, startOffset, endOffset);
  return now;
}

function grown(bytes: Uint8Array | undefined, length: number): Uint8Array {
  if (bytes !== undefined && bytes.length >= length) return bytes;
  const longer = new Uint8Array(length);
  longer.set(bytes ?? []);
  return longer;
}
