// Whether rules are written for IPv4 addresses alone where pinholes are on, from settings as text.

import { policyFrom } from '../../config/grants.js';
import { DEFAULTS } from '../../frontend/config.js';
import { ipv4RulesNotice } from '../../frontend/pcp/ipv4-rules.js';
import type { DaemonProcess } from './processes.js';
import { flagValues } from './processes.js';

/** Pure: what to tell, or null. `values`: those of a setting, by its name; empty if it is not given. */
export function ipv4RulesIn(values: (name: string) => readonly string[]): string | null {
  const number = (name: string, preset: number): number => Number(values(name).at(-1) ?? preset);
  const general = {
    maxMappings: number('max-mappings-per-ip', DEFAULTS.maxMappingsPerIp),
    maxLifetime: number('max-lifetime', DEFAULTS.maxLifetime),
  };
  const given = (name: string): readonly string[] | undefined => {
    const all = values(name);
    return all.length === 0 ? undefined : all;
  };
  // Mistakes are complained about elsewhere.
  return ipv4RulesNotice(policyFrom(given, general, () => {}).rules);
}

/** Pure: the same of the rules of a running gateway. */
export function ipv4RulesOf(daemons: readonly DaemonProcess[]): string | null {
  const { args } = daemons.find(({ role }) => role === 'frontend') ?? { args: [] };
  return ipv4RulesIn((name) => flagValues(args, `--${name}`));
}
