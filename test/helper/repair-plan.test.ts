import * as assert from 'uvu/assert';
import { addedBy, RepairPlan } from '../../helper/nft/repair-plan.js';
import type { Element, HeldElement } from '../../helper/types.js';
import { elementsOf } from '../../helper/nft/elements.js';
import type { Lease } from '../../proto/mapping.js';
import { externalKey } from '../../proto/mapping.js';
import { hexOfWords } from '../support/bytes.js';
import { cases } from '../support/cases.js';
import { lease } from './leases.js';

const NOW = 1_000_000;
const web = lease();
const fixed = lease({ internalPort: 22, externalPort: 2222, origin: 'static', lifetime: 0, expiresAt: Infinity });
/** As the kernel would report it: `late` milliseconds less than the lease has. */
const held = (of: Lease, late = 0): HeldElement[] =>
  elementsOf(of, NOW).map((element) => ({
    set: element.set,
    externalKey: externalKey(of.protocol, of.externalPort),
    internalAddress: of.internalAddress,
    internalPort: of.internalPort,
    remaining: element.timeout - late,
    copy: () => element,
  }));
const names = (elements: readonly Element[]) => elements.map(({ set, key }) => `${set}:${hexOfWords(key)}`);
const foreign = (...key: number[]): HeldElement => ({
  set: 'in',
  externalKey: -1,
  internalAddress: 0xc0a80102,
  internalPort: 80,
  remaining: 1,
  copy: () => ({ set: 'in', key, data: null, timeout: 1 }),
});
const inKey = 'in:060000001f900000';
const outKey = 'out:06000000c0a8010200500000';
const liveKey = 'live:06000000c0a80102005000001f900000';

const all = [inKey, outKey, liveKey];
const fixedKeys = ['in:0600000008ae0000', 'out:06000000c0a8010200160000', 'live:06000000c0a801020016000008ae0000'];

cases<{ name: string; leases: Lease[]; held: HeldElement[]; want: string[][][] }>(
  'Difference',
  [
    { name: 'nothing on both sides', leases: [], held: [], want: [] },
    { name: 'all as it should be', leases: [web, fixed], held: [...held(web), ...held(fixed)], want: [] },
    { name: 'all missing', leases: [web], held: [], want: [[[], all]] },
    {
      name: 'one set lacks it',
      leases: [web],
      held: held(web).filter(({ set }) => set !== 'out'),
      want: [[[], [outKey]]],
    },
    { name: 'all surplus', leases: [], held: held(web), want: all.map((key) => [[key], []]) },
    {
      name: 'what no lease could be is surplus',
      leases: [web],
      held: [...held(web), foreign(0xff000000 | 0, 0xffff0000 | 0)],
      want: [[['in:ff000000ffff0000'], []]],
    },
    { name: 'a little late is right', leases: [web], held: held(web, 1500), want: [] },
    { name: 'ends at another time: replaced in one step', leases: [web], held: held(web, 1501), want: [[all, all]] },
    {
      name: 'a static one with an end',
      leases: [fixed],
      held: held({ ...fixed, expiresAt: NOW + 1000 }).slice(0, 1),
      want: [[fixedKeys.slice(0, 1), fixedKeys]],
    },
    { name: 'a dynamic one without', leases: [web], held: held({ ...web, expiresAt: Infinity }), want: [[all, all]] },
    {
      name: 'the port leads elsewhere',
      leases: [web],
      held: held(lease({ internalAddress: 0xc0a80109 })),
      want: [
        [[inKey], all],
        [['out:06000000c0a8010900500000'], []],
        [['live:06000000c0a80109005000001f900000'], []],
      ],
    },
    {
      name: 'the port leads to another port of the host',
      leases: [web],
      held: held(lease({ internalPort: 81 })).slice(0, 1),
      want: [[[inKey], all]],
    },
    {
      name: 'what no lease could be, in the place of one',
      leases: [web],
      held: [foreign(0x06000000, 0x1f900000)],
      want: [[[inKey], all]],
    },
  ],
  (row) => {
    const difference = new RepairPlan(row.leases);
    for (const element of row.held) difference.compare(element, NOW);
    assert.equal(
      difference.steps().map((step) => [names(step.remove), names(addedBy(step, NOW))]),
      row.want,
    );
  },
);

cases(
  'Difference: each element is compared with the time at which it was read',
  [
    { name: 'read two seconds later', after: 2000, want: 0 },
    { name: 'read a minute later', after: 60_000, want: 0 },
  ],
  ({ after, want }) => {
    const difference = new RepairPlan([web]);
    for (const element of held(web, after)) difference.compare(element, NOW + after);
    assert.is(difference.steps().length, want);
  },
);
