// What natpmpctl prints: the objects of its JSON, and the same for people, at most 80 columns wide. Pure.

import type { StatusReport } from '../proto/codec.js';
import { formatIpv4, type Lease, type Origin, type Protocol } from '../proto/mapping.js';

/** One mapping in the JSON of `natpmpctl list`. Stable: other programs read it. */
export interface ListedMapping {
  readonly protocol: Protocol;
  readonly externalPort: number;
  readonly internalAddress: string;
  readonly internalPort: number;
  readonly origin: Origin;
  /** Seconds, as granted; 0 for a static mapping. */
  readonly lifetime: number;
  /** Seconds; null for a static mapping. */
  readonly timeLeft: number | null;
}

/** The JSON of `natpmpctl status`. Stable: other programs read it. Times are seconds. */
export interface ReportedStatus {
  readonly epoch: number;
  readonly mappings: number;
  readonly staticMappings: number;
  readonly maxMappings: number;
  readonly maxMappingsPerHost: number;
  readonly maxLifetime: number;
  readonly journalBytes: number;
  readonly kernelInStep: boolean;
  readonly pid: number;
  readonly uptime: number;
  readonly resynchronisations: number;
}

export function listedMapping(lease: Lease, nowMs: number): ListedMapping {
  const { protocol, externalPort, internalPort, origin, lifetime } = lease;
  const timeLeft = origin === 'static' ? null : secondsBetween(nowMs, lease.expiresAt);
  return { protocol, externalPort, internalAddress: formatIpv4(lease.internalAddress), internalPort, origin, lifetime, timeLeft };
}

export function reportedStatus(status: StatusReport, nowMs: number): ReportedStatus {
  const { mappings, staticMappings, maxMappings, maxMappingsPerHost, maxLifetime } = status;
  const { journalBytes, kernelInStep, pid, resynchronisations } = status;
  return {
    epoch: secondsBetween(status.epochStart, nowMs), mappings, staticMappings, maxMappings, maxMappingsPerHost, maxLifetime,
    journalBytes, kernelInStep, pid, uptime: secondsBetween(status.startedAt, nowMs), resynchronisations,
  };
}

const BOLD = '\x1b[1m';
const DIM = '\x1b[2m';
const PLAIN = '\x1b[0m';

/** A table of the mappings; colours only where asked for, as on a terminal. */
export function formatList(mappings: readonly ListedMapping[], inColour: boolean): string {
  if (mappings.length === 0) return 'no mappings';
  const head = row(['PROTO', 'EXTERNAL', 'INTERNAL', 'ORIGIN', 'LIFETIME', 'TIME LEFT']);
  const lines = mappings.map((mapping) => {
    const { protocol, externalPort, internalAddress, internalPort, origin, lifetime, timeLeft } = mapping;
    const line = row([
      protocol, String(externalPort), `${internalAddress}:${internalPort}`, origin,
      timeLeft === null ? '-' : formatSeconds(lifetime), timeLeft === null ? '-' : formatSeconds(timeLeft),
    ]);
    return inColour && origin === 'static' ? DIM + line + PLAIN : line;
  });
  return [inColour ? BOLD + head + PLAIN : head, ...lines].join('\n');
}

/** Columns as wide as their widest possible content: 73 in all. */
function row(cells: readonly [string, string, string, string, string, string]): string {
  const [protocol, external, internal, origin, lifetime, timeLeft] = cells;
  return [
    protocol.padEnd(5), external.padStart(8), internal.padEnd(21), origin.padEnd(7), lifetime.padStart(11), timeLeft.padStart(11),
  ].join('  ');
}

export function formatStatus(status: ReportedStatus): string {
  const { mappings, staticMappings, maxMappings, kernelInStep } = status;
  return [
    ['epoch', `${formatSeconds(status.epoch)} old (${status.epoch} s)`],
    ['mappings', `${mappings} of at most ${maxMappings}, ${staticMappings} of them static`],
    ['limits', `${status.maxMappingsPerHost} mappings a host, lifetime at most ${formatSeconds(status.maxLifetime)}`],
    ['kernel', kernelInStep ? 'in step with the table' : 'NOT in step with the table: is the ruleset installed?'],
    ['journal', `${status.journalBytes} bytes`],
    ['process', `pid ${status.pid}, up ${formatSeconds(status.uptime)}`],
    ['resynchronised', `${status.resynchronisations} times since its start`],
  ].map(([name, value]) => `${`${name}:`.padEnd(16)}${value}`).join('\n');
}

/** "45s", "59m 58s", "23h 59m", "12d 3h": the two largest units. */
export function formatSeconds(seconds: number): string {
  const days = Math.floor(seconds / 86400);
  const hours = Math.floor(seconds / 3600) % 24;
  const minutes = Math.floor(seconds / 60) % 60;
  if (days > 0) return `${days}d ${hours}h`;
  if (hours > 0) return `${hours}h ${minutes}m`;
  if (minutes > 0) return `${minutes}m ${seconds % 60}s`;
  return `${seconds}s`;
}

function secondsBetween(fromMs: number, toMs: number): number {
  return Math.max(0, Math.floor((toMs - fromMs) / 1000));
}
