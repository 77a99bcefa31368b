// The ruleset of a gateway with the default names, as tests of every kind look for it.

import type { RulesetConfig } from '../../cli/host/ruleset-text.js';

export const NAMES = { table: 'nat', chain: 'NATPMP' } as const;

/** Its sets, as nft commands name them: `flush map ${MAP_IN}`. */
export const MAP_IN = 'inet nat NATPMP-in';
export const MAP_OUT = 'inet nat NATPMP-out';
export const SET_LIVE = 'inet nat NATPMP-live';
export const SET_PINHOLES = 'inet nat NATPMP-pinholes';

/** Of the router in the lab. */
export const CONFIG: RulesetConfig = {
  ...NAMES,
  externalInterface: 'wan0',
  listenInterfaces: ['br-lan'],
  listenPort: 5351,
  externalAddress: null,
  isAddressHere: true,
  allowedPorts: [{ from: 1024, to: 65535 }],
  hairpin: true,
  looksIntoMaps: true,
  pinholes: null,
  upnp: false,
};

/** The same with pinholes. */
export const WITH_PINHOLES: RulesetConfig = { ...CONFIG, pinholes: { externalInterface: 'wan0' } };

/** A script that puts the elements of a mapping into the sets, as the helper does. */
export function mapping(
  protocol: 'tcp' | 'udp',
  externalPort: number,
  host: string,
  internalPort: number,
  { table, chain }: { readonly table: string; readonly chain: string } = NAMES,
): string {
  return `
    add element inet ${table} ${chain}-in { ${protocol} . ${externalPort} : ${host} . ${internalPort} }
    add element inet ${table} ${chain}-out { ${protocol} . ${host} . ${internalPort} : ${externalPort} }
    add element inet ${table} ${chain}-live { ${protocol} . ${host} . ${internalPort} . ${externalPort} }
  `;
}

/** A script that ends it. */
export function ending(protocol: 'tcp' | 'udp', externalPort: number, host: string, internalPort: number): string {
  return `
    delete element ${MAP_IN} { ${protocol} . ${externalPort} }
    delete element ${MAP_OUT} { ${protocol} . ${host} . ${internalPort} }
    delete element ${SET_LIVE} { ${protocol} . ${host} . ${internalPort} . ${externalPort} }
  `;
}

/** A script that opens a pinhole, as the helper does; `more` such as 'timeout 1s'. */
export function pinhole(protocol: 'tcp' | 'udp', address: string, port: number, more = ''): string {
  return `add element ${SET_PINHOLES} { ${protocol} . ${address} . ${port} ${more} }\n`;
}

/** A script that closes it. */
export function closing(protocol: 'tcp' | 'udp', address: string, port: number): string {
  return `delete element ${SET_PINHOLES} { ${protocol} . ${address} . ${port} }\n`;
}
