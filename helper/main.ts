#!/usr/bin/env node
// natpmp-helper: the only program here with CAP_NET_ADMIN. Flags, then sockets, then journal and kernel brought into
// step, then requests. Crash-only: what must not happen ends the process, and every start repairs.

import { writeSync } from 'node:fs';
import { endianness } from 'node:os';
import { Command, Option } from 'commander';
import { pino } from 'pino';
import { bootClock } from '../proto/clock.js';
import { listenFds } from '../proto/handover.js';
import type { Config, Flags, Parsed } from './config.js';
import { parseConfig, parseRulesetConfig } from './config.js';
import { JournalFile, moveAside, readJournal } from './journal.js';
import { Keeper } from './keeper.js';
import { NftKernel, NotCapable } from './kernel.js';
import { netlinkSocket } from './netlink-socket.js';
import { restore } from './restore.js';
import { ruleset } from './ruleset.js';
import { Server } from './server.js';

/** docs/architecture.md lists them all. */
const EXIT = { usage: 2, defect: 70, state: 74, noRuleset: 75, capability: 77 } as const;

const program = new Command('natpmp-helper')
  .description('Adds and removes NAT-PMP mappings in nftables, and keeps the lease table. Started by natpmp-server or by systemd.')
  .option('--lan <address/length...>', 'LAN whose hosts may hold mappings: the router\'s own address there and the prefix length')
  .option('--socket <path>', 'path of the inherited socket "helper"', '/run/natpmp/helper.sock')
  .option('--admin-socket <path>', 'path of the inherited socket "helper-admin"', '/run/natpmp/admin.sock')
  .option('--admin-uid <uid...>', 'user ids that may use the admin socket', ['0'])
  .option('--state-dir <path>', 'where the lease table is kept', '/var/lib/natpmp-server')
  .option('--nat-table <name>', 'nftables table of family ip that holds the ruleset', 'nat')
  .option('--nat-chain <name>', 'name of the prerouting chain; the others are named after it', 'NATPMP')
  .option('--max-mappings <n>', 'most mappings in all', '129024')
  .option('--max-mappings-per-ip <n>', 'most mappings of one internal address', '100')
  .option('--new-mappings-per-ip <n>', 'most new mappings of one internal address at once, and again every 10 s (default: twice --max-mappings-per-ip, at least 64)')
  .option('--max-lifetime <seconds>', 'longest lifetime of a mapping', '86400')
  .option('--allowed-ports <range...>', 'external ports that may be mapped', ['1024-65535'])
  .option('--reserved-ports <range...>', 'external ports that may not, although allowed')
  .option('--boot-id <id>', 'content of /proc/sys/kernel/random/boot_id')
  .addOption(new Option('--log-level <level>', 'least level that is logged')
    .choices(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'))
  .option('--external-interface <name>', 'for "ruleset": the interface that faces the internet')
  .option('--listen-interface <name...>', 'for "ruleset": the interface of the LAN')
  .option('--listen-port <port>', 'for "ruleset": the UDP port that is asked there', '5351')
  .option('--no-hairpin', 'for "ruleset": LAN hosts do not reach mappings through the external address')
  .option('--check', 'say whether these flags can be used, and do nothing')
  .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'natpmp-helper: ')) })
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : EXIT.usage));

program.command('ruleset').description('print the static nftables ruleset, as a script for `nft -f -`').action(() => {
  process.stdout.write(ruleset(accepted(parseRulesetConfig(program.opts<Flags>()))));
});
program.action(() => {
  const config = accepted(parseConfig(program.opts<Flags>()));
  if (program.opts<{ check?: boolean }>().check === true) return;
  try {
    run(config);
  } catch (error) {
    if (error instanceof NotCapable) fail(EXIT.capability, 'CAP_NET_ADMIN is missing: start through natpmp-server or the systemd units');
    throw error;
  }
});
process.on('uncaughtException', (error) => fail(EXIT.defect, error.stack ?? error.message));
program.parse();

