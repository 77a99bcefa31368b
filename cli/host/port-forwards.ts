// The ports that rules of others forward: those on which a packet from outside, for an address of ours, may meet a dnat,
// redirect or tproxy. A mapping of such a port would never be reached, or would take it away from that rule. The chains
// are walked with a set of ports, once for each protocol, and each condition says which of them may pass and which
// surely do. Pure: elements of named sets and maps, which a terse listing leaves out, come from an argument.

import type { PortRange } from '../../proto/mapping.js';
import { isPort } from '../../proto/mapping.js';
import { legacyRules, withIptables } from './firewall/iptables.js';
import type { ElementsOf as EvaluatorElements } from './firewall/match.js';
import { matches } from './firewall/match.js';
import type { Packets } from './firewall/packet.js';
import { rangeOf } from './firewall/range.js';
import { conditionText } from './firewall/text.js';
import type { Truth } from './firewall/truth.js';
import { all as allTrue } from './firewall/truth.js';
import type { Fields, Json, Named, Rule } from './nft-json.js';
import { elementOf, fields, keyOf, listOf, objectsOf, only, rulesOf, setNameOf, targetOf, textOf } from './nft-json.js';
import { PortSet } from './port-set.js';

/** The elements of a named set or map, as nft's JSON has them; null if they cannot be read. */
export type ElementsOf = (kind: 'set' | 'map', which: Named) => readonly Json[] | null;

/** `nft --json --terse list ruleset`, the same without --json, and `iptables-nft-save` (may be empty). */
export interface Listing {
  readonly json: string;
  /** Comments and flags are only here: the JSON of nft 1.0.6 leaves them out. */
  readonly text: string;
  readonly iptables: string;
  /** `iptables-legacy-save` (may be empty); null if there are such rules, or may be, and they cannot be read. */
  readonly legacy: string | null;
}

/** The configured names of our own table and chains. */
export interface OwnNames {
  readonly table: string;
  readonly chain: string;
}

export interface Forwards {
  readonly ports: PortSet;
  /** Those of iptables-legacy; null if it has no table that could forward. */
  readonly legacy: PortSet | null;
  /** Rules that forward from outside, but on which ports cannot be read: one line each, for people. */
  readonly unread: readonly string[];
}

/** The packets that come from outside, for an address of ours; the protocol is put in for each walk. */
export type FromOutside = Omit<Packets, 'stage' | 'protocol'>;

/** How many rules are followed, over all ways through the chains; a ruleset that needs more is reported as unread. */
const MAX_STEPS = 200_000;
/** Lines about rules that cannot be read. */
const MAX_UNREAD = 5;

const FORWARDS = new Set(['dnat', 'redirect', 'tproxy']);
/** Statements of iptables-nft that could not be translated: `iptables-nft-save` is missing. */
const XT_FORWARDS = new Set(['DNAT', 'REDIRECT', 'NETMAP', 'TPROXY']);
/** Statements that end a chain, for packets that meet all conditions before. */
const ENDS = new Set(['accept', 'drop', 'reject', 'queue', 'snat', 'masquerade', 'fwd', 'synproxy']);
/** Statements that every packet passes. */
const HARMLESS = new Set([
  'counter',
  'log',
  'mangle',
  'comment',
  'continue',
  'notrack',
  'ct helper',
  'ct timeout',
  'last',
]);

