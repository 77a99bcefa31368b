// The helper's log lines are those that the other programs' pino would write, byte for byte.

import { spawnSync } from 'node:child_process';
import * as assert from 'uvu/assert';
import { LOG_LEVELS } from '../../config/settings.js';
import { Log } from '../../helper/log.js';
import { cases, claims } from '../support/cases.js';

const LINES: readonly (readonly [level: 'debug' | 'info' | 'warn' | 'error', fields: object, message: string])[] = [
  ['debug', { protocol: 'tcp', externalPort: 8080, internalAddress: '192.168.1.2' }, 'granted'],
  ['info', { mappings: 3, why: null, left: undefined, epoch: 'new' }, 'state restored'],
  ['warn', { settings: ['nat-table', 'lan'] }, 'changed, but in force only after a restart'],
  ['error', { complaints: ['a "quoted" word', 'two\nlines', '\u0007 é \u2028'] }, 'not reloaded'],
  ['info', {}, 'nothing'],
];

/** What pino writes of the same, in a process of its own: it writes to the standard output. */
function byPino(level: string, isJournal: boolean): string {
  const url = new URL('../../process/log.js', import.meta.url).href;
  const script = `import { createLog } from ${JSON.stringify(url)};
    const log = createLog({ name: 'natpmp-helper' }, '${level}', '${isJournal ? '1:2' : ''}', { dev: 1, ino: 2 });
    for (const [level, fields, message] of ${JSON.stringify(LINES)}) log[level](fields, message);`;
  return spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }).stdout;
}

const TIME = /"time":\d{13}/g;

cases(
  'lines like those of pino',
  LOG_LEVELS.flatMap((level) =>
    [false, true].map((isJournal) => ({ name: `${level}${isJournal ? ', in the journal' : ''}`, level, isJournal })),
  ),
  ({ level, isJournal }) => {
    let written = '';
    const log = new Log(level, isJournal, Date.now, (line) => {
      written += line;
    });
    for (const [of, fields, message] of LINES) log[of](fields, message);
    assert.is(written.replaceAll(TIME, '"time":0'), byPino(level, isJournal).replaceAll(TIME, '"time":0'));
    assert.is(TIME.test(written), !isJournal && written !== '');
    TIME.lastIndex = 0;
  },
);

claims('the log', {
  'another level counts from the next line on': () => {
    const lines: string[] = [];
    const log = new Log('warn', true, Date.now, (line) => lines.push(line));
    log.info({}, 'one');
    log.level = 'info';
    log.info({}, 'two');
    assert.equal(lines, ['<6>{"level":30,"name":"natpmp-helper","msg":"two"}\n']);
    assert.equal([log.isLevelEnabled('debug'), log.isLevelEnabled('info')], [false, true]);
  },
  'a standard output that is gone does not end the program': () => {
    const url = new URL('../../helper/log.js', import.meta.url).href;
    const script = `import { closeSync } from 'node:fs'; import { Log } from ${JSON.stringify(url)};
      const log = new Log('info', false, Date.now); closeSync(1); log.info({}, 'lost'); process.exitCode = 7;`;
    assert.is(spawnSync(process.execPath, ['--input-type=module', '-e', script]).status, 7);
  },
});
