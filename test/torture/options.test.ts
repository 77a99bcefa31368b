// The flags of the torture, the plan of its kills, and its reports.

import * as assert from 'uvu/assert';
import { cases, claims } from '../support/cases.js';
import { planRound } from './kills.js';
import { parseOptions, shares } from './options.js';
import { randomFrom } from './random.js';
import { added, isClean, reportText } from './report.js';

claims('the plan of kills', {
  'is the same for the same seed, and never longer than asked': () => {
    const plan = (seed: number) => {
      const random = randomFrom(seed);
      return Array.from({ length: 50 }, () => planRound(random, 3));
    };
    assert.equal(plan(1), plan(1));
    assert.not.equal(plan(1), plan(2));
    assert.ok(plan(1).every((round) => round.length >= 1 && round.length <= 3));
    assert.equal(
      new Set(
        plan(1)
          .flat()
          .map(({ victim }) => victim),
      ),
      new Set(['helper', 'frontend', 'upnp', 'both', 'all']),
    );
  },
});

cases(
  'flags',
  [
    {
      name: 'none',
      args: [],
      want: { kills: 1000, seed: 5, parts: ['kills', 'faults', 'journal', 'hostile', 'flood'], gateways: 2 },
    },
    {
      name: 'some',
      args: ['--kills', '7', '--seed', '9', '--only', 'journal', '--only', 'kills', '--gateways', '3'],
      want: { kills: 7, seed: 9, parts: ['kills', 'journal'], gateways: 3 },
    },
    { name: 'no kills', args: ['--kills', '0'], want: '--kills 0: 1 to 100000' },
    { name: 'no number', args: ['--seed', 'x'], want: '--seed x: 0 to 4294967295' },
    { name: 'no part', args: ['--only', 'luck'], want: '--only luck: one of kills, faults, journal, hostile, flood' },
  ],
  ({ args, want }) => assert.equal(parseOptions(args, 5), want),
);

claims('reports', {
  'the kills are shared out, each share with a seed of its own': () =>
    assert.equal(shares({ kills: 7, gateways: 3, seed: 0xffffffff, parts: [] }), [
      { kills: 3, seed: 0xffffffff },
      { kills: 2, seed: 0 },
      { kills: 2, seed: 1 },
    ]),
  'add up, and tell what was lost': () => {
    const report = {
      part: 'kills',
      faults: 3,
      acknowledged: 10,
      findings: { lost: [], revived: [], other: [] },
      notes: ['a'],
      seconds: 2,
    };
    const bad = { ...report, findings: { lost: ['x'], revived: [], other: ['y'] }, notes: ['b'], seconds: 5 };
    assert.ok(isClean(report));
    assert.not.ok(isClean(added([report, bad])));
    assert.is(
      reportText(added([report, bad])),
      'kills: faults 6, leases acknowledged 20, lost 1, revived 0, other findings 1, in 5 s\n  a\n  b\n  ' +
        'LOST x\n  WRONG y',
    );
  },
});
