// Opens the sockets of the daemons (docs/architecture.md, "File descriptors"): first those that may fail and leave
// nothing behind, then the socket files.

import { closeSync } from 'node:fs';
import type { ListenInterface } from '../host/interfaces.js';
import type { ResolvedConfig } from './config.js';
import type { Role } from './daemon-command.js';
import { adminSocket, helperSocket, metricsSocket } from './daemon-config.js';
import { NETLINK, openListener, openNetlink, openUdp, openUdp6, removeSocketFile } from './sockets.js';

export interface PassedFd {
  readonly name: string;
  readonly fd: number;
}

/** Has to hold the events of a firewall reload. */
const EVENT_BUFFER_BYTES = 8 << 20;
/** Has to hold all replies to one batch: the helper reads them after it has sent the batch. */
const REPLY_BUFFER_BYTES = 8 << 20;
const ADDRESS_BUFFER_BYTES = 256 << 10;

/** The sockets of one LAN interface, of each address family: that for requests, and its overflow socket. */
interface LanSockets {
  /** Of the interface; another one means that it was created again. */
  readonly index: number;
  readonly fds: readonly number[];
}

export class DaemonSockets {
  readonly #lans = new Map<string, LanSockets>();
  readonly #others: Readonly<Record<Role, PassedFd[]>> = { frontend: [], helper: [] };
  readonly #files: string[] = [];
  readonly #ipv6: boolean;

  /** `ipv6`: whether the LANs are served over IPv6, too. */
  constructor(ipv6: boolean) {
    this.#ipv6 = ipv6;
  }

  /** What a daemon that starts now is passed. */
  fds(role: Role): readonly PassedFd[] {
    const lans = [...this.#lans.values()].flatMap(({ fds }) => fds.map((fd) => ({ name: 'natpmp', fd })));
    return role === 'frontend' ? [...lans, ...this.#others.frontend] : this.#others.helper;
  }

  /**
   * Open the sockets of interfaces that are new, or were created again. What is open stays open until the new is there,
   * also that of an interface which is gone: while one socket holds the port, no other user can bind it for all
   * interfaces.
   *
   * @returns Whether there are new ones, which the frontend needs a restart for.
   */
  openLans(listenInterfaces: readonly ListenInterface[], port: number): boolean {
    let isNew = false;
    for (const { name, index } of listenInterfaces) {
      const before = this.#lans.get(name);
      if (before?.index === index) continue;
      // The ruleset redirects devices over the rate limit to the second one.
      this.#lans.set(name, { index, fds: openUdpSockets(name, port, this.#ipv6) });
      for (const fd of before?.fds ?? []) closeSync(fd);
      isNew = true;
    }
    return isNew;
  }

  /** Netlink: these leave nothing behind when closed. */
  openNetlink(): void {
    const { route, netfilter } = NETLINK;
    this.#others.frontend.push({
      name: 'route',
      fd: openNetlink(route.protocol, route.ipv4AddressesAndRoutes, ADDRESS_BUFFER_BYTES),
    });
    this.#others.helper.push(
      { name: 'nftables', fd: openNetlink(netfilter.protocol, netfilter.none, REPLY_BUFFER_BYTES) },
      { name: 'nftables-events', fd: openNetlink(netfilter.protocol, netfilter.nftables, EVENT_BUFFER_BYTES) },
    );
  }

  /**
   * The helper's two socket files: one for the frontend's group, the other for the owner only. And for metrics, one of
   * the frontend's that only we connect to.
   */
  async openFiles(config: ResolvedConfig, uid: number, frontendGid: number): Promise<void> {
    const files = [
      { name: 'helper', path: helperSocket(config), mode: 0o660, uid, gid: frontendGid },
      { name: 'helper-admin', path: adminSocket(config), mode: 0o600, uid, gid: process.getgid?.() ?? 0 },
    ];
    for (const { name, ...file } of files) {
      this.#others.helper.push({ name, fd: await openListener(file) });
      this.#files.push(file.path);
    }
    if (config.metricsListen === null) return;
    const metrics = { path: metricsSocket(config), mode: 0o600, uid, gid: process.getgid?.() ?? 0 };
    this.#others.frontend.push({ name: 'metrics', fd: await openListener(metrics) });
    this.#files.push(metrics.path);
  }

  close(): void {
    for (const file of this.#files) removeSocketFile(file);
    for (const { fd } of [...this.fds('frontend'), ...this.fds('helper')]) closeSync(fd);
  }
}

/** All or none. */
function openUdpSockets(name: string, port: number, ipv6: boolean): readonly number[] {
  const fds: number[] = [];
  try {
    for (const number of [port, port + 1]) {
      fds.push(openUdp(0, number, name));
      if (ipv6) fds.push(openUdp6(number, name));
    }
    return fds;
  } catch (error) {
    for (const fd of fds) closeSync(fd);
    throw error;
  }
}
