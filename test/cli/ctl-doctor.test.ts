// What natpmpctl doctor makes of what it sees: a router in order, and each thing that may be wrong with it.

import * as assert from 'uvu/assert';
import { diagnose, formatFindings, wrap } from '../../cli/natpmpctl/doctor.js';
import type { Facts } from '../../cli/natpmpctl/doctor/facts.js';
import { cases, claims } from '../support/cases.js';
import {
  daemon,
  entry,
  HEAD,
  HEALTHY,
  HEALTHY_TABLES,
  lan,
  OWN_RULESET,
  report,
  state,
  udp,
  up,
  wan,
} from '../support/healthy-router.js';
import { kernel, line, setup, without } from './doctor-support.js';

claims('doctor: a router in order', {
  'nothing fails, nothing is to be looked at; what was not checked is said': () => {
    const findings = diagnose(HEALTHY);
    assert.equal(findings.filter(({ verdict }) => verdict !== 'ok').map(line), ['unknown request']);
    assert.equal(
      findings.map(({ check }) => check),
      [
        'helper',
        'frontend',
        'socket',
        'request',
        'LAN',
        'external',
        'double NAT',
        'forwarding',
        'ruleset',
        'input',
        'firewall',
        'ports',
        'bridge',
        'conntrack',
        'state',
        'clock',
        'sandbox',
      ],
    );
  },
});

