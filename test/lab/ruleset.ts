// The ruleset of a gateway with the default names, as tests of every kind look for it.

import type { RulesetConfig } from '../../cli/host/ruleset-text.js';

export const NAMES = { table: 'nat', chain: 'NATPMP' } as const;

/** Its sets, as nft commands name them: `flush map ${MAP_IN}`. */
export const MAP_IN = 'inet nat NATPMP-in';
export const MAP_OUT = 'inet nat NATPMP-out';
export const SET_LIVE = 'inet nat NATPMP-live';

/** Of the router in the lab. */
export const CONFIG: RulesetConfig = {
  ...NAMES,
  externalInterface: 'wan0',
  listenInterfaces: ['br-lan'],
  listenPort: 5351,
  externalAddress: null,
  hairpin: true,
  looksIntoMaps: true,
};
