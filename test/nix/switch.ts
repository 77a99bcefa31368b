// What `nixos-rebuild switch` does with units, by the rules of the program behind it (switch-to-configuration, in
// either of its two languages). Pure: unit files before and after, and which are active, come in; what to do with each
// comes out.

import type { Directives } from './unit-text.js';
import { directives } from './unit-text.js';

/** Unit files by name. */
export type UnitFiles = Readonly<Record<string, { readonly text: string }>>;

/** Names of units: stopped before the activation; restarted and started after it, in this order. */
export interface Switch {
  readonly stop: readonly string[];
  readonly reload: readonly string[];
  readonly restart: readonly string[];
  readonly start: readonly string[];
  /** Changed, and left as they run. */
  readonly skip: readonly string[];
}

/** A difference in these keys of [Unit] is none. */
const UNIMPORTANT = new Set(
  [
    'X-Reload-Triggers',
    'Description',
    'Documentation',
    'OnFailure',
    'OnSuccess',
    'OnFailureJobMode',
    'IgnoreOnIsolate',
    'StopWhenUnneeded',
    'RefuseManualStart',
    'RefuseManualStop',
    'AllowIsolate',
    'CollectMode',
    'SourcePath',
  ].map((key) => `Unit.${key}`),
);

export function planSwitch(active: readonly string[], before: UnitFiles, after: UnitFiles): Switch {
  const plan = {
    stop: new Set<string>(),
    reload: new Set<string>(),
    restart: new Set<string>(),
    start: new Set<string>(),
    skip: new Set<string>(),
  };
  for (const name of active) {
    const [old, now] = [before[name], after[name]];
    if (old === undefined) continue; // not from the configuration
    if (now === undefined) {
      if (isSet(directives(old.text), 'Unit.X-StopOnRemoval', true)) plan.stop.add(name);
    } else if (name.endsWith('.target')) plan.start.add(name);
    else {
      const unit = directives(now.text);
      const difference = compare(directives(old.text), unit);
      if (difference === 'reload') plan.reload.add(name);
      else if (difference === 'restart') modified(name, unit, active, after, plan);
    }
  }
  const sorted = (names: ReadonlySet<string>): readonly string[] => [...names].sort();
  return {
    stop: sorted(plan.stop),
    reload: sorted(plan.reload),
    restart: sorted(plan.restart),
    start: sorted(plan.start),
    skip: sorted(plan.skip),
  };
}

function modified(
  name: string,
  unit: Directives,
  active: readonly string[],
  after: UnitFiles,
  plan: Readonly<Record<keyof Switch, Set<string>>>,
): void {
  // switch-to-configuration leaves changed units of these types as they run; both of its versions do.
  if (name.endsWith('.socket') || name.endsWith('.path') || name.endsWith('.slice')) return;
  if (isSet(unit, 'Service.X-ReloadIfChanged', false)) {
    plan.reload.add(name);
  } else if (
    !isSet(unit, 'Service.X-RestartIfChanged', true) ||
    isSet(unit, 'Unit.RefuseManualStop', false) ||
    isSet(unit, 'Unit.X-OnlyManualStart', false)
  ) {
    plan.skip.add(name);
  } else if (!name.endsWith('.service') || !isSet(unit, 'Service.X-StopIfChanged', true)) {
    plan.restart.add(name);
  } else {
    // Words of the file: a specifier such as %i is not expanded.
    const listed = (unit.get('Service.Sockets') ?? []).flatMap((line) => line.split(' '));
    const sockets = listed.length > 0 ? listed : [name.replace(/@?\.service$/, '.socket')];
    for (const socket of sockets.filter((one) => active.includes(one))) {
      plan.stop.add(socket);
      if (after[socket] !== undefined) plan.start.add(socket);
    }
    // One that comes new is left to start the service; to start it itself is what an older version does.
    if (!sockets.some((socket) => after[socket] !== undefined)) plan.start.add(name);
    plan.stop.add(name);
  }
}

function compare(before: Directives, after: Directives): 'equal' | 'reload' | 'restart' {
  let isReload = false;
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    if (key.startsWith('Install.') || `${before.get(key)}` === `${after.get(key)}`) continue;
    if (key === 'Unit.X-Reload-Triggers' || (key === 'Service.ExecReload' && after.has(key))) isReload = true;
    else if (!UNIMPORTANT.has(key) && key !== 'Service.ExecReload') return 'restart';
  }
  return isReload ? 'reload' : 'equal';
}

function isSet(unit: Directives, key: string, otherwise: boolean): boolean {
  const value = unit.get(key)?.at(-1);
  return value === undefined ? otherwise : ['1', 'yes', 'true', 'on'].includes(value);
}
