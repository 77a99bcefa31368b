import { isLanHost, parseLan } from '../../config/lans.js';
import * as assert from 'uvu/assert';
import { listenFds } from '../../process/listen-fds.js';
import {
  externalKey,
  formatIpv4,
  internalKey,
  parseIpv4,
  parsePortRange,
  portIndex,
  PORT_INDEXES,
  protocolOf,
} from '../../proto/mapping.js';
import { cases, claims } from '../support/cases.js';

cases(
  'parseIpv4',
  [
    { name: '192.168.1.2', want: 0xc0a80102 },
    { name: '0.0.0.0', want: 0 },
    { name: '255.255.255.255', want: 0xffffffff },
    { name: '256.0.0.1', want: null },
    { name: '1.2.3', want: null },
    { name: '1.2.3.4.5', want: null },
    { name: '01.2.3.4', want: null },
    { name: '1.2.3.4 ', want: null },
    { name: '', want: null },
    { name: '0x1.2.3.4', want: null },
  ],
  ({ name, want }) => {
    assert.is(parseIpv4(name), want);
    if (want !== null) assert.is(formatIpv4(want), name);
  },
);

cases(
  'parseLan',
  [
    { name: '192.168.1.1/24', want: { routerAddress: 0xc0a80101, prefixLength: 24 } },
    { name: '10.0.0.1/8', want: { routerAddress: 0x0a000001, prefixLength: 8 } },
    { name: '10.0.0.1/7', want: null },
    { name: '10.0.0.1/33', want: null },
    { name: '10.0.0.1', want: null },
    { name: '10.0.0.1/24/8', want: null },
    { name: 'br-lan/24', want: null },
    { name: '10.0.0.1/', want: null },
  ],
  ({ name, want }) => assert.equal(parseLan(name), want),
);

cases(
  'parsePortRange',
  [
    { name: '1024-65535', want: { from: 1024, to: 65535 } },
    { name: '8080', want: { from: 8080, to: 8080 } },
    { name: '0', want: null },
    { name: '0-10', want: null },
    { name: '10-9', want: null },
    { name: '1-65536', want: null },
    { name: '-5', want: null },
    { name: '1-2-3', want: null },
    { name: '80 ', want: null },
    { name: '', want: null },
  ],
  ({ name, want }) => assert.equal(parsePortRange(name), want),
);

const lan = (text: string) =>
  parseLan(text) ??
  (() => {
    throw new Error(text);
  })();
cases(
  'isLanHost',
  [
    { name: 'a host', lan: '192.168.1.1/24', address: '192.168.1.254', want: true },
    { name: 'the router', lan: '192.168.1.1/24', address: '192.168.1.1', want: false },
    { name: 'the network', lan: '192.168.1.1/24', address: '192.168.1.0', want: false },
    { name: 'the broadcast address', lan: '192.168.1.1/24', address: '192.168.1.255', want: false },
    { name: 'the next network', lan: '192.168.1.1/24', address: '192.168.2.2', want: false },
    { name: 'the middle of a wide prefix ends in 0 and is a host', lan: '10.0.0.1/8', address: '10.1.0.0', want: true },
    { name: 'high addresses are not negative', lan: '223.255.255.1/24', address: '223.255.255.7', want: true },
    { name: 'both ends of a /31 are hosts', lan: '10.0.0.1/31', address: '10.0.0.0', want: true },
    { name: 'a /32 has no other host', lan: '10.0.0.1/32', address: '10.0.0.1', want: false },
  ],
  (row) => assert.is(isLanHost(lan(row.lan), parseIpv4(row.address) ?? -1), row.want),
);

cases<{ name: string; env: Record<string, string>; want: [string, number[]][] }>(
  'listenFds',
  [
    {
      name: 'by name, several of one',
      env: { LISTEN_PID: '7', LISTEN_FDS: '3', LISTEN_FDNAMES: 'natpmp:route:natpmp' },
      want: [
        ['natpmp', [3, 5]],
        ['route', [4]],
      ],
    },
    {
      name: 'meant for another process',
      env: { LISTEN_PID: '8', LISTEN_FDS: '1', LISTEN_FDNAMES: 'natpmp' },
      want: [],
    },
    { name: 'none', env: {}, want: [] },
    {
      name: 'more than names',
      env: { LISTEN_PID: '7', LISTEN_FDS: '2', LISTEN_FDNAMES: 'route' },
      want: [
        ['route', [3]],
        ['unknown', [4]],
      ],
    },
    { name: 'nonsense', env: { LISTEN_PID: '7', LISTEN_FDS: 'x' }, want: [] },
  ],
  ({ env, want }) => assert.equal([...listenFds(env, 7)], want),
);

claims('keys', {
  'no two endpoints share one': () => {
    const keys = new Set<number>();
    for (const protocol of ['tcp', 'udp'] as const) {
      for (const internalAddress of [0, 1, 0xc0a80102, 0xffffffff]) {
        for (const internalPort of [1, 2, 65535]) keys.add(internalKey({ protocol, internalAddress, internalPort }));
      }
    }
    assert.is(keys.size, 24);
    assert.ok(Math.max(...keys) < Number.MAX_SAFE_INTEGER);
  },
  'a port index is as an external key is, without gaps': () => {
    assert.equal(
      [portIndex('tcp', 0), portIndex('tcp', 65535), portIndex('udp', 0), portIndex('udp', 65535)],
      [0, 65535, 65536, PORT_INDEXES - 1],
    );
  },
  'an external key knows its protocol': () => {
    assert.is(externalKey('tcp', 8080), 0x61f90);
    assert.is(protocolOf(externalKey('udp', 65535) >>> 16), 'udp');
    assert.is(protocolOf(0x10001), null);
  },
});
