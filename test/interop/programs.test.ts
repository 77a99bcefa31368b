// Programs that people run on their LAN, as Debian 12 has them: each maps its port with our gateway and is reached
// through it from outside, also after everything that happens to a router.
import * as assert from 'uvu/assert';
import { cases, skip } from '../support/cases.js';
import { EXTERNAL, openLab, setExternal } from '../lab/lab.js';
import { until } from '../lab/flows.js';
import { Server } from '../lab/server.js';
import { programsRoot } from './debian-program.js';
import { LeaseHistory } from './lease-history.js';
import { PROGRAMS, type Program, type Running } from './programs.js';

/** A program begins at its leisure: Transmission waits 8 s before it maps. */
const START_MS = 40_000;
/** How long the router is without its external address, in milliseconds. */
const WAN_AWAY_MS = 8000;
const OTHER_EXTERNAL = '203.0.113.20';

const root = await programsRoot();
if ('why' in root) skip('programs that ask', root.why);
const lab = 'why' in root ? null : await openLab();

if (!('why' in root) && lab !== null) {
  const server = await Server.start(
    lab,
    PROGRAMS.flatMap(({ flags = [] }) => flags),
  );
  const history = await LeaseHistory.start(server);
  const started = new Map<Program, Promise<Running>>(
    PROGRAMS.map((program) => [program, program.start(lab, root.folder)]),
  );
  // What fails is the row's.
  for (const one of started.values()) one.catch(() => {});
  const running = (program: Program): Promise<Running> => {
    const one = started.get(program);
    if (one === undefined) throw new Error(`${program.name} is not in the table`);
    return one;
  };

  /** What is in force for the program, in the words of Server.mappings. */
  const linesOf = ({ address }: Program) => history.now().filter((line) => line.includes(`-> ${address}:`));
  const withoutExternalPort = (line: string) => line.replace(/ \d+ ->/, ' ->');
  const wanted = ({ maps, address }: Program) =>
    maps.map(({ protocol, internalPort }) => `${protocol} -> ${address}:${internalPort}`).sort();
  const isMapped = (program: Program) =>
    `${linesOf(program).map(withoutExternalPort).sort()}` === `${wanted(program).sort()}`;
  /** The port where it is reached: of its first mapping. */
  const externalPort = (program: Program): number => {
    const [first] = wanted(program);
    const line = linesOf(program).find((each) => withoutExternalPort(each) === first);
    return Number(/ (\d+) ->/.exec(line ?? '')?.[1] ?? 0);
  };
  const greet = async (program: Program, address: string) =>
    (await running(program)).greet(address, externalPort(program));
  const assertGreeted = async (program: Program, said: string) => {
    const greeting = (await running(program)).greeting();
    assert.match(said, greeting, `${program.name} said ${JSON.stringify(said)}, not ${greeting}`);
  };

  /** Have the programs renew that must be told to. */
  const renewAll = () => Promise.allSettled(PROGRAMS.map(async (program) => (await running(program)).renew?.()));
  const assertRenewed = (program: Program, sinceMs: number) =>
    until(
      `${program.name} renews all it has`,
      async () => isMapped(program) && linesOf(program).every((line) => history.wasRenewedSince(line, sinceMs)),
      program.renewsWithinMs,
    );

  cases('maps its port, and no other', PROGRAMS, async (program) => {
    const { log } = await running(program);
    await until(`${program.name} maps:\n${log()}`, async () => isMapped(program), START_MS);
    assert.equal(linesOf(program).map(withoutExternalPort).sort(), wanted(program));
    for (const { externalPort: port } of program.maps) if (port !== null) assert.is(externalPort(program), port);
  });

  cases('is reached from outside', PROGRAMS, async (program) => {
    let said = '';
    await until(
      `${program.name} answers`,
      async () => (await running(program)).greeting().test((said = await greet(program, EXTERNAL))),
      START_MS,
    ).catch(() => assertGreeted(program, said));
  });

  /** Done at its first row, and all programs together. */
  const once = <T>(action: () => Promise<T>): (() => Promise<T>) => {
    let done: Promise<T> | null = null;
    return () => (done ??= action());
  };

  const killed = once(async () => {
    const atMs = performance.now();
    await server.killOne('helper');
    const renewals = renewAll();
    const greetings = await Promise.all(PROGRAMS.map((program) => greet(program, EXTERNAL)));
    await renewals;
    return { atMs, greetings };
  });
  cases('kill -9 of the helper: is reached all the while', PROGRAMS, async (program) => {
    const { atMs, greetings } = await killed();
    await assertGreeted(program, greetings[PROGRAMS.indexOf(program)] ?? '');
    for (const line of linesOf(program)) assert.ok(history.wasKeptSince(line, atMs), line);
  });
  cases('kill -9 of the helper: renews afterwards', PROGRAMS, async (program) => {
    await assertRenewed(program, (await killed()).atMs);
  });

  const reconnected = once(async () => {
    const atMs = performance.now();
    await setExternal(lab, null);
    const renewals = renewAll();
    await new Promise((resolve) => setTimeout(resolve, WAN_AWAY_MS));
    await setExternal(lab, EXTERNAL);
    await renewals;
    return atMs;
  });
  cases('the WAN is away for 8 s: renews, and is reached again', PROGRAMS, async (program) => {
    const atMs = await reconnected();
    await assertRenewed(program, atMs);
    for (const line of linesOf(program)) assert.ok(history.wasKeptSince(line, atMs), line);
    await assertGreeted(program, await greet(program, EXTERNAL));
  });

  const renumbered = once(async () => {
    const atMs = performance.now();
    await setExternal(lab, OTHER_EXTERNAL);
    return atMs;
  });
  cases('another external address: is reached there', PROGRAMS, async (program) => {
    const atMs = await renumbered();
    await assertGreeted(program, await greet(program, OTHER_EXTERNAL));
    for (const line of linesOf(program)) assert.ok(history.wasKeptSince(line, atMs), line);
  });

  const ended = once(async () => {
    const before = new Map(PROGRAMS.map((program) => [program, linesOf(program)]));
    await Promise.all(PROGRAMS.map(async (program) => (await running(program)).stop()));
    return before;
  });
  cases('at exit', PROGRAMS, async (program) => {
    const before = (await ended()).get(program) ?? [];
    assert.equal(before.map(withoutExternalPort).sort(), wanted(program));
    if (program.atExit === 'deleted')
      await until(`${program.name} deletes what it had`, async () => linesOf(program).length === 0);
    else assert.equal(linesOf(program), before);
  });
}
