import * as assert from 'uvu/assert';
import type { PcpDecoded, PcpErrorName, PcpMapRequest } from '../../frontend/pcp/wire.js';
import {
  decodePcp,
  encodeAnnounce,
  encodeDeleted,
  encodeGranted,
  encodePcpError,
  epochTime,
  PCP_RESULT,
  PCP_RESULT_NAMES,
} from '../../frontend/pcp/wire.js';
import { bytes, hex } from '../support/bytes.js';
import { cases, claims } from '../support/cases.js';

/** 2001:db8:1::a */
const HOST = '20010db8000100000000000000000a0a';
const OTHER = '20010db8000100000000000000000b0b';
const NONE = '0'.repeat(32);
const NONCE = '0102030405060708090a0b0c';
const OPEN = `02 01 0000 00001c20 ${HOST}`;
const CLOSE = `02 01 0000 00000000 ${HOST}`;
/** TCP port 6881, no suggestion. */
const TCP = `${NONCE} 06 000000 1ae1 0000 ${NONE}`;
const UDP = `${NONCE} 11 000000 1ae1 0000 ${NONE}`;
const PREFER_FAILURE = '02 00 0000';
const FILTER = `03 00 0014 00 80 0050 ${OTHER}`;
const THIRD_PARTY = `01 00 0010 ${OTHER}`;

const map: PcpMapRequest = {
  kind: 'map',
  protocol: 'tcp',
  port: 0x1ae1,
  lifetime: 7200,
  nonce: NONCE,
  prefersFailure: false,
  suggestsOwn: false,
};
const error = (result: PcpErrorName): PcpDecoded => ({ kind: 'error', result });
const deletion = (endpoint: (PcpDecoded & { kind: 'delete' })['endpoint']): PcpDecoded => ({
  kind: 'delete',
  endpoint,
  nonce: NONCE,
});
/** A MAP request with these in it. */
const mapOf = (protocol: string, port: string, suggestedPort: string, suggestedAddress: string): string =>
  `${NONCE} ${protocol} 000000 ${port} ${suggestedPort} ${suggestedAddress}`;

interface Row {
  readonly name: string;
  readonly wire: string;
  readonly want: PcpDecoded;
}

