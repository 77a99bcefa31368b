// Serves GET /metrics on the inherited listening socket, a socket file: another process holds the TCP socket and passes
// connections on. Only local programs can connect; they are not trusted: the number of connections, their time and the
// size of a request are bounded, and no state is kept for them.

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';

export interface MetricsDeps {
  /** Where the text is; /metrics if not given. */
  readonly path?: string;
  /** The text for one scrape; may reject. */
  exposition(): Promise<string>;
  readonly contentType: string;
  /** Whether one more connection may come now. */
  mayConnect(): boolean;
}

const MAX_CONNECTIONS = 8;
/** For the request, and again for the reply. */
const TIMEOUT_MS = 5000;
/** Node's own look at all connections, which would wake the process up as often; each has a timer instead. */
const NEVER_MS = 0x7fffffff;
const MAX_HEADER_BYTES = 4096;
/** The names of the loopback interface, with the port of any tunnel. */
const OWN_HOST = /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]{1,5})?$/i;

/** Serve metrics. Rejects if the socket cannot be used, or is of a network. */
export async function serveMetrics(fd: number, deps: MetricsDeps, timeoutMs = TIMEOUT_MS): Promise<{ close(): void }> {
  const page = shareScrape(deps);
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: 0,
      requestTimeout: 0,
      connectionsCheckingInterval: NEVER_MS,
    },
    (request, response) => {
      timers.get(request.socket)?.refresh();
      void answer(request, response, deps, page);
    },
  );
  const timers = new WeakMap<Socket, NodeJS.Timeout>();
  server.maxConnections = MAX_CONNECTIONS;
  server.on('connection', (socket) => {
    if (!deps.mayConnect()) return void socket.destroy();
    const timer = setTimeout(() => socket.destroy(), timeoutMs);
    timers.set(socket, timer);
    socket.once('close', () => clearTimeout(timer));
  });
  await listening(server, fd);
  // Only a TCP socket has an address and a port.
  if (typeof server.address() === 'object' && server.address() !== null) {
    server.close();
    throw new Error(
      'the socket "metrics" is not a socket file: by a TCP socket this process could reach other services',
    );
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
      // An error of accept(2) costs one connection and nothing else.
      server.on('error', () => {});
      resolve();
    });
  });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { contentType, path: wanted = '/metrics' }: MetricsDeps,
  page: () => Promise<string>,
): Promise<void> {
  const refuse = (status: number, text: string, headers: Readonly<Record<string, string>> = {}): void =>
    end(response, status, { 'Content-Type': 'text/plain', ...headers }, `${text}\n`);
  // With DNS rebinding, a page of the Internet could read the answer under its own name. Only HTTP/1.0, which no browser
  // speaks, has no host.
  if (!OWN_HOST.test(request.headers.host ?? 'localhost'))
    return refuse(421, 'ask for http://127.0.0.1 or http://localhost');
  const path = request.url?.split('?', 1)[0];
  if (path !== wanted) return refuse(404, `only ${wanted} is here`);
  if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(405, 'GET it', { Allow: 'GET, HEAD' });
  try {
    end(response, 200, { 'Content-Type': contentType, 'Cache-Control': 'no-store' }, await page());
  } catch {
    refuse(500, 'the metrics could not be collected');
  }
}

/** Send the reply and close: connections are not kept alive. */
function end(response: ServerResponse, status: number, headers: Readonly<Record<string, string>>, text: string): void {
  response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(text), Connection: 'close' }).end(text);
}

/** Concurrent scrapes share one exposition. */
function shareScrape({ exposition }: MetricsDeps): () => Promise<string> {
  let pending: Promise<string> | null = null;
  return () =>
    (pending ??= exposition().finally(() => {
      pending = null;
    }));
}
