// The gateway's own processes, sockets, files and time. Pure.

import type { Ipv4 } from '../../../proto/mapping.js';
import { formatIpv4 } from '../../../proto/mapping.js';
import { CAPABILITY } from '../../host/programs.js';
import type { SocketEntry } from '../../host/socket-table.js';
import { readSocketTable } from '../../host/socket-table.js';
import type { Finding } from '../finding.js';
import { fail, ok, unknown, warn } from '../finding.js';
import type { DaemonProcess } from '../processes.js';
import { formatCount, formatSeconds } from '../units.js';
import type { Check, Facts } from './facts.js';
import { interfaceWith, isUnavailable } from './facts.js';

export const helper: Check = ({ helper: report, bootMs }) => {
  if (isUnavailable(report))
    return [
      fail(
        'helper',
        report.reason,
        'start the gateway, or look at its log: journalctl -u natpmp-helper, or what natpmp-server prints',
      ),
    ];
  const uptime = formatSeconds(Math.max(0, Math.floor((bootMs - report.startedAt) / 1000)));
  const findings = [ok('helper', `answers: pid ${report.pid}, up ${uptime}, ${report.mappings} mappings`)];
  if (report.resynchronisations > 20) {
    findings.push(
      warn(
        'helper',
        `its elements were changed by somebody else ${report.resynchronisations} times since its start`,
        `find out which program flushes the ruleset again and again: nft monitor`,
      ),
    );
  }
  if (report.mappings >= report.maxMappings)
    findings.push(
      warn(
        'helper',
        `the table is full: ${report.mappings} mappings`,
        'natpmpctl list --sort host shows who holds them; natpmpctl revoke --host HOST makes room',
      ),
    );
  return findings;
};

export const frontend: Check = ({ daemons }) => {
  const frontends = daemons.filter(({ role }) => role === 'frontend');
  if (frontends.length === 0) {
    return [
      fail(
        'frontend',
        'no frontend is seen: nobody answers the LAN',
        'start natpmp-server, or: systemctl start natpmp-server.target',
      ),
    ];
  }
  return [
    ok(
      'frontend',
      frontends.map(({ pid, uptimeSeconds }) => `pid ${pid}, up ${formatSeconds(uptimeSeconds)}`).join('; '),
    ),
  ];
};

export const units: Check = ({ units: all }) => {
  if (all.length === 0) return [];
  const down = all.filter(({ state }) => state !== 'active');
  // One that starts and ends in a loop is active in between.
  const restless = all
    .filter(({ restarts }) => restarts > 5)
    .map(({ name, restarts }) => warn('units', `${name} was restarted ${restarts} times`, `journalctl -u '${name}'`));
  if (down.length === 0) return [...restless, ok('units', `active: ${all.map(({ name }) => name).join(', ')}`)];
  return [
    ...restless,
    ...down.map(({ name, state }) =>
      fail('units', `${name} is ${state}`, `systemctl status '${name}'; journalctl -u '${name}'`),
    ),
  ];
};

/** The helper may have only CAP_NET_ADMIN, the frontend no capability; both are kept apart from the machine. */
export const sandbox: Check = ({ daemons, missingIsolation, units: all }) => {
  const findings = daemons
    .filter(({ role }) => role !== 'server')
    .flatMap((daemon): Finding[] => {
      const excess = excessRights(daemon, all.length > 0);
      return excess.length === 0
        ? []
        : [
            warn(
              'sandbox',
              `${daemon.role} (pid ${daemon.pid}) ${excess.join(', ')}`,
              'start it through natpmp-server or the systemd units, which take from it what it does not need',
            ),
          ];
    });
  for (const { role, pid } of daemons) {
    const missing = missingIsolation.get(pid) ?? [];
    if (missing.length > 0)
      findings.push(
        warn(
          'sandbox',
          `${role} (pid ${pid}), if it were taken over: ${missing.join(', ')}`,
          'namespaces and mounts are not permitted here: give the container CAP_SYS_ADMIN, or run the gateway outside (docs/threat-model.md)',
        ),
      );
  }
  if (daemons.length === 0) return [];
  if (findings.length === 0) findings.push(ok('sandbox', 'the daemons have no right that they do not need'));
  return [...findings, ...jit(daemons, all.length > 0)];
};

