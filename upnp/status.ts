// What the administrator's tool is told on a socket file: the descriptions of mappings, which the helper does not keep.

import { serveMetrics } from '../caller/metrics-server.js';
import { RateLimiter } from '../proto/token-bucket.js';
import type { BootClock } from '../proto/clock.js';
import type { Descriptions } from './descriptions.js';

/** Far more than a tool that looks each second. */
const CONNECTIONS = { burst: 20, intervalMs: 50 } as const;

/** Serve GET /mappings on the inherited socket file. Rejects if it is none. */
export function serveStatus(fd: number, descriptions: Descriptions, clock: BootClock): Promise<{ close(): void }> {
  const connections = new RateLimiter(CONNECTIONS);
  return serveMetrics(fd, {
    path: '/mappings',
    exposition: async () => `${JSON.stringify({ mappings: descriptions.list() })}\n`,
    contentType: 'application/json',
    mayConnect: () => connections.take(0, clock()),
  });
}
