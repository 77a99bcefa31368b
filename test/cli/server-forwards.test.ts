// Ports that are forwarded by hand, as a real nft lists them.

import * as assert from 'uvu/assert';
import { join } from 'node:path';
import { cases, claims, skip } from '../support/cases.js';
import { canMakeNetns, makeNetns } from '../support/netns.js';

const ROWS = [
  { name: 'a port', rule: 'tcp dport 8080 dnat ip to 10.0.0.1:80', want: '8080' },
  { name: 'a range, redirected', rule: 'udp dport 6000-6010 redirect to :53', want: '6000-6010' },
  { name: 'a set', rule: 'tcp dport { 8080, 8443, 5000-5010 } dnat ip to 10.0.0.1', want: '5000-5010 8080 8443' },
  { name: 'a named set', rule: 'tcp dport @wanted dnat ip to 10.0.0.1', want: '7000-7010 7100' },
  { name: 'a named set with timeouts', rule: 'tcp dport @brief dnat ip to 10.0.0.1', want: '7150' },
  {
    name: 'a map',
    rule: 'dnat ip to tcp dport map { 7400 : 10.0.0.1 . 80, 7401-7403 : 10.0.0.2 . 81 }',
    want: '7400 7401-7403',
  },
  { name: 'a named map', rule: 'dnat ip to tcp dport map @single', want: '7200' },
  {
    name: 'a named map with the protocol in its key',
    rule: 'dnat ip to meta l4proto . th dport map @both',
    want: '7300-7310',
  },
  {
    name: 'protocol and port',
    rule: 'meta l4proto . th dport { tcp . 7500, udp . 7501-7502 } dnat ip to 10.0.0.9',
    want: '7500 7501-7502',
  },
  { name: 'a map of verdicts', rule: 'tcp dport vmap { 7600 : jump web, 7601 : accept }', want: '7600' },
  { name: 'a named map of verdicts', rule: 'tcp dport vmap @verdicts', want: '7650' },
  { name: 'a jump, and another', rule: 'tcp dport 7700 goto further', want: '7700' },
  {
    name: 'behind other conditions and statements',
    rule: 'iifname "wan0" ct state new tcp dport 7802 counter log dnat ip to 10.0.0.9',
    want: '7802',
  },
  { name: 'all above', rule: 'tcp dport >= 65000 dnat ip to 10.0.0.9', want: '65000-65535' },
  { name: 'a rule that forwards nothing', rule: 'tcp dport 7801 accept', want: '' },
  { name: 'a jump to where nothing is forwarded', rule: 'tcp dport 7803 jump quiet', want: '' },
  { name: 'all but a port', rule: 'tcp dport != 7800 dnat ip to 10.0.0.9', want: '' },
  { name: 'a host for everything', rule: 'dnat ip to 10.0.0.8', want: '' },
  { name: 'a source port', rule: 'tcp sport 7900 dnat ip to 10.0.0.8', want: '' },
];

const around = (rule: string): string => `flush ruleset
table inet hand {
  set wanted { type inet_service; flags interval; elements = { 7000-7010, 7100 }; }
  set brief { type inet_service; flags timeout; elements = { 7150 timeout 1h }; }
  map single { type inet_service : ipv4_addr . inet_service; elements = { 7200 : 10.0.0.1 . 80 }; }
  map both { type inet_proto . inet_service : ipv4_addr; flags interval; elements = { tcp . 7300-7310 : 10.0.0.1 }; }
  map verdicts { type inet_service : verdict; elements = { 7650 : jump web }; }
  chain web { dnat ip to 10.0.0.3; }
  chain further { jump web; }
  chain quiet { counter; }
  chain prerouting { type nat hook prerouting priority dstnat; ${rule}; }
}
table ip mine { comment "natpmp-server 1"; chain c { type nat hook prerouting priority dstnat; tcp dport 9999 dnat to 10.0.0.1; }; }
table inet hers { chain PMP2 { comment "natpmp-server PMP2 0badcafe"; type nat hook prerouting priority dstnat; tcp dport 9998 dnat ip to 10.0.0.1; }; }
`;

if (!canMakeNetns()) skip('forwards by hand', 'network namespaces need root');
else {
  const netns = await makeNetns();
  const forwarded = (): string =>
    netns
      .run(process.execPath, [join(import.meta.dirname, '../../cli/print-reserved-ports.js')])
      .trim()
      .replaceAll('--reserved-ports ', '');
  const load = (rule: string): void => {
    netns.run('sh', ['-c', `nft -f - <<'END'\n${around(rule)}END`]);
  };

  cases('D-6 forwarded by hand', ROWS, ({ rule, want }) => {
    load(rule);
    assert.equal(forwarded().split(' ').sort(), want.split(' ').sort());
  });
  claims('D-6 forwards by hand, for the units', {
    'are written beside the ports that the router serves on': () => {
      load('tcp dport { 8080, 8443 } dnat ip to 10.0.0.1');
      const read = (): string =>
        netns
          .run('sh', [
            '-c',
            `RUNTIME_DIRECTORY=$(mktemp -d); export RUNTIME_DIRECTORY
        sh systemd/natpmp-own-ports --lan 192.168.1.1/24 -- ${process.execPath} dist/cli/print-reserved-ports.js; cat $RUNTIME_DIRECTORY/reserved.env; rm -r $RUNTIME_DIRECTORY`,
          ])
          .trim();
      assert.is(read(), 'NATPMP_RESERVED=--reserved-ports 8080 --reserved-ports 8443');
      netns.run('nft', ['flush', 'ruleset']);
      assert.is(read(), 'NATPMP_RESERVED=');
    },
  });
}
