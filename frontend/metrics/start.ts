// Metrics on the socket that was handed over. Only a frontend that got one loads this: the HTTP server, and what writes
// the text, are 4 MB of memory.

import type { Logger } from 'pino';
import { RateLimiter } from '../../proto/token-bucket.js';
import { CONTENT_TYPE, exposition } from './exposition.js';
import { serveMetrics } from './server.js';
import type { Subject } from './snapshot.js';
import { takeSnapshot } from './snapshot.js';

/** Far more than scrapers need, and little enough to be nothing beside the datagrams. */
const CONNECTIONS = { burst: 20, intervalMs: 50 } as const;

/** Serve metrics. Where that can not be, the log says so and the gateway goes on without. */
export async function startMetrics(fd: number, subject: Subject, log: Logger): Promise<void> {
  const connections = new RateLimiter(CONNECTIONS);
  try {
    await serveMetrics(fd, {
      exposition: async () => exposition(await takeSnapshot(subject)),
      contentType: CONTENT_TYPE,
      mayConnect: () => connections.take(0, subject.clock()),
    });
  } catch (error) {
    log.error({ why: (error as Error).message }, 'no metrics');
  }
}