interface Broken {
  readonly name: string;
  readonly seen: Partial<Facts>;
  readonly want: string;
  /** In what it says, or in what to do. */
  readonly says: RegExp;
}
cases<Broken>(
  'doctor: each fault is found, and nothing else',
  [
    {
      name: 'no helper',
      seen: { helper: { reason: 'nobody listens at /run/natpmp/helper.sock' } },
      want: 'fail helper',
      says: /nobody listens/,
    },
    {
      name: 'a full table',
      seen: { helper: { ...report, mappings: 129024 } },
      want: 'warn helper',
      says: /full.*revoke --host/,
    },
    {
      name: 'a firewall that is reloaded all the time',
      seen: { helper: { ...report, resynchronisations: 21 } },
      want: 'warn helper',
      says: /21 times.*nft monitor/,
    },
    {
      name: 'no frontend',
      seen: { daemons: [daemon('helper')], frontendInodes: null },
      want: 'fail frontend',
      says: /nobody answers the LAN/,
    },
    { name: 'nobody listens', seen: { udpTable: HEAD }, want: 'fail socket', says: /192\.168\.1\.1:5351\/udp/ },
    {
      name: 'another address is listened on',
      seen: { udpTable: udp('00000000', '4711', '0A7100CB') },
      want: 'fail socket',
      says: /nobody listens/,
    },
    {
      name: 'another program listens',
      seen: { frontendInodes: new Set(['1']) },
      want: 'fail socket',
      says: /another program.*miniupnpd/,
    },
    {
      name: 'nobody reads what is asked',
      seen: { udpTable: udp('00030000') },
      want: 'fail socket',
      says: /197kB? bytes wait|197k bytes wait/,
    },
    {
      name: 'no second socket',
      seen: { udpTable: udp('00000000', '4711', '0101A8C0', '') },
      want: 'warn socket',
      says: /192\.168\.1\.1:5352\/udp.*install\.sh again/,
    },
    {
      name: 'a device that asks more than can be answered',
      seen: { udpTable: udp('00000000', '4711', '0101A8C0', entry('14E8', '00030000')) },
      want: 'warn socket',
      says: /5352\/udp: 197kB? bytes wait.*udp port 5351/,
    },
    {
      name: 'LAN interface missing',
      seen: { interfaces: without('br-lan'), setup: { ...setup, lans: [] } },
      want: 'fail LAN',
      says: /no interface br-lan.*lo, wan0/,
    },
    {
      name: 'LAN interface down',
      seen: { interfaces: without('br-lan', { 'br-lan': { ...up, isUp: false, lans: [lan] } }) },
      want: 'fail LAN',
      says: /is down.*ip link set br-lan up/,
    },
    {
      name: 'LAN address gone',
      seen: { interfaces: without('br-lan', { 'br-lan': { ...up, lans: [{ ...lan, routerAddress: 0xc0a80501 }] } }) },
      want: 'fail LAN',
      says: /serves 192\.168\.1\.1\/24, but no interface/,
    },
    {
      name: 'external interface missing',
      seen: { interfaces: without('wan0') },
      want: 'fail external',
      says: /no interface wan0.*br-lan, lo/,
    },
    {
      name: 'external interface down',
      seen: { interfaces: without('wan0', { wan0: { ...up, isUp: false, lans: [] } }) },
      want: 'fail external',
      says: /is down/,
    },
    {
      name: 'external interface without an address',
      seen: { interfaces: without('wan0', { wan0: { ...up, lans: [] } }) },
      want: 'fail external',
      says: /no IPv4 address.*NETWORK FAILURE/,
    },
    {
      name: 'the modem is off',
      seen: { interfaces: without('wan0', { wan0: { ...up, isRunning: false, lans: [wan] } }) },
      want: 'warn external',
      says: /carrier.*modem/,
    },
    {
      name: 'PPPoE, and the port named',
      seen: { defaultRoutes: ['ppp0'] },
      want: 'warn route',
      says: /through ppp0, not through wan0/,
    },
    { name: 'no default route', seen: { defaultRoutes: [] }, want: 'warn route', says: /no default route/ },
    {
      name: 'behind another router',
      seen: { interfaces: without('wan0', { wan0: { ...up, lans: [{ ...wan, routerAddress: 0x0a000005 }] } }) },
      want: 'warn double NAT',
      says: /10\.0\.0\.5 is a private one.*bridge mode/,
    },
    {
      name: 'behind carrier NAT',
      seen: { setup: { ...setup, externalAddress: 0x64400001 } },
      want: 'warn double NAT',
      says: /100\.64\.0\.1 is a shared one/,
    },
    {
      name: 'forwarding is off',
      seen: { kernelSettings: kernel('net/ipv4/ip_forward', '0') },
      want: 'fail forwarding',
      says: /sysctl -w net\.ipv4\.ip_forward=1/,
    },
    {
      name: 'forwarding is off for one',
      seen: { kernelSettings: kernel('net/ipv4/conf/wan0/forwarding', '0') },
      want: 'fail forwarding',
      says: /off for wan0.*conf\/wan0\/forwarding=1/,
    },
    {
      name: 'no ruleset',
      seen: { tables: { ...HEALTHY_TABLES, rulesets: [] } },
      want: 'fail ruleset',
      says: /no chain NATPMP of ours in table inet nat.*natpmp-ruleset/,
    },
    {
      name: 'the ruleset of another gateway only',
      seen: { tables: { ...HEALTHY_TABLES, rulesets: [{ ...OWN_RULESET, chain: 'PMP2' }] } },
      want: 'fail ruleset',
      says: /no chain NATPMP of ours/,
    },
    {
      name: 'the table of a release before',
      seen: { tables: { ...HEALTHY_TABLES, rulesets: [OWN_RULESET, { ...OWN_RULESET, family: 'ip' }] } },
      want: 'warn ruleset',
      says: /table ip nat of an earlier configuration.*restart/,
    },
    {
      name: 'elements are missing',
      seen: { helper: { ...report, kernelInStep: false } },
      want: 'fail ruleset',
      says: /elements are not what/,
    },
    {
      name: 'flow offload',
      seen: {
        rulesetListing:
          '{"nftables": [{"flowtable": {"family": "inet", "table": "fw4", "name": "ft", "hook": "ingress", "prio": 0, "dev": ["br-lan", "wan0"]}}]}',
      },
      want: 'warn offload',
      says: /flowtable ft of table inet fw4 .*mapping that has ended go on.*ct label 113 return/,
    },
    {
      name: 'old iptables',
      seen: { legacyTables: ['nat', 'filter'] },
      want: 'warn firewall',
      says: /iptables-legacy -I FORWARD/,
    },
    {
      name: 'bridge-nf',
      seen: { kernelSettings: kernel('net/bridge/bridge-nf-call-iptables', '1') },
      want: 'warn bridge',
      says: /breaks hairpin.*--no-hairpin/,
    },
    {
      name: 'conntrack is nearly full',
      seen: { kernelSettings: kernel('net/netfilter/nf_conntrack_count', '900') },
      want: 'warn conntrack',
      says: /is nearly full \(900 of 1000\): .*nf_conntrack_max=2000/,
    },
    {
      name: 'conntrack is full, but for the last places',
      seen: { kernelSettings: kernel('net/netfilter/nf_conntrack_count', '990') },
      want: 'fail conntrack',
      says: /is full \(990 of 1000\): new connections are dropped, to mappings too.*nf_conntrack_max=2000/,
    },
    {
      name: 'no state folder',
      seen: { stateDir: null },
      want: 'fail state',
      says: /there is no \/var\/lib\/natpmp-server/,
    },
    {
      name: "the state folder is somebody else's",
      seen: { stateDir: { ...state, uid: 0 } },
      want: 'fail state',
      says: /belongs to uid 0, the helper is uid 991.*chown/,
    },
    {
      name: 'others may look into the state folder',
      seen: { stateDir: { ...state, mode: 0o755 } },
      want: 'warn state',
      says: /mode 755.*chmod 700/,
    },
    { name: 'no room', seen: { stateDir: { ...state, freeBytes: 900_000 } }, want: 'fail state', says: /900kB left/ },
    { name: 'little room', seen: { stateDir: { ...state, freeBytes: 9e6 } }, want: 'warn state', says: /9\.0MB left/ },
    {
      name: 'state in memory',
      seen: { stateDir: { ...state, isVolatile: true } },
      want: 'warn state',
      says: /do not survive a reboot.*--state-dir/,
    },
    {
      name: 'the clock was set back',
      seen: { stateDir: { ...state, writtenAtMs: Date.UTC(2027, 0, 1) } },
      want: 'warn clock',
      says: /written in the future/,
    },
    {
      name: 'a clock of 1970',
      seen: { wallMs: 1000, stateDir: { ...state, writtenAtMs: null } },
      want: 'fail clock',
      says: /1970-01-01/,
    },
    {
      name: 'a helper that runs as root',
      seen: { daemons: [daemon('helper', { uid: 0 }), daemon('frontend')], stateDir: { ...state, uid: 0 } },
      want: 'warn sandbox',
      says: /helper \(pid 7\) runs as root/,
    },
    {
      name: 'a frontend with a capability',
      seen: { daemons: [daemon('helper'), daemon('frontend', { capabilities: 0x1000n })] },
      want: 'warn sandbox',
      says: /frontend \(pid 8\) has capabilities beyond its own \(1000\)/,
    },
    {
      name: 'privileges may be gained',
      seen: { daemons: [daemon('helper', { noNewPrivileges: false }), daemon('frontend')] },
      want: 'warn sandbox',
      says: /may gain privileges/,
    },
    {
      name: 'a daemon that could reach this machine',
      seen: { missingIsolation: new Map([[8, ['sees its processes']]]) },
      want: 'warn sandbox',
      says: /frontend \(pid 8\), if it were taken over: sees its processes/,
    },
    {
      name: 'a unit that failed',
      seen: {
        units: [{ name: 'natpmp-helper.service', state: 'failed', restarts: 0 }],
        daemons: [daemon('helper', { hasSeccompFilter: true }), daemon('frontend', { hasSeccompFilter: true })],
      },
      want: 'fail units',
      says: /natpmp-helper\.service is failed.*journalctl/,
    },
    {
      name: 'a unit that is started again and again',
      seen: {
        units: [{ name: 'natpmp-frontend@lan.service', state: 'active', restarts: 6 }],
        daemons: [daemon('helper', { hasSeccompFilter: true }), daemon('frontend', { hasSeccompFilter: true })],
      },
      want: 'warn units',
      says: /restarted 6 times/,
    },
    {
      name: 'the same, natpmp-upnp',
      seen: {
        units: [{ name: 'natpmp-upnp@br\\x2dlan.service', state: 'active', restarts: 6 }],
        daemons: [daemon('helper', { hasSeccompFilter: true }), daemon('frontend', { hasSeccompFilter: true })],
      },
      want: 'warn units',
      says: /^natpmp-upnp@br\\x2dlan\.service was restarted 6 times journalctl -u 'natpmp-upnp@br\\x2dlan\.service'$/,
    },
    {
      name: 'natpmp-upnp waits for its next start',
      seen: {
        units: [{ name: 'natpmp-upnp@lan.service', state: 'activating', restarts: 4 }],
        daemons: [daemon('helper', { hasSeccompFilter: true }), daemon('frontend', { hasSeccompFilter: true })],
      },
      want: 'fail units',
      says: /natpmp-upnp@lan\.service is activating/,
    },
    {
      name: 'units without a filter of system calls',
      seen: {
        units: [{ name: 'natpmp-helper.service', state: 'active', restarts: 0 }],
        daemons: [daemon('helper'), daemon('frontend', { hasSeccompFilter: true })],
      },
      want: 'warn sandbox',
      says: /no filter of system calls/,
    },
  ],
  ({ seen, want, says }) => {
    const wrong = diagnose({ ...HEALTHY, ...seen }).filter(({ verdict }) => verdict === 'fail' || verdict === 'warn');
    assert.equal(wrong.map(line), [want]);
    assert.match(`${wrong[0]?.says} ${wrong[0]?.remedy}`, says);
  },
);