export function readForwards(
  listing: Listing,
  own: OwnNames | null,
  elementsOf: ElementsOf,
  outside: FromOutside,
): Forwards {
  const objects = objectsOf(listing.json);
  const comments = readComments(listing.text);
  const bases = only('chain', objects)
    .map((chain) => ({
      family: textOf(chain['family']),
      table: textOf(chain['table']),
      name: textOf(chain['name']),
      hook: textOf(chain['hook']),
    }))
    // Only here packets from outside are translated. What the router itself sends (output) is not from outside.
    .filter(({ hook, family }) => hook === 'prerouting' && (family === 'ip' || family === 'inet'))
    .filter((chain) => !isOurs(chain, own, comments) && !comments.dormant.has(keyOf(chain.family, chain.table)));
  const byChain = new Map<string, (readonly Fields[])[]>();
  for (const { family, table, chain, expr } of rulesOf(objects)) {
    const there = byChain.get(keyOf(family, table, chain)) ?? [];
    there.push(expr);
    byChain.set(keyOf(family, table, chain), there);
  }
  const legacy = legacyRules(listing.legacy ?? '');
  const rules = new Map([...withIptables(byChain, listing.iptables), ...legacy.rules]);
  const maps = new Set(
    only('map', objects).map(({ family, table, name }) => keyOf(String(family), String(table), String(name))),
  );
  const read = new Map<string, readonly Json[] | null>();
  const elements: ElementsIn = ({ family, table }, name) => {
    const key = keyOf(family, table, name);
    const known = read.get(key);
    if (known !== undefined) return known;
    const found = elementsOf(maps.has(key) ? 'map' : 'set', { family, table, name });
    read.set(key, found);
    return found;
  };

  let [ports, ofLegacy] = [PortSet.NONE, PortSet.NONE];
  const unread = new Set<string>(
    listing.legacy === null ? ['there may be forwards of iptables-legacy, which cannot be read here'] : [],
  );
  for (const protocol of ['tcp', 'udp'] as const) {
    const walk = new Walk(rules, elements, { ...outside, stage: 'untranslated', protocol });
    for (const { family, table, name } of bases) walk.through(family, table, name, PortSet.ALL, false);
    ports = ports.or(walk.ports);
    walk.ports = PortSet.NONE;
    for (const { family, table, name } of legacy.bases) walk.through(family, table, name, PortSet.ALL, false);
    ofLegacy = ofLegacy.or(walk.ports);
    for (const line of walk.unread) unread.add(line);
  }
  const lines = [...unread];
  const more = lines.length - MAX_UNREAD;
  return {
    ports: ports.or(ofLegacy),
    legacy: listing.legacy === '' ? null : ofLegacy,
    unread: more > 0 ? [...lines.slice(0, MAX_UNREAD), `and ${more} more`] : lines,
  };
}

type ElementsIn = (rule: Pick<Rule, 'family' | 'table'>, name: string) => readonly Json[] | null;

interface Comments {
  /** Tables and chains with our mark, by key. */
  readonly ours: ReadonlySet<string>;
  /** Tables that are switched off. */
  readonly dormant: ReadonlySet<string>;
}

