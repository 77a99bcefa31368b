// Metrics on the inherited listening socket.

import type { Logger } from 'pino';
import { RateLimiter } from '../../proto/token-bucket.js';
import { CONTENT_TYPE } from '../../caller/metric-set.js';
import { exposition } from './exposition.js';
import { serveMetrics } from '../../caller/metrics-server.js';
import type { SnapshotSource } from './snapshot.js';
import { takeSnapshot } from './snapshot.js';

/** Far more connections than scrapers need, and too few to slow down the replies to datagrams. */
const CONNECTIONS = { burst: 20, intervalMs: 50 } as const;

/** Serve metrics. If that is impossible, log the reason; the gateway runs without them. */
export async function startMetrics(fd: number, source: SnapshotSource, log: Logger): Promise<void> {
  const connections = new RateLimiter(CONNECTIONS);
  try {
    await serveMetrics(fd, {
      exposition: async () => exposition(await takeSnapshot(source)),
      contentType: CONTENT_TYPE,
      mayConnect: () => connections.take(0, source.clock()),
    });
  } catch (error) {
    log.error({ why: (error as Error).message }, 'no metrics');
  }
}
