// The arguments of the actions on mappings (WANIPConnection:1 §2.4.16 to §2.4.18), from text. Pure.

import type { Ipv4, Protocol } from '../../proto/mapping.js';
import { parseIpv4 } from '../../proto/mapping.js';
import type { FaultCode } from './faults.js';
import { FAULT } from './faults.js';
import { parseBoolean, parseUint } from './values.js';

const MAX_UI2 = 0xffff;
const MAX_UI4 = 0xffffffff;

export type Arguments = ReadonlyMap<string, string>;

/** What a host asks for; it is for itself, always. */
export interface AskedMapping {
  readonly protocol: Protocol;
  /** 1..65535; so is `internalPort`. */
  readonly externalPort: number;
  readonly internalPort: number;
  /** Seconds; 0 for as long as possible. */
  readonly leaseDuration: number;
  readonly description: string;
}

/** What names a mapping. */
export interface MappingKey {
  readonly protocol: Protocol;
  /** 0..65535 */
  readonly externalPort: number;
}

/** The mapping that AddPortMapping of this host asks for, or the code of its error. */
export function parseMapping(given: Arguments, host: Ipv4): AskedMapping | FaultCode {
  const protocol = parseProtocol(given);
  const isAnyPort = given.get('NewExternalPort')?.trim() === '*';
  const externalPort = isAnyPort ? 0 : uint(given, 'NewExternalPort', MAX_UI2);
  const internalPort = uint(given, 'NewInternalPort', MAX_UI2);
  const leaseDuration = uint(given, 'NewLeaseDuration', MAX_UI4);
  const isEnabled = parseBoolean(given.get('NewEnabled') ?? '');
  if (protocol === null || externalPort === null || internalPort === null || leaseDuration === null)
    return FAULT.INVALID_ARGS;
  // A mapping that is switched off cannot be kept.
  if (internalPort === 0 || isEnabled !== true) return FAULT.INVALID_ARGS;
  if (externalPort === 0) return FAULT.WILDCARD_IN_EXTERNAL_PORT;
  // Who means one peer must not get all.
  if (!isAnyRemoteHost(given)) return FAULT.REMOTE_HOST_ONLY_WILDCARD;
  if (!isSender(given.get('NewInternalClient') ?? '', host)) return FAULT.NOT_AUTHORIZED;
  const description = given.get('NewPortMappingDescription') ?? '';
  return { protocol, externalPort, internalPort, leaseDuration, description };
}

/** The mapping that DeletePortMapping or GetSpecificPortMappingEntry names, or the code of its error. */
export function parseKey(given: Arguments): MappingKey | FaultCode {
  const protocol = parseProtocol(given);
  const externalPort = uint(given, 'NewExternalPort', MAX_UI2);
  if (protocol === null || externalPort === null) return FAULT.INVALID_ARGS;
  // There is none for one peer.
  return isAnyRemoteHost(given) ? { protocol, externalPort } : FAULT.NO_SUCH_ENTRY;
}

/** The index of GetGenericPortMappingEntry: 0..65535, null for anything else. */
export function parseIndex(given: Arguments): number | null {
  return uint(given, 'NewPortMappingIndex', MAX_UI2);
}

function uint(given: Arguments, name: string, max: number): number | null {
  return parseUint(given.get(name) ?? '', max);
}

function parseProtocol(given: Arguments): Protocol | null {
  const name = (given.get('NewProtocol') ?? '').trim().toLowerCase();
  return name === 'tcp' || name === 'udp' ? name : null;
}

function isAnyRemoteHost(given: Arguments): boolean {
  return ['', '*', '0.0.0.0'].includes((given.get('NewRemoteHost') ?? '').trim());
}

/** Some clients leave it empty. A name is never looked up. */
function isSender(client: string, host: Ipv4): boolean {
  const text = client.trim();
  return text === '' || parseIpv4(text) === host;
}
