// The whole frontend with PCP: datagrams of several hosts, one after the other, while the helper comes and goes, answers
// late or refuses, other tools change its table, hardware addresses come and go, and time passes.

import * as fc from 'fast-check';
import type { Reason } from '../../../proto/codec.js';
import { REASON } from '../../../proto/codec.js';
import { be, below, join, just, raw, sequence, u16, u32, u8 } from '../arbitraries.js';
import type { Target } from '../target.js';
import { Reader } from '../target.js';
import { HOSTS6, PcpWorld } from '../worlds/pcp.js';

const REASONS = Object.keys(REASON) as readonly Reason[];
const NONCES = ['0102030405060708090a0b0c', 'ffffffffffffffffffffffff'];
const STEP = {
  DATAGRAM: 0,
  MAP: 1,
  ADVANCE: 2,
  CONNECT: 3,
  DISCONNECT: 4,
  DEVICE: 5,
  END: 6,
  OTHER: 7,
  HOLD: 8,
  RELEASE: 9,
  REFUSE: 10,
} as const;

const host = below(HOSTS6.length);
const port = fc.constantFrom(8080, 8081, 8082, 8083, 80, 0).map((number) => be(number, 2));
const map = join(just(STEP.MAP), host, u8, port, u32);
const datagram = fc
  .tuple(host, fc.oneof(raw(40), join(just(2), u8, raw(70))))
  .map(([from, octets]) => Buffer.concat([Uint8Array.of(STEP.DATAGRAM, from[0] as number, octets.length), octets]));
const steps = sequence(
  60,
  { weight: 8, arbitrary: map },
  { weight: 2, arbitrary: datagram },
  { weight: 2, arbitrary: join(just(STEP.ADVANCE), u16) },
  { weight: 1, arbitrary: just(STEP.CONNECT) },
  { weight: 1, arbitrary: join(just(STEP.DISCONNECT), u8) },
  { weight: 1, arbitrary: join(just(STEP.DEVICE), host, u8) },
  { weight: 1, arbitrary: join(just(STEP.END), u8) },
  { weight: 1, arbitrary: join(just(STEP.OTHER), host, u8, port) },
  { weight: 1, arbitrary: just(STEP.HOLD) },
  { weight: 1, arbitrary: just(STEP.RELEASE) },
  { weight: 1, arbitrary: join(just(STEP.REFUSE), u8) },
);

const seed = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

export const pcp: Target = {
  name: 'pcp',
  inputs: join(just(STEP.CONNECT), steps),
  words: ['0100001f9000000e10', '0100011f9200000000', '03', '0400', '050000', '08', '09'].map(seed),
  seeds: {
    pinhole: seed('03 01 00 00 1f90 00000e10 01 00 00 1f90 00000000'),
    quota: seed('03 01 00 00 1f90 00000e10 01 01 00 1f90 00000e10 01 00 00 1f92 00000e10 01 00 00 1f93 00000e10'),
    'other-nonce': seed('03 01 00 00 1f90 00000e10 01 00 01 1f90 00000e10 01 00 01 1f90 00000000'),
    unresolved: seed('03 05 02 00 01 02 00 1f90 00000e10 05 02 09 02 000a'),
    'in-flight': seed('03 08 01 00 00 1f90 00000e10 01 00 00 1f90 00000000 09'),
    'helper-away': seed('03 01 00 00 1f90 00000e10 04 00 01 00 00 1f90 00000e10 03'),
    static: seed('03 07 00 01 1f90 01 00 00 1f90 00000e10 01 00 00 1f90 00000000'),
  },
  async run(input) {
    const world = new PcpWorld();
    for (const reader = new Reader(input); !reader.isDone; ) await step(world, reader);
    await world.finish();
  },
};

/** `how`: bits for the nonce, the protocol, PREFER_FAILURE, the suggested port, the overflow socket. */
function mapRequest(address: string, how: number, wanted: number, lifetime: number): Buffer {
  const number = be(wanted, 2).toString('hex');
  return seed(
    `02010000 ${be(lifetime, 4).toString('hex')} ${address} ${NONCES[how & 1]} ${(how & 2) === 0 ? '06' : '11'} 000000` +
      `${number} ${(how & 8) === 0 ? number : '0000'} ${'0'.repeat(32)} ${(how & 4) === 0 ? '' : '02000000'}`,
  );
}

async function step(world: PcpWorld, reader: Reader): Promise<void> {
  switch (reader.u8() % 11) {
    case STEP.DATAGRAM: {
      const source = reader.pick(HOSTS6);
      return world.ask(source, reader.bytes(reader.u8()), false);
    }
    case STEP.MAP: {
      const source = reader.pick(HOSTS6);
      const how = reader.u8();
      return world.ask(source, mapRequest(source, how, reader.u16(), reader.u32()), (how & 16) !== 0);
    }
    case STEP.ADVANCE:
      world.clock.advance(reader.u16() * 10);
      return world.settle();
    case STEP.CONNECT:
      return world.connect();
    case STEP.DISCONNECT: {
      const flags = reader.u8();
      if ((flags & 2) !== 0) world.helper.epochStart = world.clock.now();
      return world.disconnect((flags & 1) !== 0);
    }
    case STEP.DEVICE: {
      const source = reader.pick(HOSTS6);
      const device = reader.u8();
      if (device === 0) world.devices.delete(source);
      else world.devices.set(source, device);
      return;
    }
    case STEP.END:
      return world.end(reader.u8());
    case STEP.OTHER: {
      const address = reader.pick(HOSTS6.slice(0, 3));
      const origin = reader.pick(['dynamic', 'static'] as const);
      const common = { protocol: 'tcp', address, port: reader.u16(), origin, hardwareAddress: 0 } as const;
      return world.grant(
        origin === 'static'
          ? { ...common, lifetime: 0, expiresAt: Infinity }
          : { ...common, lifetime: 60, expiresAt: 1e9 },
      );
    }
    case STEP.HOLD:
      world.isHolding = true;
      return;
    case STEP.RELEASE:
      return world.release();
    default:
      world.refuseNext = reader.pick(REASONS);
  }
}
