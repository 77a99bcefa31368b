// From a configuration to a running gateway: check, open, install, start, watch. All checks come before the first
// change.

import { chmodSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Arguments, ArgumentsOrErrors } from '../../config/file.js';
import { reloadConfig } from '../../config/reload.js';
import type { Lan } from '../../proto/mapping.js';
import { formatLan, formatPortRange } from '../../config/format.js';
import { formatIpv4, parseLan, withoutPorts } from '../../proto/mapping.js';
import { EXIT, Failure, messageOf } from '../host/failure.js';
import { checkExternalInterface, findListenInterfaces } from '../host/interfaces.js';
import type { Log } from '../host/log.js';
import { bootId, readOr } from '../host/machine.js';
import { portsInUse } from '../host/ports-in-use.js';
import { checkCapabilities, checkPrograms, effectiveCapabilities } from '../host/programs.js';
import { checkRuleset, installRuleset, rulesetHere } from '../host/ruleset.js';
import type { RulesetName } from '../host/ruleset-plan.js';
import type { Config, MetricsAddress, ResolvedConfig } from './config.js';
import { parseConfig } from './config.js';
import type { Role } from './daemon-command.js';
import { commandLine } from './daemon-command.js';
import {
  adminSocket,
  daemonConfig,
  daemonConfigPath,
  frontendArgs,
  helperArgs,
  helperSocket,
  metricsSocket,
  rulesetConfig,
  withReloaded,
} from './daemon-config.js';
import { DaemonSockets } from './daemon-sockets.js';
import { startDaemon } from './daemon-process.js';
import type { ProgramFiles } from './folders.js';
import { makeReachable, ownFiles, prepareRunDir, prepareStateDir } from './folders.js';
import type { Isolation } from './isolation.js';
import { maxTasks, prepareIsolation } from './isolation.js';
import { warnAboutKernel } from './kernel-warnings.js';
import { watchLans } from './lan-watch.js';
import { dropUnneededCapabilities } from './launcher-capabilities.js';
import { startMetricsProxy } from './metrics-proxy.js';
import { openTcpListener } from './sockets.js';
import type { DaemonSpec } from './supervise.js';
import { supervise, WATCHDOG_MS } from './supervise.js';
import type { Identities } from './users.js';
import { chooseUsers } from './users.js';

export interface RunContext {
  readonly log: Log;
  /** Resolves when the launcher has to stop. */
  readonly stopped: Promise<'stop'>;
  /** In the sandbox: a UDP socket of the host, on its loopback address. */
  readonly loopbackFd: number | null;
  /** In the sandbox: a socket of the host for metrics. */
  readonly metricsFd: number | null;
  /** The arguments that the configuration was read from. */
  readonly initialArguments: Arguments;
  /** The same, with the current content of the configuration file. */
  readArguments(): ArgumentsOrErrors;
  /** Both daemons are ready. */
  onReady?(): void;
}

/** The folder of the compiled frontend/, helper/ and cli/. */
const DIST = join(import.meta.dirname, '../..');
/** The LAN of clients on the host's loopback: all of 127/8, with a router's address that no client has. */
const LOOPBACK_LAN = parseLan('127.255.255.254/8') as Lan;
const ADDRESS_CHECK_MS = 3000;

/** What the next opening of the sockets starts with. */
interface InForce {
  config: ResolvedConfig;
  /** Null before the first. */
  isolation: Isolation | null;
}

/** Run until `stopped` resolves; resolves with the exit status. A Failure says why it could not start. */
export async function runGateway(config: ResolvedConfig, context: RunContext): Promise<number> {
  const { log } = context;
  checkCapabilities();
  checkPrograms(['nft', 'setpriv', 'sh']);
  checkExternalInterface(config.externalInterface);
  const identities = chooseUsers(config.users, log);
  warnAboutKernel(config.hairpin, log);
  const inForce: InForce = { config, isolation: null };
  const metrics = openMetrics(config, context);
  try {
    for (;;) {
      const end = await serveOnce(inForce, identities, context);
      if (end !== 'lan') return end === 'stop' ? 0 : end;
      log.warn({ lan: config.listenInterfaces }, 'a LAN interface has changed: opening the sockets again');
    }
  } finally {
    metrics?.close();
  }
}

