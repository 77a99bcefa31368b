// The kernel's side of the table, as `nft -j list ruleset` tells it. Pure.

/** Each line in the words of Server.mappings: "tcp 8080 -> 192.168.1.2:80"; sorted. The three must always agree. */
export interface Elements {
  readonly in: readonly string[];
  readonly out: readonly string[];
  readonly live: readonly string[];
}

type Json = string | number | null | readonly Json[] | { readonly [name: string]: Json };

/** `chain`: of the gateway, which its sets are named after. */
export function elementsOf(listing: string, chain = 'NATPMP'): Elements {
  const found = { in: [] as string[], out: [] as string[], live: [] as string[] };
  for (const { name, line } of eachElement(listing, chain)) found[name].push(line);
  for (const lines of Object.values(found)) lines.sort();
  return found;
}

/** How many seconds each element still has, in each of the three sets; Infinity for one without an end. */
export function secondsLeft(
  listing: string,
  chain = 'NATPMP',
): Readonly<Record<keyof Elements, ReadonlyMap<string, number>>> {
  const found = { in: new Map<string, number>(), out: new Map<string, number>(), live: new Map<string, number>() };
  for (const { name, line, element } of eachElement(listing, chain)) {
    const key = name === 'live' ? element : (list(element)[0] ?? null);
    const left = field(field(key, 'elem'), 'expires');
    found[name].set(line, typeof left === 'number' ? left : Infinity);
  }
  return found;
}

/**
 * Each pinhole in the words "tcp [2001:db8:a:1::2]:80", with the seconds it still has; Infinity for one without an end.
 */
export function pinholesOf(listing: string, chain = 'NATPMP'): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const entry of list(field(JSON.parse(listing) as Json, 'nftables'))) {
    const set = field(entry, 'set');
    if (field(set, 'name') !== `${chain}-pinholes`) continue;
    for (const element of list(field(set, 'elem'))) {
      const [protocol, address, port] = fieldsOf(element);
      if (protocol === '255') continue;
      const left = field(field(element, 'elem'), 'expires');
      found.set(`${protocol} [${address}]:${port}`, typeof left === 'number' ? left : Infinity);
    }
  }
  return found;
}

function* eachElement(
  listing: string,
  chain: string,
): Generator<{ readonly name: keyof Elements; readonly line: string; readonly element: Json }> {
  for (const entry of list(field(JSON.parse(listing) as Json, 'nftables'))) {
    const held = field(entry, 'map') ?? field(entry, 'set');
    const name = String(field(held, 'name')).startsWith(`${chain}-`)
      ? String(field(held, 'name')).slice(chain.length + 1)
      : '';
    if (name !== 'in' && name !== 'out' && name !== 'live') continue;
    for (const element of list(field(held, 'elem'))) {
      const line = lineOf(name, element);
      if (line !== null) yield { name, line, element };
    }
  }
}

function lineOf(name: 'in' | 'out' | 'live', element: Json): string | null {
  const [key, value] = name === 'live' ? [element, null] : list(element);
  const [protocol, ...rest] = fieldsOf(key ?? null);
  // The helper keeps an element of protocol 255 in the map to learn what the kernel can do; no packet matches it.
  if (protocol === '255') return null;
  switch (name) {
    case 'in':
      return `${protocol} ${rest[0]} -> ${fieldsOf(value ?? null).join(':')}`;
    case 'out':
      return `${protocol} ${String(value)} -> ${rest.join(':')}`;
    case 'live':
      return `${protocol} ${rest[2]} -> ${rest[0]}:${rest[1]}`;
  }
}

/** The fields of a concatenated key or value, with or without a timeout around it. */
function fieldsOf(value: Json): string[] {
  const wrapped = field(value, 'elem');
  return list(field(wrapped === null ? value : field(wrapped, 'val'), 'concat')).map(String);
}

function field(value: Json, name: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  return (value as { readonly [name: string]: Json })[name] ?? null;
}

function list(value: Json): readonly Json[] {
  return Array.isArray(value) ? value : [];
}
