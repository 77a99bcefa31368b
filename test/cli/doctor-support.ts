// What the tests of natpmpctl doctor share: changes to a router that is in order.

import { HEALTHY } from '../support/healthy-router.js';

export const setup = HEALTHY.setup;
/** Its kernel settings, but for this one. */
export const kernel = (name: string, value: string) => new Map([...HEALTHY.kernelSettings, [name, value]]);
