// A snapshot as OpenMetrics text. docs/monitoring.md has a row for each metric. Pure: nothing is kept between two
// scrapes.

import type { Metric, MetricValueWithName, OpenMetricsContentType } from 'prom-client';
import { Counter, Gauge, Registry } from 'prom-client';
import { REASON } from '../../proto/codec.js';
import type { Distribution } from '../../proto/messages.js';
import { BATCH_BOUNDS, SECONDS_BOUNDS } from '../../proto/histogram.js';
import type { Opcode } from '../counters.js';
import { DROPS, OPCODES } from '../counters.js';
import type { Helper, Snapshot } from './snapshot.js';
import type { ResultName } from '../wire.js';
import { RESULT_NAMES } from '../wire.js';

export const CONTENT_TYPE = Registry.OPENMETRICS_CONTENT_TYPE;

const ADDRESS_KINDS = [
  'public',
  'private',
  'shared',
  'reserved',
  'none',
] as const satisfies readonly Snapshot['addressKind'][];

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

/** The text of one scrape. */
export function exposition(snapshot: Snapshot): Promise<string> {
  const page = new Page();
  frontendMetrics(snapshot, page);
  page.gauge('natpmp_helper_up', 'Whether the helper has answered this scrape.', snapshot.helper === null ? 0 : 1);
  if (snapshot.helper !== null) helperMetrics(snapshot.helper, page);
  return page.text();
}

function frontendMetrics(snapshot: Snapshot, page: Page): void {
  const { counters, epoch } = snapshot;
  page.gauge('natpmp_build_info', 'The version of natpmp-server.', [[{ version: snapshot.version }, 1]]);
  page.gauge(
    'natpmp_frontend_uptime_seconds',
    'Age of the frontend process; falls where it was restarted.',
    snapshot.uptime,
  );
  page.gauge('natpmp_frontend_memory_bytes', 'Resident memory of the frontend.', snapshot.memory);
  page.counter(
    'natpmp_requests_total',
    'Requests that got a reply, by opcode and result.',
    OPCODES.flatMap((opcode) =>
      resultsOf(opcode).map(
        (result): Sample => [{ opcode: word(opcode), result: word(result) }, counters.replies(opcode, result)],
      ),
    ),
  );
  page.counter(
    'natpmp_requests_dropped_total',
    'Datagrams met with silence, by reason.',
    DROPS.map((reason) => [{ reason: word(reason) }, counters.get(reason)]),
  );
  page.histogram(
    'natpmp_request_duration_seconds',
    'From the arrival of a request to its reply.',
    SECONDS_BOUNDS,
    snapshot.latency,
  );
  page.gauge('natpmp_requests_in_flight', 'Requests that wait for the helper.', snapshot.inFlight);
  page.counter(
    'natpmp_quota_refusals_total',
    'New mappings refused because the host has as many as it may.',
    counters.get('over-quota'),
  );
  page.counter(
    'natpmp_port_refusals_total',
    'External ports that the helper refused, so that another was tried.',
    counters.get('port-refused'),
  );
  page.counter(
    'natpmp_send_failures_total',
    'Replies and announcements that could not be sent.',
    counters.get('send-failed'),
  );
  page.counter(
    'natpmp_announcements_total',
    'Announcements sent, on all LANs of this frontend.',
    counters.get('announced'),
  );
  page.gauge('natpmp_leases', 'Mappings in force, by protocol.', [
    [{ protocol: 'tcp' }, snapshot.leases.tcp],
    [{ protocol: 'udp' }, snapshot.leases.udp],
  ]);
  page.gauge('natpmp_hosts', 'LAN hosts that hold a mapping.', snapshot.hosts);
  if (epoch !== null)
    page.gauge('natpmp_epoch_seconds', 'Age of the epoch; falls where mappings may have been lost.', epoch);
  page.counter(
    'natpmp_external_address_changes_total',
    'Times the external address changed, the first one included.',
    counters.get('address-changed'),
  );
  page.gauge(
    'natpmp_external_address',
    'What kind of address the external one is: 1 for the kind that it is.',
    ADDRESS_KINDS.map((kind) => [{ kind }, kind === snapshot.addressKind ? 1 : 0]),
  );
  page.counter(
    'natpmp_helper_found_total',
    'Times the helper was found, the first one included.',
    counters.get('helper-found'),
  );
  page.counter('natpmp_helper_lost_total', 'Times the helper was lost.', counters.get('helper-lost'));
  page.counter(
    'natpmp_ledger_rebuilds_total',
    'Times the table was read anew because events were missed.',
    counters.get('fell-behind'),
  );
}

