// Whether another chain drops what a mapping lets in: an accept of ours does not overrule a drop of somebody else's. Pure.

import type { Check, Finding } from './doctor-seen.js';
import { fail, isUnseen, ok, unknown, warn } from './doctor-seen.js';

type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

interface Chain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly hook: string | null;
  readonly policy: string | null;
}

interface Rule {
  readonly chain: string;
  readonly expressions: readonly Json[];
}

/**
 * What becomes of the first packet from outside to a mapped port. Rules whose conditions we can not judge accept it, perhaps:
 * and if not, it is dropped (`perhaps-dropped`) or goes on (`perhaps`).
 */
type Fate = 'passes' | 'dropped' | 'perhaps-dropped' | 'perhaps' | 'goes-on';

const keyOf = (family: string, table: string, chain: string): string => `${family} ${table} ${chain}`;

export const firewall: Check = ({ ruleset, setup, oldTables }) => {
  if (isUnseen(ruleset)) return [unknown('firewall', `not looked at: ${ruleset.unseen}`)];
  const { chains, rules } = read(ruleset);
  const forward = [...chains.values()].filter(({ family, table, hook }) =>
    hook === 'forward' && (family === 'ip' || family === 'inet') && !(family === 'ip' && table === setup.natTable));
  const findings = forward.flatMap((chain) => judge(chain, chains, rules, setup.externalInterface));
  if (oldTables.includes('filter')) {
    findings.push(warn('firewall', 'there are rules of the old iptables, which nft does not show',
      'look at: iptables-legacy -S FORWARD; where it drops, put first: iptables-legacy -I FORWARD -m conntrack --ctstate DNAT -j ACCEPT'));
  }
  return findings.length > 0 ? findings : [ok('firewall', forward.length === 0 ? 'nobody else filters forwarded packets'
    : `${forward.length === 1 ? 'the chain' : `the ${forward.length} chains`} of others in the forward hook let mapped connections in`)];
};

function judge(chain: Chain, chains: ReadonlyMap<string, Chain>, rules: ReadonlyMap<string, readonly Rule[]>, external: string | null): Finding[] {
  const { family, table, name, policy } = chain;
  const walked = walk(keyOf(family, table, name), chains, rules, external, new Set());
  const fate = policy !== 'drop' ? walked : walked === 'goes-on' ? 'dropped' : walked === 'perhaps' ? 'perhaps-dropped' : walked;
  const where = `chain ${name} of table ${family} ${table}`;
  const remedy = /^(ufw|DOCKER|FORWARD)/.test(name) || table === 'filter'
    ? `nft insert rule ${family} ${table} ${name} ct status dnat accept; to keep it, have your firewall do the same (iptables: -I FORWARD -m conntrack --ctstate DNAT -j ACCEPT)`
    : `nft insert rule ${family} ${table} ${name} ct status dnat accept; to keep it, put it into your firewall's configuration`;
  if (fate === 'dropped') return [fail('firewall', `${where} drops what mappings let in`, remedy)];
  if (fate === 'perhaps-dropped') {
    return [warn('firewall', `${where} drops what it does not accept, and whether that is so for mapped connections can not be seen here`, remedy)];
  }
  return [];
}

/** Follow the first packet of a mapped connection through a chain. */
function walk(key: string, chains: ReadonlyMap<string, Chain>, rules: ReadonlyMap<string, readonly Rule[]>, external: string | null,
    visited: ReadonlySet<string>): Fate {
  if (visited.has(key)) return 'goes-on';
  const [family = '', table = ''] = key.split(' ');
  let maybe = false;
  for (const { expressions } of rules.get(key) ?? []) {
    const target = jumpOf(expressions);
    const verdict = target === null ? verdictOf(expressions)
      : walk(keyOf(family, table, target), chains, rules, external, new Set([...visited, key]));
    if (verdict === 'goes-on') continue;
    const applies = applicability(expressions, external);
    if (applies === 'no') continue;
    if (applies === 'yes' && (verdict === 'passes' || verdict === 'perhaps-dropped')) return verdict;
    if (applies === 'yes' && verdict === 'dropped') return maybe ? 'perhaps-dropped' : 'dropped';
    // A drop under a condition is meant for something else: invalid packets, say. An accept may be meant for us.
    if (verdict !== 'dropped') maybe = true;
  }
  return maybe ? 'perhaps' : 'goes-on';
}

