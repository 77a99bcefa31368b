// Opens the sockets of the daemons (docs/architecture.md, "File descriptors"): first those that may fail and leave
// nothing behind, then the socket files.

import { closeSync } from 'node:fs';
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
  /** For the frontend, of each address family that for requests and its overflow socket; for natpmp-upnp, both of its. */
  readonly fds: Readonly<Record<'frontend' | 'upnp', readonly PassedFd[]>>;
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

  /** `pinholes`: the LANs are served over IPv6, too; `upnp`: by UPnP, too. */
  constructor({ pinholes, upnp, upnpPort, natChain }: SocketConfig) {
    this.#ipv6 = pinholes;
    this.#upnp = upnp ? { port: upnpPort, mark: socketMarkOf(natChain) } : null;
  }

  /** What a daemon that starts now is passed. */
  fds(role: Role): readonly PassedFd[] {
    if (role === 'helper') return this.#others.helper;
    return [...[...this.#lans.values()].flatMap(({ fds }) => fds[role]), ...this.#others[role]];
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
      this.#lans.set(name, { index, fds: openLan(name, port, this.#ipv6, this.#upnp) });
      if (before !== undefined) closeAll(before.fds);
      isNew = true;
    }
    return isNew;
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
function openLan(name: string, port: number, ipv6: boolean, upnp: Upnp | null): LanSockets['fds'] {
  const fds: Record<'frontend' | 'upnp', PassedFd[]> = { frontend: [], upnp: [] };
  try {
    // The ruleset redirects devices over the rate limit to the second one.
    for (const number of [port, port + 1]) {
      fds.frontend.push({ name: 'natpmp', fd: openUdp(0, number, name) });
      if (ipv6) fds.frontend.push({ name: 'natpmp', fd: openUdp6(number, name) });
    }
    if (upnp !== null) {
      fds.upnp.push({ name: 'ssdp', fd: openSsdp(name, upnp.mark) });
      fds.upnp.push({ name: 'upnp', fd: openHttp(upnp.port, name, upnp.mark) });
    }
    return fds;
  } catch (error) {
    closeAll(fds);
    throw error;
  }
}

function closeAll(fds: LanSockets['fds']): void {
  for (const { fd } of [...fds.frontend, ...fds.upnp]) closeSync(fd);
}
