// The web server of natpmpctl web: a few files, a stream of events, and POST /revoke if it is allowed. On a loopback
// address; connections, streams, sizes and times are bounded.

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EXIT, Failure, messageOf } from '../../host/failure.js';
import type { PageFile } from './files.js';
import type { RevokeAnswer, RevokeRequest } from './messages.js';
import { checkRequest, MAX_BODY_BYTES, parseRevoke } from './request.js';
import { openStream } from './stream.js';
import type { View } from './view.js';

export interface ListenAddress {
  readonly address: string;
  /** 0 for any. */
  readonly port: number;
}

export interface WebDeps {
  readonly files: ReadonlyMap<string, PageFile>;
  readonly view: Pick<View, 'join' | 'table'>;
  /** Null if nothing may be revoked. */
  readonly revoking: {
    readonly token: string;
    revoke(mapping: RevokeRequest): Promise<{ readonly status: number; readonly answer: RevokeAnswer }>;
  } | null;
}

const MAX_CONNECTIONS = 32;
const MAX_STREAMS = 8;
const HEADER_BYTES = 8192;
/** For receiving a request. */
const REQUEST_TIMEOUT_MS = 5000;
/** For a silent connection; longer than a stream is ever silent. */
const IDLE_TIMEOUT_MS = 30_000;

/** Headers of every response: the page may use only our own files, no other page may frame or read it. */
const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
  'Cache-Control': 'no-store',
} as const;

/** Listen and serve; returns the actual port. */
export async function serveWeb(
  { address, port }: ListenAddress,
  deps: WebDeps,
  requestTimeoutMs = REQUEST_TIMEOUT_MS,
): Promise<{ readonly port: number; close(): void }> {
  const streams = new Set<ServerResponse>();
  const server = createServer(
    {
      maxHeaderSize: HEADER_BYTES,
      headersTimeout: requestTimeoutMs,
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: requestTimeoutMs,
      connectionsCheckingInterval: Math.min(1000, requestTimeoutMs),
    },
    (request, response) => void respond(request, response, deps, streams),
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.timeout = IDLE_TIMEOUT_MS;
  await listen(server, address, port);
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function listen(server: Server, address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const where = `--listen ${address}:${port}`;
      if (error.code === 'EADDRINUSE')
        reject(new Failure(EXIT.unavailable, `${where}: another program listens there: choose another port`));
      else if (error.code === 'EACCES')
        reject(new Failure(EXIT.capability, `${where}: this user may not listen there: choose a port from 1024`));
      else reject(new Failure(EXIT.interface, `${where}: ${messageOf(error)}`));
    });
    server.listen(port, address, () => {
      server.removeAllListeners('error');
      // A connection that cannot be accepted is lost; everything else goes on.
      server.on('error', () => {});
      resolve();
    });
  });
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  deps: WebDeps,
  streams: Set<ServerResponse>,
): Promise<void> {
  const { files, view, revoking } = deps;
  const { method = '', url = '', headers } = request;
  const verdict = checkRequest({ method, url, headers }, files, revoking?.token ?? null);
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  switch (verdict.kind) {
    case 'refuse':
      return end(response, verdict.status, `${verdict.says}\n`, {
        'Content-Type': 'text/plain',
        Connection: 'close',
        ...verdict.headers,
      });
    case 'file': {
      const { type, content } = files.get(verdict.path) ?? { type: 'text/plain', content: Buffer.alloc(0) };
      return end(response, 200, content, { 'Content-Type': type });
    }
    case 'events':
      if (streams.size >= MAX_STREAMS)
        return end(response, 503, 'too many look at this page: close one\n', {
          'Content-Type': 'text/plain',
          'Retry-After': '10',
        });
      streams.add(response);
      response.once('close', () => {
        streams.delete(response);
      });
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      return openStream(response, view);
    case 'revoke': {
      if (revoking === null) return;
      const body = await bodyOf(request).catch(() => null);
      // The client went away in the middle of its request.
      if (body === null) return void response.destroy();
      const mapping = parseRevoke(body);
      const { status, answer } =
        mapping === null ? { status: 400, answer: { error: 'that names no mapping' } } : await revoking.revoke(mapping);
      return end(response, status, JSON.stringify(answer), { 'Content-Type': 'application/json' });
    }
  }
}

/** The body of a request; rejects if it is too long or incomplete. */
async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) throw new Error('longer than it may be');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function end(
  response: ServerResponse,
  status: number,
  content: string | Buffer,
  headers: Readonly<Record<string, string>>,
): void {
  response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(content) }).end(content);
}
