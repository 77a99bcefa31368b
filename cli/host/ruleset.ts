// Runs nft: installs the static ruleset, and reads what others have in theirs.

import { spawnSync } from 'node:child_process';
import type { PortRange } from '../../proto/mapping.js';
import { PATH } from './programs.js';
import { EXIT, Failure } from './failure.js';
import { forwardedPorts } from './port-forwards.js';
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
  const { status, stdout, stderr } = nft(['--terse', 'list', 'ruleset', 'ip']);
  if (status !== 0) throw refused(stderr);
  return readTables(stdout);
}

function ownTables(tables: ReadonlyMap<string, Table>): readonly (readonly [string, OwnTable])[] {
  return [...tables].flatMap(([name, table]) => (table.kind === 'ours' ? [[name, table] as const] : []));
}

/**
 * The ports of forwards that somebody else has made, in whichever table but ours, also one that another configuration
 * made.
 */
export function handMadeForwards(): readonly PortRange[] {
  const ours = new Set(ownTables(listTables()).map(([name]) => name));
  const listing = nft(['--json', '--terse', 'list', 'ruleset']);
  if (listing.status !== 0) throw refused(listing.stderr);
  return forwardedPorts(listing.stdout, ours, (kind, { family, table, name }) => {
    const set = nft(['--json', 'list', kind, family, table, name]);
    // It may be gone again.
    if (set.status !== 0) return [];
    const { nftables } = JSON.parse(set.stdout) as {
      nftables: readonly Readonly<Record<string, { readonly elem?: readonly string[] }>>[];
    };
    return nftables.flatMap((object) => object[kind]?.elem ?? []);
  });
}

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
  for (const script of scriptsFor(name, ruleset, table, leftovers)) {
    const loaded = nft(['-f', '-'], script);
    if (loaded.status === 0) return { isLoaded: true, deleted };
    stderr = loaded.stderr;
  }
  throw refused(stderr);
}

/**
 * Scripts that install the ruleset, the one that disturbs least first; each is made only if nft refuses those before.
 */
function* scriptsFor(
  name: string,
  ruleset: string,
  table: Table,
  leftovers: ReadonlyMap<string, OwnTable>,
): Generator<string> {
  const exchange = table.kind === 'ours' && leftovers.size === 0 ? exchangeRules(name, table, ruleset) : null;
  if (exchange !== null) yield exchange;
  const [source = null] = table.kind === 'ours' ? [[name, table] as const] : leftovers;
  const elements = source === null ? new Map<string, string>() : readElements(source[0], source[1]);
  if (elements.size > 0) yield replaceTable(name, ruleset, elements, [...leftovers.keys()]);
  // The elements do not fit the new sets: the helper puts its mappings back when it starts.
  yield replaceTable(name, ruleset, new Map(), [...leftovers.keys()]);
}

/** What the sets that hold mappings have in them, by name. Those that nft does not read in time are left out. */
function readElements(table: string, { sets }: OwnTable): ReadonlyMap<string, string> {
  return new Map(
    MAPPING_SETS.filter(({ name }) => sets.includes(name)).flatMap(({ kind, name }) => {
      const listed = nft(['list', kind, 'ip', table, name]);
      const elements = listed.status === 0 ? elementsIn(listed.stdout) : null;
      return elements === null ? [] : [[name, elements] as const];
    }),
  );
}

/** Delete every table of ours, with all mappings in it: nothing is open any more. Returns their names. */
export function removeRulesets(): readonly string[] {
  const names = ownTables(listTables()).map(([name]) => name);
  for (const name of names) {
    const { status, stderr } = nft(['delete', 'table', 'ip', name]);
    if (status !== 0) throw refused(stderr);
  }
  return names;
}

export function nft(args: readonly string[], input = ''): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync('nft', args, {
    encoding: 'utf8',
    input,
    env: { PATH },
    timeout: 20_000,
    maxBuffer: 1 << 26,
  });
  return { status, stdout, stderr };
}

function refused(stderr: string): Failure {
  const permitted = !/Operation not permitted/.test(stderr);
  return new Failure(
    permitted ? EXIT.defect : EXIT.capability,
    `nft: ${oneLine(stderr)}${permitted ? '' : ': run as root, or try --sandbox'}`,
  );
}

function oneLine(text: string): string {
  return text.trim().split('\n')[0] ?? '';
}
