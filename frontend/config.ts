// The values of natpmp-frontend's flags (flags.ts): text to Config. Pure: reads no file and no environment.

import type { CallerConfig, CallerFlags } from '../caller/config.js';
import { DEFAULTS as COMMON_DEFAULTS, parseCaller } from '../caller/config.js';
import type { Rules } from '../caller/policy.js';
import type { Validated } from '../config/validate.js';
import type { Complain } from '../config/values.js';
import { LONGEST_LIFETIME, wholeNumber } from '../config/values.js';

/** The flags as typed. */
export interface Flags extends CallerFlags {
  readonly defaultLifetime?: string;
}

export interface PolicyConfig extends Rules {
  /** Seconds, granted to requests for 2^32-1 ("forever"), but never more than the host's maxLifetime. */
  readonly defaultLifetime: number;
  /** Answer NETWORK_FAILURE while the external address is not public. */
  readonly requirePublicAddress: boolean;
}

export interface Config extends CallerConfig, PolicyConfig {}

export const DEFAULTS = { ...COMMON_DEFAULTS, defaultLifetime: 3600 } as const;

/** The configuration, or every complaint about the flags. */
export function parseConfig(flags: Flags): Validated<Config> {
  const complaints: string[] = [];
  const complain: Complain = (complaint) => complaints.push(complaint);
  const { common, maxLifetime } = parseCaller(flags, complain);
  const config: Config = { ...common, defaultLifetime: parseDefaultLifetime(flags, maxLifetime, complain) };
  return complaints.length > 0 ? { complaints } : { ok: Object.freeze(config) };
}

function parseDefaultLifetime(flags: Flags, maxLifetime: number, complain: Complain): number {
  // The implicit default is capped at --max-lifetime; an explicit one above it is an error.
  const implicit = String(Math.min(DEFAULTS.defaultLifetime, maxLifetime));
  const defaultLifetime = wholeNumber(
    '--default-lifetime',
    flags.defaultLifetime ?? implicit,
    1,
    LONGEST_LIFETIME,
    complain,
  );
  if (defaultLifetime > maxLifetime)
    complain(`--default-lifetime ${defaultLifetime}: is above --max-lifetime ${maxLifetime}`);
  return defaultLifetime;
}
