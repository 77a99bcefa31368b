// A journal that a real helper wrote, cut at every byte and flipped at every bit: read in this process, and, for some
// of them, by a real helper that starts with it.

import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { replay } from '../../helper/journal/format.js';
import { ALICE6, onLan, openDualStackLab, ROUTER6_LOCAL } from '../lab/ipv6.js';
import { ROUTER } from '../lab/lab.js';
import type { Lab } from '../lab/lab.js';
import { Asker, type Protocol } from '../lab/natpmp.js';
import { pinholesOf } from '../lab/nft-elements.js';
import { PcpClient } from '../lab/pcp.js';
import { type Listed, Server } from '../lab/server.js';
import { heldLine, isPinhole, listedLine } from './lines.js';
import type { Random } from './random.js';
import { between, randomFrom } from './random.js';
import type { Findings, Report } from './report.js';

export interface JournalOptions {
  /** How many requests the journal is made of. */
  readonly requests: number;
  /** Of how many cuts, and of how many flips, a real helper starts. */
  readonly starts: number;
  readonly seed: number;
  say(what: string): void;
}

/** The table after one acknowledgement, and how long the journal was then. */
interface State {
  readonly bytes: number;
  readonly table: ReadonlySet<string>;
}

const FLAGS = ['--pinholes'];
const MAGIC_BYTES = 8;
const LIFETIME = 3600;
const PORTS = { from: 6000, to: 6015 } as const;

/** Null if there can be no lab. */
export async function runJournal({ requests, starts, seed, say }: JournalOptions): Promise<Report | null> {
  const beganAt = performance.now();
  const lab = await openDualStackLab();
  if (lab === null) return null;
  const random = randomFrom(seed);
  const findings: Findings = { lost: [], revived: [], other: [] };

  say(`a journal of ${requests} requests`);
  const { path, states, acknowledged } = await write(lab, requests, random);
  const whole = readFileSync(path);
  if (states.at(-1)?.bytes !== whole.length)
    findings.other.push(`the journal has ${whole.length} bytes, and not ${states.at(-1)?.bytes}`);

  say(`${whole.length} bytes: a cut at each, and a flip of each bit`);
  for (let length = 0; length <= whole.length; length++) {
    compare(`cut to ${length} bytes`, readTable(whole.subarray(0, length)), stateAt(states, length), findings);
  }
  const flipped = Buffer.from(whole);
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const at = bit >>> 3;
    flipped[at] = (flipped[at] as number) ^ (1 << (bit & 7));
    const table = readTable(flipped);
    // Damage makes a new epoch; whatever is read as sound has to be all of it.
    if (table !== 'damaged') compare(`bit ${bit} changed`, table, stateAt(states, whole.length), findings);
    flipped[at] = whole[at] as number;
  }

  say(`${2 * starts} starts`);
  for (let start = 0; start < starts; start++) {
    const length = between(random, 1, whole.length);
    writeFileSync(path, whole.subarray(0, length));
    await startWith(lab, `a start with ${length} bytes of it`, stateAt(states, length), findings);
    const bit = between(random, 0, whole.length * 8 - 1);
    flipped[bit >>> 3] = (flipped[bit >>> 3] as number) ^ (1 << (bit & 7));
    writeFileSync(path, flipped);
    whole.copy(flipped);
    await startWith(lab, `a start with bit ${bit} of it changed`, 'damaged', findings);
  }
  return {
    part: 'journal',
    faults: whole.length * 9 + 1 + 2 * starts,
    acknowledged,
    findings,
    seconds: (performance.now() - beganAt) / 1000,
    notes: [
      `seed ${seed}: ${whole.length + 1} cuts and ${whole.length * 8} flips read, ` +
        `${starts} of each by a helper that starts`,
    ],
  };
}

