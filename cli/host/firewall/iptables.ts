// Rules of iptables. Those of iptables-nft are in nft's listing, but of an extension ("-m conntrack --ctstate DNAT") nft shows only the name, and
// `iptables-nft-save` the rest: this combines both into rules as nft writes them. Those of iptables-legacy, which nft does
// not show at all, are written as nft's from what `iptables-legacy-save` prints. Pure.

import type { Fields, Json, Named } from '../nft-json.js';
import { fields, keyOf, textOf } from '../nft-json.js';

type Rules = ReadonlyMap<string, readonly (readonly Fields[])[]>;
interface Option {
  readonly name: string;
  readonly value: string;
  readonly isNot: boolean;
}

/** Targets that do not decide about a packet. */
const HARMLESS = new Set([
  'LOG',
  'NFLOG',
  'ULOG',
  'TCPMSS',
  'MARK',
  'CONNMARK',
  'SECMARK',
  'CONNSECMARK',
  'CLASSIFY',
  'DSCP',
  'TOS',
  'TTL',
  'TRACE',
  'CHECKSUM',
  'AUDIT',
  'TCPOPTSTRIP',
  'SET',
  'LED',
  'RATEEST',
  'TEE',
  'IDLETIMER',
  'HMARK',
  'FLOWOFFLOAD',
]);
const VERDICTS: Readonly<Record<string, Fields>> = {
  REJECT: { reject: null },
  NFQUEUE: { queue: null },
  DNAT: { dnat: null },
  SNAT: { snat: null },
  REDIRECT: { redirect: null },
  MASQUERADE: { masquerade: null },
  NETMAP: { dnat: null },
  TPROXY: { tproxy: null },
  SYNPROXY: { synproxy: null },
  NOTRACK: { notrack: null },
};

/** The rules, with the extensions of iptables replaced by nft's statements. */
export function withIptables(rules: Rules, saved: string, family: 'ip' | 'ip6' = 'ip'): Rules {
  const lines = readSaved(saved, family);
  return new Map(
    [...rules].map(([key, chain]) => {
      const written = lines.get(key);
      // Rules are matched by position: if the numbers differ, the chain has just been changed.
      const isSame = written?.length === chain.length;
      return [key, chain.map((expr, index) => translated(expr, isSame ? (written[index] ?? []) : []))];
    }),
  );
}

/** The keys of the chains that `iptables-nft-save` prints; it leaves out tables that nft has changed. */
export function savedChains(saved: string, family: 'ip' | 'ip6' = 'ip'): ReadonlySet<string> {
  return new Set(
    [...eachLine(saved)].flatMap(({ table, line }) => {
      const [, chain] = /^:(\S+) /.exec(line) ?? [];
      return chain === undefined ? [] : [keyOf(family, table, chain)];
    }),
  );
}

/** A table of iptables-legacy as its name is told; nft cannot have one with a blank. */
const legacyTable = (name: string): string => `${name} (iptables-legacy)`;
const VERDICT_WORDS: Readonly<Record<string, Fields>> = {
  ACCEPT: { accept: null },
  DROP: { drop: null },
  RETURN: { return: null },
  QUEUE: { queue: null },
};

/** What `iptables-legacy-save` prints, as rules of nft by chain, and the chains of the hook prerouting. */
export function legacyRules(saved: string): { readonly rules: Rules; readonly bases: readonly Named[] } {
  const rules = new Map<string, Fields[][]>();
  const bases: Named[] = [];
  const chains = new Set<string>();
  for (const { table, line } of eachLine(saved)) {
    const [, name] = /^:(\S+) /.exec(line) ?? [];
    if (name === undefined) continue;
    chains.add(keyOf('ip', table, name));
    if (name === 'PREROUTING') bases.push({ family: 'ip', table: legacyTable(table), name });
  }
  for (const { table, line } of eachLine(saved)) {
    const [append, chain = '', ...rule] = words(line);
    if (append !== '-A') continue;
    const key = keyOf('ip', legacyTable(table), chain);
    const there = rules.get(key) ?? [];
    rules.set(key, there);
    there.push(legacyRule(rule, (name) => chains.has(keyOf('ip', table, name))));
  }
  return { rules, bases };
}

