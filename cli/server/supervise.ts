// Keeps the two daemons running: what to do when one ends (pure), and doing it.

import type { ChildProcess } from 'node:child_process';
import { EXIT, Failure, messageOf } from '../host/failure.js';
import type { Log } from '../host/log.js';
import { byLine } from '../host/log.js';
import type { Role } from './daemon-command.js';

/** How one run of a daemon ended. */
export interface DaemonExit {
  readonly status: number | null;
  readonly upMs: number;
  /** It said READY=1 in this run. */
  readonly wasReady: boolean;
  /** It said so in any run since the launcher started. */
  readonly everReady: boolean;
}

export type NextAction =
  | { readonly kind: 'give-up'; readonly status: number }
  | { readonly kind: 'restart'; readonly delayMs: number; readonly failures: number; readonly reinstall: boolean };

/**
 * What ends once is started again at once: every host on the LAN may be waiting. From the second time in a row on, this
 * and longer.
 */
const FIRST_BACKOFF_MS = 100;
/** So that whoever can end the helper again and again can not keep it away for longer than a second. */
const MAX_BACKOFF_MS = 500;
/** After this long its end is a new trouble, not the old one again. */
const STABLE_AFTER_MS = 10_000;
const STOP_TIMEOUT_MS = 3000;
/** A daemon that is told this by WATCHDOG_USEC says WATCHDOG=1 twice as often; one that stays silent is frozen. */
export const WATCHDOG_MS = 10_000;
/** Another start would end the same way; the daemon's own line has said why. */
const PERMANENT: readonly (number | null)[] = [EXIT.usage, EXIT.state, EXIT.capability, EXIT.foreignTable];
/** Node does not know a flag; sh can not run a program, or finds none. */
const NOT_STARTED: readonly (number | null)[] = [9, 126, 127];

/** Pure. `failures`: how many starts in a row have ended early. */
export function nextAction(role: Role, end: DaemonExit, failures: number): NextAction {
  if (!end.everReady && PERMANENT.includes(end.status)) return { kind: 'give-up', status: end.status ?? EXIT.defect };
  if (!end.everReady && NOT_STARTED.includes(end.status)) return { kind: 'give-up', status: EXIT.defect };
  const reinstall = role === 'helper' && end.status === EXIT.noRuleset;
  // A reload of the firewall is no fault of the helper's. Only where it never came up would "at once", every time, be a
  // busy loop.
  if (reinstall && end.wasReady) return { kind: 'restart', delayMs: 0, failures: 0, reinstall };
  const before = end.upMs >= STABLE_AFTER_MS ? 0 : failures;
  const delayMs = before === 0 ? 0 : Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(before - 1, 16));
  return { kind: 'restart', delayMs, failures: before + 1, reinstall };
}

export interface DaemonSpec {
  readonly role: Role;
  /** Start it; what it writes to the notify pipe is on the stream. */
  start(): { readonly child: ChildProcess; readonly notify: NodeJS.ReadableStream };
}

export interface SupervisorDeps {
  readonly log: Log;
  /** Put the ruleset back; rejects with a Failure where that can not be. */
  reinstallRuleset(): Promise<void>;
  nowMs(): number;
  /** How long a daemon may be silent. */
  readonly watchdogMs: number;
}

export interface Supervision {
  /** All said READY=1 at least once. */
  readonly ready: Promise<void>;
  /** Resolves with an exit status when going on makes no sense; never after `stop`. */
  readonly givenUp: Promise<number>;
  /** SIGHUP to all; to one that is just starting, when it is ready, as it may have read its configuration before. */
  reload(): void;
  /** SIGTERM to all, SIGKILL to what is left after three seconds; resolves when all have ended. */
  stop(): Promise<void>;
}

export function supervise(daemons: readonly DaemonSpec[], deps: SupervisorDeps): Supervision {
  let giveUp: (status: number) => void = () => {};
  const givenUp = new Promise<number>((resolve) => {
    giveUp = resolve;
  });
  const kept = daemons.map((charge) => superviseDaemon(charge, deps, (status) => giveUp(status)));
  return {
    ready: Promise.all(kept.map((one) => one.ready)).then(() => {}),
    givenUp,
    reload() {
      for (const one of kept) one.hangUp();
    },
    async stop() {
      giveUp = () => {};
      await Promise.all(kept.map((one) => one.stop()));
    },
  };
}

function superviseDaemon(
  { role, start }: DaemonSpec,
  { log, reinstallRuleset, nowMs, watchdogMs }: SupervisorDeps,
  giveUp: (status: number) => void,
): { readonly ready: Promise<void>; hangUp(): void; stop(): Promise<void> } {
  let becomeReady: () => void = () => {};
  const ready = new Promise<void>((resolve) => {
    becomeReady = resolve;
  });
  let failures = 0;
  let everReady = false;
  let stopping = false;
  /** Of the run there is: whether it is ready, and whether it is to be told SIGHUP then. */
  let isReady = false;
  let isReloadPending = false;
  let child: ChildProcess | null = null;
  let timer: NodeJS.Timeout | undefined;
  let ended: () => void = () => {};

  function run(): void {
    const since = nowMs();
    let wasReady = false;
    const started = start();
    child = started.child;
    isReady = isReloadPending = false;
    log.debug({ role, child: child.pid }, 'started');
    let watchdog: NodeJS.Timeout | undefined;
    started.notify.on(
      'data',
      byLine((line) => {
        watchdog?.refresh();
        if (line !== 'READY=1' || wasReady) return;
        watchdog = setTimeout(() => {
          log.error({ role, child: started.child.pid, silentMs: watchdogMs }, 'does not answer any more: killed');
          started.child.kill('SIGKILL');
        }, watchdogMs);
        wasReady = everReady = isReady = true;
        if (isReloadPending) started.child.kill('SIGHUP');
        log.info({ role, child: started.child.pid }, 'ready');
        becomeReady();
      }),
    );
    // A child that could not be started reports an error and no exit.
    child.once('error', (error) => log.error({ role, why: messageOf(error) }, 'could not be started'));
    child.once('close', (status, signal) => {
      child = null;
      clearTimeout(watchdog);
      if (stopping) ended();
      else handleEnd({ status, upMs: nowMs() - since, wasReady, everReady }, signal);
    });
  }

  function handleEnd(end: DaemonExit, signal: NodeJS.Signals | null): void {
    const verdict = nextAction(role, end, failures);
    if (verdict.kind === 'give-up') {
      log.error({ role, status: verdict.status }, 'can not start');
      giveUp(verdict.status);
      return;
    }
    failures = verdict.failures;
    log.warn(
      { role, ...(signal === null ? { status: end.status } : { signal }), delayMs: verdict.delayMs },
      verdict.reinstall ? 'the ruleset is gone: installing it again' : 'ended: starting it again',
    );
    timer = setTimeout(
      () =>
        restart(verdict.reinstall).catch((error: unknown) => {
          log.error(messageOf(error));
          giveUp(error instanceof Failure ? error.status : EXIT.defect);
        }),
      verdict.delayMs,
    );
  }

  async function restart(afresh: boolean): Promise<void> {
    if (afresh) await reinstallRuleset();
    if (!stopping) run();
  }

  run();
  return {
    ready,
    hangUp() {
      if (isReady) child?.kill('SIGHUP');
      else isReloadPending = true;
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