cases<Row>(
  'PCP: the header, in the order of §8.2',
  [
    { name: '§8.2 nothing', wire: '', want: { kind: 'drop', why: 'runt' } },
    { name: '§8.2 one byte', wire: '02', want: { kind: 'drop', why: 'runt' } },
    { name: '§8.2 a response', wire: `02 81 ${'00'.repeat(58)}`, want: { kind: 'drop', why: 'response' } },
    { name: '§8.2 a response of another version, two bytes', wire: '09 80', want: { kind: 'drop', why: 'response' } },
    { name: '§8.2 a response of NAT-PMP', wire: `00 80 ${'00'.repeat(10)}`, want: { kind: 'drop', why: 'response' } },
    { name: '§A NAT-PMP: an address request', wire: '00 00', want: error('UNSUPP_VERSION') },
    { name: '§A NAT-PMP: a mapping', wire: '00 01 0000 1ae1 1ae1 00001c20', want: error('UNSUPP_VERSION') },
    { name: '§9 version 1', wire: `01 01 ${'00'.repeat(58)}`, want: error('UNSUPP_VERSION') },
    { name: '§9 version 3', wire: `03 00 ${'00'.repeat(22)}`, want: error('UNSUPP_VERSION') },
    { name: '§8.2 before any check of the length: two bytes', wire: 'ff 7f', want: error('UNSUPP_VERSION') },
    { name: '§8.2 likewise, 1,101 bytes', wire: `03 01 ${'00'.repeat(1099)}`, want: error('UNSUPP_VERSION') },
    { name: '§8.2 version 2, 23 bytes', wire: `02 00 ${'00'.repeat(21)}`, want: { kind: 'drop', why: 'runt' } },
    { name: '§8.2 version 2, two bytes', wire: '02 00', want: { kind: 'drop', why: 'runt' } },
    { name: '§7 25 bytes', wire: `02 00 0000 00000000 ${HOST} 00`, want: error('MALFORMED_REQUEST') },
    {
      name: '§7 an unknown opcode, 26 bytes',
      wire: `02 55 0000 00000000 ${HOST} 0000`,
      want: error('MALFORMED_REQUEST'),
    },
    { name: '§7 1,101 bytes', wire: `${OPEN} ${TCP} ${'00'.repeat(1041)}`, want: error('MALFORMED_REQUEST') },
    {
      name: '§7 1,100 bytes, options and all',
      wire: `${OPEN} ${TCP} 80 00 040c ${'00'.repeat(1036)}`,
      want: map,
    },
    {
      name: '§8.2 another address than the sender',
      wire: `02 00 0000 00000000 ${OTHER}`,
      want: error('ADDRESS_MISMATCH'),
    },
    {
      name: '§8.2 an IPv4 one',
      wire: `02 00 0000 00000000 00000000000000000000ffffc0a8010a`,
      want: error('ADDRESS_MISMATCH'),
    },
    { name: '§8.2 none', wire: `02 00 0000 00000000 ${NONE}`, want: error('ADDRESS_MISMATCH') },
    {
      name: '§8.2 the length before the address',
      wire: `02 01 0000 00001c20 ${OTHER} 00`,
      want: error('MALFORMED_REQUEST'),
    },
    {
      name: '§8.2 the address before the opcode',
      wire: `02 55 0000 00000000 ${OTHER}`,
      want: error('ADDRESS_MISMATCH'),
    },
    {
      name: '§8.2 the address before the length of the opcode',
      wire: `02 01 0000 00001c20 ${OTHER}`,
      want: error('ADDRESS_MISMATCH'),
    },
    { name: '§7.4 opcode 3', wire: `02 03 0000 00000000 ${HOST}`, want: error('UNSUPP_OPCODE') },
    { name: '§7.4 opcode 127', wire: `02 7f 0000 00000000 ${HOST}`, want: error('UNSUPP_OPCODE') },
    {
      name: 'RFC 7652 AUTHENTICATION',
      wire: `02 03 0000 00000000 ${HOST} ${'00'.repeat(40)}`,
      want: error('UNSUPP_OPCODE'),
    },
    { name: '§12.1 PEER', wire: `02 02 0000 00001c20 ${HOST} ${TCP} 0050 0000 ${OTHER}`, want: error('UNSUPP_OPCODE') },
    { name: '§12.1 PEER, too short', wire: `02 02 0000 00001c20 ${HOST}`, want: error('UNSUPP_OPCODE') },
    { name: '§14.1.2 ANNOUNCE', wire: `02 00 0000 00000000 ${HOST}`, want: { kind: 'announce' } },
    {
      name: '§14.1.2 ANNOUNCE with a lifetime, which is ignored',
      wire: `02 00 0000 00001c20 ${HOST}`,
      want: { kind: 'announce' },
    },
    { name: '§7.1 ANNOUNCE, reserved bits set', wire: `02 00 ffff 00000000 ${HOST}`, want: { kind: 'announce' } },
  ],
  ({ wire, want }) => assert.equal(decodePcp(bytes(wire), HOST), want),
);

