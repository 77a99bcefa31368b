// A router in order, as natpmpctl doctor sees it.

import { PortSet } from '../../cli/host/port-set.js';
import type { Facts } from '../../cli/natpmpctl/doctor/facts.js';
import type { DaemonProcess } from '../../cli/natpmpctl/processes.js';
import type { FoundRuleset, Tables } from '../../cli/host/ruleset-plan.js';

export const lan = { routerAddress: 0xc0a80101, prefixLength: 24 };
export const wan = { routerAddress: 0xcb00710a, prefixLength: 24 };
export const up = { isUp: true, isRunning: true };
export const daemon = (role: DaemonProcess['role'], fields: Partial<DaemonProcess> = {}): DaemonProcess => ({
  role,
  pid: role === 'helper' ? 7 : 8,
  parent: 1,
  args: [],
  uid: role === 'helper' ? 991 : 990,
  uptimeSeconds: 60,
  capabilities: role === 'helper' ? 0x1000n : 0n,
  noNewPrivileges: true,
  hasSeccompFilter: false,
  hasJit: false,
  ...fields,
});
export const report = {
  epochStart: 0,
  mappings: 3,
  staticMappings: 1,
  maxMappings: 129024,
  maxMappingsPerHost: 100,
  maxLifetime: 86400,
  journalBytes: 4096,
  kernelInStep: true,
  pid: 7,
  resynchronisations: 2,
  startedAt: 30_000,
  pinholes: 0,
  maxPinholes: 0,
  staticPinholes: 0,
};
export const HEAD =
  '   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops';
export const entry = (port: string, queue: string, inode = '4711', address = '0101A8C0') =>
  `  101: ${address}:${port} 00000000:0000 07 00000000:${queue} 00:00000000 00000000     0        0 ${inode} 2 ffff8880 0\n`;
const SECOND = entry('14E8', '00000000');
export const udp = (queue = '00000000', inode = '4711', address = '0101A8C0', second = SECOND) =>
  `${HEAD}\n${entry('14E7', queue, inode, address)}${second}`;
export const state = { uid: 991, mode: 0o700, freeBytes: 1e9, isVolatile: false, writtenAtMs: Date.UTC(2026, 0, 1) };

export const OWN_RULESET: FoundRuleset = {
  family: 'inet',
  table: 'nat',
  chain: 'NATPMP',
  checksum: '1',
  chains: [],
  sets: [],
  isAlone: true,
  rules: 0,
};
export const HEALTHY_TABLES: Tables = {
  rulesets: [OWN_RULESET],
  removable: new Set(),
  foreign: new Map(),
  owned: new Set(),
};

export const HEALTHY: Facts = {
  setup: {
    externalInterface: 'wan0',
    externalAddress: null,
    listenInterfaces: ['br-lan'],
    lans: [lan],
    listenPort: 5351,
    natTable: 'nat',
    natChain: 'NATPMP',
    stateDir: '/var/lib/natpmp-server',
  },
  helper: report,
  daemons: [daemon('helper'), daemon('frontend')],
  elsewhere: null,
  missingIsolation: new Map(),
  interfaces: new Map([
    ['br-lan', { ...up, lans: [lan] }],
    ['wan0', { ...up, lans: [wan] }],
    ['lo', { ...up, lans: [] }],
  ]),
  defaultRoutes: ['wan0'],
  routes: [{ interfaceName: 'br-lan', address: 0xc0a80100, prefixLength: 24 }],
  ipv6: null,
  upnp: null,
  kernelSettings: new Map([
    ['net/ipv4/ip_forward', '1'],
    ['net/bridge/bridge-nf-call-iptables', '0'],
    ['net/netfilter/nf_conntrack_count', '10'],
    ['net/netfilter/nf_conntrack_max', '1000'],
  ]),
  udpTable: udp(),
  frontendInodes: new Set(['4711']),
  tables: HEALTHY_TABLES,
  rulesetListing: '{"nftables": []}',
  legacyTables: [],
  nftDetails: { text: '', elements: new Map(), iptables: '', ip6tables: '' },
  portsInUse: { ports: PortSet.NONE, ofAdministrator: PortSet.NONE, capped: [], unread: [], legacy: null },
  altnames: new Map(),
  interfaceGroups: new Map(),
  mappings: [],
  stateDir: state,
  units: [],
  wallMs: Date.UTC(2026, 2, 28),
  bootMs: 90_000,
};
