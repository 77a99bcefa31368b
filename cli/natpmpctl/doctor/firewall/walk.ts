// The fates of the packets of a class in a chain and all chains that it leads to, each with its likelihood. Sound: a
// fate that is not among them does not happen, as far as the values of a rule are known. Pure.

import type { Fields, Json } from '../../../host/nft-json.js';
import { fields, keyOf, targetOf } from '../../../host/nft-json.js';
import type { Arm, ElementsOf } from '../../../host/firewall/match.js';
import { armsOf, matches } from '../../../host/firewall/match.js';
import type { Packets } from '../../../host/firewall/packet.js';
import type { Chain, Ruleset } from './ruleset.js';
import type { Truth } from '../../../host/firewall/truth.js';
import { all, any, FEW, not, part, reasonsOf, unknown } from '../../../host/firewall/truth.js';

/**
 * `untracked`: connection tracking does not see them, so no mapping translates them. `handed on`: for example to a
 * program.
 */
export type Fate = 'passes' | 'dropped' | 'untracked' | 'handed on';
/** `usual`: for most of them. `unclear`: for all, none or some. `rare`: for those that a condition selects. */
export type Chance = 'usual' | 'unclear' | 'rare';

export interface End<F = Fate> {
  readonly fate: F;
  readonly chance: Chance;
  /** The conditions that it depends on. */
  readonly on: readonly string[];
}
type Leaving = Fate | 'returns';
/** The packets that have reached a rule. */
type Live = Omit<End, 'fate'>;

const RANK: Readonly<Record<Chance, number>> = { usual: 0, unclear: 1, rare: 2 };
const CERTAIN: Live = { chance: 'usual', on: [] };
/** Statements that end a chain, and how. */
const FATES: Readonly<Record<string, Leaving>> = {
  accept: 'passes',
  drop: 'dropped',
  reject: 'dropped',
  return: 'returns',
  dnat: 'passes',
  snat: 'passes',
  redirect: 'passes',
  masquerade: 'passes',
  queue: 'handed on',
  fwd: 'handed on',
  tproxy: 'handed on',
  synproxy: 'handed on',
};
/** Statements that do not decide about a packet. */
const HARMLESS = new Set([
  'counter',
  'log',
  'mangle',
  'continue',
  'notrack',
  'flow',
  'dup',
  'comment',
  'ct helper',
  'ct timeout',
  'ct expectation',
  'secmark',
  'last',
  'map',
  'tunnel',
]);

/** The ends of a base chain. */
export function endsOf(chain: Chain, ruleset: Ruleset, packets: Packets): readonly End[] {
  const ends = new Walk(ruleset, packets).through(chain.family, chain.table, chain.name);
  return merged(ends.map((end) => ({ ...end, fate: end.fate === 'returns' ? chain.policy : end.fate })));
}

class Walk {
  readonly #ruleset: Ruleset;
  readonly #packets: Packets;
  readonly #walked = new Map<string, readonly End<Leaving>[]>();

  constructor(ruleset: Ruleset, packets: Packets) {
    this.#ruleset = ruleset;
    this.#packets = packets;
  }

  /** The ends of a chain. A chain that leads to itself, which the kernel refuses, would return. */
  through(family: string, table: string, name: string): readonly End<Leaving>[] {
    const key = keyOf(family, table, name);
    const walked = this.#walked.get(key);
    if (walked !== undefined) return walked;
    this.#walked.set(key, [{ fate: 'returns', ...CERTAIN }]);
    const ends = this.#chain(family, table, this.#ruleset.rules.get(key) ?? []);
    this.#walked.set(key, ends);
    return ends;
  }

