#!/usr/bin/env node
// natpmp-frontend: flags, inherited sockets, signals. Runs without any privilege, and opens no socket except the
// connection to the helper.

import { fstatSync } from 'node:fs';
import type { Logger } from 'pino';
import type { Ipv4, Ipv6 } from '../proto/mapping.js';
import { parseIpv4 } from '../proto/mapping.js';
import { connectHelper } from '../proto/client.js';
import { bootClock } from '../proto/clock.js';
import { Histogram, SECONDS_BOUNDS } from '../proto/totals.js';
import { withConfigFile } from '../config/file.js';
import { reloadConfig } from '../config/reload.js';
import { validate } from '../config/validate.js';
import { EXIT } from '../process/exit.js';
import { listenFds } from '../process/listen-fds.js';
import { createLog } from '../process/log.js';
import { notifyReady, notifyStatus } from '../process/notify.js';
import { readRegularFile } from '../process/read-file.js';
import { checkMacRules, exitOnDefect, okOrExit, waitForHelper } from '../caller/daemon.js';
import { version } from '../process/version.js';
import type { Config } from './config.js';
import type { Binding } from '../caller/datagrams.js';
import { IPV4, IPV6 } from '../caller/datagrams.js';
import { readConfig } from './flags.js';
import type { RunningGateway } from './gateway.js';
import { startGateway } from './gateway.js';
import { inheritedSockets } from './inherited-sockets.js';
import { loadMetrics } from './metrics/load.js';
import { logRefusals } from './refusal-log.js';
import type { AddressWatch } from '../caller/route/address.js';
import { isLinkLocal } from '../caller/ipv6-addresses.js';
import { IPV4_RULES_REMEDY, ipv4RulesNotice } from './pcp/ipv4-rules.js';
import { Devices } from '../caller/route/devices.js';
import { LanHosts } from '../caller/route/lan-hosts.js';
import { RouteRequests } from '../caller/route/requests.js';
import { routeSocket } from '../caller/route/socket.js';
import { watchAddress } from '../caller/route/start.js';
import { schedule } from '../caller/schedule.js';
import type { Service } from './serve.js';
import { serve } from './serve.js';
import { ANNOUNCEMENT_GROUP, PORT } from './wire.js';

/** ff02::1: all hosts of a link (RFC 6887 §14.1.3). */
const ALL_NODES: Ipv6 = 'ff020000000000000000000000000001';

const NAME = 'natpmp-frontend';
const ARGS = process.argv.slice(2);
/** As in the helper: natpmp-server writes down what it has read, 1 MiB at most, in other words, and the ports in use. */
const MAX_CONFIG_BYTES = 4 << 20;
const readArguments = () => withConfigFile(ARGS, NAME, (path) => readRegularFile(path, MAX_CONFIG_BYTES).toString());

/** One line for each interface without an address: its socket is open, and serves as soon as there is one. */
function warnOfMissingAddresses(sockets: readonly Binding<Ipv4>[], lanHosts: LanHosts | null, log: Logger): void {
  const names = new Map(sockets.map((socket) => [socket.interfaceIndex, socket.interfaceName]));
  for (const [index, lan] of names) {
    if (index !== 0 && lanHosts?.addresses(index).length === 0)
      log.warn({ lan }, 'this interface has no IPv4 address: nobody can ask there until it has one');
  }
}

/** One line, because an administrator who denies an IPv4 network may think that its hosts open no port at all. */
function warnOfIpv4Rules({ rules }: Config, hasPcp: boolean, log: Logger): void {
  const notice = hasPcp ? ipv4RulesNotice(rules) : null;
  if (notice !== null) log.warn({ remedy: IPV4_RULES_REMEDY }, notice);
}

function exitOnSignal(log: Logger, gateway: RunningGateway): void {
  const exit = (signal: string): void => {
    log.info({ signal, counts: gateway.counters.totals() }, 'stopped');
    process.exit(EXIT.success);
  };
  process.on('SIGTERM', exit);
  process.on('SIGINT', exit);
}

