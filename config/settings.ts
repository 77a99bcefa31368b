// Every flag that may stand in a configuration file, and which programs read it. Pure; each program checks its values.

import type { Program, Setting } from './types.js';

export type * from './types.js';
const SERVER: Program = 'natpmp-server';
const FRONTEND: Program = 'natpmp-frontend';
const HELPER: Program = 'natpmp-helper';
const RULESET: Program = 'natpmp-ruleset';
const ALL = [SERVER, FRONTEND, HELPER];

const lasting = (kind: Setting['kind'], of: readonly Program[], ...names: readonly string[]): readonly Setting[] =>
  names.map((name) => ({ name, kind, of, reload: false }));
const reloadable = (kind: Setting['kind'], of: readonly Program[], ...names: readonly string[]): readonly Setting[] =>
  names.map((name) => ({ name, kind, of, reload: true }));

export const SETTINGS: readonly Setting[] = [
  ...reloadable('list', ALL, 'rule', 'allowed-ports', 'denied-ports', 'reserved-ports'),
  ...reloadable('one', ALL, 'default-rule', 'max-mappings-per-ip', 'max-lifetime', 'log-level'),
  ...reloadable('one', [SERVER, HELPER], 'max-mappings'),
  ...reloadable('one', [HELPER], 'new-mappings-per-ip'),
  ...reloadable('one', [SERVER, FRONTEND], 'default-lifetime'),
  ...reloadable('switch', [SERVER, FRONTEND], 'require-public-address'),
  ...lasting('one', [...ALL, RULESET], 'external-interface'),
  ...lasting('one', [SERVER, FRONTEND], 'external-address'),
  ...lasting('list', [SERVER, HELPER, RULESET], 'listen-interface'),
  ...lasting('one', [SERVER, HELPER, RULESET], 'listen-port', 'nat-table', 'nat-chain'),
  ...lasting('one', [SERVER, HELPER], 'state-dir'),
  ...lasting('switch', [SERVER, HELPER, RULESET], 'hairpin'),
  ...lasting('one', [SERVER], 'run-dir', 'user', 'metrics-listen'),
  ...lasting('switch', [SERVER], 'sandbox', 'jit'),
  ...lasting('list', [FRONTEND, HELPER, RULESET], 'lan'),
  ...lasting('one', [FRONTEND], 'helper-socket'),
  ...lasting('one', [HELPER], 'socket', 'admin-socket'),
  ...lasting('list', [HELPER], 'admin-uid'),
];

export const LOG_LEVELS: readonly string[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

export function settingOf(name: string): Setting | undefined {
  return SETTINGS.find((setting) => setting.name === name);
}
