import type { AnyLease, Change, Clock } from '../../helper/types.js';
import { crc32 } from 'node:zlib';
import * as assert from 'uvu/assert';
import { encodeFrame, MAGIC, MAGIC_PINHOLES, replay } from '../../helper/journal/format.js';
import { hex } from '../support/bytes.js';
import { cases, claims } from '../support/cases.js';
import { lease, pinhole } from './leases.js';

const clock: Clock = { bootId: 'b1', wallOffsetMs: 1_700_000_000_000, epochStartMs: -5000, agedAtMs: 77 };
const web = lease({ expiresAt: 10_000 });
const game = lease({ protocol: 'udp', externalPort: 3074, internalPort: 3074 });
const fixed = lease({ internalPort: 22, externalPort: 2222, origin: 'static', lifetime: 0, expiresAt: Infinity });
const put = (after: AnyLease): Change => ({ before: undefined, after });
const drop = (before: AnyLease): Change => ({ before, after: undefined });

const ssh = pinhole({ port: 2222, expiresAt: 10_000 });
const call = pinhole({ protocol: 'udp', nonce: '', hardwareAddress: 0 });
const fixedHole = pinhole({ port: 443, origin: 'static', lifetime: 0, expiresAt: Infinity, nonce: '' });

const frames = [
  encodeFrame([put(web)], clock, 1000),
  encodeFrame([put(game), put(fixed)], null, 2000),
  encodeFrame([put(ssh), drop(web), put(call), put(fixedHole)], null, 3000),
  encodeFrame([drop(call), put({ ...ssh, lifetime: 60 }), drop(fixed)], null, 4000),
];
const file = Buffer.concat([MAGIC_PINHOLES, ...frames]);
const ends = frames.map(
  (_, index) => MAGIC.length + frames.slice(0, index + 1).reduce((sum, frame) => sum + frame.length, 0),
);
const after = [
  [web],
  [web, game, fixed],
  [game, fixed, ssh, call, fixedHole],
  [game, { ...ssh, lifetime: 60 }, fixedHole],
];

