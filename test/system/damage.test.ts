// A state file damaged while the server was away: it starts, invents nothing, and tells the clients when it lost
// anything.
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { cases } from '../support/cases.js';
import { openLab, ROUTER } from '../lab/lab.js';
import { until } from '../lab/flows.js';
import { Asker } from '../lab/natpmp.js';
import { Server } from '../lab/server.js';

const lab = await openLab();
/** Mapped and deleted again before the damage. */
const DELETED = 'udp 3005 -> 192.168.1.2:3005';
/** Which leases may be lost; `announced`: any, with a new epoch. */
type Loss = 'none' | 'announced' | 'of the newest';

interface Damage {
  readonly name: string;
  readonly loss: Loss;
  readonly damage: () => void;
}

/** How many places of the file are damaged, spread over all of it. */
const PLACES = 8;

if (lab !== null) {
  const asker = await Asker.open(lab.alice, ROUTER);
  const first = await Server.start(lab);
  const { stateDir } = first;
  // A journal with some history: granted, renewed, deleted, and a compaction by a restart in the middle.
  for (let port = 2000; port < 2010; port++) await asker.map('tcp', port, port, 3600);
  await first.stop();
  const second = await Server.start(lab);
  for (let port = 3000; port < 3010; port++) await asker.map('udp', port, port, 3600);
  await asker.map('tcp', 2000, 2000, 7200);
  await asker.unmap('udp', 3005);
  const table = await second.mappings();
  // Old enough that a new epoch is told from one that goes on.
  await until('the epoch is old enough', async () => (await asker.info()).epoch >= 5);
  const { epoch } = await asker.info();
  const keptAtMs = performance.now();
  await second.stop();

  const kept = join(lab.folder, 'kept');
  cpSync(stateDir, kept, { recursive: true });
  const bySize = (a: string, b: string) => statSync(join(kept, b)).size - statSync(join(kept, a)).size;
  const [name = ''] = readdirSync(kept).sort(bySize);
  const journal = join(kept, name);
  const path = join(stateDir, name);
  const size = statSync(journal).size;
  const offsets = Array.from({ length: PLACES }, (_, index) => Math.floor((index * (size - 1)) / (PLACES - 1)));

  const flip = (offset: number) => () => {
    const content = readFileSync(path);
    content[offset] = (content[offset] ?? 0) ^ 0x55;
    writeFileSync(path, content);
  };
  const damages: readonly Damage[] = [
    { name: 'none', loss: 'none', damage: () => {} },
    ...offsets.map((offset) => ({
      name: `octet ${offset} of ${size} changed`,
      loss: 'announced' as const,
      damage: flip(offset),
    })),
    // A file that ends early cannot be told from one whose last write a power failure has torn.
    ...offsets.map((length) => ({
      name: `cut to ${length} of ${size} octets`,
      loss: 'of the newest' as const,
      damage: () => truncateSync(path, length),
    })),
    { name: 'octets behind the end', loss: 'announced', damage: () => appendFileSync(path, Buffer.alloc(100, 0x55)) },
    { name: 'zeros behind the end', loss: 'announced', damage: () => appendFileSync(path, Buffer.alloc(4096)) },
    { name: 'all zeros', loss: 'announced' as const, damage: () => writeFileSync(path, Buffer.alloc(size)) },
    { name: 'a text', loss: 'announced' as const, damage: () => writeFileSync(path, 'not a journal\n') },
    { name: 'gone', loss: 'announced' as const, damage: () => rmSync(path) },
  ];

  cases('D-8 the server starts, and nothing is lost in silence', damages, async ({ loss, damage }) => {
    copyFileSync(journal, path);
    damage();
    const startedMs = performance.now();
    const server = await Server.start(lab);
    try {
      await check(server, loss, startedMs);
    } finally {
      await server.kill();
    }
  });

  async function check(server: Server, loss: Loss, startedMs: number): Promise<void> {
    const found = await server.mappings();
    const known = loss === 'of the newest' ? [...table, DELETED] : table;
    for (const line of found) assert.ok(known.includes(line), `invented: ${line}`);
    const askedMs = performance.now();
    const now = (await asker.info()).epoch;
    const continues = now >= epoch + Math.floor((askedMs - keptAtMs) / 1000) - 2;
    // One that goes on is 5 s older than this at least.
    const isNew = now <= (performance.now() - startedMs) / 1000 + 1;
    assert.ok(continues || isNew, `the epoch is ${now} s, and was ${epoch}`);
    // A client learns of a loss by the epoch and by nothing else.
    const lost = table.filter((line) => !found.includes(line));
    // The table's order is that in which it was made.
    const isTail = loss === 'of the newest' && `${lost}` === `${table.slice(table.length - lost.length)}`;
    if (lost.length > 0)
      assert.ok(loss !== 'none' && (isNew || isTail), `${lost.length} leases lost, epoch ${now} after ${epoch}`);
    const elements = await server.elements();
    assert.equal(
      [elements.in, elements.out, elements.live],
      [found, found, found].map((lines) => [...lines].sort()),
    );
    assert.is((await asker.map('tcp', 4000, 4000, 60)).result, 0);
    await asker.unmap('tcp', 4000);
  }
}