async function main(): Promise<void> {
  // SIGHUP before the start is complete must not end the process.
  let reload = (): void => {};
  process.on('SIGHUP', () => reload());
  const from = readArguments();
  const config = okOrExit(NAME, validate(from, readConfig));
  if (config.check) return;
  const sockets = okOrExit(NAME, inheritedSockets(listenFds(process.env, process.pid), config));
  const hasRoute = sockets.route !== null;
  okOrExit(NAME, checkMacRules({ ok: config }, hasRoute));
  const log = createLog({ name: NAME }, config.logLevel, process.env['JOURNAL_STREAM'], fstatSync(1));
  exitOnDefect(log);

  // These are set below: they need the gateway, and the gateway needs them.
  let service: Service<Ipv4> | null = null;
  let pcpService: Service<Ipv6> | null = null;
  let watch: AddressWatch | null = null;
  const clock = bootClock();
  const startedAtMs = clock();
  const route = sockets.route === null ? null : routeSocket(sockets.route);
  const requests = route === null ? null : new RouteRequests(route, () => watch?.markStale());
  const lanHosts = requests === null ? null : new LanHosts(requests, clock);
  const ipv6Hosts = requests === null || sockets.pcp.length === 0 ? null : new LanHosts<Ipv6>(requests.ipv6, clock);
  const devices = requests === null ? null : new Devices(requests.ipv6, clock);
  const gateway = startGateway({
    config,
    log,
    clock,
    schedule,
    random: Math.random,
    // Without a route socket there is --lan (inheritedSockets).
    isLanHost: (interfaceIndex, host) => lanHosts === null || lanHosts.isHost(interfaceIndex, host),
    hardwareAddress: (interfaceIndex, host) => requests?.hardwareAddress(interfaceIndex, host) ?? null,
    connect: (listener) => connectHelper(config.helperSocket, listener),
    announce: (announcement) => service?.announce(announcement),
    pcp:
      ipv6Hosts === null || devices === null
        ? null
        : {
            isLanHost: (interfaceIndex, host) => ipv6Hosts.isHost(interfaceIndex, host),
            findDevice: (interfaceIndex, host) => devices.find(interfaceIndex, host),
            resolve: (interfaceIndex, host) => pcpService?.probe(interfaceIndex, host),
            announce: (announcement) => pcpService?.announce(announcement),
          },
    setStatus: (status) => notifyStatus(sockets.notify, status),
  });
  reload = () => {
    const next = reloadConfig(from, readArguments, (args) => checkMacRules(readConfig(args), hasRoute), log);
    if (next === null) return;
    // The other settings need a restart.
    const { rules, deniedPorts, defaultLifetime, requirePublicAddress, logLevel } = next;
    gateway.reload({ ...config, rules, deniedPorts, defaultLifetime, requirePublicAddress });
    log.level = logLevel;
    warnOfIpv4Rules(next, sockets.pcp.length > 0, log);
  };
  await waitForHelper(gateway.state, clock);

  const latency = new Histogram(SECONDS_BOUNDS);
  const { answer, answerPcp, counters } = gateway;
  let defects = 0;
  const shared = {
    counters,
    latency,
    stopwatch: () => Number(process.hrtime.bigint()) / 1e9,
    onDefect(error: unknown) {
      // Log only the first: the LAN might cause thousands.
      if (defects++ === 0) log.error({ err: error }, 'a datagram met a defect');
    },
  };
  service = serve<Ipv4>(sockets.natpmp, {
    ...shared,
    family: IPV4,
    group: { address: parseIpv4(ANNOUNCEMENT_GROUP) ?? 0, port: PORT.ANNOUNCEMENT },
    announceFrom: (interfaceIndex) => lanHosts?.addresses(interfaceIndex) ?? [0],
    answer,
    lanHosts,
  });
  if (answerPcp !== null) {
    pcpService = serve<Ipv6>(sockets.pcp, {
      ...shared,
      family: IPV6,
      group: { address: ALL_NODES, port: PORT.ANNOUNCEMENT },
      announceFrom: (interfaceIndex) => ipv6Hosts?.addresses(interfaceIndex).filter(isLinkLocal) ?? [],
      answer: answerPcp,
      lanHosts: ipv6Hosts,
    });
    gateway.announcePcp();
  }
  exitOnSignal(log, gateway);
  logRefusals(counters, log, schedule);
  if (sockets.metrics !== null) {
    const memoryBytes = process.memoryUsage.rss;
    const source = { ...gateway, version: version(), clock, startedAtMs, memoryBytes, latency, schedule };
    await loadMetrics(sockets.metrics, source, log);
  }
  if (config.externalAddress !== null || sockets.route === null || route === null || config.externalInterface === null)
    gateway.addressChanged(config.externalAddress);
  else watch = watchAddress(sockets.route, route, config.externalInterface, gateway.addressChanged, clock);
  notifyReady(sockets.notify, process.env['WATCHDOG_USEC']);
  warnOfMissingAddresses(sockets.natpmp, lanHosts, log);
  warnOfIpv4Rules(config, sockets.pcp.length > 0, log);
  log.info({ sockets: sockets.natpmp.length, pcpSockets: sockets.pcp.length, lans: config.lans.length }, 'serving');
}

await main();
