// The helper's way of a request: frames from both sockets, well made and not, between expiries, restarts and failures
// of kernel and disk.

import * as fc from 'fast-check';
import type { Request } from '../../../proto/codec.js';
import { encodeRequest } from '../../../proto/client-codec.js';
import { below, INTERESTING, join, just, raw, sequence, u16, u32, u8 } from '../arbitraries.js';
import { REQUESTS } from '../seeds.js';
import type { Target } from '../target.js';
import { Reader } from '../target.js';
import { DENIED_DEVICE, HelperWorld } from '../worlds/helper.js';
import { Crash } from '../worlds/journal.js';

const STEP = {
  FRAME: 0,
  ADD: 1,
  REMOVE: 2,
  REMOVE_HOST: 3,
  SEND: 4,
  ADVANCE: 5,
  LOOK: 6,
  KERNEL: 7,
  FLUSH: 8,
  RESTART: 9,
  DISK: 10,
  WALL: 11,
  LIST: 12,
  OPEN: 13,
  SHUT: 14,
  LIST_PINHOLES: 15,
} as const;
const HOSTS = [
  0xc0a8010a, 0xc0a8010b, 0xc0a8010c, 0xc0a801fe, 0x0a000002, 0xc0a80101, 0xc0a80100, 0xc0a801ff, 0x0a000001,
  0x0a000003, 0, 0xffffffff, 0xc0a80181,
];
const ADDRESSES = [
  '20010db8000000000000000000000002',
  '20010db8000000000000000000000003',
  '3fffffffffffffffffffffffffffffff',
  'fe800000000000000000000000000002',
  '40000000000000000000000000000000',
  '0'.repeat(32),
];
const NONCES = ['000102030405060708090a0b', 'ffffffffffffffffffffffff', ''];
const DEVICES = [0x020000000002, 0x020000000003, DENIED_DEVICE, 0, 2 ** 48 - 1];
const KERNEL = ['refused', 'out-of-sync', 'crash'] as const;

const frame = fc
  .oneof(
    raw(100),
    fc.constantFrom(...REQUESTS).map((one) => encodeRequest(9, one)),
  )
  .map((bytes) => Buffer.concat([Uint8Array.of(STEP.FRAME, bytes.length), bytes]));
const inputs = sequence(
  60,
  { weight: 8, arbitrary: join(just(STEP.ADD), below(HOSTS.length), u8, u16, u16, u32) },
  {
    weight: 3,
    arbitrary: join(
      just(STEP.ADD),
      below(4),
      below(2),
      fc.constantFrom(1, 2, 3, 4, 5).map((port) => Uint8Array.of(0, port)),
      fc
        .constantFrom(...INTERESTING[2].filter((port) => port >= 1024))
        .map((port) => Uint8Array.of(port >> 8, port & 255)),
      just(0, 0, 14, 16),
    ),
  },
  { weight: 2, arbitrary: join(just(STEP.REMOVE), below(HOSTS.length), u8, u16) },
  { weight: 1, arbitrary: join(just(STEP.REMOVE_HOST), below(HOSTS.length), u8) },
  { weight: 1, arbitrary: join(just(STEP.LIST), u32, u16) },
  {
    weight: 8,
    arbitrary: join(
      just(STEP.OPEN),
      below(ADDRESSES.length),
      below(NONCES.length),
      below(DEVICES.length),
      u8,
      u16,
      u32,
    ),
  },
  {
    weight: 3,
    arbitrary: join(just(STEP.OPEN), below(2), below(3), below(3), below(2), just(0x20, 0), just(0, 0, 14, 16)),
  },
  { weight: 3, arbitrary: join(just(STEP.SHUT), below(ADDRESSES.length), below(NONCES.length), u8, u16) },
  { weight: 1, arbitrary: join(just(STEP.LIST_PINHOLES), u32, u16) },
  { weight: 2, arbitrary: frame },
  { weight: 5, arbitrary: join(just(STEP.SEND), u8) },
  { weight: 1, arbitrary: join(just(STEP.ADVANCE), u32) },
  { weight: 2, arbitrary: just(STEP.LOOK) },
  { weight: 1, arbitrary: join(just(STEP.KERNEL), u8) },
  { weight: 1, arbitrary: join(just(STEP.FLUSH), u8) },
  { weight: 1, arbitrary: just(STEP.RESTART) },
  { weight: 1, arbitrary: join(just(STEP.DISK), u8) },
  { weight: 1, arbitrary: join(just(STEP.WALL), u32) },
);

