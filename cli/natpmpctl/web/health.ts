// Whether all is well, in the words of the page. Pure.

import { addressKind } from '../../../config/public-address.js';
import { parseIpv4 } from '../../../proto/mapping.js';
import { ADDRESS_REMEDIES, ADDRESS_WORDS } from '../doctor/network.js';
import type { ReportedStatus } from '../status.js';
import { formatCount, formatSeconds, shortSeconds } from '../units.js';
import type { Health, HealthItem } from './messages.js';

/** From this share of the table on, somebody should know. */
const NEARLY_FULL = 0.9;

export function healthOf(status: ReportedStatus): Health {
  const { externalAddress, maxMappings } = status;
  return {
    items: [helper(status), frontend(status), address(status), kernel(status), table(status), journal(status)],
    externalAddress,
    maxMappings,
  };
}

function helper({ pid, uptime, epoch }: ReportedStatus): HealthItem {
  return ok('Helper', `pid ${pid}, up ${formatSeconds(uptime)}; epoch ${formatSeconds(epoch)} old`);
}

function frontend({ frontends }: ReportedStatus): HealthItem {
  if (frontends.length === 0)
    return {
      what: 'Frontend',
      level: 'warn',
      says: 'not seen from here',
      remedy: 'natpmpctl doctor, as root on the router, says why',
    };
  return ok(
    'Frontend',
    frontends
      .map(({ pid, uptime, lan }) => `pid ${pid}, up ${formatSeconds(uptime)}, for ${lan.join(', ')}`)
      .join('; '),
  );
}

function address({ externalAddress, externalInterface }: ReportedStatus): HealthItem {
  const what = 'Outside';
  const on = externalInterface === null ? '' : ` on ${externalInterface}`;
  const parsed = parseIpv4(externalAddress ?? '');
  if (parsed === null)
    return {
      what,
      level: 'warn',
      says: `no external address is seen from here${on}`,
      remedy: 'is the line up? natpmpctl doctor looks at it',
    };
  const kind = addressKind(parsed);
  if (kind === 'public') return ok(what, `${externalAddress}${on}, a public address`);
  return {
    what,
    level: 'warn',
    says: `${externalAddress}${on} is ${ADDRESS_WORDS[kind]}: the Internet does not reach it`,
    remedy: ADDRESS_REMEDIES[kind],
  };
}

function kernel({ kernelInStep, resynchronisations: times }: ReportedStatus): HealthItem {
  if (!kernelInStep)
    return {
      what: 'Kernel',
      level: 'fail',
      says: 'not in step with the table',
      remedy: 'is the ruleset installed? natpmpctl doctor says what to do',
    };
  const put =
    times === 0 ? '' : `; put right ${times === 1 ? 'once' : `${times} times`} after others changed the ruleset`;
  return ok('Kernel', `in step with the table${put}`);
}

function table({ mappings, staticMappings, maxMappings, maxMappingsPerHost, maxLifetime }: ReportedStatus): HealthItem {
  const says = `${mappings} of at most ${maxMappings} mappings, ${staticMappings} of them static; ${maxMappingsPerHost} a host, for ${shortSeconds(maxLifetime)} at most`;
  if (mappings < maxMappings * NEARLY_FULL) return ok('Table', says);
  return { what: 'Table', level: 'warn', says, remedy: 'the hosts below show who holds how many; revoking makes room' };
}

function journal({ journalBytes }: ReportedStatus): HealthItem {
  return ok('Journal', `${formatCount(journalBytes)} bytes on disk`);
}

function ok(what: string, says: string): HealthItem {
  return { what, level: 'ok', says, remedy: null };
}