function verdictOf(expressions: readonly Json[]): Fate {
  const last = expressions.at(-1);
  if (has(last, 'accept')) return 'passes';
  return has(last, 'drop') || has(last, 'reject') ? 'dropped' : 'goes-on';
}

function jumpOf(expressions: readonly Json[]): string | null {
  const last = expressions.at(-1);
  const target = field(field(last, 'jump') ?? field(last, 'goto'), 'target');
  return typeof target === 'string' ? target : null;
}

/** Whether the conditions hold for a new connection from outside that was translated by a mapping. */
function applicability(expressions: readonly Json[], external: string | null): 'yes' | 'no' | 'perhaps' {
  let applies: 'yes' | 'perhaps' = 'yes';
  let isDnat = false;
  for (const expression of expressions) {
    const match = field(expression, 'match');
    if (match === null) {
      if (has(expression, 'xt')) applies = 'perhaps';
      continue;
    }
    const [left, op, right] = [field(match, 'left'), field(match, 'op'), field(match, 'right')];
    const values = valuesOf(right);
    const isNot = op === '!=';
    const key = field(field(left, 'ct'), 'key');
    if (key === 'status' && values.includes('dnat')) {
      if (isNot) return 'no';
      isDnat = true;
    } else if (key === 'state') {
      if (values.includes('new') === isNot) return 'no';
    } else if (field(field(left, 'meta'), 'key') === 'iifname' && external !== null && values.every((value) => typeof value === 'string' && !value.includes('*'))) {
      if (values.includes(external) === isNot) return 'no';
    } else applies = 'perhaps';
  }
  // Whatever else is asked of it: who wrote "ct status dnat" meant port forwardings.
  return isDnat ? 'yes' : applies;
}

function valuesOf(right: Json): readonly Json[] {
  if (Array.isArray(right)) return right as readonly Json[];
  const set = field(right, 'set');
  return Array.isArray(set) ? set as readonly Json[] : [right];
}

function read(ruleset: string): { readonly chains: ReadonlyMap<string, Chain>; readonly rules: ReadonlyMap<string, readonly Rule[]> } {
  const chains = new Map<string, Chain>();
  const rules = new Map<string, Rule[]>();
  const entries = field(JSON.parse(ruleset) as Json, 'nftables');
  const text = (value: Json, name: string): string | null => { const one = field(value, name); return typeof one === 'string' ? one : null; };
  for (const entry of Array.isArray(entries) ? entries as readonly Json[] : []) {
    const [chain, rule] = [field(entry, 'chain'), field(entry, 'rule')];
    const [family, table] = [text(chain ?? rule, 'family') ?? '', text(chain ?? rule, 'table') ?? ''];
    if (chain !== null) {
      const name = text(chain, 'name') ?? '';
      chains.set(keyOf(family, table, name), { family, table, name, hook: text(chain, 'hook'), policy: text(chain, 'policy') });
    } else if (rule !== null) {
      const name = text(rule, 'chain') ?? '';
      const expressions = field(rule, 'expr');
      const key = keyOf(family, table, name);
      rules.set(key, [...(rules.get(key) ?? []), { chain: name, expressions: Array.isArray(expressions) ? expressions as readonly Json[] : [] }]);
    }
  }
  return { chains, rules };
}

function field(value: Json | undefined, name: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  return (value as { readonly [name: string]: Json })[name] ?? null;
}

/** {"accept": null} has it, too. */
function has(value: Json | undefined, name: string): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && name in value;
}
