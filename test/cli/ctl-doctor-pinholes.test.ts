// What natpmpctl doctor makes of pinholes, and of IPv6 on the router.

import * as assert from 'uvu/assert';
import { diagnose } from '../../cli/natpmpctl/doctor.js';
import { globalAddresses, ipv6DefaultRoutes } from '../../cli/natpmpctl/doctor/collect.js';
import type { Facts } from '../../cli/natpmpctl/doctor/facts.js';
import { cases, claims } from '../support/cases.js';
import { daemon, HEALTHY, report, up } from '../support/healthy-router.js';
import { kernel, setup, without } from './doctor-support.js';

/** With pinholes on, in a router that has all they need. */
const UDP6 =
  '  sl  local_address\n 1: 00000000000000000000000000000000:14E7 00000000000000000000000000000000:0000 07\n';
const FILTER6 = JSON.stringify({
  nftables: [
    { chain: { family: 'ip6', table: 'f', name: 'c', type: 'filter', hook: 'forward', prio: 0, policy: 'drop' } },
    {
      rule: {
        family: 'ip6',
        table: 'f',
        chain: 'c',
        expr: [{ match: { op: 'in', left: { ct: { key: 'label' } }, right: 113 } }, { accept: null }],
      },
    },
  ],
});
const IPV6 = {
  addresses: new Map([['br-lan', ['2001:db8::1']]]),
  defaultRoutes: ['wan0'],
  udpTable: UDP6,
  legacyTables: [],
};
const THROUGH_SIT1 = {
  ipv6: { ...IPV6, defaultRoutes: ['sit1'] },
  nftDetails: {
    ...HEALTHY.nftDetails,
    text: 'table inet nat {\n\tchain NATPMP-forward6 {\n\t\tmeta nfproto ipv6 ct label 113 goto NATPMP-live6\n\t\tiifname "sit1" oifname "br-lan" ct state new\n\t}\n}\n',
  },
  interfaces: new Map([...HEALTHY.interfaces, ['sit1', { ...up, lans: [] }]]),
};
const WITH_PINHOLES: Partial<Facts> = {
  helper: { ...report, maxPinholes: 16384 },
  ipv6: IPV6,
  rulesetListing: FILTER6,
};
cases<{ name: string; seen: Partial<Facts>; want: string }>(
  'doctor: pinholes',
  [
    { name: 'off', seen: { helper: report }, want: '' },
    { name: 'in order', seen: {}, want: 'ok 0 open' },
    { name: 'a kernel without IPv6', seen: { ipv6: null }, want: 'ok on, but this kernel has no IPv6' },
    { name: 'no socket', seen: { ipv6: { ...IPV6, udpTable: '' } }, want: 'fail nobody listens on [::]:5351/udp' },
    {
      name: 'the overflow socket alone',
      seen: { ipv6: { ...IPV6, udpTable: UDP6.replace('14E7', '14E8') } },
      want: 'fail nobody listens',
    },
    {
      name: 'no forwarding',
      seen: { kernelSettings: kernel('net/ipv6/conf/all/forwarding', '0') },
      want: 'fail net.ipv6',
    },
    {
      name: 'forwarding by the interfaces alone, from Linux 6.17 on',
      seen: {
        kernelSettings: new Map([
          ...kernel('net/ipv6/conf/all/forwarding', '0'),
          ['net/ipv6/conf/wan0/force_forwarding', '1'],
          ['net/ipv6/conf/br-lan/force_forwarding', '1'],
        ]),
      },
      want: 'ok 0 open',
    },
    {
      name: 'no route',
      seen: { ipv6: { ...IPV6, defaultRoutes: [] } },
      want: 'warn there is no default route of IPv6',
    },
    {
      name: 'a route through a tunnel that the ruleset does not name',
      seen: { ipv6: { ...IPV6, defaultRoutes: ['sit1'] } },
      want: 'warn the default route of IPv6 goes through sit1, and pinholes let in what arrives on wan0',
    },
    {
      name: 'a route through a tunnel that it names',
      seen: THROUGH_SIT1,
      want: 'ok 0 open',
    },
    {
      name: 'no such tunnel, and so no route',
      seen: { ...THROUGH_SIT1, interfaces: HEALTHY.interfaces, ipv6: { ...IPV6, defaultRoutes: [] } },
      want: 'fail there is no interface sit1, where pinholes let connections in',
    },
    {
      name: 'no external interface, which is said elsewhere',
      seen: { interfaces: without('wan0') },
      want: 'ok 0 open',
    },
    {
      name: 'no address',
      seen: { ipv6: { ...IPV6, addresses: new Map() } },
      want: 'warn br-lan has no global IPv6 address',
    },
    { name: 'no filter', seen: { rulesetListing: '{"nftables": []}' }, want: 'warn nothing filters the IPv6 packets' },
    {
      name: 'a filter of the legacy ip6tables',
      seen: { rulesetListing: '{"nftables": []}', ipv6: { ...IPV6, legacyTables: ['filter'] } },
      want: 'warn there are rules of the legacy ip6tables',
    },
    {
      name: 'a filter that drops them',
      seen: { rulesetListing: FILTER6.replace('113', '112') },
      want: 'fail chain c of table ip6 f drops what pinholes let in',
    },
    {
      name: 'a filter that cannot be read',
      seen: { rulesetListing: FILTER6.replace('{"accept":null}', '{"xt":{"type":"target","name":"WHAT"}}') },
      want: 'warn chain c of table ip6 f may drop what pinholes let in: it depends on',
    },
    {
      name: 'rules for IPv4 addresses, which name nobody here',
      seen: { daemons: [daemon('helper'), { ...daemon('frontend'), args: ['--rule=deny 192.168.2.0/24'] }] },
      want: 'warn rules for IPv4 addresses (192.168.2.0/24) do not hold over IPv6',
    },
    {
      name: 'such rules, and a default rule that denies',
      seen: {
        daemons: [
          daemon('helper'),
          { ...daemon('frontend'), args: ['--rule', 'allow 192.168.2.0/24', '--default-rule', 'deny'] },
        ],
      },
      want: 'ok 0 open',
    },
    {
      name: 'another gateway name, another label',
      seen: { setup: { ...setup, natChain: 'PMP2' } },
      want: 'fail chain c of table ip6 f drops',
    },
  ],
  ({ seen, want }) => {
    const findings = diagnose({ ...HEALTHY, ...WITH_PINHOLES, ...seen }).filter(({ check }) => check === 'pinholes');
    const said = findings.map(({ verdict, says }) => `${verdict} ${says}`);
    assert.is(said.length, want === '' ? 0 : 1, said.join(' | '));
    assert.ok((said[0] ?? '').startsWith(want), said[0]);
  },
);

claims('doctor: IPv6 in /proc', {
  'global addresses are those of 2000::/3': () =>
    assert.equal(
      [
        ...globalAddresses(
          '00000000000000000000000000000001 01 80 10 80       lo\n20010db8000000010000000000000001 02 40 00 80   br-lan\n' +
            'fe800000000000000000000000000001 02 40 20 80   br-lan\nfd000000000000000000000000000001 03 40 00 80     wan0\n',
        ),
      ],
      [['br-lan', ['2001:db8:0:1::1']]],
    ),
  'default routes are those that lead somewhere': () => {
    const zeros = '0'.repeat(32);
    const route = (to: string, length: string, device: string) =>
      `${to} ${length} ${zeros} 00 fe80000000000000000000000000000a 00000400 00000001 00000000 00000003     ${device}\n`;
    assert.equal(
      ipv6DefaultRoutes(
        route(zeros, '00', 'wan0') +
          route(zeros, '00', 'wan0') +
          route(zeros, '00', 'lo') +
          route(zeros, '03', 'wan1') +
          route('20010db8000000000000000000000000', '20', 'br-lan'),
      ),
      ['wan0'],
    );
  },
});
