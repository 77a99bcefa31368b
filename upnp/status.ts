// What the administrator's tools are told on a socket file: the descriptions of mappings, which the helper does not keep,
// and what LAN hosts are told of the device, which they alone are. A line of JSON for each mapping and LAN, and one for the
// connection: who reads them as root parses no more than a line at a time.

import { serveMetrics } from '../caller/metrics-server.js';
import { RateLimiter } from '../proto/token-bucket.js';
import type { BootClock } from '../proto/clock.js';
import type { Described, Descriptions } from './igd/descriptions.js';
import type { DeviceReport } from './device-report.js';

/** Far more than a tool that looks each second. */
const CONNECTIONS = { burst: 20, intervalMs: 50 } as const;

/** What is told, as it is now. */
export interface Told {
  readonly descriptions: Pick<Descriptions, 'list'>;
  device(): Promise<DeviceReport>;
}

/** Serve GET /mappings on the inherited socket file. Rejects if it is none. */
export function serveStatus(fd: number, told: Told, clock: BootClock): Promise<{ close(): void }> {
  const connections = new RateLimiter(CONNECTIONS);
  return serveMetrics(fd, {
    path: '/mappings',
    exposition: async () => {
      // Without the device, the descriptions are of use all the same.
      const device = await told.device().catch(() => null);
      return linesOf(told.descriptions.list(), device);
    },
    contentType: 'application/x-ndjson',
    mayConnect: () => connections.take(0, clock()),
  });
}

/** Pure. `device`: null if it cannot be told. */
export function linesOf(mappings: readonly Described[], device: DeviceReport | null): string {
  const lines: readonly object[] =
    device === null
      ? mappings
      : [...mappings, ...device.lans, { status: device.status, externalAddress: device.externalAddress }];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}