/**
 * Not a warning: no daemon has a JIT unless the administrator has chosen it (`--jit`), and there is nothing to do. A
 * warning that stays would hide others.
 */
function jit(daemons: readonly DaemonProcess[], underSystemd: boolean): readonly Finding[] {
  const their = daemons.filter(({ role, hasJit }) => role !== 'server' && hasJit);
  if (their.length === 0) return [];
  const names = their.map(({ role, pid }) => `${role} (pid ${pid})`).join(', ');
  const costs = underSystemd ? 'MemoryDenyWriteExecute is off' : 'memory may be writable and executable';
  return [ok('sandbox', `${names} ${their.length === 1 ? 'runs' : 'run'} with a JIT, as chosen by --jit: ${costs}`)];
}

function excessRights(
  { role, uid, capabilities, noNewPrivileges, hasSeccompFilter }: DaemonProcess,
  underSystemd: boolean,
): readonly string[] {
  const allowed = role === 'helper' ? 1n << BigInt(CAPABILITY.CAP_NET_ADMIN) : 0n;
  return [
    ...(uid === 0 ? ['runs as root'] : []),
    ...((capabilities & ~allowed) !== 0n
      ? [`has capabilities beyond its own (${(capabilities & ~allowed).toString(16)})`]
      : []),
    ...(noNewPrivileges ? [] : ['may gain privileges']),
    ...(underSystemd && !hasSeccompFilter ? ['has no filter of system calls'] : []),
  ];
}

/** A longer receive queue is more than a burst. */
const STUCK_QUEUE_BYTES = 100_000;

/** Addresses of one LAN with the same sockets. */
interface Served {
  readonly addresses: readonly Ipv4[];
  readonly socket: SocketEntry | undefined;
  /** The ruleset redirects devices over the rate limit to it. */
  readonly overflow: SocketEntry | undefined;
}

/** Whether the frontend listens on each of our addresses, and reads. */
export const socket: Check = (facts) => servedIn(facts).flatMap((served) => socketFindings(served, facts));

function servedIn({ setup, interfaces, udpTable }: Facts): readonly Served[] {
  const sockets = readSocketTable(udpTable);
  const at = (routerAddress: Ipv4, number: number): SocketEntry | undefined =>
    sockets.find(({ address, port }) => (address === routerAddress || address === 0) && port === number);
  const found = new Map<string, Served>();
  for (const [lan, address] of addressesOf(setup, interfaces)) {
    const [main, overflow] = [at(address, setup.listenPort), at(address, setup.listenPort + 1)];
    const key = [lan, main?.inode, overflow?.inode].join(' ');
    const addresses = [...(found.get(key)?.addresses ?? []), address];
    found.set(key, { addresses, socket: main, overflow });
  }
  return [...found.values()];
}

/** The router's addresses in the LANs, each with the name of its interface. */
function addressesOf(
  { lans, listenInterfaces }: Facts['setup'],
  interfaces: Facts['interfaces'],
): readonly (readonly [lan: string, address: Ipv4])[] {
  if (lans.length === 0)
    return listenInterfaces.flatMap((name) =>
      (interfaces.get(name)?.lans ?? []).map(({ routerAddress }) => [name, routerAddress] as const),
    );
  return lans.map(({ routerAddress }) => [interfaceWith(routerAddress, interfaces) ?? '', routerAddress]);
}

/** "192.168.1.1:5351/udp (and at 192.168.2.1)". */
function formatPlace([first = 0, ...others]: readonly Ipv4[], port: number): string {
  const also = others.length === 0 ? '' : ` (and at ${others.map(formatIpv4).join(', ')})`;
  return `${formatIpv4(first)}:${port}/udp${also}`;
}

