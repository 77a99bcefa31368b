// From a configuration to a running gateway: check, open, install, start, watch. All checks come before the first
// change.

import { parseLan } from '../../config/lans.js';
import { chmodSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Arguments, ArgumentsOrErrors } from '../../config/types.js';
import { reloadConfig } from '../../config/reload.js';
import type { Lan } from '../../proto/mapping.js';
import { formatLan } from '../../config/format.js';
import { formatIpv4, withoutPorts } from '../../proto/mapping.js';
import { EXIT, Failure, messageOf } from '../host/failure.js';
import { altnameText, findListenInterfaces } from '../host/interfaces.js';
import type { Log } from '../host/log.js';
import { bootId, deviceId, kernelSetting, readOr } from '../host/machine.js';
import type { PortsInUse } from '../host/ports-in-use.js';
import { checkCapabilities, checkPrograms, effectiveCapabilities } from '../host/programs.js';
import { checkRuleset, installRuleset, rulesetHere } from '../host/ruleset.js';
import type { RulesetName } from '../host/ruleset-plan.js';
import type { Config, MetricsAddress, ResolvedConfig } from './config.js';
import { parseConfig } from './config.js';
import type { Role } from './role.js';
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
  upnpArgs,
  upnpMetricsSocket,
  withReloaded,
} from './daemon-config.js';
import { DaemonSockets } from './daemon-sockets.js';
import { startDaemon } from './daemon-process.js';
import type { ProgramFiles } from './folders.js';
import { makeReachable, ownFiles, prepareRunDir, prepareStateDir } from './folders.js';
import type { Isolation } from './isolation.js';
import { maxTasks, prepareIsolation } from './isolation.js';
import { warnAboutKernel } from './kernel-warnings.js';
import { missingLog, missingOutsideLog, watchLans } from './lan-watch.js';
import { dropUnneededCapabilities } from './launcher-capabilities.js';
import { startMetricsProxy } from './metrics-proxy.js';
import { warnOfOtherGateways } from './other-gateways.js';
import { PortWatch } from './port-watch.js';
import { openTcpListener } from './sockets.js';
import type { DaemonSpec, Supervision } from './supervise.js';
import { supervise, WATCHDOG_MS } from './supervise.js';
import type { Identities } from './users.js';
import { chooseUsers } from './users.js';

export interface RunContext {
  readonly log: Log;
  /** Resolves when the launcher has to stop. */
  readonly stopped: Promise<'stop'>;
  /** In the sandbox: a UDP socket of the host, on its loopback address. */
  readonly loopbackFd: number | null;
  /** In the sandbox: sockets of the host for metrics. */
  readonly metricsFds: Readonly<Record<'frontend' | 'upnp', number | null>>;
  /** The arguments that the configuration was read from. */
  readonly initialArguments: Arguments;
  /** The same, with the current content of the configuration file. */
  readArguments(): ArgumentsOrErrors;
  /** The daemons are ready. */
  onReady?(): void;
}

/** The folder of the compiled frontend/, helper/, upnp/ and cli/. */
const DIST = join(import.meta.dirname, '../..');
/** RFC 6886 §3. */
const PORT = 5351;
/** The LAN of clients on the host's loopback: all of 127/8, with a router's address that no client has. */
const LOOPBACK_LAN = parseLan('127.255.255.254/8') as Lan;
const ADDRESS_CHECK_MS = 3000;
/** Between two attempts to have ports of UPnP that another program has. */
const UPNP_PORTS_MS = 2000;

/** Run until `stopped` resolves; resolves with the exit status. A Failure says why it could not start. */
export async function runGateway(configured: ResolvedConfig, context: RunContext): Promise<number> {
  const { log } = context;
  const config = withIpv6Here(configured, log);
  checkCapabilities();
  checkPrograms(['nft', 'setpriv', 'sh']);
  checkNames(config);
  const identities = chooseUsers(config.users, log);
  warnAboutKernel(config, log);
  if (config.upnp) warnOfOtherGateways(log);
  const sockets = new DaemonSockets(config);
  const ports = PortWatch.open(config, log);
  const [reportLans, reportOutside] = [missingLog(config.listenInterfaces, log), missingOutsideLog(config, log)];
  const reportMissing = (): void => {
    reportOutside();
    reportLans();
  };
  const metrics = openMetrics(config, context);
  try {
    const start = await firstLans(config, sockets, reportMissing, context);
    if (start === 'stop') return 0;
    const end = await serve({ config }, sockets, reportMissing, identities, ports, context);
    return end === 'stop' ? 0 : end;
  } finally {
    for (const proxy of metrics) proxy.close();
    ports.close();
    sockets.close();
  }
}

