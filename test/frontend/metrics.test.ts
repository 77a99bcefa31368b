import * as assert from 'uvu/assert';
import { Counters } from '../../frontend/counters.js';
import { exposition } from '../../frontend/metrics/exposition.js';
import { CONTENT_TYPE } from '../../caller/metric-set.js';
import type { Snapshot } from '../../frontend/metrics/snapshot.js';
import { takeSnapshot } from '../../frontend/metrics/snapshot.js';
import type { Answer } from '../../proto/client.js';
import { PinholeReplica } from '../../caller/pinhole-replica.js';
import { Histogram } from '../../proto/totals.js';
import { StatsRecorder } from '../../proto/totals.js';
import { cases, claims } from '../support/cases.js';
import { STATUS } from './model-helper.js';
import { ALICE, BOB, gatewayWith, ip, lease, manualClock, staticLease } from './support.js';

const WELL: Snapshot = {
  version: '1.2.3',
  uptimeSeconds: 7.5,
  memoryBytes: 4096,
  counters: new Counters(),
  latency: { counts: [], sum: 0 },
  inFlight: 2,
  leases: { udp: 3, tcp: 4 },
  hosts: 5,
  pinholes: null,
  epochSeconds: 60,
  addressKind: 'public',
  helper: null,
};

function counted(count: (counters: Counters) => void): Partial<Snapshot> {
  const counters = new Counters();
  count(counters);
  return { counters };
}

const HELPER = { ...STATUS, mappings: 9, staticMappings: 2, maxMappings: 100, journalBytes: 77, resynchronisations: 3 };
const totals = new StatsRecorder(() => 0);
totals.refuse(6);
totals.refuse(6);
for (const size of [1, 2, 3, 300]) totals.batches.observe(size);
const PINHOLES: Partial<Snapshot> = { pinholes: { tcp: 6, udp: 7, devices: 8 } };
const PCP_HELPER = { ...HELPER, pinholes: 11, staticPinholes: 2, maxPinholes: 16384 };
const WITH_HELPER: Partial<Snapshot> = { helper: { status: { ...HELPER, totals }, uptimeSeconds: 12 } };

