// One datagram: the gateway's decoder, and the client's. RFC 6886 §3.

import { decodeReply, encodeRequest } from '../../../cli/client/packets.js';
import { decode, encodeAddressReply, encodeMappingReply, encodeUnsupportedOpcode } from '../../../frontend/wire.js';
import { hex } from '../../support/bytes.js';
import * as fc from 'fast-check';
import { join, just, raw, u16, u32, u8 } from '../arbitraries.js';
import { datagram } from '../seeds.js';
import type { Target } from '../target.js';
import { must } from '../target.js';

export const wire: Target = {
  name: 'wire',
  inputs: fc.oneof(
    raw(64),
    join(just(0), u8, raw(20)),
    join(u8, u8, u16, u16, u16, u32, raw(4)),
    join(
      just(0),
      fc.constantFrom(just(1), just(2)).chain((one) => one),
      u16,
      u16,
      u16,
      u32,
    ),
  ),
  words: [],
  seeds: {
    address: datagram('00 00'),
    map: datagram('00 01 0000 1ae1 1ae1 00001c20'),
    delete: datagram('00 02 0000 0000 0000 00000000'),
    pcp: datagram('02 01 0000 00001c20'),
    opcode: datagram('00 03 0102 03040506 0708'),
    'address-reply': datagram('00 80 0000 00012345 cb007107'),
    'map-reply': datagram('00 81 0000 00012345 1ae1 1ae1 00001c20'),
    'error-reply': datagram('00 80 0001 00012345'),
  },
  run(input) {
    const decoded = decode(input);
    must(
      kindOf(input) === (decoded.kind === 'drop' ? decoded.why : decoded.kind),
      'a datagram is what RFC 6886 §3 says it is',
      decoded,
    );
    if (decoded.kind === 'map') {
      const again = encodeRequest(decoded);
      must(
        hex(again.subarray(4)) === hex(input.subarray(4, 12)) && again[1] === input[1],
        'a mapping request encodes to what it was read from',
      );
    }
    const reply = decodeReply(input);
    must(
      reply === null || (input.length >= 8 && input[0] === 0 && (input[1] as number) >= 128),
      'only a response of version 0 is a reply',
      reply,
    );
    must(decoded.kind === 'drop' || reply === null, 'nothing is both request and reply');
    if (reply?.kind === 'external-address') {
      const again = encodeAddressReply(reply.result as 0, reply.secondsSinceStartOfEpoch, reply.address);
      must(hex(again) === hex(input.subarray(0, 12)), 'an address reply encodes to what it was read from', reply);
    }
    if (reply?.kind === 'mapping') {
      const { protocol, internalPort, externalPort, lifetime, result, secondsSinceStartOfEpoch } = reply;
      const request = { kind: 'map', protocol, internalPort, suggestedExternalPort: 0, lifetime: 0 } as const;
      const again = encodeMappingReply(
        request,
        { result: result as 0, externalPort, lifetime },
        secondsSinceStartOfEpoch,
      );
      must(hex(again) === hex(input.subarray(0, 16)), 'a mapping reply encodes to what it was read from', reply);
    }
    if (decoded.kind === 'unsupported-opcode') {
      const error = decodeReply(encodeUnsupportedOpcode(input, 7));
      must(
        error?.kind === 'error' && error.result === 5 && error.secondsSinceStartOfEpoch === 7,
        'a client reads the error for an unknown opcode',
        error,
      );
    }
  },
};

/** RFC 6886 §3 once more, in other words than the decoder's. */
function kindOf(input: Uint8Array): string {
  const [version = 0, opcode = 0] = input;
  const rules: readonly (readonly [boolean, string])[] = [
    [input.length < 2, 'runt'],
    [(opcode & 0x80) !== 0, 'response'],
    [version !== 0, 'unsupported-version'],
    [opcode === 0, 'external-address'],
    [opcode > 2, 'unsupported-opcode'],
    [input.length < 12, 'truncated'],
  ];
  return rules.find(([applies]) => applies)?.[1] ?? 'map';
}
