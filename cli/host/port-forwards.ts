// The ports that are forwarded by hand: destination ports of dnat and redirect rules in `nft -j list ruleset`. A
// mapping of such a port would take it away from that rule, or never be reached. Pure: elements of named sets and maps,
// which a terse listing leaves out, come from an argument.

import type { PortRange } from '../../proto/mapping.js';
import { isPort } from '../../proto/mapping.js';
import type { Fields, Json, Named, Rule } from './nft-json.js';
import { elementOf, fields, keyOf, listOf, objectsOf, only, rulesOf, setNameOf, targetOf } from './nft-json.js';

/** The elements of a named set or map, as nft's JSON has them; empty if they cannot be read. */
export type ElementsOf = (kind: 'set' | 'map', which: Named) => readonly Json[];

/**
 * The ports of all forwarding rules, except those in our own chains, each as keyOf. A rule for all ports at once gives
 * none.
 */
export function forwardedPorts(
  listing: string,
  ours: ReadonlySet<string>,
  elementsOf: ElementsOf,
): readonly PortRange[] {
  const objects = objectsOf(listing);
  const rules = rulesOf(objects).filter(({ family, table, chain }) => !ours.has(keyOf(family, table, chain)));
  const maps = new Set(
    only('map', objects).map(({ family, table, name }) => keyOf(String(family), String(table), String(name))),
  );
  const entries = ({ family, table }: Rule, data: Json): readonly Json[] => {
    const name = setNameOf(data);
    if (name !== null) return elementsOf(maps.has(keyOf(family, table, name)) ? 'map' : 'set', { family, table, name });
    return typeof data === 'string' ? [] : listOf(fields(data)['set'] ?? data);
  };

  const chains = forwardingChains(rules, entries);
  return rules.flatMap((rule) => {
    if (!rule.expr.some((statement) => forwards(statement, rule, chains, entries))) return [];
    return rule.expr.flatMap((statement) => portsOf(statement, rule, chains, entries));
  });
}

type Entries = (rule: Rule, data: Json) => readonly Json[];

/** The chains with a rule that forwards, or that jumps to such a chain. */
function forwardingChains(rules: readonly Rule[], entries: Entries): ReadonlySet<string> {
  const chains = new Set<string>();
  for (let before = -1; before < chains.size; ) {
    before = chains.size;
    for (const rule of rules) {
      if (rule.expr.some((statement) => forwards(statement, rule, chains, entries)))
        chains.add(keyOf(rule.family, rule.table, rule.chain));
    }
  }
  return chains;
}

function forwards(statement: Fields, rule: Rule, chains: ReadonlySet<string>, entries: Entries): boolean {
  if ('dnat' in statement || 'redirect' in statement) return true;
  // The form of iptables-nft.
  if (['DNAT', 'REDIRECT'].includes(String(fields(statement['xt'])['name']))) return true;
  const vmap = fields(statement['vmap']);
  if (vmap['data'] !== undefined)
    return entries(rule, vmap['data']).some((entry) => leadsTo(listOf(entry)[1] ?? null, rule, chains));
  return leadsTo(statement, rule, chains);
}

/** Whether a verdict jumps to one of these chains. */
function leadsTo(verdict: Json, { family, table }: Rule, chains: ReadonlySet<string>): boolean {
  const target = targetOf(verdict);
  return target !== null && chains.has(keyOf(family, table, target));
}

function portsOf(statement: Fields, rule: Rule, chains: ReadonlySet<string>, entries: Entries): readonly PortRange[] {
  const match = fields(statement['match']);
  const place = placeOf(match['left'] ?? null);
  if (place !== null) return matched(match['op'] ?? null, match['right'] ?? null, place, (data) => entries(rule, data));

  const vmap = fields(statement['vmap']);
  const byVerdict = placeOf(vmap['key'] ?? null);
  if (byVerdict !== null) {
    return entries(rule, vmap['data'] ?? null)
      .filter((entry) => leadsTo(listOf(entry)[1] ?? null, rule, chains))
      .flatMap((entry) => keyRange(entry, byVerdict));
  }
  // dnat to tcp dport map { 80 : 192.168.1.5 }
  return Object.values(fields(statement['dnat'] ?? statement['redirect'] ?? null)).flatMap((target) => {
    const map = fields(fields(target)['map'] ?? null);
    const byTarget = placeOf(map['key'] ?? null);
    return byTarget === null ? [] : entries(rule, map['data'] ?? null).flatMap((entry) => keyRange(entry, byTarget));
  });
}

function matched(op: Json, right: Json, place: number, entries: (data: Json) => readonly Json[]): readonly PortRange[] {
  const bound = Number(right);
  switch (op) {
    case '==':
    case 'in':
      return (typeof right === 'string' || 'set' in fields(right) ? entries(right) : [right]).flatMap((entry) =>
        keyRange(entry, place),
      );
    case '>=':
      return [{ from: bound, to: 65535 }];
    case '>':
      return [{ from: bound + 1, to: 65535 }];
    case '<=':
      return [{ from: 1, to: bound }];
    case '<':
      return [{ from: 1, to: bound - 1 }];
    default:
      return []; // all ports but these
  }
}

/** The position of the destination port in a key: 0, or its index in a concatenation; null if it is not part of it. */
function placeOf(key: Json): number | null {
  const parts = listOf(fields(key)['concat'] ?? [key]);
  const place = parts.findIndex((part) => fields(fields(part)['payload'])['field'] === 'dport');
  return place < 0 ? null : place;
}

/** The ports in a key of a set or map, or in the key of [key, data]. */
function keyRange(entry: Json, place: number): readonly PortRange[] {
  const key = Array.isArray(entry) ? ((entry as readonly Json[])[0] ?? null) : entry;
  const value = elementOf(key);
  const part = fields(value)['concat'] === undefined ? value : (listOf(fields(value)['concat'])[place] ?? null);
  const [from, to] = fields(part)['range'] === undefined ? [part, part] : listOf(fields(part)['range'] ?? null);
  return isPort(Number(from)) && isPort(Number(to)) ? [{ from: Number(from), to: Number(to) }] : [];
}