cases<Row>(
  'PCP: MAP',
  [
    { name: '§11.3 TCP', wire: `${OPEN} ${TCP}`, want: map },
    { name: '§11.3 UDP', wire: `${OPEN} ${UDP}`, want: { ...map, protocol: 'udp' } },
    {
      name: '§7.1 every reserved field set',
      wire: `02 01 ffff 00001c20 ${HOST} ${NONCE} 06 ffffff 1ae1 0000 ${NONE}`,
      want: map,
    },
    {
      name: '§7 56 bytes',
      wire: `${OPEN} ${NONCE} 06 000000 1ae1 0000 ${'00'.repeat(12)}`,
      want: error('MALFORMED_REQUEST'),
    },
    { name: '§7 a header alone', wire: OPEN, want: error('MALFORMED_REQUEST') },
    {
      name: 'the largest of everything',
      wire: `02 01 0000 ffffffff ${HOST} ${'ff'.repeat(12)} 11 000000 ffff ffff ${'ff'.repeat(16)}`,
      want: { ...map, protocol: 'udp', port: 65535, lifetime: 0xffffffff, nonce: 'ff'.repeat(12) },
    },
    {
      name: '§5 its own port and address suggested',
      wire: `${OPEN} ${mapOf('06', '1ae1', '1ae1', HOST)}`,
      want: { ...map, suggestsOwn: true },
    },
    {
      name: '§5 its own port, any address',
      wire: `${OPEN} ${mapOf('06', '1ae1', '1ae1', NONE)}`,
      want: { ...map, suggestsOwn: true },
    },
    {
      name: '§5 its own port, an address of IPv4',
      wire: `${OPEN} ${mapOf('06', '1ae1', '1ae1', '00000000000000000000ffff00000000')}`,
      want: map,
    },
    { name: '§11.3 another port suggested', wire: `${OPEN} ${mapOf('06', '1ae1', '1ae2', HOST)}`, want: map },
    { name: '§11.3 another address suggested', wire: `${OPEN} ${mapOf('06', '1ae1', '1ae1', OTHER)}`, want: map },
    { name: '§11.6 the discard port', wire: `${OPEN} ${mapOf('06', '0009', '0000', NONE)}`, want: { ...map, port: 9 } },
    { name: '§7.4 §11.3 SCTP', wire: `${OPEN} ${mapOf('84', '1ae1', '0000', NONE)}`, want: error('UNSUPP_PROTOCOL') },
    { name: '§11.3 ICMPv6', wire: `${OPEN} ${mapOf('3a', '0000', '0000', NONE)}`, want: error('UNSUPP_PROTOCOL') },
    {
      name: '§11.3 SCTP, a deletion',
      wire: `${CLOSE} ${mapOf('84', '1ae1', '0000', NONE)}`,
      want: error('UNSUPP_PROTOCOL'),
    },
    {
      name: '§11.1 all protocols, one port',
      wire: `${OPEN} ${mapOf('00', '1ae1', '0000', NONE)}`,
      want: error('MALFORMED_REQUEST'),
    },
    {
      name: '§11.3 all protocols',
      wire: `${OPEN} ${mapOf('00', '0000', '0000', NONE)}`,
      want: error('UNSUPP_PROTOCOL'),
    },
    {
      name: '§11.3 all ports of TCP',
      wire: `${OPEN} ${mapOf('06', '0000', '0000', NONE)}`,
      want: error('UNSUPP_PROTOCOL'),
    },
    {
      name: '§11.3 all ports of UDP',
      wire: `${OPEN} ${mapOf('11', '0000', '0000', NONE)}`,
      want: error('UNSUPP_PROTOCOL'),
    },
    { name: '§15.1 a deletion', wire: `${CLOSE} ${TCP}`, want: deletion({ protocol: 'tcp', port: 0x1ae1 }) },
    {
      name: '§15.1 a deletion with suggestions',
      wire: `${CLOSE} ${mapOf('11', '1ae1', '2000', OTHER)}`,
      want: deletion({ protocol: 'udp', port: 0x1ae1 }),
    },
    {
      name: '§15.1 a deletion of all ports',
      wire: `${CLOSE} ${mapOf('06', '0000', '0000', NONE)}`,
      want: deletion(null),
    },
    {
      name: '§15.1 a deletion of all protocols',
      wire: `${CLOSE} ${mapOf('00', '0000', '0000', NONE)}`,
      want: deletion(null),
    },
    {
      name: '§11.1 a deletion of all protocols, with a port',
      wire: `${CLOSE} ${mapOf('00', '1ae1', '0000', NONE)}`,
      want: deletion(null),
    },
  ],
  ({ wire, want }) => assert.equal(decodePcp(bytes(wire), HOST), want),
);

