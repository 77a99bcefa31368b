// Conditions of rules for people, much as nft writes them. Pure.

import type { Json } from '../nft-json.js';
import { fields, listOf, textOf } from '../nft-json.js';

/** Elements of a set that are written out. */
const MAX_SHOWN_ELEMENTS = 3;

export function conditionText(left: Json, op: string, right: Json): string {
  const relation = ['==', 'in'].includes(op) ? ' ' : ` ${op} `;
  return `${expressionText(left)}${relation}${valueText(right)}`;
}

export function expressionText(expression: Json): string {
  const { meta, ct, payload, fib, concat, '&': mask } = fields(expression);
  if (meta !== undefined) return metaText(textOf(fields(meta)['key']));
  if (ct !== undefined)
    return ['ct', fields(ct)['dir'], fields(ct)['key']].filter((word) => typeof word === 'string').join(' ');
  if (payload !== undefined) return payloadText(payload);
  if (fib !== undefined) return `fib ${listOf(fields(fib)['flags']).join(' . ')} ${textOf(fields(fib)['result'])}`;
  if (concat !== undefined) return listOf(concat).map(expressionText).join(' . ');
  if (mask !== undefined)
    return listOf(mask)
      .map((side) => (typeof side === 'object' && !Array.isArray(side) ? expressionText(side) : valueText(side)))
      .join(' & ');
  return Object.keys(fields(expression))[0] ?? valueText(expression);
}

function metaText(key: string): string {
  return /^([io]if|nftrace)/.test(key) ? key : `meta ${key}`;
}

function payloadText(payload: Json): string {
  const { protocol, field } = fields(payload);
  return field === undefined ? 'raw payload' : `${textOf(protocol)} ${textOf(field)}`;
}

export function valueText(value: Json): string {
  if (Array.isArray(value)) return (value as readonly Json[]).map(valueText).join(',');
  const { set, prefix, range, concat, elem, '|': either } = fields(value);
  if (set !== undefined) return setText(listOf(set));
  if (prefix !== undefined) return `${String(fields(prefix)['addr'])}/${String(fields(prefix)['len'])}`;
  if (range !== undefined) return listOf(range).map(valueText).join('-');
  if (concat !== undefined) return listOf(concat).map(valueText).join(' . ');
  if (either !== undefined) return listOf(either).map(valueText).join(',');
  if (elem !== undefined) return valueText(fields(elem)['val'] ?? null);
  if (typeof value === 'boolean') return value ? 'exists' : 'missing';
  return typeof value === 'object' ? (Object.keys(fields(value))[0] ?? '?') : String(value);
}

function setText(elements: readonly Json[]): string {
  const shown = elements
    .slice(0, MAX_SHOWN_ELEMENTS)
    .map((element) => valueText(Array.isArray(element) ? ((element as readonly Json[])[0] ?? null) : element));
  return `{ ${shown.join(', ')}${elements.length > MAX_SHOWN_ELEMENTS ? ', ...' : ''} }`;
}
