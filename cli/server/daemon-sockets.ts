// Opens the sockets of the daemons (docs/architecture.md, "File descriptors"): first those that may fail and leave
// nothing behind, then the socket files.

import { closeSync } from 'node:fs';
import { readBoundSockets } from '../host/bound-sockets.js';
import { EXIT, Failure } from '../host/failure.js';
import type { ListenInterface } from '../host/interfaces.js';
import type { ResolvedConfig } from './config.js';
import { socketMarkOf } from '../host/ruleset-text.js';
import type { Role } from './role.js';
import { adminSocket, helperSocket, metricsSocket, upnpMetricsSocket, upnpStatusSocket } from './daemon-config.js';
import {
  NETLINK,
  openHttp,
  openListener,
  openNetlink,
  openSsdp,
  openUdp,
  openUdp6,
  removeSocketFile,
  SSDP_PORT,
} from './sockets.js';

export interface PassedFd {
  readonly name: string;
  readonly fd: number;
}

/** Has to hold the events of a firewall reload. */
const EVENT_BUFFER_BYTES = 8 << 20;
/** Has to hold all replies to one batch: the helper reads them after it has sent the batch. */
const REPLY_BUFFER_BYTES = 8 << 20;
const ADDRESS_BUFFER_BYTES = 256 << 10;

/** The sockets of one LAN interface. */
interface LanSockets {
  /** Of the interface; another one means that it was created again. */
  readonly index: number;
  /** Of each address family that for requests and its overflow socket. */
  readonly frontend: readonly PassedFd[];
  /** Both of natpmp-upnp; none while another program has a port of them. */
  upnp: readonly PassedFd[];
}

type SocketConfig = Pick<ResolvedConfig, 'pinholes' | 'upnp' | 'upnpPort' | 'natChain'>;

interface Upnp {
  readonly port: number;
  /** Of its sockets. */
  readonly mark: number;
}

export class DaemonSockets {
  readonly #lans = new Map<string, LanSockets>();
  readonly #others: Readonly<Record<Role, PassedFd[]>> = { frontend: [], helper: [], upnp: [] };
  readonly #files: string[] = [];
  readonly #ipv6: boolean;
  readonly #upnp: Upnp | null;
  #upnpTrouble: string | null = null;

  /** `pinholes`: the LANs are served over IPv6, too; `upnp`: by UPnP, too. */
  constructor({ pinholes, upnp, upnpPort, natChain }: SocketConfig) {
    this.#ipv6 = pinholes;
    this.#upnp = upnp ? { port: upnpPort, mark: socketMarkOf(natChain) } : null;
  }