/** Serve until something ends it, with the current LAN addresses. */
async function serveOnce(
  inForce: InForce,
  identities: Identities | null,
  context: RunContext,
): Promise<'stop' | 'lan' | number> {
  const { log, loopbackFd } = context;
  const { config } = inForce;
  const sockets = new DaemonSockets();
  let hangUp = (): void => {};
  let addressCheck: NodeJS.Timeout | undefined;
  try {
    const listenInterfaces = findListenInterfaces(config.listenInterfaces);
    const lans = listenInterfaces.flatMap((one) => one.lans);
    const port = loopbackFd === null ? config.listenPort : 5351;
    const wanted = () => rulesetHere(rulesetConfig(config, port));
    const name = { table: config.natTable, chain: config.natChain };
    sockets.openNetwork(listenInterfaces, port);
    checkRuleset(name, wanted(), installedRuleset(config));
    prepareRunDir(config.runDir);
    await sockets.openFiles(config, process.getuid?.() ?? 0, identities?.frontend.gid ?? process.getgid?.() ?? 0);
    prepareStateDir(config.stateDir, identities?.helper ?? null);
    const programs =
      identities === null ? ownFiles(process.execPath, DIST) : makeReachable(process.execPath, DIST, config.runDir);
    // It takes as long as the installation of the ruleset, and runs beside it.
    const preparing = inForce.isolation ?? prepareIsolation(config, programs, identities, log);
    writeDaemonConfig(config, lans, log);
    let current = '';
    const install = (isBroken: boolean): void => {
      current = wanted();
      const { isLoaded, deleted } = installRuleset(name, current, isBroken, installedRuleset(config));
      writeFileSync(installedPath(config), `${name.table} ${name.chain}\n`);
      if (isLoaded) log.info(name, 'ruleset installed');
      for (const { family, table, chain } of deleted)
        log.warn({ family, table, chain }, 'ruleset of an earlier configuration or release: deleted');
    };
    install(false);
    const isolation = await preparing;
    inForce.isolation = isolation;
    dropUnneededCapabilities(effectiveCapabilities());

    const served = loopbackFd === null ? lans : [...lans, LOOPBACK_LAN];
    const daemons = (['helper', 'frontend'] as const).map((role) =>
      daemonSpec(role, config, served, identities, programs, isolation, sockets, context),
    );
    const watch = watchLans(listenInterfaces, log);
    // Whether the address of --external-address is this router's shows in the ruleset, and may change at any time.
    if (config.externalAddress !== null)
      addressCheck = setInterval(() => {
        if (wanted() === current) return;
        try {
          install(false);
        } catch (error) {
          log.warn({ why: messageOf(error) }, 'the ruleset stays as it was');
        }
      }, ADDRESS_CHECK_MS);
    const running = supervise(daemons, {
      log,
      nowMs: () => performance.now(),
      reinstallRuleset: async () => install(true),
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
      context.onReady?.();
    });
    hangUp = () => {
      const next = reload(inForce.config, context);
      if (next === null) return;
      try {
        writeDaemonConfig(next, lans, log);
      } catch (error) {
        return log.error({ why: messageOf(error) }, 'not reloaded: the configuration stays as it was');
      }
      inForce.config = next;
      log.level = next.logLevel;
      running.reload();
    };
    process.on('SIGHUP', hangUp);
    const end = await Promise.race([context.stopped, watch.changed, running.givenUp]);
    watch.stop();
    await running.stop();
    return end;
  } finally {
    process.off('SIGHUP', hangUp);
    clearInterval(addressCheck);
    sockets.close();
  }
}

/** The file with the names of the ruleset that was installed last: they may change, and what was there has to go. */
function installedPath({ runDir }: ResolvedConfig): string {
  return join(runDir, 'ruleset');
}

function installedRuleset(config: ResolvedConfig): RulesetName | null {
  const [, table, chain] = /^(\S+) (\S+)\n$/.exec(readOr(installedPath(config), '')) ?? [];
  return table === undefined || chain === undefined ? null : { table, chain };
}

/** The configuration with the current settings of its file; null if they are invalid. */
function reload(before: ResolvedConfig, { initialArguments, readArguments, log }: RunContext): ResolvedConfig | null {
  if (initialArguments.path === null) {
    log.info('SIGHUP: there is no --config to read again; looking again for the ports that the router needs');
    return before;
  }
  const config = reloadConfig<Config>(
    initialArguments,
    readArguments,
    (args) => {
      const parsed = parseConfig(args);
      return parsed.kind === 'config'
        ? { ok: parsed.config }
        : { complaints: parsed.kind === 'help' ? [] : parsed.lines };
    },
    log,
  );
  return config === null ? null : withReloaded(before, config);
}

/** Write the configuration file of the daemons, with the ports that the router needs itself as reserved. */
function writeDaemonConfig(config: ResolvedConfig, lans: readonly Lan[], log: Log): void {
  const inUse = portsInUse(lans);
  if (withoutPorts(config.allowedPorts, [...config.deniedPorts, ...config.reservedPorts, ...inUse]).length === 0) {
    throw new Failure(EXIT.usage, '--allowed-ports: the router needs all of these itself: name others');
  }
  if (inUse.length > 0)
    log.info({ ports: inUse.map(formatPortRange) }, 'the router needs these itself: they are never mapped');
  const path = daemonConfigPath(config);
  // Renamed, so that a daemon never reads half a file.
  writeFileSync(`${path}.new`, daemonConfig(config, inUse), { mode: 0o644 });
  chmodSync(`${path}.new`, 0o644);
  renameSync(`${path}.new`, path);
}

/** Once: the port stays ours while the sockets of the daemons are opened again. */
function openMetrics(config: ResolvedConfig, { metricsFd }: RunContext): { close(): void } | null {
  if (config.metricsListen === null) return null;
  const { address, port } = config.metricsListen;
  return startMetricsProxy(metricsFd ?? openTcpListener(address, port, '--metrics-listen'), metricsSocket(config));
}

function metricsUrl({ address, port }: MetricsAddress): string {
  return `http://${formatIpv4(address)}:${port}/metrics`;
}

function daemonSpec(
  role: Role,
  config: ResolvedConfig,
  lans: readonly Lan[],
  identities: Identities | null,
  programs: ProgramFiles,
  isolation: Isolation,
  sockets: DaemonSockets,
  { loopbackFd }: RunContext,
): DaemonSpec {
  const loopback = role === 'frontend' && loopbackFd !== null ? [{ name: 'natpmp', fd: loopbackFd }] : [];
  const passedFds = [...sockets.fds[role], ...loopback];
  const identity = identities?.[role] ?? null;
  const command = commandLine({
    role,
    identity,
    node: programs.node,
    script: join(programs.dist, role, 'main.js'),
    args:
      role === 'frontend' ? frontendArgs(config, lans) : helperArgs(config, lans, bootId(), process.getuid?.() ?? 0),
    binds: programs.binds,
    root: isolation.roots?.[role] ?? null,
    maxTasks: identity === null ? null : maxTasks(identity.uid),
    ownNetwork: isolation.network,
    jit: config.jit,
    nodeMajor: Number.parseInt(process.versions.node, 10),
  });
  return { role, start: () => startDaemon(command, passedFds, isolation.processes) };
}
