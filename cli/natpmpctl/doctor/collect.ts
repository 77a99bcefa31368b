// Collects the facts that natpmpctl doctor judges. Changes nothing.

import { parseLan } from '../../../config/lans.js';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Lan } from '../../../proto/mapping.js';
import { formatIpv6 } from '../../../proto/ipv6.js';
import { parseIpv4 } from '../../../proto/mapping.js';
import { messageOf } from '../../host/failure.js';
import { altnameText, readInterfaces, readLinks } from '../../host/interfaces.js';
import { kernelSetting, readOr } from '../../host/machine.js';
import { PATH } from '../../host/programs.js';
import { PortFinder } from '../../host/ports-in-use.js';
import { listTables } from '../../host/ruleset.js';
import { readClocks } from '../clocks.js';
import { withHelper } from '../connect.js';
import { externalAddressOn } from '../external-address.js';
import type { DaemonProcess } from '../processes.js';
import { daemonsOf, findDaemons, flagValues, launcherElsewhere, readNamespace } from '../processes.js';
import { collectNftDetails, listRulesetJson } from './collect-firewall.js';
import type { Facts, Interface, LanRoute, Setup, StateDir, Unavailable, Unit } from './facts.js';
import { isUnavailable } from './facts.js';
import { collectUpnp, isUpnpOn } from './collect-upnp.js';
import { missingIsolation } from './isolation.js';
import { chainsOfGateways } from './firewall/ruleset.js';

/** Flags that override what the running daemons show. */
export interface Overrides {
  readonly externalInterface?: string;
  readonly listenInterface?: readonly string[];
  readonly listenPort?: number;
  readonly natTable?: string;
  readonly natChain?: string;
  readonly stateDir?: string;
  readonly upnp?: boolean;
  readonly upnpPort?: number;
}

/** TMPFS_MAGIC and RAMFS_MAGIC of linux/magic.h. */
const MEMORY_FILE_SYSTEMS = [0x01021994, 0x858458f6];

/** Listing more would take longer than all the rest. */
const MAX_LISTED_MAPPINGS = 5000;

export async function collectFacts(socketPath: string, overrides: Overrides): Promise<Facts> {
  const daemons = daemonsOf(findDaemons(), socketPath);
  const setup = setupOf(daemons, overrides);
  const interfaces = collectInterfaces(setup.externalInterface);
  const launcher = launcherElsewhere(daemons);
  const { wallMs, bootMs } = readClocks();
  const { helper, mappings } = await askHelper(socketPath);
  const tables = attempt(listTables);
  const rulesetListing = attempt(listRulesetJson);
  const units = findUnits();
  const inodesOf = (which: DaemonProcess['role']): ReadonlySet<string> | null =>
    socketInodes(daemons.filter(({ role }) => role === which));
  return {
    setup,
    daemons,
    elsewhere: launcher === null ? null : `${enter(launcher)} natpmpctl doctor --socket ${socketPath}`,
    missingIsolation: inspectIsolation(daemons, launcher ?? 'self'),
    interfaces,
    helper,
    mappings,
    tables,
    rulesetListing,
    nftDetails: isUnavailable(rulesetListing)
      ? { text: '', elements: new Map(), iptables: '', ip6tables: '' }
      : collectNftDetails(rulesetListing, chainsOfGateways(tables)),
    portsInUse: findPorts(setup),
    altnames: new Map(
      [...setup.listenInterfaces, ...(setup.externalInterface === null ? [] : [setup.externalInterface])].flatMap(
        (name): [string, string][] => {
          const text = altnameText(name);
          return text === null ? [] : [[name, text]];
        },
      ),
    ),
    interfaceGroups: new Map(
      [...interfaces.keys()].map((name) => [name, Number(readOr(`/sys/class/net/${name}/netdev_group`, '0'))]),
    ),
    ...routesIn(readOr('/proc/net/route', '')),
    ipv6: collectIpv6(),
    upnp:
      overrides.upnp === true || isUpnpOn(daemons, units)
        ? await collectUpnp(daemons, setup, socketPath, inodesOf('upnp'), overrides.upnpPort)
        : null,
    kernelSettings: readKernelSettings(
      [setup.externalInterface, ...setup.listenInterfaces].filter((name) => name !== null),
    ),
    udpTable: readOr('/proc/net/udp', ''),
    frontendInodes: inodesOf('frontend'),
    legacyTables: readOr('/proc/net/ip_tables_names', '')
      .split('\n')
      .filter((name) => name !== ''),
    stateDir: inspectStateDir(setup.stateDir),
    units,
    wallMs,
    bootMs,
  };
}