cases<{ name: string; snapshot?: Partial<Snapshot> }>(
  'a scrape has the line',
  [
    { name: 'natpmp_build_info{version="1.2.3"} 1' },
    { name: 'natpmp_frontend_uptime_seconds 7.5' },
    { name: 'natpmp_frontend_memory_bytes 4096' },
    { name: 'natpmp_requests_in_flight 2' },
    { name: 'natpmp_leases{protocol="tcp"} 4' },
    { name: 'natpmp_leases{protocol="udp"} 3' },
    { name: 'natpmp_hosts 5' },
    { name: 'natpmp_epoch_seconds 60' },
    { name: 'natpmp_external_address{kind="public"} 1' },
    { name: 'natpmp_external_address{kind="none"} 0' },
    { name: 'natpmp_external_address{kind="shared"} 1', snapshot: { addressKind: 'shared' } },
    { name: 'natpmp_external_address{kind="public"} 0', snapshot: { addressKind: 'shared' } },
    {
      name: 'natpmp_requests_total{opcode="map_udp",result="out_of_resources"} 2',
      snapshot: counted((counters) => {
        counters.countReply('map-udp', 'OUT_OF_RESOURCES');
        counters.countReply('map-udp', 'OUT_OF_RESOURCES');
        counters.countReply('map-tcp', 'OUT_OF_RESOURCES');
      }),
    },
    {
      name: 'natpmp_requests_total{opcode="other",result="unsupported_version"} 1',
      snapshot: counted((counters) => counters.countReply('other', 'UNSUPPORTED_VERSION')),
    },
    {
      name: 'natpmp_requests_dropped_total{reason="rate_limited"} 1',
      snapshot: counted((counters) => counters.count('rate-limited')),
    },
    { name: 'natpmp_quota_refusals_total 1', snapshot: counted((counters) => counters.count('over-quota')) },
    { name: 'natpmp_port_refusals_total 1', snapshot: counted((counters) => counters.count('port-refused')) },
    { name: 'natpmp_send_failures_total 1', snapshot: counted((counters) => counters.count('send-failed')) },
    { name: 'natpmp_announcements_total 1', snapshot: counted((counters) => counters.count('announced')) },
    {
      name: 'natpmp_external_address_changes_total 1',
      snapshot: counted((counters) => counters.count('address-changed')),
    },
    { name: 'natpmp_helper_found_total 1', snapshot: counted((counters) => counters.count('helper-found')) },
    { name: 'natpmp_helper_lost_total 1', snapshot: counted((counters) => counters.count('helper-lost')) },
    { name: 'natpmp_ledger_rebuilds_total 1', snapshot: counted((counters) => counters.count('fell-behind')) },
    {
      name: 'natpmp_request_duration_seconds_bucket{le="0.00005"} 1',
      snapshot: { latency: { counts: [1, 2], sum: 0.5 } },
    },
    {
      name: 'natpmp_request_duration_seconds_bucket{le="0.0001"} 3',
      snapshot: { latency: { counts: [1, 2], sum: 0.5 } },
    },
    {
      name: 'natpmp_request_duration_seconds_bucket{le="+Inf"} 3',
      snapshot: { latency: { counts: [1, 2], sum: 0.5 } },
    },
    { name: 'natpmp_request_duration_seconds_sum 0.5', snapshot: { latency: { counts: [1, 2], sum: 0.5 } } },
    { name: 'natpmp_request_duration_seconds_count 3', snapshot: { latency: { counts: [1, 2], sum: 0.5 } } },
    { name: 'natpmp_pinholes{protocol="tcp"} 6', snapshot: PINHOLES },
    { name: 'natpmp_pinholes{protocol="udp"} 7', snapshot: PINHOLES },
    { name: 'natpmp_pinhole_devices 8', snapshot: PINHOLES },
    {
      name: 'natpmp_pcp_requests_total{opcode="map",result="user_ex_quota"} 1',
      snapshot: { ...PINHOLES, ...counted((counters) => counters.countPcpReply('pcp-map', 'USER_EX_QUOTA')) },
    },
    {
      name: 'natpmp_pcp_requests_total{opcode="delete",result="success"} 1',
      snapshot: { ...PINHOLES, ...counted((counters) => counters.countPcpReply('pcp-delete', 'SUCCESS')) },
    },
    {
      name: 'natpmp_pcp_requests_total{opcode="announce",result="success"} 1',
      snapshot: { ...PINHOLES, ...counted((counters) => counters.countPcpReply('pcp-announce', 'SUCCESS')) },
    },
    {
      name: 'natpmp_pcp_requests_total{opcode="other",result="unsupp_option"} 1',
      snapshot: { ...PINHOLES, ...counted((counters) => counters.countPcpReply('pcp-other', 'UNSUPP_OPTION')) },
    },
    {
      name: 'natpmp_helper_pinholes{origin="dynamic"} 9',
      snapshot: { helper: { status: PCP_HELPER, uptimeSeconds: 1 } },
    },
    {
      name: 'natpmp_helper_pinholes{origin="static"} 2',
      snapshot: { helper: { status: PCP_HELPER, uptimeSeconds: 1 } },
    },
    {
      name: 'natpmp_helper_pinholes_max 16384',
      snapshot: { helper: { status: PCP_HELPER, uptimeSeconds: 1 } },
    },
    { name: 'natpmp_helper_up 0' },
    { name: 'natpmp_helper_up 1', snapshot: WITH_HELPER },
    { name: 'natpmp_helper_uptime_seconds 12', snapshot: WITH_HELPER },
    { name: 'natpmp_helper_mappings{origin="dynamic"} 7', snapshot: WITH_HELPER },
    { name: 'natpmp_helper_mappings{origin="static"} 2', snapshot: WITH_HELPER },
    { name: 'natpmp_helper_mappings_max 100', snapshot: WITH_HELPER },
    { name: 'natpmp_helper_journal_bytes 77', snapshot: WITH_HELPER },
    { name: 'natpmp_helper_kernel_in_step 1', snapshot: WITH_HELPER },
    {
      name: 'natpmp_helper_kernel_in_step 0',
      snapshot: { helper: { status: { ...HELPER, kernelInStep: false }, uptimeSeconds: 1 } },
    },
    { name: 'natpmp_helper_resynchronisations_total 3', snapshot: WITH_HELPER },
    { name: 'natpmp_helper_refusals_total{reason="conflict"} 2', snapshot: WITH_HELPER },
    { name: 'natpmp_helper_refusals_total{reason="host_full"} 0', snapshot: WITH_HELPER },
    { name: 'natpmp_helper_batch_requests_bucket{le="2"} 2', snapshot: WITH_HELPER },
    { name: 'natpmp_helper_batch_requests_bucket{le="256"} 3', snapshot: WITH_HELPER },
    { name: 'natpmp_helper_batch_requests_bucket{le="+Inf"} 4', snapshot: WITH_HELPER },
    { name: 'natpmp_helper_batch_requests_sum 306', snapshot: WITH_HELPER },
  ],
  async ({ name, snapshot = {} }) => {
    const text = await exposition({ ...WELL, ...snapshot });
    assert.ok(text.split('\n').includes(name), text);
  },
);