async function write(
  lab: Lab,
  requests: number,
  random: Random,
): Promise<{ path: string; states: State[]; acknowledged: number }> {
  const server = await Server.start(lab, FLAGS);
  const path = join(server.stateDir, 'leases.journal');
  const asker = await Asker.open(lab.alice, ROUTER);
  const pcp = await PcpClient.open(lab.alice, ALICE6, onLan(ROUTER6_LOCAL));
  const table = new Map<string, string>();
  const states: State[] = [];
  const note = () => states.push({ bytes: statSync(path).size, table: new Set(table.values()) });
  let acknowledged = 0;
  note();
  for (let done = 0; done < requests; done++) {
    const protocol = random() < 0.5 ? 'tcp' : 'udp';
    const port = between(random, PORTS.from, PORTS.to);
    const lifetime = LIFETIME + done;
    const isForPinhole = random() < 0.4;
    const key = `${isForPinhole ? 'pinhole' : 'mapping'} ${protocol} ${port}`;
    if (random() < 0.7) {
      const { result, line } = isForPinhole
        ? await openPinhole(pcp, protocol, port, lifetime)
        : await map(asker, protocol, port, lifetime);
      if (result !== 0) throw new Error(`result ${result} to the request for ${key}`);
      table.set(key, `${line}, ${lifetime} s`);
      acknowledged++;
    } else {
      await (isForPinhole ? pcp.unmap(port, { protocol }) : asker.unmap(protocol, port));
      table.delete(key);
    }
    note();
  }
  asker.udp.close();
  pcp.close();
  await server.kill();
  return { path, states, acknowledged };
}

async function map(asker: Asker, protocol: Protocol, port: number, lifetime: number) {
  const { result, externalPort } = await asker.map(protocol, port, port, lifetime);
  return { result, line: `${protocol} ${externalPort} -> ${asker.udp.address}:${port}` };
}

async function openPinhole(client: PcpClient, protocol: Protocol, port: number, lifetime: number) {
  const { result } = await client.map(port, { protocol, lifetime });
  return { result, line: `${protocol} [${client.address}]:${port}` };
}

/** What a file of the first bytes must hold: the state after the last acknowledgement that lies in them as a whole. */
function stateAt(states: readonly State[], length: number): ReadonlySet<string> | 'damaged' | 'empty' {
  if (length === 0) return 'empty';
  const last = states.findLast(({ bytes }) => bytes <= length);
  // Shorter than a journal of an empty table: renamed into place as a whole, it cannot be torn.
  return last === undefined || length < MAGIC_BYTES ? 'damaged' : last.table;
}

function readTable(file: Buffer): ReadonlySet<string> | 'damaged' | 'empty' {
  const read = replay(file);
  if (read.kind !== 'intact') return read.kind;
  return new Set(read.leases.map((lease) => `${heldLine(lease)}, ${lease.lifetime} s`));
}

type Table = ReturnType<typeof readTable>;

function compare(what: string, found: Table, expected: Table, { lost, revived, other }: Findings): void {
  if (typeof found === 'string' || typeof expected === 'string') {
    if (found !== expected) other.push(`${what}: read as ${wordOf(found)}, and not as ${wordOf(expected)}`);
    return;
  }
  for (const line of expected) if (!found.has(line)) lost.push(`${what}: ${line}`);
  for (const line of found) if (!expected.has(line)) revived.push(`${what}: ${line}`);
}

function wordOf(table: Table): string {
  return typeof table === 'string' ? table : `a table of ${table.size}`;
}

async function startWith(lab: Lab, what: string, expected: Table, findings: Findings): Promise<void> {
  const server = await Server.start(lab, FLAGS);
  const listed = await server.list();
  const found = new Set(listed.map((each) => `${listedLine(each)}, ${each.lifetime} s`));
  compare(what, found, typeof expected === 'string' ? new Set() : expected, findings);
  const { in: inbound, out, live } = await server.elements();
  const pinholes = [...pinholesOf(await server.ruleset()).keys()].sort();
  const linesOf = (some: readonly Listed[]) => some.map(listedLine).sort();
  const mapped = linesOf(listed.filter((each) => !isPinhole(each)));
  for (const [name, set, lines] of [
    ['in', inbound, mapped],
    ['out', out, mapped],
    ['live', live, mapped],
    ['pinholes', pinholes, linesOf(listed.filter(isPinhole))],
  ] as const) {
    if (`${set}` !== `${lines}`)
      findings.other.push(`${what}: kernel set ${name} holds ${set.length} elements, the table ${lines.length}`);
  }
  const asker = await Asker.open(lab.alice, ROUTER);
  const { epoch } = await asker.info();
  // Nothing is lost in silence: an epoch that goes on is older than this.
  if (expected === 'damaged' && epoch > 3)
    findings.other.push(`${what}: all is lost, and the epoch goes on at ${epoch} s`);
  asker.udp.close();
  await server.kill();
}
