// What a condition is for the first packet of a connection to a mapped port, at each stage of its way: yes, no, or
// whatever else is known. The same conditions are tried with packets in test/system/doctor-firewall.test.ts.

import * as assert from 'uvu/assert';
import { classesOf, classOf, networkOf } from '../../cli/natpmpctl/doctor/firewall/judge.js';
import { matches } from '../../cli/host/firewall/match.js';
import type { Stage } from '../../cli/host/firewall/packet.js';
import { conditionText } from '../../cli/host/firewall/text.js';
import type { Json } from '../../cli/host/nft-json.js';
import { cases, claims } from '../support/cases.js';
import { HEALTHY } from '../support/healthy-router.js';

const meta = (key: string): Json => ({ meta: { key } });
const ct = (key: string, dir = ''): Json => ({ ct: { key, ...(dir === '' ? {} : { dir }) } });
const payload = (protocol: string, field: string): Json => ({ payload: { protocol, field } });
const fib = (result: string, ...flags: readonly string[]): Json => ({ fib: { result, flags } });
const and = (left: Json, mask: Json): Json => ({ '&': [left, mask] });
const set = (...of: readonly Json[]): Json => ({ set: of });
const range = (from: Json, to: Json): Json => ({ range: [from, to] });
const prefix = (addr: string, len: number): Json => ({ prefix: { addr, len } });
const concat = (...of: readonly Json[]): Json => ({ concat: of });

type Condition = readonly [left: Json, op: string, right: Json];
type Want = 'yes' | 'no' | 'few' | 'most' | 'unknown';
interface Row {
  readonly name: string;
  readonly condition: Condition;
  readonly stage: Stage;
  readonly protocol: 'tcp' | 'udp';
  readonly isOne: boolean;
  readonly want: Want;
}
const at = (
  stage: Stage,
  want: Want,
  conditions: readonly Condition[],
  { protocol = 'tcp' as 'tcp' | 'udp', isOne = false } = {},
): readonly Row[] =>
  conditions.map((condition) => ({
    name: `${stage}, ${protocol}: ${conditionText(...condition)}: ${want}`,
    condition,
    stage,
    protocol,
    isOne,
    want,
  }));

const [state, status, tracked, tcpFlags] = [ct('state'), ct('status'), ct('xt state'), payload('tcp', 'flags')];
const [saddr, daddr, dport] = [payload('ip', 'saddr'), payload('ip', 'daddr'), payload('th', 'dport')];
const ABSENT: readonly Condition[] = [
  [payload('icmp', 'type'), '!=', 'echo-request'],
  [payload('ip6', 'daddr'), '!=', '::1'],
  [payload('udp', 'dport'), '!=', 53],
  [ct('helper'), '!=', 'ftp'],
  [meta('skuid'), '!=', 0],
  [meta('cgroup'), '!=', 1],
  [{ exthdr: { name: 'frag' } }, '==', true],
  [{ socket: { key: 'mark' } }, '!=', 1],
  [{ ipsec: { key: 'reqid' } }, '!=', 1],
  [concat(meta('iifname'), payload('udp', 'dport')), '!=', concat('wan0', 53)],
];

