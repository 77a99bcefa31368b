// One storm over one gateway, beside a client that behaves: before, during and after.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Namespace } from '../support/network.js';
import { LAN_HOSTS, ROUTER, ROUTER6 } from '../load/mappings.js';
import { cpuMicroseconds, memoryOf } from '../load/processes.js';
import type { MeasuredServer, Pids } from '../load/measured-server.js';
import type { Seen } from './client.js';
import { isOfConnections, isOfSsdp, isOverIpv6, type Storm } from './storm.js';

export interface TrialOptions {
  readonly storm: Storm;
  readonly perSecond: number;
  readonly seconds: number;
  readonly hosts: number;
}

export interface Trial {
  readonly options: TrialOptions;
  /** Datagrams or connections a second that were really sent. */
  readonly sentPerSecond: number;
  readonly before: Seen;
  readonly during: Seen;
  readonly after: Seen;
  /** The most memory each process took during the storm, megabytes (10^6) of PSS. */
  readonly memory: Pids;
  /** The same before it. */
  readonly memoryBefore: Pids;
  /** Shares of one core. */
  readonly cpu: Pids;
  /** What they wrote to their logs during the storm, bytes a second. */
  readonly logBytesPerSecond: number;
  /** The table when it is over. */
  readonly listed: {
    readonly count: number;
    readonly hosts: number;
    readonly mostOfAHost: number;
    readonly quota: number;
    /** Mappings of hosts that are none, or on ports that are not given out. */
    readonly outside: readonly string[];
  };
}

/** Of each host of the storm: so few that all of them do not take every port, because the client is to get one. */
const QUOTA = 10;
/** Of the client, and of the one device that forges all IPv6 hosts of a storm: they share it. */
const DEVICE_QUOTA = 100;
/** What the gateway is started with. */
export const FLAGS = [
  '--pinholes',
  ...['--max-mappings-per-ip', String(DEVICE_QUOTA)],
  ...['--rule', `allow ${LAN_HOSTS} max-mappings ${QUOTA}`],
];
export const UPNP_FLAGS = [...FLAGS, '--upnp'];
const FIRST_PORT = 1024;

const SAMPLE_MS = 200;

export async function trial(gateway: MeasuredServer, options: TrialOptions): Promise<Trial> {
  const calmMs = Math.min(2000, options.seconds * 1000);
  const pause = () => new Promise((resolve) => setTimeout(resolve, calmMs));
  const before = await client(gateway, options.storm, pause);

  const pids = gateway.pids();
  const each = (value: (pid: number, role: keyof Pids) => number): Pids =>
    Object.fromEntries(Object.entries(pids).map(([role, pid]) => [role, value(pid, role as keyof Pids)])) as Pids;
  const memoryBefore = each((pid) => memoryOf(pid).pss);
  let memory = memoryBefore;
  const sample = () => {
    memory = each((pid, role) => Math.max(memory[role] ?? 0, memoryOf(pid).pss));
  };
  const cpuBefore = each(cpuMicroseconds);
  const logBefore = gateway.logBytes;
  const sampling = setInterval(sample, SAMPLE_MS);
  let sent = { sent: 0, elapsedMs: 1 };
  const during = await client(gateway, options.storm, async () => {
    sent = await send(gateway, options);
  });
  clearInterval(sampling);
  const logBytesPerSecond = (gateway.logBytes - logBefore) / options.seconds;
  const cpu = each((pid, role) => (cpuMicroseconds(pid) - (cpuBefore[role] ?? 0)) / 1000 / sent.elapsedMs);

  const after = await client(gateway, options.storm, pause);
  const held = await gateway.list();
  const isPinhole = ({ internalAddress }: (typeof held)[number]) => internalAddress.includes(':');
  // Of an earlier storm over the other family there may be some left.
  const listed = isOverIpv6(options.storm)
    ? judgedPinholes(held.filter(isPinhole))
    : judged(held.filter((each) => !isPinhole(each)));
  return {
    options,
    sentPerSecond: (sent.sent / sent.elapsedMs) * 1000,
    before,
    during,
    after,
    memory,
    memoryBefore,
    cpu,
    logBytesPerSecond,
    listed,
  };
}

function judged(mappings: Awaited<ReturnType<MeasuredServer['list']>>): Trial['listed'] {
  const counts = new Map<string, number>();
  for (const { internalAddress } of mappings) counts.set(internalAddress, (counts.get(internalAddress) ?? 0) + 1);
  const outside = mappings.filter(
    ({ internalAddress, externalPort }) =>
      !internalAddress.startsWith('10.77.') || internalAddress === ROUTER || externalPort < FIRST_PORT,
  );
  return {
    count: mappings.length,
    hosts: counts.size,
    mostOfAHost: Math.max(0, ...counts.values()),
    quota: QUOTA,
    outside: outside.map(({ internalAddress, externalPort }) => `${internalAddress} ${externalPort}`),
  };
}

/** The hosts are one device, by its hardware address. */
function judgedPinholes(pinholes: Awaited<ReturnType<MeasuredServer['list']>>): Trial['listed'] {
  const counts = new Map<string, number>();
  for (const { hardwareAddress } of pinholes) {
    const device = hardwareAddress ?? 'unknown';
    counts.set(device, (counts.get(device) ?? 0) + 1);
  }
  const outside = pinholes.filter(
    ({ internalAddress, externalPort }) =>
      !internalAddress.startsWith('2001:db8:77:') || internalAddress === ROUTER6 || externalPort < FIRST_PORT,
  );
  return {
    count: pinholes.length,
    hosts: new Set(pinholes.map(({ internalAddress }) => internalAddress)).size,
    mostOfAHost: Math.max(0, ...counts.values()),
    quota: DEVICE_QUOTA,
    outside: outside.map(({ internalAddress, externalPort }) => `${internalAddress} ${externalPort}`),
  };
}

/** A client that asks while something else goes on. */
async function client(gateway: MeasuredServer, storm: Storm, meanwhile: () => Promise<unknown>): Promise<Seen> {
  const child =
    isOfSsdp(storm) || isOfConnections(storm)
      ? start(gateway.network.neighbour, 'upnp-client.js', [])
      : start(gateway.network.neighbour, 'client.js', [isOverIpv6(storm) ? 'pcp' : 'natpmp']);
  const output = text(child);
  await meanwhile();
  child.stdin?.end();
  return JSON.parse(await output) as Seen;
}

async function send(
  gateway: MeasuredServer,
  { storm, perSecond, seconds, hosts }: TrialOptions,
): Promise<{ sent: number; elapsedMs: number }> {
  const program = isOfConnections(storm) ? 'connections.js' : 'sender.js';
  return JSON.parse(
    await text(start(gateway.network.lan, program, [storm, perSecond, seconds, hosts].map(String))),
  ) as {
    sent: number;
    elapsedMs: number;
  };
}

/** Run a program here in one of the gateway's namespaces. */
function start(namespace: Namespace, program: string, args: readonly string[]): ChildProcess {
  const [first, ...rest] = namespace.entranceUntilOurEnd();
  return spawn(first, [...rest, process.execPath, join(import.meta.dirname, program), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
}

async function text(child: ChildProcess): Promise<string> {
  let said = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const [status] = (await once(child, 'close')) as [number | null];
  if (status !== 0) throw new Error(`${child.spawnargs.join(' ')}: exit ${status}`);
  return said;
}