/** Pure: from the flags, else from the command lines of the daemons, else the defaults. */
export function setupOf(daemons: readonly DaemonProcess[], overrides: Overrides): Setup {
  const values = (flag: string): readonly string[] => daemons.flatMap(({ args }) => flagValues(args, flag));
  const externalAddress =
    values('--external-address')
      .map(parseIpv4)
      .find((address) => address !== null) ?? null;
  const isServed = daemons.some(({ role }) => role === 'server');
  const isSandbox = daemons.some(({ role, args }) => role === 'server' && args.includes('--sandbox'));
  const listed = values('--listen-interface');
  return {
    externalInterface: overrides.externalInterface ?? values('--external-interface')[0] ?? null,
    externalAddress,
    // Each daemon names them.
    listenInterfaces: [
      ...new Set(overrides.listenInterface ?? (listed.length === 0 && isServed ? ['br-lan'] : listed)),
    ],
    // The sandbox also serves the host's loopback, which is no LAN.
    lans: [...new Set(values('--lan').flatMap((text) => text.split(',')))]
      .map(parseLan)
      .filter((lan) => lan !== null)
      .filter(({ routerAddress }) => routerAddress >>> 24 !== 127),
    // That of the sandbox is on the host's loopback.
    listenPort: overrides.listenPort ?? Number((isSandbox ? [] : values('--listen-port'))[0] ?? 5351),
    natTable: overrides.natTable ?? values('--nat-table')[0] ?? 'nat',
    natChain: overrides.natChain ?? values('--nat-chain')[0] ?? 'NATPMP',
    stateDir: overrides.stateDir ?? values('--state-dir')[0] ?? '/var/lib/natpmp-server',
  };
}

async function askHelper(socketPath: string): Promise<Pick<Facts, 'helper' | 'mappings'>> {
  try {
    return await withHelper(socketPath, async (helper) => {
      const status = await helper.status();
      return { helper: status, mappings: status.mappings > MAX_LISTED_MAPPINGS ? [] : await helper.list() };
    });
  } catch (error) {
    return { helper: { reason: messageOf(error) }, mappings: [] };
  }
}

function findPorts(setup: Setup): Facts['portsInUse'] {
  const { externalInterface, externalAddress, natTable: table, natChain: chain } = setup;
  return externalInterface === null
    ? null
    : attempt(() => new PortFinder({ externalInterface, externalAddress, own: { table, chain } }).find(true));
}

function attempt<T>(read: () => T): T | Unavailable {
  try {
    return read();
  } catch (error) {
    return { reason: messageOf(error) };
  }
}

/** The address that clients are told is the first one of the external interface, whatever the kernel's order. */
function collectInterfaces(external: string | null): ReadonlyMap<string, Interface> {
  const links = readLinks();
  const told = external === null ? null : externalAddressOn(external);
  const toldFirst = (lans: readonly Lan[]): readonly Lan[] => [
    ...lans.filter(({ routerAddress }) => routerAddress === told),
    ...lans.filter(({ routerAddress }) => routerAddress !== told),
  ];
  return new Map(
    [...readInterfaces()].map(([name, lans]) => [
      name,
      { isUp: false, isRunning: false, ...links.get(name), lans: name === external ? toldFirst(lans) : lans },
    ]),
  );
}

/** Pure: what /proc/net/route has: the interfaces with a default route, and the other routes. */
export function routesIn(table: string): Pick<Facts, 'defaultRoutes' | 'routes'> {
  const routes = table
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t'))
    .filter((fields) => fields.length > 7)
    .map(([interfaceName = '', to = '', , , , , , mask = '']) => ({
      interfaceName,
      address: littleEndian(to),
      prefixLength: Math.clz32(~littleEndian(mask)),
    }));
  const isDefault = ({ address, prefixLength }: LanRoute): boolean => address === 0 && prefixLength === 0;
  return {
    defaultRoutes: [...new Set(routes.filter(isDefault).map(({ interfaceName }) => interfaceName))],
    routes: routes.filter((route) => !isDefault(route)),
  };
}

/** An address or a mask as the kernel prints it: the bytes of a number of this machine. */
function littleEndian(digits: string): number {
  return Buffer.from(digits, 'hex').readUInt32LE();
}

function collectIpv6(): Facts['ipv6'] {
  const addresses = readOr('/proc/net/if_inet6', null);
  if (addresses === null) return null;
  return {
    addresses: globalAddresses(addresses),
    defaultRoutes: ipv6DefaultRoutes(readOr('/proc/net/ipv6_route', '')),
    udpTable: readOr('/proc/net/udp6', ''),
    legacyTables: readOr('/proc/net/ip6_tables_names', '').split('\n').filter(Boolean),
  };
}

