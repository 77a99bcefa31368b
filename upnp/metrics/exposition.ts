// The metrics of natpmp-upnp as OpenMetrics text. docs/monitoring.md lists them. Pure: no state between scrapes.

import type { Sample } from '../../caller/metric-set.js';
import { labelValue, MetricSet } from '../../caller/metric-set.js';
import type { Protocol } from '../../proto/mapping.js';
import type { Counters } from './counters.js';
import { EVENTS } from './counters.js';

export interface Snapshot {
  readonly version: string;
  /** Since the start of this process. */
  readonly uptimeSeconds: number;
  readonly memoryBytes: number;
  readonly counters: Pick<Counters, 'get'>;
  /** Mappings that this protocol has made. */
  readonly mappings: Readonly<Record<Protocol, number>>;
  readonly isHelperReady: boolean;
  /** Whether there is an external address that may be told. */
  readonly isConnected: boolean;
}

/** The text for one scrape. */
export function exposition(snapshot: Snapshot): Promise<string> {
  const { counters, mappings } = snapshot;
  const metrics = new MetricSet();
  metrics.gauge('natpmp_upnp_build_info', 'The version of natpmp-upnp.', [[{ version: snapshot.version }, 1]]);
  metrics.gauge(
    'natpmp_upnp_uptime_seconds',
    'Age of the natpmp-upnp process; falls when it restarts.',
    snapshot.uptimeSeconds,
  );
  metrics.gauge('natpmp_upnp_memory_bytes', 'Resident memory of natpmp-upnp.', snapshot.memoryBytes);
  metrics.gauge('natpmp_upnp_mappings', 'Mappings in force that were made by UPnP, by protocol.', [
    [{ protocol: 'tcp' }, mappings.tcp],
    [{ protocol: 'udp' }, mappings.udp],
  ]);
  metrics.gauge(
    'natpmp_upnp_helper_ready',
    'Whether the helper is connected and its table known.',
    snapshot.isHelperReady ? 1 : 0,
  );
  metrics.gauge('natpmp_upnp_connected', 'Whether there is an external address to tell.', snapshot.isConnected ? 1 : 0);
  metrics.counter(
    'natpmp_upnp_ssdp_total',
    'Searches, replies and announcements, and why datagrams were ignored.',
    EVENTS.ssdp.map((event): Sample => [{ event: labelValue(event) }, counters.get('ssdp', event)]),
  );
  metrics.counter(
    'natpmp_upnp_http_total',
    'Connections and requests over HTTP, and why they were refused.',
    EVENTS.http.map((event): Sample => [{ event: labelValue(event) }, counters.get('http', event)]),
  );
  const control = (isOne: (event: string) => boolean, label: string): readonly Sample[] =>
    EVENTS.control.filter(isOne).map((event) => [{ [label]: labelOf(event) }, counters.get('control', event)]);
  metrics.counter('natpmp_upnp_actions_total', 'Actions that were asked for.', control(isAction, 'action'));
  metrics.counter('natpmp_upnp_faults_total', 'Actions that were refused, by code.', control(isFault, 'code'));
  metrics.counter(
    'natpmp_upnp_outcomes_total',
    'What became of mappings, and why actions were refused.',
    control((event) => !isAction(event) && !isFault(event), 'outcome'),
  );
  metrics.counter(
    'natpmp_upnp_process_total',
    'What happened to the process: the helper, the address, defects.',
    EVENTS.process.map((event): Sample => [{ event: labelValue(event) }, counters.get('process', event)]),
  );
  return metrics.text();
}

function isAction(event: string): boolean {
  return /^[A-Z]/.test(event) || event === 'other-action';
}

function isFault(event: string): boolean {
  return event.startsWith('fault-');
}

/** "AddPortMapping" -> "add_port_mapping", "fault-718" -> "718". */
function labelOf(event: string): string {
  return labelValue(event.replace(/^fault-/, '').replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_'));
}
