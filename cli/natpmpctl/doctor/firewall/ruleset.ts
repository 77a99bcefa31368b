// A ruleset as doctor judges it: the chains that may drop packets, their rules, and the elements of the sets in these.
// Pure.

import type { Fields, Json } from '../../../host/nft-json.js';
import {
  fields,
  keyOf,
  listOf,
  objectsOf,
  only,
  rulesOf,
  setNameOf,
  targetOf,
  textOf,
} from '../../../host/nft-json.js';
import { ownChains } from '../../../host/ruleset.js';
import type { Facts, NftDetails } from '../facts.js';
import { isUnavailable } from '../facts.js';
import { withIptables } from '../../../host/firewall/iptables.js';

export interface Chain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly type: string;
  readonly hook: string;
  readonly priority: number;
  readonly policy: 'passes' | 'dropped';
  /** Of the hooks ingress and egress. */
  readonly devices: readonly string[];
  /** Only the owner may change the table. */
  readonly isOwned: boolean;
}

export interface Ruleset {
  /** The base chains. */
  readonly bases: readonly Chain[];
  readonly rules: ReadonlyMap<string, readonly (readonly Fields[])[]>;
  elements(family: string, table: string, name: string): readonly Json[] | null;
}

/** A named set or map whose elements are needed. */
export interface NamedSet {
  readonly kind: 'set' | 'map';
  readonly family: string;
  readonly table: string;
  readonly name: string;
}

const FAMILIES: Readonly<Record<'ip' | 'ip6', ReadonlySet<string>>> = {
  ip: new Set(['ip', 'inet', 'netdev']),
  ip6: new Set(['ip6', 'inet', 'netdev']),
};
const HOOKS = new Set(['ingress', 'prerouting', 'input', 'forward', 'output', 'postrouting', 'egress']);
/** What the router itself is sent and sends there is of few networks: sets of addresses may have all of them. */
const OF_ROUTER = new Set(['input', 'output', 'egress']);

/** The chains that belong to gateways, each as keyOf. */
export function chainsOfGateways(tables: Facts['tables']): ReadonlySet<string> {
  return isUnavailable(tables) ? new Set() : ownChains(tables);
}

/** What packets of IPv4 or IPv6 pass, without the chains in `ours`. */
export function readRuleset(
  listing: string,
  details: NftDetails,
  ours: ReadonlySet<string>,
  family: 'ip' | 'ip6' = 'ip',
): Ruleset {
  const objects = objectsOf(listing);
  const textDetails = readText(details.text);
  const bases = only('chain', objects)
    .flatMap((chain) => base(chain, textDetails, FAMILIES[family]))
    .filter(({ family, table, name }) => !ours.has(keyOf(family, table, name)));
  const rules = new Map<string, (readonly Fields[])[]>();
  for (const { family, table, chain, expr } of rulesOf(objects)) {
    const key = keyOf(family, table, chain);
    const there = rules.get(key);
    if (there === undefined) rules.set(key, [expr]);
    else there.push(expr);
  }
  return {
    bases,
    rules: withIptables(rules, family === 'ip' ? details.iptables : details.ip6tables, family),
    elements: (family, table, name) => details.elements.get(keyOf(family, table, name)) ?? null,
  };
}

function base(chain: Fields, textDetails: TextDetails, families: ReadonlySet<string>): readonly Chain[] {
  const [family, table, name, hook] = [
    textOf(chain['family']),
    textOf(chain['table']),
    textOf(chain['name']),
    textOf(chain['hook']),
  ];
  const flags = textDetails.flags.get(keyOf(family, table)) ?? [];
  if (!families.has(family) || !HOOKS.has(hook) || flags.includes('dormant')) return [];
  const { dev } = chain;
  return [
    {
      family,
      table,
      name,
      hook,
      type: textOf(chain['type']),
      priority: Number(chain['prio'] ?? 0),
      policy: chain['policy'] === 'drop' ? 'dropped' : 'passes',
      devices:
        dev === undefined ? (textDetails.devices.get(keyOf(family, table, name)) ?? []) : [dev].flat().map(textOf),
      isOwned: flags.includes('owner'),
    },
  ];
}

