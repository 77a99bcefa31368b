// The whole frontend: datagrams of several hosts, one after the other, while the helper comes and goes, answers late or
// refuses, other tools change its table, and time passes.

import * as fc from 'fast-check';
import { REASON } from '../../../proto/codec.js';
import type { Reason } from '../../../proto/codec.js';
import { lease, staticLease } from '../../frontend/support.js';
import { below, join, just, raw, sequence, u16, u32, u8 } from '../arbitraries.js';
import type { Target } from '../target.js';
import { Reader } from '../target.js';
import { ask } from '../worlds/asking.js';
import { GatewayWorld } from '../worlds/gateway.js';
import { HOSTS } from '../worlds/replies.js';

const REASONS = Object.keys(REASON) as readonly Reason[];
const STEP = {
  DATAGRAM: 0,
  MAP: 1,
  ADVANCE: 2,
  CONNECT: 3,
  DISCONNECT: 4,
  ADDRESS: 5,
  END: 6,
  OTHER: 7,
  HOLD: 8,
  RELEASE: 9,
  REFUSE: 10,
  BEHIND: 11,
} as const;

const host = below(HOSTS.length);
const map = join(
  just(STEP.MAP),
  host,
  fc.constantFrom(1, 2).map((op) => Uint8Array.of(op)),
  u16,
  u16,
  u32,
);
const datagram = fc
  .tuple(host, fc.oneof(raw(24), join(just(0), u8), join(u8, u8, raw(70))))
  .map(([from, octets]) => Buffer.concat([Uint8Array.of(STEP.DATAGRAM, from[0] as number, octets.length), octets]));
const steps = sequence(
  60,
  { weight: 8, arbitrary: map },
  { weight: 4, arbitrary: datagram },
  { weight: 2, arbitrary: join(just(STEP.ADVANCE), u16) },
  { weight: 1, arbitrary: just(STEP.CONNECT) },
  { weight: 1, arbitrary: join(just(STEP.DISCONNECT), u8) },
  { weight: 1, arbitrary: join(just(STEP.ADDRESS), u8) },
  { weight: 1, arbitrary: join(just(STEP.END), u8) },
  { weight: 1, arbitrary: join(just(STEP.OTHER), u8, u8, u16, u16) },
  { weight: 1, arbitrary: just(STEP.HOLD) },
  { weight: 1, arbitrary: just(STEP.RELEASE) },
  { weight: 1, arbitrary: join(just(STEP.REFUSE), u8) },
  { weight: 1, arbitrary: just(STEP.BEHIND) },
);

export const gateway: Target = {
  name: 'gateway',
  inputs: join(just(STEP.ADDRESS, 1, STEP.CONNECT), steps),
  words: [
    '00000c0001000000000000000000000e10',
    '01000100501f9000000e10',
    '0100020000000000000000',
    '010101005000501f9000000001',
    '03',
    '0400',
    '0501',
    '08',
    '09',
  ].map((word) => Buffer.from(word, 'hex')),
  seeds: {
    mapping: Buffer.from('05010301000100501f9000000e10' + '0100010050000000000000' + '0000020000', 'hex'),
    quota: Buffer.from(
      '050103' + ['1000', '1001', '1002', '1003'].map((port) => `010001${port}${port}00000e10`).join(''),
      'hex',
    ),
    'quota-in-flight': Buffer.from(
      '05010308' + ['1000', '1001', '1002', '1003'].map((port) => `010001${port}${port}00000e10`).join('') + '09',
      'hex',
    ),
    conflict: Buffer.from('0501030100010050200000000e100101010050200000000e1001000200502000ffffffff', 'hex'),
    'helper-away': Buffer.from('05010301000100501f9000000e10040003020fff01000100501f9000000e10', 'hex'),
    'helper-back': Buffer.from('05010301000100501f9000000e10040001000100501f9000000e1002001e03', 'hex'),
    'in-flight': Buffer.from(
      '0501030801000100501f9000000e1001010100501f9000000e1001000100501f90000000000403' + '09',
      'hex',
    ),
  },
  async run(input) {
    const world = new GatewayWorld();
    for (const reader = new Reader(input); !reader.isDone; ) await step(world, reader);
    await world.finish();
  },
};

async function step(world: GatewayWorld, reader: Reader): Promise<void> {
  switch (reader.u8() % 12) {
    case STEP.DATAGRAM: {
      const source = reader.pick(HOSTS);
      return ask(world, source, reader.bytes(reader.u8()));
    }
    case STEP.MAP: {
      const source = reader.pick(HOSTS);
      const opcode = 1 + ((reader.u8() + 1) % 2);
      return ask(world, source, Buffer.concat([Uint8Array.of(0, opcode, 0, 0), reader.bytes(8)]));
    }
    case STEP.ADVANCE:
      world.clock.advance(reader.u16() * 10);
      return world.settle();
    case STEP.CONNECT:
      return world.isConnected ? undefined : world.connect();
    case STEP.DISCONNECT: {
      const flags = reader.u8();
      if (!world.isConnected) return;
      if ((flags & 2) !== 0) world.helper.epochStart = world.clock.now();
      return world.disconnect((flags & 1) !== 0);
    }
    case STEP.ADDRESS:
      return world.gateway.addressChanged(reader.u8() % 4 === 0 ? null : 0xcb007107);
    case STEP.END:
      return world.end(reader.u8());
    case STEP.OTHER: {
      const mapping = {
        internalAddress: reader.pick(HOSTS.slice(0, 3)),
        protocol: reader.pick(['udp', 'tcp'] as const),
        internalPort: reader.u16(),
        externalPort: reader.u16(),
      };
      return world.grant(mapping.internalPort % 4 === 0 ? staticLease(mapping) : lease(mapping));
    }
    case STEP.HOLD:
      world.isHolding = true;
      return;
    case STEP.RELEASE:
      return world.release();
    case STEP.REFUSE:
      world.refuseNext = reader.pick(REASONS);
      return;
    default:
      return world.fallBehind();
  }
}
