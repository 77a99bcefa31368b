// Rules about hosts, which all programs read alike. Pure. Only the first rule that names a host counts for it; a host
// that no rule names falls to the default rule.

import type { Grant, HostRule, Mac, Who } from './types.js';
import type { Ipv4, PortRange } from '../proto/lease.js';
import { LONGEST_LIFETIME, MOST_MAPPINGS } from './values.js';
import { commonPorts, parseIpv4, parsePortRanges } from '../proto/mapping.js';

/** Matches every host. */
export const EVERYONE: Who = { kind: 'prefix', address: 0, length: 0 };

/**
 * Denied by default, so that no host exposes them to the Internet by accident: telnet, Windows RPC, NetBIOS, SMB and
 * remote desktop.
 */
export const DANGEROUS_PORTS = '23,135-139,445,3389';

/**
 * "allow 192.168.1.50 ports 6881-6999,51413 max-mappings 10 max-lifetime 3600", "deny 192.168.1.64/26",
 * "deny mac 02:00:00:00:00:07". Complains of everything that is wrong, and returns null then. `general`: what a rule
 * grants if it does not say otherwise; `allowedPorts`: those of `general`, with the denied and the reserved ones.
 */
export function parseRule(
  text: string,
  general: Grant,
  allowedPorts: readonly PortRange[],
  complain: (complaint: string) => void,
): HostRule | null {
  let isValid = true;
  const reject = (why: string): void => {
    isValid = false;
    complain(`--rule "${text}": ${why}`);
  };
  const [verdict = '', ...words] = text.trim().split(/\s+/);
  if (verdict !== 'allow' && verdict !== 'deny') reject(`"${verdict}": begin with allow or deny`);
  const isMac = words[0] === 'mac';
  const [name = ''] = isMac ? words.splice(0, 2).slice(1) : words.splice(0, 1);
  const who = isMac ? macFrom(name) : prefixFrom(name);
  if (typeof who === 'string') reject(who);
  const grant = grantFrom(words, general, allowedPorts, reject);
  if (verdict === 'deny' && words.length > 0)
    reject('deny takes nothing behind the host: allow it with the ports it may have, or name ports in denied-ports');
  return isValid && typeof who !== 'string' ? { who, grant: verdict === 'allow' ? grant : null } : null;
}

export function isInPrefix({ address, length }: { address: Ipv4; length: number }, host: Ipv4): boolean {
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
  if (address === null || length > 32 || more.length > 0)
    return `"${text}" names no host: give an address, a prefix like 192.168.1.64/26, or mac and a hardware address`;
  if (address % 2 ** (32 - length) !== 0)
    return `"${text}": the address has bits beyond the prefix: for one host leave out the /${digits}`;
  return { kind: 'prefix', address, length };
}

const WORDS = ['ports', 'max-mappings', 'max-lifetime'];

function grantFrom(
  words: readonly string[],
  general: Grant,
  allowedPorts: readonly PortRange[],
  reject: (why: string) => void,
): Grant {
  const given = new Map<string, string>();
  for (let at = 0; at < words.length; at += 2) {
    const [word = '', value = ''] = words.slice(at, at + 2);
    if (!WORDS.includes(word)) reject(`"${word}": none of ${WORDS.join(', ')}`);
    else if (given.has(word)) reject(`${word} is there twice`);
    if (value === '') reject(`"${word}": its value is missing`);
    given.set(word, value);
  }
  const value = <T>(word: string, parse: (text: string) => T | null, wanted: string): T | null => {
    const text = given.get(word) ?? '';
    const parsed = text === '' ? null : parse(text);
    if (text !== '' && parsed === null) reject(`${word} "${text}": give ${wanted}`);
    return parsed;
  };
  const upTo = (most: number) => (text: string) =>
    /^[1-9][0-9]{0,9}$/.test(text) && Number(text) <= most ? Number(text) : null;
  const ports = value('ports', parsePortRanges, 'ports from 1 to 65535, like 6881-6999,51413');
  // Ports that the router reserves may change, so they are not considered here.
  if (ports !== null && allowedPorts.length > 0 && commonPorts(allowedPorts, ports).length === 0)
    reject('none of its ports is among the --allowed-ports');
  const among = (most: readonly PortRange[]) => (ports === null ? most : commonPorts(most, ports));
  return {
    ports: among(general.ports),
    pinholePorts: among(general.pinholePorts),
    maxMappings:
      value('max-mappings', upTo(MOST_MAPPINGS), `a number from 1 to ${MOST_MAPPINGS}`) ?? general.maxMappings,
    maxLifetime:
      value('max-lifetime', upTo(LONGEST_LIFETIME), `seconds from 1 to ${LONGEST_LIFETIME}`) ?? general.maxLifetime,
  };
}
