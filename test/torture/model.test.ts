// What the torture judges by, without a gateway: the model of the mappings, and the epoch.

import * as assert from 'uvu/assert';
import { cases, claims } from '../support/cases.js';
import { Epochs } from './epochs.js';
import { Model } from './model.js';
import { hasChanged } from './table-change.js';

const web = { protocol: 'tcp', address: '192.168.1.2', internalPort: 80 } as const;

const seen = (externalPort: number, lifetime: number, timeLeft: number) => ({
  ...web,
  externalPort,
  lifetime,
  timeLeft,
});

interface ModelRow {
  readonly name: string;
  readonly steps: (model: Model) => void;
  /** Seen at 10 s. */
  readonly there: readonly ReturnType<typeof seen>[];
  readonly verdict: { readonly lost: number; readonly revived: number };
}

const AT = 10_000;

const granted = (model: Model, lifetime: number, copies = 1) => {
  model.asking(web, lifetime, 0);
  model.granted(web, 8080, lifetime, 0, copies, 100);
};

const fine = { lost: 0, revived: 0 };
const lost = { lost: 1, revived: 0 };
const revived = { lost: 0, revived: 1 };

cases<ModelRow>(
  'the model: what was acknowledged, and what may have happened',
  [
    { name: 'granted, and there', steps: (model) => granted(model, 100), there: [seen(8080, 100, 90)], verdict: fine },
    { name: 'granted, and not there', steps: (model) => granted(model, 100), there: [], verdict: lost },
    {
      name: 'granted, and on another port',
      steps: (model) => granted(model, 100),
      there: [seen(8081, 100, 90)],
      verdict: lost,
    },
    {
      name: 'granted, and ends too early',
      steps: (model) => granted(model, 100),
      there: [seen(8080, 100, 50)],
      verdict: lost,
    },
    {
      name: 'granted, and ends too late',
      steps: (model) => granted(model, 100),
      there: [seen(8080, 100, 100)],
      verdict: lost,
    },
    { name: 'its time has run out', steps: (model) => granted(model, 5), there: [], verdict: fine },
    {
      name: 'its time has run out, and it is there',
      steps: (model) => granted(model, 5),
      there: [seen(8080, 5, 1)],
      verdict: revived,
    },
    { name: 'its time is about to run out', steps: (model) => granted(model, 9.95), there: [], verdict: fine },
    {
      name: 'sent twice: it may end later',
      steps: (model) => granted(model, 5, 2),
      there: [seen(8080, 5, 4)],
      verdict: fine,
    },
    {
      name: 'sent twice: once it has ended, the second may get another port',
      steps: (model) => granted(model, 5, 2),
      there: [seen(8081, 5, 4)],
      verdict: fine,
    },
    {
      name: 'sent twice: while it lasts, the second gets the same port',
      steps: (model) => granted(model, 100, 2),
      there: [seen(8081, 100, 90)],
      verdict: lost,
    },
    {
      name: 'renewed, and as before the renewal',
      steps(model) {
        granted(model, 100);
        granted(model, 200);
      },
      there: [seen(8080, 100, 90)],
      verdict: lost,
    },
    {
      name: 'a renewal in doubt: as before',
      steps(model) {
        granted(model, 100);
        model.asking(web, 200, 5000);
      },
      there: [seen(8080, 100, 90)],
      verdict: fine,
    },
    {
      name: 'a renewal in doubt: renewed',
      steps(model) {
        granted(model, 100);
        model.asking(web, 200, 5000);
      },
      there: [seen(8080, 200, 195)],
      verdict: fine,
    },
    {
      name: 'a renewal in doubt, and nothing there',
      steps(model) {
        granted(model, 100);
        model.asking(web, 200, 5000);
      },
      there: [],
      verdict: lost,
    },
    { name: 'a new one in doubt: not there', steps: (model) => model.asking(web, 200, 5000), there: [], verdict: fine },
    {
      name: 'a new one in doubt: on whichever port',
      steps: (model) => model.asking(web, 200, 5000),
      there: [seen(1, 200, 195)],
      verdict: fine,
    },
    {
      name: 'deleted',
      steps(model) {
        granted(model, 100);
        model.deleting(web, 5000);
        model.deleted(web);
      },
      there: [],
      verdict: fine,
    },
    {
      name: 'deleted, and there',
      steps(model) {
        granted(model, 100);
        model.deleting(web, 5000);
        model.deleted(web);
      },
      there: [seen(8080, 100, 90)],
      verdict: revived,
    },
    {
      name: 'a deletion in doubt: there',
      steps(model) {
        granted(model, 100);
        model.deleting(web, 5000);
      },
      there: [seen(8080, 100, 90)],
      verdict: fine,
    },
    {
      name: 'a deletion in doubt: not there',
      steps(model) {
        granted(model, 100);
        model.deleting(web, 5000);
      },
      there: [],
      verdict: fine,
    },
    {
      name: 'all of the host deleted, and there',
      steps(model) {
        granted(model, 100);
        model.deletingAll('tcp', web.address, 5000);
        model.deletedAll('tcp', web.address);
      },
      there: [seen(8080, 100, 90)],
      verdict: revived,
    },
    {
      name: 'all of the other protocol deleted, and not there',
      steps(model) {
        granted(model, 100);
        model.deletingAll('udp', web.address, 5000);
        model.deletedAll('udp', web.address);
      },
      there: [],
      verdict: lost,
    },
    { name: 'never asked for', steps() {}, there: [seen(8080, 100, 90)], verdict: revived },
    {
      name: 'aged by the time the router was off',
      steps(model) {
        granted(model, 100);
        model.pass(60_000);
      },
      there: [seen(8080, 100, 30)],
      verdict: fine,
    },
    {
      name: 'of an earlier boot, whose wall clock is set ahead: it may have ended',
      steps(model) {
        granted(model, 100);
        model.pass(60_000);
        model.setAhead(60_000);
      },
      there: [],
      verdict: fine,
    },
    {
      name: 'of this boot, and the wall clock is set ahead',
      steps(model) {
        granted(model, 100);
        model.setAhead(60_000);
      },
      there: [],
      verdict: lost,
    },
    {
      name: 'ended while the router was off, and there',
      steps(model) {
        granted(model, 100);
        model.pass(200_000);
      },
      there: [seen(8080, 100, 90)],
      verdict: revived,
    },
  ],
  ({ steps, there, verdict }) => {
    const model = new Model();
    steps(model);
    model.settle(AT);
    const judged = model.judge(there, AT, AT + 100);
    assert.equal({ lost: judged.lost.length, revived: judged.revived.length }, verdict);
    const again = model.judge(there, AT, AT + 100);
    assert.equal(again, { lost: [], revived: [] }, 'what was seen is no longer in doubt, and reported once');
  },
);