const names = (text: string): string[] => [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name);

claims('a scrape', {
  'is OpenMetrics: ends in EOF, a counter has its suffix in the sample alone': async () => {
    assert.is(CONTENT_TYPE, 'application/openmetrics-text; version=1.0.0; charset=utf-8');
    const text = await exposition({ ...WELL, ...WITH_HELPER });
    assert.ok(text.endsWith('\n# EOF\n'));
    assert.match(text, /^# TYPE natpmp_requests counter$/m);
    assert.match(text, /^# TYPE natpmp_helper_kernel_seconds histogram$/m);
  },
  'has nothing of a helper that does not answer, and nothing that an older one does not count': async () => {
    const ofHelper = (text: string): string[] =>
      names(text).filter((name) => /^natpmp_helper_(?!up$|found|lost)/.test(name));
    assert.equal(ofHelper(await exposition(WELL)), []);
    assert.is(ofHelper(await exposition({ ...WELL, helper: { status: HELPER, uptimeSeconds: 1 } })).length, 6);
    assert.is(ofHelper(await exposition({ ...WELL, ...WITH_HELPER })).length, 10);
  },
  'has nothing of pinholes where there are none to be had': async () => {
    const text = await exposition({ ...WELL, ...WITH_HELPER });
    assert.not.match(text, /pinhole|pcp/);
  },
  'has no epoch before one is known': async () => {
    assert.not.ok(names(await exposition({ ...WELL, epochSeconds: null })).includes('natpmp_epoch_seconds'));
  },
  'leaves no trace in the next one, nor in the registry that all programs share': async () => {
    await exposition({ ...WELL, ...counted((counters) => counters.count('announced')) });
    assert.match(await exposition(WELL), /^natpmp_announcements_total 0$/m);
    const { register } = await import('prom-client');
    assert.equal(register.getMetricsAsArray(), []);
  },
});

function subject(ask: () => Promise<Answer>, clock = manualClock()) {
  const gateway = gatewayWith({
    epochStartMs: -5000,
    leases: [
      lease({ externalPort: 2000 }),
      lease({ externalPort: 2001, protocol: 'tcp' }),
      staticLease({ externalPort: 80, protocol: 'tcp', internalAddress: BOB }),
    ],
  });
  gateway.inFlight.enter({
    host: ALICE,
    protocol: 'udp',
    internalPort: 5000,
    isAllocation: true,
    isThrottled: false,
    isOvertaken: false,
  });
  const held = new PinholeReplica();
  const pinhole = { address: '20010db8000000000000000000000001', port: 1, origin: 'dynamic', lifetime: 1 } as const;
  held.put({ ...pinhole, protocol: 'udp', expiresAt: 1, hardwareAddress: 7 });
  return {
    clock,
    taken: takeSnapshot({
      ...gateway,
      pinholes: held,
      currentAddress: () => gateway.state.externalAddress,
      version: 'v',
      clock: clock.now,
      startedAtMs: -2000,
      memoryBytes: () => 9,
      latency: new Histogram([]),
      schedule: clock.schedule,
      helper: { ask },
    }),
  };
}

claims('a snapshot', {
  'is of the table, the requests under way, the epoch, the address and the helper': async () => {
    const { taken } = subject(() =>
      Promise.resolve({ kind: 'status-report', status: { ...STATUS, startedAt: -9000 } }),
    );
    const { counters: _, latency: __, helper, ...rest } = await taken;
    assert.equal(rest, {
      version: 'v',
      uptimeSeconds: 2,
      memoryBytes: 9,
      inFlight: 1,
      leases: { udp: 1, tcp: 2 },
      hosts: 2,
      pinholes: { udp: 1, tcp: 0, devices: 1 },
      epochSeconds: 5,
      addressKind: 'public',
    });
    assert.equal([helper?.uptimeSeconds, helper?.status.pid], [9, 1]);
  },
  'does not wait for a helper that does not answer': async () => {
    const { taken, clock } = subject(() => new Promise(() => {}));
    clock.advance(1000);
    assert.is((await taken).helper, null);
  },
  'is without the helper that is away, and leaves no timer': async () => {
    const { taken, clock } = subject(() => Promise.resolve({ kind: 'unavailable' }));
    assert.is((await taken).helper, null);
    assert.is(clock.pending(), 0);
  },
});

cases(
  'the external address is',
  [
    { name: '203.0.113.7', want: 'public' },
    { name: '192.168.0.1', want: 'private' },
    { name: '100.64.0.1', want: 'shared' },
    { name: '169.254.1.1', want: 'reserved' },
    { name: 'none', want: 'none' },
  ],
  async ({ name, want }) => {
    const gateway = gatewayWith(name === 'none' ? { addressAwayMs: 0 } : { externalAddress: ip(name) });
    const { addressKind } = await takeSnapshot({
      ...gateway,
      pinholes: null,
      currentAddress: () => gateway.state.externalAddress,
      version: '',
      clock: () => 0,
      startedAtMs: 0,
      memoryBytes: () => 0,
      latency: new Histogram([]),
      schedule: () => () => {},
      helper: { ask: () => Promise.resolve({ kind: 'unavailable' }) },
    });
    assert.is(addressKind, want);
  },
);

claims('what is counted of requests', {
  'a reply, by opcode; the quota; and what was refused since the last look': async () => {
    const counters = new Counters();
    counters.countReply('map-tcp', 'SUCCESS');
    counters.countReply('map-tcp', 'OUT_OF_RESOURCES');
    counters.countReply('other', 'UNSUPPORTED_VERSION');
    counters.count('runt');
    counters.count('rate-limited');
    assert.equal(counters.takeRefusals(), { OUT_OF_RESOURCES: 1, 'rate-limited': 1 });
    assert.is(counters.takeRefusals(), null, 'and no more');
    counters.count('rate-limited');
    assert.equal(counters.takeRefusals(), { 'rate-limited': 1 });
    assert.equal(counters.totals(), {
      SUCCESS: 1,
      OUT_OF_RESOURCES: 1,
      UNSUPPORTED_VERSION: 1,
      runt: 1,
      'rate-limited': 2,
    });
    assert.is(counters.replies('map-tcp', 'OUT_OF_RESOURCES'), 1);
    assert.is(counters.replies('map-udp', 'OUT_OF_RESOURCES'), 0);
  },
});
