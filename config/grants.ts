// The policy flags, which all programs parse alike: allowed, denied and reserved ports, rules, default rule. The result
// is what each host may have. Pure.

import type { Grant, Policy } from './types.js';
import { parsePortRanges, withoutPorts } from '../proto/mapping.js';
import { DANGEROUS_PORTS, EVERYONE, parseRule } from './rules.js';

export const ALLOWED_PORTS = '1024-65535';
const PORTS = 'ports from 1 to 65535, like 1024-65535 or 6881-6999,51413';

/** Total: each complaint begins with the flag. `flags`: the values of a flag, by its name without dashes. */
export function policyFrom(
  flags: (name: string) => readonly string[] | undefined,
  general: Pick<Grant, 'maxMappings' | 'maxLifetime'>,
  complain: (complaint: string) => void,
): Policy {
  const ranges = (name: string, preset: readonly string[], none: string | null = null) => {
    const given = (flags(name) ?? preset).flatMap((text) => {
      if (text === none) return [];
      const parsed = parsePortRanges(text);
      if (parsed === null) complain(`--${name} ${text}: give ${PORTS}`);
      return parsed ?? [];
    });
    return withoutPorts(given, []);
  };
  const allowedPorts = ranges('allowed-ports', [ALLOWED_PORTS]);
  const deniedPorts = ranges('denied-ports', [DANGEROUS_PORTS], 'none');
  const reservedPorts = ranges('reserved-ports', []);
  const pinholePorts = withoutPorts(allowedPorts, deniedPorts);
  const ports = withoutPorts(pinholePorts, reservedPorts);
  // Not a mistake if only reserved ports are left: these come and go with the router's services.
  if (allowedPorts.length > 0 && pinholePorts.length === 0)
    complain('--allowed-ports: no port is left of these beyond the denied ones');

  const defaultRule = flags('default-rule')?.at(-1) ?? 'allow';
  if (defaultRule !== 'allow' && defaultRule !== 'deny') complain(`--default-rule ${defaultRule}: give allow or deny`);
  const grant: Grant = { ports, pinholePorts, ...general };
  const rules = (flags('rule') ?? []).flatMap((text) => parseRule(text, grant, allowedPorts, complain) ?? []);
  return {
    allowedPorts,
    deniedPorts,
    reservedPorts,
    rules: [...rules, { who: EVERYONE, grant: defaultRule === 'allow' ? grant : null }],
  };
}
