// Keeps the daemons running: decides what to do when one ends (pure), and does it.

import type { ChildProcess } from 'node:child_process';
import { EXIT, Failure, messageOf } from '../host/failure.js';
import type { Log } from '../host/log.js';
import { byLine } from '../host/log.js';
import type { Role } from './role.js';

/** The end of one run of a daemon. */
export interface DaemonExit {
  readonly status: number | null;
  readonly upMs: number;
  /** It sent READY=1 in this run. */
  readonly wasReady: boolean;
  /** It sent READY=1 in any run since the launcher started. */
  readonly everReady: boolean;
}

export type NextAction =
  | { readonly kind: 'give-up'; readonly status: number }
  | { readonly kind: 'restart'; readonly delayMs: number; readonly failures: number; readonly reinstall: boolean };

/**
 * The first restart is immediate, because hosts on the LAN may be waiting. From the second failure in a row on, the
 * delay is this, doubling.
 */
const FIRST_BACKOFF_MS = 100;
/** An attacker who ends the helper repeatedly cannot keep it away for longer than a second. */
const MAX_BACKOFF_MS = 500;
/** After this time, a failure does not count as one in a row. */
const STABLE_AFTER_MS = 10_000;
const STOP_TIMEOUT_MS = 3000;
/** Without a PID namespace, a process that a daemon has left behind may hold its pipes open. */
const PIPES_TIMEOUT_MS = 1000;
/** The longest notify line is far shorter. */
const MAX_NOTIFY_BYTES = 256;
/** After each read, so that a daemon that writes without end costs the launcher no processor time. */
const NOTIFY_REST_MS = 10;
/** Until the ruleset can be installed again: what somebody else has put in its way may go. */
const REINSTALL_RETRY_MS = 1000;
/** The daemons get this as WATCHDOG_USEC, and send WATCHDOG=1 twice as often; a silent daemon is frozen. */
export const WATCHDOG_MS = 10_000;
const WATCHDOG_TICKS = 10;
/** Between two looks for what a daemon cannot start without. */
const WAIT_MS = 1000;
/** A restart would end the same way; the daemon has logged the reason. Not EXIT.state: a disk may be in order later. */
const PERMANENT: readonly (number | null)[] = [EXIT.usage, EXIT.capability, EXIT.foreignTable];
/** Node does not know a flag; sh cannot run a program, or does not find it. */
const NOT_STARTED: readonly (number | null)[] = [9, 126, 127];

/** Pure. `failures`: how many runs in a row have ended early. */
export function nextAction(role: Role, end: DaemonExit, failures: number): NextAction {
  if (!end.everReady && PERMANENT.includes(end.status)) return { kind: 'give-up', status: end.status ?? EXIT.defect };
  if (!end.everReady && NOT_STARTED.includes(end.status)) return { kind: 'give-up', status: EXIT.defect };
  const reinstall = role === 'helper' && end.status === EXIT.noRuleset;
  // A firewall reload is not the helper's fault. Before the first READY=1, however, immediate restarts would be a busy
  // loop.
  if (reinstall && end.wasReady) return { kind: 'restart', delayMs: 0, failures: 0, reinstall };
  const before = end.upMs >= STABLE_AFTER_MS ? 0 : failures;
  const delayMs = before === 0 ? 0 : Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(before - 1, 16));
  return { kind: 'restart', delayMs, failures: before + 1, reinstall };
}

export interface DaemonSpec {
  readonly role: Role;
  /** What it cannot start without and has to be waited for; null if nothing. @throws Failure if waiting does not help. */
  missing?(): string | null;
  /** The others are of use without it: all are ready while this one waits for what is missing. */
  readonly isOptional?: boolean;
  /** Start it. `notify` is the read end of its notify pipe; `endAll` kills whatever it has started. */
  start(): {
    readonly child: ChildProcess;
    readonly notify: NodeJS.ReadableStream;
    endAll(): Promise<void>;
  };
}

export interface SupervisorDeps {
  readonly log: Log;
  /** Install the ruleset again; rejects if that is impossible now. */
  reinstallRuleset(): Promise<void>;
  nowMs(): number;
  /** How long a daemon may be silent. */
  readonly watchdogMs: number;
}

export interface Supervision {
  /** All have sent READY=1 at least once. */
  readonly ready: Promise<void>;
  /** Resolves with an exit status when a daemon cannot be started; never after `stop`. */
  readonly givenUp: Promise<number>;
  /** SIGHUP to all. A daemon that is starting gets it when it is ready: it may have read its configuration before. */
  reload(): void;
  /** SIGTERM to one, which is started again. */
  restart(role: Role): void;
  /** SIGTERM to all, SIGKILL after three seconds; resolves when all have ended. */
  stop(): Promise<void>;
}

export function supervise(daemons: readonly DaemonSpec[], deps: SupervisorDeps): Supervision {
  let giveUp: (status: number) => void = () => {};
  const givenUp = new Promise<number>((resolve) => {
    giveUp = resolve;
  });
  const supervised = daemons.map((daemon) => superviseDaemon(daemon, deps, (status) => giveUp(status)));
  return {
    ready: Promise.all(supervised.map((daemon) => daemon.ready)).then(() => {}),
    givenUp,
    reload() {
      for (const daemon of supervised) daemon.reload();
    },
    restart(role) {
      for (const daemon of supervised) daemon.restart(role);
    },
    async stop() {
      giveUp = () => {};
      await Promise.all(supervised.map((daemon) => daemon.stop()));
    },
  };
}

