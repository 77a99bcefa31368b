// Every file of the corpus, seeds and former findings, is a row.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { cases } from '../support/cases.js';
import { FOLDER, readCorpus, seedComment, toText } from './corpus.js';
import { TARGETS } from './targets.js';

const files = TARGETS.flatMap((target) =>
  readCorpus(target.name).map(({ name, input }) => ({ name: `${target.name}/${name}`, target, input })),
);

cases('every property holds of', files, async ({ target, input }) => {
  await target.run(input);
});

const seeds = TARGETS.flatMap(({ name, seeds: all }) =>
  Object.entries(all).map(([seed, input]) => ({ name: `${name}/seed-${seed}.hex`, target: name, input })),
);

cases('a seed is the file that its target makes', seeds, ({ name, target, input }) => {
  assert.is(readFileSync(join(FOLDER, name), 'utf8'), toText(seedComment(target), input));
});
