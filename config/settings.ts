// Every flag that may stand in a configuration file, and which programs read it. Pure; each program checks its values.

import type { Program, Setting } from './types.js';

const SERVER: Program = 'natpmp-server';
const FRONTEND: Program = 'natpmp-frontend';
const HELPER: Program = 'natpmp-helper';
const UPNP: Program = 'natpmp-upnp';
const RULESET: Program = 'natpmp-ruleset';
const CALLERS = [SERVER, FRONTEND, UPNP];
const ALL = [...CALLERS, HELPER];
const rows = (reload: boolean, kind: Setting['kind'], of: readonly Program[], ...names: string[]): readonly Setting[] =>
  names.map((name) => ({ name, kind, of, reload }));

export const SETTINGS: readonly Setting[] = [
  ...rows(true, 'list', ALL, 'rule', 'denied-ports', 'reserved-ports'),
  ...rows(true, 'list', [...ALL, RULESET], 'allowed-ports'),
  ...rows(true, 'one', ALL, 'default-rule', 'max-mappings-per-ip', 'max-lifetime', 'log-level'),
  ...rows(true, 'one', [SERVER, HELPER], 'max-mappings'),
  ...rows(true, 'one', [HELPER], 'new-mappings-per-ip'),
  ...rows(true, 'one', [SERVER, FRONTEND], 'default-lifetime'),
  ...rows(true, 'switch', CALLERS, 'require-public-address'),
  ...rows(false, 'one', [...ALL, RULESET], 'external-interface'),
  ...rows(false, 'one', [...CALLERS, RULESET], 'external-address'),
  ...rows(false, 'list', [...ALL, RULESET], 'listen-interface'),
  ...rows(false, 'one', [SERVER, HELPER, RULESET], 'listen-port', 'nat-table', 'nat-chain'),
  ...rows(false, 'one', [SERVER, HELPER], 'state-dir'),
  ...rows(false, 'switch', [SERVER, HELPER, RULESET], 'hairpin', 'pinholes'),
  ...rows(false, 'one', [SERVER, RULESET], 'pinhole-interface'),
  ...rows(false, 'one', [SERVER], 'run-dir', 'user', 'metrics-listen', 'upnp-metrics-listen'),
  ...rows(false, 'switch', [SERVER], 'sandbox', 'jit'),
  ...rows(false, 'switch', [SERVER, RULESET], 'upnp'),
  ...rows(false, 'list', [FRONTEND, UPNP, HELPER, RULESET], 'lan'),
  ...rows(false, 'one', [FRONTEND, UPNP], 'helper-socket'),
  ...rows(false, 'one', [SERVER, UPNP], 'upnp-port'),
  ...rows(false, 'one', [UPNP], 'device-id'),
  ...rows(false, 'one', [HELPER], 'socket', 'admin-socket'),
  ...rows(false, 'list', [HELPER], 'admin-uid'),
];

export const LOG_LEVELS: readonly string[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

export function settingOf(name: string): Setting | undefined {
  return SETTINGS.find((setting) => setting.name === name);
}
