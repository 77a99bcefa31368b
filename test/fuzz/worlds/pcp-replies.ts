// What RFC 6887 lets a server say, checked octet by octet and without the server's own codec.

import { hex } from '../../support/bytes.js';
import { must } from '../target.js';

/** What a datagram is, by RFC 6887 §8.2, in other words than the decoder's: an error by its number. */
export type PcpKind = 'silence' | 'announce' | 'map' | 'delete' | 'delete-nothing' | number;

export function pcpKindOf(datagram: Uint8Array, source: string): PcpKind {
  const [version, opcode = 0] = datagram;
  const octets = hex(datagram);
  if (datagram.length < 2 || opcode >= 128) return 'silence';
  if (version !== 2) return 1;
  if (datagram.length < 24) return 'silence';
  if (datagram.length > 1100 || datagram.length % 4 > 0) return 3;
  if (octets.slice(16, 48) !== source) return 12;
  if (opcode > 1) return 4;
  const begin = opcode === 0 ? 24 : 60;
  if (datagram.length < begin) return 3;
  const isDeletion = /^0{8}$/.test(octets.slice(8, 16));
  const protocol = datagram[36] as number;
  const port = octets.slice(80, 84);
  if (opcode === 1) {
    if (![0, 6, 17].includes(protocol)) return 9;
    if (!isDeletion && protocol === 0 && port !== '0000') return 3;
    if (!isDeletion && (protocol === 0 || port === '0000')) return 9;
  }
  let preferences = 0;
  for (let rest = octets.slice(2 * begin); rest !== ''; ) {
    const [code, length] = [parseInt(rest.slice(0, 2), 16), parseInt(rest.slice(4, 8), 16)];
    const end = 8 + 8 * Math.ceil(length / 4);
    if (rest.length < end) return 6;
    if (code < 128 && code !== 2) return 5;
    if (code === 2 && (length !== 0 || ++preferences > 1)) return 6;
    rest = rest.slice(end);
  }
  if (opcode === 0) return preferences > 0 ? 6 : 'announce';
  if (preferences > 0 && (isDeletion || octets.slice(84, 88) === '0000')) return 6;
  if (!isDeletion) return 'map';
  return protocol === 0 || port === '0000' ? 'delete-nothing' : 'delete';
}

/** Check one reply; `epoch` is what the clock says, null if the server cannot know. */
export function mustBePcpReply(datagram: Uint8Array, source: string, reply: Uint8Array, epoch: number | null): void {
  const [asked, said] = [hex(datagram), hex(reply)];
  const seen = { asked, said, source, epoch };
  const view = new DataView(reply.buffer, reply.byteOffset, reply.length);
  must(reply.length >= 24 && reply.length % 4 === 0 && reply.length <= 1100, 'a reply has a length of PCP', seen);
  const padded = Math.max(24, 4 * Math.ceil(datagram.length / 4));
  must(reply.length <= padded, 'a reply is no longer than its request', seen);
  must(said.startsWith('02') && reply[1] === 128 + (datagram[1] as number), 'version 2, and the opcode', seen);
  must(reply[2] === 0, 'the reserved octet is zero', seen);
  if (epoch !== null) must(view.getUint32(8) === Math.max(1, epoch), 'the epoch is that of the clock, never 0', seen);
  const kind = pcpKindOf(datagram, source);
  const result = reply[3] as number;
  const lifetime = view.getUint32(4);
  must(kind !== 'silence', 'there is nothing to say to this', seen);
  if (typeof kind === 'number') must(result === kind, 'the error is that of §8.2', { ...seen, kind });
  else must(![1, 3, 4, 5, 6, 9, 12, 13].includes(result), 'what is well formed is not called malformed', seen);
  if (result === 0) return mustBeSuccess(kind, datagram, reply, lifetime, seen);
  must(lifetime > 0, 'the lifetime of an error is not 0', seen);
  must(reply.length === Math.min(1100, padded), 'an error is as long as its request', seen);
  must(said.slice(48) === asked.slice(48, 2200).padEnd(said.length - 48, '0'), 'an error is its request', seen);
  const reserved = [1, 3, 4, 5, 6].includes(result) ? asked.slice(24, 48).padEnd(24, '0') : '0'.repeat(24);
  must(said.slice(24, 48) === reserved, 'the reserved bits are those of §7.2', seen);
}

function mustBeSuccess(kind: PcpKind, datagram: Uint8Array, reply: Uint8Array, lifetime: number, seen: object): void {
  const [asked, said] = [hex(datagram), hex(reply)];
  must(said.slice(24, 48) === '0'.repeat(24), 'the reserved bits are zero', seen);
  if (kind === 'announce') return must(reply.length === 24 && lifetime === 0, 'ANNOUNCE is a header', seen);
  must(said.slice(48, 74) === asked.slice(48, 74), 'nonce and protocol come back', seen);
  must(said.slice(74, 80) === '000000' && said.slice(80, 84) === asked.slice(80, 84), 'so does the port', seen);
  if (kind !== 'map') {
    must(reply.length === 60 && lifetime === 0, 'a deletion has lifetime 0', seen);
    return must(said.slice(84) === asked.slice(84, 120), 'the suggestions come back', seen);
  }
  const options = said.slice(120);
  must(options === '' || options === '02000000', 'only PREFER_FAILURE is processed', seen);
  const wanted = new DataView(datagram.buffer, datagram.byteOffset).getUint32(4);
  must(
    lifetime > 0 && lifetime <= Math.min(7200, wanted),
    'a lifetime is no longer than asked, nor than two hours',
    seen,
  );
  must(
    said.slice(84, 120) === asked.slice(80, 84) + asked.slice(16, 48),
    'the client keeps its port and address',
    seen,
  );
}
