// What natpmpctl doctor makes of what it sees: a router in order, and each thing that may be wrong with it.

import * as assert from 'uvu/assert';
import { diagnose, formatFindings, wrap } from '../../cli/natpmpctl/doctor.js';
import { PortSet } from '../../cli/host/port-set.js';
import { readSocketTable } from '../../cli/host/socket-table.js';
import {
  globalAddresses,
  ipv6DefaultRoutes,
  parseUnits,
  routesIn,
  setupOf,
} from '../../cli/natpmpctl/doctor/collect.js';
import type { Facts } from '../../cli/natpmpctl/doctor/facts.js';
import type { Finding } from '../../cli/natpmpctl/finding.js';
import type { Origin } from '../../proto/mapping.js';
import type { DaemonProcess } from '../../cli/natpmpctl/processes.js';
import { believed, daemonOf, flagValues, daemonsOf, withConfig } from '../../cli/natpmpctl/processes.js';
import { missingIsolation } from '../../cli/natpmpctl/doctor/isolation.js';
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

const setup = HEALTHY.setup;
const NO_PORTS = { ports: PortSet.NONE, ofAdministrator: PortSet.NONE, capped: [], unread: [], legacy: null };
const without = (name: string, also: Record<string, object> = {}) =>
  new Map([...HEALTHY.interfaces].filter(([each]) => each !== name).concat(Object.entries(also) as never[]));
const kernel = (name: string, value: string) => new Map([...HEALTHY.kernelSettings, [name, value]]);
const line = ({ check, verdict }: Finding): string => `${verdict} ${check}`;

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
      seen: {
        ipv6: { ...IPV6, defaultRoutes: ['sit1'] },
        nftDetails: {
          ...HEALTHY.nftDetails,
          text: 'table inet nat {\n\tchain NATPMP-forward6 {\n\t\tmeta nfproto ipv6 ct label 113 goto NATPMP-live6\n\t\tiifname "sit1" oifname "br-lan" ct state new\n\t}\n}\n',
        },
      },
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

const files = (...words: string[]) => ({
  cmdline: words.map((word) => `${word}\0`).join(''),
  status: 'Uid:\t991\t991\nCapEff:\t0000000000001000\nNoNewPrivs:\t1\nSeccomp:\t2\n',
  stat: `7 (node (x) y) S 1 7 7 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 11 0 5000 0`,
});
cases<{ name: string; files: ReturnType<typeof files>; want: [DaemonProcess['role'], string[]] | null; jit?: true }>(
  'processes',
  [
    {
      name: 'a helper, with flags of node',
      files: files('/usr/bin/node', '--jitless', '/usr/lib/natpmp/dist/helper/main.js', '--lan', '192.168.1.1/24'),
      want: ['helper', ['--lan', '192.168.1.1/24']],
    },
    { name: 'a frontend', files: files('node', 'frontend/main.js'), want: ['frontend', []], jit: true },
    {
      name: 'a helper with a JIT, whatever is behind its program',
      files: files('/usr/bin/node', '--disable-proto=throw', '/x/helper/main.js', '--jitless'),
      want: ['helper', ['--jitless']],
      jit: true,
    },
    { name: 'natpmp-upnp', files: files('node', '--jitless', '/x/upnp/main.js'), want: ['upnp', []] },
    {
      name: 'a launcher by its link',
      files: files('node', '/usr/local/bin/natpmp-server', '--sandbox'),
      want: ['server', ['--sandbox']],
      jit: true,
    },
    {
      name: 'the launcher inside the sandbox',
      files: files('node', '/x/cli/server/sandbox-inside.js', '--sandbox'),
      want: ['server', ['--sandbox']],
      jit: true,
    },
    { name: 'the printing of a ruleset', files: files('node', '/x/cli/natpmp-server.js', 'ruleset'), want: null },
    {
      name: 'a shell about to become one',
      files: files('sh', '-c', 'exec "$@"', 'sh', 'node', '/x/helper/main.js'),
      want: null,
    },
    { name: 'another program of node', files: files('node', '/x/main.js'), want: null },
    { name: 'an editor', files: files('vi', '/x/helper/main.js'), want: null },
    { name: 'a kernel thread', files: files(), want: null },
  ],
  ({ files: one, want, jit = false }) => {
    const found = daemonOf(7, one, 100);
    assert.equal(found === null ? null : [found.role, found.args], want);
    if (found !== null) assert.is(found.hasJit, jit);
    if (found !== null)
      assert.equal(
        [found.uid, found.capabilities, found.noNewPrivileges, found.hasSeccompFilter, found.uptimeSeconds],
        [991, 0x1000n, true, true, 50],
      );
  },
);

