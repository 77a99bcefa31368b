// The faults that the gateway is put under, one after the other, while clients go on asking.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MASQUERADE } from '../lab/lab.js';
import { until } from '../lab/flows.js';
import { must } from '../support/run.js';
import type { FaultControl } from './fault-control.js';
import type { TorturedGateway } from './tortured-gateway.js';
import type { Call, Does, Rule } from './rules.js';

export interface GatewayWithFaults {
  readonly gateway: TorturedGateway;
  readonly control: FaultControl;
}

export interface FaultRow {
  readonly name: string;
  /** Also in `npm test`. */
  readonly isShort?: boolean;
  /** What the gateway has to say of it. */
  readonly says?: RegExp;
  /** All of it is started again, so there is no answer for a while. */
  readonly isRestart?: boolean;
  /** Put the gateway under the fault, and end the fault. Resolves with how often it struck. */
  run(withFaults: GatewayWithFaults): Promise<number>;
}

const SHORT = { isShort: true } as const;
/** How long a fault that does not end by itself goes on, in milliseconds. */
const LASTING_MS = 700;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A fresh boot has been running for less time than this one: by how much is the same to all. In whole seconds. */
const EARLIER_MS = -60_000;

const pause = (ms: number) =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, ms);
  });
const killHelper = ({ gateway }: GatewayWithFaults) => gateway.server.killOne('helper');

/** What the fault waits for: nothing, or the next start of the helper. */
type Begin = 'now' | 'next-start';

/** Resolves when the rule has struck so many times. */
async function strike({ gateway, control }: GatewayWithFaults, rule: Rule, times: number, begin: Begin): Promise<void> {
  if (begin === 'now') await control.strike([rule], times, async () => {});
  else
    await control.strike([{ ...rule, spares: gateway.server.pid('helper') }], times, () =>
      gateway.server.killOne('helper'),
    );
}

/** Strikes so many times and is over. */
function once(
  call: Call,
  does: Does,
  { times = 1, after = 0, begin = 'now' }: { times?: number; after?: number; begin?: Begin } = {},
): FaultRow['run'] {
  return async (withFaults) => {
    await strike(withFaults, { id: 'once', call, does, after, times }, times, begin);
    withFaults.control.clear();
    return times;
  };
}

/** Goes on until it is taken away; it may strike no more than once if it keeps the helper from starting. */
function lasting(call: Call, does: Does, begin: Begin = 'now'): FaultRow['run'] {
  return async (withFaults) => {
    await strike(withFaults, { id: 'lasting', call, does }, 1, begin);
    await pause(LASTING_MS);
    withFaults.control.clear();
    return withFaults.control.struck();
  };
}

const fail = (code: string): Does => ({ kind: 'fail', code });
const answer = (code: string): Does => ({ kind: 'answer', code });

const DISK: readonly FaultRow[] = [
  { name: 'fdatasync fails once: EIO', says: /--state-dir .*EIO/, run: once('journal-sync', fail('EIO')), ...SHORT },
  {
    name: 'fdatasync fails until the disk is changed: EIO',
    says: /--state-dir .*EIO/,
    run: lasting('journal-sync', fail('EIO')),
  },
  {
    name: 'fdatasync finds the disk full: ENOSPC',
    says: /--state-dir .*ENOSPC/,
    run: once('journal-sync', fail('ENOSPC')),
  },
  {
    name: 'a write finds the disk full: ENOSPC',
    says: /--state-dir .*ENOSPC/,
    run: once('journal-write', fail('ENOSPC')),
  },
  {
    name: 'a write finds the quota used up, for a while: EDQUOT',
    says: /--state-dir .*EDQUOT/,
    run: lasting('journal-write', fail('EDQUOT')),
  },
  { name: 'every write takes one byte', run: once('journal-write', { kind: 'short', bytes: 1 }, { times: 400 }) },
  {
    name: 'five bytes of a frame are written, and then the disk is full',
    says: /--state-dir .*ENOSPC/,
    run: torn,
    ...SHORT,
  },
  {
    name: 'the journal cannot be opened for writing: ENFILE',
    says: /--state-dir .*ENFILE/,
    run: lasting('journal-open', fail('ENFILE'), 'next-start'),
  },
  {
    name: 'the journal cannot be renamed: EIO',
    says: /--state-dir .*EIO/,
    run: once('journal-rename', fail('EIO'), { begin: 'next-start' }),
  },
  {
    name: 'the folder cannot be synced after the rename: EIO',
    says: /--state-dir .*EIO/,
    run: once('folder-sync', fail('EIO'), { begin: 'next-start' }),
  },
  {
    name: 'the journal cannot be read at a start: EIO',
    says: /--state-dir .*EIO/,
    run: lasting('journal-read', fail('EIO'), 'next-start'),
  },
  { name: 'the state directory is read-only, by a mount', says: /--state-dir .*EROFS/, run: readOnly, ...SHORT },
  { name: 'the disk is full, a real one', says: /--state-dir .*ENOSPC/, run: fullDisk, isRestart: true, ...SHORT },
];

