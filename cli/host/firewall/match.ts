// Whether the packets of a class meet the conditions of a rule: the value of an expression for them, compared with the
// rule's. Pure.

import type { Fields, Json } from '../nft-json.js';
import { elementOf, fields, listOf, setNameOf } from '../nft-json.js';
import type { Packets, Value } from './packet.js';
import { operandOf } from './packet.js';
import type { Range } from './range.js';
import { covered, numberOf, rangeOf } from './range.js';
import { conditionText } from './text.js';
import type { Truth } from './truth.js';
import { all, any, FEW, is, NO, not, part, unknown, YES } from './truth.js';

/** The elements of a named set or map; null if they change all the time, or could not be read. */
export type ElementsOf = (name: string) => readonly Json[] | null;

/** A verdict, and for which packets it is. */
export interface Arm {
  readonly truth: Truth;
  readonly verdict: Json;
}

/** A condition: {"op": ..., "left": ..., "right": ...}. */
export function matches(match: Fields, packets: Packets, elementsOf: ElementsOf): Truth {
  const [left, right, op] = [match['left'] ?? null, match['right'] ?? null, String(match['op'] ?? '==')];
  const value = operandOf(left, packets);
  const on = [conditionText(left, op, right)];
  if (value.kind === 'absent') return NO;
  // An ipset of iptables, whose elements are not read here: of LAN hosts it may have all.
  if (packets.isRequest === true && isOfSource(value) && / src\b/.test(setNameOf(right) ?? '')) return unknown(on);
  switch (op) {
    case '==':
      return equals(value, right, on, elementsOf);
    case '!=':
      return not(equals(value, right, [conditionText(left, '==', right)], elementsOf));
    case 'in':
      return hasAny(value, right, on, elementsOf);
    case '!':
      return not(hasAny(value, right, [conditionText(left, '==', right)], elementsOf));
    default:
      return compares(value, op, right, on);
  }
}

/** A verdict map: its elements exclude each other, and a packet that matches none continues. */
export function armsOf(vmap: Fields, packets: Packets, elementsOf: ElementsOf): readonly Arm[] | null {
  const key = vmap['key'] ?? null;
  const value = operandOf(key, packets);
  if (value.kind === 'absent') return [];
  const entries = entriesOf(vmap['data'] ?? null, elementsOf);
  if (entries === null) return null;
  const pairs = entries.map((entry) => [elementOf(listOf(entry)[0]), listOf(entry)[1] ?? null] as const);
  const arms = pairs
    .filter(([pattern]) => pattern !== '*')
    .map(([pattern, verdict]) => ({ truth: fits(value, pattern, [conditionText(key, '==', pattern)]), verdict }));
  const others = not(any(arms.map(({ truth }) => truth)));
  return [...arms, ...pairs.filter(([pattern]) => pattern === '*').map(([, verdict]) => ({ truth: others, verdict }))];
}

function entriesOf(data: Json, elementsOf: ElementsOf): readonly Json[] | null {
  const name = setNameOf(data);
  return name === null ? listOf(fields(data)['set']) : elementsOf(name);
}

function equals(value: Value, right: Json, on: readonly string[], elementsOf: ElementsOf): Truth {
  if (setNameOf(right) === null && fields(right)['set'] === undefined) return fits(value, right, on);
  const elements = entriesOf(right, elementsOf);
  // A set of sources contains few of all sources: those blocked, or those admitted.
  if (elements === null) return isOfSource(value) ? part(FEW, on) : unknown(on);
  const patterns = elements.map(elementOf);
  return patterns.includes('*') ? YES : any(patterns.map((pattern) => fits(value, pattern, on)));
}

function isOfSource(value: Value): boolean {
  return value.kind === 'tuple'
    ? value.values.every(isOfSource)
    : (value.kind === 'spread' || value.kind === 'varies') && value.isSource;
}

