// The policy flags, which all programs parse alike: allowed, denied and reserved ports, rules, default rule. The result
// is what each host may have. Pure.

import type { PortRange } from '../proto/mapping.js';
import { commonPorts, parsePortRanges, withoutPorts } from '../proto/mapping.js';
import type { Rule, Who } from './rules.js';
import { DANGEROUS_PORTS, parseRule, withDefault } from './rules.js';

/** The flags as typed. */
export interface PolicyFlags {
  readonly allowedPorts?: readonly string[];
  readonly deniedPorts?: readonly string[];
  readonly reservedPorts?: readonly string[];
  readonly rule?: readonly string[];
  readonly defaultRule?: string;
}

/** The limits of one host. */
export interface Grant {
  /** External ports that may be mapped. */
  readonly ports: readonly PortRange[];
  readonly maxMappings: number;
  /** Seconds; the longest lifetime granted. */
  readonly maxLifetime: number;
}

export interface HostRule {
  readonly who: Who;
  /** Null: these hosts may not map anything. */
  readonly grant: Grant | null;
}

export interface Policy {
  readonly allowedPorts: readonly PortRange[];
  /** Refused both as external and as internal ports: their services are dangerous to expose on any port. */
  readonly deniedPorts: readonly PortRange[];
  /** Not given out: the router uses them itself. */
  readonly reservedPorts: readonly PortRange[];
  /** In order of precedence; the last one matches every host. */
  readonly rules: readonly HostRule[];
}

export const ALLOWED_PORTS = '1024-65535';
const PORTS = 'ports from 1 to 65535, like 1024-65535 or 6881-6999,51413';

/**
 * The policy that the flags describe. Total: every error becomes a complaint that begins with the flag.
 *
 * @param general Limits of hosts whose rule names none.
 */
export function parsePolicy(
  flags: PolicyFlags,
  general: Omit<Grant, 'ports'>,
  complain: (complaint: string) => void,
): Policy {
  const ranges = (flag: string, texts: readonly string[], none: string | null = null) =>
    texts.flatMap((text) => {
      if (text === none) return [];
      const parsed = parsePortRanges(text);
      if (parsed === null) complain(`${flag} ${text}: give ${PORTS}`);
      return parsed ?? [];
    });
  const allowedPorts = ranges('--allowed-ports', flags.allowedPorts ?? [ALLOWED_PORTS]);
  const deniedPorts = ranges('--denied-ports', flags.deniedPorts ?? [DANGEROUS_PORTS], 'none');
  const reservedPorts = ranges('--reserved-ports', flags.reservedPorts ?? []);
  const ports = withoutPorts(allowedPorts, [...deniedPorts, ...reservedPorts]);
  if (allowedPorts.length > 0 && ports.length === 0)
    complain('--allowed-ports: no port is left of these beyond the denied and the reserved ones');

  const { defaultRule = 'allow' } = flags;
  if (defaultRule !== 'allow' && defaultRule !== 'deny') complain(`--default-rule ${defaultRule}: give allow or deny`);
  const rules = (flags.rule ?? []).flatMap((text) => {
    const parsed = parseRule(text);
    const problems = 'rule' in parsed ? portsOutside(parsed.rule, allowedPorts) : parsed.complaints;
    for (const problem of problems) complain(`--rule "${text}": ${problem}`);
    return 'rule' in parsed ? [parsed.rule] : [];
  });
  const hostRules = withDefault(rules, defaultRule === 'allow').map(
    ({ who, allows }): HostRule => ({
      who,
      grant:
        allows === null
          ? null
          : {
              ports: allows.ports === null ? ports : commonPorts(ports, allows.ports),
              maxMappings: allows.maxMappings ?? general.maxMappings,
              maxLifetime: allows.maxLifetime ?? general.maxLifetime,
            },
    }),
  );
  return { allowedPorts, deniedPorts, reservedPorts, rules: hostRules };
}

/**
 * A complaint if an allow rule has no allowed port, which must be a mistake. Ports that the router reserves may change,
 * so they are not considered here.
 */
function portsOutside({ allows }: Rule, allowedPorts: readonly PortRange[]): readonly string[] {
  if (allows === null || allows.ports === null || allowedPorts.length === 0) return [];
  return commonPorts(allowedPorts, allows.ports).length > 0 ? [] : ['none of its ports is among the --allowed-ports'];
}
