// The figures as tables for people. Pure.

import type { FullFigures } from './full.js';
import type { IdleFigures } from './idle.js';
import type { Limit } from './limits.js';
import {
  againstRival,
  besideWithoutPinholes,
  flatness,
  limitRows,
  packetsBesideWithoutPinholes,
  pinholesBesideMappings,
} from './comparisons.js';
import { together, type MemoryFigures } from './memory.js';
import type { PacketFigures } from './packets.js';
import type { Memory } from '../load/processes.js';
import type { RenewalFigures } from './renewals.js';
import type { RequestFigures } from './requests.js';
import type { RestartFigures } from './restarts.js';
import { rounded, spreadText, table, type Cell } from '../load/text-table.js';
import { HOME, type WearFigures } from './wear.js';

export interface Machine {
  readonly kernel: string;
  readonly node: string;
  /** Its version, if it was measured too. */
  readonly miniupnpd?: string;
  readonly cpu: string;
  readonly cores: number;
  readonly fileSystem: string;
  /** Load average of the last minute, before and after: what else the machine was doing. */
  readonly loadBefore: number;
  readonly loadAfter: number;
  /** How long it all took. */
  readonly seconds: number;
}

export interface Figures {
  readonly machine: Machine;
  readonly rounds: number;
  readonly limits: readonly Limit[];
  readonly requests: readonly RequestFigures[];
  readonly memory: readonly MemoryFigures[];
  readonly idle: readonly IdleFigures[];
  readonly wear: readonly WearFigures[];
  readonly renewals: readonly RenewalFigures[];
  readonly packets: readonly PacketFigures[];
  readonly restarts: readonly RestartFigures[];
  readonly full: readonly FullFigures[];
  /** What went wrong, in words; the figures after it are missing. */
  readonly failures: readonly string[];
}