const withFilter = { hasSeccompFilter: true };
const UNDER_SYSTEMD: Partial<Facts> = { units: [{ name: 'natpmp-helper.service', state: 'active', restarts: 0 }] };
const NO_EXCESS = 'ok the daemons have no right that they do not need';
cases<{ name: string; seen: Partial<Facts>; want: readonly string[] }>(
  'doctor: a JIT is what the administrator has chosen',
  [
    { name: 'none', seen: {}, want: [NO_EXCESS] },
    {
      name: 'that of the launcher itself is none',
      seen: { daemons: [daemon('server', { hasJit: true }), daemon('helper'), daemon('frontend')] },
      want: [NO_EXCESS],
    },
    {
      name: 'natpmp-server --jit',
      seen: { daemons: [daemon('helper', { hasJit: true }), daemon('frontend', { hasJit: true })] },
      want: [
        NO_EXCESS,
        'ok helper (pid 7), frontend (pid 8) run with a JIT, as chosen by --jit: memory may be writable and executable',
      ],
    },
    {
      name: 'install.sh --jit yes, of one that was not restarted yet',
      seen: {
        ...UNDER_SYSTEMD,
        daemons: [daemon('helper', withFilter), daemon('frontend', { ...withFilter, hasJit: true })],
      },
      want: [NO_EXCESS, 'ok frontend (pid 8) runs with a JIT, as chosen by --jit: MemoryDenyWriteExecute is off'],
    },
    {
      name: 'beside something that was not chosen',
      seen: { daemons: [daemon('helper'), daemon('frontend', { uid: 0, hasJit: true })] },
      want: [
        'warn frontend (pid 8) runs as root',
        'ok frontend (pid 8) runs with a JIT, as chosen by --jit: memory may be writable and executable',
      ],
    },
  ],
  ({ seen, want }) =>
    assert.equal(
      diagnose({ ...HEALTHY, ...seen })
        .filter(({ check }) => check === 'sandbox')
        .map(({ verdict, says }) => `${verdict} ${says}`),
      want,
    ),
);

const staticTo = (internalAddress: number, origin: Origin = 'static') =>
  ({ protocol: 'tcp', externalPort: 8500, internalAddress, internalPort: 80, origin }) as const;
cases<{ name: string; facts: Partial<Facts>; want: RegExp | null }>(
  'doctor: where static mappings lead',
  [
    { name: 'a LAN', facts: { mappings: [staticTo(0xc0a80102)] }, want: null },
    {
      name: 'a network behind a router of the LAN',
      facts: {
        mappings: [staticTo(0x0a010203)],
        routes: [
          { interfaceName: 'wan0', address: 0x0a000000, prefixLength: 8 },
          { interfaceName: 'br-lan', address: 0x0a010000, prefixLength: 16 },
        ],
      },
      want: null,
    },
    {
      name: 'a network beyond another interface',
      facts: {
        mappings: [staticTo(0xc0a80102)],
        routes: [
          { interfaceName: 'br-lan', address: 0xc0a80000, prefixLength: 16 },
          { interfaceName: 'wg0', address: 0xc0a80100, prefixLength: 24 },
        ],
      },
      want: /^warn mappings the static mapping of tcp 8500 leads to 192\.168\.1\.2, and no route into a LAN leads there/,
    },
    {
      name: 'nowhere',
      facts: { mappings: [staticTo(0x0a010203)] },
      want: /^warn mappings .* no route into a LAN leads there .*natpmpctl remove tcp 8500$/,
    },
    { name: 'nowhere, but it is not static', facts: { mappings: [staticTo(0x0a010203, 'dynamic')] }, want: null },
    {
      name: 'the router itself',
      facts: { mappings: [staticTo(0xc0a80101)] },
      want: /^warn mappings .* leads to 192\.168\.1\.1, which is the router itself/,
    },
  ],
  ({ facts, want }) => {
    const told = diagnose({ ...HEALTHY, ...facts })
      .filter(({ check }) => check === 'mappings')
      .map(({ verdict, check, says, remedy }) => `${verdict} ${check} ${says} ${remedy}`);
    if (want === null) assert.equal(told, []);
    else assert.match(told.join(), want);
  },
);

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