cases<{ name: string; seen: Partial<Facts>; want: string[] }>(
  'doctor: a thing that cannot be inspected is unknown',
  [
    {
      name: 'not root',
      seen: {
        tables: { reason: 'nft: Operation not permitted' },
        rulesetListing: { reason: 'nft: Operation not permitted' },
        stateDir: { reason: 'EACCES' },
      },
      want: ['ruleset', 'firewall', 'state'],
    },
    {
      name: 'nothing runs, nothing told',
      seen: { setup: { ...setup, externalInterface: null, listenInterfaces: [], lans: [] } },
      want: ['LAN', 'external'],
    },
  ],
  ({ seen, want }) => {
    const unknown = diagnose({ ...HEALTHY, ...seen }).filter(
      ({ verdict, check }) => verdict === 'unknown' && check !== 'request',
    );
    assert.equal(
      unknown.map(({ check }) => check),
      [...want],
    );
  },
);

const LANS = [lan, { routerAddress: 0xc0a80201, prefixLength: 24 }];
const guest = { routerAddress: 0xc0a80301, prefixLength: 24 };
const ANY = '00000000';
cases<{ name: string; seen: Partial<Facts>; want: readonly string[] }>(
  'doctor: one finding for one LAN, with all of its addresses',
  [
    {
      name: 'served by one socket',
      seen: { udpTable: udp('00000000', '4711', ANY, entry('14E8', '00000000', '4712', ANY)) },
      want: [
        'ok LAN: br-lan is up and has 192.168.1.1/24, 192.168.2.1/24',
        'unknown request: not asked',
        'ok socket: 192.168.1.1:5351/udp (and at 192.168.2.1) is open, the frontend holds it, and read',
      ],
    },
    {
      name: 'the same, by their addresses',
      seen: {
        setup: { ...setup, lans: LANS },
        udpTable: udp('00000000', '4711', ANY, entry('14E8', '00000000', '4712', ANY)),
      },
      want: [
        'ok LAN: br-lan is up and has 192.168.1.1/24, 192.168.2.1/24',
        'unknown request: not asked',
        'ok socket: 192.168.1.1:5351/udp (and at 192.168.2.1) is open, the frontend holds it, and read',
      ],
    },
    {
      name: 'by none',
      seen: { udpTable: HEAD },
      want: [
        'ok LAN: br-lan is up and has 192.168.1.1/24, 192.168.2.1/24',
        'fail socket: nobody listens on 192.168.1.1:5351/udp (and at 192.168.2.1)',
      ],
    },
    {
      name: 'at one of them',
      seen: {},
      want: [
        'ok LAN: br-lan is up and has 192.168.1.1/24, 192.168.2.1/24',
        'unknown request: not asked',
        'fail socket: nobody listens on 192.168.2.1:5351/udp',
        'ok socket: 192.168.1.1:5351/udp is open, the frontend holds it, and read',
      ],
    },
    {
      name: 'without a second socket, in two LANs',
      seen: {
        setup: { ...setup, listenInterfaces: ['br-lan', 'br-guest'], lans: [] },
        udpTable: udp('00000000', '4711', ANY, ''),
        interfaces: new Map([
          ...HEALTHY.interfaces,
          ['br-lan', { ...up, lans: LANS }],
          ['br-guest', { ...up, lans: [guest] }],
        ]),
      },
      want: [
        'ok LAN: br-guest is up and has 192.168.3.1/24',
        'ok LAN: br-lan is up and has 192.168.1.1/24, 192.168.2.1/24',
        'unknown request: not asked',
        'unknown request: not asked',
        'ok socket: 192.168.1.1:5351/udp (and at 192.168.2.1) is open, the frontend holds it, and read',
        'warn socket: nobody listens on 192.168.1.1:5352/udp (and at 192.168.2.1)',
        'ok socket: 192.168.3.1:5351/udp is open, the frontend holds it, and read',
        'warn socket: nobody listens on 192.168.3.1:5352/udp',
      ],
    },
  ],
  ({ seen, want }) => {
    const interfaces = new Map([...HEALTHY.interfaces, ['br-lan', { ...up, lans: LANS }]]);
    const found = diagnose({ ...HEALTHY, setup: { ...setup, lans: [] }, interfaces, ...seen })
      .filter(({ check }) => ['LAN', 'socket', 'request'].includes(check))
      .map(
        ({ check, verdict, says }) =>
          `${verdict} ${check}: ${says.replace(/:? (?:a device over|requests are taken).*/, '')}`,
      );
    assert.equal(
      found.toSorted((one, other) => one.replace(/^\w+ /, '').localeCompare(other.replace(/^\w+ /, ''))),
      want.toSorted((one, other) => one.replace(/^\w+ /, '').localeCompare(other.replace(/^\w+ /, ''))),
    );
  },
);

