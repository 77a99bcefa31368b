// Installs the static ruleset that the helper's program prints.

import { EXIT, Failure } from './failure.js';
import { nftFailure, runNft } from './nft.js';
import type { OwnTable, Table } from './ruleset-plan.js';
import { elementsIn, exchangeRules, isCurrent, MAPPING_SETS, readTables, replaceTable } from './ruleset-plan.js';

/** The table as it is among those there are; a Failure where it is somebody else's. */
export function checkTable(name: string, tables: ReadonlyMap<string, Table>): Table {
  const table = tables.get(name) ?? { kind: 'absent' };
  if (table.kind !== 'foreign') return table;
  throw new Failure(
    EXIT.foreignTable,
    `table ip ${name} belongs to something else (iptables or Docker?): ` +
      'nothing was changed; choose another name with --nat-table, such as --nat-table natpmp',
  );
}

/**
 * `list table` would read all elements first, which takes nft ten seconds for a full table; `list ruleset` does not.
 */
export function listTables(): ReadonlyMap<string, Table> {
  const { status, stdout, stderr } = runNft(['--terse', 'list', 'ruleset', 'ip']);
  if (status !== 0) throw nftFailure(stderr);
  return readTables(stdout);
}

export function ownTables(tables: ReadonlyMap<string, Table>): readonly (readonly [string, OwnTable])[] {
  return [...tables].flatMap(([name, table]) => (table.kind === 'ours' ? [[name, table] as const] : []));
}

/**
 * Elements of one set that are moved to another table. Each takes nft more than a kilobyte and a tenth of a
 * millisecond, three times to read and once to write: a full table would take more of both than natpmp-ruleset.service
 * has, and again at each start.
 */
const MOST_MOVED = 32_768;
const READING_MS = 8000;
const MOVING_MS = 12_000;

export interface Installed {
  /** The ruleset was loaded; false where it was there already. */
  readonly isLoaded: boolean;
  /** Tables of ours with other names that were deleted: left from before --nat-table was changed. */
  readonly deleted: readonly string[];
}

/**
 * Have the ruleset in the kernel: compare, and load it where needed, with the mappings that are there in the same
 * transaction, so that no connection through one meets a moment without it. `isBroken`: something in it is missing, so
 * it is loaded although the table says that it is there. A Failure where the table is somebody else's, or nft refuses.
 */
export function installRuleset(name: string, ruleset: string, isBroken: boolean): Installed {
  const tables = listTables();
  const table = checkTable(name, tables);
  const leftovers = new Map(ownTables(tables).filter(([other]) => other !== name));
  const deleted = [...leftovers.keys()];
  if (!isBroken && deleted.length === 0 && isCurrent(table, ruleset)) return { isLoaded: false, deleted };
  let stderr = '';
  for (const { script, withinMs } of scriptsFor(name, ruleset, table, leftovers)) {
    const loaded = runNft(['-f', '-'], script, withinMs);
    if (loaded.status === 0) return { isLoaded: true, deleted };
    stderr = loaded.stderr;
  }
  throw nftFailure(stderr);
}

/**
 * Scripts that install the ruleset, the one that disturbs least first; each is made only if nft refuses those before.
 */
function* scriptsFor(
  name: string,
  ruleset: string,
  table: Table,
  leftovers: ReadonlyMap<string, OwnTable>,
): Generator<{ readonly script: string; readonly withinMs?: number }> {
  const exchange = table.kind === 'ours' && leftovers.size === 0 ? exchangeRules(name, table, ruleset) : null;
  if (exchange !== null) yield { script: exchange };
  const [source = null] = table.kind === 'ours' ? [[name, table] as const] : leftovers;
  const elements = source === null ? new Map<string, string>() : readElements(source[0], source[1]);
  if (elements.size > 0)
    yield { script: replaceTable(name, ruleset, elements, [...leftovers.keys()]), withinMs: MOVING_MS };
  // The elements do not fit the new sets, or are too many: the helper puts its mappings back when it starts.
  yield { script: replaceTable(name, ruleset, new Map(), [...leftovers.keys()]) };
}

/** What the sets that hold mappings have in them, by name; nothing where that is too much, or nft too slow. */
function readElements(table: string, { sets }: OwnTable): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const until = Date.now() + READING_MS;
  for (const { kind, name } of MAPPING_SETS.filter((one) => sets.includes(one.name))) {
    const listed = runNft(['list', kind, 'ip', table, name], '', Math.max(1, until - Date.now()));
    const { count, block } = elementsIn(listed.stdout);
    if (listed.status !== 0 || count > MOST_MOVED) return new Map();
    if (count > 0) found.set(name, block);
  }
  return found;
}

/** Delete every table of ours, with all mappings in it: nothing is open any more. Returns their names. */
export function removeRulesets(): readonly string[] {
  const names = ownTables(listTables()).map(([name]) => name);
  for (const name of names) {
    const { status, stderr } = runNft(['delete', 'table', 'ip', name]);
    if (status !== 0) throw nftFailure(stderr);
  }
  return names;
}
