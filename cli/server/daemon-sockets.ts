// Opens what the daemons are given (docs/architecture.md, "File descriptors"): first what changes nothing and can be
// refused, then the socket files.

import { closeSync } from 'node:fs';
import type { ListenInterface } from '../host/interfaces.js';
import type { MetricsAddress, ResolvedConfig } from './config.js';
import type { Role } from './daemon-command.js';
import { adminSocket, helperSocket } from './daemon-config.js';
import { NETLINK, openListener, openNetlink, openTcpListener, openUdp, removeSocketFile } from './sockets.js';

export interface PassedFd {
  readonly name: string;
  readonly fd: number;
}

/** A burst of events of a reloaded firewall has to fit in. */
const EVENT_BUFFER_BYTES = 8 << 20;
/** The replies to one batch are all queued before the helper reads the first. */
const REPLY_BUFFER_BYTES = 8 << 20;
const ADDRESS_BUFFER_BYTES = 256 << 10;

export class DaemonSockets {
  readonly fds: Readonly<Record<Role, PassedFd[]>> = { frontend: [], helper: [] };
  readonly #files: string[] = [];

  /** UDP and netlink: refused where the port is taken, and gone without a trace when closed. */
  openNetwork(listenInterfaces: readonly ListenInterface[], port: number): void {
    for (const { name, lans } of listenInterfaces) {
      for (const { routerAddress } of lans) {
        // The second is for whoever asks too much: the ruleset leads there.
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

  /** Where the frontend tells its metrics, to programs of this machine alone. */
  openMetrics({ address, port }: MetricsAddress): void {
    this.fds.frontend.push({ name: 'metrics', fd: openTcpListener(address, port, '--metrics-listen') });
  }

  /** The helper's two socket files: the group of the frontend may connect to one, and only the owner to the other. */
  async openFiles(config: ResolvedConfig, uid: number, frontendGid: number): Promise<void> {
    const files = [
      { name: 'helper', path: helperSocket(config), mode: 0o660, uid, gid: frontendGid },
      { name: 'helper-admin', path: adminSocket(config), mode: 0o600, uid, gid: process.getgid?.() ?? 0 },
    ];
    for (const { name, ...file } of files) {
      this.fds.helper.push({ name, fd: await openListener(file) });
      this.#files.push(file.path);
    }
  }

  close(): void {
    for (const file of this.#files) removeSocketFile(file);
    for (const { fd } of [...this.fds.frontend, ...this.fds.helper]) closeSync(fd);
  }
}
