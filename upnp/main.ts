#!/usr/bin/env node
// natpmp-upnp: flags, inherited sockets, signals. Runs without any privilege, and opens no socket except the connection to
// the helper.

import { fstatSync } from 'node:fs';
import type { Logger } from 'pino';
import { checkMacRules, exitOnDefect, okOrExit } from '../caller/daemon.js';
import { version } from '../process/version.js';
import type { Binding } from '../caller/datagrams.js';
import type { AddressWatch } from '../caller/route/address.js';
import { LanHosts } from '../caller/route/lan-hosts.js';
import { RouteRequests } from '../caller/route/requests.js';
import { routeSocket } from '../caller/route/socket.js';
import { watchAddress } from '../caller/route/start.js';
import { schedule } from '../caller/schedule.js';
import { withConfigFile } from '../config/file.js';
import { isLanHost } from '../config/lans.js';
import { reloadConfig } from '../config/reload.js';
import type { Validated } from '../config/validate.js';
import { validate } from '../config/validate.js';
import { EXIT } from '../process/exit.js';
import { listenFds } from '../process/listen-fds.js';
import { createLog } from '../process/log.js';
import { notifyReady, notifyStatus } from '../process/notify.js';
import { readRegularFile } from '../process/read-file.js';
import { connectHelper } from '../proto/client.js';
import { bootClock } from '../proto/clock.js';
import type { Ipv4 } from '../proto/mapping.js';
import { TOOL } from '../proto/tools.js';
import { configIdOf, DESCRIPTION_PATH, documentsOf } from './igd/description.js';
import { readConfig } from './flags.js';
import type { RunningGateway } from './gateway.js';
import { startGateway } from './gateway.js';
import { identityOf } from './igd/identity.js';
import { inheritedSockets } from './inherited-sockets.js';
import { deviceReport } from './device-report.js';
import { loadServers } from './load.js';
import { bootIdOf, silentMs } from './ssdp/boot-id.js';
import type { Ssdp } from './ssdp/serve.js';
import { serveSsdp } from './ssdp/serve.js';
import type { SsdpDeps } from './ssdp/types.js';

const NAME = 'natpmp-upnp';
const ARGS = process.argv.slice(2);
/** As in the helper: natpmp-server writes down what it has read, 1 MiB at most, in other words, and the ports in use. */
const MAX_CONFIG_BYTES = 4 << 20;
const readArguments = () => withConfigFile(ARGS, NAME, (path) => readRegularFile(path, MAX_CONFIG_BYTES).toString());
const MACHINE_ID = '/etc/machine-id';
/** How often the addresses of the LANs are looked at, in milliseconds: a new one is announced. */
const LOOK_MS = 10_000;

/** What the UUIDs are derived from: machine-id(5), if nothing else is named. */
function machineId(): Validated<string> {
  try {
    const id = readRegularFile(MACHINE_ID, 64).toString().trim();
    if (/^[0-9a-f]{32}$/.test(id)) return { ok: id };
  } catch {
    // Said below.
  }
  return { complaints: [`--device-id: is required: ${MACHINE_ID} has none that could be used`] };
}

/** Tell the LANs when their addresses change, and what is missing at the start. */
function followAddresses(sockets: readonly Binding<Ipv4>[], lanHosts: LanHosts, ssdp: Ssdp, log: Logger): void {
  const addresses = (): string =>
    JSON.stringify(sockets.map(({ interfaceIndex }) => lanHosts.addresses(interfaceIndex)));
  for (const { interfaceIndex, interfaceName: lan } of sockets)
    if (lanHosts.addresses(interfaceIndex).length === 0)
      log.warn({ lan }, 'this interface has no IPv4 address: nobody can ask there until it has one');
  let known = addresses();
  const look = (): void => {
    const now = addresses();
    if (now !== known) ssdp.announceAlive();
    known = now;
    schedule(LOOK_MS, look);
  };
  schedule(LOOK_MS, look);
}

function exitOnSignal(log: Logger, gateway: RunningGateway, ssdp: Ssdp): void {
  const exit = (signal: string): void => {
    // The datagrams are with the kernel when it returns.
    ssdp.byebye();
    log.info({ signal, counts: gateway.counters.totals() }, 'stopped');
    process.exit(EXIT.success);
  };
  process.on('SIGTERM', exit);
  process.on('SIGINT', exit);
}

/** The documents of all LANs, by keys that are of no matter. */
function documentsOfAll(
  lans: ReadonlyMap<number, { readonly documents: ReadonlyMap<string, string> }>,
): ReadonlyMap<string, string> {
  return new Map(
    [...lans].flatMap(([index, lan]) => [...lan.documents].map(([path, text]) => [`${index} ${path}`, text] as const)),
  );
}

