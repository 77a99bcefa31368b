// What RFC 6886 lets a gateway say, checked octet by octet and without the gateway's own encoder or decoder.

import type { Ipv4 } from '../../../proto/mapping.js';
import { hex } from '../../support/bytes.js';
import { must } from '../target.js';

/** §3.5, §3.2, §3.3: how long the reply to a datagram is; null if nothing may ever be said to it. */
export function lengthOfReply(datagram: Uint8Array): number | null {
  const [version, opcode = 0] = datagram;
  if (datagram.length < 2 || opcode >= 128) return null;
  if (version !== 0) return 8;
  if (opcode === 0) return 12;
  if (opcode > 2) return Math.max(8, datagram.length);
  return datagram.length < 12 ? null : 16;
}

/** Whether a datagram from a LAN host may change anything. */
export function isMappingRequest(datagram: Uint8Array): boolean {
  return lengthOfReply(datagram) === 16 && (datagram[1] === 1 || datagram[1] === 2) && datagram[0] === 0;
}

/** Check one reply; `sssoe` is what the clock says, null if the gateway cannot know. */
export function mustBeReply(datagram: Uint8Array, reply: Uint8Array, sssoe: number | null): void {
  const seen = { datagram: hex(datagram), reply: hex(reply), sssoe };
  const view = new DataView(reply.buffer, reply.byteOffset, reply.length);
  must(reply.length === lengthOfReply(datagram), 'a reply is as long as RFC 6886 §3 says', seen);
  must(view.getUint8(0) === 0, 'a reply is of version 0', seen);
  must(view.getUint8(1) >= 128, 'a reply has the top bit of its opcode set', seen);
  const result = view.getUint16(2);
  const isOtherVersion = datagram[0] !== 0;
  must(
    view.getUint8(1) === (isOtherVersion ? 128 : 128 + (datagram[1] as number)),
    'a reply has the opcode of its request',
    seen,
  );
  must(isOtherVersion === (result === 1), 'the version error is for other versions', seen);
  if (sssoe !== null) must(view.getUint32(4) === sssoe, 'a reply tells the seconds since the start of the epoch', seen);
  if (isOtherVersion) return;
  must((datagram[1] as number) > 2 === (result === 5), 'the opcode error is for unknown opcodes', seen);
  if (result === 5)
    must(hex(reply.subarray(8)) === hex(datagram.subarray(8)), 'an unknown request comes back whole', seen);
  if (datagram[1] === 0)
    must((result === 0) === (view.getUint32(8) !== 0), 'an address comes with success alone', seen);
  if (isMappingRequest(datagram)) mustBeMappingReply(datagram, view, result, seen);
}

function mustBeMappingReply(datagram: Uint8Array, reply: DataView, result: number, seen: object): void {
  const request = new DataView(datagram.buffer, datagram.byteOffset, datagram.length);
  const [externalPort, lifetime, asked] = [reply.getUint16(10), reply.getUint32(12), request.getUint32(8)];
  must(reply.getUint16(8) === request.getUint16(4), 'a mapping reply has the internal port of its request', seen);
  must(lifetime <= asked, 'no lifetime is longer than asked', seen);
  const isGranted = result === 0 && asked !== 0;
  must(
    (lifetime !== 0) === isGranted && (externalPort !== 0) === isGranted,
    'port and lifetime are zero without a mapping',
    seen,
  );
  if (isGranted) must(externalPort >= 1024, 'only allowed ports are granted', seen);
  must(!isGranted || request.getUint16(4) !== 0, 'there is no mapping of port 0', seen);
}

/** §3.2.1: an address reply that nobody asked for. */
export function mustBeAnnouncement(octets: Uint8Array, epochStart: number | null, now: number): void {
  must(
    epochStart !== null && octets.length === 12,
    'an announcement is an address reply, made once the epoch is known',
    hex(octets),
  );
  mustBeReply(Uint8Array.of(0, 0), octets, secondsSince(epochStart, now));
  must(octets[3] === 0, 'an announcement has an address', hex(octets));
}

export function secondsSince(epochStart: number, now: number): number {
  return Math.max(0, Math.trunc((now - epochStart) / 1000));
}

/** The sources of datagrams: first hosts of the LAN, then those that must not be heard. */
export const HOSTS: readonly Ipv4[] = [
  0xc0a8010a,
  0xc0a8010b,
  0xc0a8010c,
  0xc0a8010a,
  0xc0a8010b,
  0xc0a801fe,
  0xc0a80101,
  0xc0a80100,
  0xc0a801ff,
  0xc0a8020a,
  0xc63364 * 256 + 1,
  0,
  0xffffffff,
];
export const LAN_HOSTS: ReadonlySet<Ipv4> = new Set(HOSTS.slice(0, 6));