  #chain(family: string, table: string, rules: readonly (readonly Fields[])[]): readonly End<Leaving>[] {
    const ends: End<Leaving>[] = [];
    let live: Live | null = CERTAIN;
    for (const expr of rules) {
      live = this.#rule(family, table, expr, live, ends);
      if (live === null) return merged(ends);
    }
    return merged([...ends, { fate: 'returns', ...live }]);
  }

  /** Adds the ends of a rule to `ends`; returns the packets that continue with the next rule, or null. */
  #rule(family: string, table: string, expr: readonly Fields[], live: Live, ends: End<Leaving>[]): Live | null {
    const arms = this.#arms(family, table, expr).filter(({ truth }) => truth.kind !== 'no');
    const outcomes = arms.map(({ truth, verdict }) => ({ truth, ends: this.#verdict(family, table, verdict) }));
    const mayEnd = outcomes.filter((outcome) => outcome.ends.some(({ fate }) => fate !== 'goes on'));
    if (mayEnd.length === 0) return live;

    const next: Live[] = [];
    for (const outcome of outcomes) {
      for (const { fate, ...end } of outcome.ends) {
        const then = after(live, outcome.truth, end);
        if (fate === 'goes on') next.push(then);
        else ends.push({ fate, ...then });
      }
    }
    const rest = not(any(arms.map(({ truth }) => truth)));
    if (rest.kind !== 'no') next.push(after(live, rest, CERTAIN));
    return next.length === 0 ? null : likeliest(next);
  }

  #verdict(family: string, table: string, verdict: Json): readonly End<Leaving | 'goes on'>[] {
    const target = targetOf(verdict);
    if (target === null) {
      const [kind = ''] = Object.keys(fields(verdict));
      return [{ fate: kind === 'notrack' ? 'untracked' : (FATES[kind] ?? 'goes on'), ...CERTAIN }];
    }
    const ends = this.through(family, table, target);
    // A return from a jump continues after it; a return from a goto continues after the previous jump.
    return 'goto' in fields(verdict)
      ? ends
      : ends.map((end) => ({ ...end, fate: end.fate === 'returns' ? 'goes on' : end.fate }));
  }

  /** The verdicts of a rule, each with its condition. */
  #arms(family: string, table: string, expr: readonly Fields[]): readonly Arm[] {
    const elementsOf: ElementsOf = (name) => this.#ruleset.elements(family, table, name);
    const conditions: Truth[] = [];
    for (const [index, statement] of expr.entries()) {
      const [[kind = '', inner = null] = []] = Object.entries(statement);
      // An iptables extension after all conditions is a target, and may end the chain.
      const isUnreadEnd = kind === 'xt' && (index === expr.length - 1 || fields(inner)['type'] === 'target');
      if (kind === 'match') conditions.push(matches(fields(inner), this.#packets, elementsOf));
      else if (kind === 'vmap') {
        const arms = armsOf(fields(inner), this.#packets, elementsOf);
        if (arms === null) return [unread(conditions, unknown([`the elements of ${String(fields(inner)['data'])}`]))];
        return arms.map(({ truth, verdict }) => ({ truth: all([...conditions, truth]), verdict }));
      } else if (kind in FATES || kind === 'jump' || kind === 'goto' || this.#untracks(kind))
        return [{ truth: all(conditions), verdict: statement }];
      else if (isUnreadEnd) return [unread(conditions, gate(kind, inner))];
      else conditions.push(gate(kind, inner));
    }
    return [];
  }

  /** Only before connection tracking has seen the packet; a request need not be tracked. */
  #untracks(kind: string): boolean {
    return kind === 'notrack' && this.#packets.stage === 'untracked' && this.#packets.isRequest !== true;
  }
}

/** A verdict that cannot be read. */
function unread(conditions: readonly Truth[], which: Truth): Arm {
  return { truth: all([...conditions, which]), verdict: { queue: null } };
}

/** Whether packets continue after a statement that is no match. */
function gate(kind: string, inner: Json): Truth {
  if (HARMLESS.has(kind)) return all([]);
  const { inv, stmt, type, name } = fields(inner);
  switch (kind) {
    // Few packets exceed a limit.
    case 'limit':
    case 'quota':
    case 'ct count':
      return inv === true ? part(FEW, [`${kind} over`]) : unknown([kind]);
    case 'set':
    case 'meter': {
      const [[within = '', of = null] = []] = Object.entries(
        fields(Array.isArray(stmt) ? (stmt as readonly Json[])[0] : stmt),
      );
      return within === '' ? all([]) : gate(within, of);
    }
    case 'xt':
      return unknown([typeof name === 'string' ? `the ${String(type)} ${name} of iptables` : 'a rule of iptables']);
    default:
      return unknown([kind]);
  }
}

function after(live: Live, truth: Truth, then: Live): Live {
  const own: Chance =
    truth.kind === 'unknown' ? 'unclear' : truth.kind === 'part' && truth.share <= 0.5 ? 'rare' : 'usual';
  return {
    chance: worst(worst(live.chance, own), then.chance),
    on: [...new Set([...live.on, ...(own === 'usual' ? [] : reasonsOf(truth)), ...then.on])],
  };
}

function worst(a: Chance, b: Chance): Chance {
  return RANK[a] > RANK[b] ? a : b;
}

/** A fate with several ways is as likely as the likeliest of them. */
function merged<F extends string>(ends: readonly End<F>[]): readonly End<F>[] {
  return [...new Set(ends.map(({ fate }) => fate))].map((fate) => ({
    fate,
    ...likeliest(ends.filter((end) => end.fate === fate)),
  }));
}

function likeliest(ends: readonly Live[]): Live {
  const chance =
    (['usual', 'unclear', 'rare'] as const).find((each) => ends.some((end) => end.chance === each)) ?? 'usual';
  return { chance, on: [...new Set(ends.filter((end) => end.chance === chance).flatMap(({ on }) => on))] };
}