const KERNEL: readonly FaultRow[] = [
  ...['EBUSY', 'EEXIST', 'ENOENT'].map(
    (code): FaultRow => ({
      name: `nftables answers a transaction with ${code}`,
      run: once('transaction', answer(code)),
      ...SHORT,
    }),
  ),
  ...['ENOMEM', 'ENOBUFS', 'EINTR'].map(
    (code): FaultRow => ({
      name: `nftables answers a transaction with ${code}`,
      run: once('transaction', answer(code)),
    }),
  ),
  // Not ENOENT: what the kernel says it does not have counts as removed.
  ...['EBUSY', 'EEXIST'].map(
    (code): FaultRow => ({
      name: `nftables answers ten transactions with ${code}`,
      run: once('transaction', answer(code), { times: 10 }),
    }),
  ),
  { name: 'a transaction cannot be sent: ENOBUFS', says: /ENOBUFS/, run: once('transaction', fail('ENOBUFS')) },
  {
    name: 'the answer to a transaction is lost: ENOBUFS',
    says: /ENOBUFS/,
    run: once('reply', fail('ENOBUFS')),
    ...SHORT,
  },
  { name: 'the answer to a transaction is lost: EINTR', says: /EINTR/, run: once('reply', fail('EINTR')) },
  ...['EBUSY', 'EINTR'].map(
    (code, index): FaultRow => ({
      name: `nftables answers with ${code} when a table is asked for`,
      run: once('dump', answer(code), { times: 4, begin: 'next-start' }),
      ...(index === 0 ? SHORT : {}),
    }),
  ),
  {
    name: 'nftables cannot be read at a start, again and again: EBUSY',
    says: /changed by someone else/,
    run: once('dump', answer('EBUSY'), { times: 70, begin: 'next-start' }),
  },
  {
    name: 'a table changes while it is read',
    run: once('reply', { kind: 'interrupt' }, { times: 8, begin: 'next-start' }),
  },
  {
    name: 'a part of a table is lost while it is read: ENOBUFS',
    says: /ENOBUFS/,
    run: once('reply', fail('ENOBUFS'), { after: 4, begin: 'next-start' }),
  },
  { name: 'events are lost: ENOBUFS', run: once('event', fail('ENOBUFS'), { times: 3 }) },
  ...[
    ['flush ruleset', 'flush ruleset'],
    ['flush of a map', 'flush map inet nat NATPMP-in'],
    ['flush of a set', 'flush set inet nat NATPMP-live'],
    ['firewall reload', `flush ruleset; ${MASQUERADE}`],
  ].map(
    ([what = '', script = ''], index): FaultRow => ({
      name: `${what}, between a decision and its transaction`,
      run: disturbed('transaction', script),
      ...(index === 0 ? SHORT : {}),
    }),
  ),
  { name: 'flush ruleset, between a transaction and its answer', run: disturbed('reply', 'flush ruleset') },
  {
    name: 'flush of a map, between a transaction and the journal',
    run: disturbed('journal-write', 'flush map inet nat NATPMP-out'),
  },
  {
    name: 'flush ruleset while a starting helper reads the tables',
    run: disturbed('dump', 'flush ruleset', 'next-start'),
  },
];

const CLOCK: readonly FaultRow[] = [
  { name: 'the wall clock is set three days ahead', run: wallClock(3 * DAY_MS) },
  { name: 'the wall clock is set three days back', run: wallClock(-3 * DAY_MS), ...SHORT },
  { name: 'the wall clock is set a year ahead', run: wallClock(365 * DAY_MS) },
  {
    name: 'a reboot after a minute: new boot, empty kernel',
    run: reboot({ offMs: 60_000 }),
    isRestart: true,
    ...SHORT,
  },
  { name: 'a reboot after half an hour', run: reboot({ offMs: HOUR_MS / 2 }), isRestart: true },
  {
    name: 'a reboot after the clock was set two days ahead',
    run: reboot({ offMs: 60_000, setMs: 2 * DAY_MS }),
    isRestart: true,
    ...SHORT,
  },
  {
    name: 'a reboot with a clock that went back: all is lost, and the epoch says so',
    isRestart: true,
    run: reboot({ offMs: -2 * DAY_MS, announced: true }),
  },
  {
    name: 'a reboot after a month: all is lost, and the epoch says so',
    isRestart: true,
    run: reboot({ offMs: 30 * DAY_MS, announced: true }),
  },
];

