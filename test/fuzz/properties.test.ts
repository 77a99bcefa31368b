// The property-based engine: the same inputs every time, and few enough to wait for. docs/fuzzing.md.

import * as fc from 'fast-check';
import { cases } from '../support/cases.js';
import { TARGETS } from './targets.js';

/** Inputs for each target; together a few seconds. */
const RUNS: Readonly<Record<string, number>> = {
  wire: 20_000, gateway: 400, codec: 10_000, helper: 600, netlink: 5000, kernel: 1500, route: 3000, journal: 3000, groups: 4000,
};

cases('properties', [...TARGETS], async ({ name, inputs, run }) => {
  await fc.assert(fc.asyncProperty(inputs, async (input) => { await run(input); }), { seed: 6886, numRuns: RUNS[name] as number, endOnFailure: false });
});
