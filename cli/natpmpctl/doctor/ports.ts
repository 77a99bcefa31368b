// The ports that the router needs itself: what cannot be read, and mappings in the way of its services. Pure.

import { isInPrefix } from '../../../config/rules.js';
import { formatIpv4, parsePortRanges } from '../../../proto/mapping.js';
import { portLines, shortList } from '../../host/port-lines.js';
import { PortSet } from '../../host/port-set.js';
import { warningsOf } from '../../host/ports-in-use.js';
import type { Finding } from '../finding.js';
import { ok, unknown, warn } from '../finding.js';
import type { DaemonProcess } from '../processes.js';
import { flagValues } from '../processes.js';
import type { Check } from './facts.js';
import { isUnavailable } from './facts.js';

export const ports: Check = ({ portsInUse, mappings, daemons }) => {
  if (portsInUse === null) return [];
  if (isUnavailable(portsInUse)) return [unknown('ports', `not checked: ${portsInUse.reason}`)];
  const findings: Finding[] = [
    ...warningsOf(portsInUse).map((line) => {
      const [says = '', remedy] = line.split('; ');
      return warn('ports', says, remedy ?? 'see docs/configuration.md, "Ports in use"');
    }),
    ...untold(portsInUse.legacy, daemons),
    // Dynamic ones have just been told to end.
    ...mappings
      .filter(({ origin, externalPort }) => origin === 'static' && portsInUse.ports.has(externalPort))
      .map(({ protocol, externalPort, internalAddress, internalPort }) =>
        warn(
          'ports',
          `the router itself needs port ${externalPort}: the static ${protocol} mapping to ${formatIpv4(internalAddress)}:${internalPort} may not be reached`,
          `stop the service or forward of the router (ss -lntup sport = :${externalPort}), or: natpmpctl revoke --static --port ${protocol}/${externalPort}`,
        ),
      ),
  ];
  return findings.length > 0 ? findings : [ok('ports', 'no service or forward of the router is in the way')];
};

/** Forwards of iptables-legacy that are not reserved: natpmp-own-ports, unlike natpmp-server, may not read them. */
function untold(legacy: PortSet | null, daemons: readonly DaemonProcess[]): readonly Finding[] {
  const callers = daemons.filter(({ role }) => role === 'frontend' || role === 'upnp');
  if (legacy === null || callers.length === 0) return [];
  const reserved = callers.map(({ args }) =>
    PortSet.of(flagValues(args, '--reserved-ports').flatMap((text) => parsePortRanges(text) ?? [])),
  );
  const missing = reserved.reduce((all, known) => all.or(legacy.without(known)), PortSet.NONE).ranges();
  if (missing.length === 0) return [];
  return [
    warn(
      'ports',
      `iptables-legacy forwards ${shortList(missing).join(', ')}, and the daemons do not know: mappings of such ports are not reached`,
      `natpmp-server finds them within 10 s, the units cannot: put into gateway.conf: ${portLines('reserved-ports', missing).join('; ')}`,
    ),
  ];
}

/** Static mappings that lead nowhere: the helper adds what an administrator says. */
export const staticHosts: Check = ({ mappings, interfaces, routes, setup }) =>
  mappings.flatMap(({ origin, protocol, externalPort, internalAddress }): Finding[] => {
    if (origin !== 'static') return [];
    const own = [...interfaces.values()].some(({ lans }) =>
      lans.some(({ routerAddress }) => routerAddress === internalAddress),
    );
    const says = `the static mapping of ${protocol} ${externalPort} leads to ${formatIpv4(internalAddress)}`;
    const remedy = `if that is a mistake: natpmpctl remove ${protocol} ${externalPort}`;
    if (own) return [warn('mappings', `${says}, which is the router itself: open the port in its firewall`, remedy)];
    const covering = routes.filter(({ address, prefixLength }) =>
      isInPrefix({ address, length: prefixLength }, internalAddress),
    );
    const longest = Math.max(...covering.map(({ prefixLength }) => prefixLength));
    const isLan = covering.some(
      ({ prefixLength, interfaceName }) => prefixLength === longest && setup.listenInterfaces.includes(interfaceName),
    );
    return isLan ? [] : [warn('mappings', `${says}, and no route into a LAN leads there`, remedy)];
  });
