// The health of the gateway, as the page shows it. Pure.

import { parseIpv4 } from '../../../proto/mapping.js';
import { IPV4_RULES_REMEDY } from '../../../frontend/pcp/ipv4-rules.js';
import { addressFinding } from '../doctor/network.js';
import type { Finding } from '../finding.js';
import { fail, ok, warn } from '../finding.js';
import type { ReportedStatus } from '../status.js';
import { conntrackOf } from '../status.js';
import { formatCount, formatSeconds, shortSeconds } from '../units.js';
import type { Health } from './messages.js';

/** From this share of the table on, warn. */
const NEARLY_FULL_SHARE = 0.9;

/** `ipv4Rules`: what there is to tell of the rules if pinholes are on; null for nothing. */
export function healthOf(status: ReportedStatus, ipv4Rules: string | null): Health {
  const { externalAddress, maxMappings, maxPinholes } = status;
  return {
    findings: [
      helper(status),
      frontend(status),
      outside(status),
      kernel(status),
      ...connections(status),
      table(status),
      ...pinholes(status),
      ...rules(status, ipv4Rules),
      journal(status),
    ],
    externalAddress,
    maxMappings,
    maxPinholes,
  };
}

function helper({ pid, uptime, epoch }: ReportedStatus): Finding {
  return ok('Helper', `pid ${pid}, up ${formatSeconds(uptime)}; epoch ${formatSeconds(epoch)} old`);
}

function frontend({ frontends }: ReportedStatus): Finding {
  if (frontends.length === 0)
    return warn('Frontend', 'not seen from here', 'natpmpctl doctor, as root on the router, says why');
  return ok(
    'Frontend',
    frontends
      .map(({ pid, uptime, lan }) => `pid ${pid}, up ${formatSeconds(uptime)}, for ${lan.join(', ')}`)
      .join('; '),
  );
}

function outside({ externalAddress, externalInterface }: ReportedStatus): Finding {
  const on = externalInterface === null ? '' : ` on ${externalInterface}`;
  const address = parseIpv4(externalAddress ?? '');
  if (address === null)
    return warn(
      'Outside',
      `no external address is seen from here${on}`,
      'is the line up? natpmpctl doctor looks at it',
    );
  const subject = `${externalAddress}${on}`;
  return addressFinding('Outside', address, subject, `${subject}, a public address`);
}

function kernel({ kernelInStep, resynchronisations: times }: ReportedStatus): Finding {
  if (!kernelInStep)
    return fail('Kernel', 'not in step with the table', 'is the ruleset installed? natpmpctl doctor says what to do');
  const repaired =
    times === 0 ? '' : `; put right ${times === 1 ? 'once' : `${times} times`} after others changed the ruleset`;
  return ok('Kernel', `in step with the table${repaired}`);
}

/** Only if there are too many: they are not of the gateway alone. */
function connections(status: ReportedStatus): readonly Finding[] {
  const finding = conntrackOf(status);
  return finding === null || finding.verdict === 'ok' ? [] : [{ ...finding, check: 'Connections' }];
}

function table({ mappings, staticMappings, maxMappings, maxMappingsPerHost, maxLifetime }: ReportedStatus): Finding {
  const says = `${mappings} of at most ${maxMappings} mappings, ${staticMappings} of them static; ${maxMappingsPerHost} a host, for ${shortSeconds(maxLifetime)} at most`;
  if (mappings < maxMappings * NEARLY_FULL_SHARE) return ok('Table', says);
  return warn('Table', says, 'the hosts below show who holds how many; revoking makes room');
}

/** Nothing where they are off. */
function pinholes({ pinholes: number, staticPinholes, maxPinholes }: ReportedStatus): readonly Finding[] {
  if (maxPinholes === 0) return [];
  const says = `${number} of at most ${maxPinholes} pinholes, ${staticPinholes} of them static`;
  if (number < maxPinholes * NEARLY_FULL_SHARE) return [ok('Pinholes', says)];
  return [warn('Pinholes', says, 'the hosts below show who holds how many; revoking makes room')];
}

/** Rules that the administrator may take for more than they are. */
function rules({ maxPinholes }: ReportedStatus, ipv4Rules: string | null): readonly Finding[] {
  return maxPinholes === 0 || ipv4Rules === null ? [] : [warn('Rules', ipv4Rules, IPV4_RULES_REMEDY)];
}

function journal({ journalBytes }: ReportedStatus): Finding {
  return ok('Journal', `${formatCount(journalBytes)} bytes on disk`);
}
