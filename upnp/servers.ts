// The HTTP servers of the process: that of UPnP on the LANs, and those on socket files for the router's own programs.

import type { Logger } from 'pino';
import type { Binding } from '../caller/datagrams.js';
import type { Ipv4 } from '../proto/mapping.js';
import type { HttpDeps } from './http/server.js';
import { serveHttp } from './http/server.js';
import type { Snapshot } from './metrics/exposition.js';
import type { Told } from './status.js';
import { serveStatus } from './status.js';

export interface ServersDeps {
  readonly http: HttpDeps;
  readonly sockets: readonly Binding<Ipv4>[];
  /** Listening socket files; null: not wanted. */
  readonly metrics: number | null;
  readonly status: number | null;
  snapshot(): Snapshot;
  readonly told: Told;
  readonly log: Logger;
}

export interface Servers {
  close(): void;
}

/** Rejects if UPnP cannot be served. Without metrics or status it runs all the same; the log has the reason. */
export async function startServers(deps: ServersDeps): Promise<Servers> {
  const { clock } = deps.http;
  const started: Servers[] = [await serveHttp(deps.sockets, deps.http)];
  const others = [
    {
      what: 'metrics',
      fd: deps.metrics,
      serve: async (fd: number) => {
        const { startMetrics } = await import('./metrics/start.js');
        return startMetrics(fd, deps.snapshot, clock);
      },
    },
    { what: 'status', fd: deps.status, serve: (fd: number) => serveStatus(fd, deps.told, clock) },
  ];
  for (const { what, fd, serve } of others) {
    try {
      if (fd !== null) started.push(await serve(fd));
    } catch (error) {
      deps.log.error({ why: (error as Error).message }, `no ${what}`);
    }
  }
  return {
    close() {
      for (const server of started) server.close();
    },
  };
}
