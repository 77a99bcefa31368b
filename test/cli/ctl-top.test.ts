// One frame of natpmpctl top, from two looks at the table.

import * as assert from 'uvu/assert';
import type { ListedMapping } from '../../cli/natpmpctl/mapping.js';
import { bar, frame, ratesBetween, type Sample } from '../../cli/natpmpctl/top-frame.js';
import { cases, claims } from '../support/cases.js';

const status = {
  epochStart: 0,
  mappings: 2,
  staticMappings: 1,
  maxMappings: 9,
  maxMappingsPerHost: 9,
  maxLifetime: 9,
  journalBytes: 0,
  kernelInStep: true,
  pid: 1,
  resynchronisations: 0,
  startedAt: 0,
  pinholes: 0,
  maxPinholes: 0,
  staticPinholes: 0,
};
const mapping = (
  externalPort: number,
  packets: number | null,
  bytes: number | null,
  fields: Partial<ListedMapping> = {},
): ListedMapping => ({
  protocol: 'tcp',
  externalPort,
  internalAddress: '192.168.1.2',
  internalPort: externalPort,
  name: null,
  origin: 'dynamic',
  askedBy: 'NAT-PMP',
  description: null,
  grantedAt: null,
  lifetime: 3600,
  timeLeft: 1800,
  packets,
  bytes,
  ...fields,
});
const look = (atMs: number, ...mappings: ListedMapping[]): Sample => ({ atMs, mappings, status });
const screen = { columns: 80, rows: 24, inColour: false, isUtf8: false };

cases(
  'rates',
  [
    {
      name: 'a second',
      before: look(1000, mapping(1, 10, 1000)),
      now: look(2000, mapping(1, 15, 1600)),
      want: { packets: 5, bytes: 600 },
    },
    {
      name: 'longer',
      before: look(1000, mapping(1, 10, 1000)),
      now: look(5000, mapping(1, 18, 1400)),
      want: { packets: 2, bytes: 100 },
    },
    {
      name: 'a counter that began again',
      before: look(1000, mapping(1, 10, 1000)),
      now: look(2000, mapping(1, 3, 90)),
      want: { packets: 3, bytes: 90 },
    },
    { name: 'the first look', before: null, now: look(2000, mapping(1, 3, 90)), want: undefined },
    {
      name: 'a mapping that was not there',
      before: look(1000, mapping(2, 1, 1)),
      now: look(2000, mapping(1, 3, 90)),
      want: undefined,
    },
    {
      name: 'the port in other hands',
      before: look(1000, mapping(1, 1, 1, { internalAddress: '192.168.1.3' })),
      now: look(2000, mapping(1, 3, 90)),
      want: undefined,
    },
    {
      name: 'traffic that is not told',
      before: look(1000, mapping(1, null, null)),
      now: look(2000, mapping(1, 3, 90)),
      want: undefined,
    },
  ],
  ({ before, now, want }) => assert.equal([...ratesBetween(before, now).values()][0], want),
);

cases(
  'bar',
  [
    { name: 'full', share: 1, want: '##########' },
    { name: 'half', share: 0.5, want: '#####-----' },
    { name: 'nearly nothing', share: 0.001, want: '#---------' },
    { name: 'nothing', share: 0, want: '----------' },
    { name: 'more than there is', share: 1.2, want: '##########' },
  ],
  ({ share, want }) => assert.is(bar(share, false), want),
);

claims('frame', {
  'the busiest first, then by what was carried': () => {
    const before = look(1000, mapping(1, 10, 1000), mapping(2, 0, 0), mapping(3, 900, 90_000));
    const now = look(2000, mapping(1, 12, 1200), mapping(2, 9, 900), mapping(3, 900, 90_000));
    assert.equal(frame(now, before, screen), [
      '2 mappings, 1 static; epoch 2s; 11 packets/s, 1.1k B/s',
      '',
      'PROTO  PORT  HOST           NAME  LEFT              PKT/s  B/s  BYTES',
      'tcp       2  192.168.1.2:2  -      30m  #####-----      9  900    900',
      'tcp       1  192.168.1.2:1  -      30m  #####-----      2  200   1.2k',
      'tcp       3  192.168.1.2:3  -      30m  #####-----      0    0    90k',
    ]);
  },
  'never more lines than the terminal has; the rest is counted': () => {
    const lines = frame(look(0, ...Array.from({ length: 60 }, (_, index) => mapping(1 + index, 0, 0))), null, {
      ...screen,
      rows: 24,
    });
    assert.is(lines.length, 24);
    assert.is(lines.at(-1), '40 more');
  },
  'a kernel out of step is not to be overlooked': () =>
    assert.match(
      frame({ ...look(0), status: { ...status, kernelInStep: false } }, null, screen).join('\n'),
      /NOT in step/,
    ),
  'pinholes, with their whole address in 80 columns': () => {
    const pinhole = mapping(51413, 9, 900, {
      internalAddress: '2001:db8:1234:5678:9abc:def0:1234:5678',
      hardwareAddress: null,
    });
    const [head, , ...table] = frame(
      { ...look(2000, pinhole), status: { ...status, pinholes: 1, maxPinholes: 16384 } },
      look(1000, { ...pinhole, packets: 0, bytes: 0 }),
      screen,
    );
    assert.is(head, '2 mappings, 1 static; 1 pinholes; epoch 2s; 9 packets/s, 900 B/s');
    assert.equal(table, [
      'PROTO  PORT HOST                                   NAME LEFT PKT/s B/s BYTES',
      'tcp   51413 2001:db8:1234:5678:9abc:def0:1234:5678 -     30m     9 900   900',
    ]);
  },
  'an empty table': () => assert.is(frame(look(0), null, screen).at(-1), 'no mappings'),
  'what runs out is yellow, what carries something green': () => {
    const colours = (now: ListedMapping) =>
      /^\x1b\[(\d+)m/.exec(
        frame(look(1000, now), look(0, mapping(1, 0, 0)), { ...screen, inColour: true }).at(-1) ?? '',
      )?.[1];
    assert.equal([mapping(1, 0, 0, { timeLeft: 449 }), mapping(1, 5, 5), mapping(1, 0, 0)].map(colours), [
      '33',
      '32',
      undefined,
    ]);
  },
});
