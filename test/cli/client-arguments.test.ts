// The command line of natpmp-client.

import * as assert from 'uvu/assert';
import { parseTarget, takeHost } from '../../cli/client/arguments.js';
import { parseNumber, parseProtocol } from '../../cli/host/parse.js';
import { cases, claims } from '../support/cases.js';

cases(
  'parseTarget',
  [
    { name: 'a name', text: 'localhost', want: { host: 'localhost', port: 5351 } },
    { name: 'with a port', text: 'localhost:15351', want: { host: 'localhost', port: 15351 } },
    { name: 'an address', text: '192.168.1.1:1', want: { host: '192.168.1.1', port: 1 } },
    { name: 'nothing', text: '', want: null },
    { name: 'a port only', text: ':5351', want: null },
    { name: 'no port after the colon', text: 'localhost:', want: null },
    { name: 'port 0', text: 'localhost:0', want: null },
    { name: 'port 65536', text: 'localhost:65536', want: null },
    { name: 'IPv6', text: '2001:db8::1', want: { host: '2001:db8::1', port: 5351 } },
    { name: 'IPv6 that ends like a port', text: '2001:db8::5351', want: { host: '2001:db8::5351', port: 5351 } },
    { name: 'IPv6 with a port', text: '[2001:db8::1]:15351', want: { host: '2001:db8::1', port: 15351 } },
    { name: 'IPv6 in brackets', text: '[::1]', want: { host: '::1', port: 5351 } },
    { name: 'link-local', text: 'fe80::1%eth0', want: { host: 'fe80::1%eth0', port: 5351 } },
    { name: 'link-local with a port', text: '[fe80::1%br-lan]:1', want: { host: 'fe80::1%br-lan', port: 1 } },
    { name: 'an interface with "_" in its name', text: 'fe80::1%br_lan', want: { host: 'fe80::1%br_lan', port: 5351 } },
    { name: 'the same with a port', text: '[fe80::1%br_lan]:1', want: { host: 'fe80::1%br_lan', port: 1 } },
    { name: 'no interface behind the %', text: 'fe80::1%', want: null },
    { name: 'an interface behind a name', text: '[router%eth0]:1', want: null },
    { name: 'brackets around a name', text: '[localhost]:1', want: null },
    { name: 'brackets around IPv4', text: '[192.168.1.1]:1', want: null },
    { name: 'IPv6, and no port after the colon', text: '[::1]:', want: null },
    { name: 'a bracket too few', text: '[::1', want: null },
    { name: 'two colons, but no address', text: 'a:1:2', want: null },
  ],
  ({ text, want }) => assert.equal(parseTarget(text), want),
);

cases(
  'takeHost',
  [
    { name: 'first', args: ['gw', 'info'], want: { host: 'gw', rest: ['info'] } },
    { name: 'behind an option', args: ['--json', 'gw', 'info'], want: { host: 'gw', rest: ['--json', 'info'] } },
    { name: 'none', args: ['--help'], want: { host: undefined, rest: ['--help'] } },
  ],
  ({ args, want }) => assert.equal(takeHost(args), want),
);

claims('words', {
  'protocols in either case': () =>
    assert.equal(['tcp', 'UDP', 'icmp', ''].map(parseProtocol), ['tcp', 'udp', null, null]),
  'numbers are decimal, whole and in range': () =>
    assert.equal(
      ['0', '1', '65535', '65536', '0x10', '1.5', '-1', '', '99999999999'].map((text) => parseNumber(text, 1, 65535)),
      [null, 1, 65535, null, null, null, null, null, null],
    ),
});
