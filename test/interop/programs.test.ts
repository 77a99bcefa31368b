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
const START_MS = 30_000;
/** How long it is stopped at least, in milliseconds. */
const STOPPED_MS = 3000;
/** How long the router is without its external address, in milliseconds. */
const WAN_AWAY_MS = 8000;
const OTHER_EXTERNAL = '203.0.113.20';

const lab = await openLab();
const root = lab === null ? null : await programsRoot();
if (root !== null && 'why' in root) skip('programs that ask', root.why);

if (lab !== null && root !== null && 'folder' in root) {
  const flags = PROGRAMS.flatMap((program) => program.flags ?? []);
  // A bridge has the lowest address of its ports: with each host that joins, those that know the old one might be deaf.
  await lab.ip('link set dev br-lan address 02:00:00:00:01:01');
  let server = await Server.start(lab, flags);
  const history = await LeaseHistory.start(server);
  const startedMs = performance.now();
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
  /** Again if it hangs up: Transmission does while it still holds another connection of the same address. */
  const greet = async (program: Program, address: string) => {
    let said = '';
    for (let tries = 0; tries < 5 && (said === '' || said === 'closed without an answer'); tries++)
      said = await (await running(program)).greet(address, externalPort(program));
    return said;
  };
  const assertGreeted = async (program: Program, said: string) => {
    const greeting = (await running(program)).greeting();
    assert.match(said, greeting, `${program.name} said ${JSON.stringify(said)}, not ${greeting}`);
  };
  /** A program that has just begun may map before it listens. */
  async function assertReached(program: Program): Promise<void> {
    const { greeting } = await running(program);
    let said = '';
    await until(
      `${program.name} answers`,
      async () => greeting().test((said = await greet(program, EXTERNAL))),
      START_MS,
    ).catch(() => assertGreeted(program, said));
  }

  /** `sinceMs`: when all of them had reason to, so that many that fail take no longer than one. */
  const assertRenewed = (program: Program, sinceMs: number, withinMs = program.renewsWithinMs) =>
    until(
      `${program.name} renews all it has`,
      async () => isMapped(program) && linesOf(program).every((line) => history.wasRenewedSince(line, sinceMs)),
      Math.max(0, sinceMs + withinMs - performance.now()),
    );
  const assertKept = (program: Program, sinceMs: number) => {
    assert.equal(linesOf(program).map(withoutExternalPort).sort(), wanted(program));
    for (const line of linesOf(program)) assert.ok(history.wasKeptSince(line, sinceMs), `${line} was away`);
  };

  /**
   * What befalls the router, once, and what each program does then, all at the same time. `ready`: the moment for it.
   */
  const stage = <T>(
    event: () => Promise<void>,
    each: (program: Program) => Promise<T>,
    ready: () => Promise<void> = async () => {},
  ) => {
    const begin = async () => {
      await ready();
      const atMs = performance.now();
      await event();
      const results = await Promise.allSettled(PROGRAMS.map(each));
      return { atMs, results };
    };
    let done: ReturnType<typeof begin> | null = null;
    return async (program: Program): Promise<{ readonly atMs: number; readonly result: T }> => {
      const { atMs, results } = await (done ??= begin());
      const one = results[PROGRAMS.indexOf(program)];
      if (one?.status !== 'fulfilled') throw one?.reason;
      return { atMs, result: one.value };
    };
  };
  /** Have a program renew that must be told to. Whether it did is judged by what is in force. */
  const renew = async (program: Program) => {
    const { renew: ask } = await running(program);
    await ask?.().catch(() => {});
  };
  let isBack: Promise<void> = Promise.resolve();
  const takeWanAway = async () => {
    await setExternal(lab, null);
    isBack = new Promise((resolve) => setTimeout(resolve, WAN_AWAY_MS)).then(() => setExternal(lab, EXTERNAL));
  };

  cases('maps its port, and no other', PROGRAMS, async (program) => {
    const { log } = await running(program);
    const leftMs = Math.max(0, startedMs + START_MS - performance.now());
    await until(`${program.name} maps:\n${log()}`, async () => isMapped(program), leftMs);
    for (const { externalPort: port } of program.maps) if (port !== null) assert.is(externalPort(program), port);
  });

  cases('is reached from outside', PROGRAMS, assertReached);

  const killed = stage(
    () => server.killOne('helper'),
    async (program) => {
      const [said] = await Promise.all([greet(program, EXTERNAL), renew(program)]);
      return said;
    },
  );
  cases('kill -9 of the helper: is reached all the while', PROGRAMS, async (program) => {
    const { atMs, result } = await killed(program);
    await assertGreeted(program, result);
    assertKept(program, atMs);
  });
  const isQuick = ({ renewsAtSecondsLeft }: Program) => renewsAtSecondsLeft === null;
  cases('kill -9 of the helper: renews', PROGRAMS.filter(isQuick), async (program) => {
    await assertRenewed(program, (await killed(program)).atMs);
  });

  const restarted = stage(
    async () => {
      assert.is(await server.stop(), 0);
      isBack = new Promise((resolve) => setTimeout(resolve, STOPPED_MS)).then(async () => {
        server = await Server.start(lab, flags);
      });
    },
    async (program) => {
      await Promise.all([renew(program), isBack]);
    },
  );
  cases(
    'natpmp-server is stopped, and started again: renews, and is reached',
    PROGRAMS.filter(isQuick),
    async (program) => {
      const { atMs } = await restarted(program);
      await assertRenewed(program, atMs);
      assertKept(program, atMs);
      await assertGreeted(program, await greet(program, EXTERNAL));
    },
  );

  /** So that the renewals of the slow ones, which are their first ones, fall into what comes. */
  const slowOnesAreDue = async () => {
    const due = PROGRAMS.map(async (program) => {
      const { renewsAtSecondsLeft: at } = program;
      if (at === null) return;
      const isDue = (left: number) => left > at + 1 && left < at + 3;
      await until(
        `${program.name} is about to renew`,
        async () => linesOf(program).some((line) => isDue(history.secondsLeft(line))),
        at * 1000,
      );
    });
    await Promise.allSettled(due); // one that has no mapping fails in its own row
  };
  const reconnected = stage(
    takeWanAway,
    async (program) => {
      await Promise.all([renew(program), isBack]);
    },
    slowOnesAreDue,
  );
  cases('the WAN is away for 8 s: renews, and is reached again', PROGRAMS, async (program) => {
    const { atMs } = await reconnected(program);
    await assertRenewed(program, atMs);
    assertKept(program, atMs);
    await assertGreeted(program, await greet(program, EXTERNAL));
  });

  const renumbered = stage(
    () => setExternal(lab, OTHER_EXTERNAL),
    (program) => greet(program, OTHER_EXTERNAL),
  );
  cases('another external address: is reached there', PROGRAMS, async (program) => {
    const { atMs, result } = await renumbered(program);
    await assertGreeted(program, result);
    assertKept(program, atMs);
  });

  const ended = stage(
    async () => {},
    async (program) => {
      const before = linesOf(program);
      await (await running(program)).stop();
      return before;
    },
  );
  cases('at exit', PROGRAMS, async (program) => {
    const { result: before } = await ended(program);
    assert.equal(before.map(withoutExternalPort).sort(), wanted(program));
    if (program.atExit === 'deleted')
      await until(`${program.name} deletes what it had`, async () => linesOf(program).length === 0);
    else assert.equal(linesOf(program), before);
  });

  const startedTogether = stage(takeWanAway, async (program) => {
    await Promise.all([(await running(program)).startAgain(), isBack]);
  });
  cases('starts while the WAN is away: maps, and is reached when it is back', PROGRAMS, async (program) => {
    const { atMs } = await startedTogether(program);
    await assertRenewed(program, atMs, WAN_AWAY_MS + START_MS);
    await assertReached(program);
  });
}
