import { spawnSync } from 'node:child_process';
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { daemonFlags } from '../../cli/server/node-flags.js';
import { Histogram } from '../../proto/totals.js';
import { isJournal, priorityPrefix } from '../../process/syslog-prefix.js';
import { StatsRecorder } from '../../proto/totals.js';
import { atEnd, cases, claims } from '../support/cases.js';

const folder = mkdtempSync(join(tmpdir(), 'natpmp-log-'));
atEnd(() => rmSync(folder, { recursive: true }));

cases(
  'priority of level',
  [
    { name: '60', want: '<2>' },
    { name: '50', want: '<3>' },
    { name: '40', want: '<4>' },
    { name: '30', want: '<6>' },
    { name: '20', want: '<7>' },
    { name: '10', want: '<7>' },
  ],
  ({ name, want }) => assert.is(priorityPrefix(Number(name)), want),
);

/** What a log writes into a file that is, or is not, the journal. */
function written(journalStream: (file: string) => string | undefined): string[] {
  const path = join(folder, 'out');
  const fd = openSync(path, 'w');
  const { dev, ino } = fstatSync(fd);
  const stream = journalStream(`${dev}:${ino}`);
  const [log, mark] = ['log', 'syslog-prefix'].map((file) =>
    JSON.stringify(new URL(`../../process/${file}.js`, import.meta.url).href),
  );
  const script = `import { createLog } from ${log};
    import { errorPrefix } from ${mark};
    import { fstatSync } from 'node:fs';
    const log = createLog({ name: 'natpmp-x' }, 'debug', process.env.JOURNAL_STREAM, fstatSync(1));
    log.debug({ a: 1 }, 'one'); log.info('two'); log.warn('three'); log.error('four');
    process.stdout.write(errorPrefix(process.env.JOURNAL_STREAM, fstatSync(1)) + 'five\\n');`;
  const { status } = spawnSync(
    process.execPath,
    [...daemonFlags(false, Number.parseInt(process.versions.node, 10)), '--input-type=module', '-e', script],
    { stdio: ['ignore', fd, 'inherit'], env: stream === undefined ? {} : { JOURNAL_STREAM: stream } },
  );
  closeSync(fd);
  assert.is(status, 0);
  return readFileSync(path, 'utf8').trimEnd().split('\n');
}

claims('a log', {
  'in the journal: a priority before each line, and no time of its own': () => {
    assert.equal(
      written((file) => file),
      [
        '<7>{"level":20,"name":"natpmp-x","a":1,"msg":"one"}',
        '<6>{"level":30,"name":"natpmp-x","msg":"two"}',
        '<4>{"level":40,"name":"natpmp-x","msg":"three"}',
        '<3>{"level":50,"name":"natpmp-x","msg":"four"}',
        '<3>five',
      ],
    );
  },
  'in a pipe that only has inherited the variable: plain JSON, with the time': () => {
    for (const lines of [written(() => '1:1'), written(() => undefined)]) {
      assert.match(lines[0] ?? '', /^\{"level":20,"time":\d+,"name":"natpmp-x","a":1,"msg":"one"\}$/);
      assert.is(lines[4], 'five');
    }
  },
  'the journal is known by device and number': () => {
    assert.ok(isJournal('8:15', { dev: 8, ino: 15 }));
    for (const other of ['8:16', '8:1', '', undefined]) assert.not.ok(isJournal(other, { dev: 8, ino: 15 }));
  },
});

claims('what is counted', {
  'a bound belongs to what is below it, and what is above all counts too': () => {
    const histogram = new Histogram([1, 5]);
    for (const value of [0, 1, 1.5, 5, 5.1, 100]) histogram.observe(value);
    assert.equal(histogram.counts, [2, 2, 2]);
    assert.is(histogram.sum, 112.6);
  },
  'how long something took, also what comes of it': () => {
    let now = 0;
    const counting = new StatsRecorder(() => now);
    assert.is(
      counting.timed('kernel', () => {
        now += 3;
        return 'done';
      }),
      'done',
    );
    assert.equal([counting.kernel.sum, counting.journal.sum], [3, 0]);
  },
  'reasons by their number': () => {
    const counting = new StatsRecorder(() => 0);
    counting.refuse(3);
    counting.refuse(1);
    counting.refuse(3);
    assert.equal(counting.refused, [0, 1, 0, 2]);
  },
});
