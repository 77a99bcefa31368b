// Supervision with real children: small shell scripts in place of the daemons.
import { spawn } from 'node:child_process';
import { pino } from 'pino';
import * as assert from 'uvu/assert';
import { Failure } from '../../cli/host/failure.js';
import type { DaemonSpec, SupervisorDeps } from '../../cli/server/supervise.js';
import { supervise } from '../../cli/server/supervise.js';
import { claims } from '../support/cases.js';

interface Script extends DaemonSpec {
  readonly pids: number[];
}

/** A daemon whose runs are these scripts, the last one again and again; fd 3 is its notify pipe. */
function daemon(role: DaemonSpec['role'], ...scripts: readonly string[]): Script {
  const pids: number[] = [];
  return {
    role,
    pids,
    start() {
      const script = scripts[Math.min(pids.length, scripts.length - 1)] ?? '';
      const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] });
      pids.push(child.pid ?? 0);
      return { child, notify: child.stdio[3] as NodeJS.ReadableStream, endAll: async () => {} };
    },
  };
}

const READY = 'echo READY=1 >&3;';
const LIVE = `${READY} exec sleep 60`;

function world(change: Partial<SupervisorDeps> = {}): SupervisorDeps {
  return {
    log: pino({ enabled: false }),
    nowMs: () => performance.now(),
    watchdogMs: 60_000,
    reinstallRuleset: async () => {},
    ...change,
  };
}

function isAlive(pid: number | undefined): boolean {
  try {
    return process.kill(pid ?? 0, 0);
  } catch {
    return false;
  }
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const end = performance.now() + 10_000; !holds(); await new Promise((resolve) => setTimeout(resolve, 5))) {
    if (performance.now() > end) throw new Error(`never happened: ${what}`);
  }
}

