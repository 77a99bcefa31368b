// One datagram of PCP, and its sender: the decoder, and the encoders for what it finds. RFC 6887.

import * as fc from 'fast-check';
import {
  decodePcp,
  encodeAnnounce,
  encodeDeleted,
  encodeGranted,
  encodePcpError,
  PCP_RESULT,
} from '../../../frontend/pcp/wire.js';
import { hex } from '../../support/bytes.js';
import { just, raw, u16, u32, u8, join } from '../arbitraries.js';
import { datagram } from '../seeds.js';
import type { Target } from '../target.js';
import { must } from '../target.js';
import { mustBePcpReply, pcpKindOf } from '../worlds/pcp-replies.js';

const HOST = '20010db8000100000000000000000a0a';
const host = fc.constant(Buffer.from(HOST, 'hex'));
const address = fc.oneof({ weight: 4, arbitrary: host }, { weight: 1, arbitrary: fc.constant(Buffer.alloc(16)) });
const NONCE = '0102030405060708090a0b0c';
const MAP = `02 01 0000 00001c20 ${HOST} ${NONCE} 06 000000 1ae1 1ae1 ${HOST}`;

/** Options, well formed or nearly. */
const option = join(
  fc.constantFrom(1, 2, 3, 13, 128, 255).map((code) => Uint8Array.of(code)),
  u8,
  u16,
  raw(24),
);
const preferFailure = just(2, 0, 0, 0);
const options = fc.array(fc.oneof(option, preferFailure, just(128, 0, 0, 1, 97, 0, 0, 0)), { maxLength: 4 });
const protocol = fc.constantFrom(0, 6, 17, 132).map((number) => Uint8Array.of(number));

/** The first 16 bytes of an input are the sender's address. */
export const pcpWire: Target = {
  name: 'pcp-wire',
  inputs: fc.oneof(
    join(host, raw(80)),
    join(host, just(2), u8, u16, u32, address, raw(48)),
    join(
      host,
      just(2, 1, 0, 0),
      u32,
      address,
      raw(12).map((octets) => Buffer.concat([octets], 12)),
      protocol,
      just(0, 0, 0),
      u16,
      u16,
      address,
      options.map((list) => Buffer.concat(list)),
    ),
    join(
      host,
      just(2, 0, 0, 0),
      u32,
      address,
      options.map((list) => Buffer.concat(list)),
    ),
  ),
  words: [Buffer.from(HOST, 'hex'), Buffer.from('02010000', 'hex'), Buffer.from('02000000', 'hex')],
  seeds: {
    announce: datagram(`${HOST} 02 00 0000 00000000 ${HOST}`),
    map: datagram(`${HOST} ${MAP}`),
    'prefer-failure': datagram(`${HOST} ${MAP} 02 00 0000`),
    filter: datagram(`${HOST} ${MAP} 03 00 0014 00 80 0050 ${HOST}`),
    delete: datagram(`${HOST} ${MAP.replace('00001c20', '00000000')}`),
    natpmp: datagram(`${HOST} 00 00`),
    peer: datagram(`${HOST} ${MAP.replace('02 01', '02 02')} 0050 0000 ${HOST}`),
    description: datagram(`${HOST} ${MAP} 80 00 0003 61626300`),
  },
  run(input) {
    const source = hex(input.subarray(0, 16)).padEnd(32, '0');
    const octets = input.subarray(16);
    const decoded = decodePcp(octets, source);
    const kind = pcpKindOf(octets, source);
    const seen = { kind, decoded, octets: hex(octets) };
    switch (decoded.kind) {
      case 'drop':
        return must(kind === 'silence', 'a datagram is what RFC 6887 §8.2 says it is', seen);
      case 'error':
        must(kind === PCP_RESULT[decoded.result], 'a datagram is what RFC 6887 §8.2 says it is', seen);
        return mustBePcpReply(octets, source, encodePcpError(octets, decoded.result, 7), 7);
      case 'announce':
        must(kind === 'announce', 'a datagram is what RFC 6887 §8.2 says it is', seen);
        return mustBePcpReply(octets, source, encodeAnnounce(7), 7);
      case 'map': {
        must(kind === 'map', 'a datagram is what RFC 6887 §8.2 says it is', seen);
        must(
          decoded.port > 0 && decoded.lifetime > 0 && decoded.nonce === hex(octets).slice(48, 72),
          'its fields',
          seen,
        );
        const reply = encodeGranted(octets, decoded, Math.min(decoded.lifetime, 7200), 7);
        mustBePcpReply(octets, source, reply, 7);
        return must(decodePcp(reply, source).kind === 'drop', 'nothing is both request and reply', seen);
      }
      case 'delete':
        must(kind === (decoded.endpoint === null ? 'delete-nothing' : 'delete'), 'as RFC 6887 §15.1 says', seen);
        return mustBePcpReply(octets, source, encodeDeleted(octets, 7), 7);
    }
  },
};
