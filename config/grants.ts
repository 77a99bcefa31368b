// The policy flags, which all programs parse alike: allowed, denied and reserved ports, rules, default rule. The result
// is what each host may have. Pure.

import type { Grant, Policy, PolicyFlags } from './types.js';
import { parsePortRanges, withoutPorts } from '../proto/mapping.js';
import { DANGEROUS_PORTS, EVERYONE, parseRule } from './rules.js';

export type * from './types.js';

export const ALLOWED_PORTS = '1024-65535';
const PORTS = 'ports from 1 to 65535, like 1024-65535 or 6881-6999,51413';

/** Total: each complaint begins with the flag. */
export function parsePolicy(
  flags: PolicyFlags,
  general: Pick<Grant, 'maxMappings' | 'maxLifetime'>,
  complain: (complaint: string) => void,
): Policy {
  const ranges = (flag: string, texts: readonly string[], none: string | null = null) => {
    const given = texts.flatMap((text) => {
      if (text === none) return [];
      const parsed = parsePortRanges(text);
      if (parsed === null) complain(`${flag} ${text}: give ${PORTS}`);
      return parsed ?? [];
    });
    return withoutPorts(given, []);
  };
  const allowedPorts = ranges('--allowed-ports', flags.allowedPorts ?? [ALLOWED_PORTS]);
  const deniedPorts = ranges('--denied-ports', flags.deniedPorts ?? [DANGEROUS_PORTS], 'none');
  const reservedPorts = ranges('--reserved-ports', flags.reservedPorts ?? []);
  const pinholePorts = withoutPorts(allowedPorts, deniedPorts);
  const ports = withoutPorts(pinholePorts, reservedPorts);
  // Not a mistake if only reserved ports are left: these come and go with the router's services.
  if (allowedPorts.length > 0 && pinholePorts.length === 0)
    complain('--allowed-ports: no port is left of these beyond the denied ones');

  const { defaultRule = 'allow' } = flags;
  if (defaultRule !== 'allow' && defaultRule !== 'deny') complain(`--default-rule ${defaultRule}: give allow or deny`);
  const grant: Grant = { ports, pinholePorts, ...general };
  const rules = (flags.rule ?? []).flatMap((text) => parseRule(text, grant, allowedPorts, complain) ?? []);
  return {
    allowedPorts,
    deniedPorts,
    reservedPorts,
    rules: [...rules, { who: EVERYONE, grant: defaultRule === 'allow' ? grant : null }],
  };
}
