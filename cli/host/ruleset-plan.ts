// Whose the tables in the kernel are, and the script that gets the wanted ruleset there without losing a mapping. Pure:
// what nft prints comes in as text, and what nft is to read goes out as text.

/** A table that carries our mark. */
export interface OwnTable {
  readonly kind: 'ours';
  /** Of the ruleset in it; null in a table of an older release, and where the prerouting chain is gone. */
  readonly checksum: string | null;
  readonly chains: readonly string[];
  /** Sets and maps. */
  readonly sets: readonly string[];
}

export type Table = { readonly kind: 'absent' } | { readonly kind: 'foreign' } | OwnTable;

/** The sets that hold mappings. The others fill again by themselves. */
export const MAPPING_SETS = [
  { kind: 'map', name: 'in' },
  { kind: 'map', name: 'out' },
  { kind: 'set', name: 'live' },
] as const;

/** The comment that the ruleset gives its table: its second line, before anything that could quote another. */
const MARK = /^\s*comment "natpmp-server [^"]*"$/;
/** The comment that it gives its prerouting chain. */
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

/** Whether the table holds the wanted ruleset already. */
export function isCurrent(table: Table, ruleset: string): boolean {
  const checksum = checksumOf(ruleset);
  return table.kind === 'ours' && checksum !== null && table.checksum === checksum;
}

/** The part of the printed script behind the two lines that delete a table of the same name. */
function definition(ruleset: string): string {
  return ruleset.slice(ruleset.search(/^table ip \S+ \{$/m));
}

/**
 * A script that exchanges chains and rules and leaves the sets with their elements as they are, however many there are;
 * null where the sets are others. It fails, and changes nothing, where a set of the same name is defined differently.
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
 * A script that makes the table from nothing, with elements that were read before, and deletes the tables of ours with
 * other names: each would reject the connections of the other.
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

/** The elements that `nft list map` or `nft list set` shows, as `add element` takes them. */
export function elementsIn(listing: string): { readonly count: number; readonly block: string } {
  const list = /^\s*elements = \{([^}]*)\}/m.exec(listing)?.[1] ?? '';
  // One whose time is over would be taken for one without a time of its own, and begin again.
  const left = list
    .split(',')
    .map((element) => element.trim())
    .filter((element) => element !== '' && !/ expires 0s\b/.test(element));
  return { count: left.length, block: `{ ${left.join(', ')} }` };
}
