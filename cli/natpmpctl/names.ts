// The names of LAN hosts, from what the router's DHCP and DNS server writes. Pure; hosts choose the names that a DHCP
// server writes down, so nothing of them may reach a terminal but letters, digits and a few marks.

import type { Ipv4 } from '../../proto/mapping.js';
import { parseIpv4 } from '../../proto/mapping.js';

export type Names = ReadonlyMap<Ipv4, string>;

/** The longest name that DNS has. */
const MAX_NAME_LENGTH = 253;

/** /etc/hosts: the first name of each IPv4 address, as hosts(5) has it. */
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
 * DHCP leases, as dnsmasq writes them ("EXPIRY MAC ADDRESS NAME CLIENT"; NAME is * where there is none), or Kea
 * (memfile, CSV with a head). The last line about an address counts.
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

/** Earlier lists count more. */
export function mergeNames(lists: readonly Names[]): Names {
  return new Map(lists.toReversed().flatMap((names) => [...names]));
}

function sanitized(name: string): string {
  return name.slice(0, MAX_NAME_LENGTH).replace(/[^\p{L}\p{N}._-]/gu, '?');
}
