// A journal as it was written, then damaged: what is recovered was written like that, is what some moment held, and is
// within the limits. Nothing is invented.

import type { AnyLease, Change } from '../../../helper/types.js';
import { replay } from '../../../helper/journal/format.js';
import { restore } from '../../../helper/journal/restore.js';
import type { Lease } from '../../../proto/mapping.js';
import { externalKey } from '../../../proto/mapping.js';
import { below, join, just, sequence, u16, u32, u8 } from '../arbitraries.js';
import { CLOCK } from '../seeds.js';
import { mappingsOf } from '../../support/mappings.js';
import type { Target } from '../target.js';
import { must, Reader } from '../target.js';
import { damage } from '../worlds/damage.js';
import { LIMITS } from '../worlds/helper.js';
import { MemoryJournal } from '../worlds/journal.js';
import { mustBeRestored } from '../worlds/restored.js';

const STEP = { PUT: 0, DROP: 1, CLOCK: 2, END: 3 } as const;
const HOSTS = [0xc0a8010a, 0xc0a8010b, 0x0a000002, 0xc0a80101, 0xc0a8090a];
const steps = sequence(
  12,
  { weight: 4, arbitrary: join(just(STEP.PUT), u8, u8, u16, u32) },
  { weight: 1, arbitrary: join(just(STEP.DROP), u8) },
  { weight: 1, arbitrary: join(just(STEP.CLOCK), u32) },
);
const damages = sequence(4, { weight: 1, arbitrary: join(below(9), u16, u16, u8) });

export const journal: Target = {
  name: 'journal',
  inputs: join(u32, u8, steps, just(STEP.END), damages),
  words: [
    Buffer.from('\xf5NPG', 'latin1'),
    Buffer.from('natpmp-1', 'latin1'),
    Buffer.from('03', 'hex'),
    Buffer.from('0000011f9000000e10', 'hex'),
  ],
  seeds: {
    intact: Buffer.from('00000064' + '00' + '0000001f9000000e10' + '0001011f9100000e10' + '0100' + '03', 'hex'),
    cut: Buffer.from(
      '00000064' + '00' + '0000001f9000000e10' + '0001011f9100000e10' + '03' + '0000600000' + '00',
      'hex',
    ),
    flipped: Buffer.from('00000064' + '00' + '0000001f9000000e10' + '03' + '01002000' + '0001', 'hex'),
    rebooted: Buffer.from('00010000' + '03' + '0000001f9000000e10' + '00020400010000000' + '0' + '03', 'hex'),
  },
  run(input) {
    const reader = new Reader(input);
    const [later, boots] = [reader.u32(), reader.u8()];
    const { file, moments } = write(reader);
    const { bytes, isCut, isChanged } = damage(file.frames, reader);
    const read = replay(bytes);
    must(!isChanged || read.kind === 'damaged', 'a changed byte is noticed', read);
    const now = 1_000_000 + later;
    const restored = restore(read, LIMITS, {
      bootId: (boots & 1) === 0 ? CLOCK.bootId : 'b2',
      boottimeMs: now,
      wall: CLOCK.wallOffsetMs + now + ((boots & 2) === 0 ? 0 : 86_400_000 * (boots - 128)),
    });
    mustBeRestored(restored, read, now);
    if (read.kind !== 'intact') return;
    const known = new Set(file.put.map(text));
    for (const lease of read.leases) must(known.has(text(lease)), 'what is recovered was written so', lease);
    if (isCut)
      must(moments.has(read.leases.map(text).sort().join()), 'what is recovered is what one moment held', read.leases);
    if (restored.epochResetReason === null && (boots & 1) === 0) {
      for (const lease of mappingsOf(read.leases))
        must(
          lease.expiresAt <= now || restored.leases.byEndpoint(lease) !== undefined,
          'nothing is lost without a new epoch',
          lease,
        );
    }
    if (bytes.equals(file.bytesOnDisk()))
      must(
        read.tornBytes === 0 && [...moments].at(-1) === read.leases.map(text).sort().join(),
        'an undamaged journal loses nothing',
      );
  },
};

/** A journal as the helper would write it, and what the table held after each of its frames. */
function write(reader: Reader): { readonly file: MemoryJournal; readonly moments: ReadonlySet<string> } {
  const file = new MemoryJournal();
  const table = new Map<number, Lease>();
  let [now, clock] = [1_000_000, CLOCK];
  const moments = new Set<string>(['']);
  file.rewrite([], clock, now);
  for (let kind = reader.u8() % 4; kind !== STEP.END && !reader.isDone; kind = reader.u8() % 4) {
    now += 1000;
    const isClock = kind === STEP.CLOCK;
    if (isClock) clock = { ...clock, wallOffsetMs: CLOCK.wallOffsetMs + reader.u32() };
    file.append(
      kind === STEP.PUT ? [put(reader, table, now)] : kind === STEP.DROP ? drop(reader, table) : [],
      isClock ? clock : null,
      now,
    );
    const held = [...table.values()].map(text).sort().join();
    moments.delete(held); // the last one is the newest
    moments.add(held);
  }
  return { file, moments };
}

function put(reader: Reader, table: Map<number, Lease>, now: number): Change {
  const [internalAddress, flags, externalPort, lifetime] = [
    reader.pick(HOSTS),
    reader.u8(),
    Math.max(1, reader.u16()),
    reader.u32(),
  ];
  const protocol = (flags & 1) === 0 ? 'tcp' : 'udp';
  const key = externalKey(protocol, externalPort);
  const before = table.get(key);
  const after: Lease = {
    protocol,
    internalAddress,
    internalPort: externalPort,
    externalPort,
    origin: lifetime === 0 ? 'static' : 'dynamic',
    lifetime,
    expiresAt: lifetime === 0 ? Infinity : now + lifetime * 1000,
  };
  table.set(key, after);
  return { before, after };
}

function drop(reader: Reader, table: Map<number, Lease>): readonly Change[] {
  const keys = [...table.keys()];
  const key = keys[reader.u8() % Math.max(1, keys.length)];
  const before = key === undefined ? undefined : table.get(key);
  if (key !== undefined) table.delete(key);
  return before === undefined ? [] : [{ before, after: undefined }];
}

function text(lease: AnyLease): string {
  return JSON.stringify(Object.entries(lease).sort());
}
