// From a configuration to a running gateway: check, open, install, start, watch. Whatever can be wrong is found out
// before the first thing is changed.

import { spawn } from 'node:child_process';
import { chmodSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Arguments, ArgumentsOrErrors } from '../../config/file.js';
import type { Lan } from '../../proto/mapping.js';
import { formatIpv4, parseLan, withoutPorts } from '../../proto/mapping.js';
import { formatLan, formatPortRange } from '../../config/format.js';
import { reloadConfig } from '../../config/reload.js';
import type { ResolvedConfig } from './arguments.js';
import { adminSocket, frontendArgs, helperArgs, helperSocket, rulesetConfig } from './arguments.js';
import { checkCapabilities, checkPrograms, effectiveCapabilities, hasCapability, PATH } from '../host/programs.js';
import type { Role } from './daemon-command.js';
import { commandLine } from './daemon-command.js';
import { daemonConfig, daemonConfigPath, reloaded } from './daemon-config.js';
import { EXIT, Failure, messageOf } from '../host/failure.js';
import type { Config, MetricsAddress } from './flags.js';
import { parseArguments } from './flags.js';
import type { Programs } from './folders.js';
import { prepareRunDir, prepareStateDir, reachPrograms } from './folders.js';
import { checkExternalInterface, findListenInterfaces } from '../host/interfaces.js';
import type { Log } from '../host/log.js';
import { byLine, readable } from '../host/log.js';
import type { PassedFd } from './daemon-sockets.js';
import { DaemonSockets } from './daemon-sockets.js';
import { dropUnneeded } from './privileges.js';
import { checkTable, installRuleset, listTables } from '../host/ruleset.js';
import { ruleset } from '../host/ruleset-text.js';
import type { DaemonSpec } from './supervise.js';
import { supervise, WATCHDOG_MS } from './supervise.js';
import { chooseUsers, lansChanged, portsInUse, readOr, warnAboutKernel } from './surroundings.js';
import type { Identities } from './users.js';

export interface Surroundings {
  readonly log: Log;
  /** Resolves when the launcher is told to stop. */
  readonly stopped: Promise<'stop'>;
  /** In the sandbox: a UDP socket of the host's, on its loopback address. */
  readonly loopback: number | null;
  /** In the sandbox: the host's socket for metrics. */
  readonly metrics: number | null;
  /** The arguments that the configuration was made from. */
  readonly from: Arguments;
  /** The same, with the configuration file as it is now. */
  readArguments(): ArgumentsOrErrors;
  /** Both daemons are ready. */
  onReady?(): void;
}

/** The folder that frontend/, helper/ and cli/ are in once compiled. */
const DIST = join(import.meta.dirname, '../..');
/** The clients that come through the host's loopback: all of 127/8, with a router's address that none of them has. */
const LOOPBACK = parseLan('127.255.255.254/8') as Lan;

/** Run until told to stop; resolves with the exit status. A Failure says why it could not start. */
export async function runGateway(config: ResolvedConfig, around: Surroundings): Promise<number> {
  const { log } = around;
  checkCapabilities();
  checkPrograms(['nft', 'setpriv', 'sh']);
  checkExternalInterface(config.externalInterface);
  const identities = chooseUsers(config.users, log);
  warnAboutKernel(config.hairpin, log);
  const inForce = { config };
  for (;;) {
    const end = await serveOnce(inForce, identities, around);
    if (end !== 'lan') return end === 'stop' ? 0 : end;
    log.warn({ lan: config.listenInterfaces }, 'a LAN interface has changed: opening the sockets anew');
  }
}

/** One round, with the LAN addresses as they are now. */
async function serveOnce(
  inForce: { config: ResolvedConfig },
  identities: Identities | null,
  around: Surroundings,
): Promise<'stop' | 'lan' | number> {
  const { log, loopback, metrics } = around;
  const { config } = inForce;
  const opened = new DaemonSockets();
  let hangUp = (): void => {};
  try {
    const listenInterfaces = findListenInterfaces(config.listenInterfaces);
    const lans = listenInterfaces.flatMap((one) => one.lans);
    const port = loopback === null ? config.listenPort : 5351;
    opened.openNetwork(listenInterfaces, port);
    if (config.metricsListen !== null && metrics === null) opened.openMetrics(config.metricsListen);
    checkTable(config.natTable, listTables());
    prepareRunDir(config.runDir);
    await opened.openFiles(config, process.getuid?.() ?? 0, identities?.frontend.gid ?? process.getgid?.() ?? 0);
    prepareStateDir(config.stateDir, identities?.helper ?? null);
    const programs =
      identities === null
        ? { node: process.execPath, dist: DIST, binds: [] }
        : reachPrograms(process.execPath, DIST, config.runDir);
    writeDaemonConfig(config, lans, log);
    const wanted = ruleset(rulesetConfig(config, lans, port));
    const install = (isBroken: boolean): void => {
      const { isLoaded, deleted } = installRuleset(config.natTable, wanted, isBroken);
      if (isLoaded) log.info({ table: config.natTable }, 'ruleset installed');
      for (const table of deleted) log.warn({ table }, 'left from before --nat-table was changed: deleted');
    };
    install(false);
    dropUnneeded(effectiveCapabilities());

    const served = loopback === null ? lans : [...lans, LOOPBACK];
    const charges = (['helper', 'frontend'] as const).map((role) =>
      charge(role, config, served, identities, programs, opened, around),
    );
    const watch = lansChanged(listenInterfaces, log);
    const running = supervise(charges, {
      log,
      now: () => performance.now(),
      reinstall: async () => install(true),
      watchdogMs: WATCHDOG_MS,
    });
    running.ready.then(() => {
      log.info(
        {
          lan: lans.map(formatLan),
          port: config.listenPort,
          external: config.externalInterface,
          table: config.natTable,
          helperSocket: helperSocket(config),
          adminSocket: adminSocket(config),
          ...(config.metricsListen === null ? {} : { metrics: metricsUrl(config.metricsListen) }),
        },
        'serving',
      );
      around.onReady?.();
    });
    hangUp = () => {
      const next = reload(inForce.config, around);
      if (next === null) return;
      try {
        writeDaemonConfig(next, lans, log);
      } catch (error) {
        return log.error({ why: messageOf(error) }, 'not reloaded: the configuration stays as it was');
      }
      inForce.config = next;
      log.level = next.logLevel;
      running.hangUp();
    };
    process.on('SIGHUP', hangUp);
    const end = await Promise.race([around.stopped, watch.changed, running.givenUp]);
    watch.stop();
    await running.stop();
    return end;
  } finally {
    process.off('SIGHUP', hangUp);
    opened.close();
  }
}

