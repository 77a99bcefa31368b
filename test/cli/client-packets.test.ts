import * as assert from 'uvu/assert';
import type { ClientRequest, Reply } from '../../cli/client/packets.js';
import { decodeReply, encodeRequest } from '../../cli/client/packets.js';
import { bytes, hex } from '../support/bytes.js';
import { cases } from '../support/cases.js';

cases<{ name: string; request: ClientRequest; wire: string }>(
  'encodeRequest',
  [
    { name: '§3.2 external address', request: { kind: 'external-address' }, wire: '00 00' },
    {
      name: '§3.3 map UDP',
      wire: '00 01 0000 1ae1 1ae2 00001c20',
      request: { kind: 'map', protocol: 'udp', internalPort: 0x1ae1, suggestedExternalPort: 0x1ae2, lifetime: 7200 },
    },
    {
      name: '§3.3 map TCP',
      wire: '00 02 0000 ffff 0000 ffffffff',
      request: { kind: 'map', protocol: 'tcp', internalPort: 65535, suggestedExternalPort: 0, lifetime: 0xffffffff },
    },
  ],
  ({ request, wire }) => assert.is(hex(encodeRequest(request)), wire.replaceAll(' ', '')),
);

cases<{ name: string; wire: string; want: Reply | null }>(
  'decodeReply',
  [
    {
      name: '§3.2 external address',
      wire: '00 80 0000 00012345 cb007107',
      want: { kind: 'external-address', result: 0, secondsSinceStartOfEpoch: 0x12345, address: 0xcb007107 },
    },
    {
      name: '§3.5 external address, failed',
      wire: '00 80 0003 ffffffff 00000000',
      want: { kind: 'external-address', result: 3, secondsSinceStartOfEpoch: 0xffffffff, address: 0 },
    },
    {
      name: '§3.3 mapping, UDP',
      wire: '00 81 0000 00000001 1ae1 1ae2 00000e10',
      want: {
        kind: 'mapping',
        result: 0,
        secondsSinceStartOfEpoch: 1,
        protocol: 'udp',
        internalPort: 0x1ae1,
        externalPort: 0x1ae2,
        lifetime: 3600,
      },
    },
    {
      name: '§3.3 mapping, TCP, padded',
      wire: '00 82 0002 00000001 1ae1 0000 00000000 ff',
      want: {
        kind: 'mapping',
        result: 2,
        secondsSinceStartOfEpoch: 1,
        protocol: 'tcp',
        internalPort: 0x1ae1,
        externalPort: 0,
        lifetime: 0,
      },
    },
    {
      name: '§3.5 unsupported version, EID 3618',
      wire: '00 80 0001 00000002',
      want: { kind: 'error', opcode: 0, result: 1, secondsSinceStartOfEpoch: 2 },
    },
    {
      name: '§3.5 unsupported opcode',
      wire: '00 ff 0005 00000002 00',
      want: { kind: 'error', opcode: 127, result: 5, secondsSinceStartOfEpoch: 2 },
    },
    {
      name: '§3.5 an error cut short by another gateway',
      wire: '00 81 0003 00000002 1ae1',
      want: { kind: 'error', opcode: 1, result: 3, secondsSinceStartOfEpoch: 2 },
    },
    {
      name: '§3.5 a result code nobody knows',
      wire: '00 80 1234 00000000 00000000',
      want: { kind: 'external-address', result: 0x1234, secondsSinceStartOfEpoch: 0, address: 0 },
    },
    { name: '§3 nothing', wire: '', want: null },
    { name: '§3 one octet short', wire: '00 80 0003 000000', want: null },
    { name: '§3 a request', wire: '00 01 0000 1ae1 1ae2 00001c20', want: null },
    { name: '§3 another version', wire: '02 80 0000 00000000 00000000', want: null },
    { name: '§3.2 success without the address', wire: '00 80 0000 00000000 000000', want: null },
    { name: '§3.3 success without the lifetime', wire: '00 81 0000 00000000 0001 0001 000000', want: null },
    { name: '§3 success of an unknown opcode', wire: '00 84 0000 00000000', want: null },
  ],
  ({ wire, want }) => assert.equal(decodeReply(bytes(wire)), want),
);
