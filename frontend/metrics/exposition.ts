// A snapshot as OpenMetrics text. docs/monitoring.md lists the metrics. Pure: no state between scrapes.

import type { Sample } from '../../caller/metric-set.js';
import { labelValue, MetricSet } from '../../caller/metric-set.js';
import { REASON } from '../../proto/codec.js';
import { BATCH_BOUNDS, SECONDS_BOUNDS } from '../../proto/totals.js';
import type { Opcode } from '../counters.js';
import { DROPS, OPCODES, PCP_OPCODES } from '../counters.js';
import type { PcpOpcode } from '../counters.js';
import type { PcpResultName } from '../pcp/wire.js';
import { PCP_RESULT_NAMES } from '../pcp/wire.js';
import type { HelperSnapshot, Snapshot } from './snapshot.js';
import type { ResultName } from '../wire.js';
import { RESULT_NAMES } from '../wire.js';

const ADDRESS_KINDS = [
  'public',
  'private',
  'shared',
  'reserved',
  'none',
] as const satisfies readonly Snapshot['addressKind'][];

/** The text for one scrape. */
export function exposition(snapshot: Snapshot): Promise<string> {
  const metrics = new MetricSet();
  frontendMetrics(snapshot, metrics);
  pinholeMetrics(snapshot, metrics);
  metrics.gauge('natpmp_helper_up', 'Whether the helper has answered this scrape.', snapshot.helper === null ? 0 : 1);
  if (snapshot.helper !== null) helperMetrics(snapshot.helper, metrics);
  return metrics.text();
}

function frontendMetrics(snapshot: Snapshot, metrics: MetricSet): void {
  const { counters, epochSeconds } = snapshot;
  metrics.gauge('natpmp_build_info', 'The version of natpmp-server.', [[{ version: snapshot.version }, 1]]);
  metrics.gauge(
    'natpmp_frontend_uptime_seconds',
    'Age of the frontend process; falls when it restarts.',
    snapshot.uptimeSeconds,
  );
  metrics.gauge('natpmp_frontend_memory_bytes', 'Resident memory of the frontend.', snapshot.memoryBytes);
  metrics.counter(
    'natpmp_requests_total',
    'Requests that got a reply, by opcode and result.',
    OPCODES.flatMap((opcode) =>
      resultsOf(opcode).map(
        (result): Sample => [
          { opcode: labelValue(opcode), result: labelValue(result) },
          counters.replies(opcode, result),
        ],
      ),
    ),
  );
  metrics.counter(
    'natpmp_requests_dropped_total',
    'Datagrams met with silence, by reason.',
    DROPS.map((reason) => [{ reason: labelValue(reason) }, counters.get(reason)]),
  );
  metrics.histogram(
    'natpmp_request_duration_seconds',
    'From the arrival of a request to its reply.',
    SECONDS_BOUNDS,
    snapshot.latency,
  );
  metrics.gauge('natpmp_requests_in_flight', 'Requests that wait for the helper.', snapshot.inFlight);
  metrics.counter(
    'natpmp_quota_refusals_total',
    'New mappings refused because the host has as many as it may.',
    counters.get('over-quota'),
  );
  metrics.counter(
    'natpmp_port_refusals_total',
    'External ports that the helper refused, so that another was tried.',
    counters.get('port-refused'),
  );
  metrics.counter(
    'natpmp_send_failures_total',
    'Replies and announcements that could not be sent.',
    counters.get('send-failed'),
  );
  metrics.counter(
    'natpmp_announcements_total',
    'Announcements sent, on all LANs of this frontend.',
    counters.get('announced'),
  );
  metrics.gauge('natpmp_leases', 'Mappings in force, by protocol.', [
    [{ protocol: 'tcp' }, snapshot.leases.tcp],
    [{ protocol: 'udp' }, snapshot.leases.udp],
  ]);
  metrics.gauge('natpmp_hosts', 'LAN hosts that hold a mapping.', snapshot.hosts);
  if (epochSeconds !== null)
    metrics.gauge('natpmp_epoch_seconds', 'Age of the epoch; falls when mappings may have been lost.', epochSeconds);
  metrics.counter(
    'natpmp_external_address_changes_total',
    'Times the external address changed, the first one included.',
    counters.get('address-changed'),
  );
  metrics.gauge(
    'natpmp_external_address',
    'What kind of address the external one is: 1 for the kind that it is.',
    ADDRESS_KINDS.map((kind) => [{ kind }, kind === snapshot.addressKind ? 1 : 0]),
  );
  metrics.counter(
    'natpmp_helper_found_total',
    'Times the helper was found, the first one included.',
    counters.get('helper-found'),
  );
  metrics.counter('natpmp_helper_lost_total', 'Times the helper was lost.', counters.get('helper-lost'));
  metrics.counter(
    'natpmp_ledger_rebuilds_total',
    'Times the table was read again because events were missed.',
    counters.get('fell-behind'),
  );
}