interface TextDetails {
  /** By table. */
  readonly flags: ReadonlyMap<string, readonly string[]>;
  /** By chain. */
  readonly devices: ReadonlyMap<string, readonly string[]>;
}

function readText(text: string): TextDetails {
  const [flags, devices] = [new Map<string, readonly string[]>(), new Map<string, readonly string[]>()];
  let [family, table, chain] = ['', '', ''];
  for (const line of text.split('\n')) {
    const [, ...head] = /^table (\S+) (\S+) \{/.exec(line) ?? [];
    if (head.length > 0) [family = '', table = ''] = head;
    const [, listed] = /^\tflags (.*)$/.exec(line) ?? [];
    if (listed !== undefined) flags.set(keyOf(family, table), listed.split(/[ ,;]+/));
    [, chain = chain] = /^\tchain (\S+) \{/.exec(line) ?? [];
    const [, which] = /^\t\ttype \S+ hook (?:in|e)gress devices? (.*) priority /.exec(line) ?? [];
    if (which !== undefined) devices.set(keyOf(family, table, chain), which.match(/[^\s"={},]+/g) ?? []);
  }
  return { flags, devices };
}

/**
 * The named sets and maps in reachable rules, of which `details` has no elements yet. A verdict map leads to more
 * chains: call again until there are none.
 */
export function missingSets(listing: string, details: NftDetails, ours: ReadonlySet<string>): readonly NamedSet[] {
  const [{ bases, rules }, ipv6] = [readRuleset(listing, details, ours), readRuleset(listing, details, ours, 'ip6')];
  const objects = objectsOf(listing);
  const known = new Map(
    (['set', 'map'] as const).flatMap((kind) =>
      only(kind, objects)
        .filter((set) => !isChanging(set))
        .map((set) => {
          const which = { kind, family: textOf(set['family']), table: textOf(set['table']), name: textOf(set['name']) };
          return [keyOf(which.family, which.table, which.name), which] as const;
        }),
    ),
  );
  const wanted = new Map<string, NamedSet>();
  const seen = new Set<string>();
  const visit = (family: string, table: string, chain: string, hasSources: boolean): void => {
    const key = keyOf(family, table, chain);
    if (seen.has(key)) return;
    seen.add(key);
    for (const statement of (rules.get(key) ?? []).flat()) {
      for (const name of namesIn(statement, hasSources)) {
        const set = keyOf(family, table, name);
        const which = known.get(set);
        if (which !== undefined && !details.elements.has(set)) wanted.set(set, which);
      }
      for (const target of targetsIn(statement, (name) => details.elements.get(keyOf(family, table, name)) ?? []))
        visit(family, table, target, hasSources);
    }
  };
  const all = [...bases, ...ipv6.bases];
  for (const isOfRouter of [true, false])
    for (const { family, table, name, hook } of all)
      if (OF_ROUTER.has(hook) === isOfRouter) visit(family, table, name, isOfRouter);
  return [...wanted.values()];
}

/** Its current elements say nothing about later ones. */
function isChanging({ flags, timeout }: Fields): boolean {
  return timeout !== undefined || [flags ?? []].flat().some((flag) => flag === 'timeout' || flag === 'dynamic');
}

/** For sets of sources on the Internet, the elements make no difference. */
function namesIn({ match, vmap }: Fields, hasSources: boolean): readonly string[] {
  const left = fields(match)['left'] ?? null;
  const isSource = (expression: Json): boolean =>
    !hasSources && ['saddr', 'sport'].includes(textOf(fields(fields(expression)['payload'])['field']));
  const isOfSource = listOf(fields(left)['concat'] ?? [left]).every(isSource);
  const names = [isOfSource ? null : setNameOf(fields(match)['right']), setNameOf(fields(vmap)['data'])];
  return names.filter((name) => name !== null);
}

function targetsIn(statement: Fields, elementsOf: (name: string) => readonly Json[]): readonly string[] {
  const { data } = fields(statement['vmap']);
  const name = setNameOf(data);
  const verdicts = (name === null ? listOf(fields(data)['set']) : elementsOf(name)).map((entry) => listOf(entry)[1]);
  return [statement, ...verdicts].map(targetOf).filter((target) => target !== null);
}