cases<{ name: string; facts: Partial<Facts>; want: RegExp }>(
  'doctor: ports',
  [
    {
      name: 'a forward that cannot be read',
      facts: { portsInUse: { ...NO_PORTS, unread: ['chain c of table ip t forwards what has meta mark 7'] } },
      want: /^warn ports chain c of table ip t forwards what has meta mark 7.*reserved-ports/,
    },
    {
      name: 'a user with sockets on more ports than count',
      facts: { portsInUse: { ...NO_PORTS, capped: [{ uid: 1000, ports: 300 }] } },
      want: /^warn ports user 1000 has sockets on more than 256 ports/,
    },
    {
      name: 'a static mapping on a port that the router needs',
      facts: {
        portsInUse: { ...NO_PORTS, ports: PortSet.of([{ from: 8500, to: 8500 }]) },
        mappings: [
          { protocol: 'tcp', externalPort: 8500, internalAddress: 0xc0a80102, internalPort: 80, origin: 'static' },
          { protocol: 'udp', externalPort: 8500, internalAddress: 0xc0a80102, internalPort: 80, origin: 'dynamic' },
        ],
      },
      want: /^warn ports the router itself needs port 8500: the static tcp mapping to 192\.168\.1\.2:80 .*revoke --static --port tcp\/8500/,
    },
    {
      name: 'forwards of iptables-legacy that the daemons are not told',
      facts: {
        daemons: [daemon('frontend', { args: ['--reserved-ports', '8080', '--reserved-ports=22,8443-8450'] })],
        portsInUse: {
          ...NO_PORTS,
          legacy: PortSet.of([
            { from: 8080, to: 8081 },
            { from: 8445, to: 8451 },
          ]),
        },
      },
      want: /^warn ports iptables-legacy forwards 8081, 8451, and the daemons do not know.*reserved-ports = 8081,8451$/,
    },
    {
      name: 'nft that fails',
      facts: { portsInUse: { reason: 'nft: no' } },
      want: /^unknown ports not checked: nft: no/,
    },
  ],
  ({ facts, want }) => {
    const told = diagnose({ ...HEALTHY, ...facts }).filter(({ check }) => check === 'ports');
    assert.is(told.length, 1);
    assert.match(told.map(({ verdict, check, says, remedy }) => `${verdict} ${check} ${says} ${remedy}`).join(), want);
  },
);

