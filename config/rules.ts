// Rules about hosts: parsed from text, and matched against addresses. Pure. The first rule that matches a host decides;
// the default rule is for hosts that none matches.

import { LONGEST_LIFETIME, MOST_MAPPINGS } from './values.js';
import type { Ipv4, PortRange } from '../proto/mapping.js';
import { parseIpv4, parsePortRanges } from '../proto/mapping.js';

/** A hardware (MAC) address as a number below 2^48: 02:00:00:00:00:07 is 0x020000000007. */
export type Mac = number;

/** The hosts that a rule matches. */
export type Who =
  | { readonly kind: 'prefix'; readonly address: Ipv4; readonly length: number }
  | { readonly kind: 'mac'; readonly mac: Mac };

/** A rule's own limits, in place of the general ones; null: the general one. */
export interface Allowance {
  /** External ports; only those also in --allowed-ports count. */
  readonly ports: readonly PortRange[] | null;
  readonly maxMappings: number | null;
  /** Seconds. */
  readonly maxLifetime: number | null;
}

export interface Rule {
  readonly who: Who;
  /** Null: the rule denies. */
  readonly allows: Allowance | null;
}

/** Matches every host. */
export const EVERYONE: Who = { kind: 'prefix', address: 0, length: 0 };
const NO_CHANGE: Allowance = { ports: null, maxMappings: null, maxLifetime: null };

/**
 * Denied by default, so that no host exposes them to the Internet by accident: telnet, Windows RPC, NetBIOS, SMB and
 * remote desktop.
 */
export const DANGEROUS_PORTS = '23,135-139,445,3389';

export type ParsedRule = { readonly rule: Rule } | { readonly complaints: readonly string[] };

/**
 * Parse a rule: "allow 192.168.1.50 ports 6881-6999,51413 max-mappings 10 max-lifetime 3600", "deny 192.168.1.64/26",
 * "deny mac 02:00:00:00:00:07". Reports every error, not only the first.
 */
export function parseRule(text: string): ParsedRule {
  const complaints: string[] = [];
  const [verdict = '', ...rest] = text.trim().split(/\s+/);
  if (verdict !== 'allow' && verdict !== 'deny') complaints.push(`"${verdict}": begin with allow or deny`);
  const isMac = rest[0] === 'mac';
  const [name = ''] = isMac ? rest.splice(0, 2).slice(1) : rest.splice(0, 1);
  const who = isMac ? macFrom(name) : prefixFrom(name);
  if (typeof who === 'string') complaints.push(who);
  const allows = allowanceFrom(rest, complaints);
  if (verdict === 'deny' && rest.length > 0) {
    complaints.push(
      'deny takes nothing behind the host: allow it with the ports it may have, or name ports in denied-ports',
    );
  }
  if (complaints.length > 0 || typeof who === 'string') return { complaints };
  return { rule: { who, allows: verdict === 'allow' ? allows : null } };
}

/** The rules followed by the default rule, which matches every host. */
export function withDefault(rules: readonly Rule[], isAllowed: boolean): readonly Rule[] {
  return [...rules, { who: EVERYONE, allows: isAllowed ? NO_CHANGE : null }];
}

export function isInPrefix({ address, length }: Who & { kind: 'prefix' }, host: Ipv4): boolean {
  const size = 2 ** (32 - length);
  return Math.floor(host / size) === Math.floor(address / size);
}

/** Parse "02:00:00:00:00:07"; null for anything else. */
export function parseMac(text: string): Mac | null {
  return /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text) ? parseInt(text.replaceAll(':', ''), 16) : null;
}

function macFrom(text: string): Who | string {
  const mac = parseMac(text);
  return mac === null ? `"${text}" is not a hardware address, like 02:00:00:00:00:07` : { kind: 'mac', mac };
}

function prefixFrom(text: string): Who | string {
  const [dotted = '', digits = '32', ...more] = text.split('/');
  const address = parseIpv4(dotted);
  const length = /^[0-9]{1,2}$/.test(digits) ? Number(digits) : 33;
  if (address === null || length > 32 || more.length > 0) {
    return `"${text}" names no host: give an address, a prefix like 192.168.1.64/26, or mac and a hardware address`;
  }
  if (address % 2 ** (32 - length) !== 0)
    return `"${text}": the address has bits beyond the prefix: for one host leave out the /${digits}`;
  return { kind: 'prefix', address, length };
}

const WORDS = ['ports', 'max-mappings', 'max-lifetime'];

function allowanceFrom(words: readonly string[], complaints: string[]): Allowance {
  const given = new Map<string, string>();
  for (let at = 0; at < words.length; at += 2) {
    const word = words[at] as string;
    if (!WORDS.includes(word)) complaints.push(`"${word}": none of ${WORDS.join(', ')}`);
    else if (given.has(word)) complaints.push(`${word} is there twice`);
    if (words[at + 1] === undefined) complaints.push(`"${word}": its value is missing`);
    given.set(word, words[at + 1] ?? '');
  }
  const value = <T>(word: string, parse: (text: string) => T | null, wanted: string): T | null => {
    const text = given.get(word);
    if (text === undefined || text === '') return null;
    const parsed = parse(text);
    if (parsed === null) complaints.push(`${word} "${text}": give ${wanted}`);
    return parsed;
  };
  const upTo = (most: number) => (text: string) =>
    /^[1-9][0-9]{0,9}$/.test(text) && Number(text) <= most ? Number(text) : null;
  return {
    ports: value('ports', parsePortRanges, 'ports from 1 to 65535, like 6881-6999,51413'),
    maxMappings: value('max-mappings', upTo(MOST_MAPPINGS), `a number from 1 to ${MOST_MAPPINGS}`),
    maxLifetime: value('max-lifetime', upTo(LONGEST_LIFETIME), `seconds from 1 to ${LONGEST_LIFETIME}`),
  };
}
