#!/usr/bin/env node
// natpmp-frontend: flags, inherited sockets, signals. Runs without any privilege and opens no socket of its own except
// the connection to the helper.

import { fstatSync, readFileSync, readSync, writeSync } from 'node:fs';
import type { Logger } from 'pino';
import { connectHelper } from '../proto/client.js';
import type { BootClock } from '../proto/clock.js';
import { bootClock, stopwatch } from '../proto/clock.js';
import { withConfigFile } from '../config/file.js';
import { nearestSetting } from '../config/nearest.js';
import { errorMark } from '../process/syslog-prefix.js';
import { listenFds } from '../process/listen-fds.js';
import { Histogram, SECONDS_BOUNDS } from '../proto/histogram.js';
import { createLog } from '../process/log.js';
import type { Validated } from '../config/reload.js';
import { judged, reloadConfig } from '../config/reload.js';
import { EarliestTimer, onReadable } from '../process/poll.js';
import type { RouteSocket } from './route/address.js';
import { AddressWatch } from './route/address.js';
import type { Config } from './config.js';
import { readConfig } from './flags.js';
import type { RunningGateway } from './gateway.js';
import { startGateway } from './gateway.js';
import { Neighbours } from './route/neighbours.js';
import { serve } from './serve.js';
import { sumUp } from './refusal-log.js';

const EXIT = { STOPPED: 0, USAGE: 2, DEFECT: 70 } as const;
/** How long requests wait for the helper when we start. Without it there is no answer to give (frontend/answer.ts). */
const HELPER_MS = 3000;
/** How long to rest between two looks at the external address, in milliseconds: what changes comes in bursts. */
const REST_MS = 200;
const O_NONBLOCK = 0o4000;
const HANDED_OVER = 'sockets are handed over: start natpmp-server, or the systemd socket units, instead';

function usageError(complaints: readonly string[]): never {
  const mark = errorMark(process.env['JOURNAL_STREAM'], fstatSync(2));
  for (const complaint of complaints) process.stderr.write(`${mark}natpmp-frontend: ${complaint}\n`);
  process.exit(EXIT.USAGE);
}

function accepted<T>(judgement: Validated<T>): T {
  return 'ok' in judgement ? judgement.ok : usageError(judgement.complaints);
}

interface Handover {
  readonly natpmp: readonly number[];
  /** May be null where the external address is fixed. */
  readonly route: number | null;
  /** A listening socket on a loopback address, where metrics are wanted. */
  readonly metrics: number | null;
  readonly notify: number | null;
}

