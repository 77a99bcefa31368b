#!/usr/bin/env node
// natpmp-frontend: flags, inherited sockets, signals. Runs without any privilege and opens no socket of its own except
// the connection to the helper.

import { readFileSync, readSync, writeSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { pino } from 'pino';
import type { Logger } from 'pino';
import { connectHelper } from '../proto/client.js';
import { bootClock } from '../proto/clock.js';
import { listenFds } from '../proto/handover.js';
import type { RouteSocket } from './address.js';
import { AddressWatch, POLL_MS } from './address.js';
import type { Config, Flags } from './config.js';
import { DEFAULTS, LOG_LEVELS, parseConfig } from './config.js';
import type { RunningGateway } from './gateway.js';
import { startGateway } from './gateway.js';
import { serve } from './serve.js';

const EXIT = { STOPPED: 0, USAGE: 2, DEFECT: 70 } as const;
const SUMMARY_MS = 60_000;
/** How long requests wait for the helper when we start. Without it there is no answer to give (frontend/answer.ts). */
const HELPER_MS = 3000;
const O_NONBLOCK = 0o4000;
const HANDED_OVER = 'sockets are handed over: start natpmp-server, or the systemd socket units, instead';

function parseFlags(argv: readonly string[]): Flags & { readonly check?: boolean } {
  const list = (value: string, before: string[] = []): string[] => [...before, value];
  const program = new Command('natpmp-frontend')
    .description(
      'The unprivileged half of natpmp-server: answers NAT-PMP (RFC 6886) requests from the LAN and asks '
      + 'natpmp-helper for the mappings. Usually started by natpmp-server or by systemd, which hand it its sockets '
      + '(LISTEN_FDNAMES): "natpmp" for each LAN address, "route", and, optionally, "notify".')
    .option('--external-interface <name>', 'interface towards the Internet; its address is the external address')
    .option('--lan <address/length>', "the router's own address in a LAN that may ask; repeatable", list)
    .option('--helper-socket <path>', `where natpmp-helper listens (default: ${DEFAULTS.helperSocket})`)
    .option('--max-mappings-per-ip <count>', `mappings one host may hold (default: ${DEFAULTS.maxMappingsPerIp})`)
    .option('--default-lifetime <seconds>',
      `lifetime for who asks for "forever" (default: ${DEFAULTS.defaultLifetime}, or --max-lifetime if lower)`)
    .option('--max-lifetime <seconds>', `longest lifetime granted (default: ${DEFAULTS.maxLifetime})`)
    .option('--allowed-ports <from-to>',
      `external ports to give out; repeatable (default: ${DEFAULTS.allowedPorts})`, list)
    .option('--external-address <address>', 'report this address instead of the one of --external-interface')
    .option('--log-level <level>', `one of ${LOG_LEVELS.join(', ')} (default: ${DEFAULTS.logLevel})`)
    .option('--check', 'say whether these flags can be used, and do nothing')
    .allowExcessArguments(false)
    .exitOverride();
  try {
    return program.parse(argv).opts();
  } catch (error) {
    process.exit(error instanceof CommanderError && error.exitCode === 0 ? EXIT.STOPPED : EXIT.USAGE);
  }
}

function usageError(complaints: readonly string[]): never {
  for (const complaint of complaints) process.stderr.write(`natpmp-frontend: ${complaint}\n`);
  process.exit(EXIT.USAGE);
}

interface Handover {
  readonly natpmp: readonly number[];
  /** Null where the external address is fixed. */
  readonly route: number | null;
  readonly notify: number | null;
}

function receiveSockets(config: Config): Handover {
  const fds = listenFds(process.env, process.pid);
  const natpmp = fds.get('natpmp') ?? [];
  if (natpmp.length === 0) usageError([`no file descriptor named "natpmp": ${HANDED_OVER}`]);
  const notify = fds.get('notify')?.[0] ?? null;
  if (config.externalAddress !== null) return { natpmp, route: null, notify };
  const route = fds.get('route')?.[0];
  if (route === undefined) usageError([`no file descriptor named "route" (nor --external-address): ${HANDED_OVER}`]);
  // One blocking read would stop everything, and Node can not make an inherited socket non-blocking.
  const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${route}`, 'latin1'))?.[1];
  if ((parseInt(flags ?? '0', 8) & O_NONBLOCK) === 0) {
    usageError(['file descriptor "route" is blocking: set NonBlocking=yes in the systemd service']);
  }
  return { natpmp, route, notify };
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

/** The external address, now and from now on. */
function watchAddress(route: number | null, config: Config, gateway: RunningGateway): void {
  if (route === null || config.externalInterface === null) {
    gateway.addressChanged(config.externalAddress);
    return;
  }
  const watch = new AddressWatch(routeSocket(route), config.externalInterface, gateway.addressChanged);
  watch.poll();
  if (watch.address === null) gateway.addressChanged(null); // so that the log says it once
  setInterval(() => watch.poll(), POLL_MS);
}

/**
 * Resolves when the helper has told its table, or is late. What LAN hosts have asked meanwhile, or while another of us was
 * restarted, waits in the sockets; read before, it would have to be dropped.
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
  const report = (): void => {
    const counts = gateway.counters.report();
    if (counts !== null) log.info({ counts }, 'datagrams so far');
  };
  const stop = (signal: string): void => {
    report();
    log.info({ signal }, 'stopped');
    process.exit(EXIT.STOPPED);
  };
  setInterval(report, SUMMARY_MS);
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('SIGHUP', () => log.warn('SIGHUP: nothing is reloaded; restart to change flags'));
}

async function main(): Promise<void> {
  const flags = parseFlags(process.argv);
  const config = parseConfig(flags);
  if ('length' in config) usageError(config);
  if (flags.check === true) return;
  const sockets = receiveSockets(config);
  const stdout = pino.destination({ dest: 1, sync: true });
  const log = pino({ base: { name: 'natpmp-frontend' }, level: config.logLevel }, stdout);
  const die = (error: unknown): void => {
    log.fatal({ err: error }, 'defect');
    process.exit(EXIT.DEFECT);
  };
  process.on('uncaughtException', die);
  process.on('unhandledRejection', die);

  let announce: (announcement: Uint8Array) => void = () => {};
  const clock = bootClock();
  const gateway = startGateway({
    config, log, clock,
    random: Math.random,
    schedule(delayMs, run) {
      const timer = setTimeout(run, delayMs);
      return () => clearTimeout(timer);
    },
    connect: (listener) => connectHelper(config.helperSocket, listener),
    announce: (announcement) => announce(announcement),
  });
  await meetHelper(gateway, clock);
  let defects = 0;
  const service = await serve(sockets.natpmp, {
    answer: gateway.answer,
    counters: gateway.counters,
    defect(error) {
      // The first is for the developers; more could be made by the thousand.
      if (defects++ === 0) log.error({ err: error }, 'a datagram met a defect');
    },
  });
  announce = service.announce;
  handleSignals(log, gateway);
  watchAddress(sockets.route, config, gateway);
  notifySupervisor(sockets.notify);
  log.info({ sockets: sockets.natpmp.length, lans: config.lans.length }, 'serving');
}

await main();