claims('supervise', {
  'a start that fails is tried again': async () => {
    const helper = daemon('helper', LIVE);
    let failures = 0;
    const start = (): ReturnType<DaemonSpec['start']> => {
      if (failures++ < 2) throw new Error('spawn ENOMEM');
      return helper.start();
    };
    const running = supervise([{ role: 'helper', start }], world());
    await running.ready;
    await running.stop();
    assert.is(failures, 3);
  },
  'nothing is left of a run before the next one starts': async () => {
    const steps: string[] = [];
    const helper = daemon('helper', `${READY} exit 1`, LIVE);
    const start = (): ReturnType<DaemonSpec['start']> => {
      steps.push('start');
      const started = helper.start();
      const endAll = async (): Promise<void> => {
        await new Promise((resolve) => setImmediate(resolve));
        if (steps.at(-1) !== 'gone') steps.push('gone');
      };
      return { ...started, endAll };
    };
    const running = supervise([{ role: 'helper', start }], world());
    await until('a second run', () => steps.length === 3);
    await running.stop();
    assert.equal(steps, ['start', 'gone', 'start', 'gone']);
  },
  'a process that holds the pipes of a daemon that has ended does not keep it from starting again': async () => {
    const helper = daemon('helper', `${READY} sleep 20 & exit 1`, LIVE);
    const running = supervise([helper], world());
    await until('a second run', () => helper.pids.length === 2);
    await running.stop();
  },
  'ready when both are, and stopped when told': async () => {
    const [helper, frontend] = [daemon('helper', LIVE), daemon('frontend', LIVE)];
    const running = supervise([helper, frontend], world());
    await running.ready;
    await running.stop();
    assert.equal([...helper.pids, ...frontend.pids].map(isAlive), [false, false]);
  },
  'one that dies is started again, the other is left alone': async () => {
    const [helper, frontend] = [daemon('helper', LIVE), daemon('frontend', LIVE)];
    const running = supervise([helper, frontend], world());
    await running.ready;
    process.kill(frontend.pids[0] ?? 0, 'SIGKILL');
    await until('a second frontend', () => frontend.pids.length === 2);
    assert.is(helper.pids.length, 1);
    assert.ok(isAlive(helper.pids[0]));
    await running.stop();
  },
  'status 75 of the helper: the ruleset first, then the helper': async () => {
    const order: string[] = [];
    const helper = daemon('helper', `${READY} exit 75`, LIVE);
    const running = supervise(
      [helper],
      world({
        reinstallRuleset: async () => {
          order.push(`reinstalled after ${helper.pids.length}`);
        },
      }),
    );
    await until('a second helper', () => helper.pids.length === 2);
    assert.equal(order, ['reinstalled after 1']);
    await running.stop();
  },
  'a ruleset that cannot be put back is tried again until it can, and said once': async () => {
    let attempts = 0;
    const said: string[] = [];
    const helper = daemon('helper', `${READY} exit 75`, LIVE);
    const { log, ...rest } = world();
    const running = supervise([helper], {
      ...rest,
      log: Object.assign(Object.create(log), { error: (_: object, line: string) => said.push(line) }),
      reinstallRuleset: () => (++attempts < 3 ? Promise.reject(new Failure(78, 'in the way')) : Promise.resolve()),
    });
    await until('a second helper', () => helper.pids.length === 2);
    assert.equal([attempts, said], [3, ['in the way']]);
    await running.stop();
  },
  'a start that cannot succeed ends the launcher with its status': async () => {
    const running = supervise([daemon('helper', LIVE), daemon('frontend', 'exit 77')], world());
    assert.is(await running.givenUp, 77);
    await running.stop();
  },
  'what one cannot start without is waited for, and told once; the other runs meanwhile': async () => {
    const lines: string[] = [];
    let looks = 0;
    const missing = () => (++looks < 3 ? 'the disk' : null);
    const [helper, frontend] = [{ ...daemon('helper', LIVE), missing }, daemon('frontend', LIVE)];
    const log = pino({ level: 'warn' }, { write: (line: string) => lines.push(line) });
    const running = supervise([helper, frontend], world({ log }));
    await until('a frontend', () => frontend.pids.length === 1);
    assert.equal([helper.pids, lines.map((line) => JSON.parse(line).missing)], [[], ['the disk']]);
    await running.ready;
    assert.equal([looks, helper.pids.length, lines.length], [3, 1, 1]);
    await running.stop();
  },
  'it is looked for at each start': async () => {
    let looks = 0;
    const missing = () => (++looks === 2 ? 'the disk' : null);
    const helper = { ...daemon('helper', `${READY} exit 70`, LIVE), missing };
    const running = supervise([helper], world());
    await until('a second helper', () => helper.pids.length === 2);
    assert.is(looks, 3);
    await running.stop();
  },
  'what will never be there ends the launcher with its status': async () => {
    let looks = 0;
    const missing = () => {
      if (++looks === 1) return 'the disk';
      throw new Failure(74, 'not ours');
    };
    const running = supervise([{ ...daemon('helper', LIVE), missing }], world());
    assert.is(await running.givenUp, 74);
    await running.stop();
  },
  'told to stop while it waits': async () => {
    const helper = { ...daemon('helper', LIVE), missing: () => 'the disk' };
    const running = supervise([helper], world());
    await running.stop();
    assert.equal(helper.pids, []);
  },
  'deaf to SIGTERM: killed after three seconds': async () => {
    const helper = daemon('helper', `trap '' TERM; ${READY} while :; do sleep 0.1; done`);
    const running = supervise([helper], world());
    await running.ready;
    const since = performance.now();
    await running.stop();
    assert.ok(performance.now() - since > 2900 && performance.now() - since < 4500);
    assert.not(isAlive(helper.pids[0]));
  },
  'silent for too long: killed and started again': async () => {
    const helper = daemon('helper', `${READY} exec sleep 60`, LIVE);
    const running = supervise([helper], world({ watchdogMs: 150 }));
    await until('a second helper', () => helper.pids.length === 2);
    assert.not(isAlive(helper.pids[0]));
    await running.stop();
  },
  'after a pause of our own, what was said meanwhile is read first': async () => {
    const helper = daemon('helper', `${READY} while sleep 0.05; do echo WATCHDOG=1 >&3; done`);
    const running = supervise([helper], world({ watchdogMs: 1500 }));
    await running.ready;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3000); // as while nft is waited for
    await new Promise((resolve) => setTimeout(resolve, 400));
    assert.is(helper.pids.length, 1);
    await running.stop();
  },
  'a sign of life is enough': async () => {
    const helper = daemon('helper', `${READY} while sleep 0.05; do echo WATCHDOG=1 >&3; done`);
    const running = supervise([helper], world({ watchdogMs: 1500 }));
    await running.ready;
    await new Promise((resolve) => setTimeout(resolve, 3000));
    assert.is(helper.pids.length, 1);
    await running.stop();
  },
  'told to stop while one waits for its next start: it stays away': async () => {
    const helper = daemon('helper', 'exit 70');
    const running = supervise([helper], world());
    await until('a few starts', () => helper.pids.length >= 3);
    await running.stop();
    const { length } = helper.pids;
    await new Promise((resolve) => setTimeout(resolve, 900));
    assert.is(helper.pids.length, length);
  },
});