/** An interface by its altname would be waited for until the end. */
function checkNames({ externalInterface, pinholes, pinholeInterface, listenInterfaces }: ResolvedConfig): void {
  const flags = [
    ['--external-interface', externalInterface],
    ...(pinholes ? ([['--pinhole-interface', pinholeInterface]] as const) : []),
    ...listenInterfaces.map((name) => ['--listen-interface', name] as const),
  ] as const;
  for (const [flag, name] of flags) {
    const text = altnameText(name);
    if (text !== null) throw new Failure(EXIT.usage, `${flag} ${text}`);
  }
}

/**
 * Without IPv6 nothing is done for pinholes. IPv6 that is turned off may be turned on at any time: then all is there.
 */
function withIpv6Here(config: ResolvedConfig, log: Log): ResolvedConfig {
  if (!config.pinholes) return config;
  if (readOr('/proc/net/if_inet6', null) === null) {
    log.info('this kernel has no IPv6: no pinholes');
    return { ...config, pinholes: false };
  }
  if (kernelSetting('net/ipv6/conf/all/disable_ipv6') === '1')
    log.info('IPv6 is turned off (net.ipv6.conf.all.disable_ipv6): no pinholes until it is on');
  return config;
}

/** Open the sockets of the LAN interfaces that there are; wait for one if there is none. */
async function firstLans(
  config: ResolvedConfig,
  sockets: DaemonSockets,
  reportMissing: () => void,
  context: RunContext,
): Promise<'open' | 'stop'> {
  reportMissing();
  const port = listenPort(config, context);
  if (sockets.openLans(findListenInterfaces(config.listenInterfaces), port)) return 'open';
  let stopWatch = (): void => {};
  const opened = new Promise<'open'>((resolve, reject) => {
    stopWatch = watchLans(() => {
      reportMissing();
      try {
        if (sockets.openLans(findListenInterfaces(config.listenInterfaces), port)) resolve('open');
      } catch (error) {
        reject(error as Error);
      }
    });
  });
  try {
    return await Promise.race([opened, context.stopped]);
  } finally {
    stopWatch();
  }
}

/** The port of requests. In the sandbox the one given is that of the host's loopback address. */
function listenPort(config: Config, { loopbackFd }: RunContext): number {
  return loopbackFd === null ? config.listenPort : PORT;
}

/** The networks of the LAN interfaces, as they are now. */
function currentLans(config: Config): readonly Lan[] {
  return findListenInterfaces(config.listenInterfaces).flatMap((one) => one.lans);
}