claims('doctor: for people', {
  'what to do stands below what is wrong, within 80 columns': () => {
    const text = formatFindings(
      diagnose({ ...HEALTHY, kernelSettings: kernel('net/ipv4/ip_forward', '0'), legacyTables: ['filter'] }),
      80,
      false,
    );
    for (const each of text.split('\n')) assert.ok(each.length <= 80, each);
    assert.match(
      text,
      /^FAIL  forwarding  net\.ipv4\.ip_forward is 0: this host forwards no packets, so no\n {18}mapping can work\n {18}-> sysctl -w /m,
    );
    assert.match(text, /\n\n1 failed, 1 to look at$/);
    assert.match(formatFindings(diagnose(HEALTHY), 80, false), /\n\nnothing wrong was found$/);
  },
  'colours the verdict alone': () =>
    assert.match(formatFindings(diagnose(HEALTHY), 80, true), /^\x1b\[32mok    \x1b\[0mhelper {6}answers/),
  wrap: () => assert.equal(wrap('a bb ccc dddddddd e', 6), ['a bb', 'ccc', 'dddddddd', 'e']),
});

claims('doctor: an interface by its altname', {
  'is told by its name': () => {
    const names = { externalInterface: 'enp3s0', listenInterfaces: ['lan'] };
    const altnames = new Map([
      ['enp3s0', 'enp3s0 is another name (altname) of wan0: give wan0'],
      ['lan', 'lan is another name (altname) of br-lan: give br-lan'],
    ]);
    const told = diagnose({ ...HEALTHY, setup: { ...setup, ...names }, altnames }).map(({ says }) => says);
    for (const text of altnames.values()) assert.ok(told.includes(text), told.join('\n'));
  },
});
