// The bytes of replies and announcements: UPnP Device Architecture (UDA) 1.1 §1.2.2, §1.2.3 and §1.3.3. All that is in
// them is ours; of a search, only a target that was found.

import type { Ipv4 } from '../../proto/mapping.js';
import { formatIpv4 } from '../../proto/mapping.js';
import type { Resource } from './resources.js';
import type { MessageConfig } from './types.js';

/** Seconds for which clients may remember the device; UDA 1.1 wants at least 1800. */
export const MAX_AGE_SECONDS = 1800;
/** Longer than any message, also with the longest version. */
export const MAX_MESSAGE_BYTES = 1024;
/** UDA 1.1 §1.2.2: these are positive numbers of 31 bits. */
const IDS = 2 ** 31;

/** The reply to a search. `address`: that of the router in the LAN of the client. */
export function encodeReply(resource: Resource, address: Ipv4, config: MessageConfig): Uint8Array {
  return message(
    'HTTP/1.1 200 OK',
    `CACHE-CONTROL: max-age=${MAX_AGE_SECONDS}`,
    'EXT:',
    `LOCATION: ${locationOf(address, config)}`,
    `SERVER: ${config.serverHeader}`,
    `ST: ${resource.type}`,
    `USN: ${resource.usn}`,
    ...ids(config),
  );
}

export function encodeAlive(resource: Resource, address: Ipv4, config: MessageConfig): Uint8Array {
  return message(
    'NOTIFY * HTTP/1.1',
    'HOST: 239.255.255.250:1900',
    `CACHE-CONTROL: max-age=${MAX_AGE_SECONDS}`,
    `LOCATION: ${locationOf(address, config)}`,
    `NT: ${resource.type}`,
    'NTS: ssdp:alive',
    `SERVER: ${config.serverHeader}`,
    `USN: ${resource.usn}`,
    ...ids(config),
  );
}

export function encodeByebye(resource: Resource, config: MessageConfig): Uint8Array {
  return message(
    'NOTIFY * HTTP/1.1',
    'HOST: 239.255.255.250:1900',
    `NT: ${resource.type}`,
    'NTS: ssdp:byebye',
    `USN: ${resource.usn}`,
    ...ids(config),
  );
}

function locationOf(address: Ipv4, { httpPort, descriptionPath }: MessageConfig): string {
  return `http://${formatIpv4(address)}:${httpPort}${descriptionPath}`;
}

function ids({ bootId, configId }: MessageConfig): readonly string[] {
  return [`BOOTID.UPNP.ORG: ${bootId % IDS}`, `CONFIGID.UPNP.ORG: ${configId}`];
}

function message(...lines: readonly string[]): Uint8Array {
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}
