// Opens the sockets of the daemons (docs/architecture.md, "File descriptors"): first those that may fail and leave
// nothing behind, then the socket files.

import { closeSync } from 'node:fs';
import type { ListenInterface } from '../host/interfaces.js';
import type { ResolvedConfig } from './config.js';
import type { Role } from './daemon-command.js';
import { adminSocket, helperSocket, metricsSocket } from './daemon-config.js';
import { NETLINK, openListener, openNetlink, openUdp, removeSocketFile } from './sockets.js';

export interface PassedFd {
  readonly name: string;
  readonly fd: number;
}

/** Has to hold the events of a firewall reload. */
const EVENT_BUFFER_BYTES = 8 << 20;
/** Has to hold all replies to one batch: the helper reads them after it has sent the batch. */
const REPLY_BUFFER_BYTES = 8 << 20;
const ADDRESS_BUFFER_BYTES = 256 << 10;

export class DaemonSockets {
  readonly fds: Readonly<Record<Role, PassedFd[]>> = { frontend: [], helper: [] };
  readonly #files: string[] = [];

  /** UDP and netlink: these fail if the port is in use, and leave nothing behind when closed. */
  openNetwork(listenInterfaces: readonly ListenInterface[], port: number): void {
    for (const { name, lans } of listenInterfaces) {
      for (const { routerAddress } of lans) {
        // The ruleset redirects devices over the rate limit to the second one.
        for (const each of [port, port + 1])
          this.fds.frontend.push({ name: 'natpmp', fd: openUdp(routerAddress, each, name) });
      }
    }
    const { route, netfilter } = NETLINK;
    this.fds.frontend.push({
      name: 'route',
      fd: openNetlink(route.protocol, route.ipv4Addresses, ADDRESS_BUFFER_BYTES),
    });
    this.fds.helper.push(
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
      this.fds.helper.push({ name, fd: await openListener(file) });
      this.#files.push(file.path);
    }
    if (config.metricsListen === null) return;
    const metrics = { path: metricsSocket(config), mode: 0o600, uid, gid: process.getgid?.() ?? 0 };
    this.fds.frontend.push({ name: 'metrics', fd: await openListener(metrics) });
    this.#files.push(metrics.path);
  }

  close(): void {
    for (const file of this.#files) removeSocketFile(file);
    for (const { fd } of [...this.fds.frontend, ...this.fds.helper]) closeSync(fd);
  }
}
