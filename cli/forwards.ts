// The ports that somebody has forwarded by hand: destination ports of dnat and redirect rules in the ruleset, as `nft -j list
// ruleset` shows it. A mapping of one of them would take it away from that rule, or get nothing itself. Pure: elements of
// named sets and maps, which a terse listing leaves out, come from an argument.

import type { PortRange } from '../proto/mapping.js';
import { isPort } from '../proto/mapping.js';

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
type Fields = { readonly [name: string]: Json };

export interface Named {
  readonly family: string;
  readonly table: string;
  readonly name: string;
}
/** The elements of a named set, or of a map, as nft's JSON has them; empty where they can not be had. */
export type ElementsOf = (kind: 'set' | 'map', which: Named) => readonly Json[];

interface Rule {
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  readonly expr: readonly Fields[];
}

/** Every port of a forwarding rule, whatever host it leads to; not those of our own tables, of family ip. A rule for all ports at once tells nothing. */
export function forwardedPorts(listing: string, ours: ReadonlySet<string>, elementsOf: ElementsOf): readonly PortRange[] {
  const { nftables } = JSON.parse(listing) as { nftables: readonly { readonly rule?: Rule; readonly map?: Named }[] };
  const rules = nftables.flatMap(({ rule }) => (rule === undefined || (rule.family === 'ip' && ours.has(rule.table)) ? [] : [rule]));
  const isMap = (which: Named): boolean => nftables.some(({ map }) =>
    map?.family === which.family && map.table === which.table && map.name === which.name);
  const entries = ({ family, table }: Rule, data: Json): readonly Json[] => {
    if (typeof data !== 'string') return listOf(fields(data)['set'] ?? data);
    const which = { family, table, name: data.replace(/^@/, '') };
    return data.startsWith('@') ? elementsOf(isMap(which) ? 'map' : 'set', which) : [];
  };

  const chains = forwardingChains(rules, entries);
  return rules.flatMap((rule) => {
    if (!rule.expr.some((statement) => forwards(statement, rule, chains, entries))) return [];
    return rule.expr.flatMap((statement) => portsOf(statement, rule, chains, entries));
  });
}

type Entries = (rule: Rule, data: Json) => readonly Json[];

/** The chains with a rule that forwards, or that leads to such a chain. */
function forwardingChains(rules: readonly Rule[], entries: Entries): ReadonlySet<string> {
  const chains = new Set<string>();
  for (let before = -1; before < chains.size;) {
    before = chains.size;
    for (const rule of rules) {
      if (rule.expr.some((statement) => forwards(statement, rule, chains, entries))) chains.add(chainKey(rule, rule.chain));
    }
  }
  return chains;
}

function forwards(statement: Fields, rule: Rule, chains: ReadonlySet<string>, entries: Entries): boolean {
  if ('dnat' in statement || 'redirect' in statement) return true;
  // iptables-nft shows its targets so.
  if (['DNAT', 'REDIRECT'].includes(String(fields(statement['xt'] ?? null)['name']))) return true;
  const vmap = fields(statement['vmap'] ?? null);
  if (vmap['data'] !== undefined) return entries(rule, vmap['data']).some((entry) => leadsTo(listOf(entry)[1] ?? null, rule, chains));
  return leadsTo(statement, rule, chains);
}

/** Whether a verdict is one to go on in such a chain. */
function leadsTo(verdict: Json, rule: Rule, chains: ReadonlySet<string>): boolean {
  const { jump, goto } = fields(verdict);
  const target = fields(jump ?? goto ?? null)['target'];
  return typeof target === 'string' && chains.has(chainKey(rule, target));
}

function chainKey({ family, table }: Rule, chain: string): string {
  return JSON.stringify([family, table, chain]);
}

function portsOf(statement: Fields, rule: Rule, chains: ReadonlySet<string>, entries: Entries): readonly PortRange[] {
  const match = fields(statement['match'] ?? null);
  const place = placeOf(match['left'] ?? null);
  if (place !== null) return matched(match['op'] ?? null, match['right'] ?? null, place, (data) => entries(rule, data));

  const vmap = fields(statement['vmap'] ?? null);
  const byVerdict = placeOf(vmap['key'] ?? null);
  if (byVerdict !== null) {
    return entries(rule, vmap['data'] ?? null).filter((entry) => leadsTo(listOf(entry)[1] ?? null, rule, chains))
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
      return (typeof right === 'string' || 'set' in fields(right) ? entries(right) : [right]).flatMap((entry) => keyRange(entry, place));
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

/** Where in a key the destination port is: 0, or its place in a concatenation; null where it is not in it. */
function placeOf(key: Json): number | null {
  const parts = listOf(fields(key)['concat'] ?? [key]);
  const place = parts.findIndex((part) => fields(fields(part)['payload'] ?? null)['field'] === 'dport');
  return place < 0 ? null : place;
}

/** The ports in a key of a set or map, or in the key of [key, data]; with a timeout or a comment it is in `elem`. */
function keyRange(entry: Json, place: number): readonly PortRange[] {
  const key = Array.isArray(entry) ? (entry as readonly Json[])[0] ?? null : entry;
  const value = fields(key)['elem'] === undefined ? key : fields(fields(key)['elem'] ?? null)['val'] ?? null;
  const part = fields(value)['concat'] === undefined ? value : listOf(fields(value)['concat'] ?? null)[place] ?? null;
  const [from, to] = fields(part)['range'] === undefined ? [part, part] : listOf(fields(part)['range'] ?? null);
  return isPort(Number(from)) && isPort(Number(to)) ? [{ from: Number(from), to: Number(to) }] : [];
}

function fields(value: Json): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Fields : {};
}

function listOf(value: Json): readonly Json[] {
  return Array.isArray(value) ? value as readonly Json[] : [];
}
