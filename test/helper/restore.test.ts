import * as assert from 'uvu/assert';
import type { AnyLease, Limits, Now, Replayed } from '../../helper/types.js';
import { restore } from '../../helper/journal/restore.js';
import { cases, claims } from '../support/cases.js';
import { lease, limitsFor, pinhole } from './leases.js';

const limits: Limits = limitsFor({
  allowedPorts: [{ from: 1024, to: 65535 }],
  reservedPorts: [{ from: 7000, to: 7000 }],
  maxMappings: 10,
  maxMappingsPerHost: 10,
  newMappings: { burst: 10, intervalMs: 5000 },
  maxLifetime: 86400,
  maxPinholes: 9,
});
const DAY = 86_400_000;
const BOOTED = 1_700_000_000_000; // wall clock at the first boot
const intact = (leases: AnyLease[], fields: Partial<Extract<Replayed, { kind: 'intact' }>> = {}): Replayed => ({
  kind: 'intact',
  clock: { bootId: 'b1', wallOffsetMs: BOOTED, epochStartMs: 50_000, agedAtMs: 0 },
  leases,
  writtenAtMs: 100_000,
  tornBytes: 0,
  ...fields,
});
const agedBefore = (leases: AnyLease[]) =>
  intact(leases, { clock: { bootId: 'b1', wallOffsetMs: BOOTED, epochStartMs: 50_000, agedAtMs: 100_000 } });
const hour = lease({ expiresAt: 100_000 + 3_600_000 });
const fixed = lease({ internalPort: 22, externalPort: 2222, origin: 'static', lifetime: 0, expiresAt: Infinity });
/** Granted a millisecond after the leases of the boot before were aged. */
const sinceThen = lease({ internalPort: 82, externalPort: 8082, expiresAt: 100_001 + 3_600_000 });
const reservedOne = lease({ internalPort: 70, externalPort: 7000, expiresAt: hour.expiresAt });
const later = (ms: number): Now => ({ bootId: 'b1', boottimeMs: 100_000 + ms, wall: BOOTED + 100_000 + ms });
/** Rebooted: `ms` after the last record by the wall clock, a minute up. */
const rebooted = (ms: number): Now => ({ bootId: 'b2', boottimeMs: 60_000, wall: BOOTED + 100_000 + ms });

const hole = pinhole({ lifetime: 3600, expiresAt: 100_000 + 3_600_000 });
const fixedHole = pinhole({ port: 443, origin: 'static', lifetime: 0, expiresAt: Infinity, nonce: '' });

interface Row {
  name: string;
  replayed: Replayed;
  now: Now;
  limits?: Partial<Limits>;
  want: { leases: AnyLease[]; epochStart: number; agedAt?: number; lost: boolean };
}

