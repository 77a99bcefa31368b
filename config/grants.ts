// The flags about who may have what, which all programs read alike: rules, default rule, and the ports that are left.
// Pure.

import type { PortRange } from '../proto/mapping.js';
import { commonPorts, parsePortRanges, withoutPorts } from '../proto/mapping.js';
import type { Rule, Who } from './rules.js';
import { DANGEROUS_PORTS, parseRule, withDefault } from './rules.js';

/** As typed. */
export interface PolicyFlags {
  readonly allowedPorts?: readonly string[] | undefined;
  readonly deniedPorts?: readonly string[] | undefined;
  readonly reservedPorts?: readonly string[] | undefined;
  readonly rule?: readonly string[] | undefined;
  readonly defaultRule?: string | undefined;
}

/** What one host may have. */
export interface Grant {
  /** External ports. */
  readonly ports: readonly PortRange[];
  readonly maxMappings: number;
  /** Seconds. */
  readonly maxLifetime: number;
}

export interface HostRule {
  readonly who: Who;
  /** Null: denied. */
  readonly grant: Grant | null;
}

export interface Policy {
  readonly allowedPorts: readonly PortRange[];
  /** Neither given out, nor mapped to: what listens there is dangerous to offer, on whichever external port. */
  readonly deniedPorts: readonly PortRange[];
  /** Not given out: the router needs them itself. */
  readonly reservedPorts: readonly PortRange[];
  /** In order; the last one names everyone. */
  readonly rules: readonly HostRule[];
}

export const ALLOWED_PORTS = '1024-65535';
const PORTS = 'ports from 1 to 65535, like 1024-65535 or 6881-6999,51413';

/** Total: what is wrong is complained of, each time beginning with the flag. */
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
    const wrong = 'rule' in parsed ? portsOutside(parsed.rule, allowedPorts) : parsed.complaints;
    for (const one of wrong) complain(`--rule "${text}": ${one}`);
    return 'rule' in parsed ? [parsed.rule] : [];
  });
  const settled = withDefault(rules, defaultRule === 'allow').map(
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
  return { allowedPorts, deniedPorts, reservedPorts, rules: settled };
}

/**
 * A rule that allows nothing is a mistake, unless it says deny. That all its ports are taken by the router may come and
 * go.
 */
function portsOutside({ allows }: Rule, allowedPorts: readonly PortRange[]): readonly string[] {
  if (allows === null || allows.ports === null || allowedPorts.length === 0) return [];
  return commonPorts(allowedPorts, allows.ports).length > 0 ? [] : ['none of its ports is among the --allowed-ports'];
}
