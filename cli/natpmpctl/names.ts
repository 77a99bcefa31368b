// The names of LAN hosts, from files of the router's DHCP and DNS server. Pure. Hosts choose their DHCP names
// themselves, so only letters, digits and a few marks of them may reach a terminal.

import { parseMac } from '../../config/rules.js';
import { parseIpv6 } from '../../proto/ipv6.js';
import type { Ipv4, Ipv6 } from '../../proto/mapping.js';
import { parseIpv4 } from '../../proto/mapping.js';

/** What a host is known by: an IPv4 address, an IPv6 address, or a hardware address as `formatMac` writes it. */
export type HostKey = Ipv4 | Ipv6;
export type Names = ReadonlyMap<HostKey, string>;

/** The longest name that DNS has. */
const MAX_NAME_LENGTH = 253;
/** A longer line tells nothing: a DHCP server's user may have written it. Kea's have what a client sent, in JSON. */
const MAX_LINE_LENGTH = 8192;
/** Of a file: more than honest ones of its size have. */
const MAX_LINES = 1 << 20;
const MAX_NAMES = 1 << 18;

/** "02:00:00:00:00:07" of the number below 2^48. */
export function formatMac(hardwareAddress: number): string {
  return hardwareAddress
    .toString(16)
    .padStart(12, '0')
    .replace(/..(?!$)/g, '$&:');
}

/** Parse an address, IPv4 or IPv6, or a hardware address; null for anything else. */
export function parseHostKey(text: string): HostKey | null {
  const mac = parseMac(text);
  return parseIpv4(text) ?? parseIpv6(text) ?? (mac === null ? null : formatMac(mac));
}

/** /etc/hosts (hosts(5)): the first name of each address. */
export function namesFromHosts(text: string): Names {
  const names = new Map<HostKey, string>();
  for (const line of linesOf(text)) {
    if (names.size >= MAX_NAMES) break;
    const [address = '', name] = line.replace(/#.*/, '').trim().split(/\s+/, 2);
    const known = parseHostKey(address);
    if (known !== null && name !== undefined && !names.has(known)) names.set(known, sanitized(name));
  }
  return names;
}

/**
 * DHCP leases of dnsmasq ("EXPIRY MAC ADDRESS NAME CLIENT"; NAME is * if there is none), or of Kea (memfile, CSV with a
 * header). The last line with an address counts. The name is that of the hardware address, too: a device that makes its
 * IPv6 addresses itself is in no lease with them.
 */
export function namesFromLeases(text: string): Names {
  const names = new Map<HostKey, string>();
  let columns: readonly number[] | null | undefined;
  for (const line of linesOf(text)) {
    if (names.size >= MAX_NAMES) break;
    if (columns === undefined) {
      const head = line.startsWith('address,') ? line.split(',') : null;
      columns = head === null ? null : ['hwaddr', 'address', 'hostname'].map((column) => head.indexOf(column));
    }
    const fields = line.split(columns === null ? /\s+/ : ',');
    const [hardwareAddress = '', address = '', name = ''] = (columns ?? [1, 2, 3]).map((at) => fields[at] ?? '');
    if (name === '' || name === '*') continue;
    for (const text of [address, hardwareAddress]) {
      const known = parseHostKey(text);
      if (known !== null) names.set(known, sanitized(name.replace(/\.$/, '')));
    }
  }
  return names;
}

/** Those that are not empty, without spaces around; not all at once, for a file may be as many lines as bytes. */
function* linesOf(text: string): Generator<string> {
  for (let start = 0, end = 0, lines = 0; end < text.length && lines < MAX_LINES; start = end + 1, lines++) {
    end = text.indexOf('\n', start);
    if (end < 0) end = text.length;
    if (end - start > MAX_LINE_LENGTH) continue;
    const line = text.slice(start, end).trim();
    if (line !== '') yield line;
  }
}

/** Earlier lists take precedence. */
export function mergeNames(lists: readonly Names[]): Names {
  return new Map(lists.toReversed().flatMap((names) => [...names]));
}

function sanitized(name: string): string {
  return name.slice(0, MAX_NAME_LENGTH).replace(/[^\p{L}\p{N}._-]/gu, '?');
}
