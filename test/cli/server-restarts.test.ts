// What natpmp-server does after a daemon has ended.

import * as assert from 'uvu/assert';
import { nextAction } from '../../cli/server/supervise.js';
import { cases, claims } from '../support/cases.js';

const crash = { status: 70, upMs: 50, wasReady: false, everReady: true };

const delays = (ends: number): number[] => {
  let failures = 0;
  return Array.from({ length: ends }, () => {
    const verdict = nextAction('frontend', crash, failures);
    if (verdict.kind !== 'restart') throw new Error('a crash is no reason to give up');
    failures = verdict.failures;
    return verdict.delayMs;
  });
};

const restart = (delayMs: number, failures: number, reinstall = false) => ({
  kind: 'restart',
  delayMs,
  failures,
  reinstall,
});

claims('after a daemon has ended', {
  'at once the first time; then the delay doubles from 100 ms to half a second': () =>
    assert.equal(delays(6), [0, 100, 200, 400, 500, 500]),
  'up for ten seconds counts as well again': () => {
    assert.equal(nextAction('frontend', { ...crash, upMs: 10_000, wasReady: true }, 6), restart(0, 1));
  },
  'killed by a signal is a crash': () =>
    assert.equal(nextAction('helper', { ...crash, status: null }, 0), restart(0, 1)),
  'status 0 without being told to is one as well': () =>
    assert.equal(nextAction('helper', { ...crash, status: 0 }, 0), restart(0, 1)),
  'the ruleset is gone: reinstalled at once': () => {
    assert.equal(nextAction('helper', { ...crash, status: 75, wasReady: true }, 3), restart(0, 0, true));
  },
  'gone again before it was ready: not a busy loop': () =>
    assert.equal(nextAction('helper', { ...crash, status: 75 }, 2), restart(200, 3, true)),
  'the frontend has no ruleset to lose': () =>
    assert.equal(nextAction('frontend', { ...crash, status: 75, wasReady: true }, 0), restart(0, 1)),
});

cases(
  'a start that cannot succeed ends the launcher',
  [2, 77, 78].map((status) => ({ name: `status ${status}`, status })),
  ({ status }) => {
    assert.equal(nextAction('helper', { ...crash, status, everReady: false }, 0), { kind: 'give-up', status });
    // A disk that fills up under way is no reason to stop for good.
    assert.equal(nextAction('helper', { ...crash, status }, 0), restart(0, 1));
  },
);

cases(
  'a daemon that cannot even be started',
  [9, 126, 127].map((status) => ({ name: `status ${status}`, status })),
  ({ status }) => {
    assert.equal(nextAction('frontend', { ...crash, status, everReady: false }, 0), { kind: 'give-up', status: 70 });
  },
);