const SUGGESTED = mapOf('06', '1ae1', '1ae1', HOST);
cases<Row>(
  'PCP: options',
  [
    {
      name: '§13.2 PREFER_FAILURE',
      wire: `${OPEN} ${SUGGESTED} ${PREFER_FAILURE}`,
      want: { ...map, suggestsOwn: true, prefersFailure: true },
    },
    {
      name: '§7.3 the reserved byte is ignored',
      wire: `${OPEN} ${SUGGESTED} 02 ff 0000`,
      want: { ...map, suggestsOwn: true, prefersFailure: true },
    },
    {
      name: '§13.2 twice',
      wire: `${OPEN} ${SUGGESTED} ${PREFER_FAILURE} ${PREFER_FAILURE}`,
      want: error('MALFORMED_OPTION'),
    },
    { name: '§7.3 with data', wire: `${OPEN} ${SUGGESTED} 02 00 0004 00000000`, want: error('MALFORMED_OPTION') },
    {
      name: '§7.3 with a byte of data, padded',
      wire: `${OPEN} ${SUGGESTED} 02 00 0001 00000000`,
      want: error('MALFORMED_OPTION'),
    },
    { name: '§13.2 with suggested port 0', wire: `${OPEN} ${TCP} ${PREFER_FAILURE}`, want: error('MALFORMED_OPTION') },
    { name: '§7.3 in a deletion', wire: `${CLOSE} ${SUGGESTED} ${PREFER_FAILURE}`, want: error('MALFORMED_OPTION') },
    {
      name: '§7.3 in ANNOUNCE: PREFER_FAILURE',
      wire: `02 00 0000 00000000 ${HOST} ${PREFER_FAILURE}`,
      want: error('MALFORMED_OPTION'),
    },
    { name: '§13.3 FILTER', wire: `${OPEN} ${TCP} ${FILTER}`, want: error('UNSUPP_OPTION') },
    {
      name: '§13.3 FILTER with prefix 0',
      wire: `${OPEN} ${TCP} 03 00 0014 ${'00'.repeat(20)}`,
      want: error('UNSUPP_OPTION'),
    },
    { name: '§13.1 THIRD_PARTY', wire: `${OPEN} ${TCP} ${THIRD_PARTY}`, want: error('UNSUPP_OPTION') },
    {
      name: '§13.1 THIRD_PARTY, the sender itself',
      wire: `${OPEN} ${TCP} 01 00 0010 ${HOST}`,
      want: error('UNSUPP_OPTION'),
    },
    { name: '§13.1 THIRD_PARTY, a deletion', wire: `${CLOSE} ${TCP} ${THIRD_PARTY}`, want: error('UNSUPP_OPTION') },
    { name: '§7.3 option 0', wire: `${OPEN} ${TCP} 00 00 0000`, want: error('UNSUPP_OPTION') },
    { name: '§7.3 option 127', wire: `${OPEN} ${TCP} 7f 00 0000`, want: error('UNSUPP_OPTION') },
    { name: 'RFC 7843 THIRD_PARTY_ID', wire: `${OPEN} ${TCP} 0d 00 0004 00000000`, want: error('UNSUPP_OPTION') },
    {
      name: '§7.3 in ANNOUNCE: THIRD_PARTY',
      wire: `02 00 0000 00000000 ${HOST} ${THIRD_PARTY}`,
      want: error('UNSUPP_OPTION'),
    },
    { name: '§7.3 option 128 is ignored', wire: `${OPEN} ${TCP} 80 00 0003 61626300`, want: map },
    {
      name: 'RFC 7220 DESCRIPTION twice, and option 255, in ANNOUNCE',
      wire: `02 00 0000 00000000 ${HOST} 80 00 0001 61000000 80 00 0000 ff 00 0000`,
      want: { kind: 'announce' },
    },
    { name: '§7.3 padding is not looked at', wire: `${OPEN} ${TCP} 80 00 0001 61ffffff`, want: map },
    { name: '§7.3 past the end, by four bytes', wire: `${OPEN} ${TCP} 80 00 0004`, want: error('MALFORMED_OPTION') },
    {
      name: '§7.3 past the end, by its padding',
      wire: `${OPEN} ${TCP} 80 00 0005 61626364`,
      want: error('MALFORMED_OPTION'),
    },
    { name: '§7.3 past the end, the longest', wire: `${OPEN} ${TCP} ff 00 ffff`, want: error('MALFORMED_OPTION') },
    {
      name: '§7.3 past the end, though not offered',
      wire: `${OPEN} ${TCP} 03 00 0014 ${'00'.repeat(16)}`,
      want: error('MALFORMED_OPTION'),
    },
    {
      name: '§7.3 the second one past the end',
      wire: `${OPEN} ${TCP} 80 00 0000 80 00 0001`,
      want: error('MALFORMED_OPTION'),
    },
    {
      name: '§7.3 in their order: the first error is told',
      wire: `${OPEN} ${TCP} ${FILTER} 80 00 0001`,
      want: error('UNSUPP_OPTION'),
    },
    {
      name: '§7.3 in their order, the other way round',
      wire: `${OPEN} ${TCP} 02 00 0004 00000000 ${FILTER}`,
      want: error('MALFORMED_OPTION'),
    },
    {
      name: '§7.3 one that is known behind one that is ignored',
      wire: `${OPEN} ${SUGGESTED} 80 00 0001 61000000 ${PREFER_FAILURE}`,
      want: { ...map, suggestsOwn: true, prefersFailure: true },
    },
    {
      name: '§8.2 the fields of the opcode before its options',
      wire: `${OPEN} ${mapOf('84', '1ae1', '0000', NONE)} ${FILTER}`,
      want: error('UNSUPP_PROTOCOL'),
    },
  ],
  ({ wire, want }) => assert.equal(decodePcp(bytes(wire), HOST), want),
);

