// Which objects in the kernel are ours, and the nft scripts that install and remove a ruleset without losing a mapping.
// Pure: from the text that nft prints to the text that it reads.

import { EXIT, Failure, messageOf } from './failure.js';
import { MARK, namesIn } from './ruleset-text.js';

/** Where a ruleset is: the names that tell ours from anybody else's. */
export interface RulesetName {
  readonly table: string;
  /** The prerouting chain, after which every other object is named. */
  readonly chain: string;
}

/** A ruleset of a gateway in the kernel: ours, or another's with another chain. */
export interface FoundRuleset extends RulesetName {
  /** 'ip' if a release before this one has made it; the table is all its own then. */
  readonly family: 'inet' | 'ip';
  /** Of the ruleset; null in that of an older release, or without the prerouting chain. */
  readonly checksum: string | null;
  readonly chains: readonly string[];
  /** Sets and maps. */
  readonly sets: readonly string[];
  /** Whether nothing of others is in its table. */
  readonly isAlone: boolean;
  readonly rules: number;
}

/** The tables of families inet and ip, as far as the gateways are concerned. */
export interface Tables {
  readonly rulesets: readonly FoundRuleset[];
  /** Tables of family inet that a gateway has made, and nobody else uses. */
  readonly removable: ReadonlySet<string>;
  /** What others have in tables of family inet: "kind name", by table. */
  readonly foreign: ReadonlyMap<string, readonly string[]>;
  /** Tables of family inet that only their owner may change, such as firewalld. */
  readonly owned: ReadonlySet<string>;
}

/** The sets that hold mappings, by the end of their name. The other sets fill again by themselves. */
const MAPPING_SETS = [
  { kind: 'map', name: 'in' },
  { kind: 'map', name: 'out' },
  { kind: 'set', name: 'live' },
  { kind: 'set', name: 'pinholes' },
] as const;

/** The sets of a release that had a table of family ip. */
const OLD_SETS: readonly string[] = ['in', 'out', 'live', 'stale', 'askers'];

interface NftObject {
  readonly kind: string;
  readonly name: string;
  readonly body: string;
}

