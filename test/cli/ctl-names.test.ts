// The names that natpmpctl finds for hosts.

import * as assert from 'uvu/assert';
import { mergeNames, namesFromHosts, namesFromLeases, type HostKey } from '../../cli/natpmpctl/names.js';
import { findHost } from '../../cli/natpmpctl/name-options.js';
import { parseIpv6 } from '../../proto/ipv6.js';
import { parseIpv4 } from '../../proto/mapping.js';
import { cases, claims } from '../support/cases.js';
import { NAMES, PINHOLE } from './listed-mappings.js';

const namesOf = (want: Readonly<Record<string, string | undefined>>) =>
  new Map(Object.entries(want).map(([key, name]) => [parseIpv4(key) ?? parseIpv6(key) ?? key, name]));
cases(
  'names from hosts',
  [
    { name: 'address, name, aliases', text: '192.168.1.2 nas nas.lan\n', want: { '192.168.1.2': 'nas' } },
    {
      name: 'comments and empty lines',
      text: '# all\n\n192.168.1.2\tnas # the box\n#192.168.1.3 no',
      want: { '192.168.1.2': 'nas' },
    },
    {
      name: 'the first line about an address counts',
      text: '192.168.1.2 a\n192.168.1.2 b',
      want: { '192.168.1.2': 'a' },
    },
    { name: 'IPv6, in any form', text: '2001:DB8:0::5 nas\n', want: { '2001:db8::5': 'nas' } },
    { name: 'an address alone, rubbish', text: '192.168.1.2\nx y', want: {} },
  ],
  ({ text, want }) => assert.equal(namesFromHosts(text), namesOf(want)),
);

const KEA = 'address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context\n';
cases(
  'names from DHCP leases',
  [
    {
      name: 'dnsmasq',
      text: '1767225600 52:54:00:00:00:01 192.168.1.2 nas 01:52:54:00:00:00:01\n',
      want: { '192.168.1.2': 'nas', '52:54:00:00:00:01': 'nas' },
    },
    { name: 'dnsmasq: no name', text: '1767225600 52:54:00:00:00:01 192.168.1.2 * *\n', want: {} },
    { name: 'dnsmasq: the DUID line of IPv6 is none', text: 'duid 00:01:00:01:2a\n', want: {} },
    {
      name: 'dnsmasq, IPv6: a number is where the hardware address is in IPv4',
      text: '1767225600 1234567 2001:db8::5 nas 00:01:00:01:2a:52:54:00:00:00:01\n',
      want: { '2001:db8::5': 'nas' },
    },
    {
      name: 'dnsmasq: a hardware address of another kind of link',
      text: '1767225600 06-52:54:00:00:00:01 192.168.1.2 nas *\n',
      want: { '192.168.1.2': 'nas' },
    },
    {
      name: 'Kea',
      text: `${KEA}192.168.1.2,52:54:00:00:00:01,,3600,1767225600,1,0,0,nas.lan.,0,\n`,
      want: { '192.168.1.2': 'nas.lan', '52:54:00:00:00:01': 'nas.lan' },
    },
    {
      name: 'Kea: columns in another order',
      text: 'address,hostname\n192.168.1.2,nas',
      want: { '192.168.1.2': 'nas' },
    },
    {
      name: 'Kea: the last line about an address counts',
      text: 'address,hostname\n192.168.1.2,a\n192.168.1.2,b',
      want: { '192.168.1.2': 'b' },
    },
    {
      name: 'a host that names itself to write on the terminal',
      text: 'address,hostname\n192.168.1.2,\x1b[2Jevil\x07',
      want: { '192.168.1.2': '??2Jevil?' },
    },
    { name: 'rubbish', text: '\0\x01\x02', want: {} },
  ],
  ({ text, want }) => assert.equal(namesFromLeases(text), namesOf(want)),
);

/** As much as is read of a file (cli/natpmpctl/name-options.ts). */
const MOST = 16 << 20;
const WIDE = 'address,'.repeat(1000).slice(0, -1);
cases<{ name: string; parse: (text: string) => ReadonlyMap<HostKey, string>; text: () => string; most: number }>(
  'a file of a DHCP server costs little, by',
  [
    { name: 'lines of nothing', parse: namesFromLeases, text: () => '\n'.repeat(MOST), most: 0 },
    { name: 'a line without end', parse: namesFromLeases, text: () => 'x '.repeat(MOST / 2), most: 0 },
    { name: 'a head without end', parse: namesFromLeases, text: () => 'address,'.repeat(MOST / 8), most: 0 },
    {
      name: 'a wide head, and as many lines as fit',
      parse: namesFromLeases,
      text: () => `${WIDE}\n${','.repeat(8000)}\n`.padEnd(MOST, `${','.repeat(8000)}\n`),
      most: 0,
    },
    {
      name: 'a wide head, and short lines',
      parse: namesFromLeases,
      text: () => `${WIDE}\n`.padEnd(MOST, ',\n'),
      most: 0,
    },
    {
      name: 'as many names as fit',
      parse: namesFromLeases,
      text: () =>
        Array.from({ length: 600_000 }, (_, at) => `0 * 10.${at >> 16}.${(at >> 8) & 255}.${at & 255} n\n`).join(''),
      most: 1 << 18,
    },
    { name: 'hosts: lines of nothing', parse: namesFromHosts, text: () => '\n'.repeat(MOST), most: 0 },
    { name: 'hosts: a line without end', parse: namesFromHosts, text: () => '1.1.1.1 '.repeat(MOST / 8), most: 0 },
  ],
  ({ parse, text, most }) => {
    const file = text();
    const before = process.memoryUsage().rss;
    const cpu = process.cpuUsage();
    assert.is(parse(file).size, most);
    const { user, system } = process.cpuUsage(cpu);
    assert.ok(user + system < 10e6, `${user + system} µs`);
    const grownBytes = process.memoryUsage().rss - before;
    assert.ok(grownBytes < 128 << 20, `${grownBytes >> 20} MiB`);
  },
);

claims('names', {
  'of several lists the first that knows counts': () => {
    const merged = mergeNames([
      new Map([[1, 'a']]),
      new Map([
        [1, 'b'],
        [2, 'c'],
      ]),
    ]);
    assert.equal([...merged].sort(), [
      [1, 'a'],
      [2, 'c'],
    ]);
  },
  'a host is found by address or by name, in any case': () => {
    assert.equal(findHost('192.168.1.9', NAMES), new Set([0xc0a80109]));
    assert.equal(findHost('NAS', NAMES), new Set([0xc0a80102]));
    assert.equal(findHost('nobody', NAMES), new Set());
    assert.equal(findHost('2001:DB8::0:5', NAMES), new Set([PINHOLE.address]));
    assert.equal(findHost('02:00:00:00:00:0A', NAMES), new Set(['02:00:00:00:00:0a']));
  },
  'a name finds all that has it: addresses of both families, and the device': () =>
    assert.equal(
      findHost(
        'phone',
        new Map<HostKey, string>([...NAMES, [PINHOLE.address, 'phone'], [5, 'Phone'], ['02:00:00:00:00:07', 'phone']]),
      ),
      new Set([PINHOLE.address, 5, '02:00:00:00:00:07']),
    ),
});
