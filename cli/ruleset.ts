// Installs the static ruleset that the helper's program prints, and tells our table from somebody else's.

import { execFile, spawnSync } from 'node:child_process';
import type { PortRange } from '../proto/mapping.js';
import { PATH } from './checks.js';
import { EXIT, Failure } from './failure.js';
import { forwardedPorts } from './forwards.js';

export type Table =
  | { readonly kind: 'absent' }
  /** The comment says which configuration it was made from. */
  | { readonly kind: 'ours'; readonly comment: string }
  | { readonly kind: 'foreign' };

/** The comment that the ruleset gives its table. */
const COMMENT = /\bcomment "(natpmp-server [^"]*)"/;

/**
 * Pure: whose the tables are that `nft --terse list ruleset ip` shows, by name. The comment stands in the second line,
 * before anything that could quote another.
 */
export function tableOwners(listing: string): ReadonlyMap<string, Table> {
  const tables = listing.matchAll(/^table ip (\S+) \{\n(.*)$/gm);
  return new Map([...tables].map(([, name = '', second = '']) => {
    const comment = COMMENT.exec(second)?.[1];
    return [name, comment === undefined ? { kind: 'foreign' } : { kind: 'ours', comment }];
  }));
}

export type Step = { readonly kind: 'keep' } | { readonly kind: 'load'; readonly script: string };

/** Pure: what to do with the table there is, to get the ruleset (helper/ruleset.ts prints it). */
export function planRuleset(table: Table, ruleset: string, isBroken: boolean): Step {
  // The same configuration: its elements are our mappings, and go on without a gap.
  if (!isBroken && table.kind === 'ours' && table.comment === COMMENT.exec(ruleset)?.[1]) return { kind: 'keep' };
  // Replaces the table, in one transaction; the helper puts its mappings back.
  return { kind: 'load', script: ruleset };
}

/** The table as it is among those there are; a Failure where it is somebody else's. */
export function checkTable(name: string, tables: ReadonlyMap<string, Table>): Table {
  const table = tables.get(name) ?? { kind: 'absent' };
  if (table.kind !== 'foreign') return table;
  throw new Failure(EXIT.foreignTable, `table ip ${name} belongs to something else (iptables or Docker?): `
    + 'nothing was changed; choose another name with --nat-table, such as --nat-table natpmp');
}

/**
 * Delete the tables of ours with another name, which are left where --nat-table was changed: their rules would end every
 * connection of the new table, for both mark connections with the same label. Returns their names.
 */
export function removeLeftovers(name: string, tables: ReadonlyMap<string, Table>): readonly string[] {
  const ours = [...tables].filter(([other, { kind }]) => other !== name && kind === 'ours').map(([other]) => other);
  for (const other of ours) nft(['delete', 'table', 'ip', other]);
  return ours;
}

/** `list table` would read all elements first, which takes nft ten seconds for a full table; `list ruleset` does not. */
export function listTables(): ReadonlyMap<string, Table> {
  const { status, stdout, stderr } = nft(['--terse', 'list', 'ruleset', 'ip']);
  if (status !== 0) throw refused(stderr);
  return tableOwners(stdout);
}

/** The name of the table of ours that is installed; empty where there is none. */
export function ownTable(): string {
  return [...listTables()].find(([, { kind }]) => kind === 'ours')?.[0] ?? '';
}

/** The ports of forwards that somebody else has made, in whichever table but ours. */
export function handMadeForwards(natTable: string): readonly PortRange[] {
  const listing = nft(['--json', '--terse', 'list', 'ruleset']);
  if (listing.status !== 0) throw refused(listing.stderr);
  return forwardedPorts(listing.stdout, natTable, (kind, { family, table, name }) => {
    const set = nft(['--json', 'list', kind, family, table, name]);
    // It may be gone again.
    if (set.status !== 0) return [];
    const { nftables } = JSON.parse(set.stdout) as { nftables: readonly Readonly<Record<string, { readonly elem?: readonly string[] }>>[] };
    return nftables.flatMap((object) => object[kind]?.elem ?? []);
  });
}

/** The ruleset, as the helper's program prints it. That takes a fifth of a second, in which there is other work to do. */
export function printRuleset(printer: readonly string[]): Promise<string> {
  const [program = '', ...args] = printer;
  return new Promise((resolve, reject) => {
    const printing = execFile(program, args, { env: { PATH }, timeout: 20_000 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Failure(printing.exitCode ?? EXIT.defect, `no ruleset: ${oneLine(stderr)}`));
    });
  });
}

/**
 * Have the ruleset in the kernel: compare, and load it where needed. Says whether it was loaded. `isBroken`: the helper
 * misses something in it, so it is loaded although the table says that it is there.
 */
export function installRuleset(name: string, ruleset: string, isBroken: boolean): boolean {
  const step = planRuleset(checkTable(name, listTables()), ruleset, isBroken);
  if (step.kind === 'keep') return false;
  const loaded = nft(['-f', '-'], step.script);
  if (loaded.status !== 0) throw refused(loaded.stderr);
  return true;
}

export function nft(args: readonly string[], input = ''): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync('nft', args, { encoding: 'utf8', input, env: { PATH }, timeout: 20_000, maxBuffer: 1 << 26 });
  return { status, stdout, stderr };
}

function refused(stderr: string): Failure {
  const permitted = !/Operation not permitted/.test(stderr);
  return new Failure(permitted ? EXIT.defect : EXIT.capability, `nft: ${oneLine(stderr)}`
    + (permitted ? '' : ': run as root, or try --sandbox'));
}

function oneLine(text: string): string {
  return text.trim().split('\n')[0] ?? '';
}
