// The rules of other firewalls, as nft and iptables-nft-save print them, and the judgement of natpmpctl doctor on them.

import * as assert from 'uvu/assert';
import type { Facts } from '../../cli/natpmpctl/doctor/facts.js';
import type { Finding } from '../../cli/natpmpctl/finding.js';
import { firewall } from '../../cli/natpmpctl/doctor/firewall.js';
import { keyOf } from '../../cli/host/nft-json.js';
import { HEALTHY } from '../support/healthy-router.js';

export const match = (left: object, right: unknown, op = '==') => ({ match: { op, left, right } });
export const meta = (key: string) => ({ meta: { key } });
export const ct = (key: string) => ({ ct: { key } });
export const payload = (protocol: string, field: string) => ({ payload: { protocol, field } });
export const [daddr, saddr, dport] = [payload('ip', 'daddr'), payload('ip', 'saddr'), payload('tcp', 'dport')];
export const dnat = match(ct('status'), 'dnat', 'in');
export const invalid = match(ct('state'), 'invalid', 'in');
export const established = match(ct('state'), ['established', 'related'], 'in');
export const from = (name: string, op = '==') => match(meta('iifname'), name, op);
export const to = (name: string) => match(meta('oifname'), name);
export const [accept, drop, reject] = [{ accept: null }, { drop: null }, { reject: { type: 'icmpx' } }];
export const counter = { counter: { packets: 1, bytes: 2 } };
export const jump = (target: string) => ({ jump: { target } });
export const vmap = (key: object, data: unknown) => ({ vmap: { key, data } });
export const xt = (name: string, type = 'match') => ({ xt: { type, name } });

export type Chains = Readonly<Record<string, readonly object[][]>>;
export const listing = (...objects: readonly object[]) =>
  JSON.stringify({ nftables: [{ metainfo: { json_schema_version: 1 } }, ...objects] });
/** One table; its base chain is the first one. */
export const tableOf = (
  policy: 'accept' | 'drop',
  chains: Chains,
  { family = 'inet', table = 'fw', hook = 'forward', prio = 0, dev = undefined as unknown, type = 'filter' } = {},
) => [
  ...Object.keys(chains).map((name, index) => ({
    chain: {
      family,
      table,
      name,
      ...(index === 0 ? { type, hook, prio, policy, ...(dev === undefined ? {} : { dev }) } : {}),
    },
  })),
  ...Object.entries(chains).flatMap(([chain, rules]) =>
    rules.map((expr) => ({ rule: { family, table, chain, expr } })),
  ),
];
export const filter = (policy: 'accept' | 'drop', chains: Chains, at: Parameters<typeof tableOf>[2] = {}) =>
  listing(...tableOf(policy, chains, at));
/** One rule behind a policy. */
export const one = (policy: 'accept' | 'drop', ...rule: readonly object[]) => filter(policy, { forward: [[...rule]] });
export const beside = (more: Partial<Facts['nftDetails']>): Partial<Facts> => ({
  nftDetails: { ...HEALTHY.nftDetails, ...more },
});
export const elements = (name: string, of: readonly unknown[] | null, family = 'inet', table = 'fw') =>
  beside({ elements: new Map([[keyOf(family, table, name), of]]) as Facts['nftDetails']['elements'] });
export const judged = (ruleset: string, seen: Partial<Facts> = {}): readonly Finding[] =>
  firewall({ ...HEALTHY, rulesetListing: ruleset, ...seen });

export interface Judged {
  readonly name: string;
  readonly ruleset: string;
  readonly want: 'ok' | 'warn' | 'fail';
  readonly seen?: Partial<Facts>;
  readonly says?: RegExp;
  readonly remedy?: RegExp;
}
export const judge = ({
  ruleset,
  seen,
  want,
  says = /./,
  remedy = /^nft insert rule inet fw forward ct status dnat accept; to keep it, /,
}: Judged): void => {
  const found = judged(ruleset, seen);
  assert.equal(
    found.map(({ verdict }) => verdict),
    [want],
    JSON.stringify(found),
  );
  assert.match(found[0]?.says ?? '', says);
  if (want !== 'ok') assert.match(found[0]?.remedy ?? '', remedy);
};
