// nft's JSON, as `nft --json list ruleset` prints it: types, and accessors that do not trust them. Pure.

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
export type Fields = { readonly [name: string]: Json };

/** The full name of a set, a map or a chain. */
export interface Named {
  readonly family: string;
  readonly table: string;
  readonly name: string;
}

export interface Rule {
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  readonly expr: readonly Fields[];
}

/** The objects of a listing, each with its kind as its only name: {"chain": {...}}. */
export function objectsOf(listing: string): readonly Fields[] {
  return listOf(fields(JSON.parse(listing) as Json)['nftables']).map(fields);
}

/** The objects of one kind. */
export function only(kind: string, objects: readonly Fields[]): readonly Fields[] {
  return objects.flatMap((object) => (object[kind] === undefined ? [] : [fields(object[kind])]));
}

export function rulesOf(objects: readonly Fields[]): readonly Rule[] {
  return only('rule', objects).map((rule) => ({
    family: textOf(rule['family']),
    table: textOf(rule['table']),
    chain: textOf(rule['chain']),
    expr: listOf(rule['expr']).map(fields),
  }));
}

/** A key for maps of chains, sets and tables. */
export function keyOf(family: string, table: string, name = ''): string {
  return JSON.stringify([family, table, name]);
}

/** The fields of an object; none for anything else. */
export function fields(value: Json | undefined): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

export function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

export function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** The chain that a verdict jumps to; null for other verdicts. */
export function targetOf(verdict: Json | undefined): string | null {
  const { jump, goto } = fields(verdict);
  const { target } = fields(jump ?? goto);
  return typeof target === 'string' ? target : null;
}

/** The name of a set or map, from "@name"; null for anything else. */
export function setNameOf(data: Json | undefined): string | null {
  return typeof data === 'string' && data.startsWith('@') ? data.slice(1) : null;
}

/** The value of a set's element; an element with a timeout, a counter or a comment is wrapped in `elem`. */
export function elementOf(entry: Json | undefined): Json {
  const { elem } = fields(entry);
  return (elem === undefined ? entry : fields(elem)['val']) ?? null;
}
