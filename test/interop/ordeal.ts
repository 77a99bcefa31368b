// What programs go through with our gateway: each maps its port and is reached through it from outside, also after
// everything that happens to a router.

import * as assert from 'uvu/assert';
import { cases } from '../support/cases.js';
import type { Lab } from '../lab/lab.js';
import { until } from '../lab/flows.js';
import type { Server } from '../lab/server.js';
import { LeaseHistory } from './lease-history.js';
import type { Program, Running } from './programs.js';

/** A program begins at its leisure: Transmission waits 8 s before it maps. */
const START_MS = 60_000;
/** How long it is stopped at least, in milliseconds. */
const STOPPED_MS = 3000;
/** How long the router is without its external address, in milliseconds. */
const WAN_AWAY_MS = 8000;

export interface Ordeal {
  readonly lab: Lab;
  /** The folder of the file system with the programs. */
  readonly root: string;
  readonly programs: readonly Program[];
  /** The processes of the gateway that are killed, with the titles of their rows. */
  readonly victims: readonly {
    readonly role: Parameters<Server['killOne']>[0];
    readonly reached: string;
    readonly renews: string;
  }[];
  /** Of the router: the first, and one that it gets later. */
  readonly external: { readonly address: string; readonly later: string };
  /** Give the router this external address, or none. */
  setExternal(address: string | null): Promise<void>;
  start(): Promise<Server>;
  /** The title of the rows in which natpmp-server is stopped, and started again. */
  readonly restart: string;
}

export async function ordeal(given: Ordeal): Promise<void> {
  const { lab, root, programs, victims, external } = given;
  // A bridge has the lowest address of its ports: with each host that joins, those that know the old one might be deaf.
  await lab.ip('link set dev br-lan address 02:00:00:00:01:01');
  let server = await given.start();
  const history = await LeaseHistory.start(server);
  const startedMs = performance.now();
  const started = new Map<Program, Promise<Running>>(programs.map((program) => [program, program.start(lab, root)]));
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
      async () => greeting().test((said = await greet(program, external.address))),
      START_MS,
    ).catch(() => assertGreeted(program, said));
  }

  /** `sinceMs`: when all of them had reason to, so that many that fail take no longer than one. */
  const assertRenewed = async (program: Program, sinceMs: number, withinMs = program.renewsWithinMs) => {
    if (withinMs === null) return;
    const isRenewed = (line: string) => history.wasRenewedSince(line, sinceMs);
    await until(
      `${program.name} renews all it has`,
      async () => isMapped(program) && linesOf(program).every(isRenewed),
      Math.max(0, sinceMs + withinMs - performance.now()),
    );
  };
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
      const results = await Promise.allSettled(programs.map(each));
      return { atMs, results };
    };
    let done: ReturnType<typeof begin> | null = null;
    return async (program: Program): Promise<{ readonly atMs: number; readonly result: T }> => {
      const { atMs, results } = await (done ??= begin());
      const one = results[programs.indexOf(program)];
      if (one?.status !== 'fulfilled') throw one?.reason;
      return { atMs, result: one.value };
    };
  };
  /** Have a program renew that must be told to. Whether it did is judged by what is in force. */
  const renew = async (program: Program) => {
    if (program.renewsWithinMs === null) return;
    const { renew: ask } = await running(program);
    await ask?.().catch(() => {});
  };
  let isBack: Promise<void> = Promise.resolve();
  const takeWanAway = async () => {
    await given.setExternal(null);
    isBack = new Promise((resolve) => setTimeout(resolve, WAN_AWAY_MS)).then(() => given.setExternal(external.address));
  };

  const isQuick = ({ renewsAtSecondsLeft, renewsWithinMs }: Program) =>
    renewsAtSecondsLeft === null && renewsWithinMs !== null;

  cases('maps its port, and no other', programs, async (program) => {
    const { log } = await running(program);
    const leftMs = Math.max(0, startedMs + START_MS - performance.now());
    await until(`${program.name} maps:\n${log()}`, async () => isMapped(program), leftMs);
    for (const { protocol, externalPort: port, internalPort } of program.maps)
      if (port !== null)
        assert.ok(linesOf(program).includes(`${protocol} ${port} -> ${program.address}:${internalPort}`));
  });

  cases('is reached from outside', programs, assertReached);

  for (const { role, reached, renews } of victims) {
    const killed = stage(
      () => server.killOne(role),
      async (program) => {
        const [said] = await Promise.all([greet(program, external.address), renew(program)]);
        return said;
      },
    );
    cases(reached, programs, async (program) => {
      const { atMs, result } = await killed(program);
      await assertGreeted(program, result);
      assertKept(program, atMs);
    });
    cases(renews, programs.filter(isQuick), async (program) => {
      await assertRenewed(program, (await killed(program)).atMs);
    });
  }

  const restarted = stage(
    async () => {
      assert.is(await server.stop(), 0);
      isBack = new Promise((resolve) => setTimeout(resolve, STOPPED_MS)).then(async () => {
        server = await given.start();
      });
    },
    async (program) => {
      await Promise.all([renew(program), isBack]);
    },
  );
  cases(given.restart, programs.filter(isQuick), async (program) => {
    const { atMs } = await restarted(program);
    await assertRenewed(program, atMs);
    assertKept(program, atMs);
    await assertGreeted(program, await greet(program, external.address));
  });

  /** So that the renewals of the slow ones, which are their first ones, fall into what comes. */
  const slowOnesAreDue = async () => {
    const due = programs.map(async (program) => {
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
  cases('the WAN is away for 8 s: renews, and is reached again', programs, async (program) => {
    const { atMs } = await reconnected(program);
    if (program.needsWan !== true) await assertRenewed(program, atMs);
    assertKept(program, atMs);
    await assertGreeted(program, await greet(program, external.address));
  });

  const renumbered = stage(
    () => given.setExternal(external.later),
    (program) => greet(program, external.later),
  );
  cases('another external address: is reached there', programs, async (program) => {
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
  cases('at exit', programs, async (program) => {
    const { result: before } = await ended(program);
    assert.equal(before.map(withoutExternalPort).sort(), wanted(program));
    if (program.atExit === 'deleted')
      await until(`${program.name} deletes what it had`, async () => linesOf(program).length === 0);
    else assert.equal(linesOf(program), before);
  });

  const startedTogether = stage(takeWanAway, async (program) => {
    await Promise.all([(await running(program)).startAgain(), isBack]);
  });
  const patient = programs.filter(({ needsWan }) => needsWan !== true);
  cases('starts while the WAN is away: maps, and is reached when it is back', patient, async (program) => {
    const { atMs } = await startedTogether(program);
    await assertRenewed(program, atMs, WAN_AWAY_MS + START_MS);
    await assertReached(program);
  });
}