/** Our mark begins a comment: of the table, or of a chain in a table that others may share. */
function readComments(text: string): Comments {
  const [ours, dormant] = [new Set<string>(), new Set<string>()];
  let [family, table, chain] = ['', '', ''];
  for (const line of text.split('\n')) {
    const [, ...head] = /^table (\S+) (\S+) \{/.exec(line) ?? [];
    if (head.length > 0) [family = '', table = '', chain = ''] = head;
    [, chain = chain] = /^\t(?:chain|set|map) (\S+) \{/.exec(line) ?? [];
    if (/^\t}/.test(line)) chain = '';
    // A table of family inet may hold chains of others. The one of family ip, of older releases, was ours alone.
    const isMarked = /^\t{1,2}comment "natpmp-server\b/.test(line) && (chain !== '' || family === 'ip');
    if (isMarked) ours.add(keyOf(family, table, chain));
    if (/^\tflags .*\bdormant\b/.test(line)) dormant.add(keyOf(family, table));
  }
  return { ours, dormant };
}

/** By the mark, or by the configured names: not by what a rule looks like, which others may write as well. */
function isOurs({ family, table, name }: Named, own: OwnNames | null, { ours }: Comments): boolean {
  if (ours.has(keyOf(family, table)) || ours.has(keyOf(family, table, name))) return true;
  return own !== null && table === own.table && (name === own.chain || name.startsWith(`${own.chain}-`));
}

/** Ports for which a condition may hold, and for which it surely does. */
interface Passing {
  readonly may: PortSet;
  readonly surely: PortSet;
  /** The condition names ports, and these are all of them. */
  readonly isLimit: boolean;
}

class Walk {
  ports = PortSet.NONE;
  readonly unread = new Set<string>();
  readonly #rules: ReadonlyMap<string, readonly (readonly Fields[])[]>;
  readonly #elementsIn: ElementsIn;
  readonly #packets: Packets;
  /** The ports that each chain was walked with, apart for packets whose ports were named before. */
  readonly #walked = new Map<string, PortSet>();
  #steps = 0;

  constructor(rules: ReadonlyMap<string, readonly (readonly Fields[])[]>, elements: ElementsIn, packets: Packets) {
    this.#rules = rules;
    this.#elementsIn = elements;
    this.#packets = packets;
  }

  /** Walk a chain with these ports. Returns those that may return from it. */
  through(family: string, table: string, chain: string, entering: PortSet, isLimited: boolean): PortSet {
    const key = keyOf(family, table, chain);
    const walked = this.#walked.get(`${key}${isLimited}`) ?? PortSet.NONE;
    // Walked already: what was found there counts, and at most all of them return.
    if (entering.isWithin(walked)) return entering;
    this.#walked.set(`${key}${isLimited}`, walked.or(entering));
    let live = entering;
    let returned = PortSet.NONE;
    for (const expr of this.#rules.get(key) ?? []) {
      if (live.isEmpty) break;
      if (++this.#steps > MAX_STEPS) {
        this.unread.add('there are more rules than can be followed');
        return entering;
      }
      const after = this.#rule({ family, table, chain, expr }, live, isLimited);
      live = after.live;
      returned = returned.or(after.returned);
    }
    return returned.or(live);
  }

  /** What continues with the next rule, and what returns to the chain before. */
  #rule(rule: Rule, live: PortSet, isLimited: boolean): { readonly live: PortSet; readonly returned: PortSet } {
    let [may, surely, isSelective] = [live, live, false];
    const unreadConditions: string[] = [];
    const pass = (passing: Passing): void => {
      [may, surely] = [may.and(passing.may), surely.and(passing.surely)];
      isLimited ||= isChoice(passing);
    };
    for (const statement of rule.expr) {
      if (may.isEmpty) return { live, returned: PortSet.NONE };
      const [[kind = '', inner = null] = []] = Object.entries(statement);
      const target = targetOf(statement);
      if (kind === 'match') {
        const passing = this.#condition(rule, fields(inner));
        pass(passing);
        isSelective ||= isOfOneAddress(fields(inner)) && passing.surely.isEmpty;
        if (passing.surely.isEmpty && !passing.isLimit)
          unreadConditions.push(
            conditionText(fields(inner)['left'] ?? null, textOf(fields(inner)['op']), fields(inner)['right'] ?? null),
          );
      } else if (FORWARDS.has(kind) || XT_FORWARDS.has(textOf(fields(fields(statement)['xt'])['name']))) {
        // dnat to tcp dport map { 80 : 192.168.1.5 }: other ports do not match.
        for (const part of Object.values(fields(inner))) {
          const map = fields(fields(part)['map']);
          if (map['key'] !== undefined) pass(this.#anyOf(this.#entries(rule, map['key'], map['data'] ?? null)));
        }
        this.#forward(rule, may, isLimited, isSelective, unreadConditions);
        return { live: live.without(surely), returned: PortSet.NONE };
      } else if (target !== null) return this.#jump(rule, statement, target, live, may, surely, isLimited);
      else if (kind === 'vmap') return this.#verdicts(rule, fields(inner), live, may, surely, isLimited);
      else if (kind === 'return') return { live: live.without(surely), returned: may };
      else if (ENDS.has(kind)) return { live: live.without(surely), returned: PortSet.NONE };
      else if (!HARMLESS.has(kind)) surely = PortSet.NONE; // a limit, for example: some pass
    }
    return { live, returned: PortSet.NONE };
  }

  #jump(rule: Rule, verdict: Json, target: string, live: PortSet, may: PortSet, surely: PortSet, isLimited: boolean) {
    const back = this.through(rule.family, rule.table, target, may, isLimited);
    const rest = live.without(surely);
    // A return from a goto continues after the jump before it.
    return 'goto' in fields(verdict) ? { live: rest, returned: back } : { live: rest.or(back), returned: PortSet.NONE };
  }

  #verdicts(
    rule: Rule,
    { key = null, data = null }: Fields,
    live: PortSet,
    may: PortSet,
    surely: PortSet,
    isLimited: boolean,
  ) {
    let after = { live: live, returned: PortSet.NONE };
    let taken = PortSet.NONE;
    const entries = this.#entries(rule, key, data) ?? [];
    for (const entry of entries) {
      const { value } = entry;
      const passing = this.#anyOf([entry]);
      const own = isLimited || isChoice(passing);
      const [arm, sure] = [may.and(passing.may), surely.and(passing.surely)];
      const target = targetOf(value);
      taken = taken.or(sure);
      if (target !== null) {
        const jumped = this.#jump(rule, value, target, PortSet.NONE, arm, sure, own);
        after = { live: after.live.or(jumped.live), returned: after.returned.or(jumped.returned) };
        if (!('goto' in fields(value))) taken = taken.without(jumped.live);
      } else if ('return' in fields(value)) after = { ...after, returned: after.returned.or(arm) };
      else if ('continue' in fields(value)) taken = taken.without(sure);
    }
    return { live: after.live.without(taken), returned: after.returned };
  }

  #forward(rule: Rule, may: PortSet, isLimited: boolean, isSelective: boolean, on: readonly string[]): void {
    if (may.isEmpty) return;
    if (isLimited) {
      this.ports = this.ports.or(may);
      return;
    }
    // One of several addresses of ours is given to a host as a whole: no mapping of another address is affected.
    if (isSelective) return;
    const where = `chain ${rule.chain} of table ${rule.family} ${rule.table}`;
    const which = on.length === 0 ? 'all ports, or all but some' : `what has ${on.slice(0, 3).join('; ')}`;
    this.unread.add(`${where} forwards ${which}, so its ports are not known here`);
  }

  /** Which ports meet the condition of a match. */
  #condition(rule: Rule, match: Fields): Passing {
    const { left = null, right = null } = match;
    const op = textOf(match['op']);
    const parts = partsOf(left);
    const place = parts.findIndex(isPortField);
    if (place < 0) return passingOf(matches(match, this.#packets, this.#elementsOf(rule)));
    if (parts.length === 1) {
      if (!this.#hasPort(left)) return NOTHING;
      const compared = portsCompared(op, right, left);
      if (compared !== null) return { may: compared, surely: compared, isLimit: op !== '!=' };
    }
    const { may, surely, isLimit } = this.#anyOf(this.#entries(rule, left, right));
    if (op !== '!=') return { may, surely, isLimit };
    return { may: PortSet.ALL.without(surely), surely: PortSet.ALL.without(may), isLimit: false };
  }

  /** Whether packets of this protocol have the field: "tcp dport" is none of a UDP packet. */
  #hasPort(part: Json): boolean {
    const { protocol } = fields(fields(unmasked(part))['payload']);
    return protocol === undefined || protocol === 'th' || protocol === this.#packets.protocol;
  }

  /** The entries of a set or map, or the one value that stands in its place; null if they cannot be read. */
  #entries(rule: Rule, key: Json, data: Json): readonly Entry[] | null {
    const name = setNameOf(data);
    const { set } = fields(data);
    const listed = name !== null ? this.#elementsIn(rule, name) : set === undefined ? [data] : listOf(set);
    if (listed === null)
      this.unread.add(`the elements of @${name} in table ${rule.family} ${rule.table} are not known`);
    return (
      listed?.map((entry) => {
        const [pattern = null, value = null] = Array.isArray(entry) ? listOf(entry) : [entry];
        return { ...this.#keyed(rule, key, elementOf(pattern)), value };
      }) ?? null
    );
  }

  /** For which packets one of the entries is found. */
  #anyOf(entries: readonly Entry[] | null): Passing {
    if (entries === null) return { may: PortSet.ALL, surely: PortSet.NONE, isLimit: false };
    return {
      may: PortSet.of(entries.flatMap(({ ports, truth }) => (truth === 'no' ? [] : (ports ?? WHOLE)))),
      surely: PortSet.of(entries.flatMap(({ ports, truth }) => (truth === 'yes' ? (ports ?? []) : []))),
      isLimit: entries.every(({ isLimit }) => isLimit),
    };
  }

  /** Which packets have this key. */
  #keyed(rule: Rule, key: Json, pattern: Json): Omit<Entry, 'value'> {
    if (pattern === '*') return { truth: 'yes', ports: WHOLE, isLimit: false };
    const parts = partsOf(key);
    const patterns = parts.length === 1 ? [pattern] : listOf(fields(pattern)['concat']);
    const place = parts.findIndex(isPortField);
    const others = parts.flatMap((part, index) =>
      index === place
        ? []
        : [matches({ op: '==', left: part, right: patterns[index] ?? null }, this.#packets, this.#elementsOf(rule))],
    );
    const truth = allTrue(others).kind;
    if (place < 0) return { truth, ports: WHOLE, isLimit: false };
    const part = parts[place] ?? null;
    if (!this.#hasPort(part)) return { truth: 'no', ports: [], isLimit: true };
    const ports = unmasked(part) === part ? portsIn(patterns[place] ?? null) : null;
    return { truth, ports, isLimit: ports !== null };
  }

  #elementsOf(rule: Rule): EvaluatorElements {
    return (name) => this.#elementsIn(rule, name);
  }
}

