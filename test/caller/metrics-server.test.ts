// The page for metrics, asked by friends and by programs that mean it harm.

import { createServer, connect } from 'node:net';
import type { Socket } from 'node:net';
import { once } from 'node:events';
import * as assert from 'uvu/assert';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startMetricsProxy } from '../../cli/server/metrics-proxy.js';
import { openListener, openTcpListener } from '../../cli/server/sockets.js';
import { RateLimiter } from '../../proto/token-bucket.js';
import { serveMetrics } from '../../caller/metrics-server.js';
import { atEnd, cases, claims } from '../support/cases.js';
import { ip } from '../frontend/support.js';

const HOST = '127.0.0.61';
const SOON_MS = 20_000;

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, HOST);
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  return port;
}

async function serving(
  options: { exposition?: () => Promise<string>; mayConnect?: () => boolean } = {},
  patienceMs?: number,
) {
  const port = await freePort();
  const made = { count: 0 };
  const folder = mkdtempSync(join(tmpdir(), 'natpmp-metrics-'));
  const path = join(folder, 'metrics.sock');
  const file = { path, mode: 0o600, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const server = await serveMetrics(
    await openListener(file),
    {
      exposition: () => {
        made.count++;
        return Promise.resolve('text\n# EOF\n');
      },
      contentType: 'a/b',
      mayConnect: () => true,
      ...options,
    },
    patienceMs,
  );
  const proxy = startMetricsProxy(openTcpListener(ip(HOST), port, '--metrics-listen'), path);
  atEnd(() => {
    proxy.close();
    server.close();
    rmSync(folder, { recursive: true });
  });
  return { port, path, made, server };
}

/** Send these octets, and have all that comes until the other side closes. */
async function talk(port: number, sent: string, hold = false): Promise<string> {
  const socket = connect(port, HOST);
  atEnd(() => {
    socket.destroy();
  });
  let heard = '';
  socket.on('data', (chunk: Buffer) => {
    heard += chunk.toString();
  });
  socket.on('error', () => {});
  socket.write(sent);
  if (!hold) socket.end();
  await closed(socket);
  return heard;
}
const status = (heard: string): string => /^HTTP\/1\.1 (\d+)/.exec(heard)?.[1] ?? '';

cases(
  'asked',
  [
    {
      name: 'as Prometheus does',
      request: 'GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/openmetrics-text\r\n\r\n',
      want: '200',
      body: 'text\n# EOF\n',
    },
    {
      name: 'with a query',
      request: 'GET /metrics?a=b HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n',
      want: '200',
      body: 'text\n# EOF\n',
    },
    { name: 'for the head alone', request: 'HEAD /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n', want: '200', body: '' },
    {
      name: 'for another page',
      request: 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n',
      want: '404',
      body: 'only /metrics is here\n',
    },
    {
      name: 'for what begins like it',
      request: 'GET /metricsx HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n',
      want: '404',
      body: 'only /metrics is here\n',
    },
    {
      name: 'to take something',
      request: 'POST /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\nhi',
      want: '405',
      body: 'GET it\n',
    },
    {
      name: 'to delete it',
      request: 'DELETE /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n',
      want: '405',
      body: 'GET it\n',
    },
    {
      name: 'twice in one breath: once',
      request: 'GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'.repeat(2),
      want: '200',
      body: 'text\n# EOF\n',
    },
    { name: 'in another language', request: '\x16\x03\x01 hello\r\n\r\n', want: '400' },
    { name: 'with a header without end', request: `GET /metrics HTTP/1.1\r\nHost: ${'x'.repeat(10_000)}`, want: '431' },
    { name: 'to be a proxy', request: 'CONNECT a:1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n', want: '' },
    {
      name: 'to speak something else',
      request: 'GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      want: '200',
    },
  ],
  async ({ request, want, body }: { request: string; want: string; body?: string }) => {
    const { port } = await serving();
    const heard = await talk(port, request);
    assert.is(status(heard), want, heard);
    if (body !== undefined) assert.is(heard.slice(heard.indexOf('\r\n\r\n') + 4), body);
    if (want === '200') assert.match(heard, /\r\nContent-Type: a\/b\r\n/);
  },
);

cases(
  'asked for by a name',
  [
    { name: '127.0.0.1', host: 'Host: 127.0.0.1:9551\r\n', want: '200' },
    { name: 'the whole of 127/8', host: 'Host: 127.3.4.5\r\n', want: '200' },
    { name: 'localhost, through a tunnel', host: 'Host: LocalHost:8080\r\n', want: '200' },
    { name: 'loopback of IPv6', host: 'Host: [::1]:9551\r\n', want: '200' },
    { name: 'none, in HTTP/1.0', version: '1.0', host: '', want: '200' },
    { name: 'of a page of the Internet (DNS rebinding)', host: 'Host: evil.example:9551\r\n', want: '421' },
    { name: 'that begins like ours', host: 'Host: 127.0.0.1.evil.example\r\n', want: '421' },
    { name: 'that ends like ours', host: 'Host: x.localhost\r\n', want: '421' },
    { name: 'of the LAN', host: 'Host: 192.168.1.1:9551\r\n', want: '421' },
    { name: 'empty', host: 'Host: \r\n', want: '421' },
    { name: 'none, in HTTP/1.1', host: '', want: '400' },
  ],
  async ({ host, version = '1.1', want }: { host: string; version?: string; want: string }) => {
    const { port } = await serving();
    assert.is(status(await talk(port, `GET /metrics HTTP/${version}\r\n${host}\r\n`)), want);
  },
);

const GET = 'GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';

claims('bounds', {
  'a page that cannot be made is 500, and the next one is made again': async () => {
    let fails = true;
    const { port } = await serving({
      exposition: () => (fails ? Promise.reject(new Error('no')) : Promise.resolve('yes')),
    });
    assert.is(status(await talk(port, GET)), '500');
    fails = false;
    assert.is(status(await talk(port, GET)), '200');
  },
  'all who ask at the same time share one page': async () => {
    let finish: (text: string) => void = () => {};
    let made = 0;
    const { port } = await serving({
      exposition: () => {
        made++;
        return new Promise((resolve) => {
          finish = resolve;
        });
      },
    });
    const asking = Promise.all(Array.from({ length: 5 }, () => talk(port, GET, true)));
    await until(() => made > 0);
    // All five have been read when a sixth has been told that its page is not there.
    await talk(port, 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    finish('one');
    assert.equal((await asking).map(status), Array(5).fill('200'));
    assert.is(made, 1);
  },
  'no more than eight connections, and none that stays: then others are served again': async () => {
    const { port } = await serving({}, 500);
    const silent = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const socket = connect(port, HOST);
        atEnd(() => {
          socket.destroy();
        });
        socket.on('error', () => {});
        await once(socket, 'connect');
        socket.write('GET /metrics HTTP/1.1\r\nX: ');
        return socket;
      }),
    );
    // The ninth is closed at once, the eight when their time is over.
    assert.is(await talk(port, GET, true), '');
    await Promise.all(silent.map((socket) => closed(socket)));
    assert.is(status(await talk(port, GET)), '200');
  },
  'a connection that says nothing does not stay, although nothing looks at connections every second': async () => {
    const { port, path } = await serving({}, 300);
    // Without the other process, which has a limit of its own.
    const socket = connect(path);
    atEnd(() => {
      socket.destroy();
    });
    socket.on('error', () => {});
    await once(socket, 'connect');
    await closed(socket);
    assert.is(status(await talk(port, GET)), '200');
  },
  'a body without end ends with the reply': async () => {
    const { port } = await serving();
    const socket = connect(port, HOST);
    atEnd(() => {
      socket.destroy();
    });
    socket.on('error', () => {});
    socket.write('POST /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n');
    const feed = (): void => {
      while (!socket.destroyed && socket.write(`10000\r\n${'x'.repeat(0x10000)}\r\n`));
    };
    socket.on('drain', feed);
    feed();
    await closed(socket);
    assert.ok(socket.bytesWritten < 64 << 20, `${socket.bytesWritten} octets were taken`);
  },
  'connections beyond the rate are closed, however many come, and cost no page': async () => {
    const limiter = new RateLimiter({ burst: 3, intervalMs: 1 });
    let now = 0;
    const { port, made } = await serving({ mayConnect: () => limiter.take(0, now) });
    const heard: string[] = [];
    for (let count = 0; count < 200; count++) heard.push(status(await talk(port, GET, true)));
    assert.equal(
      heard.filter((code) => code !== ''),
      ['200', '200', '200'],
    );
    assert.is(made.count, 3);
    now = 10;
    assert.is(status(await talk(port, GET)), '200');
  },
  'a TCP socket is refused, also one of loopback: it can be made into a client': async () => {
    const port = await freePort();
    const refused = await serveMetrics(openTcpListener(ip(HOST), port, '--metrics-listen'), {
      exposition: () => Promise.resolve(''),
      contentType: '',
      mayConnect: () => true,
    }).then(
      () => '',
      (error: Error) => error.message,
    );
    assert.match(refused, /not a socket file/);
    const socket = connect(port, HOST);
    const [error] = (await once(socket, 'error').catch((thrown: unknown) => [thrown])) as [NodeJS.ErrnoException];
    assert.is(error.code, 'ECONNREFUSED', 'and is closed');
  },
  'an address that is taken is said, with the flag to change': async () => {
    const { port } = await serving();
    assert.throws(
      () => openTcpListener(ip(HOST), port, '--metrics-listen'),
      /127\.0\.0\.61:\d+\/tcp is in use: .*--metrics-listen/,
    );
  },
  'a descriptor that is no socket is refused': async () => {
    const world = { exposition: () => Promise.resolve(''), contentType: '', mayConnect: () => true };
    assert.is(
      await serveMetrics(0x7fff, world).then(
        () => 'served',
        () => 'refused',
      ),
      'refused',
    );
  },
});

async function closed(socket: Socket): Promise<void> {
  if (socket.listenerCount('data') === 0) socket.resume();
  if (socket.closed) return;
  // Not `once` of node:events, which takes a reset for a failure.
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the connection stays')), SOON_MS);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

async function until(what: () => boolean): Promise<void> {
  for (const endMs = Date.now() + SOON_MS; !what(); ) {
    if (Date.now() > endMs) throw new Error(`never came true: ${what}`);
    await new Promise(setImmediate);
  }
}
