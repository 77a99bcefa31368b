// The TCP socket of --metrics-listen. The frontend answers on a socket file; a TCP socket of the router's network in its
// hands could be made into a client of any service on the router (shutdown(2), then connect(2)). Bytes are copied both
// ways and not looked at.

import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';

/** As many as the frontend takes. */
const MAX_CONNECTIONS = 8;
/** The frontend closes a silent connection sooner; this is for one that does not answer. */
const IDLE_TIMEOUT_MS = 10_000;

/**
 * Pass connections to a listening TCP socket on to a socket file, each as long as both ends want.
 *
 * @param fd The TCP socket; closed by `close`.
 * @param path Where the frontend answers; while nobody does, connections are closed at once.
 */
export function startMetricsProxy(fd: number, path: string): { close(): void } {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const frontend = connect({ path, allowHalfOpen: true });
    for (const [from, to] of [
      [client, frontend],
      [frontend, client],
    ] as const) {
      open.add(from);
      // Pauses `from` while `to` does not read, so little is held in memory.
      from.pipe(to);
      from.setTimeout(IDLE_TIMEOUT_MS, () => from.destroy());
      from.on('error', () => {});
      from.once('close', () => {
        open.delete(from);
        to.destroySoon();
      });
    }
  });
  server.maxConnections = MAX_CONNECTIONS;
  // An error of accept(2) costs one connection.
  server.on('error', () => {});
  server.listen({ fd });
  return {
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}
