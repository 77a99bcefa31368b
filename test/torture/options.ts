// The flags of the torture. Pure.

import { parseArgs } from 'node:util';

export const PARTS = ['kills', 'faults', 'journal', 'hostile', 'flood'] as const;
export type Part = (typeof PARTS)[number];

export interface Options {
  readonly kills: number;
  readonly seed: number;
  readonly parts: readonly Part[];
  /** How many gateways are killed at the same time, each in namespaces of its own. */
  readonly gateways: number;
}

export const USAGE = `usage: node dist/test/torture/run.js [flags]
  --kills N      how many kills (1000)
  --gateways N   gateways that are killed at the same time (2)
  --seed S       repeat what another run has done (one of its own)
  --only PART    ${PARTS.join(', ')}; repeat for several (all)`;

const MOST_KILLS = 100_000;
const MOST_SEED = 0xffffffff;

/** The flags as typed, or what is wrong with them. `seed`: the one to take where none is given. */
export function parseOptions(args: readonly string[], seed: number): Options | string {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        kills: { type: 'string', default: '1000' },
        gateways: { type: 'string', default: '2' },
        seed: { type: 'string', default: String(seed) },
        only: { type: 'string', multiple: true, default: [...PARTS] },
      },
    }));
  } catch (error) {
    return (error as Error).message;
  }
  const number = (text: string, most: number) => (/^\d{1,10}$/.test(text) && Number(text) <= most ? Number(text) : NaN);
  const options = {
    kills: number(values.kills, MOST_KILLS),
    gateways: number(values.gateways, 16),
    seed: number(values.seed, MOST_SEED),
  };
  if (!(options.kills >= 1)) return `--kills ${values.kills}: 1 to ${MOST_KILLS}`;
  if (!(options.gateways >= 1)) return `--gateways ${values.gateways}: 1 to 16`;
  if (Number.isNaN(options.seed)) return `--seed ${values.seed}: 0 to ${MOST_SEED}`;
  const unknown = values.only.find((part) => !PARTS.some((known) => known === part));
  if (unknown !== undefined) return `--only ${unknown}: one of ${PARTS.join(', ')}`;
  return { ...options, parts: PARTS.filter((part) => values.only.includes(part)) };
}

/** The work of each gateway: the kills shared out, and a seed of its own. */
export function shares({
  kills,
  gateways,
  seed,
}: Options): readonly { readonly kills: number; readonly seed: number }[] {
  const count = Math.min(kills, gateways);
  return Array.from({ length: count }, (_, index) => ({
    kills: Math.floor(kills / count) + (index < kills % count ? 1 : 0),
    seed: (seed + index) >>> 0,
  }));
}
