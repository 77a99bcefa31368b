// The daemon: sockets, then journal and kernel brought into step, then requests. Crash-only: what must not happen ends
// the process, and every start repairs.

import { fstatSync, writeSync } from 'node:fs';
import { endianness } from 'node:os';
import { bootClock, stopwatch } from '../proto/clock.js';
import type { ArgumentsOrErrors } from '../config/file.js';
import { listenFds } from '../process/listen-fds.js';
import { isJournal } from '../process/syslog-prefix.js';
import { MappingLog } from './mapping-log.js';
import { reloadConfig } from '../config/reload.js';
import { StatsRecorder } from '../proto/totals.js';
import { EarliestTimer, onReadable } from '../process/poll.js';
import type { Config } from './config.js';
import { parseConfig } from './config.js';
import { EXIT, fail } from './fail.js';
import { Log } from './log.js';
import { JournalFile, moveAside, readJournal } from './journal/journal.js';
import { Reconciler, LOOK_MS } from './reconcile.js';
import { NftKernel, MissingCapability } from './nft/kernel.js';
import { netlinkSocket } from './nft/netlink-socket.js';
import { restore } from './journal/restore.js';
import { Server } from './server.js';

/** Run until the process ends. @returns what to do on SIGHUP. */
export function run(config: Config, from: ArgumentsOrErrors, readArguments: () => ArgumentsOrErrors): () => void {
  const log = new Log(config.logLevel, isJournal(process.env['JOURNAL_STREAM'], fstatSync(1)), Date.now);
  const fds = inheritedFds();
  const now = bootClock();
  const startedAt = now();

  const replayed = onDisk(config, () => readJournal(config.stateDir));
  const restored = restore(replayed, config.limits, { bootId: config.bootId, boottime: startedAt, wall: Date.now() });
  const { leases, epochStart } = restored;

  const kernel = openKernel(config.table, netlinkSocket(fds.nftables), netlinkSocket(fds.events));
  const repaired = kernel.repair(leases.leases(), now);
  if (repaired === 'no-ruleset')
    fail(
      EXIT.noRuleset,
      `table ip ${config.table} lacks the ruleset: install it with natpmp-server ruleset ... | nft -f -`,
    );

  if (replayed.kind === 'damaged')
    log.error({ movedTo: onDisk(config, () => moveAside(config.stateDir)) }, 'the journal is damaged');
  const clock = { bootId: config.bootId, wallOffset: Date.now() - startedAt, epochStart };
  const file = onDisk(config, () => new JournalFile(config.stateDir, leases.leases(), clock, now()));
  const journal: Pick<JournalFile, 'append' | 'compact' | 'bytes'> = {
    append: (...changes) => onDisk(config, () => file.append(...changes)),
    compact: (...table) => onDisk(config, () => file.compact(...table)),
    get bytes() {
      return file.bytes;
    },
  };
  log.info(
    {
      mappings: leases.size,
      ...repaired,
      epoch: restored.epochResetReason === null ? 'continues' : 'new',
      why: restored.epochResetReason,
    },
    'state restored',
  );

  const totals = new StatsRecorder(stopwatch);
  const mappingLog = new MappingLog(log);
  let { limits } = config;
  const keeper = new Reconciler({
    get limits() {
      return limits;
    },
    leases,
    kernel,
    journal,
    clock,
    now,
    wall: Date.now,
    pid: process.pid,
    totals,
  });
  const server = new Server(
    {
      handle: (asked) => keeper.handle(asked),
      happened(events) {
        mappingLog.tell(events, now());
        alarm.within(server.isBehind ? Math.min(keeper.nextCheckMs(), LOOK_MS) : keeper.nextCheckMs());
      },
      totals,
      watching: () => ({ kind: 'watching', status: keeper.status() }),
    },
    now,
  );
  const alarm = new EarliestTimer(look, now);
  function look(): void {
    const { events, repaired: brought, isRulesetGone } = keeper.reconcile();
    if (isRulesetGone) fail(EXIT.noRuleset, `table ip ${config.table} has lost the ruleset`);
    if (brought !== null) log.warn(brought, 'someone else changed the ruleset; all mappings are back');
    server.publish(events);
    keeper.forgetFlows();
  }

  look();
  onReadable(fds.events, LOOK_MS, look); // our own changes are told there too
  const ends = [
    server.serve({ role: 'client', fd: fds.helper, path: config.socketPath, uids: [] }),
    server.serve({ role: 'administrator', fd: fds.admin, path: config.adminSocketPath, uids: config.adminUids }),
  ];
  Promise.all(ends).catch((error: Error) => fail(EXIT.defect, error.stack ?? error.message));
  // Nothing to tidy up: what was acknowledged is in the kernel and on disk.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(0));
  announceReady(fds.notify);
  return () => {
    const next = reloadConfig(from, readArguments, parseConfig, log);
    if (next === null) return;
    limits = { ...next.limits, lans: limits.lans };
    log.level = next.logLevel;
  };
}

function inheritedFds() {
  if (endianness() !== 'LE')
    fail(EXIT.defect, 'this machine is big-endian, which helper/nft/netlink.ts is not written for');
  const fds = listenFds(process.env, process.pid);
  const one = (name: string) =>
    fds.get(name)?.[0] ??
    fail(
      EXIT.usage,
      `no inherited socket "${name}" (LISTEN_FDNAMES): start through natpmp-server or the systemd units`,
    );
  return {
    helper: one('helper'),
    admin: one('helper-admin'),
    nftables: one('nftables'),
    events: one('nftables-events'),
    notify: fds.get('notify')?.[0],
  };
}

/** sd_notify(3): ready, and then alive at half the interval of the watchdog. */
function announceReady(notify: number | undefined): void {
  if (notify === undefined) return;
  writeSync(notify, 'READY=1\n');
  const watchdogUs = Number(process.env['WATCHDOG_USEC'] ?? 0);
  if (watchdogUs > 0) setInterval(() => writeSync(notify, 'WATCHDOG=1\n'), watchdogUs / 2000);
}

function onDisk<T>(config: Config, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error; // a defect, and not the disk's
    return fail(
      EXIT.state,
      `--state-dir ${config.stateDir}: ${message}${code === 'EACCES' ? '; it must belong to this user (mode 0700)' : ''}`,
    );
  }
}

function openKernel(...sockets: ConstructorParameters<typeof NftKernel>): NftKernel {
  try {
    return new NftKernel(...sockets);
  } catch (error) {
    if (error instanceof MissingCapability)
      fail(EXIT.capability, 'CAP_NET_ADMIN is missing: start through natpmp-server or the systemd units');
    throw error;
  }
}
