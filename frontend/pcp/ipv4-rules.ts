// Rules for IPv4 addresses name no host of IPv6 (policy.ts: grantOf). Where they deny or limit what the default rule
// allows, an administrator who meant to keep a network from opening ports has not done so over IPv6. Pure.

import type { Grant, HostRule } from '../../config/types.js';
import { formatIpv4, withoutPorts } from '../../proto/mapping.js';
import { pinholeLifetime } from './policy.js';

/** As many are named; there may be thousands. */
const NAMED = 3;

export const IPV4_RULES_REMEDY =
  'default-rule = deny, with rules that allow IPv4 networks by prefix and IPv6 devices by mac; or deny single devices by mac';

/**
 * What to tell the administrator, in one line; null if the rules hold for IPv6 as far as they can.
 *
 * @param rules In order of precedence, the default rule last.
 */
export function ipv4RulesNotice(rules: readonly HostRule[]): string | null {
  const general = rules.at(-1)?.grant ?? null;
  if (general === null) return null;
  // Behind a rule for all IPv4 hosts none for some of them counts.
  const last = rules.findIndex(({ who }) => who.kind === 'prefix' && who.length === 0);
  const stricter = rules
    .slice(0, last + 1)
    .flatMap(({ who, grant }) =>
      who.kind === 'prefix' && isStricter(grant, general) ? `${formatIpv4(who.address)}/${who.length}` : [],
    );
  if (stricter.length === 0) return null;
  const more = stricter.length > NAMED ? ` and ${stricter.length - NAMED} more` : '';
  return `rules for IPv4 addresses (${stricter.slice(0, NAMED).join(', ')}${more}) do not hold over IPv6: there default-rule = allow lets these hosts open pinholes`;
}

function isStricter(grant: Grant | null, general: Grant): boolean {
  return (
    grant === null ||
    withoutPorts(general.pinholePorts, grant.pinholePorts).length > 0 ||
    grant.maxMappings < general.maxMappings ||
    pinholeLifetime(Infinity, grant) < pinholeLifetime(Infinity, general)
  );
}
