// OpenMetrics text from values that are counted elsewhere. Pure: no state between scrapes.

import type { Metric, MetricValueWithName, OpenMetricsContentType } from 'prom-client';
import { Counter, Gauge, Registry } from 'prom-client';
import type { Distribution } from '../proto/messages.js';

export const CONTENT_TYPE = Registry.OPENMETRICS_CONTENT_TYPE;

type Labels = Readonly<Record<string, string>>;
export type Sample = readonly [labels: Labels, value: number];

/** A prom-client registry for values that are counted elsewhere. */
export class MetricSet {
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
    // prom-client's Histogram only takes single observations; a registry needs nothing of a metric but `name` and
    // `get`.
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

  /** prom-client's types allow only registries of the other content type. */
  #registers(): Registry[] {
    return [this.#registry as unknown as Registry];
  }
}

/** The samples of a histogram: the cumulative count up to each bound, the sum and the count. */
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

/** A label value in Prometheus' style: "map-udp" -> "map_udp", "NOT_AUTHORIZED" -> "not_authorized". */
export function labelValue(name: string): string {
  return name.toLowerCase().replaceAll('-', '_');
}
