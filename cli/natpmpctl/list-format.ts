// The table of mappings and pinholes for people. Pure.

import type { ListedMapping } from './mapping.js';
import { formatEndpoint } from './mapping.js';
import type { Column, Row } from './table.js';
import { formatTable } from './table.js';
import { formatCount, formatWhen, shortSeconds } from './units.js';

interface ListField {
  readonly column: Column;
  readonly cell: (mapping: ListedMapping, nowMs: number) => string;
}

const NAME: ListField = { column: { header: 'NAME', align: 'left', minWidth: 4 }, cell: ({ name }) => name ?? '-' };
const FIELDS: readonly ListField[] = [
  { column: { header: 'PROTO', align: 'left' }, cell: ({ protocol }) => protocol },
  { column: { header: 'PORT', align: 'right' }, cell: ({ externalPort }) => String(externalPort) },
  { column: { header: 'HOST', align: 'left' }, cell: (mapping) => hostCell(mapping) },
  NAME,
  { column: { header: 'ORIGIN', align: 'left', dropRank: 4 }, cell: ({ origin, askedBy }) => askedBy ?? origin },
  {
    column: { header: 'SINCE', align: 'right', dropRank: 1 },
    cell: ({ grantedAt }, nowMs) => (grantedAt === null ? '-' : formatWhen(Date.parse(grantedAt), nowMs)),
  },
  {
    column: { header: 'FOR', align: 'right', dropRank: 2 },
    cell: ({ timeLeft, lifetime }) => (timeLeft === null ? '-' : shortSeconds(lifetime)),
  },
  {
    column: { header: 'LEFT', align: 'right' },
    cell: ({ timeLeft }) => (timeLeft === null ? '-' : shortSeconds(timeLeft)),
  },
  {
    column: { header: 'PKTS', align: 'right' },
    cell: ({ packets }) => (packets === null ? '-' : formatCount(packets)),
  },
  { column: { header: 'BYTES', align: 'right' }, cell: ({ bytes }) => (bytes === null ? '-' : formatCount(bytes)) },
];

/** Behind the others, and cut or left out before what the gateway knows, because it is as long as a program likes. */
const DESCRIPTION: ListField = {
  column: { header: 'DESCRIPTION', align: 'left', minWidth: 8, dropRank: 3 },
  cell: ({ description }) => description ?? '-',
};

export const EMPTY = 'no mappings';

/** The host and its port. Of a pinhole only the host: the port is the one outside, and IPv6 addresses are long. */
export function hostCell({ internalAddress, internalPort }: ListedMapping): string {
  return internalAddress.includes(':') ? internalAddress : `${internalAddress}:${internalPort}`;
}

/** `nowMs`: of the wall clock. Names and descriptions have a column if at least one is known. */
export function formatList(
  mappings: readonly ListedMapping[],
  nowMs: number,
  width: number,
  inColour: boolean,
): string {
  if (mappings.length === 0) return EMPTY;
  const named = mappings.some(({ name }) => name !== null) ? FIELDS : FIELDS.filter((field) => field !== NAME);
  const fields = mappings.some(({ description }) => description !== null) ? [...named, DESCRIPTION] : named;
  const rows: readonly Row[] = mappings.map((mapping) => ({
    cells: fields.map(({ cell }) => cell(mapping, nowMs)),
    ...(mapping.origin === 'static' ? { style: 'cyan' } : {}),
  }));
  return formatTable(
    fields.map(({ column }) => column),
    rows,
    width,
    inColour,
  ).join('\n');
}

/** One mapping or pinhole, a line for each property. */
export function formatMapping(mapping: ListedMapping): string {
  const { name, origin, askedBy, description, grantedAt, lifetime, timeLeft, packets, bytes, hardwareAddress } =
    mapping;
  const properties: readonly (readonly [name: string, value: string])[] = [
    ...(name === null ? [] : [['host', name] as const]),
    ...(hardwareAddress === undefined ? [] : [['kind', 'a pinhole of IPv6: nothing is translated'] as const]),
    ...(hardwareAddress == null ? [] : [['device', hardwareAddress] as const]),
    [
      'origin',
      origin === 'static' || grantedAt === null
        ? 'static: stays until natpmpctl remove'
        : `dynamic: requested by the host, by ${askedBy}`,
    ],
    ...(description === null ? [] : [['description', description] as const]),
    ...(grantedAt === null
      ? []
      : [['granted', `${localTime(grantedAt)}, for ${shortSeconds(lifetime)} (${lifetime} s)`] as const]),
    ...(timeLeft === null || grantedAt === null
      ? []
      : [
          [
            'ends',
            `${localTime(new Date(Date.parse(grantedAt) + lifetime * 1000).toISOString())}, in ${shortSeconds(timeLeft)} unless renewed`,
          ] as const,
        ]),
    [
      'traffic',
      packets === null || bytes === null
        ? 'not known: the kernel does not hold the mapping at this moment'
        : `${packets} packets, ${bytes} bytes (${formatCount(bytes)}), both directions`,
    ],
  ];
  const room = Math.max(...properties.map(([label]) => label.length)) + ':  '.length;
  return [formatEndpoint(mapping), ...properties.map(([label, value]) => `${label}:`.padEnd(room) + value)].join(
    '\n  ',
  );
}

/** "2026-03-28 14:05:09", local time. */
export function localTime(iso: string): string {
  const when = new Date(iso);
  return new Date(when.getTime() - when.getTimezoneOffset() * 60_000).toISOString().slice(0, 19).replace('T', ' ');
}