claims('the model over time', {
  'what was asked a moment ago may yet be carried out, and not for ever': () => {
    for (const [askedAt, isDoubted] of [
      [AT - 1000, true],
      [AT - 5000, false],
    ] as const) {
      const [coming, going] = [new Model(), new Model()];
      coming.asking(web, 200, askedAt);
      going.granted(web, 8080, 200, AT - 9000, 1, AT - 9000);
      going.deleting(web, askedAt);
      for (const model of [coming, going]) model.settle(AT);
      coming.judge([], AT, AT);
      going.judge([seen(8080, 200, 191)], AT, AT);
      assert.is(coming.judge([seen(8080, 200, 200)], AT + 2000, AT + 2000).revived.length, isDoubted ? 0 : 1);
      assert.is(going.judge([], AT + 2000, AT + 2000).lost.length, isDoubted ? 0 : 1);
    }
  },
  'what was seen after a doubt is owed from then on': () => {
    const model = new Model();
    model.asking(web, 200, 5000);
    model.settle(AT);
    model.judge([seen(8080, 200, 195)], AT, AT);
    assert.is(model.owed(AT), 1);
    assert.is(model.judge([], AT, AT).lost.length, 1);
  },
});

claims('the epoch', {
  'goes on': () => {
    const epochs = new Epochs();
    for (const [epoch, at] of [
      [100, 0],
      [101, 1000],
      [160, 61_400],
    ] as const)
      epochs.heard(epoch, at);
    assert.equal(epochs.take(), []);
  },
  'starts again': () => {
    const epochs = new Epochs();
    epochs.heard(100, 0);
    epochs.heard(1, 1000);
    assert.is(epochs.take().length, 1);
  },
  'goes on over a time that this clock did not count': () => {
    const epochs = new Epochs();
    epochs.heard(100, 0);
    epochs.pass(3_600_000);
    epochs.heard(3701, 1000);
    assert.equal(epochs.take(), []);
  },
  'has to be new after a loss of all': () => {
    for (const [epoch, wrong] of [
      [1, 0],
      [100, 1],
    ] as const) {
      const epochs = new Epochs();
      epochs.heard(99, 0);
      epochs.begin();
      epochs.heard(epoch, 1000);
      assert.is(epochs.take().length, wrong);
    }
  },
});

const listed = (externalPort: number, timeLeft: number | null, lifetime = 3600) => ({
  protocol: 'tcp' as const,
  externalPort,
  internalAddress: '192.168.1.2',
  internalPort: 80,
  origin: 'dynamic',
  lifetime,
  timeLeft,
});

cases(
  'a table that changed between two lists, of which the second is two seconds later',
  [
    { name: 'nothing', first: [], second: [], want: false },
    {
      name: 'time went by',
      first: [listed(1, 100), listed(2, null)],
      second: [listed(1, 98), listed(2, null)],
      want: false,
    },
    { name: 'it was rounded otherwise', first: [listed(1, 100)], second: [listed(1, 97)], want: false },
    { name: 'one has ended', first: [listed(1, 4)], second: [], want: false },
    { name: 'one came', first: [], second: [listed(1, 100)], want: true },
    { name: 'one came for a moment', first: [], second: [listed(1, 2, 2)], want: true },
    { name: 'one went', first: [listed(1, 100)], second: [], want: true },
    { name: 'one moved', first: [listed(1, 100)], second: [listed(2, 98)], want: true },
    { name: 'one was renewed', first: [listed(1, 3590)], second: [listed(1, 3600)], want: true },
    { name: 'one was renewed as it was about to end', first: [listed(1, 3)], second: [listed(1, 3600)], want: true },
    { name: 'one was renewed for less', first: [listed(1, 3590)], second: [listed(1, 100, 100)], want: true },
    { name: 'one became static', first: [listed(1, 100)], second: [listed(1, null)], want: true },
    { name: 'one is no longer static', first: [listed(1, null)], second: [listed(1, 100)], want: true },
  ],
  ({ first, second, want }) => {
    assert.is(hasChanged(first, second, 2), want);
  },
);