interface Entry {
  /** Whether packets of these ports have the key: of this only yes and no are certain. */
  readonly truth: Truth['kind'];
  /** Null if they cannot be read. */
  readonly ports: readonly PortRange[] | null;
  readonly isLimit: boolean;
  /** The data of a map's entry; null in a set. */
  readonly value: Json;
}

const WHOLE: readonly PortRange[] = [{ from: 1, to: 0xffff }];
const EVERYTHING: Passing = { may: PortSet.ALL, surely: PortSet.ALL, isLimit: false };
const NOTHING: Passing = { may: PortSet.NONE, surely: PortSet.NONE, isLimit: true };

/** Whether it names ports, and not all that there are: 1-65535 is no choice. */
function isChoice({ isLimit, may }: Passing): boolean {
  return isLimit && !PortSet.ALL.isWithin(may);
}

/** The evaluator estimates shares; certain are only its yes and no. */
function passingOf({ kind }: Truth): Passing {
  if (kind === 'yes') return EVERYTHING;
  return { may: kind === 'no' ? PortSet.NONE : PortSet.ALL, surely: PortSet.NONE, isLimit: false };
}

/** A condition that selects one of our addresses. */
function isOfOneAddress({ left, op }: Fields): boolean {
  const { protocol, field } = fields(fields(left)['payload']);
  return protocol === 'ip' && field === 'daddr' && op === '==';
}

