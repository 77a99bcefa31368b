// Every command that the documents show is run, and says what they show. Where: on-router.ts, in-clone.ts; which few
// cannot be: elsewhere.ts. A new command needs a row in one of them.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { atEnd, cases, claims, skip } from '../support/cases.js';
import { run, type Finished } from '../support/run.js';
import { differs } from './compare.js';
import { Clone, PROJECT, Router } from './places.js';
import { ELSEWHERE } from './elsewhere.js';
import { CLONE } from './in-clone.js';
import type { Run } from './on-router.js';
import { BESIDE, RUNS, shownBeside } from './on-router.js';
import { commandsIn, unmarked } from './shown.js';

/** reference.md is generated, and compared with the programs in test/cli/manuals.test.ts. */
const DOCUMENTS = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync(join(PROJECT, 'docs')).map((file) => `docs/${file}`),
].filter((file) => file.endsWith('.md') && file !== 'docs/reference.md');
const read = (file: string) => readFileSync(join(PROJECT, file), 'utf8');
const all = DOCUMENTS.flatMap((file) => commandsIn(file, read(file)));
/** "natpmpctl list | show | top": what a program has, and no command. */
const LIST = /^(natpmpctl|natpmp-client) (?:HOST\[:PORT\] )?([a-z-]+(?: \| [a-z-]+)+)$/;
const shown = all.filter(({ command }) => !LIST.test(command));
const rows = [
  ...RUNS.map((row) => row.shown),
  ...BESIDE,
  ...CLONE.map((row) => row.shown),
  ...ELSEWHERE.map((row) => row.shown),
];

/** Its output, in each place where a document shows one. */
function isAsShown(command: string, { stdout, stderr }: Pick<Finished, 'stdout' | 'stderr'>): void {
  for (const { output, where } of shown.filter((each) => each.command === command && each.output.length > 0)) {
    const difference = differs(output, stdout + stderr);
    assert.ok(difference === null, `${where}: ${command}\n${difference ?? ''}`);
  }
}

claims('commands in the documents', {
  'are many': () =>
    assert.ok(
      shown.length > 100 && new Set(shown.map(({ where }) => where.split(':')[0])).size > 10,
      `${shown.length}`,
    ),
  'stand in blocks ```console; every block names its language': () =>
    assert.equal(
      DOCUMENTS.flatMap((file) => unmarked(file, read(file))),
      [],
    ),
  'have a row in test/docs: on-router.ts, in-clone.ts or elsewhere.ts': () => {
    const without = shown
      .filter(({ command }) => !rows.includes(command))
      .map(({ where, command }) => `${where}: ${command}`);
    assert.equal(without, []);
  },
  'have one row each, and no row is about something that is not shown': () => {
    assert.equal(
      rows.filter((row, index) => rows.indexOf(row) !== index),
      [],
    );
    assert.equal(
      rows.filter((row) => shown.every(({ command }) => command !== row)),
      [],
    );
  },
});

cases(
  'a program has all of',
  all.filter(({ command }) => LIST.test(command)).map((each) => ({ ...each, name: each.command })),
  ({ command }) => {
    const [, program, names = ''] = LIST.exec(command) ?? [];
    for (const name of names.split(' | '))
      assert.match(read('docs/reference.md'), new RegExp(`^### ${program} ${name}$`, 'm'));
  },
);

cases(
  'commands that cannot be run here look right',
  ELSEWHERE.map((row) => ({ ...row, name: row.shown.slice(0, 80) })),
  async ({ check, shown: command }) => void (await check(command)),
);

const network = process.getuid?.() === 0 ? '' : 'needs root, for network namespaces';
if (network !== '') skip('commands in the documents', network);
else {
  await inClone();
  await onRouter();
}

/** `npm start`, in a network of its own, and what is typed beside it. */
async function inClone(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'natpmp-docs-'));
  const holder = spawn('unshare', ['--net', 'sh', '-c', 'ip link set lo up; echo up; exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await new Promise((resume) => holder.stdout.once('data', resume));
  const clone = new Clone(folder, `/proc/${holder.pid}/ns/net`);
  atEnd(() => {
    holder.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });
  // scripts/setup.sh makes it; without it npx would ask the registry.
  if (!existsSync(join(PROJECT, 'node_modules/.bin/natpmp-client')))
    await run('sh', [join(PROJECT, 'scripts/setup.sh'), 'run']);

  const demo = clone.start('node dist/cli/demo.js');
  cases(
    'in a clone, beside npm start',
    CLONE.map((row) => ({ ...row, name: row.shown })),
    async ({ shown: command, as = command, says }) => {
      await demo.says(/^Serving on /m);
      const finished = await clone.run(as);
      assert.is(finished.status, 0, finished.stderr);
      if (says !== undefined) assert.match(finished.stdout, says);
      isAsShown(command, finished);
    },
  );
  claims('npm start', { 'ends with Ctrl-C': async () => assert.is((await demo.end('INT')).status, 0) });
}

async function onRouter(): Promise<void> {
  const router = await Router.open();
  if (router === null) return;
  const nas = new Clone(router.box.lab.folder, router.box.lab.alice.namespace.path);
  const places = { router, nas };
  const carryOut = async ({ shown: command, on, as = command, meanwhile, signal = 'TERM' }: Run): Promise<Finished> => {
    const place = on === 'router' ? router : nas;
    if (meanwhile === undefined) return place.run(as);
    const running = place.start(as);
    await meanwhile(running, places);
    return running.end(signal);
  };
  cases(
    'on a router',
    RUNS.map((row) => ({ ...row, name: row.shown })),
    async (row) => {
      await row.before?.(places);
      const finished = await carryOut(row);
      assert.is(finished.status, row.exit ?? 0, finished.stdout + finished.stderr);
      if (row.says !== undefined) assert.match(finished.stdout, row.says);
      isAsShown(row.shown, finished);
      await row.after?.(places);
    },
  );
  cases(
    'on a router, beside another',
    BESIDE.map((name) => ({ name })),
    ({ name }) => isAsShown(name, { stdout: shownBeside.get(name) ?? 'nothing', stderr: '' }),
  );
}
