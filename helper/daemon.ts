// The daemon: sockets, then journal and kernel brought into sync, then requests. Crash-only: a broken invariant ends
// the process, and every start repairs.

import type { Validated } from '../config/types.js';
import type { Config } from './types.js';
import { fstatSync } from 'node:fs';
import { endianness } from 'node:os';
import { bootClock } from '../proto/clock.js';
import { listenFds } from '../process/listen-fds.js';
import { isJournal } from '../process/syslog-prefix.js';
import { MappingLog } from './mapping-log.js';
import { StatsRecorder } from '../proto/totals.js';
import { EarliestTimer } from '../process/earliest-timer.js';
import { EXIT } from '../process/exit.js';
import { notifyReady, notifyStatus } from '../process/notify.js';
import { onReadable } from '../process/poll.js';
import { fail } from './fail.js';
import { Log } from './log.js';
import { JournalFile, moveAside, readJournal } from './journal/journal.js';
import { CHECK_MS, Reconciler } from './reconcile.js';
import { NftKernel, MissingCapability } from './nft/kernel.js';
import { netlinkSocket } from './nft/netlink-socket.js';
import { restore } from './journal/restore.js';
import { Server } from './server.js';

const START = 'start through natpmp-server or the systemd units';
/** Between two tries to read or write the disk at the start, and how many: less than systemd waits for a start (90 s). */
const DISK_RETRY_MS = 1000;
const DISK_TRIES = 60;

/** Run until the process ends. @returns what to do on SIGHUP. */
export function run(config: Config, readConfig: () => Validated<Config>): () => void {
  const log = new Log(config.logLevel, isJournal(process.env['JOURNAL_STREAM'], fstatSync(1)), Date.now);
  const fds = inheritedFds();
  const now = bootClock();
  const waiting = (missing: string): void => {
    log.error({ missing }, 'cannot start yet: waiting');
    notifyStatus(fds.notify ?? null, `waiting: ${missing}`);
  };

  const replayed = onDisk(config, () => readJournal(config.stateDir), waiting);
  const startedAt = now();
  const restored = restore(replayed, config.limits, { bootId: config.bootId, boottimeMs: startedAt, wall: Date.now() });
  const { leases, epochStart: epochStartMs, agedAt: agedAtMs, epochResetReason } = restored;

  const { maxPinholes } = config.limits;
  const kernel = openKernel(config.ruleset, netlinkSocket(fds.nftables), netlinkSocket(fds.events), maxPinholes > 0);
  const repaired = kernel.repair(leases.all(), now);
  if (repaired === 'no-ruleset')
    fail(
      EXIT.noRuleset,
      `table inet ${config.ruleset.table} lacks the ruleset: natpmp-server ruleset ... | nft -f - installs it`,
    );

  // Before the journal forgets them. Their TCP flows are reset by the ruleset, which still knows the label.
  if (maxPinholes === 0 && replayed.kind === 'intact') kernel.flushPinholeFlows(replayed.leases);
  if (replayed.kind === 'damaged')
    log.error({ movedTo: onDisk(config, () => moveAside(config.stateDir), waiting) }, 'the journal is damaged');
  const clock = { bootId: config.bootId, wallOffsetMs: Date.now() - startedAt, epochStartMs, agedAtMs };
  const newFile = () => new JournalFile(config.stateDir, leases, clock, now(), maxPinholes > 0);
  const file = onDisk(config, newFile, waiting);
  const journal: Pick<JournalFile, 'append' | 'compact' | 'bytes'> = {
    append: (...changes) => onDisk(config, () => file.append(...changes)),
    compact: (...table) => onDisk(config, () => file.compact(...table)),
    get bytes() {
      return file.bytes;
    },
  };
  const epoch = epochResetReason === null ? 'continues' : 'new';
  const pinholes = maxPinholes > 0 ? leases.pinholes.size : undefined;
  log.info({ mappings: leases.size, pinholes, ...repaired, epoch, why: epochResetReason }, 'state restored');

  const totals = new StatsRecorder(() => performance.now() / 1000);
  const mappingLog = new MappingLog(log);
  const { limits } = config;
  const reconciler = new Reconciler({
    limits,
    leases,
    kernel,
    journal,
    clock,
    now,
    wall: Date.now,
    awake: () => startedAt + performance.now(),
    pid: Number(process.env['MAINPID'] || process.pid), // in a PID namespace, as seen from outside
    totals,
  });
  const server = new Server(
    {
      handle: (requests) => reconciler.handle(requests),
      heldBy: (host) => leases.count(host),
      onEvents(events) {
        mappingLog.write(events, now());
        timer.within(server.isBehind ? Math.min(reconciler.nextCheckMs(), CHECK_MS) : reconciler.nextCheckMs());
      },
      totals,
      watching: () => ({ kind: 'watching', status: reconciler.status() }),
    },
    now,
  );
  const timer = new EarliestTimer(check, now);
  function check(): void {
    const { events, repaired: changed, isRulesetGone } = reconciler.reconcile();
    if (isRulesetGone) fail(EXIT.noRuleset, `table inet ${config.ruleset.table} has lost the ruleset`);
    if (changed !== null) log.warn(changed, 'someone else changed the ruleset; all mappings are back');
    server.publish(events);
    reconciler.flushFlows();
  }

  reconciler.allFlowsFollow();
  server.publish(reconciler.setLimits(limits).events);
  check();
  onReadable(fds.events, CHECK_MS, check); // the kernel reports our own changes there, too
  // Neither ends, and a rejection is an uncaught exception (main.ts).
  void server.serve({ role: 'client', fd: fds.helper, uids: [] });
  void server.serve({ role: 'administrator', fd: fds.admin, uids: config.adminUids });
  // Nothing to tidy up: what was acknowledged is in the kernel and on disk.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(0));
  notifyReady(fds.notify ?? null, process.env['WATCHDOG_USEC']);
  return () => {
    const next = readConfig();
    if (!('ok' in next)) return log.error(next, 'not reloaded: the configuration stays as it was');
    server.publish(reconciler.setLimits({ ...next.ok.limits, maxPinholes }).events);
    log.level = next.ok.logLevel;
    log.info({}, 'configuration reloaded');
  };
}

