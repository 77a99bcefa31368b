// When the administrator is told that rules for IPv4 addresses do not hold over IPv6.

import * as assert from 'uvu/assert';
import { parsePolicy } from '../../config/policy.js';
import { ipv4RulesNotice } from '../../frontend/pcp/ipv4-rules.js';
import { cases } from '../support/cases.js';

interface Row {
  readonly name: string;
  readonly rule: readonly string[];
  readonly defaultRule?: string;
  readonly maxLifetime?: number;
  /** The networks that are named; none: nothing is told. */
  readonly want: string | null;
}

cases<Row>(
  'rules for IPv4 addresses, and pinholes',
  [
    { name: 'no rules', rule: [], want: null },
    { name: 'a network that is denied', rule: ['deny 192.168.2.0/24'], want: '192.168.2.0/24' },
    { name: 'a host that is denied', rule: ['deny 192.168.1.7'], want: '192.168.1.7/32' },
    { name: 'all of IPv4 denied', rule: ['deny 0.0.0.0/0'], want: '0.0.0.0/0' },
    { name: 'fewer ports', rule: ['allow 0.0.0.0/0 ports 49152-65535'], want: '0.0.0.0/0' },
    { name: 'a smaller quota', rule: ['allow 192.168.1.7 max-mappings 99'], want: '192.168.1.7/32' },
    {
      name: 'a lifetime that is less than a pinhole’s',
      rule: ['allow 192.168.1.7 max-lifetime 7199'],
      want: '192.168.1.7/32',
    },
    { name: 'a lifetime that no pinhole has', rule: ['allow 192.168.1.7 max-lifetime 7200'], want: null },
    {
      name: 'a lifetime that no host has',
      rule: ['allow 192.168.1.7 max-lifetime 3600'],
      maxLifetime: 3600,
      want: null,
    },
    { name: 'as much as everybody', rule: ['allow 192.168.1.7', 'allow 192.168.1.8 ports 1024-65535'], want: null },
    { name: 'more than everybody', rule: ['allow 192.168.1.7 max-mappings 1000'], want: null },
    { name: 'the default rule denies', rule: ['deny 192.168.2.0/24'], defaultRule: 'deny', want: null },
    { name: 'by hardware address', rule: ['deny mac 02:00:00:00:00:07'], want: null },
    {
      name: 'behind a rule that none of them gets past',
      rule: ['allow 0.0.0.0/0', 'deny 192.168.2.0/24'],
      want: null,
    },
    {
      name: 'behind others',
      rule: ['allow 192.168.2.9', 'deny mac 02:00:00:00:00:07', 'deny 192.168.2.0/24'],
      want: '192.168.2.0/24',
    },
    {
      name: 'thousands: three are named',
      rule: Array.from({ length: 2000 }, (_, index) => `deny 10.0.${index >> 8}.${index & 255}`),
      want: '10.0.0.0/32, 10.0.0.1/32, 10.0.0.2/32 and 1997 more',
    },
  ],
  ({ rule, defaultRule, maxLifetime = 86400, want }) => {
    const complaints: string[] = [];
    const { rules } = parsePolicy({ rule, defaultRule }, { maxMappings: 100, maxLifetime }, (text) =>
      complaints.push(text),
    );
    assert.equal(complaints, []);
    const notice = ipv4RulesNotice(rules);
    assert.is(
      notice,
      want === null
        ? null
        : `rules for IPv4 addresses (${want}) do not hold over IPv6: there default-rule = allow lets these hosts open pinholes`,
    );
  },
);