export function report(figures: Figures): string {
  const full = figures.full.flatMap(({ steps }) => steps);
  const memory = [...figures.memory, ...figures.full.flatMap((each) => each.memory)];
  const restarts = [...figures.restarts, ...figures.full.flatMap((each) => each.restarts)];
  return [
    machineText(figures),
    section(
      'What this machine can do at all (microseconds)',
      ['', 'p50', 'p99'],
      figures.limits.map(({ what, p50, p99 }) => [what, spreadText(p50), spreadText(p99)]),
    ),
    section(
      'Requests',
      ['', 'held', 'W', 'requests/s', 'p50 us', 'p99 us', 'CPU us: gateway', 'load', 'requests'],
      figures.requests.map((each) => [
        `${each.kind}, ${each.gateway}`,
        each.held,
        each.width,
        spreadText(each.perSecond),
        spreadText(each.p50),
        spreadText(each.p99),
        Object.values(each.cpu)
          .map(({ median }) => rounded(median))
          .join(' + '),
        rounded(each.generatorCpu.median),
        each.requests,
      ]),
    ),
    section(
      "Beside this machine's own fdatasync and element transaction for as many (p50, us)",
      ['', 'held', 'W', 'p50', 'limit', 'more', "share of the limit's rate"],
      limitRows(figures.requests, figures.limits),
    ),
    section(
      'Against an empty table: rate, and processor time of both processes',
      ['', 'held', 'W', 'rate', 'CPU'],
      flatness(figures.requests),
    ),
    section(
      'A pinhole beside a mapping: processor time of both processes, and the time of a request alone',
      ['', 'held', 'W', 'CPU', 'p50'],
      pinholesBesideMappings(figures.requests),
    ),
    section(
      'Mappings with pinholes beside mappings without: processor time of both processes, and the time of a request alone',
      ['', 'held', 'W', 'CPU', 'p50'],
      besideWithoutPinholes(figures.requests),
    ),
    section('Times the rate of miniupnpd in this run', ['', 'held', 'W', 'times'], againstRival(figures.requests)),
    section(
      'Memory (MB, proportional set size; of it anonymous)',
      ['', 'held', 'each', 'together', 'with natpmp-server'],
      memory.map((each) => [
        each.gateway,
        each.held ?? 'idle',
        Object.entries(each.of)
          .map(([role, memory]) => `${role} ${memoryText(memory)}`)
          .join(', '),
        memoryText(together(each)),
        each.launcher === null ? '-' : rounded(together(each).pss + each.launcher.pss),
      ]),
    ),
    section(
      'Idle: nothing is asked',
      ['', 'held', 'CPU ms/s', 'together', 'wake-ups/s', 'together', 'PSS MB'],
      figures.idle.map((each) => [
        each.gateway,
        each.held,
        parts(each.cpu),
        rounded(sum(each.cpu)),
        parts(each.wakeUps),
        rounded(sum(each.wakeUps)),
        rounded(each.memory.pss),
      ]),
    ),
    section(
      `Wear: bytes a renewal, and a day of a home (${HOME.mappings} mappings, each renewed hourly, one at a time)`,
      ['', 'held', 'W', 'written in pages', 'journal grows by', 'renewals', 'MB a day'],
      figures.wear.map((each) => [
        each.gateway,
        each.held,
        each.width,
        rounded(each.written),
        rounded(each.grown),
        each.renewals,
        each.width === 1 ? rounded((each.written * HOME.renewalsADay) / 1e6) : '-',
      ]),
    ),
    section(
      'New connections from outside while their mapping is renewed all the time (ms)',
      ['', 'held', 'renewals', 'connections', 'failed', 'longest', 'UDP sent', 'lost', 'longest silence'],
      figures.renewals.map((each) => [
        each.gateway,
        each.held,
        each.renewals,
        each.attempts,
        each.failures,
        rounded(each.longestConnect),
        each.sent,
        each.lost,
        rounded(each.longestSilence),
      ]),
    ),
    section(
      'Packets through the router (p50, us)',
      ['', 'held', 'flow there, both ways', 'ratio', 'first of a new flow', 'ratio'],
      packetRows(figures.packets),
    ),
    section(
      'Packets through mappings with pinholes beside mappings without (p50, us)',
      ['held', 'flow there, both ways', 'ratio', 'first of a new flow', 'ratio'],
      packetsBesideWithoutPinholes(figures.packets),
    ),
    section(
      'Restarts (milliseconds until)',
      ['', 'leases', 'granted again', 'nft shows all', 'of it listing', 'listings', 'refusals'],
      restarts.map((each) => [
        `${each.what}, ${each.gateway}`,
        each.leases,
        rounded(each.answered),
        rounded(each.complete),
        rounded(each.listing),
        each.listings,
        each.refusals,
      ]),
    ),
    section(
      'Seen from outside meanwhile (ms)',
      ['', 'leases', 'connections', 'failed', 'longest gap', 'UDP sent', 'lost', 'longest silence'],
      restarts.map(({ what, gateway, leases, flows }) => [
        `${what}, ${gateway}`,
        leases,
        flows.attempts,
        flows.failures,
        rounded(flows.longestGap),
        flows.sent,
        flows.lost,
        rounded(flows.longestSilence),
      ]),
    ),
    section(
      'The full port space',
      ['', 'seconds', 'per second', 'p50 us', 'p99 us'],
      full.map((each) => [
        `${each.what}, ${each.gateway}`,
        rounded(each.seconds),
        rounded(each.perSecond),
        rounded(each.p50 ?? NaN),
        rounded(each.p99 ?? NaN),
      ]),
    ),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

export function machineText({ machine, rounds }: Pick<Figures, 'machine' | 'rounds'>): string {
  const { kernel, node, miniupnpd, cpu, cores, fileSystem, loadBefore, loadAfter, seconds } = machine;
  return (
    `Linux ${kernel}, Node ${node}, ${miniupnpd === undefined ? 'miniupnpd not measured' : `miniupnpd ${miniupnpd}`}, ` +
    `${cores} x ${cpu}, state on ${fileSystem}\n` +
    `load average ${rounded(loadBefore)} before, ${rounded(loadAfter)} after; ` +
    `median (least-most) of ${rounds} rounds, in ${rounded(seconds)} s`
  );
}

/** 1.00 is what it costs with the fewest, of the first gateway. */
function packetRows(packets: readonly PacketFigures[]): Cell[][] {
  return packets.map((each) => {
    const base = packets.find(({ through }) => through === each.through);
    const ratio = (of: (figures: PacketFigures) => number) => (of(each) / of(base as PacketFigures)).toFixed(2);
    return [
      `${each.through}, ${each.gateway}`,
      each.held,
      spreadText(each.established),
      ratio(({ established }) => established.median),
      spreadText(each.first),
      ratio(({ first }) => first.median),
    ];
  });
}

function parts(byRole: Readonly<Record<string, number>>): string {
  return Object.entries(byRole)
    .map(([role, value]) => `${role} ${rounded(value)}`)
    .join(', ');
}

function sum(byRole: Readonly<Record<string, number>>): number {
  return Object.values(byRole).reduce((total, value) => total + value, 0);
}

function memoryText({ pss, anonymous }: Memory): string {
  return `${rounded(pss)} (${rounded(anonymous)})`;
}

function section(title: string, head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return rows.length === 0 ? '' : `${title}\n\n${table(head, rows)}`;
}
