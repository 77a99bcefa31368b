// The users that the daemons run as: different ones, none of them root.

import { EXIT, Failure } from '../host/failure.js';
import type { Log } from '../host/log.js';
import { busyUids, readOr } from '../host/machine.js';
import type { Config } from './config.js';

export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

export interface Identities {
  /** Its gid is the group of the helper's socket file. */
  readonly frontend: Identity;
  readonly helper: Identity;
  /** In the frontend's group: it asks the helper, too. */
  readonly upnp: Identity;
}

export interface UserDatabase {
  /** /etc/passwd */
  readonly passwd: string;
  /** /etc/group */
  readonly group: string;
  /** The uids of all running processes. */
  readonly busy: ReadonlySet<number>;
  /** /proc/self/uid_map */
  readonly uidMap: string;
}

export type PickedUsers =
  | { readonly kind: 'different'; readonly identities: Identities }
  /** This user namespace has no other user: the daemons can only drop capabilities. */
  | { readonly kind: 'own' }
  | { readonly kind: 'complaint'; readonly line: string };

/**
 * A range that nobody gives users of by itself: above those of people, of systemd's home directories, host users in
 * containers and greeters, and below its dynamic ones (systemd.io/UIDS-GIDS). Not these: a DynamicUser= that starts later
 * could be one of our daemons' users, because systemd asks for accounts, and not for processes. Below 65,536, because
 * many containers have no more.
 */
const FIRST_UNUSED = 60_706;
const LAST_UNUSED = 61_183;
/** Of systemd's DynamicUser=. */
const LAST_DYNAMIC = 65_519;

/** The daemons' users on this machine; null if this user namespace has only our own. */
export function chooseUsers(wanted: Config['users'], log: Log): Identities | null {
  const picked = pickUsers(wanted, {
    passwd: readOr('/etc/passwd', ''),
    group: readOr('/etc/group', ''),
    busy: busyUids(),
    uidMap: readOr('/proc/self/uid_map', '0 0 4294967295'),
  });
  switch (picked.kind) {
    case 'different':
      return picked.identities;
    case 'own':
      log.warn('this user namespace has no other user: the daemons run as yours, and only drop their capabilities');
      return null;
    case 'complaint':
      throw new Failure(EXIT.usage, picked.line);
  }
}

/** Pure. */
export function pickUsers(wanted: Config['users'], system: UserDatabase): PickedUsers {
  const users = entries(system.passwd).map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }));
  const group = entries(system.group).find(([name]) => name === 'natpmp');
  const taken = new Set([...users.map((user) => user.uid), ...system.busy]);

  const named = (name: string): Identity | null => {
    const user = users.find((one) => one.name === name || String(one.uid) === name);
    if (user !== undefined) return { uid: user.uid, gid: user.gid };
    return /^[0-9]+$/.test(name) ? { uid: Number(name), gid: Number(name) } : null;
  };
  const unused = (): Identity => {
    let uid = FIRST_UNUSED;
    while (taken.has(uid) && uid < LAST_UNUSED) uid++;
    taken.add(uid);
    return { uid, gid: uid };
  };
  const choose = (name: string | null, usual: string): Identity | null =>
    name === null ? (named(usual) ?? unused()) : named(name);

  const frontend = choose(wanted.frontend, 'natpmp-frontend');
  if (frontend === null) return { kind: 'complaint', line: `--user ${wanted.frontend}: no such user` };
  taken.add(frontend.uid);
  const helper = choose(wanted.helper, 'natpmp-helper');
  if (helper === null) return { kind: 'complaint', line: `--user ${wanted.helper}: no such user` };
  taken.add(helper.uid);
  const upnp = choose(wanted.upnp, 'natpmp-upnp');
  if (upnp === null) return { kind: 'complaint', line: `--user ${wanted.upnp}: no such user` };
  const all = Object.entries({ frontend, helper, upnp });
  if (all.some(([, { uid }]) => uid === 0))
    return { kind: 'complaint', line: '--user: uid 0 is not an unprivileged user' };
  for (const [index, [role, { uid }]] of all.entries()) {
    const twin = all.slice(0, index).find(([, other]) => other.uid === uid);
    if (twin !== undefined)
      return { kind: 'complaint', line: `--user: ${twin[0]} and ${role} are both uid ${uid}: name different users` };
  }
  if (!all.every(([, { uid }]) => isMapped(system.uidMap, uid))) return { kind: 'own' };
  const gid = group === undefined ? frontend.gid : Number(group[2]);
  return {
    kind: 'different',
    identities: { frontend: { uid: frontend.uid, gid }, helper, upnp: { uid: upnp.uid, gid } },
  };
}

function entries(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(':'));
}

/** Pure. One of those that natpmp-server picks from, or systemd's units: no account has it. */
export function isUnassigned(uid: number): boolean {
  return uid >= FIRST_UNUSED && uid <= LAST_DYNAMIC;
}

/** Pure. Whether a user namespace has this user; `uidMap`: user_namespaces(7). */
export function isMapped(uidMap: string, uid: number): boolean {
  return uidMap
    .trim()
    .split('\n')
    .some((line) => {
      const [first = 0, , count = 0] = line.trim().split(/\s+/).map(Number);
      return uid >= first && uid < first + count;
    });
}