claims('doctor: what it finds out by itself', {
  'values of flags, in both ways of writing': () =>
    assert.equal(flagValues(['--lan', 'a', '--lan=b', '--x', 'c', '--lan'], '--lan'), ['a', 'b']),
  'what its configuration file says counts, and a flag counts more': () => {
    const read = (path: string) =>
      path === '/etc/gateway.conf' ? 'external-interface = ppp0\nnat-table = mine\n' : '';
    const args = withConfig(
      daemon('server', { args: ['--config', '/etc/gateway.conf', '--nat-table', 'other'] }),
      read,
    );
    assert.equal([flagValues(args, '--external-interface'), flagValues(args, '--nat-table')], [['ppp0'], ['other']]);
  },
  'a file that cannot be read, or is wrong, is as none': () => {
    const args = ['--config', '/x', '--nat-table', 'other'];
    assert.equal(
      withConfig(daemon('server', { args }), () => {
        throw new Error('EACCES');
      }),
      args,
    );
    assert.equal(
      withConfig(daemon('helper', { args }), () => 'nonsense'),
      args,
    );
  },
  'believed are daemons of root and of ourselves, and units of systemd': () => {
    const cgroups = new Map([
      [1, '0::/machine/init.scope\n'],
      [21, '0::/machine/system.slice/natpmp-helper.service\n'],
      [22, '0::/machine/system.slice/system-natpmp\\x2dfrontend.slice/natpmp-frontend@br\\x2dlan.service\n'],
      [31, '0::/machine/user.slice/user-1000.slice/user@1000.service/system.slice/natpmp-helper.service\n'],
      [32, '0::/machine/user.slice/user-1000.slice/session-1.scope\n'],
      [33, '0::/system.slice/natpmp-helper.service\n'],
      [23, '0::/machine/system.slice/system-natpmp\\x2dupnp.slice/natpmp-upnp@br\\x2dlan.service\n'],
    ]);
    const all = [
      daemon('server', { pid: 10, uid: 0 }),
      daemon('helper', { pid: 11, parent: 10 }),
      daemon('frontend', { pid: 12, parent: 10 }),
      daemon('server', { pid: 13, uid: 1001 }),
      daemon('frontend', { pid: 14, parent: 13 }),
      daemon('helper', { pid: 21, parent: 1 }),
      daemon('frontend', { pid: 22, parent: 1 }),
      daemon('upnp', { pid: 23, parent: 1 }),
      daemon('server', { pid: 30, uid: 1000 }),
      daemon('helper', { pid: 31, parent: 1, uid: 1000 }),
      daemon('frontend', { pid: 32, parent: 30, uid: 1000 }),
      daemon('helper', { pid: 33, parent: 1, uid: 1000 }),
    ];
    const pids = believed(all, 1001, (pid) => cgroups.get(pid) ?? '').map(({ pid }) => pid);
    assert.equal(pids, [10, 11, 12, 13, 14, 21, 22, 23]);
  },
  'which processes belong to a socket': () => {
    const all = [
      daemon('server', { args: ['--run-dir', '/run/other'] }),
      daemon('server', { args: [] }),
      daemon('helper', { args: ['--socket', '/run/other/helper.sock'] }),
      daemon('frontend', { args: ['--helper-socket', '/run/other/helper.sock'] }),
      daemon('frontend'),
    ];
    assert.equal(daemonsOf(all, '/run/other/admin.sock'), [all[0], all[2], all[3]]);
    assert.equal(daemonsOf(all, '/run/natpmp/helper.sock'), [all[1], all[4]]);
  },
  'the setup, from command lines, and flags before them': () => {
    const all = [
      daemon('helper', {
        args: ['--lan', '192.168.1.1/24', '--lan', '127.255.255.254/8', '--nat-table', 'mine', '--state-dir', '/s'],
      }),
      daemon('frontend', {
        args: ['--external-interface', 'ppp0', '--lan', '192.168.1.1/24', '--external-address', '203.0.113.1'],
      }),
    ];
    const found = setupOf(all, {});
    assert.equal(
      [found.externalInterface, found.externalAddress, found.natTable, found.stateDir, found.listenPort],
      ['ppp0', 0xcb007101, 'mine', '/s', 5351],
    );
    assert.ok(found.lans.some(({ routerAddress }) => routerAddress === lan.routerAddress));
    assert.not.ok(found.lans.some(({ routerAddress }) => routerAddress >>> 24 === 127));
    assert.is(setupOf(all, { externalInterface: 'wan0', natTable: 'nat' }).externalInterface, 'wan0');
    assert.equal(setupOf([daemon('server')], {}).listenInterfaces, ['br-lan']);
    assert.equal(setupOf([], {}).listenInterfaces, []);
  },
  'default routes, and the others': () =>
    assert.equal(
      routesIn(
        [
          'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT',
          'wan0\t00000000\t017100CB\t0003\t0\t0\t0\t00000000\t0\t0\t0',
          'wan0\t00000000\t027100CB\t0003\t0\t0\t9\t00000000\t0\t0\t0',
          'br-lan\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0',
          '',
        ].join('\n'),
      ),
      { defaultRoutes: ['wan0'], routes: [{ interfaceName: 'br-lan', address: 0xc0a80100, prefixLength: 24 }] },
    ),
  units: () =>
    assert.equal(
      parseUnits(
        'Id=natpmp-helper.service\nLoadState=loaded\nActiveState=active\nNRestarts=2\n\nId=x.service\n' +
          'LoadState=not-found\nActiveState=inactive\nNRestarts=0\n',
      ),
      [{ name: 'natpmp-helper.service', state: 'active', restarts: 2 }],
    ),
  'UDP sockets': () =>
    assert.equal(readSocketTable(udp('00000010', '4711', '0101A8C0', '')), [
      { address: 0xc0a80101, port: 5351, state: '07', uid: 0, inode: '4711', queuedBytes: 16 },
    ]),
});

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

/** As /proc/PID/mountinfo shows it. */
const mountinfo = (root: string, proc: string): string =>
  [
    `43 42 254:0 /run/natpmp/root / ${root},relatime master:1 - ext4 /dev/vda rw,discard`,
    '44 43 254:0 /usr /usr ro,nosuid,nodev - ext4 /dev/vda rw',
    `45 43 0:41 / /proc ro,nosuid shared:2 master:3 - proc proc ro${proc}`,
    '',
  ].join('\n');

cases(
  'the isolation of a daemon',
  [
    { name: 'whole', seen: mountinfo('ro', ',hidepid=invisible,subset=pid'), shares: false, want: [] },
    {
      name: 'in the network of the machine',
      seen: mountinfo('ro', ',hidepid=invisible'),
      shares: true,
      want: ['is in the network of this machine'],
    },
    {
      name: 'with the root folder of the machine',
      seen: mountinfo('rw', ',hidepid=invisible'),
      shares: false,
      want: ['sees its files and sockets'],
    },
    { name: 'with its processes', seen: mountinfo('ro', ''), shares: false, want: ['sees its processes'] },
    {
      name: 'what is mounted over it counts',
      seen: `${mountinfo('rw', ',hidepid=invisible')}50 43 0:9 / / ro - tmpfs tmpfs rw\n`,
      shares: false,
      want: [],
    },
  ],
  ({ seen, shares, want }) => assert.equal(missingIsolation(seen, shares), want),
);
