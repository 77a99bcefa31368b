// natpmp-client over IPv6: pinholes, by PCP (RFC 6887).

import { formatIpv6, parseIpv6 } from '../../proto/ipv6.js';
import { EXIT } from '../host/failure.js';
import { interfaceNames, readOr } from '../host/machine.js';
import type { PcpAnnouncement, StateChange } from './announcements.js';
import { GatewayMonitor, interfaceOf, receivePcpAnnouncements } from './announcements.js';
import { hasLostPcpState } from './epoch.js';
import type { Answer, Gateway } from './exchange.js';
import { askPcp, findLocalAddress, sayingThatItWaits } from './exchange.js';
import type { Output, PrintOutput } from './format.js';
import { formatEndpoint, noAnswer } from './format.js';
import type { Wanted } from './keep.js';
import type { Announcements } from './watch.js';
import { failed, follow } from './watch.js';
import { addressToOpen, interfaceNamed, parseIfInet6 } from './local-ipv6.js';
import { describePcp } from './pcp-format.js';
import type { PcpReply, PcpRequest, PinholeRequest } from './pcp-packets.js';
import { PCP_RESULT } from '../../frontend/pcp/wire.js';
import { PCP_REMOVAL_ATTEMPTS, pcpAttemptsMs } from './timing.js';

/** A pinhole without the address, which is found out. */
export type PinholeWish = Omit<PinholeRequest, 'kind' | 'clientAddress'>;

/** A gateway that speaks PCP, and the address of this machine that it is asked from. */
export interface PcpGateway extends Gateway {
  readonly from: string;
}

/** The gateway and the address to open; or why there is none. `from`: as the user wants it. */
export async function findPcpGateway(gateway: Gateway, from: string | null): Promise<PcpGateway | Output> {
  const fail = (error: string, meaning: string): Output => noAnswer(formatEndpoint(gateway), error, meaning);
  const addresses = parseIfInet6(readOr('/proc/net/if_inet6', ''));
  const zone = interfaceOf(gateway.address);
  const names = zone === null ? [] : interfaceNames();
  const named = zone === null ? null : interfaceNamed(zone, names, addresses);
  if (zone !== null && named === null)
    return fail('no-interface', `this machine has no interface ${zone}; there are: ${names.toSorted().join(', ')}`);
  // By its name: libuv knows no numbers here.
  const found = named === null ? gateway : { ...gateway, address: gateway.address.replace(/%.*/, `%${named}`) };
  if (from !== null) return { ...found, from };
  const local = named === null ? await findLocalAddress(gateway) : null;
  const name = named ?? addresses.find(({ address }) => address === parseIpv6(local ?? ''))?.interfaceName ?? null;
  if (name === null)
    return fail('not-sent', 'no route to it; a link-local address needs its interface, such as fe80::1%eth0');
  const chosen = addressToOpen(addresses, name);
  if (chosen === null)
    return fail('no-address', `this machine has no global IPv6 address on ${name}: --from names one`);
  return { ...found, from: formatIpv6(chosen) };
}

/** One request, repeated until it is answered; resolves with the exit status. `wish`: null asks whether PCP is spoken. */
export async function askOnce(
  gateway: PcpGateway,
  wish: PinholeWish | null,
  print: PrintOutput,
  signal: AbortSignal,
): Promise<number> {
  const asked = askPcp(gateway, gateway.from, requestOf(gateway, wish), pcpAttemptsMs(Math.random), signal);
  const answer = await sayingThatItWaits(gateway, asked);
  const output = describePcp(gateway, answer, wish?.lifetime === 0);
  print(output);
  return output.status;
}

function requestOf({ from }: PcpGateway, wish: PinholeWish | null): PcpRequest {
  const clientAddress = parseIpv6(from) ?? '0'.repeat(32);
  return wish === null ? { kind: 'announce', clientAddress } : { kind: 'map', clientAddress, ...wish };
}

/** A pinhole for `keep`. */
export function wantedPinhole(gateway: PcpGateway, wish: PinholeWish): Wanted {
  const monitor = new GatewayMonitor(hasLostPcpState);
  return {
    async request(before, signal) {
      const request = { ...wish, suggestedExternalPort: before?.externalPort ?? wish.suggestedExternalPort };
      const answer = await askPcp(
        gateway,
        gateway.from,
        requestOf(gateway, request),
        pcpAttemptsMs(Math.random),
        signal,
      );
      const held = grantedBy(answer);
      return {
        output: describePcp(gateway, answer, false),
        held,
        change: held === null ? null : monitor.observe(held, performance.now()),
      };
    },
    async remove() {
      const attempts = pcpAttemptsMs(Math.random).slice(0, PCP_REMOVAL_ATTEMPTS);
      const request = requestOf(gateway, { ...wish, suggestedExternalPort: 0, lifetime: 0 });
      return describePcp(gateway, await askPcp(gateway, gateway.from, request, attempts), true);
    },
    async receiveAnnouncements(onChange) {
      if (interfaceOf(gateway.address) === null) return null;
      return receivePcpAnnouncements(gateway, (announcement) =>
        onChange(monitor.observe(announcement, performance.now())),
      ).catch(() => null);
    },
  };
}

function grantedBy(answer: Answer<PcpReply>): (PcpReply & { kind: 'map' }) | null {
  if (answer.kind !== 'reply' || answer.reply.kind !== 'map') return null;
  return answer.reply.result === PCP_RESULT.SUCCESS && answer.reply.lifetime > 0 ? answer.reply : null;
}

/** Print the gateway's announcements until `count` have come, or the signal; resolves with the exit status. */
export async function watchPcp(
  gateway: PcpGateway,
  count: number,
  print: PrintOutput,
  signal: AbortSignal,
): Promise<number> {
  if (interfaceOf(gateway.address) === null)
    return failed(
      print,
      gateway,
      "announcements come from the gateway's link-local address: name that one, such as fe80::1%eth0",
    );
  const monitor = new GatewayMonitor(hasLostPcpState);
  const announcements: Announcements = {
    receive: (onAnnouncement) =>
      receivePcpAnnouncements(gateway, (announcement) =>
        onAnnouncement(pcpAnnouncementOutput(gateway, announcement, monitor.observe(announcement, performance.now()))),
      ),
    async askNow(end) {
      const request = requestOf(gateway, null);
      const answer = await askPcp(gateway, gateway.from, request, pcpAttemptsMs(Math.random), end);
      if (answer.kind !== 'reply') return null;
      return () => {
        monitor.observe(answer.reply, performance.now());
        return describePcp(gateway, answer, false);
      };
    },
  };
  return follow(announcements, count, print, signal).catch((error: Error) =>
    failed(print, gateway, `announcements cannot be received: ${error.message}`),
  );
}

/** Pure. */
export function pcpAnnouncementOutput(
  gateway: Gateway,
  { secondsSinceStartOfEpoch: epoch }: PcpAnnouncement,
  { lostState }: StateChange,
): Output {
  const meaning = lostState ? ': the gateway has LOST ITS STATE; pinholes must be made again' : '';
  return {
    report: { event: 'announcement', gateway: gateway.address, epoch, lostState },
    line: `announced: epoch ${epoch} s${meaning}`,
    status: EXIT.success,
  };
}
