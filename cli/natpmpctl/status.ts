// natpmpctl status: the helper's own report, and what /proc shows of the other processes.

import type { Command } from 'commander';
import type { StatusReport } from '../../proto/codec.js';
import { formatIpv4 } from '../../proto/mapping.js';
import { TOOL } from '../../proto/tools.js';
import { formatLan } from '../../config/format.js';
import { MAX_PINHOLE_LIFETIME } from '../../frontend/pcp/policy.js';
import { readInterfaces } from '../host/interfaces.js';
import { kernelSetting } from '../host/machine.js';
import { readClocks } from './clocks.js';
import type { Options } from './command.js';
import { command } from './command.js';
import { chooseSocket, withHelper } from './connect.js';
import type { Connections } from './doctor/network.js';
import { connectionsIn, conntrackFinding } from './doctor/network.js';
import type { Finding } from './finding.js';
import { print, printJson, wantsColour } from './output.js';
import type { DaemonProcess } from './processes.js';
import { externalAddressOn } from './external-address.js';
import { daemonsOf, findDaemons, flagValues, launcherElsewhere } from './processes.js';
import { paint } from './table.js';
import { formatCount, formatSeconds } from './units.js';

/** The JSON of `natpmpctl status`. Stable: other programs read it. Times are seconds. */
export interface ReportedStatus {
  readonly epoch: number;
  readonly mappings: number;
  readonly staticMappings: number;
  readonly maxMappings: number;
  readonly pinholes: number;
  readonly staticPinholes: number;
  /** 0: pinholes are off. */
  readonly maxPinholes: number;
  readonly maxMappingsPerHost: number;
  readonly maxLifetime: number;
  readonly journalBytes: number;
  readonly kernelInStep: boolean;
  /** In the kernel's connection tracking table, of this machine; null if it has none. */
  readonly connections: number | null;
  readonly maxConnections: number | null;
  /** Of the helper, in its own pid namespace. */
  readonly pid: number;
  readonly uptime: number;
  readonly resynchronisations: number;
  /** Those found on this machine; empty if they run elsewhere, or this user may not see them. */
  readonly frontends: readonly { readonly pid: number; readonly uptime: number; readonly lan: readonly string[] }[];
  /** The same of natpmp-upnp. */
  readonly upnp: ReportedStatus['frontends'];
  /** Mappings that were asked for by UPnP; null if it does not run, or there are too many mappings to count. */
  readonly upnpMappings: number | null;
  readonly externalInterface: string | null;
  /** Null if it is not known, or there is none. */
  readonly externalAddress: string | null;
}

/** Listing more would take longer than all the rest. */
const MAX_COUNTED_MAPPINGS = 5000;

/** Pure. `addressOf` returns the address of an interface, `lansOf` its networks; `upnpMappings`: as it is reported. */
export function reportedStatus(
  status: StatusReport,
  nowMs: number,
  daemons: readonly DaemonProcess[] = [],
  addressOf: (name: string) => string | null = () => null,
  lansOf: (name: string) => readonly string[] = (name) => [name],
  upnpMappings: number | null = null,
  connections: Connections | null = null,
): ReportedStatus {
  const { mappings, staticMappings, maxMappings, maxMappingsPerHost, maxLifetime } = status;
  const { pinholes, staticPinholes, maxPinholes, journalBytes, kernelInStep, resynchronisations } = status;
  const seconds = (fromMs: number): number => Math.max(0, Math.floor((nowMs - fromMs) / 1000));
  const frontends = daemons.filter(({ role }) => role === 'frontend');
  const flag = (name: string): string | null => frontends.flatMap(({ args }) => flagValues(args, name)).at(-1) ?? null;
  const externalInterface = flag('--external-interface');
  const reported = ({ pid, uptimeSeconds, args }: DaemonProcess): ReportedStatus['frontends'][number] => {
    const lans = flagValues(args, '--lan');
    return {
      pid,
      uptime: uptimeSeconds,
      lan: lans.length > 0 ? lans : flagValues(args, '--listen-interface').flatMap(lansOf),
    };
  };
  return {
    epoch: seconds(status.epochStart),
    mappings,
    staticMappings,
    maxMappings,
    pinholes,
    staticPinholes,
    maxPinholes,
    maxMappingsPerHost,
    maxLifetime,
    journalBytes,
    kernelInStep,
    connections: connections?.count ?? null,
    maxConnections: connections?.max ?? null,
    pid: status.pid,
    uptime: seconds(status.startedAt),
    resynchronisations,
    frontends: frontends.map(reported),
    upnp: daemons.filter(({ role }) => role === 'upnp').map(reported),
    upnpMappings,
    externalInterface,
    externalAddress: flag('--external-address') ?? (externalInterface === null ? null : addressOf(externalInterface)),
  };
}

export function statusCommand(): Command {
  return command('status', 'the state of the helper, and of the processes around it').action(status);
}