function receiveSockets(config: Config): Handover {
  const fds = listenFds(process.env, process.pid);
  const natpmp = fds.get('natpmp') ?? [];
  if (natpmp.length === 0) usageError([`no file descriptor named "natpmp": ${HANDED_OVER}`]);
  const [metrics = null] = fds.get('metrics') ?? [];
  const [notify = null] = fds.get('notify') ?? [];
  const route = fds.get('route')?.[0];
  if (route === undefined && config.externalAddress !== null) return { natpmp, route: null, metrics, notify };
  if (route === undefined) usageError([`no file descriptor named "route" (nor --external-address): ${HANDED_OVER}`]);
  // One blocking read would stop everything, and Node can not make an inherited socket non-blocking.
  const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${route}`, 'latin1'))?.[1];
  if ((parseInt(flags ?? '0', 8) & O_NONBLOCK) === 0) {
    usageError(['file descriptor "route" is blocking: set NonBlocking=yes in the systemd service']);
  }
  return { natpmp, route, metrics, notify };
}

function routeSocket(fd: number): RouteSocket {
  return {
    write: (message) => void writeSync(fd, message),
    read(into) {
      try {
        return readSync(fd, into) || 'empty';
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'EAGAIN') return 'empty';
        if (code === 'ENOBUFS') return 'overrun';
        throw error;
      }
    },
  };
}

/** The external address, now and from now on; null where it is fixed. */
function watchAddress(
  fd: number | null,
  config: Config,
  gateway: RunningGateway,
  clock: BootClock,
): AddressWatch | null {
  if (config.externalAddress !== null || fd === null || config.externalInterface === null) {
    gateway.addressChanged(config.externalAddress);
    return null;
  }
  const alarm = new EarliestTimer(() => watch.poll(), clock);
  const watch = new AddressWatch(routeSocket(fd), config.externalInterface, gateway.addressChanged, () =>
    alarm.within(REST_MS),
  );
  watch.poll();
  onReadable(fd, REST_MS, () => watch.poll());
  if (watch.address === null) gateway.addressChanged(null); // so that the log says it once
  return watch;
}

/**
 * Resolves when the helper has told its table, or is late. What LAN hosts have asked meanwhile, or while another of us
 * was restarted, waits in the sockets; read before, it would have to be dropped.
 */
async function meetHelper(gateway: RunningGateway, now: () => number): Promise<void> {
  const endMs = now() + HELPER_MS;
  while (!gateway.situation.isHelperReady && now() < endMs) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** sd_notify(3): ready now, alive from now on. */
function notifySupervisor(fd: number | null): void {
  if (fd === null) return;
  writeSync(fd, 'READY=1\n');
  const watchdogMs = Number(process.env['WATCHDOG_USEC'] ?? '0') / 1000;
  if (watchdogMs > 0) setInterval(() => writeSync(fd, 'WATCHDOG=1\n'), watchdogMs / 2);
}

function handleSignals(log: Logger, gateway: RunningGateway): void {
  const stop = (signal: string): void => {
    log.info({ signal, counts: gateway.counters.totals() }, 'stopped');
    process.exit(EXIT.STOPPED);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

const ARGS = process.argv.slice(2);
const readArguments = () =>
  withConfigFile(ARGS, 'natpmp-frontend', (path) => readFileSync(path, 'utf8'), nearestSetting);

/** Where a rule by hardware address can be followed only with a socket that is not there. */
function followable<T extends Config>(judgement: Validated<T>, hasRoute: boolean): Validated<T> {
  if (!('ok' in judgement) || hasRoute || !judgement.ok.rules.some(({ who }) => who.kind === 'mac')) return judgement;
  return { complaints: [`--rule: a hardware address needs the file descriptor "route": ${HANDED_OVER}`] };
}

function schedule(delayMs: number, run: () => void): () => void {
  const timer = setTimeout(run, delayMs);
  return () => clearTimeout(timer);
}

/** That of package.json, which lies above us wherever we are installed: it makes us modules. */
function version(): string {
  return (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string })
    .version;
}

async function main(): Promise<void> {
  // Whoever is told to reload before there is anything to reload must not die of it.
  let hangUp = (): void => {};
  process.on('SIGHUP', () => hangUp());
  const from = readArguments();
  if ('complaints' in from) usageError(from.complaints);
  const config = accepted(judged(from, readConfig));
  if (config.check) return;
  const sockets = receiveSockets(config);
  accepted(followable({ ok: config }, sockets.route !== null));
  const log = createLog({ name: 'natpmp-frontend' }, config.logLevel, process.env['JOURNAL_STREAM'], fstatSync(1));
  const die = (error: unknown): void => {
    log.fatal({ err: error }, 'defect');
    process.exit(EXIT.DEFECT);
  };
  process.on('uncaughtException', die);
  process.on('unhandledRejection', die);

  let announce: (announcement: Uint8Array) => void = () => {};
  let watch: AddressWatch | null = null;
  const clock = bootClock();
  const route = sockets.route === null ? null : routeSocket(sockets.route);
  const neighbours = route === null ? null : new Neighbours(route, config.lans, () => watch?.noticed());
  const startedAt = clock();
  const latency = new Histogram(SECONDS_BOUNDS);
  const gateway = startGateway({
    config,
    log,
    clock,
    schedule,
    random: Math.random,
    hardwareAddress: (host) => neighbours?.find(host) ?? null,
    connect: (listener) => connectHelper(config.helperSocket, listener),
    announce: (announcement) => announce(announcement),
  });
  hangUp = () => {
    const next = reloadConfig(from, readArguments, (args) => followable(readConfig(args), route !== null), log);
    if (next === null) return;
    // The rest is in use already.
    const { rules, deniedPorts, requirePublicAddress, logLevel } = next;
    gateway.reload({ ...config, rules, deniedPorts, requirePublicAddress });
    log.level = logLevel;
  };
  await meetHelper(gateway, clock);
  let defects = 0;
  const service = await serve(sockets.natpmp, {
    answer: gateway.answer,
    counters: gateway.counters,
    latency,
    stopwatch,
    defect(error) {
      // The first is for the developers; more could be made by the thousand.
      if (defects++ === 0) log.error({ err: error }, 'a datagram met a defect');
    },
  });
  announce = service.announce;
  handleSignals(log, gateway);
  sumUp(gateway.counters, log, schedule);
  if (sockets.metrics !== null) {
    standInForWebAssembly();
    const { startMetrics } = await import('./metrics/start.js');
    await startMetrics(
      sockets.metrics,
      { ...gateway, version: version(), clock, startedAt, memory: process.memoryUsage.rss, latency, schedule },
      log,
    );
  }
  watch = watchAddress(sockets.route, config, gateway, clock);
  notifySupervisor(sockets.notify);
  log.info({ sockets: sockets.natpmp.length, lans: config.lans.length }, 'serving');
}

/**
 * With node:http, Node 22 loads its WebSocket client, and that compiles WebAssembly. Without a JIT there is none, and
 * the rejection, which nobody could handle, would end us. The client is never used: it may wait for ever.
 */
function standInForWebAssembly(): void {
  if (!('WebAssembly' in globalThis))
    Object.assign(globalThis, { WebAssembly: { compile: () => new Promise(() => {}) } });
}

await main();
