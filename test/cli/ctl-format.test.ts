import * as assert from 'uvu/assert';
import { formatList, formatSeconds, formatStatus, listedMapping, reportedStatus } from '../../cli/natpmpctl-format.js';
import type { Lease } from '../../proto/mapping.js';
import { cases, claims } from '../support/cases.js';

const lease: Lease = {
  protocol: 'tcp', internalAddress: 0xc0a80102, internalPort: 8080, externalPort: 80, origin: 'dynamic', lifetime: 3600,
  expiresAt: 1_000_000,
};
const byHand: Lease = {
  protocol: 'udp', internalAddress: 0xffffffff, internalPort: 65535, externalPort: 65535, origin: 'static', lifetime: 0,
  expiresAt: Infinity,
};

cases('formatSeconds', [
  { name: 'nothing', seconds: 0, want: '0s' },
  { name: 'seconds', seconds: 59, want: '59s' },
  { name: 'minutes', seconds: 60, want: '1m 0s' },
  { name: 'just below an hour', seconds: 3599, want: '59m 59s' },
  { name: 'hours', seconds: 86399, want: '23h 59m' },
  { name: 'days', seconds: 90000, want: '1d 1h' },
  { name: 'the longest there is', seconds: 0xffffffff, want: '49710d 6h' },
], ({ seconds, want }) => assert.is(formatSeconds(seconds), want));

cases('listedMapping', [
  { name: 'time left is whole seconds, rounded down', lease, nowMs: 500_001, timeLeft: 499 },
  { name: 'never negative', lease, nowMs: 1_000_001, timeLeft: 0 },
  { name: 'a static mapping has none', lease: byHand, nowMs: 1, timeLeft: null },
], (row) => assert.is(listedMapping(row.lease, row.nowMs).timeLeft, row.timeLeft));

claims('formatList', {
  'says when there is nothing': () => assert.is(formatList([], true), 'no mappings'),
  'aligns its columns, without colours unless asked': () => {
    const mappings = [lease, byHand].map((each) => listedMapping(each, 40_000));
    assert.is(formatList(mappings, false), [
      'PROTO  EXTERNAL  INTERNAL               ORIGIN      LIFETIME    TIME LEFT',
      'tcp          80  192.168.1.2:8080       dynamic        1h 0m       16m 0s',
      'udp       65535  255.255.255.255:65535  static             -            -',
    ].join('\n'));
  },
  'fits into 80 columns': () => {
    const widest = listedMapping({ ...byHand, origin: 'dynamic', lifetime: 0xffffffff, expiresAt: 0xffffffff * 1000 }, 0);
    for (const line of formatList([widest], false).split('\n')) assert.ok(line.length <= 80, line);
  },
  'colours the head on a terminal': () => assert.match(formatList([listedMapping(lease, 0)], true), /^\x1b\[1mPROTO/),
});

const status = {
  epochStart: -60_000, mappings: 3, staticMappings: 1, maxMappings: 129024, maxMappingsPerHost: 100, maxLifetime: 86400,
  journalBytes: 4096, kernelInStep: true, pid: 77, resynchronisations: 2, startedAt: 30_000,
};

claims('status', {
  'an epoch from before this boot is older than the boot': () =>
    assert.equal(reportedStatus(status, 45_999), {
      epoch: 105, mappings: 3, staticMappings: 1, maxMappings: 129024, maxMappingsPerHost: 100, maxLifetime: 86400,
      journalBytes: 4096, kernelInStep: true, pid: 77, uptime: 15, resynchronisations: 2,
    }),
  'for people': () => assert.is(formatStatus(reportedStatus(status, 45_999)), [
    'epoch:          1m 45s old (105 s)',
    'mappings:       3 of at most 129024, 1 of them static',
    'limits:         100 mappings a host, lifetime at most 1d 0h',
    'kernel:         in step with the table',
    'journal:        4096 bytes',
    'process:        pid 77, up 15s',
    'resynchronised: 2 times since its start',
  ].join('\n')),
  'a kernel out of step is not to be overlooked': () =>
    assert.match(formatStatus(reportedStatus({ ...status, kernelInStep: false }, 0)), /kernel: +NOT in step/),
});
