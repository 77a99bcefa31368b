// Figures beside others of the same run. Pure.

import { RIVAL, WITH_PINHOLES, WITHOUT_PINHOLES } from '../load/measured-gateway.js';
import type { Limit } from './limits.js';
import type { PacketFigures } from './packets.js';
import type { PinholeKind, RequestFigures } from './requests.js';
import { rounded, spreadText, type Cell } from '../load/text-table.js';

/**
 * Beside what this machine cannot do without: one transaction and one fdatasync for as many mappings as are asked for
 * at once. Address requests change nothing, and have no such limit.
 */
export function limitRows(requests: readonly RequestFigures[], limits: readonly Limit[]): Cell[][] {
  return requests.flatMap(({ kind, gateway, held, width, p50, perSecond }) => {
    const limit = limits.find((each) => each.width === width)?.p50.median;
    if (kind === 'address' || limit === undefined) return [];
    const share = perSecond.median / ((width / limit) * 1e6);
    return [
      [
        `${kind}, ${gateway}`,
        held,
        width,
        rounded(p50.median),
        rounded(limit),
        signed(p50.median - limit),
        share.toFixed(2),
      ],
    ];
  });
}

function signed(value: number): string {
  return value < 0 ? `-${rounded(-value)}` : rounded(value);
}

/** 1.00 is flat; the rate is better above it, processor time below. */
export function flatness(requests: readonly RequestFigures[]): Cell[][] {
  return requests.flatMap((each) => {
    const empty = requests.find(
      (other) =>
        other.held === 0 && other.gateway === each.gateway && other.kind === each.kind && other.width === each.width,
    );
    if (empty === undefined || each.held === 0) return [];
    return [
      [
        `${each.kind}, ${each.gateway}`,
        each.held,
        each.width,
        (each.perSecond.median / empty.perSecond.median).toFixed(2),
        (cpuOf(each) / cpuOf(empty)).toFixed(2),
      ],
    ];
  });
}

/** Microseconds of both processes. */
function cpuOf({ cpu }: RequestFigures): number {
  return Object.values(cpu).reduce((sum, { median }) => sum + median, 0);
}

/** Above 1 ours is faster. */
export function againstRival(requests: readonly RequestFigures[]): Cell[][] {
  return requests.flatMap(({ gateway, kind, held, width, perSecond }) => {
    const rival = requests.find(
      (other) => other.gateway === RIVAL && other.kind === kind && other.held === held && other.width === width,
    );
    if (rival === undefined || gateway === RIVAL) return [];
    return [[`${kind}, ${gateway}`, held, width, rounded(perSecond.median / rival.perSecond.median)]];
  });
}

const MAPPING_KINDS: Readonly<Record<PinholeKind, RequestFigures['kind']>> = {
  'new pinhole': 'new',
  'pinhole renewal': 'renewal',
  'pinhole deletion': 'deletion',
};

/** 1.00 is what the same request costs for a mapping. */
export function pinholesBesideMappings(requests: readonly RequestFigures[]): Cell[][] {
  return requests.flatMap((each) => {
    const { kind, gateway, held, width } = each;
    const mapping = requests.find(
      (other) =>
        other.kind === MAPPING_KINDS[kind as PinholeKind] &&
        other.gateway === gateway &&
        other.held === held &&
        other.width === width,
    );
    if (mapping === undefined) return [];
    const ratio = (of: (figures: RequestFigures) => number) => (of(each) / of(mapping)).toFixed(2);
    return [[`${kind}, ${gateway}`, held, width, ratio(cpuOf), ratio(({ p50 }) => p50.median)]];
  });
}

/** 1.00 is what the same request costs a gateway without pinholes. */
export function besideWithoutPinholes(requests: readonly RequestFigures[]): Cell[][] {
  return requests.flatMap((each) => {
    const { kind, gateway, held, width } = each;
    const without = requests.find(
      (other) =>
        other.gateway === WITHOUT_PINHOLES && other.kind === kind && other.held === held && other.width === width,
    );
    if (gateway !== WITH_PINHOLES || without === undefined) return [];
    const ratio = (of: (figures: RequestFigures) => number) => (of(each) / of(without)).toFixed(2);
    return [[kind, held, width, ratio(cpuOf), ratio(({ p50 }) => p50.median)]];
  });
}

/** 1.00 is what the same packet of IPv4 costs a gateway without pinholes that holds as many mappings. */
export function packetsBesideWithoutPinholes(packets: readonly PacketFigures[]): Cell[][] {
  const without = packets.find(({ gateway }) => gateway === WITHOUT_PINHOLES);
  return packets.flatMap((each) => {
    const { gateway, through, held, established, first } = each;
    if (without === undefined || each === without || gateway === RIVAL) return [];
    if (through !== 'mapping' || held !== without.held) return [];
    const ratio = (of: 'established' | 'first') => (each[of].median / without[of].median).toFixed(2);
    return [[held, spreadText(established), ratio('established'), spreadText(first), ratio('first')]];
  });
}