function run(config: Config): void {
  const log = pino({ name: 'natpmp-helper', level: program.opts<{ logLevel: string }>().logLevel });
  const fds = inheritedFds();
  const now = bootClock();
  const startedAt = now();

  const replayed = onDisk(config, () => readJournal(config.stateDir));
  const restored = restore(replayed, config.limits, { bootId: config.bootId, boottime: startedAt, wall: Date.now() });
  const { leases, epochStart } = restored;

  const kernel = new NftKernel(config.table, netlinkSocket(fds.nftables), netlinkSocket(fds.events));
  const repaired = kernel.repair(leases.leases(), now);
  if (repaired === 'no-ruleset') fail(EXIT.noRuleset, `table ip ${config.table} lacks the ruleset: install it with natpmp-helper ruleset ... | nft -f -`);

  if (replayed.kind === 'damaged') log.error({ movedTo: onDisk(config, () => moveAside(config.stateDir)) }, 'the journal is damaged');
  const clock = { bootId: config.bootId, wallOffset: Date.now() - startedAt, epochStart };
  const file = onDisk(config, () => new JournalFile(config.stateDir, leases.leases(), clock, now()));
  const journal: Pick<JournalFile, 'append' | 'compact' | 'bytes'> = {
    append: (...changes) => onDisk(config, () => file.append(...changes)),
    compact: (...table) => onDisk(config, () => file.compact(...table)),
    get bytes() { return file.bytes; },
  };
  log.info({ leases: leases.size, ...repaired, epoch: restored.lost === null ? 'continues' : 'new', why: restored.lost }, 'state restored');

  const keeper = new Keeper({ limits: config.limits, leases, kernel, journal, clock, now, wall: Date.now, pid: process.pid });
  const server = new Server({ handle: (asked) => keeper.handle(asked), watching: () => ({ kind: 'watching', status: keeper.status() }) }, now);
  function look(): void {
    const { events, repaired: brought, isRulesetGone, againMs } = keeper.look();
    if (isRulesetGone) fail(EXIT.noRuleset, `table ip ${config.table} has lost the ruleset`);
    if (brought !== null) log.warn(brought, 'someone else changed the ruleset; all mappings are back');
    server.publish(events);
    keeper.forgetFlows();
    setTimeout(look, againMs);
  }

  look();
  const ends = [
    server.serve({ role: 'client', fd: fds.helper, path: config.socketPath, uids: [] }),
    server.serve({ role: 'administrator', fd: fds.admin, path: config.adminSocketPath, uids: config.adminUids }),
  ];
  Promise.all(ends).catch((error: Error) => fail(EXIT.defect, error.stack ?? error.message));
  // Nothing to tidy up: what was acknowledged is in the kernel and on disk.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(0));
  process.on('SIGHUP', () => log.warn('nothing is reloaded: restart to change flags, mappings stay'));
  announceReady(fds.notify);
}

function accepted<T>(parsed: Parsed<T>): T {
  if ('ok' in parsed) return parsed.ok;
  return fail(EXIT.usage, parsed.complaints.join('\nnatpmp-helper: '));
}

function inheritedFds() {
  if (endianness() !== 'LE') fail(EXIT.defect, 'this machine is big-endian, which helper/netlink.ts is not written for');
  const fds = listenFds(process.env, process.pid);
  const one = (name: string) => fds.get(name)?.[0] ??
    fail(EXIT.usage, `no inherited socket "${name}" (LISTEN_FDNAMES): start through natpmp-server or the systemd units`);
  return { helper: one('helper'), admin: one('helper-admin'), nftables: one('nftables'), events: one('nftables-events'), notify: fds.get('notify')?.[0] };
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
    return fail(EXIT.state, `--state-dir ${config.stateDir}: ${message}${code === 'EACCES' ? '; it must belong to this user (mode 0700)' : ''}`);
  }
}

function fail(status: number, message: string): never {
  process.stderr.write(`natpmp-helper: ${message}\n`);
  process.exit(status);
}