function socketFindings(
  { addresses, socket: found, overflow }: Served,
  { setup, frontendInodes }: Facts,
): readonly Finding[] {
  const at = formatPlace(addresses, setup.listenPort);
  if (found === undefined)
    return [
      fail('socket', `nobody listens on ${at}`, 'start natpmp-server, or: systemctl restart natpmp-server.target'),
    ];
  if (frontendInodes !== null && !frontendInodes.has(found.inode)) {
    return [
      fail(
        'socket',
        `${at} is held by another program than the frontend`,
        `ss -lunp sport = :${setup.listenPort} shows which (miniupnpd?): stop it`,
      ),
    ];
  }
  if (found.queuedBytes > STUCK_QUEUE_BYTES)
    return [
      fail(
        'socket',
        `${at}: ${formatCount(found.queuedBytes)} bytes wait to be read`,
        'the frontend hangs: restart it',
      ),
    ];
  return [
    ok('socket', `${at} is open${frontendInodes === null ? '' : ', the frontend holds it'}, and read`),
    ...overflowFindings(overflow, addresses, setup.listenPort + 1),
    // The socket is bound to the LAN's device, and the router's own packets do not come from there.
    unknown(
      'request',
      'not asked: requests are taken from LAN hosts only, not from the router itself',
      `try it from a LAN host: natpmp-client ${formatIpv4(addresses[0] ?? 0)} info`,
    ),
  ];
}

function overflowFindings(
  found: SocketEntry | undefined,
  addresses: readonly Ipv4[],
  listenPort: number,
): readonly Finding[] {
  const at = formatPlace(addresses, listenPort);
  if (found === undefined) {
    return [
      warn(
        'socket',
        `nobody listens on ${at}: a device over the rate limit gets no answer`,
        'after an update: run systemd/install.sh again',
      ),
    ];
  }
  if (found.queuedBytes <= STUCK_QUEUE_BYTES) return [];
  return [
    warn(
      'socket',
      `${at}: ${formatCount(found.queuedBytes)} bytes wait to be read: a device sends more than can be answered`,
      `find it with tcpdump -eni LAN udp port ${listenPort - 1}; others are served all the same`,
    ),
  ];
}

const MIN_FREE_BYTES = 1_000_000;
const LOW_FREE_BYTES = 16_000_000;

export const stateDir: Check = ({ stateDir: folder, setup, daemons, wallMs }) => {
  const { stateDir: path } = setup;
  if (folder === null)
    return [fail('state', `there is no ${path}`, 'the gateway makes it when it starts: is --state-dir another one?')];
  if (isUnavailable(folder)) return [unknown('state', `${path} not checked: ${folder.reason}`, 'run as root (sudo)')];
  const findings: Finding[] = [];
  const its = daemons.find(({ role }) => role === 'helper');
  if (its !== undefined && its.uid !== folder.uid) {
    findings.push(
      fail(
        'state',
        `${path} belongs to uid ${folder.uid}, the helper is uid ${its.uid}`,
        `chown -R ${its.uid} ${path}, and restart the gateway`,
      ),
    );
  }
  if ((folder.mode & 0o077) !== 0)
    findings.push(
      warn('state', `${path} has mode ${folder.mode.toString(8)}: others can look into it`, `chmod 700 ${path}`),
    );
  if (folder.freeBytes < MIN_FREE_BYTES)
    findings.push(
      fail(
        'state',
        `${path}: ${formatCount(folder.freeBytes)}B left on its file system`,
        'make room: the helper ends when it cannot write',
      ),
    );
  else if (folder.freeBytes < LOW_FREE_BYTES)
    findings.push(warn('state', `${path}: ${formatCount(folder.freeBytes)}B left on its file system`, 'make room'));
  if (folder.isVolatile)
    findings.push(
      warn(
        'state',
        `${path} is in memory: mappings and epoch do not survive a reboot`,
        'give --state-dir a folder on a disk or flash',
      ),
    );
  if (folder.writtenAtMs !== null && folder.writtenAtMs > wallMs + 60_000) {
    findings.push(
      warn(
        'clock',
        'the lease table was written in the future: the clock was set back',
        'set the clock (NTP): after a reboot, leases cannot be dated and are dropped',
      ),
    );
  }
  return findings.length > 0
    ? findings
    : [ok('state', `${path} is the helper's own, with ${formatCount(folder.freeBytes)}B of room`)];
};

/** This program is younger: a clock before this date has lost its time, for example without a battery. */
const EARLIEST_PLAUSIBLE_MS = Date.UTC(2025, 0, 1);

export const clock: Check = ({ wallMs }) => {
  const date = new Date(wallMs).toISOString().slice(0, 10);
  if (wallMs >= EARLIEST_PLAUSIBLE_MS) return [ok('clock', `it is ${date}`)];
  return [
    fail(
      'clock',
      `the clock says ${date}`,
      'set it (NTP): after a reboot, leases are aged by it, and dropped if it cannot be right',
    ),
  ];
};