cases(
  'a condition',
  [
    ...at('forward', 'yes', [
      [meta('iifname'), '==', 'wan0'],
      [meta('iif'), '==', 'wan0'],
      [meta('iifname'), '==', 'wan*'],
      [meta('iifname'), '!=', 'lan*'],
      [meta('oifname'), '==', 'br-lan'],
      [meta('oif'), '!=', 'wan0'],
      [meta('nfproto'), '==', 'ipv4'],
      [meta('protocol'), '==', 'ip'],
      [meta('pkttype'), '==', 'host'],
      [meta('pkttype'), '!=', set('broadcast', 'multicast')],
      [meta('l4proto'), '==', 'tcp'],
      [meta('l4proto'), '==', 6],
      [meta('l4proto'), '==', range(5, 6)],
      [meta('l4proto'), '==', range(6, 7)],
      [meta('l4proto'), '<', 7],
      [meta('secpath'), '==', false],
      [meta('length'), '<=', 1500],
      [payload('ip', 'protocol'), '==', 'tcp'],
      [payload('ip', 'version'), '==', 4],
      [payload('ip', 'hdrlength'), '==', 5],
      [payload('ip', 'ttl'), '>', 1],
      [payload('ip', 'length'), '>', 27],
      [state, 'in', 'new'],
      [state, '==', 'new'],
      [state, '!=', 'established'],
      [state, '==', set('new', 'related')],
      [state, '!', ['established', 'related']],
      [and(state, ['new', 'related']), '!=', 0],
      [and(state, { '|': ['new', 'related'] }), '==', 'new'],
      [and(state, ['established', 'related']), '==', 0],
      [status, 'in', ['snat', 'dnat']],
      [status, '!=', 'dnat'],
      [status, '!', 'snat'],
      [and(status, ['snat', 'dnat']), '==', 'dnat'],
      [and(status, 'dnat'), '!=', 0],
      [tracked, 'in', ['dnat']],
      [tracked, 'in', ['new', 'related']],
      [tracked, '!', ['snat', 'established']],
      [ct('direction'), '==', 'original'],
      [ct('direction'), '==', 0],
      [ct('l3proto'), '==', 'ipv4'],
      [ct('protocol'), '==', 'tcp'],
      [daddr, '==', prefix('192.168.0.0', 16)],
      [daddr, '==', prefix('0.0.0.0', 0)],
      [daddr, '!=', prefix('10.0.0.0', 8)],
      [daddr, '>=', '192.168.1.0'],
      [saddr, '!=', prefix('192.168.0.0', 16)],
      [ct('ip daddr', 'original'), '==', '203.0.113.10'],
      [ct('daddr', 'original'), '==', '203.0.113.10'],
      [ct('ip saddr', 'reply'), '==', prefix('192.168.1.0', 24)],
      [ct('ip saddr', 'original'), '!=', prefix('10.0.0.0', 8)],
      [dport, '<=', 65535],
      [dport, '>=', 1],
      [dport, '>', 0],
      [dport, '<', 65536],
      [ct('proto-dst', 'original'), '>', 0],
      [ct('proto-src', 'reply'), '>', 0],
      [fib('type', 'daddr'), '==', 'unicast'],
      [fib('type', 'saddr'), '!=', 'local'],
      [fib('oif', 'saddr', 'iif'), '==', true],
      [fib('oif', 'saddr'), '!=', '0'],
      [fib('oifname', 'daddr'), '==', 'br-lan'],
      [fib('oif', 'daddr'), '==', true],
      [and(payload('ip', 'frag-off'), 0x1fff), '==', 0],
      [and(tcpFlags, ['fin', 'syn', 'rst', 'ack']), '==', 'syn'],
      [tcpFlags, 'in', ['syn', 'ack']],
      [tcpFlags, '!', 'ack'],
      [concat(meta('iifname'), daddr), '==', concat('wan0', prefix('192.168.1.0', 24))],
      [daddr, '==', set(prefix('192.168.1.0', 25), range('192.168.1.128', '192.168.1.255'))],
    ]),
    ...at('forward', 'no', [
      ...ABSENT,
      [meta('iifname'), '==', 'wan'],
      [meta('iifname'), '==', 'wan0\\*'],
      [meta('l4proto'), '==', range(7, 9)],
      [meta('l4proto'), '>', 6],
      [meta('nfproto'), '==', 'ipv6'],
      [meta('protocol'), '==', 'arp'],
      [meta('ipsec'), '==', true],
      [state, 'in', ['established', 'related']],
      [state, '!=', 'new'],
      [status, '==', 'dnat'],
      [status, '==', set('dnat', 'snat')],
      [status, 'in', 'snat'],
      [status, 'in', 'assured'],
      [and(status, 'snat'), '==', 'snat'],
      [and(state, ['new', 'related']), '==', 'related'],
      [and(state, ['new', 'related']), '==', ['new', 'related']],
      [ct('direction'), '==', 'reply'],
      [daddr, '==', '203.0.113.10'],
      [daddr, '<', '192.168.1.0'],
      [fib('type', 'daddr'), '==', 'local'],
      [fib('oif', 'saddr', 'iif'), '==', false],
      [fib('oif', 'saddr', 'iif'), '==', '0'],
      [tcpFlags, 'in', 'ack'],
      [and(tcpFlags, ['fin', 'syn']), '==', ['fin', 'syn']],
      [and(tcpFlags, 'ack'), '!=', 0],
      [tcpFlags, '==', ['syn', 'ack']],
      [dport, '>', 65535],
      [dport, '<', 1],
      [payload('ip', 'ttl'), '<', 2],
      [concat(meta('iifname'), daddr), '==', concat('lan0', prefix('192.168.1.0', 24))],
    ]),
    ...at('forward', 'few', [
      [dport, '==', 80],
      [dport, '==', set(80, range(6000, 6010))],
      [daddr, '==', '192.168.1.2'],
      [saddr, '==', prefix('198.51.0.0', 16)],
      [saddr, '==', '@blocked'],
      [payload('th', 'sport'), '==', '@low'],
      [concat(saddr, payload('th', 'sport')), '==', '@both'],
      [payload('ether', 'saddr'), '==', '@macs'],
      [ct('ip daddr', 'reply'), '==', '@blocked'],
      [ct('proto-dst', 'reply'), '==', '@low'],
      [tcpFlags, '!=', 'syn'],
      [tcpFlags, '==', ['syn', 'ecn']],
      [tcpFlags, 'in', 'ecn'],
      [{ 'ip option': { name: 'lsrr' } }, '==', true],
      [ct('packets'), '>', 100],
      [ct('bytes'), '==', 0],
      [payload('ip', 'dscp'), '==', 'cs1'],
      [payload('tcp', 'window'), '==', 0],
      [{ 'tcp option': { name: 'maxseg', field: 'size' } }, '==', 100],
      [meta('cpu'), '==', 0],
      [{ symhash: { mod: 2 } }, '==', 0],
      [payload('ip', 'frag-off'), '==', 0],
      [and(payload('ip', 'frag-off'), 0x4000), '==', 0],
      [and(daddr, '0.0.0.255'), '==', 2],
      [concat(meta('l4proto'), dport), '==', set(concat('tcp', 22), concat('udp', 53))],
    ]),
    ...at('forward', 'most', [
      [dport, '!=', 80],
      [dport, '==', range(1024, 65535)],
      [daddr, '!=', '192.168.1.2'],
      [saddr, '!=', '@blocked'],
      [tcpFlags, '==', 'syn'],
      [{ 'ip option': { name: 'lsrr' } }, '==', false],
      [saddr, '!=', '198.51.100.7'],
      [payload('ether', 'saddr'), '!=', '00:11:22:33:44:55'],
    ]),
    ...at('forward', 'unknown', [
      [meta('mark'), '==', 0],
      [ct('mark'), '!=', 1],
      [and(meta('mark'), 255), '==', 1],
      [ct('label'), 'in', 113],
      [ct('zone'), '==', 0],
      [meta('iifgroup'), '==', 5],
      [meta('hour'), '==', range('08:00', '10:00')],
      [payload('vlan', 'id'), '==', 5],
      [{ payload: { base: 'th', offset: 0, len: 8 } }, '==', 5],
      [{ numgen: { mode: 'random', mod: 2 } }, '==', 0],
      [daddr, '==', '@hosts'],
      [payload('ip', 'dscp'), '==', '@classes'],
      [concat(saddr, daddr), '==', '@pairs'],
      [state, 'in', '@states'],
      [daddr, '==', 'name'],
      [dport, '<', 'name'],
      [meta('mark'), '<', 5],
      [ct('ip saddr'), '==', '10.0.0.1'],
      [state, '==', 8],
      [and(meta('l4proto'), 4), '==', 4],
      [meta('l4proto'), '<', 'x'],
    ]),
    ...at(
      'forward',
      'yes',
      [
        [payload('udp', 'dport'), '>', 0],
        [meta('l4proto'), '==', 17],
        [meta('l4proto'), '!=', 'tcp'],
      ],
      { protocol: 'udp' },
    ),
    ...at(
      'forward',
      'no',
      [
        [tcpFlags, '!=', 'ack'],
        [payload('tcp', 'dport'), '!=', 22],
        [{ 'tcp option': { name: 'maxseg' } }, '==', true],
      ],
      { protocol: 'udp' },
    ),
    // Of one mapping, udp 8080 to 192.168.1.2:80, more is known.
    ...at(
      'forward',
      'yes',
      [
        [dport, '==', 80],
        [daddr, '==', '192.168.1.2'],
        [and(daddr, '0.0.0.255'), '==', '0.0.0.2'],
        [ct('proto-dst', 'original'), '==', 8080],
        [meta('oifname'), '==', 'br-lan'],
      ],
      { protocol: 'udp', isOne: true },
    ),
    ...at(
      'forward',
      'no',
      [
        [dport, '==', 8080],
        [daddr, '==', '192.168.1.3'],
        [and(daddr, '0.0.0.255'), '==', '0.0.0.3'],
      ],
      { protocol: 'udp', isOne: true },
    ),
    ...at('untracked', 'yes', [[dport, '==', 8080]], { protocol: 'udp', isOne: true }),
    ...at('untracked', 'yes', [
      [state, '==', 'invalid'],
      [state, 'in', ['invalid', 'untracked']],
      [tracked, 'in', ['invalid']],
      [daddr, '==', '203.0.113.10'],
      [meta('oifname'), '!=', 'br-lan'],
      [meta('iifname'), '==', 'wan0'],
      [fib('type', 'daddr'), '==', 'local'],
      [fib('type', 'daddr', 'iif'), '==', set('local', 'broadcast')],
      [fib('type', 'saddr'), '==', 'unicast'],
    ]),
    ...at('untracked', 'no', [
      [state, '==', 'new'],
      [status, '!=', 'dnat'],
      [ct('direction'), '==', 'original'],
      [ct('mark'), '!=', 1],
      [meta('oifname'), '==', 'br*'],
      [daddr, '==', prefix('192.168.1.0', 24)],
    ]),
    ...at('untracked', 'unknown', [
      [fib('oif', 'daddr'), '==', true],
      [meta('oifgroup'), '==', 0],
    ]),
    ...at('untranslated', 'yes', [
      [state, '==', 'new'],
      [status, '!', 'dnat'],
      [status, '==', 0],
      [tracked, '!', ['dnat']],
      [ct('ip saddr', 'reply'), '==', '203.0.113.10'],
      [fib('type', 'daddr'), '==', 'local'],
    ]),
    ...at('untranslated', 'no', [
      [status, 'in', 'dnat'],
      [status, '==', 'dnat'],
      [daddr, '==', prefix('192.168.1.0', 24)],
    ]),
    ...at('translated', 'yes', [
      [status, 'in', 'dnat'],
      [daddr, '==', prefix('192.168.1.0', 24)],
      [meta('oif'), '==', '0'],
      [meta('oif'), '!=', 'br-lan'],
      [meta('oifname'), '==', ''],
    ]),
    ...at('leaving', 'yes', [
      [status, 'in', 'dnat'],
      [meta('oifname'), '==', 'br-lan'],
    ]),
    ...at('leaving', 'few', [
      [status, 'in', 'snat'],
      [tracked, 'in', ['snat']],
      [and(status, 'snat'), '!=', 0],
    ]),
  ],
  ({ condition: [left, op, right], stage, protocol, isOne, want }) => {
    const network = networkOf(HEALTHY.setup, HEALTHY.interfaces, HEALTHY.defaultRoutes, HEALTHY.interfaceGroups);
    const mapping = { protocol, externalPort: 8080, internalAddress: 0xc0a80102, internalPort: 80 };
    const packets = isOne
      ? classOf(network, stage, mapping)
      : classesOf(network, stage).find((each) => each.protocol === protocol);
    assert.ok(packets !== undefined);
    const truth = matches({ left, op, right }, packets, () => null);
    assert.is(truth.kind === 'part' ? (truth.share > 0.5 ? 'most' : 'few') : truth.kind, want);
  },
);

claims('the addresses that packets of mappings are for', {
  'are those of the external interface; the told one alone as soon as it is one of the router, on any interface':
    () => {
      const told = 0xc6336409;
      const addressesOf = (externalAddress: number | null, lo: readonly number[]) =>
        networkOf(
          { ...HEALTHY.setup, externalAddress },
          new Map([
            ...HEALTHY.interfaces,
            [
              'lo',
              { isUp: true, isRunning: true, lans: lo.map((routerAddress) => ({ routerAddress, prefixLength: 32 })) },
            ],
          ]),
          HEALTHY.defaultRoutes,
          HEALTHY.interfaceGroups,
        ).externalAddresses;
      assert.equal(addressesOf(null, [told]), [[0xcb00710a, 0xcb00710a]]);
      assert.equal(addressesOf(told, []), [[0xcb00710a, 0xcb00710a]]);
      assert.equal(addressesOf(told, [told]), [[told, told]]);
    },
});