claims('the journal', {
  'one frame, byte for byte': () =>
    assert.is(
      hex(encodeFrame([put(web), drop(game)], { bootId: 'b1', wallOffsetMs: 1, epochStartMs: -1, agedAtMs: 2 }, 258)),
      // mark, length, CRC of the group, CRC of the header
      'f54e5047' +
        '28000000' +
        'ccc83e49' +
        'e88853e7' +
        // clock { boot_id "b1", wall_offset_ms 1, epoch_start_ms -1, aged_at_ms 2 }
        '0a0a' +
        '0a026231' +
        '1002' +
        '1801' +
        '2002' +
        // put { key tcp:8080, address, port 80, lifetime 3600, expires_at_ms 10000 }
        '1212' +
        '0890bf18' +
        '108282a0850c' +
        '1850' +
        '20901c' +
        '28904e' +
        // remove udp:3074, written_at_ms 258
        '1a03' +
        '829844' +
        '208202',
    ),
  'one frame with pinholes, byte for byte': () =>
    assert.is(
      hex(encodeFrame([put(ssh), drop(call), put(fixedHole)], null, 258).subarray(16)),
      // written_at_ms 258
      '208202' +
        // put_pinhole { protocol 6, address, port 2222, lifetime 7200, expires_at_ms 10000, nonce, hardware_address }
        '2a32' +
        '0806' +
        '121020010db8000000000000000000000002' +
        '18ae11' +
        '20a038' +
        '28904e' +
        '320c000102030405060708090a0b' +
        '38828080808040' +
        // put_pinhole, static: neither lifetime nor end
        '2a1e' +
        '0806' +
        '121020010db8000000000000000000000002' +
        '18bb03' +
        '38828080808040' +
        // remove_pinhole { protocol 17, address, port 8080 }: what it is found by
        '3217' +
        '0811' +
        '121020010db8000000000000000000000002' +
        '18903f',
    ),
  'a pinhole whose removal an earlier release wrote, with all its fields, is gone': () => {
    // The group of a release that removed it as it was.
    const group = hex(encodeFrame([put(call)], null, 5000).subarray(16)).replace('2a1f', '321f');
    const header = encodeFrame([], null, 5000).subarray(0, 16);
    const removal = Buffer.concat([header, Buffer.from(group, 'hex')]);
    removal.writeUInt32LE(removal.length - 16, 4);
    removal.writeUInt32LE(crc32(removal.subarray(16)), 8);
    removal.writeUInt32LE(crc32(removal.subarray(0, 12)), 12);
    const read = replay(Buffer.concat([MAGIC_PINHOLES, ...frames.slice(0, 3), removal]));
    assert.equal(read.kind === 'intact' && read.leases, [game, fixed, ssh, fixedHole]);
  },
  'appended records are read': () =>
    assert.equal(replay(file), { kind: 'intact', clock, leases: after[3], writtenAtMs: 4000, tornBytes: 0 }),
  'the tool that asked for a lease is kept': () => {
    const frame = encodeFrame([put({ ...web, tool: 1 })], clock, 1);
    assert.ok(hex(frame).includes('28904e3001'), 'behind expires_at_ms');
    const read = replay(Buffer.concat([MAGIC, frame]));
    assert.equal(read.kind === 'intact' && read.leases, [{ ...web, tool: 1 }]);
  },
  'a journal of a release without pinholes is read': () => {
    const earlier = replay(Buffer.concat([MAGIC, frames[0] as Buffer]));
    assert.equal(earlier.kind === 'intact' && earlier.leases, [web]);
  },
  'its start is another one, which a release without pinholes refuses': () =>
    assert.equal([MAGIC, MAGIC_PINHOLES].map(String), ['natpmp-1', 'natpmp-2']),
  'nothing is empty': () => assert.equal(replay(Buffer.alloc(0)), { kind: 'empty' }),
  'a start without a group is damage': () => assert.is(replay(MAGIC).kind, 'damaged'),
  'a first group without a clock is damage': () =>
    assert.is(replay(Buffer.concat([MAGIC, encodeFrame([put(web)], null, 1)])).kind, 'damaged'),
  'a later clock replaces the earlier': () => {
    const set = { ...clock, wallOffsetMs: 5 };
    const read = replay(Buffer.concat([file, encodeFrame([], set, 4000)]));
    assert.equal(read.kind === 'intact' && read.clock, set);
  },
  'a tail of zeros is torn': () => {
    const read = replay(Buffer.concat([file, Buffer.alloc(100)]));
    assert.equal(read.kind === 'intact' && read.tornBytes, 100);
  },
  'a sound frame with a lease that cannot be is damage': () => {
    const impossible = encodeFrame([put({ ...web, internalPort: 0 })], null, 1);
    assert.is(replay(Buffer.concat([file, impossible])).kind, 'damaged');
  },
  'a sound frame with a pinhole that cannot be is damage': () => {
    for (const change of [
      put({ ...ssh, port: 0 }),
      put({ ...ssh, port: 65536 }),
      put({ ...ssh, address: '20010db8' }),
      put({ ...ssh, address: '' }),
      drop({ ...ssh, port: 0 }),
    ])
      assert.is(replay(Buffer.concat([file, encodeFrame([change], null, 1)])).kind, 'damaged');
  },
});

cases(
  'a journal cut at any byte holds the groups that were whole',
  Array.from(file, (_, length) => ({ name: `${length} bytes`, length })),
  ({ length }) => {
    const read = replay(file.subarray(0, length));
    const whole = ends.filter((end) => end <= length).length;
    if (length === 0) assert.is(read.kind, 'empty');
    else if (whole === 0) assert.is(read.kind, 'damaged');
    else assert.equal(read.kind === 'intact' && read.leases, after[whole - 1]);
  },
);

cases(
  'a journal with any byte changed is damaged or loses nothing',
  Array.from(file, (_, at) => ({ name: `byte ${at}`, at })),
  ({ at }) => {
    for (const flip of [0x01, 0x80, 0xff]) {
      const bad = Buffer.from(file);
      bad[at] = (bad[at] as number) ^ flip;
      assert.is(replay(bad).kind, 'damaged');
    }
  },
);