const request = bytes(`02 01 ffff 00001c20 ${HOST} ${NONCE} 06 ffffff 1ae1 2000 ${OTHER} 80 00 0001 61ffffff`);
cases(
  'PCP: replies',
  [
    {
      name: '§14.1.2 §7.2 ANNOUNCE: 24 bytes',
      octets: encodeAnnounce(0x12345),
      want: `02 80 00 00 00000000 00012345 ${'00'.repeat(12)}`,
    },
    {
      name: '§8.2 §11.1 §5 granted: 60 bytes, the address and port of the client',
      octets: encodeGranted(request, map, 3600, 0x12345),
      want: `02 81 00 00 00000e10 00012345 ${'00'.repeat(12)} ${NONCE} 06 000000 1ae1 1ae1 ${HOST}`,
    },
    {
      name: '§8.2 granted with PREFER_FAILURE, which was processed',
      octets: encodeGranted(request, { ...map, prefersFailure: true }, 1, 0xffffffff),
      want: `02 81 00 00 00000001 ffffffff ${'00'.repeat(12)} ${NONCE} 06 000000 1ae1 1ae1 ${HOST} 02 00 0000`,
    },
    {
      name: '§15.1 deleted: lifetime 0, the suggestions as they came',
      octets: encodeDeleted(request, 0x12345),
      want: `02 81 00 00 00000000 00012345 ${'00'.repeat(12)} ${NONCE} 06 000000 1ae1 2000 ${OTHER}`,
    },
  ],
  ({ octets, want }) => assert.is(hex(octets), want.replaceAll(' ', '')),
);

