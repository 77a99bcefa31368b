// The figures of UPnP as tables for people. Pure.

import { percentile } from '../load/statistics.js';
import { rounded, table } from '../load/text-table.js';
import type { IdleFigures } from './idle.js';

/** Milliseconds of each step of one round. */
export interface Steps {
  readonly search: number;
  readonly description: number;
  readonly new: number;
  readonly renewal: number;
  readonly look: number;
  readonly deletion: number;
}

export interface UpnpFigures {
  readonly gateway: string;
  readonly steps: readonly Steps[];
  /** Milliseconds of processor time a round, by process. */
  readonly cpu: Readonly<Record<string, number>>;
}

const NAMES: Readonly<Record<keyof Steps, string>> = {
  search: 'search, to the reply',
  description: 'description',
  new: 'AddPortMapping, new',
  renewal: 'AddPortMapping, again',
  look: 'GetSpecificPortMappingEntry',
  deletion: 'DeletePortMapping',
};

/** From the search to a mapped port: what a program waits for at its start. */
export function untilMapped({ search, description, new: mapped }: Steps): number {
  return search + description + mapped;
}

export function upnpReport(figures: readonly UpnpFigures[], idle: readonly IdleFigures[]): string {
  const row = (name: string, gateway: string, values: readonly number[]) => {
    const ascending = values.toSorted((a, b) => a - b);
    return [
      `${name}, ${gateway}`,
      rounded(percentile(ascending, 0.5)),
      rounded(percentile(ascending, 0.99)),
      values.length,
    ];
  };
  const steps = Object.keys(NAMES) as (keyof Steps)[];
  return [
    'From a search to a mapped port, one step after the other (milliseconds)',
    table(
      ['', 'p50', 'p99', 'rounds'],
      [
        ...figures.map((each) => row('from the search to a mapped port', each.gateway, each.steps.map(untilMapped))),
        ...steps.flatMap((step) =>
          figures.map((each) =>
            row(
              NAMES[step],
              each.gateway,
              each.steps.map((times) => times[step]),
            ),
          ),
        ),
      ],
    ),
    '',
    'Processor time of all steps of a round (milliseconds)',
    table(
      ['', 'by process', 'together'],
      figures.map(({ gateway, cpu }) => [gateway, byProcess(cpu), rounded(sum(cpu))]),
    ),
    '',
    'Idle: nothing is asked',
    table(
      ['', 'CPU ms/s', 'together', 'wake-ups/s', 'together', 'PSS MB'],
      idle.map((each) => [
        each.gateway,
        byProcess(each.cpu),
        rounded(sum(each.cpu)),
        byProcess(each.wakeUps),
        rounded(sum(each.wakeUps)),
        rounded(each.memory.pss),
      ]),
    ),
  ].join('\n');
}

function byProcess(values: Readonly<Record<string, number>>): string {
  return Object.entries(values)
    .map(([role, value]) => `${role} ${rounded(value)}`)
    .join(', ');
}

function sum(values: Readonly<Record<string, number>>): number {
  return Object.values(values).reduce((total, value) => total + value, 0);
}