/** The configuration with what its file says now; null where that can not be used. */
function reload(before: ResolvedConfig, { from, readArguments, log }: Surroundings): ResolvedConfig | null {
  if (from.path === null) {
    log.info('SIGHUP: there is no --config to read again; looking again for the ports that the router needs');
    return before;
  }
  const config = reloadConfig<Config>(
    from,
    readArguments,
    (args) => {
      const parsed = parseArguments(args);
      return parsed.kind === 'config'
        ? { ok: parsed.config }
        : { complaints: parsed.kind === 'help' ? [] : parsed.lines };
    },
    log,
  );
  return config === null ? null : reloaded(before, config);
}

/** Look which ports the router needs itself, and write for the daemons what they may give out. */
function writeDaemonConfig(config: ResolvedConfig, lans: readonly Lan[], log: Log): void {
  const inUse = portsInUse(lans);
  if (withoutPorts(config.allowedPorts, [...config.deniedPorts, ...config.reservedPorts, ...inUse]).length === 0) {
    throw new Failure(EXIT.flags, '--allowed-ports: the router needs all of these itself: name others');
  }
  if (inUse.length > 0)
    log.info({ ports: inUse.map(formatPortRange) }, 'the router needs these itself: they are never mapped');
  const path = daemonConfigPath(config);
  // Renamed, so that whoever reads it reads all of one.
  writeFileSync(`${path}.new`, daemonConfig(config, inUse), { mode: 0o644 });
  chmodSync(`${path}.new`, 0o644);
  renameSync(`${path}.new`, path);
}

function metricsUrl({ address, port }: MetricsAddress): string {
  return `http://${formatIpv4(address)}:${port}/metrics`;
}

function charge(
  role: Role,
  config: ResolvedConfig,
  lans: readonly Lan[],
  identities: Identities | null,
  programs: Programs,
  opened: DaemonSockets,
  { loopback, metrics }: Surroundings,
): DaemonSpec {
  const ofTheHost =
    role === 'helper'
      ? []
      : [
          { name: 'natpmp', fd: loopback },
          { name: 'metrics', fd: metrics },
        ];
  const handed = [...opened.fds[role], ...ofTheHost.filter((one): one is PassedFd => one.fd !== null)];
  const [program = '', ...args] = commandLine({
    role,
    identity: identities?.[role] ?? null,
    node: programs.node,
    script: join(programs.dist, role, 'main.js'),
    args:
      role === 'frontend'
        ? frontendArgs(config, lans)
        : helperArgs(config, lans, readOr('/proc/sys/kernel/random/boot_id', '').trim(), process.getuid?.() ?? 0),
    binds: programs.binds,
    ownNetwork: hasCapability('CAP_SYS_ADMIN'),
    jit: config.jit,
    nodeMajor: Number.parseInt(process.versions.node, 10),
  });
  const env = {
    PATH,
    LISTEN_FDS: String(handed.length + 1),
    WATCHDOG_USEC: String(WATCHDOG_MS * 1000),
    LISTEN_FDNAMES: [...handed.map(({ name }) => name), 'notify'].join(':'),
    // Where we run as a service of systemd, they write to the same journal.
    ...(process.env['JOURNAL_STREAM'] === undefined ? {} : { JOURNAL_STREAM: process.env['JOURNAL_STREAM'] }),
  };
  return {
    role,
    start() {
      const child = spawn(program, args, {
        env,
        cwd: '/',
        // A session of its own: Ctrl-C is for the launcher, which stops them in order.
        detached: true,
        stdio: ['ignore', process.stdout.isTTY ? 'pipe' : 'inherit', 'inherit', ...handed.map(({ fd }) => fd), 'pipe'],
      });
      child.stdout?.on(
        'data',
        byLine((line) => process.stdout.write(`${readable(line)}\n`)),
      );
      return { child, notify: child.stdio[3 + handed.length] as NodeJS.ReadableStream };
    },
  };
}
