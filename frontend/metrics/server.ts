// Serves one page, GET /metrics, on a listening socket that was handed over. Whoever can connect is a program on this
// machine, and may be hostile: connections, their time and what they may send are bounded, and nothing is ever kept of
// them.

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';

export interface MetricsWorld {
  /** The text of a scrape; may reject. */
  exposition(): Promise<string>;
  readonly contentType: string;
  /** Whether one more connection may come now. */
  mayConnect(): boolean;
}

const MOST_CONNECTIONS = 8;
/** For the request, and for the reply to be taken, in milliseconds. */
const PATIENCE_MS = 5000;
const HEADER_BYTES = 4096;

/** Serve; rejects where the socket can not be used, or where others than programs of this machine could connect. */
export async function serveMetrics(
  fd: number,
  world: MetricsWorld,
  patienceMs = PATIENCE_MS,
): Promise<{ close(): void }> {
  const page = sharedPage(world);
  const server = createServer(
    {
      maxHeaderSize: HEADER_BYTES,
      headersTimeout: patienceMs,
      requestTimeout: patienceMs,
      connectionsCheckingInterval: Math.min(1000, patienceMs),
    },
    (request, response) => void answer(request, response, world.contentType, page),
  );
  server.maxConnections = MOST_CONNECTIONS;
  // Silence of a connection, also of one that does not take its reply.
  server.timeout = patienceMs;
  server.on('connection', (socket) => {
    if (!world.mayConnect()) socket.destroy();
  });
  await listening(server, fd);
  if (!isLoopback(server)) {
    server.close();
    throw new Error('the socket "metrics" is not bound to a loopback address: others could read it');
  }
  return {
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function listening(server: Server, fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ fd }, () => {
      server.removeListener('error', reject);
      // A connection that could not be accepted is lost, and nothing else.
      server.on('error', () => {});
      resolve();
    });
  });
}

function isLoopback(server: Server): boolean {
  const address = server.address();
  return (
    typeof address === 'object' && address !== null && (address.address.startsWith('127.') || address.address === '::1')
  );
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  contentType: string,
  page: () => Promise<string>,
): Promise<void> {
  const refuse = (status: number, text: string, headers: Readonly<Record<string, string>> = {}): void =>
    end(response, status, { 'Content-Type': 'text/plain', ...headers }, `${text}\n`);
  const path = request.url?.split('?', 1)[0];
  if (path !== '/metrics') return refuse(404, 'only /metrics is here');
  if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(405, 'GET it', { Allow: 'GET, HEAD' });
  try {
    end(response, 200, { 'Content-Type': contentType, 'Cache-Control': 'no-store' }, await page());
  } catch {
    refuse(500, 'the metrics could not be collected');
  }
}

/** One reply for each connection: there is none that stays. */
function end(response: ServerResponse, status: number, headers: Readonly<Record<string, string>>, text: string): void {
  response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(text), Connection: 'close' }).end(text);
}

/** All who ask at the same time get the same page: it is made once. */
function sharedPage({ exposition }: MetricsWorld): () => Promise<string> {
  let making: Promise<string> | null = null;
  return () =>
    (making ??= exposition().finally(() => {
      making = null;
    }));
}
