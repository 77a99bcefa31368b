// The property-based engine: the same inputs every time, and few enough to wait for. docs/fuzzing.md.

import * as fc from 'fast-check';
import { cases } from '../support/cases.js';
import { TARGETS } from './targets.js';

/** Inputs for each target; together a few seconds. */
const RUNS: Readonly<Record<string, number>> = {
  wire: 10_000,
  'pcp-wire': 10_000,
  'upnp-http': 6000,
  'upnp-soap': 4000,
  gateway: 300,
  pcp: 300,
  ssdp: 1000,
  igd: 200,
  codec: 6000,
  zmtp: 3000,
  helper: 500,
  netlink: 4000,
  kernel: 1000,
  route: 2000,
  journal: 2500,
  groups: 3000,
};

cases('properties', [...TARGETS], async ({ name, inputs, run }) => {
  await fc.assert(
    fc.asyncProperty(inputs, async (input) => {
      await run(input);
    }),
    { seed: 6886, numRuns: RUNS[name] as number, endOnFailure: false },
  );
});
