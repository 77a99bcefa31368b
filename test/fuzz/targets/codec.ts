// One frame of the helper's socket, read as a request by the helper and as a response by a caller.

import * as fc from 'fast-check';
import type { Request, Response } from '../../../proto/codec.js';
import { decodeRequest, encodeResponse, MAX_REQUEST_BYTES } from '../../../proto/codec.js';
import { decodeResponse, encodeRequest } from '../../../proto/client-codec.js';
import { hex } from '../../support/bytes.js';
import { raw } from '../arbitraries.js';
import { REQUESTS, RESPONSES } from '../seeds.js';
import type { Target } from '../target.js';
import { must } from '../target.js';

const uint32 = fc.integer({ min: 0, max: 0xffffffff });
const endpoint = {
  protocol: fc.constantFrom('udp' as const, 'tcp' as const),
  internalAddress: uint32,
  internalPort: uint32,
};
const octetsOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map(hex);
const pinholeEndpoint = {
  protocol: fc.constantFrom('udp' as const, 'tcp' as const),
  address: octetsOf(16),
  port: uint32,
  nonce: fc.oneof(fc.constant(''), octetsOf(12)),
};
const request = fc.oneof(
  fc.record({
    kind: fc.constant('add-mapping' as const),
    ...endpoint,
    externalPort: uint32,
    lifetime: uint32,
    origin: fc.constantFrom('dynamic' as const, 'static' as const),
  }),
  fc.record({ kind: fc.constant('remove-mapping' as const), ...endpoint }),
  fc.record({ kind: fc.constant('list-mappings' as const), after: uint32, limit: uint32 }),
  fc.record({
    kind: fc.constant('add-pinhole' as const),
    ...pinholeEndpoint,
    lifetime: uint32,
    origin: fc.constantFrom('dynamic' as const, 'static' as const),
    hardwareAddress: fc.nat({ max: 2 ** 48 - 1 }),
  }),
  fc.record({ kind: fc.constant('remove-pinhole' as const), ...pinholeEndpoint }),
  fc.constantFrom(...REQUESTS),
);

/** Beyond this a number is not exact, and no time is that far away. */
const EXACT = 2 ** 53;

export const codec: Target = {
  name: 'codec',
  inputs: fc.oneof(
    raw(100),
    fc
      .tuple(fc.integer({ min: 1, max: 0xffffffff }), request, fc.nat({ max: 2 ** 40 }))
      .map(([id, one, notAfter]) => encodeRequest(id, one, notAfter)),
    fc.tuple(uint32, fc.constantFrom(...RESPONSES)).map(([id, one]) => encodeResponse(id, one)),
  ),
  words: [
    '08',
    '12',
    '1a',
    '22',
    '2a',
    '32',
    '3a',
    '40',
    '42',
    '4a',
    '00',
    '3200',
    '3a00',
    'ffffffff0f',
    '8000',
    'ffffffffffffffffff01',
  ].map((word) => Buffer.from(word, 'hex')),
  seeds: Object.fromEntries([
    ...REQUESTS.map(
      (one, index) => [`request-${index}-${one.kind}`, encodeRequest(index + 1, one, index * 1000)] as const,
    ),
    ...RESPONSES.map((one, index) => [`response-${index}-${one.kind}`, encodeResponse(index, one)] as const),
  ]),
  run(input) {
    const asked = decodeRequest(input);
    if (asked !== null) {
      must(input.length <= MAX_REQUEST_BYTES && asked.id >= 1, 'a request is short and has an id', asked);
      must(
        hex(encodeRequest(asked.id, asked.body, asked.notAfter)) === hex(input),
        'a request has one wire form',
        asked,
      );
      must(
        numbersOf(asked.body).every((value) => Number.isInteger(value) && value >= 0 && value <= mostIn(asked.body)),
        'numbers have their size',
        asked,
      );
      if ('port' in asked.body)
        must(
          /^[0-9a-f]{32} ([0-9a-f]{24})?$/.test(`${asked.body.address} ${asked.body.nonce}`),
          'so have octets',
          asked,
        );
    }
    const said = decodeResponse(input);
    if (said === null || numbersOf(said.body).some((value) => Math.abs(value) >= EXACT && value !== Infinity)) return;
    must(
      same(decodeResponse(encodeResponse(said.id, said.body)), said),
      'a response that was read can be written and read again',
      said,
    );
  },
};

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function mostIn({ kind }: Request): number {
  return kind === 'add-pinhole' ? 2 ** 48 - 1 : kind === 'list-pinholes' ? EXACT - 1 : 0xffffffff;
}

/** All numbers in a request or response, however deep. */
function numbersOf(value: Request | Response | unknown): readonly number[] {
  if (typeof value === 'number') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersOf) : [];
}
