// IPv6 addresses from text and to text (RFC 5952), and from bytes. Pure. The URL standard writes them in that form.

import type { Ipv6 } from './lease.js';

/** Parse an address without a zone, in any form of RFC 4291 §2.2; null for anything else. */
export function parseIpv6(text: string): Ipv6 | null {
  if (!/^[0-9a-f:.]+$/i.test(text) || !URL.canParse(`http://[${text}]`)) return null;
  const [before = '', after = ''] = shortest(text).split('::');
  const [left, right] = [groupsOf(before), groupsOf(after)];
  return left + '0'.repeat(32 - left.length - right.length) + right;
}

export function formatIpv6(address: Ipv6): string {
  return shortest(address.replace(/.{4}(?!$)/g, '$&:'));
}

function shortest(text: string): string {
  return new URL(`http://[${text}]`).hostname.slice(1, -1);
}

/** "db8:1" as 8 digits. */
function groupsOf(text: string): string {
  return text.replace(/[^:]+:?/g, (group) => group.replace(':', '').padStart(4, '0'));
}

/** Bytes as hexadecimal digits, '' where there are none. */
export function hexOf(bytes: Uint8Array | null | undefined): string {
  return (bytes instanceof Buffer ? bytes : Buffer.from(bytes ?? [])).toString('hex');
}