cases<Row>(
  'restore',
  [
    {
      name: 'R-85 same boot: leases and epoch go on',
      replayed: intact([hour]),
      now: later(5000),
      want: { leases: [hour], epochStart: 50_000, lost: false },
    },
    {
      name: 'R-85 same boot: what ended meanwhile stays away',
      replayed: intact([hour, fixed]),
      now: later(3_600_000),
      want: { leases: [fixed], epochStart: 50_000, lost: false },
    },
    {
      name: 'pinholes go on with the rest of their time, static ones on any port',
      replayed: intact([hole, fixedHole, hour]),
      now: later(5000),
      want: { leases: [hour, hole, fixedHole], epochStart: 50_000, lost: false },
    },
    {
      name: 'a pinhole that ended meanwhile stays away',
      replayed: intact([hole, fixedHole]),
      now: later(3_600_000),
      want: { leases: [fixedHole], epochStart: 50_000, lost: false },
    },
    {
      name: 'a reboot: pinholes are aged by the wall clock',
      replayed: intact([hole]),
      now: rebooted(1_000_000),
      want: {
        leases: [{ ...hole, expiresAt: 60_000 + 2_600_000 }],
        epochStart: 50_000 - 1_040_000,
        agedAt: 60_000,
        lost: false,
      },
    },
    {
      name: 'a clock that cannot be right: static pinholes stay',
      replayed: intact([hole, fixedHole]),
      now: rebooted(-1),
      want: { leases: [fixedHole], epochStart: 60_000, lost: true },
    },
    {
      name: 'pinholes are off now: their loss is told by a new epoch',
      limits: { maxPinholes: 0 },
      replayed: intact([hole, fixedHole, hour]),
      now: later(5000),
      want: { leases: [hour], epochStart: 105_000, lost: true },
    },
    {
      name: 'a pinhole on a port that is not allowed any more',
      replayed: intact([{ ...hole, port: 443 }]),
      now: later(5000),
      want: { leases: [], epochStart: 105_000, lost: true },
    },
    {
      name: 'a pinhole of an address that cannot have any, as no helper has written it',
      replayed: intact([{ ...fixedHole, address: 'fd000000000000000000000000000002' }]),
      now: later(5000),
      want: { leases: [], epochStart: 105_000, lost: true },
    },
    {
      name: 'same boot: a wall clock set back by a day changes nothing',
      replayed: intact([hour]),
      now: { ...later(5000), wall: BOOTED - DAY },
      want: { leases: [hour], epochStart: 50_000, lost: false },
    },
    {
      name: 'same boot: a wall clock set forward by days changes nothing',
      replayed: intact([hour]),
      now: { ...later(5000), wall: BOOTED + 9 * DAY },
      want: { leases: [hour], epochStart: 50_000, lost: false },
    },
    {
      name: 'a port that is reserved now ends no epoch: its mapping ends by itself (Reconciler.setLimits)',
      replayed: intact([hour, fixed, reservedOne]),
      now: later(5000),
      want: { leases: [fixed, reservedOne, hour], epochStart: 50_000, lost: false },
    },
    {
      name: 'reboot: leases are aged by the wall clock',
      replayed: intact([hour]),
      now: rebooted(600_000),
      want: {
        leases: [{ ...hour, expiresAt: 60_000 + 3_000_000 }],
        epochStart: 60_000 - 650_000,
        agedAt: 60_000,
        lost: false,
      },
    },
    {
      name: 'reboot: what ended meanwhile stays away',
      replayed: intact([hour]),
      now: rebooted(3_600_000),
      want: { leases: [], epochStart: 60_000 - 3_650_000, agedAt: 60_000, lost: false },
    },
    {
      name: 'reboot: a clock behind the last record is not believed',
      replayed: intact([hour, fixed]),
      now: rebooted(-1),
      want: { leases: [fixed], epochStart: 60_000, lost: true },
    },
    {
      name: 'reboot: a clock years ahead is not believed',
      replayed: intact([hour, fixed]),
      now: rebooted(8 * DAY),
      want: { leases: [fixed], epochStart: 60_000, lost: true },
    },
    {
      name: 'same boot: leases of an earlier one, and the wall clock was set ahead while no helper ran',
      replayed: agedBefore([
        hour,
        { ...hour, internalPort: 81, externalPort: 8081, expiresAt: 700_000 },
        sinceThen,
        fixed,
      ]),
      now: { ...later(5000), wall: BOOTED + 105_000 + 600_000 },
      want: {
        leases: [fixed, { ...hour, expiresAt: hour.expiresAt - 600_000 }, sinceThen],
        epochStart: 50_000,
        agedAt: 100_000,
        lost: false,
      },
    },
    {
      name: 'same boot: leases of an earlier one, and the wall clock was set back',
      replayed: agedBefore([hour]),
      now: { ...later(5000), wall: BOOTED - DAY },
      want: { leases: [hour], epochStart: 50_000, agedAt: 100_000, lost: false },
    },
    {
      name: 'never longer than granted',
      replayed: intact([{ ...hour, lifetime: 60 }]),
      now: later(0),
      want: { leases: [{ ...hour, lifetime: 60, expiresAt: 160_000 }], epochStart: 50_000, lost: false },
    },
    {
      name: 'R-83 no state: a new epoch',
      replayed: { kind: 'empty' },
      now: later(0),
      want: { leases: [], epochStart: 100_000, lost: true },
    },
    {
      name: 'R-83 damage: a new epoch',
      replayed: { kind: 'damaged', at: 9 },
      now: later(0),
      want: { leases: [], epochStart: 100_000, lost: true },
    },
    {
      name: 'R-35 a lease outside the limits of now: a new epoch',
      replayed: intact([hour, lease({ ...hour, internalPort: 2, externalPort: 80 })]),
      now: later(0),
      want: { leases: [hour], epochStart: 100_000, lost: true },
    },
    {
      name: 'R-35 an address that no host can have: a new epoch',
      replayed: intact([{ ...hour, internalAddress: 0xe0000001 }]),
      now: later(0),
      want: { leases: [], epochStart: 100_000, lost: true },
    },
  ],
  ({ replayed, now, limits: more = {}, want }) => {
    const { leases, epochStart, agedAt, epochResetReason } = restore(replayed, { ...limits, ...more }, now);
    assert.equal(
      { leases: [...leases.all()], epochStart, agedAt, lost: epochResetReason !== null },
      { agedAt: 0, ...want },
    );
  },
);

claims('why a new epoch begins', {
  'pinholes are off now': () =>
    assert.is(
      restore(intact([hole, fixedHole, hour]), { ...limits, maxPinholes: 0 }, later(5000)).epochResetReason,
      '2 leases are outside the limits now: pinholes are off',
    ),
  'a port that is not allowed any more, and pinholes are on': () =>
    assert.is(
      restore(intact([{ ...hole, port: 443 }]), limits, later(5000)).epochResetReason,
      '1 leases are outside the limits now',
    ),
});
