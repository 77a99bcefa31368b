// One frame of natpmpctl top. Pure: two samples of the table in, lines out.

import type { StatusReport } from '../../proto/codec.js';
import { EMPTY, hostCell } from './list-format.js';
import type { ListedMapping } from './mapping.js';
import type { Column, Row, Style } from './table.js';
import { formatTable, paint, truncate } from './table.js';
import { formatCount, formatSeconds, shortSeconds } from './units.js';

/** The table at one moment. */
export interface Sample {
  readonly atMs: number;
  readonly mappings: readonly ListedMapping[];
  readonly status: StatusReport;
}

type MappingKey = Pick<ListedMapping, 'protocol' | 'externalPort' | 'internalAddress' | 'internalPort'>;
/** The part of a sample that the rates are computed from. */
export interface CounterSample {
  readonly atMs: number;
  readonly mappings: readonly (MappingKey & Pick<ListedMapping, 'packets' | 'bytes'>)[];
}

export interface Screen {
  readonly columns: number;
  /** Infinity for no limit. */
  readonly rows: number;
  readonly inColour: boolean;
  readonly isUtf8: boolean;
}

/** Per second. */
interface Rate {
  readonly packets: number;
  readonly bytes: number;
}

const BAR_WIDTH = 10;
const COLUMNS: readonly Column[] = [
  { header: 'PROTO', align: 'left' },
  { header: 'PORT', align: 'right' },
  { header: 'HOST', align: 'left' },
  { header: 'NAME', align: 'left', minWidth: 4 },
  { header: 'LEFT', align: 'right' },
  { header: '', align: 'left', dropRank: 1 },
  { header: 'PKT/s', align: 'right' },
  { header: 'B/s', align: 'right' },
  { header: 'BYTES', align: 'right' },
];

/** The busiest mappings first, as many as fit. `before` is null for the first sample: there are no rates yet. */
export function frame(now: Sample, before: Sample | null, screen: Screen): readonly string[] {
  const rates = ratesBetween(before, now);
  const order = now.mappings.toSorted(
    (a, b) => (rates.get(keyOf(b))?.bytes ?? 0) - (rates.get(keyOf(a))?.bytes ?? 0) || (b.bytes ?? 0) - (a.bytes ?? 0),
  );
  const head = headOf(now, rates, screen);
  // A line for the header, and one for the number of mappings that do not fit.
  const room = Math.max(0, screen.rows - head.length - 2);
  const shown = order.slice(0, room);
  const rows: readonly Row[] = shown.map((mapping) => rowOf(mapping, rates.get(keyOf(mapping)) ?? null, screen));
  const left = order.length - shown.length;
  return [
    ...head,
    ...(order.length === 0 ? [EMPTY] : formatTable(COLUMNS, rows, screen.columns, screen.inColour)),
    ...(left > 0 ? [`${left} more`] : []),
  ];
}

function headOf(
  { status, atMs }: Sample,
  rates: ReadonlyMap<string, Rate>,
  { columns, inColour }: Screen,
): readonly string[] {
  const all = [...rates.values()].reduce(
    (sum, { packets, bytes }) => ({ packets: sum.packets + packets, bytes: sum.bytes + bytes }),
    { packets: 0, bytes: 0 },
  );
  const { mappings, staticMappings, pinholes, maxPinholes, kernelInStep, epochStart } = status;
  const epoch = formatSeconds(Math.max(0, Math.floor((atMs - epochStart) / 1000)));
  const first = `${mappings} mappings, ${staticMappings} static${maxPinholes === 0 ? '' : `; ${pinholes} pinholes`}; epoch ${epoch}; ${formatCount(all.packets)} packets/s, ${formatCount(all.bytes)} B/s`;
  return [
    paint(truncate(first, columns), 'bold', inColour),
    ...(kernelInStep
      ? []
      : [paint(truncate('the kernel is NOT in step with the table: see natpmpctl doctor', columns), 'red', inColour)]),
    '',
  ];
}

function rowOf(mapping: ListedMapping, rate: Rate | null, { isUtf8 }: Screen): Row {
  const { protocol, externalPort, name, timeLeft, lifetime, bytes } = mapping;
  return {
    cells: [
      protocol,
      String(externalPort),
      hostCell(mapping),
      name ?? '-',
      timeLeft === null ? 'static' : shortSeconds(timeLeft),
      timeLeft === null ? '' : bar(timeLeft / lifetime, isUtf8),
      rate === null ? '-' : formatCount(rate.packets),
      rate === null ? '-' : formatCount(rate.bytes),
      bytes === null ? '-' : formatCount(bytes),
    ],
    ...styleOf(rate, timeLeft, lifetime),
  };
}

function styleOf(rate: Rate | null, timeLeft: number | null, lifetime: number): { readonly style?: Style } {
  // Clients renew at half of the lifetime or at three quarters: below an eighth, the client has probably gone.
  if (timeLeft !== null && timeLeft < lifetime / 8) return { style: 'yellow' };
  return rate !== null && rate.packets > 0 ? { style: 'green' } : {};
}

/** The share of the lifetime that is left: "######----". */
export function bar(share: number, utf8: boolean): string {
  const full = Math.max(0, Math.min(BAR_WIDTH, Math.ceil(share * BAR_WIDTH)));
  return utf8 ? '█'.repeat(full) + '░'.repeat(BAR_WIDTH - full) : '#'.repeat(full) + '-'.repeat(BAR_WIDTH - full);
}

/** Of each mapping in both samples. A counter that has decreased was reset to 0. */
export function ratesBetween(before: CounterSample | null, now: CounterSample): ReadonlyMap<string, Rate> {
  const rates = new Map<string, Rate>();
  if (before === null) return rates;
  const seconds = Math.max(0.001, (now.atMs - before.atMs) / 1000);
  const earlier = new Map(before.mappings.map((mapping) => [keyOf(mapping), mapping]));
  for (const mapping of now.mappings) {
    const was = earlier.get(keyOf(mapping));
    if (mapping.packets === null || mapping.bytes === null || was?.packets == null || was.bytes === null) continue;
    const isReset = mapping.packets < was.packets;
    rates.set(keyOf(mapping), {
      packets: (mapping.packets - (isReset ? 0 : was.packets)) / seconds,
      bytes: (mapping.bytes - (isReset ? 0 : was.bytes)) / seconds,
    });
  }
  return rates;
}

/** Stays the same while the port leads to the same host and port. */
export function keyOf({ protocol, externalPort, internalAddress, internalPort }: MappingKey): string {
  return `${protocol} ${externalPort} ${internalAddress} ${internalPort}`;
}
