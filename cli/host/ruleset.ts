// Installs the static ruleset, and removes it.

import { release } from 'node:os';
import { EXIT, Failure } from './failure.js';
import { isLocalAddress } from './local-address.js';
import { nftFailure, runNft } from './nft.js';
import { keyOf } from './nft-json.js';
import type { FoundRuleset, RulesetName, Tables } from './ruleset-plan.js';
import {
  elementsIn,
  exchangeRules,
  findLeftovers,
  findRuleset,
  isCurrent,
  mappingSets,
  obstacle,
  readTables,
  removal,
  replaceRulesets,
  rulesetsToClose,
} from './ruleset-plan.js';
import type { RulesetConfig } from './ruleset-text.js';
import { labelOf, ruleset as rulesetText, withoutIpsec } from './ruleset-text.js';

/**
 * `list table` would read all elements first, which takes nft ten seconds for a full table; `list ruleset` does not.
 */
export function listTables(): Tables {
  const { status, stdout, stderr } = runNft(['--terse', 'list', 'ruleset']);
  if (status !== 0) throw nftFailure(stderr);
  return readTables(stdout);
}

/** The chains of every gateway's ruleset, each as keyOf. */
export function ownChains({ rulesets }: Tables): ReadonlySet<string> {
  return new Set(rulesets.flatMap(({ family, table, chains }) => chains.map((chain) => keyOf(family, table, chain))));
}

/** The script for this router as it is now: the external address may be one of its own, or not. */
export function rulesetHere(config: RulesetConfig): string {
  const { externalAddress } = config;
  const isOurs = externalAddress !== null && isLocalAddress(externalAddress);
  return rulesetText({
    ...config,
    isAddressHere: isOurs,
    looksIntoMaps: config.looksIntoMaps && isAtLeast(release(), 6, 5),
  });
}

/** Pure: whether a kernel of this release ("6.18.44-something") is of this version or a later one. */
export function isAtLeast(kernel: string, major: number, minor: number): boolean {
  const [, first = '0', second = '0'] = /^(\d+)\.(\d+)/.exec(kernel) ?? [];
  return Number(first) > major || (Number(first) === major && Number(second) >= minor);
}

/** What is in nftables, and what of ours has to go; a Failure if the ruleset cannot be there beside what others have. */
export function checkRuleset(
  name: RulesetName,
  ruleset: string,
  installed: RulesetName | null,
): { readonly tables: Tables; readonly leftovers: readonly FoundRuleset[] } {
  const tables = listTables();
  const leftovers = findLeftovers(tables, name, installed);
  const rival = leftovers.find(
    ({ family, table, chain }) => family === 'inet' && (installed?.table !== table || installed.chain !== chain),
  );
  if (rival !== undefined)
    throw new Failure(
      EXIT.foreignTable,
      `table inet ${rival.table} has a gateway with chain ${rival.chain}, too: nothing was changed; another gateway needs another --nat-chain; one that is not to come back is deleted by install-ruleset.js --remove`,
    );
  const why = obstacle(tables, name, ruleset, leftovers);
  if (why !== null)
    throw new Failure(
      EXIT.foreignTable,
      `table inet ${name.table} ${why}: nothing was changed; choose another name with --nat-table, such as --nat-table natpmp`,
    );
  const label = labelOf(name.chain);
  const same = tables.rulesets.find(
    (one) =>
      one.family === 'inet' && one.chain !== name.chain && !leftovers.includes(one) && labelOf(one.chain) === label,
  );
  if (same !== undefined)
    throw new Failure(
      EXIT.foreignTable,
      `--nat-chain ${name.chain}: the gateway with chain ${same.chain} has the same conntrack label, ${label}: nothing was changed; choose another name`,
    );
  return { tables, leftovers };
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
  /** The ruleset was loaded; false if it was there already. */
  readonly isLoaded: boolean;
  /** Rulesets of ours that were deleted: of a release before, or left from before the names were changed. */
  readonly deleted: readonly FoundRuleset[];
}

