// Every test is a row of a table. uvu runs them; this counts them, because uvu alone exits 0 when a hook throws, when
// `.run()` is forgotten and when nothing matches. No hooks: what a row needs, its check sets up.

import { suite } from 'uvu';

export interface Row {
  /** Starts with the section or requirement it shows: "§3.3 map TCP". */
  readonly name: string;
}

/** What the runner reads when a file is done. */
export const tally = { declared: 0, passed: 0, skipped: [] as string[] };

const cleanups: (() => void | Promise<void>)[] = [];

/** Run `check` once for every row of the table. An empty table is a mistake and throws. */
export function cases<R extends Row>(title: string, rows: readonly R[], check: (row: R) => void | Promise<void>): void {
  if (rows.length === 0) throw new Error(`${title}: an empty table tests nothing`);
  const test = suite(title);
  for (const row of rows) {
    tally.declared++;
    test(row.name, async () => {
      await check(row);
      tally.passed++;
    });
  }
  test.run();
}

/** Single claims, in order: `claims('journal', { 'a torn tail is dropped': () => ... })`. */
export function claims(title: string, checks: Readonly<Record<string, () => void | Promise<void>>>): void {
  const rows = Object.entries(checks).map(([name, check]) => ({ name, check }));
  cases(title, rows, (row) => row.check());
}

/** Say loudly that something cannot be tested here. With REQUIRE_ALL=1, as in CI, that is a failure. */
export function skip(what: string, why: string): void {
  if (process.env['REQUIRE_ALL'] === '1') throw new Error(`${what} cannot be tested: ${why}`);
  tally.skipped.push(`${what}: ${why}`);
}

/** Run when all the file's rows are done, last registered first, also when rows failed. */
export function atEnd(cleanup: () => void | Promise<void>): void {
  cleanups.unshift(cleanup);
}

export async function cleanUp(): Promise<void> {
  for (const cleanup of cleanups) await cleanup();
}
