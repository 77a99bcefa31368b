// Whether a folder is where only root and we can put it: the daemons believe what is there, and root gives it away.

import { lstatSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { readOr } from '../host/machine.js';
import type { Identity } from './users.js';
import { isMapped, isUnassigned } from './users.js';

/** As the kernel's MAXSYMLINKS, after which it says ELOOP. */
const MAX_LINKS = 40;

/**
 * Who besides root and us could exchange the folder, a folder above it or a link on the way, and how; null if nobody
 * could. What is not there yet is anybody's: ask again after it was made.
 *
 * @param path absolute.
 * @param helper whose the folder itself may be, but nothing above it; null: it may not.
 * @param file a file in the folder, which may be theirs likewise. A link there is not followed.
 * @throws the file system's error, but none if the path leads nowhere.
 */
export function strangerOn(path: string, helper: Identity | null = null, file: string | null = null): string | null {
  const overflow = Number(readOr('/proc/sys/kernel/overflowuid', '65534'));
  // In a user namespace that has no such user, as that of --sandbox, the host's root looks like this one.
  const trusted = isMapped(readOr('/proc/self/uid_map', '0 0 4294967295'), overflow) ? [0] : [0, overflow];
  const isOurs = (uid: number): boolean => trusted.includes(uid) || uid === process.getuid?.();
  // Without --user, an earlier start may have picked another of the unassigned users.
  const isHelpers = (uid: number): boolean => helper !== null && (uid === helper.uid || isUnassigned(uid));

  const parts = (of: string): string[] => of.split('/').filter((name) => name !== '' && name !== '.');
  const rest = ['.', ...parts(path)];
  let at = '/';
  for (let links = 0; rest.length > 0 && links <= MAX_LINKS; ) {
    const next = join(at, rest.shift() ?? '');
    const stats = lstatSync(next, { throwIfNoEntry: false });
    if (stats === undefined) return null;
    const { mode, uid, gid } = stats;
    if (stats.isSymbolicLink()) {
      if (!isOurs(uid)) return `user ${uid}, whose link ${next} is, may change it`;
      const target = readlinkSync(next);
      if (target.startsWith('/')) at = '/';
      rest.unshift(...parts(target));
      links++;
      continue;
    }
    const isLast = rest.length === 0;
    if (!isOurs(uid) && !(isLast && isHelpers(uid))) return `user ${uid}, whose ${next} is, may write there`;
    at = next;
    if ((mode & 0o1000) !== 0) continue; // others cannot exchange what is root's or ours in it
    if ((mode & 0o002) !== 0) return `anyone may write to ${next}`;
    // Of root's group and the helper's likewise: of a folder with an ACL, these bits are what its entries may have at most
    // (acl(5)), and any user may be in one.
    if ((mode & 0o020) !== 0) return `group ${gid}, or whom an ACL names, may write to ${next} (chmod g-w it)`;
  }
  const inside = file === null ? undefined : lstatSync(join(at, file), { throwIfNoEntry: false });
  return inside === undefined || inside.isSymbolicLink() || isOurs(inside.uid) || isHelpers(inside.uid)
    ? null
    : `user ${inside.uid} has put a file of his own there, ${file}`;
}