/** What `nft --terse list ruleset` shows. */
export function readTables(listing: string): Tables {
  const rulesets: FoundRuleset[] = [];
  const foreign = new Map<string, readonly string[]>();
  const [removable, owned] = [new Set<string>(), new Set<string>()];
  for (const [, family = '', table = '', body = ''] of listing.matchAll(
    /^table (inet|ip) (\S+) \{(?: # progname [^\n]*)?\n([\s\S]*?)^\}$/gm,
  )) {
    const objects = objectsIn(body);
    if (family === 'ip') {
      const earlier = earlierRuleset(table, body, objects);
      if (earlier !== null) rulesets.push(earlier);
      continue;
    }
    const here = rulesetsIn(table, objects);
    rulesets.push(...here);
    const others = objects.filter((object) => ownerOf(object) === null);
    foreign.set(
      table,
      others.map(({ kind, name }) => `${kind} ${name}`),
    );
    if (others.length === 0 && new RegExp(`^\\tcomment "${MARK}"$`, 'm').test(body)) removable.add(table);
    if (/^\tflags [^\n]*\bowner\b/m.test(body)) owned.add(table);
  }
  return { rulesets, removable, foreign, owned };
}

function objectsIn(body: string): readonly NftObject[] {
  return [...body.matchAll(/^\t(\S.*?) (\S+) \{\n([\s\S]*?)^\t\}$/gm)].map(([, kind = '', name = '', inside = '']) => ({
    kind,
    name,
    body: inside,
  }));
}

/** Whose it is by its comment, and the checksum there. */
function ownerOf({ body }: NftObject): { readonly chain: string; readonly checksum: string | null } | null {
  const [, chain, checksum = null] =
    new RegExp(`^\\t\\tcomment "${MARK} ([A-Za-z][A-Za-z0-9_.-]*)(?: ([0-9a-f]{8}))?"$`, 'm').exec(body) ?? [];
  return chain === undefined ? null : { chain, checksum };
}

function rulesetsIn(table: string, objects: readonly NftObject[]): readonly FoundRuleset[] {
  const chains = [...new Set(objects.flatMap((object) => ownerOf(object)?.chain ?? []))];
  return chains.map((chain) => {
    const own = objects.filter((object) => ownerOf(object)?.chain === chain);
    const base = own.find(({ kind, name }) => kind === 'chain' && name === chain);
    return {
      family: 'inet',
      table,
      chain,
      checksum: base === undefined ? null : (ownerOf(base)?.checksum ?? null),
      chains: own.filter(({ kind }) => kind === 'chain').map(({ name }) => name),
      sets: own.filter(({ kind }) => kind === 'map' || kind === 'set').map(({ name }) => name),
      isAlone: own.length === objects.length,
      rules: rulesIn(
        own.map(({ kind, name, body }) => (kind === 'chain' ? `\tchain ${name} {\n${body}\t}` : '')).join('\n'),
      ),
    };
  });
}

/**
 * Of the releases that had a table of family ip to themselves, with a comment of the table, and of the prerouting chain;
 * a release before those had only the first.
 */
function earlierRuleset(table: string, body: string, objects: readonly NftObject[]): FoundRuleset | null {
  if (!new RegExp(`^\\tcomment "${MARK} [^"]*"$`).test(body.split('\n', 1)[0] ?? '')) return null;
  const base =
    objects.find(({ kind, body: inside }) => kind === 'chain' && inside.startsWith(`\t\tcomment "${MARK} `)) ??
    objects.find(({ kind, body: inside }) => kind === 'chain' && /^\t\ttype nat hook prerouting /m.test(inside));
  // iptables and others may have put chains into it since.
  const isOwn = ({ kind, name }: NftObject): boolean =>
    kind === 'chain'
      ? base !== undefined && (name === base.name || name.startsWith(`${base.name}-`))
      : OLD_SETS.includes(name);
  const own = objects.filter(isOwn);
  if (!own.some(({ kind }) => kind !== 'chain')) return null; // it has been deleted, and others are left
  return {
    family: 'ip',
    table,
    chain: base?.name ?? '',
    checksum: null,
    chains: own.filter(({ kind }) => kind === 'chain').map(({ name }) => name),
    sets: own.filter(({ kind }) => kind === 'map' || kind === 'set').map(({ name }) => name),
    isAlone: own.length === objects.length,
    rules: 0,
  };
}

/** The ruleset of this name, if it is there. */
export function findRuleset(tables: Tables, { table, chain }: RulesetName): FoundRuleset | null {
  return tables.rulesets.find((one) => one.family === 'inet' && one.table === table && one.chain === chain) ?? null;
}

/**
 * Our rulesets that are in the way of the wanted one: in another table, of a release before, or installed by us under
 * `installed` before the names were changed. Two rulesets of one gateway would reject each other's connections.
 */
export function findLeftovers(
  { rulesets }: Tables,
  wanted: RulesetName,
  installed: RulesetName | null,
): readonly FoundRuleset[] {
  return rulesets.filter(({ family, table, chain }) => {
    if (family === 'inet' && table === wanted.table && chain === wanted.chain) return false;
    if (chain === wanted.chain || (family === 'ip' && chain === '')) return true;
    return installed !== null && table === installed.table && chain === installed.chain;
  });
}

/**
 * The rulesets of a gateway that is to be closed: by what it has installed, because its settings may have been changed or
 * become wrong since. `installed`: the chain that natpmp-ruleset has recorded, '' if it has left no record, null without
 * natpmp-ruleset. `settingsChain`: the chain of the settings, or a Failure; without natpmp-ruleset it counts alone.
 * Without a record, the only gateway there is is taken for it: a port that stays open does more harm than another
 * gateway's ruleset that is deleted, which it loads again by itself. A Failure if nothing tells which of several it is.
 */
export function rulesetsToClose(
  { rulesets }: Tables,
  installed: string | null,
  settingsChain: () => string,
): readonly FoundRuleset[] {
  const ofChain = (chain: string): readonly FoundRuleset[] =>
    rulesets.filter((one) => one.chain === chain || (one.family === 'ip' && one.chain === ''));
  if (installed === null) return ofChain(settingsChain());
  if (rulesets.some(({ chain }) => chain !== '' && chain === installed)) return ofChain(installed);
  let why = 'their chains are not that of the settings';
  try {
    const own = ofChain(settingsChain());
    if (own.length > 0) return own;
  } catch (error) {
    why = messageOf(error);
  }
  const chains = [...new Set(rulesets.map(({ chain }) => chain))];
  // With a record, it was closed before, and these are of others.
  if (installed !== '' || chains.length === 0) return [];
  if (chains.length === 1) return rulesets;
  throw new Failure(
    EXIT.usage,
    `nothing was deleted, because nothing tells which of the gateways ${chains.join(', ')} it is (${why}): delete it by install-ruleset.js --remove --nat-chain NAME`,
  );
}

/** Why the ruleset cannot be where it is wanted, in words that follow "table inet NAME"; null if it can. */
export function obstacle(
  tables: Tables,
  { table, chain }: RulesetName,
  ruleset: string,
  leftovers: readonly FoundRuleset[] = [],
): string | null {
  if (tables.owned.has(table)) return 'belongs to a program that lets nobody else change it';
  const names = new Set([
    ...namesIn(ruleset, 'chain').map((name) => `chain ${name}`),
    ...namesIn(ruleset, 'map|set').flatMap((name) => [`map ${name}`, `set ${name}`]),
  ]);
  const other = tables.rulesets.find(
    (one) =>
      one.family === 'inet' &&
      one.table === table &&
      one.chain !== chain &&
      !leftovers.includes(one) &&
      [...one.chains.map((name) => `chain ${name}`), ...one.sets.map((name) => `set ${name}`)].some((name) =>
        names.has(name),
      ),
  );
  if (other !== undefined) return `has the gateway ${other.chain}, some of whose names are the same`;
  const taken = (tables.foreign.get(table) ?? []).find((object) => names.has(object));
  return taken === undefined ? null : `has a ${taken} of somebody else`;
}

/** Whether this ruleset is there already. */
export function isCurrent(found: FoundRuleset | null, ruleset: string): boolean {
  if (found === null || found.rules < rulesIn(ruleset)) return false;
  if (!namesIn(ruleset, 'chain').every((name) => found.chains.includes(name))) return false;
  const checksum = new RegExp(`^    comment "${MARK} \\S+ ([0-9a-f]{8})"$`, 'm').exec(ruleset)?.[1];
  return checksum !== undefined && found.checksum === checksum;
}

/** Rules in the chains of a script or listing: lines that are no property, comment or bracket. */
function rulesIn(text: string): number {
  const chains = [...text.matchAll(/^(?:\t| {2})chain \S+ \{\n([\s\S]*?)^(?:\t| {2})\}$/gm)];
  return chains
    .flatMap(([, inside = '']) => inside.split('\n'))
    .filter((line) => /^\s+(?!comment |type |#|policy )\S/.test(line)).length;
}

/**
 * A script that replaces chains and rules and keeps the sets with all their elements; null if the new ruleset has other
 * sets.
 */
export function exchangeRules(found: FoundRuleset, ruleset: string): string | null {
  const wanted = namesIn(ruleset, 'map|set');
  if (wanted.length !== found.sets.length || !wanted.every((one) => found.sets.includes(one))) return null;
  return [...deletions({ ...found, sets: [] }), ruleset].join('\n');
}

/** A script that makes the ruleset with elements that were read before, after it has deleted what is in the way. */
export function replaceRulesets(
  { table }: RulesetName,
  ruleset: string,
  elements: ReadonlyMap<string, string>,
  others: readonly FoundRuleset[],
): string {
  const filled = [...elements].map(([set, block]) => `add element inet ${table} ${set} ${block}`);
  return [...others.flatMap(deletions), ruleset, ...filled, ''].join('\n');
}

/** A script that deletes rulesets, and those of the tables in which nothing else is left. */
export function removal(tables: Tables, rulesets: readonly FoundRuleset[]): string {
  const emptied = [...tables.removable].filter((table) =>
    tables.rulesets.every((one) => one.family !== 'inet' || one.table !== table || rulesets.includes(one)),
  );
  return [...rulesets.flatMap(deletions), ...emptied.map((table) => `delete table inet ${table}`), ''].join('\n');
}

/** A table of family ip goes if nothing of others is in it; else, and of one of family inet, only what is ours. */
function deletions({ family, table, chains, sets, isAlone }: FoundRuleset): readonly string[] {
  if (family === 'ip' && isAlone) return [`delete table ip ${table}`];
  return [
    ...chains.map((chain) => `flush chain ${family} ${table} ${chain}`),
    ...chains.map((chain) => `delete chain ${family} ${table} ${chain}`),
    ...sets.map((set) => `delete set ${family} ${table} ${set}`),
  ];
}

/**
 * The sets of a ruleset that hold mappings: what they are, where, and what their like is called in the wanted one. Without
 * those that it does not have, as of pinholes that were turned off.
 */
export function mappingSets(
  { family, chain, sets }: FoundRuleset,
  wanted: RulesetName,
  ruleset: string,
): readonly { readonly kind: 'map' | 'set'; readonly name: string; readonly movesTo: string }[] {
  const wantedSets = namesIn(ruleset, 'map|set');
  return MAPPING_SETS.map(({ kind, name }) => ({
    kind,
    name: family === 'ip' ? name : `${chain}-${name}`,
    movesTo: `${wanted.chain}-${name}`,
  })).filter(({ name, movesTo }) => sets.includes(name) && wantedSets.includes(movesTo));
}

/** The elements in the output of `nft list map` or `nft list set`, as `add element` takes them. */
export function elementsIn(listing: string): { readonly count: number; readonly block: string } {
  const list = /^\s*elements = \{([^}]*)\}/m.exec(listing)?.[1] ?? '';
  // An element that has just expired would be added without an expiry, and start again.
  const left = list
    .split(',')
    .map((element) => element.trim())
    .filter((element) => element !== '' && !/ expires 0s\b/.test(element));
  return { count: left.length, block: `{ ${left.join(', ')} }` };
}
