import * as assert from 'uvu/assert';
import type { Decoded, MapRequest } from '../../frontend/wire.js';
import {
  decode,
  encodeAddressReply,
  encodeAnnouncement,
  encodeMappingReply,
  encodeUnsupportedOpcode,
  encodeUnsupportedVersion,
  RESULT,
  RESULT_NAMES,
  secondsSinceStartOfEpoch,
} from '../../frontend/wire.js';
import { bytes, hex } from '../support/bytes.js';
import { cases, claims } from '../support/cases.js';

const map: MapRequest = {
  kind: 'map',
  protocol: 'udp',
  internalPort: 0x1ae1,
  suggestedExternalPort: 0x1ae2,
  lifetime: 7200,
};

cases<{ name: string; wire: string; want: Decoded }>(
  'decode',
  [
    { name: '§3.2 external address request', wire: '00 00', want: { kind: 'external-address' } },
    { name: 'D-2 external address request, padded', wire: '00 00 ffff', want: { kind: 'external-address' } },
    { name: '§3.3 map UDP', wire: '00 01 0000 1ae1 1ae2 00001c20', want: map },
    { name: '§3.3 map TCP', wire: '00 02 0000 1ae1 1ae2 00001c20', want: { ...map, protocol: 'tcp' } },
    { name: 'R-39 reserved field is ignored', wire: '00 01 ffff 1ae1 1ae2 00001c20', want: map },
    { name: 'D-2 octets after the request are ignored', wire: '00 01 0000 1ae1 1ae2 00001c20 0102030405', want: map },
    {
      name: '§3.4 a deletion is a map with lifetime 0',
      wire: '00 01 0000 1ae1 0000 00000000',
      want: { ...map, suggestedExternalPort: 0, lifetime: 0 },
    },
    {
      name: 'D-4 the largest of everything',
      wire: '00 02 0000 ffff ffff ffffffff',
      want: { kind: 'map', protocol: 'tcp', internalPort: 65535, suggestedExternalPort: 65535, lifetime: 0xffffffff },
    },
    { name: 'D-1 nothing', wire: '', want: { kind: 'drop', why: 'runt' } },
    { name: 'D-1 one octet', wire: '00', want: { kind: 'drop', why: 'runt' } },
    { name: 'D-1 one octet of another version', wire: '02', want: { kind: 'drop', why: 'runt' } },
    { name: 'D-1 map, one octet short', wire: '00 01 0000 1ae1 1ae2 00001c', want: { kind: 'drop', why: 'truncated' } },
    { name: 'D-1 map TCP, opcode only', wire: '00 02', want: { kind: 'drop', why: 'truncated' } },
    { name: 'R-2 version 1', wire: '01 00', want: { kind: 'unsupported-version' } },
    {
      name: 'R-86 version 2 (PCP) MAP',
      wire: `02 01 0000 00001c20 ${'00'.repeat(52)}`,
      want: { kind: 'unsupported-version' },
    },
    { name: 'R-88 version 255, unknown opcode', wire: 'ff 7f', want: { kind: 'unsupported-version' } },
    { name: 'R-13 opcode 128 is a response', wire: '00 80', want: { kind: 'drop', why: 'response' } },
    { name: 'R-13 opcode 255', wire: '00 ff 0000', want: { kind: 'drop', why: 'response' } },
    { name: 'D-13 a response of another version', wire: '02 81', want: { kind: 'drop', why: 'response' } },
    { name: 'R-14 opcode 3', wire: '00 03', want: { kind: 'unsupported-opcode' } },
    { name: 'R-14 opcode 127', wire: '00 7f 0000', want: { kind: 'unsupported-opcode' } },
  ],
  ({ wire, want }) => assert.equal(decode(bytes(wire)), want),
);

cases(
  'encode',
  [
    {
      name: 'R-23 external address',
      want: '00 80 0000 00012345 cb007107',
      octets: encodeAddressReply(RESULT.SUCCESS, 0x12345, 0xcb007107),
    },
    {
      name: 'R-24 no external address',
      want: '00 80 0003 00012345 00000000',
      octets: encodeAddressReply(RESULT.NETWORK_FAILURE, 0x12345, null),
    },
    {
      name: 'R-30 announcement',
      want: '00 80 0000 ffffffff fffffffe',
      octets: encodeAnnouncement(0xffffffff, 0xfffffffe),
    },
    {
      name: 'R-40 mapping, UDP',
      want: '00 81 0000 00012345 1ae1 c001 00000e10',
      octets: encodeMappingReply(map, { result: RESULT.SUCCESS, externalPort: 0xc001, lifetime: 3600 }, 0x12345),
    },
    {
      name: 'R-41 mapping, TCP',
      want: '00 82 0004 00000000 1ae1 0000 00000000',
      octets: encodeMappingReply(
        { ...map, protocol: 'tcp' },
        { result: RESULT.OUT_OF_RESOURCES, externalPort: 0, lifetime: 0 },
        0,
      ),
    },
    {
      name: 'R-4 unsupported version, EID 3618',
      want: '00 80 0001 89abcdef',
      octets: encodeUnsupportedVersion(0x89abcdef),
    },
    {
      name: 'R-14 unsupported opcode, two octets',
      want: '00 83 0005 89abcdef',
      octets: encodeUnsupportedOpcode(bytes('00 03'), 0x89abcdef),
    },
    {
      name: 'R-14 unsupported opcode, eight octets',
      want: '00 83 0005 00000001',
      octets: encodeUnsupportedOpcode(bytes('00 03 0102 03040506'), 1),
    },
    {
      name: 'R-14 unsupported opcode, the rest comes back',
      want: '00 ff 0005 00000001 0708 09',
      octets: encodeUnsupportedOpcode(bytes('00 7f 0102 03040506 0708 09'), 1),
    },
  ],
  ({ octets, want }) => assert.is(hex(octets), want.replaceAll(' ', '')),
);

cases(
  '§3.2 seconds since start of epoch',
  [
    { name: 'R-25 whole seconds', epochStart: 1000, now: 61_999, want: 60 },
    { name: 'R-82 an epoch from before this boot', epochStart: -86_400_000, now: 5_000, want: 86_405 },
    { name: 'R-83 never below zero', epochStart: 10_000, now: 9_000, want: 0 },
    { name: 'R-25 32 bits', epochStart: -(2 ** 32) * 1000, now: 7_000, want: 7 },
    { name: 'R-25 the last second that fits', epochStart: 0, now: (2 ** 32 - 1) * 1000, want: 0xffffffff },
  ],
  ({ epochStart, now, want }) => assert.is(secondsSinceStartOfEpoch(epochStart, now), want),
);

claims('result codes', {
  'R-15 names by number': () =>
    assert.equal(
      RESULT_NAMES.map((name) => RESULT[name]),
      [0, 1, 2, 3, 4, 5],
    ),
});
