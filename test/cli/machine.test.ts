// What the UUIDs of a UPnP device are derived from, where systemd has given the machine no ID.

import * as assert from 'uvu/assert';
import type { Link } from '../../cli/host/machine.js';
import { deviceIdFrom } from '../../cli/host/machine.js';
import { cases } from '../support/cases.js';

const link = (address: string, isPermanent: boolean): Link => ({ name: 'eth0', address, isPermanent });
const LOOPBACK = link('00:00:00:00:00:00', true);

cases<{ name: string; machineId: string; links: readonly Link[]; want: string }>(
  'a machine is told from others by',
  [
    {
      name: 'its machine ID',
      machineId: '0123456789abcdef0123456789abcdef\n',
      links: [link('02:00:00:00:00:01', true)],
      want: '0123456789abcdef0123456789abcdef',
    },
    {
      name: 'its lowest hardware address, without one',
      machineId: '',
      links: [
        LOOPBACK,
        link('02:00:00:00:00:09', true),
        link('02:00:00:00:00:07', true),
        link('02:00:00:00:00:01', false),
      ],
      want: '02:00:00:00:00:07',
    },
    {
      name: 'its lowest hardware address, before systemd has given one',
      machineId: 'uninitialized\n',
      links: [link('02:00:00:00:00:07', true)],
      want: '02:00:00:00:00:07',
    },
    {
      name: 'an address that somebody has set, where there is no other',
      machineId: '',
      links: [LOOPBACK, link('02:00:00:00:00:01', false)],
      want: '02:00:00:00:00:01',
    },
    { name: 'nothing, where there is nothing', machineId: '', links: [LOOPBACK], want: 'natpmp-server' },
  ],
  ({ machineId, links, want }) => assert.is(deviceIdFrom(machineId, links), want),
);