/**
 * Have the ruleset in the kernel: compare, and load it if needed, with the mappings that are there in the same
 * transaction, so that no connection through one meets a moment without it. `isBroken`: something in it is missing, so
 * it is loaded although its checksum is there. `installed`: what we installed last, in case the names have changed. A
 * Failure if it cannot be there, or nft refuses.
 */
export function installRuleset(
  wanted: RulesetName,
  ruleset: string,
  isBroken: boolean,
  installed: RulesetName | null,
): Installed {
  const { tables, leftovers: deleted } = checkRuleset(wanted, ruleset, installed);
  const found = findRuleset(tables, wanted);
  if (!isBroken && deleted.length === 0 && isCurrent(found, ruleset)) return { isLoaded: false, deleted };
  let stderr = '';
  for (const { script, withinMs } of scriptsFor(wanted, ruleset, tables, deleted)) {
    const loaded = runNft(['-f', '-'], script, withinMs);
    if (loaded.status === 0) {
      removeEmptied(deleted);
      return { isLoaded: true, deleted };
    }
    stderr = loaded.stderr;
  }
  throw nftFailure(stderr);
}

/**
 * Scripts that install the ruleset, the one that disturbs least first; each is made only if nft refuses those before.
 */
function* scriptsFor(
  wanted: RulesetName,
  ruleset: string,
  tables: Tables,
  leftovers: readonly FoundRuleset[],
): Generator<{ readonly script: string; readonly withinMs?: number }> {
  const found = findRuleset(tables, wanted);
  const exchange = found !== null && leftovers.length === 0 ? exchangeRules(found, ruleset) : null;
  if (exchange !== null) yield* [exchange, withoutIpsec(exchange)].map((script) => ({ script }));
  const source = found ?? leftovers[0] ?? null;
  const elements = source === null ? new Map<string, string>() : readElements(source, wanted, ruleset);
  const others = [...(found === null ? [] : [found]), ...leftovers];
  const texts = [ruleset, withoutIpsec(ruleset)];
  if (elements.size > 0)
    yield* texts.map((text) => ({ script: replaceRulesets(wanted, text, elements, others), withinMs: MOVING_MS }));
  // The elements do not fit the new sets, or are too many: the helper puts its mappings back when it starts.
  yield* texts.map((text) => ({ script: replaceRulesets(wanted, text, new Map(), others) }));
}

/** What the sets that hold mappings have in them, by the new name; nothing if that is too much, or nft too slow. */
function readElements(source: FoundRuleset, wanted: RulesetName, ruleset: string): ReadonlyMap<string, string> {
  const elements = new Map<string, string>();
  const until = Date.now() + READING_MS;
  for (const { kind, name, movesTo } of mappingSets(source, wanted, ruleset)) {
    const listed = runNft(['list', kind, source.family, source.table, name], '', Math.max(1, until - Date.now()));
    const { count, block } = elementsIn(listed.stdout);
    if (listed.status !== 0 || count > MOST_MOVED) return new Map();
    if (count > 0) elements.set(movesTo, block);
  }
  return elements;
}

/** Delete the tables that we have made and emptied; if somebody puts something into one meanwhile, it stays. */
function removeEmptied(deleted: readonly FoundRuleset[]): void {
  if (!deleted.some(({ family }) => family === 'inet')) return;
  const script = removal(listTables(), []);
  if (script !== '') runNft(['-f', '-'], script);
}

export interface Closed {
  readonly deleted: readonly FoundRuleset[];
  /** Of other gateways; told only if nothing was deleted. */
  readonly others: readonly FoundRuleset[];
}

/**
 * Delete the rulesets of a gateway, in any table, with all mappings in them; and a table that we have made, if nothing of
 * others is in it. The arguments are those of rulesetsToClose. A Failure if nft refuses.
 */
export function closeGateway(installed: string | null, settingsChain: () => string): Closed {
  const tables = listTables();
  const deleted = rulesetsToClose(tables, installed, settingsChain);
  if (deleted.length === 0) return { deleted, others: tables.rulesets };
  const { status, stderr } = runNft(['-f', '-'], removal(tables, deleted));
  if (status !== 0) throw nftFailure(stderr);
  return { deleted, others: [] };
}
