// UPnP: its process and ports, others in its way, and what LAN hosts are told. Pure.

import { addressKind } from '../../../config/public-address.js';
import type { Lan } from '../../../proto/mapping.js';
import { formatIpv4, parseIpv4 } from '../../../proto/mapping.js';
import type { BoundSocket } from '../../host/bound-sockets.js';
import type { Device } from '../descriptions.js';
import type { Finding } from '../finding.js';
import { fail, ok, unknown, warn } from '../finding.js';
import { formatSeconds } from '../units.js';
import type { Check, Facts, Upnp } from './facts.js';
import { SSDP } from './facts.js';

const CHECK = 'UPnP';
const GROUP = formatIpv4(SSDP.group);

export const upnp: Check = (facts) => {
  if (facts.upnp === null) return [];
  const { setup } = facts;
  const lans = [...new Set(setup.listenInterfaces)];
  return [
    ...processFindings(facts),
    ...otherGatewayFindings(facts.upnp),
    ...lans.flatMap((lan) => lanFindings(lan, facts, facts.upnp!)),
    ...addressFindings(facts, facts.upnp),
  ];
};

function processFindings({ daemons }: Facts): readonly Finding[] {
  const running = daemons.filter(({ role }) => role === 'upnp');
  return running.length > 0
    ? [ok(CHECK, running.map(({ pid, uptimeSeconds }) => `pid ${pid}, up ${formatSeconds(uptimeSeconds)}`).join('; '))]
    : [
        fail(
          CHECK,
          'natpmp-upnp is not seen: no program finds a UPnP gateway',
          "start natpmp-server with --upnp, or: systemctl status 'natpmp-upnp@*.service'",
        ),
      ];
}

function otherGatewayFindings({ others }: Upnp): readonly Finding[] {
  if (others.length === 0) return [];
  const named = others.map(({ pid, name }) => `${name} (pid ${pid})`).join(', ');
  return [
    warn(
      CHECK,
      `another UPnP gateway runs here: ${named}. On a LAN of both, programs take the first that answers`,
      'stop one of them, or turn its UPnP off (miniupnpd: enable_upnp=no)',
    ),
  ];
}

/** What is wrong on one LAN; what its hosts are told if nothing is. */
function lanFindings(lan: string, facts: Facts, seen: Upnp): readonly Finding[] {
  const own = facts.interfaces.get(lan)?.lans ?? [];
  const wrong = [
    ...socketFindings(lan, own, facts, seen, { protocol: 'udp', port: SSDP.port, unit: 'natpmp-ssdp' }),
    ...socketFindings(lan, own, facts, seen, { protocol: 'tcp', port: seen.port, unit: 'natpmp-upnp' }),
  ];
  return [...wrong, ...deviceFindings(lan, facts, seen, wrong.some(isFailure))];
}

function isFailure({ verdict }: Finding): boolean {
  return verdict === 'fail';
}

interface Place extends Pick<BoundSocket, 'protocol' | 'port'> {
  /** Without the LAN. */
  readonly unit: string;
}

function socketFindings(
  lan: string,
  own: readonly Lan[],
  { daemons }: Facts,
  { sockets, inodes, indexes }: Upnp,
  { protocol, port, unit }: Place,
): readonly Finding[] {
  const place = `${protocol.toUpperCase()} ${port}`;
  const index = indexes.get(lan) ?? 0;
  const isRunning = daemons.some(({ role }) => role === 'upnp');
  const here = sockets.filter(
    (one) => one.protocol === protocol && one.port === port && (one.device === 0 || one.device === index),
  );
  // While the process does not run, its supervisor keeps what is bound to the LAN.
  const isOurs = ({ inode, device }: BoundSocket): boolean =>
    inodes === null || !isRunning ? device === index : inodes.has(String(inode));
  const others = here.filter((one) => !isOurs(one));
  const shows = `ss -ln${protocol[0]}p 'sport = :${port}'`;
  if (!here.some(isOurs))
    return [
      others.length > 0
        ? fail(
            CHECK,
            `${place} on ${lan} is held by another program, which does not share it`,
            `${shows} shows which: stop it, or have it share the port; then start the gateway again`,
          )
        : fail(
            CHECK,
            `nobody listens on ${place} of ${lan}`,
            `start natpmp-server with --upnp, or: systemctl status ${unit}@${lan}.socket`,
          ),
    ];
  // The kernel prefers a socket with the address that a datagram is for.
  const nearer = others.find(({ address }) => own.some(({ routerAddress }) => routerAddress === address));
  return nearer === undefined
    ? []
    : [
        warn(
          CHECK,
          `another program has ${place} at ${formatIpv4(nearer.address ?? 0)}: what is sent to this address goes to it`,
          `${shows} shows which: have it listen on all addresses, or on none of ${lan}`,
        ),
      ];
}

/** What a host of the LAN is told, as natpmp-upnp says. `isKnown`: that nothing is told has been said. */
function deviceFindings(lan: string, { daemons }: Facts, { devices }: Upnp, isKnown: boolean): readonly Finding[] {
  if (!daemons.some(({ role }) => role === 'upnp')) return [];
  const device = devices.find(({ lans }) => lans.some((one) => one.interface === lan));
  const told = device?.lans.find((one) => one.interface === lan);
  if (device === undefined || told === undefined)
    return isKnown
      ? []
      : [
          unknown(
            CHECK,
            `what hosts of ${lan} are told was not read: no natpmp-upnp says it at its status socket`,
            'run as root (sudo); if that is not it, restart the gateway',
          ),
        ];
  const findings: Finding[] = [];
  if (!told.joined)
    findings.push(
      fail(
        CHECK,
        `${lan} is not in the group ${GROUP}: no search arrives there (it is tried again every 2 s)`,
        `is ${lan} there, and up? ip -4 maddress show dev ${lan}`,
      ),
    );
  if (told.location === null)
    findings.push(
      fail(
        CHECK,
        `a search on ${lan} finds no gateway`,
        `has ${lan} an IPv4 address, and is it one of --lan? ip -4 address show dev ${lan}`,
      ),
    );
  if (findings.length > 0 || isKnown) return findings;
  const says = `a search on ${lan} finds ${told.location}: ${statusOf(device)}`;
  return [
    device.status === 'Connected'
      ? ok(CHECK, says)
      : warn(
          CHECK,
          `${says}; consoles see no Internet, and many programs map nothing`,
          'without an external address see "external" above; with --require-public-address it has to be a public one',
        ),
  ];
}

function statusOf({ status, externalAddress }: Device): string {
  return `${status ?? 'no status'}, ${externalAddress === null ? 'no external address' : `external address ${externalAddress}`}`;
}

/** Once for all LANs. */
function addressFindings({ setup, interfaces }: Facts, { devices }: Upnp): readonly Finding[] {
  const told = devices.map(({ externalAddress }) => parseIpv4(externalAddress ?? '')).find((one) => one !== null);
  const address =
    told ?? setup.externalAddress ?? interfaces.get(setup.externalInterface ?? '')?.lans[0]?.routerAddress ?? null;
  if (address === null || addressKind(address) === 'public') return [];
  return [
    warn(
      CHECK,
      `the external address ${formatIpv4(address)} is not a public one: programs that use miniupnpc map nothing`,
      'see "double NAT" above; if the router in front passes everything on (DMZ), name its address: --external-address',
    ),
  ];
}
