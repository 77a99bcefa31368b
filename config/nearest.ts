// The name that was probably meant, for a message about an unknown one. Pure.

import type { ArgumentsOrErrors, Program } from './types.js';
import { withConfigFile } from './file.js';
import { SETTINGS } from './settings.js';

/** As `withConfigFile`; complaints about unknown settings suggest a name. */
export function withSuggestions(
  args: readonly string[],
  program: Program,
  read: (path: string) => string,
): ArgumentsOrErrors {
  const from = withConfigFile(args, program, read);
  return 'complaints' in from ? { complaints: from.complaints.map(suggesting) } : from;
}

/** The complaint, with the name that was probably meant if it is about an unknown setting. */
export function suggesting(complaint: string): string {
  const [, name] = /\b\d+: (?:--)?(\S+): no such setting$/.exec(complaint) ?? [];
  const nearest = name === undefined ? null : nearestSetting(name);
  return nearest === null ? complaint : `${complaint}: is ${nearest} meant?`;
}

/** The setting whose name is most like this one; null if none is close. */
export function nearestSetting(name: string): string | null {
  const [nearest] = SETTINGS.map((setting) => ({ name: setting.name, distance: distance(name, setting.name) })).sort(
    (a, b) => a.distance - b.distance,
  );
  return nearest !== undefined && nearest.distance <= Math.max(2, name.length / 3) ? nearest.name : null;
}

/** Levenshtein's distance: how many letters to insert, delete or replace. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (const [index, letter] of [...a].entries()) {
    const next = [index + 1];
    for (let at = 1; at <= b.length; at++) {
      const change = (row[at - 1] as number) + (letter === b[at - 1] ? 0 : 1);
      next.push(Math.min(change, (row[at] as number) + 1, (next[at - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
