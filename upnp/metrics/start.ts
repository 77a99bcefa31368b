// Metrics on the inherited listening socket. Loaded only if there is one: prom-client takes some megabytes of memory.

import { CONTENT_TYPE } from '../../caller/metric-set.js';
import { serveMetrics } from '../../caller/metrics-server.js';
import type { BootClock } from '../../proto/clock.js';
import { RateLimiter } from '../../proto/token-bucket.js';
import type { Snapshot } from './exposition.js';
import { exposition } from './exposition.js';

/** Far more connections than scrapers need, and too few to slow down anything else. */
const CONNECTIONS = { burst: 20, intervalMs: 50 } as const;

/** Serve metrics. Rejects if the socket is no socket file. */
export function startMetrics(fd: number, snapshot: () => Snapshot, clock: BootClock): Promise<{ close(): void }> {
  const connections = new RateLimiter(CONNECTIONS);
  return serveMetrics(fd, {
    exposition: () => exposition(snapshot()),
    contentType: CONTENT_TYPE,
    mayConnect: () => connections.take(0, clock()),
  });
}