/** Serve until something ends it. */
async function serve(
  inForce: { config: ResolvedConfig },
  sockets: DaemonSockets,
  reportMissing: () => void,
  identities: Identities | null,
  ports: PortWatch,
  context: RunContext,
): Promise<'stop' | number> {
  const { log, loopbackFd } = context;
  const { config } = inForce;
  const port = listenPort(config, context);
  let hangUp = (): void => {};
  let stopWatch = (): void => {};
  let addressCheck: NodeJS.Timeout | undefined;
  let upnpCheck: NodeJS.Timeout | undefined;
  try {
    const wanted = () => rulesetHere(rulesetConfig(inForce.config, port));
    const name = { table: config.natTable, chain: config.natChain };
    sockets.openNetlink();
    checkRuleset(name, wanted(), installedRuleset(config));
    prepareRunDir(config.runDir);
    await sockets.openFiles(config, process.getuid?.() ?? 0, identities?.frontend.gid ?? process.getgid?.() ?? 0);
    const missingState = () => prepareStateDir(config.stateDir, identities?.helper ?? null);
    missingState(); // a Failure, if waiting does not help, comes before the first change
    const programs =
      identities === null ? ownFiles(process.execPath, DIST) : makeReachable(process.execPath, DIST, config.runDir);
    // It takes as long as the installation of the ruleset, and runs beside it.
    const preparing = prepareIsolation(config, programs, identities, log);
    checkAllowedPorts(config, ports.look());
    writeDaemonConfig(config, ports);
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
    dropUnneededCapabilities(effectiveCapabilities());

    // In the sandbox, whose addresses do not change, hosts of the loopback socket are told by their address alone.
    const restricted = loopbackFd === null ? [] : [...currentLans(config), LOOPBACK_LAN];
    const roles = ['helper', 'frontend', ...(config.upnp ? (['upnp'] as const) : [])] as const;
    const daemons = roles.map((role) => ({
      ...daemonSpec(role, config, restricted, identities, programs, isolation, sockets, context),
      ...(role === 'helper' ? { missing: missingState } : {}),
      ...(role === 'upnp' ? { missing: () => sockets.missingForUpnp, isOptional: true } : {}),
    }));
    const follow = (): void => {
      if (wanted() === current) return;
      try {
        install(false);
      } catch (error) {
        log.warn({ why: messageOf(error) }, 'the ruleset stays as it was');
      }
    };
    // Whether the address of --external-address is this router's shows in the ruleset, and may change at any time.
    if (config.externalAddress !== null) addressCheck = setInterval(follow, ADDRESS_CHECK_MS);
    const running = supervise(daemons, {
      log,
      nowMs: () => performance.now(),
      reinstallRuleset: async () => install(true),
      watchdogMs: WATCHDOG_MS,
    });
    stopWatch = watchLans(lanUpdate(config, sockets, port, { reportMissing, running, log }));
    if (config.upnp) upnpCheck = setInterval(upnpPorts(sockets, running, log), UPNP_PORTS_MS);
    running.ready.then(() => {
      log.info(
        {
          lan: currentLans(config).map(formatLan),
          port: config.listenPort,
          external: config.externalInterface,
          table: config.natTable,
          helperSocket: helperSocket(config),
          adminSocket: adminSocket(config),
          ...(config.metricsListen === null ? {} : { metrics: metricsUrl(config.metricsListen) }),
          ...(sockets.hasUpnp ? { upnpPort: config.upnpPort } : {}),
          ...(config.upnpMetricsListen === null ? {} : { upnpMetrics: metricsUrl(config.upnpMetricsListen) }),
        },
        'serving',
      );
      context.onReady?.();
    });
    hangUp = () => {
      const next = reload(inForce.config, context);
      if (next === null) return;
      try {
        ports.look();
        writeDaemonConfig(next, ports);
      } catch (error) {
        return log.error({ why: messageOf(error) }, 'not reloaded: the configuration stays as it was');
      }
      inForce.config = next;
      follow(); // --allowed-ports is in it
      log.level = next.logLevel;
      running.reload();
    };
    process.on('SIGHUP', hangUp);
    ports.start(() => {
      writeDaemonConfig(inForce.config, ports);
      running.reload();
    });
    const end = await Promise.race([context.stopped, running.givenUp]);
    stopWatch();
    stopWatch = () => {};
    await running.stop();
    return end;
  } finally {
    ports.stop();
    process.off('SIGHUP', hangUp);
    clearInterval(addressCheck);
    clearInterval(upnpCheck);
    stopWatch();
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

/**
 * Take up what has changed in the LANs. An address needs nothing: the socket is the interface's. An interface that was
 * created, or created again, needs sockets of its own, and so a start of the frontend, which loses nothing: the helper
 * has the leases.
 */
function lanUpdate(
  config: ResolvedConfig,
  sockets: DaemonSockets,
  port: number,
  { reportMissing, running, log }: { reportMissing(): void; running: Supervision; log: Log },
): () => void {
  let lans = JSON.stringify(currentLans(config));
  let trouble = '';
  return () => {
    reportMissing();
    try {
      const now = JSON.stringify(currentLans(config));
      if (now !== lans) log.info({ lan: currentLans(config).map(formatLan) }, 'the addresses of the LANs have changed');
      lans = now;
      if (sockets.openLans(findListenInterfaces(config.listenInterfaces), port)) {
        log.warn({ lan: config.listenInterfaces }, 'a LAN interface was created: starting the frontend again');
        running.restart('frontend');
        running.restart('upnp');
      }
      trouble = '';
    } catch (error) {
      // Another program may have been faster, and may end again: this is tried again at the next check.
      if (messageOf(error) !== trouble) log.error({ why: messageOf(error) }, 'a LAN is not served; trying again');
      trouble = messageOf(error);
    }
  };
}

/** Have the ports of UPnP as soon as other programs leave them. Only what is told while some LANs are served is new. */
function upnpPorts(sockets: DaemonSockets, running: Supervision, log: Log): () => void {
  let trouble: string | null = null;
  return () => {
    const isNew = sockets.reopenUpnp();
    if (isNew) {
      log.info('the ports of UPnP are free: serving it');
      running.restart('upnp');
    }
    const why = sockets.hasUpnp ? sockets.upnpTrouble : null;
    if (why !== null && why !== trouble) log.warn({ why }, 'a LAN is not served by UPnP; trying again');
    trouble = why;
  };
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

/** A Failure if the administrator's own services and forwards leave no port; those of users may come and go. */
function checkAllowedPorts(config: Config, { ofAdministrator }: PortsInUse): void {
  const taken = [...config.deniedPorts, ...config.reservedPorts, ...ofAdministrator.ranges()];
  if (withoutPorts(config.allowedPorts, taken).length === 0)
    throw new Failure(EXIT.usage, '--allowed-ports: the router needs all of these itself: name others');
}

/** Write the configuration file of the daemons, with the ports that the router needs itself as reserved. */
function writeDaemonConfig(config: ResolvedConfig, ports: PortWatch): void {
  const path = daemonConfigPath(config);
  // Renamed, so that a daemon never reads half a file.
  writeFileSync(`${path}.new`, daemonConfig(config, ports.ranges), { mode: 0o644 });
  chmodSync(`${path}.new`, 0o644);
  renameSync(`${path}.new`, path);
}

/** Once: the ports stay ours while the sockets of the daemons are opened again. */
function openMetrics(config: ResolvedConfig, { metricsFds }: RunContext): readonly { close(): void }[] {
  const wanted = [
    { listen: config.metricsListen, flag: '--metrics-listen', fd: metricsFds.frontend, path: metricsSocket(config) },
    {
      listen: config.upnpMetricsListen,
      flag: '--upnp-metrics-listen',
      fd: metricsFds.upnp,
      path: upnpMetricsSocket(config),
    },
  ];
  return wanted.flatMap(({ listen, flag, fd, path }) =>
    listen === null ? [] : [startMetricsProxy(fd ?? openTcpListener(listen.address, listen.port, flag), path)],
  );
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
  const identity = identities?.[role] ?? null;
  const command = commandLine({
    role,
    identity,
    node: programs.node,
    script: join(programs.dist, role, 'main.js'),
    args: argsOf(role, config, lans, loopbackFd !== null),
    binds: programs.binds,
    root: isolation.roots?.[role] ?? null,
    maxTasks: identity === null ? null : maxTasks(identity.uid),
    ownNetwork: isolation.network,
    jit: config.jit,
    nodeMajor: Number.parseInt(process.versions.node, 10),
  });
  return { role, start: () => startDaemon(command, [...sockets.fds(role), ...loopback], isolation.processes) };
}

function argsOf(role: Role, config: ResolvedConfig, lans: readonly Lan[], hasLoopback: boolean): readonly string[] {
  switch (role) {
    case 'frontend':
      return frontendArgs(config, lans);
    case 'helper':
      return helperArgs(config, hasLoopback, bootId(), process.getuid?.() ?? 0);
    case 'upnp':
      return upnpArgs(config, deviceId());
  }
}
