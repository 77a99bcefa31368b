// Which tables in the kernel are ours, and the nft script that installs a ruleset without losing a mapping. Pure: from
// the text that nft prints to the text that it reads.

/** A table with our mark. */
export interface OwnTable {
  readonly kind: 'ours';
  /** Of the ruleset in it; null in a table of an older release, or without the prerouting chain. */
  readonly checksum: string | null;
  readonly chains: readonly string[];
  /** Sets and maps. */
  readonly sets: readonly string[];
}

export type Table = { readonly kind: 'absent' } | { readonly kind: 'foreign' } | OwnTable;

/** The sets that hold mappings. The other sets fill again by themselves. */
export const MAPPING_SETS = [
  { kind: 'map', name: 'in' },
  { kind: 'map', name: 'out' },
  { kind: 'set', name: 'live' },
] as const;

/** The comment of our table: the second line, before any text that could imitate it. */
const MARK = /^\s*comment "natpmp-server [^"]*"$/;
/** The comment of its prerouting chain. */
const CHECKSUM = /^\s*chain \S+ \{\n\s*comment "natpmp-server ([0-9a-f]+)"$/m;

/** The tables that `nft --terse list ruleset ip` shows, by name. */
export function readTables(listing: string): ReadonlyMap<string, Table> {
  const tables = listing.matchAll(/^table ip (\S+) \{\n([\s\S]*?)^\}$/gm);
  return new Map([...tables].map(([, name = '', body = '']) => [name, readTable(body)]));
}

function readTable(body: string): Table {
  if (!MARK.test(body.split('\n', 1)[0] ?? '')) return { kind: 'foreign' };
  return { kind: 'ours', checksum: checksumOf(body), chains: names(body, 'chain'), sets: names(body, 'map|set') };
}

function checksumOf(text: string): string | null {
  return CHECKSUM.exec(text)?.[1] ?? null;
}

/** The names of a table's chains or sets. */
function names(body: string, kinds: string): readonly string[] {
  return [...body.matchAll(new RegExp(`^\\s*(?:${kinds}) (\\S+) \\{$`, 'gm'))].map(([, name = '']) => name);
}

/** Whether the table already holds this ruleset. */
export function isCurrent(table: Table, ruleset: string): boolean {
  const checksum = checksumOf(ruleset);
  return table.kind === 'ours' && checksum !== null && table.checksum === checksum;
}

/** The script without its first two lines, which delete a table of the same name. */
function definition(ruleset: string): string {
  return ruleset.slice(ruleset.search(/^table ip \S+ \{$/m));
}

/**
 * A script that replaces chains and rules and keeps the sets with all their elements; null if the new ruleset has other
 * sets. It fails, and changes nothing, if a set of the same name is defined differently.
 */
export function exchangeRules(name: string, table: OwnTable, ruleset: string): string | null {
  const wanted = names(ruleset, 'map|set');
  if (wanted.length !== table.sets.length || !wanted.every((one) => table.sets.includes(one))) return null;
  return [
    `flush table ip ${name}`,
    ...table.chains.map((chain) => `delete chain ip ${name} ${chain}`),
    definition(ruleset),
  ].join('\n');
}

/**
 * A script that creates the table with elements that were read before, and deletes our tables with other names: two of
 * our tables would reject each other's connections.
 */
export function replaceTable(
  name: string,
  ruleset: string,
  elements: ReadonlyMap<string, string>,
  leftovers: readonly string[],
): string {
  const filled = [...elements].map(([set, block]) => `add element ip ${name} ${set} ${block}`);
  return [ruleset, ...filled, ...leftovers.map((other) => `delete table ip ${other}`), ''].join('\n');
}

/**
 * The elements in the output of `nft list map` or `nft list set`, as `add element` takes them; null if there are none.
 */
export function elementsIn(listing: string): string | null {
  const list = /^\s*elements = \{([^}]*)\}/m.exec(listing)?.[1] ?? '';
  // An element that has just expired would be added without an expiry, and start again.
  const left = list
    .split(',')
    .map((element) => element.trim())
    .filter((element) => element !== '' && !/ expires 0s\b/.test(element));
  return left.length === 0 ? null : `{ ${left.join(', ')} }`;
}