export const FAULT_ROWS: readonly FaultRow[] = [...DISK, ...KERNEL, ...CLOCK];

async function torn({ control }: GatewayWithFaults): Promise<number> {
  const rules: Rule[] = [
    { id: 'torn', call: 'journal-write', does: { kind: 'short', bytes: 5 }, times: 1 },
    { id: 'full', call: 'journal-write', does: fail('ENOSPC'), after: 0, times: 1 },
  ];
  await control.strike(rules, 2, async () => {});
  control.clear();
  return 2;
}

/** Run sh in the mount namespace of the gateway, whose mounts end with it. */
function inMounts({ gateway }: GatewayWithFaults, script: string): Promise<string> {
  return must('nsenter', [
    `--mount=/proc/${gateway.server.launcher}/ns/mnt`,
    'sh',
    '-euc',
    script,
    'sh',
    gateway.server.stateDir,
  ]);
}

async function readOnly(withFaults: GatewayWithFaults): Promise<number> {
  await inMounts(withFaults, 'mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"');
  await killHelper(withFaults);
  await said(withFaults, /EROFS/);
  await pause(LASTING_MS);
  await inMounts(withFaults, 'umount "$1"');
  return 1;
}

/** A file system of a few pages. */
async function fullDisk(withFaults: GatewayWithFaults): Promise<number> {
  const { gateway } = withFaults;
  await gateway.check('before the small disk'); // at rest, because the journal is copied
  await inMounts(
    withFaults,
    `
    mkdir "$1.small"; mount -t tmpfs -o size=256k,mode=700 tmpfs "$1.small"
    chown --reference="$1" "$1.small"; cp -a "$1/." "$1.small"; mount --bind "$1.small" "$1"`,
  );
  await killHelper(withFaults);
  await gateway.server.answering();
  gateway.clients.start();
  await inMounts(withFaults, 'dd if=/dev/zero of="$1/filler" bs=4k 2>/dev/null || true');
  await said(withFaults, /ENOSPC/);
  await pause(LASTING_MS);
  await inMounts(withFaults, 'rm "$1/filler"');
  await gateway.server.answering();
  // Back to the disk it was on.
  await gateway.check('on the small disk');
  const journal = readFileSync(gateway.journal);
  await gateway.startAgain(async () => {
    writeFileSync(join(gateway.server.stateDir, 'leases.journal'), journal);
  });
  return 1;
}

async function said({ gateway }: GatewayWithFaults, what: RegExp): Promise<void> {
  await until(`the gateway says ${what}`, async () => what.test(gateway.server.log), 60_000);
}

/** Someone else changes the ruleset at exactly that point of what the helper does. */
function disturbed(call: Call, script: string, begin: Begin = 'now'): FaultRow['run'] {
  return async (withFaults) => {
    await strike(withFaults, { id: 'wait', call, does: { kind: 'wait' }, times: 1 }, 1, begin);
    await withFaults.gateway.lab.nft(script);
    withFaults.control.clear();
    return 1;
  };
}

/** Set it, let the helper notice, die and come back, and set it right. */
function wallClock(ms: number): FaultRow['run'] {
  return async (withFaults) => {
    const { gateway, control } = withFaults;
    for (const [wallMs, aheadMs] of [
      [ms, ms],
      [0, -ms],
    ] as const) {
      gateway.model.setAhead(Math.max(0, aheadMs));
      control.set({ wallMs });
      await gateway.clients.more(30);
      await killHelper(withFaults);
      await gateway.server.answering();
    }
    return 2;
  };
}

/**
 * Everything dies, the kernel forgets, and another boot begins `offMs` later by the wall clock; `setMs`: it was set
 * before.
 */
function reboot({
  offMs,
  setMs = 0,
  announced = false,
}: {
  offMs: number;
  setMs?: number;
  announced?: boolean;
}): FaultRow['run'] {
  return async ({ gateway, control }) => {
    if (setMs !== 0) {
      gateway.model.setAhead(setMs);
      control.set({ wallMs: setMs });
      await gateway.clients.more(30); // one of these brings the news to the journal
    }
    await gateway.check('before the reboot');
    gateway.bootMs += EARLIER_MS;
    await gateway.startAgain(async () => {
      control.boot(`boot-${gateway.bootMs}`, gateway.bootMs, setMs + offMs);
      await gateway.lab.nft(`flush ruleset; ${MASQUERADE}`);
    });
    if (announced) {
      gateway.model.forget();
      gateway.epochs.begin();
    } else {
      gateway.model.pass(offMs);
      gateway.epochs.pass(offMs);
    }
    await gateway.check('after the reboot');
    // The next boot has the right time again; that is a clock set while running, and no reboot.
    control.set({ wallMs: 0 });
    return 1;
  };
}