/** Whether the value equals the pattern. */
function fits(value: Value, pattern: Json, on: readonly string[]): Truth {
  switch (value.kind) {
    case 'one':
      return isOneOf(value.names, pattern);
    case 'flags':
      return areFlags(value, namesOf(pattern), on);
    case 'spread': {
      const range = rangeOf(pattern);
      return range === null ? unknown(on) : part(covered(value.ranges, range), on);
    }
    case 'tuple':
      return all(value.values.map((each, index) => fits(each, listOf(fields(pattern)['concat'])[index] ?? null, on)));
    case 'varies':
      return isOfIpv6Prefix(pattern, value.isSource, on);
    case 'rare':
      return pattern === false ? part(1 - FEW, on) : part(FEW, on);
    case 'absent':
      return NO;
    case 'unknown':
      return unknown(on);
  }
}

/**
 * IPv6 addresses of which no more is known than that they are global unicast (2000::/3). A /64 is a whole LAN, and the
 * LAN that is asked about may be the one; of the senders it has few.
 */
function isOfIpv6Prefix(pattern: Json, isSource: boolean, on: readonly string[]): Truth {
  const { addr, len } = fields(fields(pattern)['prefix'] ?? null);
  if (typeof addr !== 'string' || typeof len !== 'number' || len > 64) return part(FEW, on);
  const differs = parseInt(addr.split(':')[0] || '0', 16) ^ 0x2000;
  if (differs >> (16 - Math.min(len, 3)) !== 0) return part(FEW, on);
  if (len <= 3) return part(1 - FEW, on);
  return isSource ? part(FEW, on) : unknown(on);
}

function isOneOf(names: readonly Json[], pattern: Json): Truth {
  if (typeof pattern === 'string' && pattern.endsWith('*') && !pattern.endsWith('\\*')) {
    return is(names.some((name) => typeof name === 'string' && name.startsWith(pattern.slice(0, -1))));
  }
  const [from, to] = fields(pattern)['range'] === undefined ? [] : (rangeOf(pattern) ?? []);
  return is(
    names.some(
      (name) =>
        name === pattern ||
        (typeof name === 'number' && from !== undefined && to !== undefined && name >= from && name <= to),
    ),
  );
}

/** The names of flags in {"|": [...]}, in a list, or alone; 0 is none. */
function namesOf(pattern: Json): readonly Json[] {
  if (pattern === 0) return [];
  return Array.isArray(pattern) ? listOf(pattern) : listOf(fields(pattern)['|'] ?? [pattern]);
}

/** Exactly these are set, and no other. */
function areFlags(
  { set, open, isWhole }: Value & { kind: 'flags' },
  names: readonly Json[],
  on: readonly string[],
): Truth {
  if (names.some((name) => typeof name !== 'string')) return unknown(on);
  if (!isWhole || set.some((name) => !names.includes(name))) return NO;
  const more = names.map(String).filter((name) => !set.includes(name));
  if (more.some((name) => !open.includes(name))) return NO;
  if (open.length === 0) return YES;
  return part(more.length === 0 ? 1 - FEW : FEW, on);
}

/** `in`: one of the flags is set. For values without flags it means equality. */
function hasAny(value: Value, right: Json, on: readonly string[], elementsOf: ElementsOf): Truth {
  if (value.kind !== 'flags') return equals(value, right, on, elementsOf);
  const names = namesOf(right);
  if (names.some((name) => typeof name !== 'string' || name.startsWith('@'))) return unknown(on);
  if (value.set.some((name) => names.includes(name))) return YES;
  return value.open.some((name) => names.includes(name)) ? part(FEW, on) : NO;
}

function compares(value: Value, op: string, right: Json, on: readonly string[]): Truth {
  const bound = numberOf(right);
  const range = bound === null ? null : beyond(op, bound);
  if (value.kind === 'spread' && range !== null) return part(covered(value.ranges, range), on);
  if (value.kind === 'one' && range !== null) return isOneOf(value.names, { range });
  return value.kind === 'rare' ? part(FEW, on) : unknown(on);
}

function beyond(op: string, bound: number): Range | null {
  switch (op) {
    case '<':
      return [-Infinity, bound - 1];
    case '<=':
      return [-Infinity, bound];
    case '>':
      return [bound + 1, Infinity];
    case '>=':
      return [bound, Infinity];
    default:
      return null;
  }
}
