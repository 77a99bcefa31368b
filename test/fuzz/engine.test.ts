// The engine finds what it is for: code behind comparisons, defects behind that code, and the smallest input that shows
// them.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { encodeRequest } from '../../cli/client/packets.js';
import { seeded } from '../frontend/support.js';
import { bytes, hex } from '../support/bytes.js';
import { cases, claims } from '../support/cases.js';
import { FOLDER, fromText, toText } from './corpus.js';
import { Coverage } from './coverage.js';
import type { Finding } from './explore.js';
import { Explorer } from './explore.js';
import { minimise, signatureOf } from './minimise.js';
import { mutate } from './mutate.js';
import type { Target } from './target.js';
import { must, Reader } from './target.js';
import { wire } from './targets/wire.js';

async function explore(target: Target, most: number) {
  const found: Finding[] = [];
  const coverage = new Coverage();
  let runs = 0;
  const explorer = new Explorer(target, {
    random: seeded(1),
    coverage,
    isOver: () => runs >= most || found.length > 0,
    runs: () => {
      runs++;
    },
    found: (finding) => {
      found.push(finding);
    },
  });
  await explorer.explore(Object.values(target.seeds));
  coverage.close();
  return { found, explorer };
}

interface Row {
  readonly name: string;
  readonly flags: readonly string[];
  readonly status: number;
  readonly says: RegExp;
}

cases<Row>(
  'npm run fuzz',
  [
    {
      name: 'the last line counts',
      flags: ['--seconds', '1', '--target', 'wire', 'groups'],
      status: 0,
      says: /^[1-9][0-9]* executions, 0 findings$/,
    },
    {
      name: 'a file is replayed',
      flags: ['--replay', join(FOLDER, 'wire', 'seed-map.hex')],
      status: 0,
      says: /^1 executions, 0 findings$/,
    },
    {
      name: 'a file that is not there',
      flags: ['--replay', join(FOLDER, 'wire', 'none.hex')],
      status: 2,
      says: /no such file/,
    },
    { name: 'no such target', flags: ['--target', 'nothing'], status: 2, says: /there is no target nothing/ },
    { name: 'no such flag', flags: ['--quickly'], status: 2, says: /unknown option/ },
    { name: 'no time', flags: ['--seconds', '0'], status: 2, says: /whole number/ },
  ],
  ({ flags, status, says }) => {
    const ran = spawnSync(process.execPath, [join(import.meta.dirname, 'run.js'), ...flags], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    assert.match((ran.stdout + ran.stderr).trimEnd().split('\n').at(-1) ?? '', says);
    assert.is(ran.status, status);
  },
);

claims('the engine', {
  'reaches from one runt what the decoder knows': async () => {
    const { found, explorer } = await explore(
      { ...wire, seeds: { runt: bytes('00') }, inputs: fc.constant(bytes('00')) },
      20_000,
    );
    assert.equal(found, []);
    const kinds = explorer.corpus.map((input) =>
      input.length < 2
        ? 'runt'
        : `${input[0] === 0 ? '' : 'other version '}${input[1]! < 3 ? input[1] : input[1]! < 128 ? 'unknown' : 'response'}`,
    );
    for (const kind of ['runt', '0', '1', 'unknown', 'response'])
      assert.ok(kinds.includes(kind), `${kind} of ${kinds}`);
  },
  'shrinks what it finds, and names it once': async () => {
    const { found } = await explore(
      {
        ...wire,
        run(input) {
          wire.run(input);
          const reader = new Reader(input);
          must(reader.u16() !== 1 || reader.u16() === 0, 'a planted property', hex(input));
        },
      },
      50_000,
    );
    assert.equal(
      found.map(({ signature }) => signature),
      ['a planted property'],
    );
    assert.is(found[0]?.input.length, 3);
  },
  'chance is the only thing that makes two explorations differ': () => {
    const made = (seed: number): string[] => {
      const random = seeded(seed);
      return Array.from({ length: 100 }, () =>
        hex(mutate(encodeRequest({ kind: 'external-address' }), bytes('010203'), [bytes('ffff')], random)),
      );
    };
    assert.equal(made(5), made(5));
    assert.not.equal(made(5), made(6));
  },
  'coverage is new once': async () => {
    const coverage = new Coverage();
    wire.run(bytes('00 00'));
    assert.ok(coverage.isNew());
    wire.run(bytes('00 00'));
    assert.ok(coverage.take() > 0);
    wire.run(bytes('00 00'));
    assert.not(coverage.isNew());
    wire.run(bytes('00 01 0000 1ae1 1ae1 00001c20'));
    assert.ok(coverage.take() > 0);
    coverage.close();
  },
  'an input is as small as it gets': async () => {
    const shows = (input: Uint8Array): Promise<boolean> => Promise.resolve(input.includes(7) && input.includes(9));
    assert.equal([...(await minimise(bytes('01 02 03 07 04 05 09 06'), shows, 1000))], [7, 9]);
  },
  'numbers and what was seen do not make another defect': () =>
    assert.is(
      signatureOf(new RangeError('offset 17 is bad: {"a":1}')),
      signatureOf(new RangeError('offset 4 is bad: {"b":2}')),
    ),
  'a file is read as it was written': () => {
    assert.is(hex(fromText(toText('one\ntwo', bytes('00 01 ff')))), '0001ff');
    assert.throws(() => fromText('# x\n0g'), /not hex/);
  },
});
