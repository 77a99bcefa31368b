// What the tests of natpmpctl doctor share: changes to a router that is in order.

import type { Finding } from '../../cli/natpmpctl/finding.js';
import { HEALTHY } from '../support/healthy-router.js';

export const setup = HEALTHY.setup;
export const without = (name: string, also: Record<string, object> = {}) =>
  new Map([...HEALTHY.interfaces].filter(([each]) => each !== name).concat(Object.entries(also) as never[]));
export const kernel = (name: string, value: string) => new Map([...HEALTHY.kernelSettings, [name, value]]);
export const line = ({ check, verdict }: Finding): string => `${verdict} ${check}`;
