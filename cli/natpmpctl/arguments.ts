// Arguments of natpmpctl, as commander takes them: an InvalidArgumentError says what is needed.

import { InvalidArgumentError } from 'commander';
import type { Ipv4, Protocol } from '../../proto/mapping.js';
import { parseIpv4 } from '../../proto/mapping.js';
import { parseNumber, parseProtocol, parseScoped } from '../host/parse.js';

export function addressArgument(text: string): Ipv4 {
  const address = parseIpv4(text);
  if (address === null) throw new InvalidArgumentError('An IPv4 address is needed, such as 192.168.1.50.');
  return address;
}

/** What to say of an address with an interface, "fe80::1%eth0"; null if it is none. */
export function scopedComplaint(text: string): string | null {
  if (parseScoped(text) === null) return null;
  return 'an address without an interface is needed, such as 2001:db8::5: pinholes are of global addresses';
}

export function protocolArgument(text: string): Protocol {
  const protocol = parseProtocol(text);
  if (protocol === null) throw new InvalidArgumentError('tcp or udp is needed.');
  return protocol;
}

export function portArgument(text: string): number {
  const port = parseNumber(text, 1, 65535);
  if (port === null) throw new InvalidArgumentError('A port from 1 to 65535 is needed.');
  return port;
}

/** "tcp/8080", or "8080" for both protocols. */
export interface PortFilter {
  readonly protocol: Protocol | null;
  readonly port: number;
}

export function parsePortFilter(text: string): PortFilter | null {
  const [first = '', second, ...rest] = text.split('/');
  const protocol = second === undefined ? null : parseProtocol(first);
  const port = parseNumber(second ?? first, 1, 65535);
  return rest.length > 0 || port === null || (second !== undefined && protocol === null) ? null : { protocol, port };
}
