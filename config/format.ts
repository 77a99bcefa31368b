// Values of flags as text again. Pure.

import type { Lan, PortRange } from '../proto/lease.js';
import { formatIpv4 } from '../proto/mapping.js';

export function formatLan(lan: Lan): string {
  return `${formatIpv4(lan.routerAddress)}/${lan.prefixLength}`;
}

/** "1024-65535", or "8080" for one port. */
export function formatPortRange({ from, to }: PortRange): string {
  return from === to ? String(from) : `${from}-${to}`;
}
