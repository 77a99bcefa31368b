import * as assert from 'uvu/assert';
import { isPassing, isPortRefused } from '../../caller/waiting.js';
import { outcome } from '../../frontend/outcome.js';
import type { MapRequest, MappingResult } from '../../frontend/wire.js';
import type { Answer } from '../../proto/client.js';
import type { Reason } from '../../proto/codec.js';
import { REASON } from '../../proto/codec.js';
import { cases, claims } from '../support/cases.js';
import { STATUS } from './model-helper.js';
import { lease, staticLease } from './support.js';

const add: MapRequest = {
  kind: 'map',
  protocol: 'udp',
  internalPort: 5000,
  suggestedExternalPort: 6000,
  lifetime: 600,
};
const remove: MapRequest = { ...add, lifetime: 0 };
const failed = (result: MappingResult['result']): MappingResult => ({ result, externalPort: 0, lifetime: 0 });
const granted = (lifetime: number): Answer => ({ kind: 'granted', lease: lease({ externalPort: 7000 }, { lifetime }) });

cases<{ name: string; asked: MapRequest; answer: Answer; want: MappingResult | null }>(
  'outcome',
  [
    { name: 'R-40 granted', asked: add, answer: granted(600), want: { result: 0, externalPort: 7000, lifetime: 600 } },
    {
      name: 'R-54 granted for less',
      asked: add,
      answer: granted(300),
      want: { result: 0, externalPort: 7000, lifetime: 300 },
    },
    {
      name: 'R-55 never longer than asked',
      asked: add,
      answer: granted(900),
      want: { result: 0, externalPort: 7000, lifetime: 600 },
    },
    {
      name: 'R-52 static',
      asked: add,
      answer: { kind: 'granted', lease: staticLease({ externalPort: 80 }) },
      want: { result: 0, externalPort: 80, lifetime: 600 },
    },
    {
      name: 'R-52 static, asked for longer than the ceiling',
      asked: { ...add, lifetime: 100_000 },
      answer: { kind: 'granted', lease: staticLease({ externalPort: 80 }) },
      want: { result: 0, externalPort: 80, lifetime: 86400 },
    },
    { name: 'R-70 removed', asked: remove, answer: { kind: 'removed', count: 1 }, want: failed(0) },
    { name: 'R-71 there was nothing to remove', asked: remove, answer: { kind: 'removed', count: 0 }, want: failed(0) },
    {
      name: 'R-80 all removed',
      asked: remove,
      answer: { kind: 'host-mappings-removed', count: 2, kept: 0 },
      want: failed(0),
    },
    {
      name: 'R-80 there were none',
      asked: remove,
      answer: { kind: 'host-mappings-removed', count: 0, kept: 0 },
      want: failed(0),
    },
    {
      name: 'R-79 some could not be',
      asked: remove,
      answer: { kind: 'host-mappings-removed', count: 2, kept: 1 },
      want: failed(2),
    },
    { name: 'R-74 a static one', asked: remove, answer: { kind: 'refused', reason: 'not-permitted' }, want: failed(2) },
    { name: 'R-16 no helper: silence', asked: add, answer: { kind: 'unavailable' }, want: null },
    { name: 'R-16 no helper for a deletion: silence', asked: remove, answer: { kind: 'unavailable' }, want: null },
    { name: '§3.5 granted, to a deletion', asked: remove, answer: granted(600), want: failed(3) },
    { name: '§3.5 removed, to a request', asked: add, answer: { kind: 'removed', count: 1 }, want: failed(3) },
    {
      name: '§3.5 all removed, to a request',
      asked: add,
      answer: { kind: 'host-mappings-removed', count: 1, kept: 0 },
      want: failed(3),
    },
    { name: '§3.5 a list', asked: add, answer: { kind: 'mapping-list', leases: [], next: 0 }, want: failed(3) },
    { name: '§3.5 watching', asked: add, answer: { kind: 'watching', status: STATUS }, want: failed(3) },
    { name: '§3.5 a status', asked: remove, answer: { kind: 'status-report', status: STATUS }, want: failed(3) },
  ],
  ({ asked, answer, want }) => assert.equal(outcome(asked, answer, 86400), want),
);

interface Refusals {
  readonly name: string;
  /** Null for silence. */
  readonly result: MappingResult['result'] | null;
  readonly reasons: readonly Reason[];
  /** Another external port is tried before the client hears of it. */
  readonly triesAnother?: readonly Reason[];
  /** The helper is asked again before the client hears of it. */
  readonly asksAgain?: readonly Reason[];
}

const REFUSALS: readonly Refusals[] = [
  {
    name: '§3.5 not authorized: this host may never have it',
    result: 2,
    reasons: ['not-permitted', 'address', 'port', 'lifetime'],
    triesAnother: ['port'],
  },
  {
    name: '§3.5 network failure: nothing that the client could do about it',
    result: 3,
    reasons: ['malformed', 'kernel', 'too-many-watchers', 'nonce'],
    asksAgain: ['kernel'],
  },
  { name: '§3.1 silence: it passes', result: null, reasons: ['late', 'rate'], asksAgain: ['late'] },
  {
    name: '§3.5 out of resources: there may be room later',
    result: 4,
    reasons: ['conflict', 'host-full', 'table-full'],
    triesAnother: ['conflict'],
  },
];

cases(
  'a refusal of the helper: what the client hears',
  REFUSALS,
  ({ result, reasons, triesAnother = [], asksAgain = [] }) => {
    for (const reason of reasons) {
      const want = result === null ? null : failed(result);
      assert.equal(outcome(add, { kind: 'refused', reason }, 86400), want, reason);
      assert.equal(outcome(remove, { kind: 'refused', reason }, 86400), want, `${reason}, of a deletion`);
      assert.is(isPassing({ kind: 'refused', reason }), asksAgain.includes(reason), reason);
      //
      assert.is(isPortRefused({ kind: 'refused', reason }), triesAnother.includes(reason), reason);
    }
  },
);

cases(
  'isPassing',
  [
    { name: 'no helper', answer: { kind: 'unavailable' }, want: true },
    { name: 'granted', answer: granted(600), want: false },
    { name: 'removed', answer: { kind: 'removed', count: 0 }, want: false },
  ] as const,
  ({ answer, want }) => assert.is(isPassing(answer), want),
);

claims('the reasons of a refusal', {
  'each is in one row above': () =>
    assert.equal(REFUSALS.flatMap(({ reasons }) => reasons).sort(), Object.keys(REASON).sort()),
});