async function main(): Promise<void> {
  // SIGHUP before the start is complete must not end the process.
  let reload = (): void => {};
  process.on('SIGHUP', () => reload());
  const from = readArguments();
  const config = okOrExit(NAME, validate(from, readConfig));
  if (config.check) return;
  const sockets = okOrExit(NAME, inheritedSockets(listenFds(process.env, process.pid), config));
  const deviceId = config.deviceId ?? okOrExit(NAME, machineId());
  const log = createLog({ name: NAME }, config.logLevel, process.env['JOURNAL_STREAM'], fstatSync(1));
  exitOnDefect(log);

  const clock = bootClock();
  const startedAtMs = clock();
  let watch: AddressWatch | null = null;
  const route = routeSocket(sockets.route);
  const requests = new RouteRequests(route, () => watch?.markStale());
  const lanHosts = new LanHosts(requests, clock);
  const isOnLan = (interfaceIndex: number, host: Ipv4): boolean =>
    (config.lans.length === 0 || config.lans.some((lan) => isLanHost(lan, host))) &&
    lanHosts.isHost(interfaceIndex, host);
  const isOwnAddress = (interfaceIndex: number, address: Ipv4): boolean =>
    lanHosts.isOwnAddress(interfaceIndex, address);

  const lans = new Map(
    sockets.ssdp.map(({ interfaceIndex, interfaceName }) => {
      const identity = identityOf(deviceId, interfaceName);
      return [interfaceIndex, { identity, documents: documentsOf(identity, version()) }] as const;
    }),
  );
  const lanOf = (interfaceIndex: number) => {
    const lan = lans.get(interfaceIndex);
    if (lan === undefined) throw new Error(`no LAN of interface ${interfaceIndex}`);
    return lan;
  };

  const gateway = startGateway({
    config,
    log,
    clock,
    schedule,
    hardwareAddress: (interfaceIndex, host) => requests.hardwareAddress(interfaceIndex, host),
    identity: (interfaceIndex) => lanOf(interfaceIndex).identity,
    connect: (listener) => connectHelper(config.helperSocket, listener),
    setStatus: (status) => notifyStatus(sockets.notify, status),
  });
  reload = () => {
    const next = reloadConfig(from, readArguments, (args) => checkMacRules(readConfig(args), true), log);
    if (next === null) return;
    // The other settings need a restart.
    const { rules, deniedPorts, requirePublicAddress, logLevel } = next;
    gateway.reload({ ...config, rules, deniedPorts, requirePublicAddress });
    log.level = logLevel;
  };

  const { counters } = gateway;
  const countProcess = counters.of('process');
  const onDefect = (error: unknown): void => {
    // Log only the first: the LAN might cause thousands.
    if (counters.get('process', 'defect') === 0) log.error({ err: error }, 'a request met a defect');
    countProcess('defect');
  };
  const serverHeader = `Linux UPnP/1.1 natpmp-server/${version()}`;
  const httpPort = sockets.http[0]?.port ?? 0;
  // Before anybody is answered: a client that is told that there is no address gives up.
  if (config.externalAddress !== null || config.externalInterface === null)
    gateway.addressChanged(config.externalAddress);
  else watch = watchAddress(sockets.route, route, config.externalInterface, gateway.addressChanged, clock);
  const document = (interfaceIndex: number, path: string): string | null =>
    lanOf(interfaceIndex).documents.get(path) ?? null;
  const ssdpDeps: SsdpDeps = {
    lans,
    httpPort,
    descriptionPath: DESCRIPTION_PATH,
    serverHeader,
    bootId: bootIdOf(performance.timeOrigin),
    configId: configIdOf(documentsOfAll(lans)),
    lookUp: (interfaceIndex, hosts) => lanHosts.lookUp(interfaceIndex, hosts),
    isLanHost: isOnLan,
    isOwnAddress,
    addresses: (interfaceIndex) => lanHosts.addresses(interfaceIndex),
    isResolved: (interfaceIndex, host) => lanHosts.isResolved(interfaceIndex, host),
    clock,
    schedule,
    random: Math.random,
    count: counters.of('ssdp'),
    onDefect,
  };
  let ssdp: Ssdp | null = null;
  const reportDeps = {
    lans: sockets.ssdp,
    ssdp: ssdpDeps,
    document,
    control: gateway.ownControl,
    isJoined: (interfaceIndex: number) => ssdp?.isJoined(interfaceIndex) ?? false,
  };
  await loadServers({
    sockets: sockets.http,
    metrics: sockets.metrics,
    status: sockets.status,
    told: { descriptions: gateway.descriptions, device: () => deviceReport(reportDeps) },
    log,
    snapshot: () => snapshotOf(gateway, (clock() - startedAtMs) / 1000),
    http: {
      port: httpPort,
      isLanHost: isOnLan,
      isOwnAddress,
      mostMappings: gateway.mostMappings,
      document,
      control: gateway.control,
      clock,
      count: counters.of('http'),
      onDefect,
      serverHeader,
    },
  });
  await new Promise<void>((resolve) => void schedule(silentMs(performance.timeOrigin, Date.now()), resolve));
  ssdp = serveSsdp(sockets.ssdp, ssdpDeps);
  exitOnSignal(log, gateway, ssdp);
  followAddresses(sockets.ssdp, lanHosts, ssdp, log);
  notifyReady(sockets.notify, process.env['WATCHDOG_USEC']);
  log.info({ lans: sockets.ssdp.map(({ interfaceName }) => interfaceName), port: httpPort }, 'serving');
}

function snapshotOf({ counters, leases, state, currentAddress }: RunningGateway, uptimeSeconds: number) {
  const mappings = { tcp: 0, udp: 0 };
  for (const lease of leases.leases()) if (lease.tool === TOOL.UPNP) mappings[lease.protocol]++;
  return {
    version: version(),
    uptimeSeconds,
    memoryBytes: process.memoryUsage.rss(),
    counters,
    mappings,
    isHelperReady: state.isHelperReady,
    isConnected: currentAddress() !== null,
  };
}

await main();
