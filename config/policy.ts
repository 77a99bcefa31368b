// The policy flags as commander has them. Pure. The helper's are a map by name already.

import type { Grant, Policy, PolicyFlags } from './types.js';
import { policyFrom } from './grants.js';

/** As `policyFrom`. */
export function parsePolicy(
  flags: PolicyFlags,
  general: Pick<Grant, 'maxMappings' | 'maxLifetime'>,
  complain: (complaint: string) => void,
): Policy {
  const values: Readonly<Record<string, readonly string[] | undefined>> = {
    'allowed-ports': flags.allowedPorts,
    'denied-ports': flags.deniedPorts,
    'reserved-ports': flags.reservedPorts,
    rule: flags.rule,
    'default-rule': flags.defaultRule === undefined ? undefined : [flags.defaultRule],
  };
  return policyFrom((name) => values[name], general, complain);
}
