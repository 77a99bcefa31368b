// Whether a renewal is a moment in which a new connection fails: mappings are renewed all the time, among them the one
// through which somebody outside connects, again and again.

import type { FlowFigures } from './flows-protocol.js';
import type { MeasuredGateway } from '../load/measured-gateway.js';
import { Watcher } from './watcher.js';

export interface RenewalFigures extends FlowFigures {
  readonly gateway: string;
  readonly held: number;
  readonly renewals: number;
}

const WIDTH = 16;
/** Few enough that the one in question is renewed all the time. */
const RENEWED = 32;
/** More than can be asked in this time. */
const A_SECOND = 80_000;

/** The gateway holds at least `RENEWED` mappings. */
export async function measureRenewals(
  gateway: MeasuredGateway,
  held: number,
  seconds: number,
): Promise<RenewalFigures> {
  const watcher = await Watcher.open(gateway);
  try {
    await watcher.begin();
    const { count } = await gateway.generator.load({
      op: 'map',
      first: 0,
      span: RENEWED,
      count: seconds * A_SECOND,
      width: WIDTH,
      limitMs: seconds * 1000,
    });
    return { gateway: gateway.name, held, renewals: count, ...(await watcher.end()) };
  } finally {
    watcher.close();
  }
}
