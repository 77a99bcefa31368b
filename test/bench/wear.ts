// What a renewal writes to the disk.

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { writtenBytes } from '../load/processes.js';
import type { MeasuredServer } from '../load/measured-server.js';

export interface WearFigures {
  readonly gateway: string;
  readonly held: number;
  readonly width: number;
  readonly renewals: number;
  /**
   * Bytes for each renewal that the helper has had written to a disk, in whole pages, as the kernel counts them
   * (/proc/PID/io) ...
   */
  readonly written: number;
  /** ... and by which the state directory has grown. NaN if the journal was rewritten in between. */
  readonly grown: number;
}

/** The gateway holds these mappings. */
export async function measureWear(
  gateway: MeasuredServer,
  held: number,
  counts: Readonly<Record<number, number>>,
): Promise<WearFigures[]> {
  const figures: WearFigures[] = [];
  for (const [width, count] of Object.entries(counts).map(([key, value]) => [Number(key), value] as const)) {
    const { helper } = gateway.pids();
    const before = { written: writtenBytes(helper), folder: folderOf(gateway) };
    await gateway.generator.load({ op: 'map', first: 0, span: held, count, width });
    const after = folderOf(gateway);
    const grown = after.identity === before.folder.identity ? (after.bytes - before.folder.bytes) / count : NaN;
    figures.push({
      gateway: gateway.name,
      held,
      width,
      renewals: count,
      written: (writtenBytes(helper) - before.written) / count,
      grown,
    });
  }
  return figures;
}

/** A home: this many mappings, each renewed once an hour, one at a time. */
export const HOME = { mappings: 50, renewalsADay: 50 * 24 } as const;

function folderOf({ stateFolder }: MeasuredServer): { readonly bytes: number; readonly identity: string } {
  const files = readdirSync(stateFolder).map((name) => statSync(join(stateFolder, name)));
  return { bytes: files.reduce((sum, { size }) => sum + size, 0), identity: files.map(({ ino }) => ino).join() };
}