function superviseDaemon(
  { role, start, missing = () => null, isOptional = false }: DaemonSpec,
  { log, reinstallRuleset, nowMs, watchdogMs }: SupervisorDeps,
  giveUp: (status: number) => void,
): Omit<Supervision, 'givenUp'> {
  let becomeReady: () => void = () => {};
  const ready = new Promise<void>((resolve) => {
    becomeReady = resolve;
  });
  let failures = 0;
  let everReady = false;
  let stopping = false;
  /** Of the current run: whether it is ready, and whether it gets a SIGHUP when it is. */
  let isReady = false;
  let isReloadPending = false;
  let child: ChildProcess | null = null;
  let timer: NodeJS.Timeout | undefined;
  let ended: () => void = () => {};
  /** Said once, as long as it stays the same. */
  let waitsFor: string | null = null;

  function run(): void {
    const before = waitsFor;
    waitsFor = missing();
    if (waitsFor !== null) {
      if (waitsFor !== before) log.warn({ role, missing: waitsFor }, 'cannot start yet: waiting');
      if (isOptional) becomeReady();
      runLater(WAIT_MS, false);
      return;
    }
    const startMs = nowMs();
    let wasReady = false;
    let started: ReturnType<DaemonSpec['start']>;
    try {
      started = start();
    } catch (error) {
      // No memory, or no process, for a moment.
      log.error({ role, why: messageOf(error) }, 'could not be started');
      return handleEnd({ status: null, upMs: 0, wasReady, everReady }, null);
    }
    child = started.child;
    isReady = isReloadPending = false;
    log.debug({ role, child: child.pid }, 'started');
    let watchdog: NodeJS.Timeout | undefined;
    let silentTicks = 0;
    started.notify.on(
      'data',
      byLine((line) => {
        silentTicks = 0;
        if (line !== 'READY=1' || wasReady) return;
        // In ticks, of which there is one only after a pause of our own (nft, a frozen container): what the daemon has
        // said meanwhile is read before the next.
        watchdog = setInterval(() => {
          if (++silentTicks !== WATCHDOG_TICKS) return;
          log.error({ role, child: started.child.pid, silentMs: watchdogMs }, 'does not answer any more: killed');
          started.child.kill('SIGKILL');
        }, watchdogMs / WATCHDOG_TICKS);
        wasReady = everReady = isReady = true;
        if (isReloadPending) started.child.kill('SIGHUP');
        log.info({ role, child: started.child.pid }, 'ready');
        becomeReady();
      }, MAX_NOTIFY_BYTES),
    );
    started.notify.on('data', () => {
      started.notify.pause();
      setTimeout(() => started.notify.resume(), NOTIFY_REST_MS).unref();
    });
    // A child that could not be started emits an error and no exit.
    child.once('error', (error) => log.error({ role, why: messageOf(error) }, 'could not be started'));
    const { child: running } = started;
    running.once('exit', () => {
      void started.endAll();
      const deadline = setTimeout(() => {
        for (const stream of running.stdio) stream?.destroy();
      }, PIPES_TIMEOUT_MS);
      running.once('close', () => clearTimeout(deadline));
    });
    running.once('close', async (status, signal) => {
      clearTimeout(watchdog);
      await started.endAll();
      child = null;
      if (stopping) ended();
      else handleEnd({ status, upMs: nowMs() - startMs, wasReady, everReady }, signal);
    });
  }

  function handleEnd(end: DaemonExit, signal: NodeJS.Signals | null): void {
    const action = nextAction(role, end, failures);
    if (action.kind === 'give-up') {
      log.error({ role, status: action.status }, 'cannot start');
      giveUp(action.status);
      return;
    }
    failures = action.failures;
    log.warn(
      { role, ...(signal === null ? { status: end.status } : { signal }), delayMs: action.delayMs },
      action.reinstall ? 'the ruleset is gone: installing it again' : 'ended: starting it again',
    );
    runLater(action.delayMs, action.reinstall);
  }

  function runLater(delayMs: number, reinstall: boolean, said = ''): void {
    timer = setTimeout(
      () =>
        restart(reinstall, said).catch((error: unknown) => {
          log.error(messageOf(error));
          giveUp(error instanceof Failure ? error.status : EXIT.defect);
        }),
      delayMs,
    );
  }

  /** `said`: why the last attempt to install the ruleset failed. */
  async function restart(reinstall: boolean, said = ''): Promise<void> {
    const why = reinstall ? await reinstallRuleset().then(() => null, messageOf) : null;
    if (stopping) return;
    if (why === null) return run();
    if (why !== said) log.error({ role }, why);
    runLater(REINSTALL_RETRY_MS, reinstall, why);
  }

  run();
  return {
    ready,
    reload() {
      if (isReady) child?.kill('SIGHUP');
      else isReloadPending = true;
    },
    restart(which) {
      if (which === role) child?.kill('SIGTERM');
    },
    async stop() {
      stopping = true;
      clearTimeout(timer);
      const last = child;
      if (last === null) return;
      const gone = new Promise<void>((resolve) => {
        ended = resolve;
      });
      last.kill('SIGTERM');
      const deadline = setTimeout(() => {
        log.warn({ role }, 'does not stop: killed');
        last.kill('SIGKILL');
      }, STOP_TIMEOUT_MS);
      await gone;
      clearTimeout(deadline);
    },
  };
}