function helperMetrics({ status, uptime }: Helper, page: Page): void {
  page.gauge('natpmp_helper_uptime_seconds', 'Age of the helper process; falls where it was restarted.', uptime);
  page.gauge('natpmp_helper_mappings', 'Mappings in the table, by origin.', [
    [{ origin: 'dynamic' }, status.mappings - status.staticMappings],
    [{ origin: 'static' }, status.staticMappings],
  ]);
  page.gauge('natpmp_helper_mappings_max', 'Most mappings that the table may hold.', status.maxMappings);
  page.gauge('natpmp_helper_journal_bytes', 'Length of the file of leases.', status.journalBytes);
  page.gauge(
    'natpmp_helper_kernel_in_step',
    'Whether the kernel held exactly the table at the last look.',
    status.kernelInStep ? 1 : 0,
  );
  page.counter(
    'natpmp_helper_resynchronisations_total',
    'Times that mappings were put back after someone else changed the ruleset.',
    status.resynchronisations,
  );
  const { totals } = status;
  if (totals === undefined) return;
  page.counter(
    'natpmp_helper_refusals_total',
    'Requests that the helper refused, by reason.',
    Object.entries(REASON).map(([reason, number]) => [{ reason: word(reason) }, totals.refused[number] ?? 0]),
  );
  page.histogram(
    'natpmp_helper_batch_requests',
    'Requests that were carried out together.',
    BATCH_BOUNDS,
    totals.batches,
  );
  page.histogram(
    'natpmp_helper_kernel_seconds',
    'Time for the changes of a batch in the kernel.',
    SECONDS_BOUNDS,
    totals.kernel,
  );
  page.histogram(
    'natpmp_helper_journal_seconds',
    'Time until the changes of a batch are on disk (fdatasync).',
    SECONDS_BOUNDS,
    totals.journal,
  );
}

/** What a request of this opcode can be told: only others are unsupported. */
function resultsOf(opcode: Opcode): readonly ResultName[] {
  return RESULT_NAMES.filter((result) => result.startsWith('UNSUPPORTED') === (opcode === 'other'));
}

/** A registry of prom-client's, filled with values that were counted elsewhere. */
class Page {
  readonly #registry = new Registry<OpenMetricsContentType>();

  constructor() {
    this.#registry.setContentType(CONTENT_TYPE);
  }

  counter(name: string, help: string, value: number | readonly Sample[]): void {
    const samples = samplesOf(value);
    const counter = new Counter({ name, help, labelNames: namesOf(samples), registers: this.#registers() });
    for (const [labels, count] of samples) counter.inc(labels, count);
  }

  gauge(name: string, help: string, value: number | readonly Sample[]): void {
    const samples = samplesOf(value);
    const gauge = new Gauge({ name, help, labelNames: namesOf(samples), registers: this.#registers() });
    for (const [labels, number] of samples) gauge.set(labels, number);
  }

  histogram(name: string, help: string, bounds: readonly number[], distribution: Distribution): void {
    // prom-client's own histogram has no way in but one observation after the other; of a metric a registry asks no
    // more than this.
    const get = async () => ({
      name,
      help,
      type: 'histogram',
      values: [...histogramValues(name, bounds, distribution)],
    });
    this.#registry.registerMetric({ name, get } as unknown as Metric);
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** prom-client's types know registries of the other content type only. */
  #registers(): Registry[] {
    return [this.#registry as unknown as Registry];
  }
}

/** The lines of a histogram: how many were at most each bound, and the sum. */
function* histogramValues(
  name: string,
  bounds: readonly number[],
  { counts, sum }: Distribution,
): Generator<MetricValueWithName<string>> {
  let total = 0;
  for (const [index, le] of [...bounds, '+Inf'].entries()) {
    total += counts[index] ?? 0;
    yield { metricName: `${name}_bucket`, labels: { le }, value: total };
  }
  yield { metricName: `${name}_sum`, labels: {}, value: sum };
  yield { metricName: `${name}_count`, labels: {}, value: total };
}

function samplesOf(value: number | readonly Sample[]): readonly Sample[] {
  return typeof value === 'number' ? [[{}, value]] : value;
}

function namesOf(samples: readonly Sample[]): string[] {
  return Object.keys(samples[0]?.[0] ?? {});
}

/** A label's value as Prometheus writes words: "map-udp", "NOT_AUTHORIZED" -> "map_udp", "not_authorized". */
function word(name: string): string {
  return name.toLowerCase().replaceAll('-', '_');
}
