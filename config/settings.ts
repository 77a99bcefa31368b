// Every flag that a configuration file may contain, and the programs that read it. Pure. Valid values are defined by
// each program.

export type Program = 'natpmp-server' | 'natpmp-frontend' | 'natpmp-helper';

export interface Setting {
  /** The flag without dashes. */
  readonly name: string;
  /** `list`: may be repeated. `switch`: yes or no. */
  readonly kind: 'one' | 'list' | 'switch';
  readonly of: readonly Program[];
  /** Whether SIGHUP applies a change; otherwise a restart is needed. */
  readonly reload: boolean;
}

const SERVER: Program = 'natpmp-server';
const FRONTEND: Program = 'natpmp-frontend';
const HELPER: Program = 'natpmp-helper';
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
  ...lasting('one', ALL, 'external-interface'),
  ...lasting('one', [SERVER, FRONTEND], 'external-address'),
  ...lasting('list', [SERVER, HELPER], 'listen-interface'),
  ...lasting('one', [SERVER, HELPER], 'listen-port', 'nat-table', 'nat-chain', 'state-dir'),
  ...lasting('switch', [SERVER, HELPER], 'hairpin'),
  ...lasting('one', [SERVER], 'run-dir', 'user', 'metrics-listen'),
  ...lasting('switch', [SERVER], 'sandbox', 'jit'),
  ...lasting('list', [FRONTEND, HELPER], 'lan'),
  ...lasting('one', [FRONTEND], 'helper-socket'),
  ...lasting('one', [HELPER], 'socket', 'admin-socket'),
  ...lasting('list', [HELPER], 'admin-uid'),
];

export const LOG_LEVELS: readonly string[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

export function settingOf(name: string): Setting | undefined {
  return SETTINGS.find((setting) => setting.name === name);
}

/** The known name most similar to this one; null if none is similar. */
export function nearestSetting(name: string): string | null {
  const [nearest] = SETTINGS.map((setting) => ({ name: setting.name, distance: distance(name, setting.name) })).sort(
    (a, b) => a.distance - b.distance,
  );
  return nearest !== undefined && nearest.distance <= Math.max(2, name.length / 3) ? nearest.name : null;
}

/** The Levenshtein distance: how many letters to insert, delete or replace. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (const [index, letter] of [...a].entries()) {
    const next = [index + 1];
    for (let at = 1; at <= b.length; at++) {
      const change = (row[at - 1] as number) + (letter === b[at - 1] ? 0 : 1);
      next.push(Math.min(change, (row[at] as number) + 1, (next[at - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