function legacyRule(rule: readonly string[], isChain: (name: string) => boolean): Fields[] {
  const expr: Fields[] = [];
  const seen = new Map<string, number>();
  for (let at = 0; at < rule.length; at++) {
    const isNot = rule[at - 1] === '!';
    const value = rule[at + 1] ?? '';
    switch (rule[at]) {
      case '-s':
      case '-d':
        expr.push(matching(payload('ip', rule[at] === '-s' ? 'saddr' : 'daddr'), network(value), isNot));
        break;
      case '-i':
      case '-o':
        expr.push(
          matching({ meta: { key: rule[at] === '-i' ? 'iifname' : 'oifname' } }, value.replace(/\+$/, '*'), isNot),
        );
        break;
      case '-p':
        expr.push(matching({ meta: { key: 'l4proto' } }, value, isNot));
        break;
      case '-f':
        // Fragments: connection tracking has put them together before.
        expr.push(matching({ meta: { key: 'fragment' } }, true, isNot));
        break;
      case '-m': {
        const times = seen.get(value) ?? 0;
        seen.set(value, times + 1);
        const options = optionsOf(rule, value, times);
        expr.push(
          ...((options === null ? null : condition(OLD_NAMES[value] ?? value, options)) ?? [
            { xt: { type: 'match', name: value } },
          ]),
        );
        break;
      }
      case '--comment':
        at++; // any text, which may look like an option
        break;
      case '-g':
        return [...expr, { goto: { target: value } }];
      case '-j':
        return [
          ...expr,
          ...(isChain(value)
            ? [{ jump: { target: value } }]
            : value in VERDICT_WORDS
              ? [VERDICT_WORDS[value] as Fields]
              : (target(value, rule) ?? [{ xt: { type: 'target', name: value } }])),
        ];
      default: // options of an extension, which are read with it
    }
  }
  return expr;
}

/** 192.168.1.0/24; a mask that is no prefix stays a text, which is not known. */
function network(text: string): Json {
  const [addr = '', length = '32'] = text.split('/');
  return /^\d+$/.test(length) ? { prefix: { addr, len: Number(length) } } : text;
}

function readSaved(saved: string, family: 'ip' | 'ip6'): ReadonlyMap<string, readonly (readonly string[])[]> {
  const chains = new Map<string, (readonly string[])[]>();
  for (const { table, line } of eachLine(saved)) {
    const [append, chain = '', ...rule] = words(line);
    const key = keyOf(family, table, chain);
    if (append !== '-A') continue;
    const there = chains.get(key);
    if (there === undefined) chains.set(key, [rule]);
    else there.push(rule);
  }
  return chains;
}

function* eachLine(saved: string): Generator<{ readonly table: string; readonly line: string }> {
  let table = '';
  for (const line of saved.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1);
    else yield { table, line };
  }
}

function words(line: string): readonly string[] {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, bare = '']) =>
    quoted === undefined ? bare : quoted.replace(/\\(.)/g, '$1'),
  );
}

function translated(expr: readonly Fields[], rule: readonly string[]): readonly Fields[] {
  const seen = new Map<string, number>();
  return expr.flatMap((statement) => {
    const { type, name } = fields(statement['xt']);
    const extension = textOf(name);
    if (type === 'target') return target(extension, rule) ?? [statement];
    if (type !== 'match') return [statement];
    const times = seen.get(extension) ?? 0;
    seen.set(extension, times + 1);
    const options = optionsOf(rule, extension, times);
    return options === null ? [statement] : (condition(extension, options) ?? [statement]);
  });
}

function target(name: string, rule: readonly string[]): readonly Fields[] | null {
  if (name === 'CT') return rule.length === 0 ? null : rule.includes('--notrack') ? [{ notrack: null }] : [];
  if (HARMLESS.has(name)) return [];
  const verdict = VERDICTS[name];
  return verdict === undefined ? null : [verdict];
}

/** Extensions that another one implements: nft shows the other name. */
const OLD_NAMES: Readonly<Record<string, string>> = { state: 'conntrack' };

/** The options after the `times`th "-m NAME", counted from 0; null if there is none. */
function optionsOf(rule: readonly string[], extension: string, times: number): readonly Option[] | null {
  const starts = rule.flatMap((word, index) => {
    const name = rule[index + 1] ?? '';
    return word === '-m' && (name === extension || OLD_NAMES[name] === extension) ? [index + 2] : [];
  });
  const start = starts[times];
  if (start === undefined) return null;
  const length = rule.slice(start).findIndex((word) => /^-[a-z]$/.test(word));
  const own = length < 0 ? rule.slice(start) : rule.slice(start, start + length);
  const options = own.flatMap((word, index) => (word.startsWith('--') ? [{ name: word, index }] : []));
  return options.map((option, place) => ({
    name: option.name,
    isNot: own[option.index - 1] === '!',
    value: own
      .slice(option.index + 1, options[place + 1]?.index)
      .filter((word) => word !== '!')
      .join(' '),
  }));
}

