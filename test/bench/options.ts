// The flags of the bench. Pure.

import { parseArgs } from 'node:util';
import { MOST_HOSTS, MOST_MAPPINGS } from '../load/mappings.js';

export interface Options {
  /** How many mappings are held while requests are measured. */
  readonly sizes: readonly number[];
  /** How many requests are outstanding. */
  readonly widths: readonly number[];
  readonly rounds: number;
  /** How many requests one measurement is of, at width 1 and above. */
  readonly counts: { readonly narrow: number; readonly wide: number };
  /** Leases at the restarts. */
  readonly restartLeases: number;
  readonly isFull: boolean;
  /** Of the scale check, memory alone. */
  readonly isMemory: boolean;
  /** How long it is watched what gateways do while nobody asks, and whether connections fail during renewals. */
  readonly seconds: { readonly idle: number; readonly renewals: number };
  readonly hosts: number;
  /** How many mappings miniupnpd is measured with at most; null: not at all. */
  readonly miniupnpd: number | null;
  readonly json: string | null;
  readonly plot: string | null;
  /** Where state is kept while measuring: its file system is what fdatasync is measured on. */
  readonly folder: string | null;
}

export const USAGE = `usage: node dist/test/bench/run.js [flags]
  --quick             a small version, below a minute
  --full              only the scale check: the full port space, mapped by requests
  --memory            only memory: with the full port space mapped, and renewed again and again
  --hosts N           LAN hosts that share the port space (256; 4032 for --full)
  --sizes N,N,...     mappings held while measuring (0,1000,10000,60000)
  --widths N,N,...    outstanding requests (1,16,64)
  --rounds N          rounds of each measurement (3)
  --miniupnpd N|no    mappings held by miniupnpd at most (1000; 10000 take it a quarter of an hour to make), or leave it out
  --restart N         leases at the restarts; 0 for none (10000)
  --folder PATH       where the state directories are made (the folder for temporary files)
  --json FILE         write the figures there
  --plot FILE         draw requests a second by mappings held there, as SVG`;

/** The flags as typed, or what is wrong with them. */
export function parseOptions(args: readonly string[]): Options | string {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        quick: { type: 'boolean' },
        full: { type: 'boolean' },
        hosts: { type: 'string' },
        sizes: { type: 'string' },
        widths: { type: 'string' },
        rounds: { type: 'string' },
        restart: { type: 'string' },
        folder: { type: 'string' },
        json: { type: 'string' },
        plot: { type: 'string' },
        memory: { type: 'boolean' },
        miniupnpd: { type: 'string' },
      },
    }));
  } catch (error) {
    return (error as Error).message;
  }
  const quick = values.quick === true;
  const counts = quick ? { narrow: 200, wide: 1000 } : { narrow: 1000, wide: 4000 };
  const numbers = (text: string) => text.split(',').map((each) => (/^\d+$/.test(each) ? Number(each) : NaN));
  const options: Options = {
    sizes: numbers(values.sizes ?? (quick ? '0,1000' : '0,1000,10000,60000')).toSorted((a, b) => a - b),
    widths: numbers(values.widths ?? (quick ? '1,64' : '1,16,64')),
    rounds: numbers(values.rounds ?? (quick ? '1' : '3'))[0] ?? NaN,
    restartLeases: numbers(values.restart ?? (quick ? '1000' : '10000'))[0] ?? NaN,
    counts,
    isFull: values.full === true,
    isMemory: values.memory === true,
    seconds: quick ? { idle: 3, renewals: 2 } : { idle: 20, renewals: 5 },
    hosts: numbers(values.hosts ?? (values.full === true ? '4032' : '256'))[0] ?? NaN,
    miniupnpd: values.miniupnpd === 'no' ? null : (numbers(values.miniupnpd ?? (quick ? '0' : '1000'))[0] ?? NaN),
    json: values.json ?? null,
    plot: values.plot ?? null,
    folder: values.folder ?? null,
  };
  const within = (value: number, least: number, most: number) => value >= least && value <= most;
  if (!options.sizes.every((size) => within(size, 0, MOST_MAPPINGS - counts.wide)))
    return `--sizes: up to ${MOST_MAPPINGS - counts.wide}`;
  if (!options.widths.every((width) => within(width, 1, 128))) return '--widths: 1 to 128';
  if (!within(options.rounds, 1, 100)) return '--rounds: 1 to 100';
  if (!within(options.restartLeases, 0, MOST_MAPPINGS)) return `--restart: 0 to ${MOST_MAPPINGS}`;
  if (options.miniupnpd !== null && !within(options.miniupnpd, 0, 10_000)) return '--miniupnpd: 0 to 10000, or no';
  if (!within(options.hosts, 2, MOST_HOSTS)) return `--hosts: 2 to ${MOST_HOSTS}`;
  return options;
}