function inheritedFds() {
  if (endianness() !== 'LE')
    fail(EXIT.defect, 'this machine is big-endian, which helper/nft/netlink.ts is not written for');
  const fds = listenFds(process.env, process.pid);
  const one = (name: string) =>
    fds.get(name)?.[0] ?? fail(EXIT.usage, `no inherited socket "${name}" (LISTEN_FDNAMES): ${START}`);
  return {
    helper: one('helper'),
    admin: one('helper-admin'),
    nftables: one('nftables'),
    events: one('nftables-events'),
    notify: fds.get('notify')?.[0],
  };
}

/** With `waiting`, which is at the start, what may pass is waited for, and told once. */
function onDisk<T>({ stateDir }: Config, action: () => T, waiting?: (missing: string) => void): T {
  for (let tries = 1; ; tries++) {
    try {
      return action();
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === undefined) throw error; // a defect, and not the disk's
      const hint = code === 'EACCES' ? '; it must belong to this user (mode 0700)' : '';
      const missing = `--state-dir ${stateDir}: ${message}${hint}`;
      if (waiting === undefined || hint !== '' || tries === DISK_TRIES) return fail(EXIT.state, missing);
      if (tries === 1) waiting(missing);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, DISK_RETRY_MS);
    }
  }
}

function openKernel(...sockets: ConstructorParameters<typeof NftKernel>): NftKernel {
  try {
    return new NftKernel(...sockets);
  } catch (error) {
    if (error instanceof MissingCapability) fail(EXIT.capability, `CAP_NET_ADMIN is missing: ${START}`);
    throw error;
  }
}