  /** What a daemon that starts now is passed. */
  fds(role: Role): readonly PassedFd[] {
    if (role === 'helper') return this.#others.helper;
    return [...[...this.#lans.values()].flatMap((lan) => lan[role]), ...this.#others[role]];
  }

  /**
   * Open the sockets of interfaces that are new, or were created again. What is open stays open until the new is there,
   * also that of an interface which is gone: while one socket holds the port, no other user can bind it for all
   * interfaces.
   *
   * @returns Whether there are new ones, which the daemons that have them need a restart for.
   */
  openLans(listenInterfaces: readonly ListenInterface[], port: number): boolean {
    let isNew = false;
    for (const { name, index } of listenInterfaces) {
      const before = this.#lans.get(name);
      if (before?.index === index) continue;
      const frontend = openFrontend(name, port, this.#ipv6);
      try {
        this.#lans.set(name, { index, frontend, upnp: this.#openUpnp(name) });
      } catch (error) {
        closeAll(frontend);
        throw error;
      }
      if (before !== undefined) closeAll([...before.frontend, ...before.upnp]);
      isNew = true;
    }
    return isNew;
  }

  /** A LAN is served by UPnP. */
  get hasUpnp(): boolean {
    return [...this.#lans.values()].some(({ upnp }) => upnp.length > 0);
  }

  /** Why a LAN is not served by UPnP, and who has its port; null if all are, or its interface is gone. */
  get upnpTrouble(): string | null {
    return this.#upnpTrouble;
  }

  /** What natpmp-upnp cannot start without; null if nothing. */
  get missingForUpnp(): string | null {
    return this.hasUpnp ? null : (this.#upnpTrouble ?? 'no LAN interface with the ports of UPnP');
  }

  /** Try again to open the sockets of UPnP, where another program had a port. Returns whether there are new ones. */
  reopenUpnp(): boolean {
    this.#upnpTrouble = null;
    let isNew = false;
    for (const [name, lan] of this.#lans) {
      if (this.#upnp === null || lan.upnp.length > 0) continue;
      try {
        lan.upnp = this.#openUpnp(name);
        isNew ||= lan.upnp.length > 0;
      } catch {
        // The interface is gone: openLans has what comes in its place.
      }
    }
    return isNew;
  }

  /** Any local user may have such a port, which must not cost the LAN the rest of the gateway: then none. */
  #openUpnp(name: string): readonly PassedFd[] {
    if (this.#upnp === null) return [];
    const { port, mark } = this.#upnp;
    const fds: PassedFd[] = [];
    try {
      fds.push({ name: 'ssdp', fd: openSsdp(name, mark) });
      fds.push({ name: 'upnp', fd: openHttp(port, name, mark) });
      return fds;
    } catch (error) {
      closeAll(fds);
      if (!(error instanceof Failure) || error.status !== EXIT.unavailable) throw error;
      const lacks =
        fds.length === 0 ? ({ protocol: 'udp', port: SSDP_PORT } as const) : ({ protocol: 'tcp', port } as const);
      this.#upnpTrouble = `${error.message} (it is of ${usersOf(lacks)})`;
      return [];
    }
  }

  /** Netlink: these leave nothing behind when closed. */
  openNetlink(): void {
    const { route, netfilter } = NETLINK;
    for (const role of ['frontend', ...(this.#upnp === null ? [] : (['upnp'] as const))] as const)
      this.#others[role].push({
        name: 'route',
        fd: openNetlink(route.protocol, route.ipv4AddressesAndRoutes, ADDRESS_BUFFER_BYTES),
      });
    this.#others.helper.push(
      { name: 'nftables', fd: openNetlink(netfilter.protocol, netfilter.none, REPLY_BUFFER_BYTES) },
      { name: 'nftables-events', fd: openNetlink(netfilter.protocol, netfilter.nftables, EVENT_BUFFER_BYTES) },
    );
  }

  /**
   * The helper's two socket files: one for the group of those that ask it, the other for the owner only. And those of the
   * others that only we connect to: for metrics, and for what natpmp-upnp has to tell.
   */
  async openFiles(config: ResolvedConfig, uid: number, callersGid: number): Promise<void> {
    const own = { mode: 0o600, uid, gid: process.getgid?.() ?? 0 };
    const files = [
      { role: 'helper', name: 'helper', path: helperSocket(config), mode: 0o660, uid, gid: callersGid },
      { role: 'helper', name: 'helper-admin', path: adminSocket(config), ...own },
      ...(config.metricsListen === null
        ? []
        : [{ role: 'frontend', name: 'metrics', path: metricsSocket(config), ...own } as const]),
      ...(config.upnpMetricsListen === null
        ? []
        : [{ role: 'upnp', name: 'metrics', path: upnpMetricsSocket(config), ...own } as const]),
      ...(config.upnp ? [{ role: 'upnp', name: 'status', path: upnpStatusSocket(config), ...own } as const] : []),
    ] as const;
    for (const { role, name, ...file } of files) {
      this.#others[role].push({ name, fd: await openListener(file) });
      this.#files.push(file.path);
    }
  }

  close(): void {
    for (const file of this.#files) removeSocketFile(file);
    for (const role of ['frontend', 'helper', 'upnp'] as const) for (const { fd } of this.fds(role)) closeSync(fd);
  }
}

/** All or none. */
function openFrontend(name: string, port: number, ipv6: boolean): readonly PassedFd[] {
  const fds: PassedFd[] = [];
  try {
    // The ruleset redirects devices over the rate limit to the second one.
    for (const number of [port, port + 1]) {
      fds.push({ name: 'natpmp', fd: openUdp(0, number, name) });
      if (ipv6) fds.push({ name: 'natpmp', fd: openUdp6(number, name) });
    }
    return fds;
  } catch (error) {
    closeAll(fds);
    throw error;
  }
}

function closeAll(fds: readonly PassedFd[]): void {
  for (const { fd } of fds) closeSync(fd);
}

/** Who has sockets on the port: "uid 1000". */
function usersOf(wanted: { readonly protocol: 'tcp' | 'udp'; readonly port: number }): string {
  const found = readBoundSockets().filter(({ protocol, port }) => protocol === wanted.protocol && port === wanted.port);
  const uids = [...new Set(found.map(({ uid }) => uid))].sort((a, b) => a - b);
  return uids.length === 0 ? 'an unknown user' : `uid ${uids.join(', ')}`;
}
