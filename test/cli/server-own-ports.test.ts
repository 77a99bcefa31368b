import * as assert from 'uvu/assert';
import { listeningPorts } from '../../cli/host/listening-ports.js';
import { withoutPorts } from '../../proto/mapping.js';
import { cases } from '../support/cases.js';

const LAN = 0xc0a80101;
const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const rest = '00000000:00000000 00:00000000 00000000     0        0 1 1 0000000000000000 100 0 0 10 0';

cases<{ name: string; protocol: 'tcp' | 'udp'; line: string; want: number[] }>(
  'listeningPorts (D-6)',
  [
    {
      name: 'a server on any address',
      protocol: 'tcp',
      line: `   0: 00000000:1F90 00000000:0000 0A ${rest}`,
      want: [8080],
    },
    {
      name: 'a connection is no server',
      protocol: 'tcp',
      line: `   0: 00000000:1F90 0200A8C0:1234 01 ${rest}`,
      want: [],
    },
    { name: 'on loopback', protocol: 'tcp', line: `   0: 0100007F:1F90 00000000:0000 0A ${rest}`, want: [] },
    { name: 'on the LAN only', protocol: 'tcp', line: `   0: 0101A8C0:1F90 00000000:0000 0A ${rest}`, want: [] },
    {
      name: 'on the external address',
      protocol: 'tcp',
      line: `   0: 0A7100CB:1F90 00000000:0000 0A ${rest}`,
      want: [8080],
    },
    { name: 'UDP: WireGuard', protocol: 'udp', line: ` 123: 00000000:CA6C 00000000:0000 07 ${rest}`, want: [51820] },
    { name: 'UDP: connected', protocol: 'udp', line: ` 123: 00000000:CA6C 0100A8C0:1234 01 ${rest}`, want: [] },
    {
      name: 'IPv6 on any address takes IPv4 too',
      protocol: 'tcp',
      line: `   0: ${'0'.repeat(32)}:0016 ${'0'.repeat(32)}:0000 0A ${rest}`,
      want: [22],
    },
    {
      name: 'an IPv4 address in IPv6 clothes',
      protocol: 'tcp',
      line: `   0: 0000000000000000FFFF00000A7100CB:0016 ${'0'.repeat(32)}:0000 0A ${rest}`,
      want: [22],
    },
    {
      name: 'IPv6 alone',
      protocol: 'tcp',
      line: `   0: B80D0120000000000000000001000000:0016 ${'0'.repeat(32)}:0000 0A ${rest}`,
      want: [],
    },
    { name: 'nothing', protocol: 'tcp', line: '', want: [] },
  ],
  ({ protocol, line, want }) => assert.equal(listeningPorts(protocol, `${head}${line}\n`, [LAN]), want),
);

const all = [{ from: 1024, to: 65535 }];
cases(
  'withoutPorts',
  [
    { name: 'none', ranges: all, ports: [], want: all },
    {
      name: 'in the middle',
      ranges: all,
      ports: [8080],
      want: [
        { from: 1024, to: 8079 },
        { from: 8081, to: 65535 },
      ],
    },
    { name: 'the first and the last', ranges: all, ports: [1024, 65535], want: [{ from: 1025, to: 65534 }] },
    { name: 'outside', ranges: all, ports: [22], want: all },
    { name: 'the only one', ranges: [{ from: 80, to: 80 }], ports: [80], want: [] },
    {
      name: 'of several ranges',
      ranges: [
        { from: 1, to: 9 },
        { from: 20, to: 29 },
      ],
      ports: [9, 25],
      want: [
        { from: 1, to: 8 },
        { from: 20, to: 24 },
        { from: 26, to: 29 },
      ],
    },
  ],
  ({ ranges, ports, want }) =>
    assert.equal(
      withoutPorts(
        ranges,
        ports.map((port) => ({ from: port, to: port })),
      ),
      want,
    ),
);
