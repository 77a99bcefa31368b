// From a configuration to a running gateway: check, open, install, start, watch. Whatever can be wrong is found out
// before the first thing is changed.

import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import type { Lan } from '../proto/mapping.js';
import { formatLan, parseLan } from '../proto/mapping.js';
import type { Settled } from './arguments.js';
import { adminSocket, frontendArgs, helperArgs, helperSocket, rulesetArgs } from './arguments.js';
import { checkCapabilities, checkPrograms, effectiveCapabilities, hasCapability, PATH } from './checks.js';
import type { Role } from './daemon.js';
import { commandLine } from './daemon.js';
import { EXIT, Failure } from './failure.js';
import type { Programs } from './folders.js';
import { prepareRunDir, prepareStateDir, reachPrograms } from './folders.js';
import { checkExternalInterface, findListenInterfaces } from './interfaces.js';
import type { Log } from './log.js';
import { byLine, readable } from './log.js';
import { Opened } from './open.js';
import { withoutPorts } from './own-ports.js';
import { dropUnneeded } from './privileges.js';
import { checkTable, installRuleset, printRuleset, removeLeftovers } from './ruleset.js';
import type { Charge } from './supervise.js';
import { supervise, WATCHDOG_MS } from './supervise.js';
import { chooseUsers, lansChanged, portsOfTheRouter, readOr, warnAboutKernel } from './surroundings.js';
import type { Identities } from './users.js';

export interface Surroundings {
  readonly log: Log;
  /** Resolves when the launcher is told to stop. */
  readonly stopped: Promise<'stop'>;
  /** In the sandbox: a UDP socket of the host's, on its loopback address. */
  readonly loopback: number | null;
  /** Both daemons are ready. */
  onReady?(): void;
}

/** The folder that frontend/, helper/ and cli/ are in once compiled. */
const DIST = dirname(import.meta.dirname);
/** The clients that come through the host's loopback: all of 127/8, with a router's address that none of them has. */
const LOOPBACK = parseLan('127.255.255.254/8') as Lan;

/** Run until told to stop; resolves with the exit status. A Failure says why it could not start. */
export async function runGateway(config: Settled, around: Surroundings): Promise<number> {
  const { log } = around;
  checkCapabilities();
  checkPrograms(['nft', 'setpriv', 'sh']);
  checkExternalInterface(config.externalInterface);
  const identities = chooseUsers(config.users, log);
  warnAboutKernel(config.hairpin, log);
  for (;;) {
    const end = await serveOnce(config, identities, around);
    if (end !== 'lan') return end === 'stop' ? 0 : end;
    log.warn({ lan: config.listenInterfaces }, 'a LAN interface has changed: opening the sockets anew');
  }
}

/** One round, with the LAN addresses as they are now. */
async function serveOnce(config: Settled, identities: Identities | null, around: Surroundings): Promise<'stop' | 'lan' | number> {
  const { log, loopback } = around;
  const opened = new Opened();
  try {
    const listenInterfaces = findListenInterfaces(config.listenInterfaces);
    const lans = listenInterfaces.flatMap((one) => one.lans);
    const port = loopback === null ? config.listenPort : 5351;
    opened.openNetwork(listenInterfaces, port);
    checkTable(config.natTable);
    prepareRunDir(config.runDir);
    await opened.openFiles(config, process.getuid?.() ?? 0, identities?.frontend.gid ?? process.getgid?.() ?? 0);
    prepareStateDir(config.stateDir, identities?.helper ?? null);
    const programs = identities === null
      ? { node: process.execPath, dist: DIST, binds: [] }
      : reachPrograms(process.execPath, DIST, config.runDir);
    const ruleset = printRuleset([process.execPath, join(DIST, 'helper', 'main.js'), ...rulesetArgs(config, lans, port)]);
    const install = (isBroken: boolean): void => {
      if (installRuleset(config.natTable, ruleset, isBroken)) log.info({ table: config.natTable }, 'ruleset installed');
    };
    install(false);
    for (const table of removeLeftovers(config.natTable)) log.warn({ table }, 'left from before --nat-table was changed: deleted');
    dropUnneeded(effectiveCapabilities());

    const served = loopback === null ? lans : [...lans, LOOPBACK];
    const ours = portsOfTheRouter(lans);
    const spared = { ...config, allowedPorts: withoutPorts(config.allowedPorts, ours) };
    // No flag at all would mean the default range.
    if (spared.allowedPorts.length === 0) throw new Failure(EXIT.flags, '--allowed-ports: the router serves on all of these itself: name others');
    if (ours.length > 0) log.info({ ports: ours }, 'the router serves on these itself: they are never mapped');
    const charges = (['helper', 'frontend'] as const).map((role) => charge(role, spared, served, identities, programs, opened, loopback));
    const watch = lansChanged(listenInterfaces, log);
    const running = supervise(charges, {
      log, now: () => performance.now(), reinstall: async () => install(true), watchdogMs: WATCHDOG_MS,
    });
    running.ready.then(() => {
      log.info({
        lan: lans.map(formatLan), port: config.listenPort, external: config.externalInterface, table: config.natTable,
        helperSocket: helperSocket(config), adminSocket: adminSocket(config),
      }, 'serving');
      around.onReady?.();
    });
    const end = await Promise.race([around.stopped, watch.changed, running.givenUp]);
    watch.stop();
    await running.stop();
    return end;
  } finally {
    opened.close();
  }
}

function charge(role: Role, config: Settled, lans: readonly Lan[], identities: Identities | null, programs: Programs, opened: Opened,
    loopback: number | null): Charge {
  const handed = role === 'frontend' && loopback !== null ? [...opened.fds.frontend, { name: 'natpmp', fd: loopback }] : opened.fds[role];
  const [program = '', ...args] = commandLine({
    role,
    identity: identities?.[role] ?? null,
    node: programs.node,
    script: join(programs.dist, role, 'main.js'),
    args: role === 'frontend' ? frontendArgs(config, lans)
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
      child.stdout?.on('data', byLine((line) => process.stdout.write(`${readable(line)}\n`)));
      return { child, notify: child.stdio[3 + handed.length] as NodeJS.ReadableStream };
    },
  };
}
