// One attack, and the judgement on it.

import * as assert from 'uvu/assert';
import type { AttackTarget } from './attack-target.js';
import { pause } from './attack-target.js';

export interface Attack {
  readonly name: string;
  /** What must come of it, for the reader of the table; `run` throws if it does not. */
  readonly expected: string;
  /** It may get mappings within the limits; they are removed before the comparison. Where false, it must get none. */
  readonly gets?: boolean;
  /** The most memory that the helper may take, in MB (10^6), if it is more than usual. */
  readonly memoryMb?: number;
  /** Attack; resolves with what was seen. */
  run(target: AttackTarget): Promise<string>;
}

export interface Row {
  readonly attack: string;
  readonly expected: string;
  readonly seen: string;
  /** What was not as expected; null if all was. */
  readonly wrong: string | null;
}

/**
 * Resident memory of a helper under any attack that it is to survive, in MB (10^6). It takes about 60 when nobody does
 * anything.
 */
const MEMORY_MB = 256;
/** An attack may not fill the log: the lines of two intervals (helper/mapping-log.ts), and half a kilobyte a second. */
const LOG_BYTES = 4096;
const LOG_BYTES_A_SECOND = 512;
/** A journal is rewritten at 512 KiB, or twice its table; a batch comes on top. */
const JOURNAL_BYTES = 556 * 1024;
const SPARE_DESCRIPTORS = 4;

export async function carryOut(attack: Attack, target: AttackTarget): Promise<Row> {
  const { name, expected } = attack;
  const { helper } = target;
  const starts = helper.starts();
  try {
    const before = await target.standing();
    const since = performance.now();
    const [logged, descriptors] = [helper.logged(), helper.descriptors()];
    const { seen, served } = await target.watchDuring(() => attack.run(target));
    if (attack.gets !== true) assert.equal(await target.standing(), before, 'all mappings are as before');
    await target.sweep();
    assert.equal(await target.standing(), before, 'all mappings are as before');
    assert.equal(served.wrong, [], 'the other caller gets right answers');
    assert.ok(served.answers > 0, 'the other caller gets answers');
    assert.ok(served.residentMb <= (attack.memoryMb ?? MEMORY_MB), `${served.residentMb} MB`);
    assert.is(helper.starts(), starts, `the helper ended:\n${helper.log().slice(-2000)}`);
    assert.is(served.unavailable, 0, 'the other caller gets all answers');
    const logBytes = LOG_BYTES + (LOG_BYTES_A_SECOND * (performance.now() - since)) / 1000;
    assert.ok(helper.logged() - logged <= logBytes, `${helper.logged() - logged} octets in the log`);
    assert.ok(helper.journalBytes() <= JOURNAL_BYTES, `${helper.journalBytes()} bytes of journal`);
    for (
      const end = performance.now() + 10_000;
      helper.descriptors() > descriptors + SPARE_DESCRIPTORS;
      await pause(20)
    ) {
      assert.ok(performance.now() < end, `${helper.descriptors()} descriptors, ${descriptors} before`);
    }
    return {
      attack: name,
      expected,
      wrong: null,
      seen:
        `${seen}; other caller ${served.answers} answers, longest ${served.longestMs.toFixed(0)} ms; ` +
        `${served.residentMb.toFixed(0)} MB`,
    };
  } catch (error) {
    await target.sweep().catch(() => {});
    return {
      attack: name,
      expected,
      seen: 'NOT as expected',
      wrong: error instanceof Error ? `${error.stack}` : String(error),
    };
  }
}

/** The table, for people. */
export function tableOf(rows: readonly Row[]): string {
  const width = (column: 'attack' | 'expected') => Math.max(...rows.map((row) => row[column].length));
  const [first, second] = [width('attack'), width('expected')];
  return [{ attack: 'attack', expected: 'expected', seen: 'seen' }, ...rows]
    .map(({ attack, expected, seen }) => `${attack.padEnd(first)} | ${expected.padEnd(second)} | ${seen}`)
    .join('\n');
}