/** The conditions that an extension stands for; null if they are not known. */
function condition(extension: string, options: readonly Option[]): readonly Fields[] | null {
  const has = (name: string): boolean => options.some((option) => option.name === name);
  switch (extension) {
    case 'comment':
      return [];
    case 'rpfilter':
      return [
        matching(
          { fib: { result: 'oif', flags: has('--loose') ? ['saddr'] : ['saddr', 'iif'] } },
          !has('--invert'),
          false,
        ),
      ];
    // "recent" stores sources, and matches stored ones.
    case 'recent':
      return has('--set')
        ? []
        : [
            matching(
              payload('ip', 'saddr'),
              '@recent',
              options.some(({ isNot }) => isNot),
            ),
          ];
    case 'limit':
      return [{ limit: null }];
    case 'hashlimit':
      return [{ limit: { inv: has('--hashlimit-above') } }];
    case 'connlimit':
      return [{ 'ct count': { inv: has('--connlimit-above') } }];
    default: // one condition for each option
  }
  const conditions = options.map((option) => optionCondition(extension, option));
  return conditions.every((each) => each !== null) && conditions.length > 0 ? conditions : null;
}

function optionCondition(extension: string, { name, value, isNot }: Option): Fields | null {
  const list = value.split(',');
  switch (`${extension} ${name}`) {
    case 'conntrack --ctstate':
    case 'conntrack --state':
    case 'state --state':
      return flagged({ ct: { key: 'xt state' } }, list, isNot);
    case 'conntrack --ctstatus':
      return value === 'NONE' ? null : flagged({ ct: { key: 'status' } }, list, isNot);
    case 'conntrack --ctdir':
      return matching({ ct: { key: 'direction' } }, value.toLowerCase(), isNot);
    case 'addrtype --dst-type':
      return matching(
        { fib: { result: 'type', flags: ['daddr'] } },
        { set: list.map((type) => type.toLowerCase()) },
        isNot,
      );
    case 'addrtype --src-type':
      return matching(
        { fib: { result: 'type', flags: ['saddr'] } },
        { set: list.map((type) => type.toLowerCase()) },
        isNot,
      );
    case 'multiport --dports':
    case 'tcp --dport':
    case 'udp --dport':
      return matching(payload('th', 'dport'), { set: list.map(ports) }, isNot);
    case 'multiport --sports':
    case 'tcp --sport':
    case 'udp --sport':
      return matching(payload('th', 'sport'), { set: list.map(ports) }, isNot);
    case 'iprange --dst-range':
      return matching(payload('ip', 'daddr'), { range: value.split('-') }, isNot);
    case 'iprange --src-range':
      return matching(payload('ip', 'saddr'), { range: value.split('-') }, isNot);
    case 'set --match-set':
      return /( src|,src)+$/.test(value) ? matching(payload('ip', 'saddr'), `@${value}`, isNot) : null;
    case 'pkttype --pkt-type':
      return matching({ meta: { key: 'pkttype' } }, value, isNot);
    case 'mac --mac-source':
      return matching(payload('ether', 'saddr'), value, isNot);
    case 'mark --mark':
      return matching({ meta: { key: 'mark' } }, value, isNot);
    case 'connlabel --label':
      return /^\d+$/.test(value) ? matching({ ct: { key: 'label' } }, Number(value), isNot) : null;
    case 'connmark --mark':
      return matching({ ct: { key: 'mark' } }, value, isNot);
    default:
      return null;
  }
}

const payload = (protocol: string, field: string): Json => ({ payload: { protocol, field } });
const matching = (left: Json, right: Json, isNot: boolean): Fields => ({
  match: { op: isNot ? '!=' : '==', left, right },
});
const flagged = (left: Json, names: readonly string[], isNot: boolean): Fields => ({
  match: { op: isNot ? '!' : 'in', left, right: names.map((each) => each.toLowerCase().replace('_', '-')) },
});

function ports(text: string): Json {
  const [from = '', to] = text.split(':');
  return to === undefined ? Number(from) : { range: [Number(from), Number(to)] };
}
