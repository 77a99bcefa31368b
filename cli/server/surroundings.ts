// What the launcher finds around it: users, kernel settings that matter, LANs that change under way.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { EXIT, Failure } from '../host/failure.js';
import type { Lan, PortRange } from '../../proto/mapping.js';
import type { Config } from './config.js';
import type { ListenInterface } from '../host/interfaces.js';
import { fingerprint } from '../host/interfaces.js';
import type { Log } from '../host/log.js';
import { openPorts } from '../host/listening-ports.js';
import { handMadeForwards } from '../host/ruleset.js';
import type { Identities } from './users.js';
import { pickUsers } from './users.js';

/** The daemons' users on this machine; null where there is no other user than ours. */
export function chooseUsers(wanted: Config['users'], log: Log): Identities | null {
  const picked = pickUsers(wanted, {
    passwd: readOr('/etc/passwd', ''),
    group: readOr('/etc/group', ''),
    busy: busyUids(),
    uidMap: readOr('/proc/self/uid_map', '0 0 4294967295'),
  });
  switch (picked.kind) {
    case 'two':
      return picked.identities;
    case 'own':
      log.warn(
        'this user namespace has no other user: frontend and helper run as yours, and only drop their capabilities',
      );
      return null;
    case 'complaint':
      throw new Failure(EXIT.flags, picked.line);
  }
}

function busyUids(): ReadonlySet<number> {
  const uids = new Set<number>();
  for (const name of readdirSync('/proc')) {
    if (!/^[0-9]+$/.test(name)) continue;
    try {
      uids.add(statSync(`/proc/${name}`).uid);
    } catch {
      // it has ended meanwhile
    }
  }
  return uids;
}

/** Settings of the kernel that make a mapping useless, each with what to do about it. */
export function warnAboutKernel(hairpin: boolean, log: Log): void {
  if (readOr('/proc/sys/net/ipv4/ip_forward', '1').trim() === '0') {
    log.warn('this host forwards no packets, so no mapping can work: sysctl -w net.ipv4.ip_forward=1');
  }
  if (hairpin && readOr('/proc/sys/net/bridge/bridge-nf-call-iptables', '0').trim() === '1') {
    log.warn(
      'bridged packets pass the firewall, which breaks hairpin: sysctl -w net.bridge.bridge-nf-call-iptables=0, or --no-hairpin',
    );
  }
}

/**
 * The ports that the router needs itself, as far as they can be reached from outside: its own, and those forwarded by
 * hand.
 */
export function portsInUse(lans: readonly Lan[]): readonly PortRange[] {
  const inside = lans.map((lan) => lan.routerAddress);
  const served = (['tcp', 'udp'] as const)
    .flatMap((protocol) =>
      [protocol, `${protocol}6`].flatMap((file) => openPorts(protocol, readOr(`/proc/net/${file}`, ''), inside)),
    )
    .map((port) => ({ from: port, to: port }));
  return joined([...served, ...handMadeForwards()]);
}

/** In order, each port once. */
function joined(ranges: readonly PortRange[]): readonly PortRange[] {
  const all: PortRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = all.at(-1);
    if (last === undefined || range.from > last.to + 1) all.push(range);
    else all[all.length - 1] = { from: last.from, to: Math.max(last.to, range.to) };
  }
  return all;
}

export function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}

/** How often the LAN interfaces are looked at, in milliseconds. */
const LOOK_MS = 3000;

/** Resolves when a LAN has another address, or its interface was created anew: our sockets are bound to the old one. */
export function lansChanged(
  atStart: readonly ListenInterface[],
  log: Log,
): { readonly changed: Promise<'lan'>; stop(): void } {
  const names = atStart.map(({ name }) => name);
  const before = JSON.stringify(atStart);
  let away = false;
  let timer: NodeJS.Timeout | undefined;
  const changed = new Promise<'lan'>((resolve) => {
    timer = setInterval(() => {
      const now = fingerprint(names);
      if (now === '' && !away) log.warn({ lan: names }, 'a LAN interface is away: waiting for it');
      away = now === '';
      if (now !== '' && now !== before) resolve('lan');
    }, LOOK_MS);
  });
  return { changed, stop: () => clearInterval(timer) };
}
