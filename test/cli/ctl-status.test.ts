// What natpmpctl status and watch say.

import * as assert from 'uvu/assert';
import { formatStatus, reportedStatus } from '../../cli/natpmpctl/status.js';
import { formatWatched, watchedEvent } from '../../cli/natpmpctl/watch.js';
import { cases, claims } from '../support/cases.js';
import { byHand, NAMES, NOW, PINHOLE, web } from './listed-mappings.js';

const status = {
  epochStart: -60_000,
  mappings: 3,
  staticMappings: 1,
  maxMappings: 129024,
  maxMappingsPerHost: 100,
  maxLifetime: 86400,
  journalBytes: 4096,
  kernelInStep: true,
  pid: 77,
  resynchronisations: 2,
  startedAt: 30_000,
  pinholes: 0,
  maxPinholes: 0,
  staticPinholes: 0,
};
const seen = (role: 'frontend' | 'server' | 'upnp', args: readonly string[]) =>
  ({
    role,
    pid: 78,
    parent: 77,
    args,
    uid: 1,
    uptimeSeconds: 15,
    capabilities: 0n,
    noNewPrivileges: true,
    hasSeccompFilter: false,
    hasJit: false,
  }) as const;

claims('status', {
  'an epoch from before this boot is older than the boot': () =>
    assert.equal(reportedStatus(status, 45_999), {
      epoch: 105,
      mappings: 3,
      staticMappings: 1,
      maxMappings: 129024,
      pinholes: 0,
      staticPinholes: 0,
      maxPinholes: 0,
      maxMappingsPerHost: 100,
      maxLifetime: 86400,
      journalBytes: 4096,
      kernelInStep: true,
      connections: null,
      maxConnections: null,
      pid: 77,
      uptime: 15,
      resynchronisations: 2,
      frontends: [],
      upnp: [],
      upnpMappings: null,
      externalInterface: null,
      externalAddress: null,
    }),
  'what frontends show of themselves': () => {
    const frontend = seen('frontend', ['--external-interface', 'wan0', '--lan', '192.168.1.1/24']);
    const { frontends, externalInterface, externalAddress } = reportedStatus(
      status,
      45_999,
      [frontend],
      (name) => `address of ${name}`,
    );
    assert.equal(frontends, [{ pid: 78, uptime: 15, lan: ['192.168.1.1/24'] }]);
    assert.equal([externalInterface, externalAddress], ['wan0', 'address of wan0']);
  },
  'an external address that was given counts': () => {
    const frontend = seen('frontend', ['--external-interface=wan0', '--external-address=203.0.113.9']);
    assert.is(reportedStatus(status, 0, [frontend], () => '10.0.0.1').externalAddress, '203.0.113.9');
  },
  'for people': () =>
    assert.is(
      formatStatus(
        reportedStatus(
          status,
          45_999,
          [seen('frontend', ['--external-interface', 'wan0', '--lan', '192.168.1.1/24'])],
          () => '203.0.113.2',
        ),
      ),
      [
        'external:       203.0.113.2 on wan0',
        'epoch:          1m 45s old (105 s)',
        'mappings:       3 of at most 129024, 1 of them static',
        'pinholes:       off',
        'limits:         100 mappings a host, lifetime at most 1d 0h',
        'kernel:         in step with the table',
        'journal:        4096 bytes (4.1k)',
        'helper:         pid 77, up 15s',
        'frontend:       pid 78, up 15s, for 192.168.1.1/24',
        "resynchronised: 2 times since the helper's start",
      ].join('\n'),
    ),
  'natpmp-upnp, and how many mappings it has asked for, if they were counted': () => {
    const daemons = [seen('upnp', ['--listen-interface', 'br-lan', '--external-interface', 'wan0'])];
    const line = (count: number | null) =>
      formatStatus(
        reportedStatus(
          status,
          45_999,
          daemons,
          () => null,
          () => ['192.168.1.1/24'],
          count,
        ),
      );
    assert.match(line(3), /^upnp: {11}pid 78, up 15s, for 192\.168\.1\.1\/24; asked for 3 of the mappings$/m);
    assert.match(line(null), /^upnp: {11}pid 78, up 15s, for 192\.168\.1\.1\/24$/m);
    assert.match(line(3), /^frontend: {7}not seen$/m);
  },
  pinholes: () =>
    assert.match(
      formatStatus(reportedStatus({ ...status, pinholes: 2, staticPinholes: 1, maxPinholes: 16384 }, 0)),
      /^pinholes: {7}2 of at most 16384, 1 of them static\nlimits: {9}100 mappings and as many pinholes a host, lifetime at most 1d 0h, of pinholes 2h 0m$/m,
    ),
  'pinholes last no longer than mappings': () =>
    assert.match(
      formatStatus(reportedStatus({ ...status, maxLifetime: 3600, maxPinholes: 16384 }, 0)),
      /lifetime at most 1h 0m, of pinholes 1h 0m$/m,
    ),
  "how many connections the kernel tracks, in doctor's words": () => {
    const shown = (count: number, inColour = false): string => {
      const found = { count, max: 1000 };
      const reported = reportedStatus(status, 0, [], () => null, undefined, null, found);
      assert.equal([reported.connections, reported.maxConnections], [count, 1000]);
      return formatStatus(reported, inColour);
    };
    assert.match(shown(899), /^kernel: .*\nconntrack: {6}899 of at most 1000 connections\njournal: /m);
    assert.match(
      shown(900),
      /^conntrack: {6}the connection tracking table is nearly full \(900 of 1000\): beyond that, new connections are dropped, to mappings too\. See natpmpctl doctor$/m,
    );
    assert.match(
      shown(990),
      /^conntrack: {6}the connection tracking table is full \(990 of 1000\): new connections are dropped, to mappings too\. See natpmpctl doctor$/m,
    );
    assert.match(shown(990, true), /^conntrack: {6}\x1b\[31mthe connection tracking table is full /m);
  },
  'a kernel out of step is not to be overlooked': () =>
    assert.match(formatStatus(reportedStatus({ ...status, kernelInStep: false }, 0)), /kernel: +NOT in step/),
});

cases<{ name: string; event: Parameters<typeof watchedEvent>[0]; want: RegExp }>(
  'watch says',
  [
    {
      name: 'granted',
      event: { kind: 'granted', lease: web },
      want: /^\d\d:\d\d:\d\d granted   tcp 80 -> 192\.168\.1\.2:8080 \(nas\) for 1h$/,
    },
    {
      name: 'renewed to static',
      event: { kind: 'renewed', lease: byHand },
      want: /renewed   udp 65535 -> 255\.255\.255\.255:65535 until removed$/,
    },
    {
      name: 'expired',
      event: { kind: 'expired', lease: web },
      want: /expired   tcp 80 -> 192\.168\.1\.2:8080 \(nas\)$/,
    },
    {
      name: 'a pinhole',
      event: { kind: 'granted', pinhole: PINHOLE },
      want: /granted   tcp 51413 -> \[2001:db8::5\]:51413 for 1h$/,
    },
    {
      name: 'a pinhole that an administrator made',
      event: { kind: 'granted', pinhole: { ...PINHOLE, origin: 'static', lifetime: 0, expiresAt: Infinity } },
      want: /granted   tcp 51413 -> \[2001:db8::5\]:51413 until removed$/,
    },
    { name: 'resynchronised', event: { kind: 'resynchronised' }, want: /resynchronised someone else/ },
    { name: 'lost', event: { kind: 'lost' }, want: /lost      the helper is gone/ },
  ],
  ({ event, want }) => {
    assert.match(formatWatched(watchedEvent(event, NOW, NAMES), false), want);
    assert.ok(formatWatched(watchedEvent(event, NOW, NAMES), false).length <= 80);
  },
);