/** Only if PCP is served. */
function pinholeMetrics({ counters, pinholes }: Snapshot, metrics: MetricSet): void {
  if (pinholes === null) return;
  metrics.counter(
    'natpmp_pcp_requests_total',
    'Requests of PCP that got a reply, by opcode and result.',
    PCP_OPCODES.flatMap((opcode) =>
      pcpResultsOf(opcode).map(
        (result): Sample => [
          { opcode: labelValue(opcode.replace('pcp-', '')), result: labelValue(result) },
          counters.pcpReplies(opcode, result),
        ],
      ),
    ),
  );
  metrics.gauge('natpmp_pinholes', 'IPv6 pinholes in force, by protocol.', [
    [{ protocol: 'tcp' }, pinholes.tcp],
    [{ protocol: 'udp' }, pinholes.udp],
  ]);
  metrics.gauge('natpmp_pinhole_devices', 'LAN devices that hold a pinhole.', pinholes.devices);
}

function helperMetrics({ status, uptimeSeconds }: HelperSnapshot, metrics: MetricSet): void {
  metrics.gauge('natpmp_helper_uptime_seconds', 'Age of the helper process; falls when it restarts.', uptimeSeconds);
  metrics.gauge('natpmp_helper_mappings', 'Mappings in the table, by origin.', [
    [{ origin: 'dynamic' }, status.mappings - status.staticMappings],
    [{ origin: 'static' }, status.staticMappings],
  ]);
  metrics.gauge('natpmp_helper_mappings_max', 'Most mappings that the table may hold.', status.maxMappings);
  metrics.gauge('natpmp_helper_journal_bytes', 'Length of the file of leases.', status.journalBytes);
  metrics.gauge(
    'natpmp_helper_kernel_in_step',
    'Whether the kernel held exactly the table at the last look.',
    status.kernelInStep ? 1 : 0,
  );
  metrics.counter(
    'natpmp_helper_resynchronisations_total',
    'Times that mappings were put back after someone else changed the ruleset.',
    status.resynchronisations,
  );
  if (status.maxPinholes > 0) {
    metrics.gauge('natpmp_helper_pinholes', 'IPv6 pinholes in the table, by origin.', [
      [{ origin: 'dynamic' }, status.pinholes - status.staticPinholes],
      [{ origin: 'static' }, status.staticPinholes],
    ]);
    metrics.gauge('natpmp_helper_pinholes_max', 'Most pinholes that the table may hold.', status.maxPinholes);
  }
  const { totals } = status;
  if (totals === undefined) return;
  metrics.counter(
    'natpmp_helper_refusals_total',
    'Requests that the helper refused, by reason.',
    Object.entries(REASON).map(([reason, number]) => [{ reason: labelValue(reason) }, totals.refused[number] ?? 0]),
  );
  metrics.histogram(
    'natpmp_helper_batch_requests',
    'Requests that were carried out together.',
    BATCH_BOUNDS,
    totals.batches,
  );
  metrics.histogram(
    'natpmp_helper_kernel_seconds',
    'Time for the changes of a batch in the kernel.',
    SECONDS_BOUNDS,
    totals.kernel,
  );
  metrics.histogram(
    'natpmp_helper_journal_seconds',
    'Time until the changes of a batch are on disk (fdatasync).',
    SECONDS_BOUNDS,
    totals.journal,
  );
}

/** The possible results of an opcode: UNSUPPORTED_ is only for `other`. */
function resultsOf(opcode: Opcode): readonly ResultName[] {
  return RESULT_NAMES.filter((result) => result.startsWith('UNSUPPORTED') === (opcode === 'other'));
}

const SYNTAX_RESULTS: readonly PcpResultName[] = PCP_RESULT_NAMES.filter((result) =>
  /^(UNSUPP|MALFORMED|ADDRESS_MISMATCH)/.test(result),
);

/** The possible results of an opcode of PCP: requests that cannot be read are `other`. FILTER is not offered. */
function pcpResultsOf(opcode: PcpOpcode): readonly PcpResultName[] {
  if (opcode === 'pcp-other') return SYNTAX_RESULTS;
  if (opcode === 'pcp-announce') return ['SUCCESS', 'NETWORK_FAILURE'];
  const others = PCP_RESULT_NAMES.filter((name) => !SYNTAX_RESULTS.includes(name) && name !== 'EXCESSIVE_REMOTE_PEERS');
  return opcode === 'pcp-map'
    ? others
    : others.filter((name) => name !== 'CANNOT_PROVIDE_EXTERNAL' && name !== 'USER_EX_QUOTA');
}