/** The parts of a concatenation; of anything else, itself. */
function partsOf(key: Json): readonly Json[] {
  const { concat } = fields(key);
  return concat === undefined ? [key] : listOf(concat);
}

function unmasked(part: Json): Json {
  return listOf(fields(part)['&'])[0] ?? part;
}

/** The destination port that the packet had when it came in. */
function isPortField(part: Json): boolean {
  const { payload, ct } = fields(unmasked(part));
  if (fields(payload)['field'] === 'dport') return ['tcp', 'udp', 'th'].includes(textOf(fields(payload)['protocol']));
  return fields(ct)['key'] === 'proto-dst' && fields(ct)['dir'] === 'original';
}

/** The ports that a comparison with one value selects; null if it is with a set, or cannot be read. */
function portsCompared(op: string, right: Json, part: Json): PortSet | null {
  if (op === '!=') {
    const equal = portsCompared('==', right, part);
    return equal === null ? null : PortSet.ALL.without(equal);
  }
  const mask = listOf(fields(part)['&'])[1];
  if (mask !== undefined) return op === '==' ? portsMasked(mask, right) : null;
  const bound = typeof right === 'number' ? right : NaN;
  switch (op) {
    case '>=':
      return PortSet.of([{ from: bound, to: 0xffff }]);
    case '>':
      return PortSet.of([{ from: bound + 1, to: 0xffff }]);
    case '<=':
      return PortSet.of([{ from: 1, to: bound }]);
    case '<':
      return PortSet.of([{ from: 1, to: bound - 1 }]);
    default: {
      const ports = portsIn(right);
      return ports === null ? null : PortSet.of(ports);
    }
  }
}

/** tcp dport & 0xff00 == 0x1f00 */
function portsMasked(mask: Json, right: Json): PortSet | null {
  if (typeof mask !== 'number' || typeof right !== 'number') return null;
  const ports = Array.from({ length: 0x10000 }, (_, port) => port).filter((port) => (port & mask) === right);
  return PortSet.of(ports.map((port) => ({ from: port, to: port })));
}

/** A port or a range of ports; null if it is neither. Port 0 cannot be mapped. */
function portsIn(pattern: Json): readonly PortRange[] | null {
  const [from = -1, to = -1] = rangeOf(pattern) ?? [];
  return from >= 0 && isPort(to) && from <= to ? [{ from: Math.max(1, from), to }] : null;
}