async function status(options: Options): Promise<void> {
  const socketPath = chooseSocket(options);
  const daemons = daemonsOf(findDaemons(), socketPath);
  const hasUpnp = daemons.some(({ role }) => role === 'upnp');
  const { report, upnpMappings } = await withHelper(socketPath, async (helper) => {
    const known = await helper.status();
    const isCounted = hasUpnp && known.mappings <= MAX_COUNTED_MAPPINGS;
    const all = isCounted ? await helper.list() : null;
    return { report: known, upnpMappings: all?.filter(({ tool }) => tool === TOOL.UPNP).length ?? null };
  });
  const { bootMs } = readClocks();
  const reported = reportedStatus(report, bootMs, daemons, ...networkSeen(daemons, upnpMappings));
  if (options.json === true) printJson(reported);
  else print(formatStatus(reported, wantsColour()));
}

/**
 * The last arguments of reportedStatus, as far as they are seen from here: if the gateway is in another network namespace,
 * interfaces of the same names are not its own.
 */
export function networkSeen(
  daemons: readonly DaemonProcess[],
  upnpMappings: number | null,
): readonly [typeof addressOf, typeof networksOf, number | null, Connections | null] {
  return launcherElsewhere(daemons) === null
    ? [addressOf, networksOf, upnpMappings, connectionsIn(kernelSetting)]
    : [() => null, (name) => [name], upnpMappings, null];
}

/** The address of an interface of this machine that clients are told. */
function addressOf(name: string): string | null {
  const address = externalAddressOn(name);
  return address === null ? null : formatIpv4(address);
}

/** The networks of an interface, as the router's address there and the length of the prefix; else its name. */
function networksOf(name: string): readonly string[] {
  const lans = readInterfaces().get(name) ?? [];
  return lans.length > 0 ? lans.map(formatLan) : [name];
}

/** Pure. */
export function formatStatus(report: ReportedStatus, inColour = false): string {
  const { mappings, staticMappings, maxMappings, kernelInStep, externalAddress, externalInterface, frontends } = report;
  const { pinholes, staticPinholes, maxPinholes } = report;
  const conntrack = conntrackOf(report);
  const external =
    externalAddress ?? (externalInterface === null ? 'not known here: no frontend is seen' : 'none seen from here');
  return [
    ['external', externalInterface === null ? external : `${external} on ${externalInterface}`],
    ['epoch', `${formatSeconds(report.epoch)} old (${report.epoch} s)`],
    ['mappings', `${mappings} of at most ${maxMappings}, ${staticMappings} of them static`],
    ['pinholes', maxPinholes === 0 ? 'off' : `${pinholes} of at most ${maxPinholes}, ${staticPinholes} of them static`],
    [
      'limits',
      `${report.maxMappingsPerHost} mappings${maxPinholes === 0 ? '' : ' and as many pinholes'} a host, lifetime at most ${formatSeconds(report.maxLifetime)}${maxPinholes === 0 ? '' : `, of pinholes ${formatSeconds(Math.min(report.maxLifetime, MAX_PINHOLE_LIFETIME))}`}`,
    ],
    [
      'kernel',
      kernelInStep
        ? paint('in step with the table', 'green', inColour)
        : paint('NOT in step with the table: is the ruleset installed? See natpmpctl doctor', 'red', inColour),
    ],
    ...(conntrack === null ? [] : [['conntrack', conntrackText(conntrack, inColour)]]),
    [
      'journal',
      `${report.journalBytes} bytes${report.journalBytes < 1000 ? '' : ` (${formatCount(report.journalBytes)})`}`,
    ],
    ['helper', `pid ${report.pid}, up ${formatSeconds(report.uptime)}`],
    ...(frontends.length === 0
      ? [['frontend', 'not seen']]
      : frontends.map(({ pid, uptime, lan }) => [
          'frontend',
          `pid ${pid}, up ${formatSeconds(uptime)}, for ${lan.join(', ')}`,
        ])),
    ...report.upnp.map(({ pid, uptime, lan }) => [
      'upnp',
      `pid ${pid}, up ${formatSeconds(uptime)}, for ${lan.join(', ')}${report.upnpMappings === null ? '' : `; asked for ${report.upnpMappings} of the mappings`}`,
    ]),
    ['resynchronised', `${report.resynchronisations} times since the helper's start`],
  ]
    .map(([name, value]) => `${`${name}:`.padEnd(16)}${value}`)
    .join('\n');
}

/** Pure: how full the kernel's connection tracking table is, as doctor says; null if that is not known. */
export function conntrackOf({ connections, maxConnections }: ReportedStatus): Finding | null {
  if (connections === null || maxConnections === null) return null;
  return conntrackFinding('conntrack', { count: connections, max: maxConnections });
}

function conntrackText({ verdict, says }: Finding, inColour: boolean): string {
  if (verdict === 'ok') return says;
  return paint(`${says}. See natpmpctl doctor`, verdict === 'warn' ? 'yellow' : 'red', inColour);
}