/** What follows the header of the request above. */
const rest = `${NONCE} 06 ffffff 1ae1 2000 ${OTHER} 80 00 0001 61ffffff`;
const parsed = '00'.repeat(12);
const unparsed = HOST.slice(8);
cases<{ name: string; result: PcpErrorName; want: string }>(
  'PCP: an error is the request with the header of a reply (§8.2)',
  [
    { name: '§7.4 §7.2 UNSUPP_VERSION', result: 'UNSUPP_VERSION', want: `02 81 00 01 00000708 00000001 ${unparsed}` },
    { name: '§7.4 §7.2 NOT_AUTHORIZED', result: 'NOT_AUTHORIZED', want: `02 81 00 02 00000708 00000001 ${parsed}` },
    {
      name: '§7.4 §7.2 MALFORMED_REQUEST',
      result: 'MALFORMED_REQUEST',
      want: `02 81 00 03 00000708 00000001 ${unparsed}`,
    },
    { name: '§7.4 §7.2 UNSUPP_OPCODE', result: 'UNSUPP_OPCODE', want: `02 81 00 04 00000708 00000001 ${unparsed}` },
    { name: '§7.4 §7.2 UNSUPP_OPTION', result: 'UNSUPP_OPTION', want: `02 81 00 05 00000708 00000001 ${unparsed}` },
    {
      name: '§7.4 §7.2 MALFORMED_OPTION',
      result: 'MALFORMED_OPTION',
      want: `02 81 00 06 00000708 00000001 ${unparsed}`,
    },
    { name: '§7.4 NETWORK_FAILURE', result: 'NETWORK_FAILURE', want: `02 81 00 07 0000001e 00000001 ${parsed}` },
    { name: '§7.4 NO_RESOURCES', result: 'NO_RESOURCES', want: `02 81 00 08 0000001e 00000001 ${parsed}` },
    { name: '§7.4 UNSUPP_PROTOCOL', result: 'UNSUPP_PROTOCOL', want: `02 81 00 09 00000708 00000001 ${parsed}` },
    { name: '§7.4 USER_EX_QUOTA', result: 'USER_EX_QUOTA', want: `02 81 00 0a 0000001e 00000001 ${parsed}` },
    {
      name: '§7.4 CANNOT_PROVIDE_EXTERNAL',
      result: 'CANNOT_PROVIDE_EXTERNAL',
      want: `02 81 00 0b 00000708 00000001 ${parsed}`,
    },
    { name: '§7.4 ADDRESS_MISMATCH', result: 'ADDRESS_MISMATCH', want: `02 81 00 0c 00000708 00000001 ${parsed}` },
  ],
  ({ result, want }) => assert.is(hex(encodePcpError(request, result, 1)), `${want} ${rest}`.replaceAll(' ', '')),
);

cases(
  'PCP: the length of an error',
  [
    { name: '§A of NAT-PMP, two bytes: a header', wire: '00 00', want: `02 80 00 01 00000708 00000007 ${parsed}` },
    {
      name: '§A of NAT-PMP, a mapping: its first four bytes are those of result 1',
      wire: '00 02 0000 1ae1 1ae1 00001c20',
      want: `02 82 00 01 00000708 00000007 ${parsed}`,
    },
    {
      name: '§8.2 padded to a multiple of 4',
      wire: `03 05 ${'01'.repeat(23)}`,
      want: `02 85 00 01 00000708 00000007 ${'01'.repeat(13)} 000000`,
    },
    {
      name: '§8.2 §17 cut to 1,100 bytes',
      wire: `03 05 ${'01'.repeat(1099)}`,
      want: `02 85 00 01 00000708 00000007 ${'01'.repeat(1088)}`,
    },
  ],
  ({ wire, want }) => assert.is(hex(encodePcpError(bytes(wire), 'UNSUPP_VERSION', 7)), want.replaceAll(' ', '')),
);

claims('PCP', {
  '§11.3 an error with a lifetime of its own': () =>
    assert.is(hex(encodePcpError(request, 'NOT_AUTHORIZED', 1, 0x123)).slice(8, 16), '00000123'),
  '§7.4 result codes, by number': () =>
    assert.equal(
      PCP_RESULT_NAMES.map((name) => PCP_RESULT[name]),
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13],
    ),
  '§8.5 the epoch is never 0': () => assert.equal([0, 1, 2].map(epochTime), [1, 1, 2]),
  '§7.1 a view within a larger buffer is read where it is': () => {
    const wire = bytes(`ffffffff ${OPEN} ${TCP}`);
    assert.equal(decodePcp(wire.subarray(4), HOST), map);
  },
});