export const helper: Target = {
  name: 'helper',
  inputs,
  words: [
    '01000000501f9000000e10',
    '01000400501f9000000000',
    '0400',
    '0401',
    '0500000e10',
    '06',
    '0801',
    '09',
    '0a00',
    '0a01',
  ].map((word) => Buffer.from(word, 'hex')),
  seeds: {
    mapping: Buffer.from('01000000501f9000000e10040002000000500400', 'hex'),
    quota: Buffer.from(
      ['1000', '1001', '1002', '1003'].map((port) => `010000${port}${port}00000e10`).join('') + '0400',
      'hex',
    ),
    'table-full': Buffer.from(
      [0, 1, 2, 3, 4, 0].map((host) => `010${host}002000${(0x2000 + host).toString(16)}00000e10`).join('') + '0400',
      'hex',
    ),
    static: Buffer.from(
      '01000400501f90000000000401' + '01000000501f9000000e10' + '02000000500400' + '030000' + '0400',
      'hex',
    ),
    crash: Buffer.from('01000000501f9000000e1004000a0101010000501f9100000e10040001010000501f9100000e100400', 'hex'),
    flush: Buffer.from('01000000501f9000000e100400080006080106', 'hex'),
    pinhole: Buffer.from('0d0000000020000000' + '0e10' + '0400' + '0e00000020000400', 'hex'),
    'pinhole-quota': Buffer.from(
      ['2000', '2001', '2002', '2003'].map((port) => `0d00000000${port}00000e10`).join('') + '0400',
      'hex',
    ),
    'pinhole-of-another': Buffer.from('0d0000000020000000' + '0e10' + '0d0001010020000000' + '0e10' + '0400', 'hex'),
    expiry: Buffer.from('01000000501f900000000104000500001388060d', 'hex'),
  },
  run(input) {
    const world = new HelperWorld();
    const waiting: Uint8Array[] = [];
    for (const reader = new Reader(input); !reader.isDone; ) step(world, reader, waiting);
    survive(world, () => world.receive(waiting, 'client'));
  },
};

function step(world: HelperWorld, reader: Reader, waiting: Uint8Array[]): void {
  const request = (one: Request): void => void waiting.push(encodeRequest(1, one));
  const protocol = (flags: number) => ((flags & 1) === 0 ? 'tcp' : 'udp');
  switch (reader.u8() % 16) {
    case STEP.FRAME:
      return void waiting.push(reader.bytes(reader.u8()));
    case STEP.ADD: {
      const [internalAddress, flags, internalPort, externalPort, lifetime] = [
        reader.pick(HOSTS),
        reader.u8(),
        reader.u16(),
        reader.u16(),
        reader.u32(),
      ];
      return request({
        kind: 'add-mapping',
        protocol: protocol(flags),
        internalAddress,
        internalPort,
        externalPort,
        lifetime,
        origin: (flags & 4) === 0 ? 'dynamic' : 'static',
      });
    }
    case STEP.REMOVE:
      return request({
        kind: 'remove-mapping',
        internalAddress: reader.pick(HOSTS),
        protocol: protocol(reader.u8()),
        internalPort: reader.u16(),
      });
    case STEP.REMOVE_HOST:
      return request({
        kind: 'remove-host-mappings',
        internalAddress: reader.pick(HOSTS),
        protocol: protocol(reader.u8()),
      });
    case STEP.LIST:
      return request({ kind: 'list-mappings', after: reader.u32(), limit: reader.u16() });
    case STEP.OPEN: {
      const [address, nonce, hardwareAddress] = [reader.pick(ADDRESSES), reader.pick(NONCES), reader.pick(DEVICES)];
      const [flags, port, lifetime] = [reader.u8(), reader.u16(), reader.u32()];
      const origin = (flags & 4) === 0 ? 'dynamic' : 'static';
      const kind = 'add-pinhole';
      return request({ kind, protocol: protocol(flags), address, port, lifetime, origin, nonce, hardwareAddress });
    }
    case STEP.SHUT: {
      const [address, nonce] = [reader.pick(ADDRESSES), reader.pick(NONCES)];
      return request({ kind: 'remove-pinhole', protocol: protocol(reader.u8()), address, nonce, port: reader.u16() });
    }
    case STEP.LIST_PINHOLES:
      return request({ kind: 'list-pinholes', after: reader.u32(), limit: reader.u16() });
    case STEP.SEND: {
      const role = reader.u8() % 4 === 1 ? 'administrator' : 'client';
      return survive(world, () => world.receive(waiting.splice(0), role));
    }
    case STEP.ADVANCE:
      world.now += reader.u32() % 2_000_000;
      return;
    case STEP.LOOK:
      return survive(world, () => world.look());
    case STEP.KERNEL:
      return world.kernel.failNext(reader.pick(KERNEL));
    case STEP.FLUSH:
      world.isDisturbed = true;
      return world.kernel.flush({ withRuleset: reader.u8() % 4 !== 1 });
    case STEP.RESTART:
      return world.restart();
    case STEP.DISK:
      world.journal.failNext = reader.u8() % 2 === 0 ? 'before' : 'torn';
      return;
    default:
      world.wallSet = reader.u32() - 0x80000000;
  }
}

/** What ends the helper on purpose is followed by its next start. */
function survive(world: HelperWorld, action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof Crash) && (error as Error).message !== 'crash') throw error;
    world.restart();
  }
}
