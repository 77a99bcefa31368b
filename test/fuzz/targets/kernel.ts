// The helper's conversation with nf_tables, with a kernel that at times answers wrongly, late, twice, cut short or not
// at all: it says `done` only of what was acknowledged, ends with an error it means, and is right again with an honest
// kernel.

import type { Change } from '../../../helper/types.js';
import * as fc from 'fast-check';
import { elementsOf } from '../../../helper/nft/elements.js';
import { NftKernel, MissingCapability } from '../../../helper/nft/kernel.js';
import type { Lease } from '../../../proto/mapping.js';
import { externalKey } from '../../../proto/mapping.js';
import { hexOfWords } from '../../support/bytes.js';
import { below, join, just, raw, sequence, u8 } from '../arbitraries.js';
import type { Target } from '../target.js';
import { must, Reader, Violation } from '../target.js';
import { Nftables } from '../worlds/nftables.js';
import { NAMES } from '../../lab/ruleset.js';
import { pinhole } from '../../helper/leases.js';

const NOW = 1_000_000;
/** What NftKernel may throw; each ends the process, and the next start repairs. */
const MEANT =
  /^(the kernel did not answer|the kernel broke off a dump|the nftables socket does not answer|the kernel refuses to hold|table nat was changed by someone else|ENOBUFS)/;
const PINHOLE = pinhole({ protocol: 'udp' });
const STEP = { APPLY: 0, REPAIR: 1, EVENTS: 2, FORGET: 3 } as const;

const spoiled = fc
  .tuple(fc.constantFrom(...Object.values(STEP)), u8, raw(24))
  .map(([kind, which, script]) => Buffer.concat([Uint8Array.of(kind, which[0] as number, script.length), script]));

export const kernel: Target = {
  name: 'kernel',
  inputs: sequence(
    20,
    { weight: 3, arbitrary: spoiled },
    { weight: 2, arbitrary: join(below(4), u8, just(0)) },
    {
      weight: 1,
      arbitrary: fc
        .integer({ min: 1, max: 8 })
        .map((times) =>
          Buffer.concat([Uint8Array.of(STEP.REPAIR, 0, 10 + times), Buffer.alloc(10, 9), Buffer.alloc(times, 6)]),
        ),
    },
  ),
  words: ['000100', '010000', '020100', '00010100', '0001020102', '00010106', '00040400000001', '00050c0000'].map(
    (word) => Buffer.from(word, 'hex'),
  ),
  seeds: {
    honest: Buffer.from('010000' + '000100' + '000200' + '000100' + '030100' + '010000', 'hex'),
    enoent: Buffer.from('010000' + '000100' + '0001020102' + '010000', 'hex'),
    interrupted: Buffer.from('00010201020100' + '0c' + '09'.repeat(9) + '060606', 'hex'),
    mute: Buffer.from('010000' + '0001010' + '0' + '010000', 'hex'),
  },
  run(input) {
    const nftables = new Nftables();
    const events = { write() {}, read: () => nftables.read() };
    const kept = new Map<number, Lease>();
    let it = new NftKernel(NAMES, nftables, { write() {}, read: () => null });
    for (const reader = new Reader(input); !reader.isDone; ) {
      const [kind, which] = [reader.u8() % 4, reader.u8()];
      nftables.script = new Reader(reader.bytes(reader.u8()));
      nftables.isHonest = true;
      nftables.writes = 0;
      nftables.acknowledged.clear();
      try {
        step(it, kind, leaseOf(which), kept, nftables);
      } catch (error) {
        if (error instanceof Violation) throw error;
        must(
          error instanceof MissingCapability || MEANT.test((error as Error).message),
          'the helper fails only where it means to',
          String(error),
        );
        while (drain(events));
        nftables.script = null;
        it = new NftKernel(NAMES, nftables, events);
      }
    }
    while (drain(events));
    nftables.script = null;
    nftables.writes = 0;
    const honest = new NftKernel(NAMES, nftables, { write() {}, read: () => null });
    must(honest.repair(kept.values(), () => NOW) !== 'no-ruleset', 'an honest kernel is repaired');
    mustHold(nftables, [...kept.values()]);
  },
};

function step(it: NftKernel, kind: number, lease: Lease, kept: Map<number, Lease>, nftables: Nftables): void {
  const key = externalKey(lease.protocol, lease.externalPort);
  const before = kept.get(key);
  switch (kind) {
    case STEP.APPLY: {
      const change: Change = before === undefined ? { before, after: lease } : { before, after: undefined };
      if (it.apply([change], NOW) !== 'done') return;
      // A removal of what is gone already is done, too.
      must(
        change.after === undefined || nftables.acknowledged.size > 0,
        'done is said only of what the kernel acknowledged',
      );
      if (change.after === undefined) kept.delete(key);
      else kept.set(key, lease);
      return;
    }
    case STEP.REPAIR:
      if (it.repair(kept.values(), () => NOW) !== 'no-ruleset' && nftables.isHonest)
        mustHold(nftables, [...kept.values()]);
      return;
    case STEP.EVENTS:
      return void it.takeForeignChange();
    default:
      it.flushEndedFlows();
      it.flushEarlierFlows(lease);
      it.flushPinholeFlows([PINHOLE]);
  }
}

/** Each element of the leases, no other besides the probe. */
function mustHold(nftables: Nftables, leases: readonly Lease[]): void {
  const wanted = leases
    .flatMap((lease) => elementsOf(lease, NOW).map(({ set, key }) => `${set} ${hexOfWords(key)}`))
    .sort();
  const held = [...nftables.sets]
    .flatMap(([set, elements]) => [...elements.keys()].map((key) => `${set} ${key}`))
    .filter((one) => !one.startsWith('in ff'))
    .sort();
  must(held.join() === wanted.join(), 'after a repair the kernel holds exactly the leases', { held, wanted });
}

function leaseOf(which: number): Lease {
  const port = 8000 + (which & 7);
  return {
    protocol: (which & 8) === 0 ? 'tcp' : 'udp',
    internalAddress: 0xc0a8010a,
    internalPort: port,
    externalPort: port,
    origin: 'dynamic',
    lifetime: 3600,
    expiresAt: NOW + 3_600_000,
  };
}

function drain(socket: { read(): Buffer | null }): boolean {
  try {
    return socket.read() !== null;
  } catch {
    return true;
  }
}
