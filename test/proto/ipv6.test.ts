import * as assert from 'uvu/assert';
import { formatIpv6, parseIpv6 } from '../../proto/ipv6.js';
import { cases } from '../support/cases.js';

cases(
  'an address as text (RFC 5952)',
  [
    { name: '§4.1 no leading zeros', address: '20010db8000000000000000000000001', text: '2001:db8::1' },
    {
      name: '§4.2.1 shortened as much as possible',
      address: '20010db8000000000000000000020001',
      text: '2001:db8::2:1',
    },
    {
      name: '§4.2.2 a single group of 0 stays',
      address: '20010db8000000010001000100010001',
      text: '2001:db8:0:1:1:1:1:1',
    },
    { name: '§4.2.3 the longest run', address: '20010000000000010000000000000001', text: '2001:0:0:1::1' },
    { name: '§4.2.3 the first of equal runs', address: '20010db8000000000001000000000001', text: '2001:db8::1:0:0:1' },
    {
      name: '§4.3 lower case',
      address: 'abcdef0123456789abcdef0123456789',
      text: 'abcd:ef01:2345:6789:abcd:ef01:2345:6789',
    },
    { name: 'none', address: '0'.repeat(32), text: '::' },
    { name: 'loopback', address: `${'0'.repeat(31)}1`, text: '::1' },
    { name: 'a prefix', address: `20010db8${'0'.repeat(24)}`, text: '2001:db8::' },
  ],
  ({ address, text }) => {
    assert.is(formatIpv6(address), text);
    assert.is(parseIpv6(text), address);
  },
);

cases<{ name: string; text: string; address: string | null }>(
  'parseIpv6',
  [
    { name: 'upper case', text: '2001:DB8::A', address: '20010db800000000000000000000000a' },
    { name: 'leading zeros', text: '2001:0db8:0000::0001', address: '20010db8000000000000000000000001' },
    { name: 'all groups', text: '1:2:3:4:5:6:7:8', address: '00010002000300040005000600070008' },
    { name: '"::" for a single group', text: '1:2:3:4:5:6:7::', address: '00010002000300040005000600070000' },
    { name: 'an IPv4 address at the end', text: '::ffff:192.168.1.2', address: '00000000000000000000ffffc0a80102' },
    { name: 'nothing', text: '', address: null },
    { name: 'an IPv4 address', text: '192.168.1.2', address: null },
    { name: 'a zone', text: 'fe80::1%eth0', address: null },
    { name: 'brackets', text: '[::1]', address: null },
    { name: 'a port', text: '::1]:80', address: null },
    { name: 'a path', text: '::1]/x[', address: null },
    { name: 'a prefix length', text: '2001:db8::/32', address: null },
    { name: 'seven groups', text: '1:2:3:4:5:6:7', address: null },
    { name: 'nine groups', text: '1:2:3:4:5:6:7:8:9', address: null },
    { name: 'a group of five digits', text: '2001:db8::12345', address: null },
    { name: '"::" twice', text: '2001::db8::1', address: null },
    { name: 'three colons', text: '2001:::1', address: null },
    { name: 'a space', text: ' ::1', address: null },
    { name: 'a line break', text: '::1\n', address: null },
  ],
  ({ text, address }) => assert.is(parseIpv6(text), address),
);