/** Pure: global unicast addresses (2000::/3) in /proc/net/if_inet6, by interface. */
export function globalAddresses(table: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const [, digits = '', name = ''] of table.matchAll(/^([0-9a-f]{32}) .* (\S+)$/gm)) {
    if (!/^[23]/.test(digits)) continue;
    found.set(name, [...(found.get(name) ?? []), formatIpv6(digits)]);
  }
  return found;
}

/** Pure: the interfaces with a default route in /proc/net/ipv6_route; where there is none, lo rejects all. */
export function ipv6DefaultRoutes(table: string): readonly string[] {
  const rows = table.split('\n').map((line) => line.trim().split(/\s+/));
  return [
    ...new Set(
      rows.flatMap(([to = '', length, , , , , , , , name = '']) =>
        /^0{32}$/.test(to) && length === '00' && name !== 'lo' ? [name] : [],
      ),
    ),
  ];
}

function readKernelSettings(interfaces: readonly string[]): ReadonlyMap<string, string> {
  const names = [
    'net/ipv4/ip_forward',
    'net/bridge/bridge-nf-call-iptables',
    'net/netfilter/nf_conntrack_count',
    'net/netfilter/nf_conntrack_max',
    'net/ipv6/conf/all/disable_ipv6',
    'net/ipv6/conf/all/forwarding',
    ...interfaces.flatMap((name) => [`net/ipv4/conf/${name}/forwarding`, `net/ipv6/conf/${name}/force_forwarding`]),
  ];
  return new Map(
    names.flatMap((name) => {
      const value = kernelSetting(name);
      return value === null ? [] : [[name, value] as const];
    }),
  );
}

/** Without the right to create network namespaces, the sandbox is in a user namespace, which has to be entered too. */
function enter(pid: number): string {
  const isSameUser = readNamespace(pid, 'user') === readNamespace('self', 'user');
  return `nsenter --target=${pid}${isSameUser ? '' : ' --user --preserve-credentials'} --net`;
}

/** `gateway`: a process in the network of the gateway. */
function inspectIsolation(
  daemons: readonly DaemonProcess[],
  gateway: number | 'self',
): ReadonlyMap<number, readonly string[]> {
  return new Map(
    daemons
      .filter(({ role }) => role !== 'server')
      .flatMap(({ pid }): [number, readonly string[]][] => {
        try {
          const sharesNetwork = readlinkSync(`/proc/${pid}/ns/net`) === readlinkSync(`/proc/${gateway}/ns/net`);
          return [[pid, missingIsolation(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'), sharesNetwork)]];
        } catch {
          return [];
        }
      }),
  );
}

function socketInodes(frontends: readonly DaemonProcess[]): ReadonlySet<string> | null {
  try {
    return new Set(
      frontends.flatMap(({ pid }) =>
        readdirSync(`/proc/${pid}/fd`).flatMap(
          (fd) => /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [],
        ),
      ),
    );
  } catch {
    return null;
  }
}

function inspectStateDir(path: string): StateDir | Unavailable | null {
  try {
    const { uid, mode } = statSync(path);
    const { bavail, bsize, type } = statfsSync(path);
    const journal = join(path, 'leases.journal');
    return {
      uid,
      mode: mode & 0o777,
      freeBytes: bavail * bsize,
      isVolatile: MEMORY_FILE_SYSTEMS.includes(type),
      writtenAtMs: existsSync(journal) ? statSync(journal).mtimeMs : null,
    };
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? null : { reason: messageOf(error) };
  }
}

/** Those of UPnP with their sockets, because another program may have the port. */
const OUR_UNITS: readonly string[] = [
  'natpmp-helper.service',
  'natpmp-frontend@*.service',
  'natpmp-upnp@*.service',
  'natpmp-upnp@*.socket',
  'natpmp-ssdp@*.socket',
];

/** Our units, if systemd runs and has them. */
function findUnits(): readonly Unit[] {
  if (!existsSync('/run/systemd/system')) return [];
  const { stdout } = spawnSync('systemctl', ['show', ...OUR_UNITS, '--property=Id,LoadState,ActiveState,NRestarts'], {
    encoding: 'utf8',
    env: { PATH },
    timeout: 5000,
  });
  return parseUnits(stdout ?? '');
}

/** Pure: what `systemctl show` prints, a paragraph for each unit. */
export function parseUnits(shown: string): readonly Unit[] {
  return shown.split('\n\n').flatMap((paragraph) => {
    const value = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(paragraph)?.[1] ?? '';
    return value('LoadState') === 'loaded'
      ? { name: value('Id'), state: value('ActiveState'), restarts: Number(value('NRestarts')) }
      : [];
  });
}
