// The names of LAN hosts, from files of the router's DHCP and DNS server. Pure. Hosts choose their DHCP names
// themselves, so only letters, digits and a few marks of them may reach a terminal.

import type { Ipv4 } from '../../proto/mapping.js';
import { parseIpv4 } from '../../proto/mapping.js';

export type Names = ReadonlyMap<Ipv4, string>;

/** The longest name that DNS has. */
const MAX_NAME_LENGTH = 253;

/** /etc/hosts (hosts(5)): the first name of each IPv4 address. */
export function namesFromHosts(text: string): Names {
  const names = new Map<Ipv4, string>();
  for (const line of text.split('\n')) {
    const [address = '', name] = line.replace(/#.*/, '').trim().split(/\s+/);
    const known = parseIpv4(address);
    if (known !== null && name !== undefined && !names.has(known)) names.set(known, sanitized(name));
  }
  return names;
}

/**
 * DHCP leases of dnsmasq ("EXPIRY MAC ADDRESS NAME CLIENT"; NAME is * if there is none), or of Kea (memfile, CSV with a
 * header). The last line with an address counts.
 */
export function namesFromLeases(text: string): Names {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const head = lines[0]?.startsWith('address,') === true ? lines[0].split(',') : null;
  const names = new Map<Ipv4, string>();
  for (const line of lines) {
    const [address = '', name = ''] =
      head === null
        ? line.split(/\s+/).slice(2, 4)
        : ['address', 'hostname'].map((column) => line.split(',')[head.indexOf(column)] ?? '');
    const known = parseIpv4(address);
    if (known !== null && name !== '' && name !== '*') names.set(known, sanitized(name.replace(/\.$/, '')));
  }
  return names;
}

/** Earlier lists take precedence. */
export function mergeNames(lists: readonly Names[]): Names {
  return new Map(lists.toReversed().flatMap((names) => [...names]));
}

function sanitized(name: string): string {
  return name.slice(0, MAX_NAME_LENGTH).replace(/[^\p{L}\p{N}._-]/gu, '?');
}
