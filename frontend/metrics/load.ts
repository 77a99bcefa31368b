// Loads the metrics server only if it is needed: Node's HTTP server and prom-client take 4 MB of memory.

import type { Logger } from 'pino';
import { stubWebAssembly } from '../../caller/web-assembly.js';
import type { SnapshotSource } from './snapshot.js';

/** Serve metrics on the listening socket. Resolves in any case; the log has the error if they cannot be served. */
export async function loadMetrics(fd: number, source: SnapshotSource, log: Logger): Promise<void> {
  stubWebAssembly();
  const { startMetrics } = await import('./start.js');
  await startMetrics(fd, source, log);
}
