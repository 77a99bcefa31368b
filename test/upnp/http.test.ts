// The server, by bytes over real sockets: as control points send them, as pages have browsers send them, and slowly.

import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import * as assert from 'uvu/assert';
import { openTcpListener } from '../../cli/server/sockets.js';
import { parseIpv4 } from '../../proto/mapping.js';
import type { ControlResult } from '../../upnp/igd/control.js';
import type { HttpDeps, Limits } from '../../upnp/http/server.js';
import { LIMITS, serveHttp } from '../../upnp/http/server.js';
import type { Member } from '../../upnp/http/crowd.js';
import { Crowd } from '../../upnp/http/crowd.js';
import { RequestReader } from '../../upnp/http/request.js';
import type { Call } from '../../upnp/igd/soap.js';
import { atEnd, cases, claims } from '../support/cases.js';

const GATEWAY = '127.0.0.71';
const HOST = '127.0.0.72';
const INTERFACE = 7;
const TYPE = 'urn:schemas-upnp-org:service:WANIPConnection:1';
const DOCUMENT = '<?xml version="1.0"?>\n<root>\u00fc</root>\n';
/** Longer than any wait of a check that passes. */
const SOON_MS = 20_000;

function address(text: string): number {
  const parsed = parseIpv4(text);
  if (parsed === null) throw new Error(text);
  return parsed;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, GATEWAY);
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  return port;
}

interface Options extends Partial<Pick<HttpDeps, 'control' | 'clock' | 'mostMappings'>> {
  readonly limits?: Partial<Limits>;
}

async function serving(options: Options = {}) {
  const port = await freePort();
  const calls: string[] = [];
  const events: string[] = [];
  const defects: unknown[] = [];
  const server = await serveHttp(
    [{ fd: openTcpListener(address(GATEWAY), port, 'the test'), interfaceIndex: INTERFACE }],
    {
      port,
      isLanHost: (index, host) => index === INTERFACE && host !== address('127.0.0.99'),
      isOwnAddress: (index, own) => index === INTERFACE && own === address(GATEWAY),
      mostMappings: options.mostMappings ?? (() => 100),
      document: (index, path) => (index === INTERFACE && path === '/igd.xml' ? DOCUMENT : null),
      control: (call, asker) => {
        calls.push(`${asker.host === address(HOST) ? HOST : asker.host}%${asker.interfaceIndex} ${call.action}`);
        return (options.control ?? answerAddress)(call, asker);
      },
      clock: options.clock ?? (() => Math.floor(performance.now())),
      count: (event) => events.push(event),
      onDefect: (error) => defects.push(error),
      serverHeader: 'Linux UPnP/1.1 natpmp-server/1',
    },
    { ...LIMITS, ...options.limits },
  );
  atEnd(() => server.close());
  return { port, calls, events, defects, server };
}

const answerAddress = (_call: Call): Promise<ControlResult> =>
  Promise.resolve({ kind: 'values', values: [['NewExternalIPAddress', '44.0.0.2']] });

class Peer {
  readonly #socket: Socket;
  #heard = '';
  /** 'end' or the code of the error. */
  readonly ended: Promise<string>;
  #news: () => void = () => {};

  constructor(port: number, from = HOST, to = GATEWAY) {
    this.#socket = connect({ port, host: to, localAddress: from, allowHalfOpen: true });
    atEnd(() => void this.#socket.destroy());
    this.#socket.on('data', (chunk: Buffer) => {
      this.#heard += chunk.toString('utf8');
      this.#news();
    });
    this.ended = new Promise((resolve) => {
      this.#socket.once('end', () => resolve('end'));
      this.#socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
    });
  }

  get heard(): string {
    return this.#heard;
  }

  async connected(): Promise<this> {
    await once(this.#socket, 'connect');
    return this;
  }

  send(text: string): this {
    this.#socket.write(text);
    return this;
  }

  /** Send, and wait until it has left. */
  async flush(text: string): Promise<void> {
    await new Promise((resolve) => this.#socket.write(text, resolve));
  }

  halfClose(): this {
    this.#socket.end();
    return this;
  }

  onError(run: () => void): void {
    this.#socket.once('error', run);
  }

  close(): void {
    this.#socket.destroy();
  }

  /** All that comes until the server closes, as "status body"; the peer then closes, too. */
  async answer(): Promise<string> {
    const how = await soon(this.ended);
    this.close();
    if (how !== 'end' && this.#heard === '') return how;
    return short(this.#heard);
  }

  /** When this has come. */
  async hears(text: string): Promise<void> {
    while (!this.#heard.includes(text)) await soon(new Promise<void>((resolve) => (this.#news = resolve)));
  }
}

const short = (heard: string): string => {
  const status = /^HTTP\/1\.1 (\d+)/.exec(heard)?.[1] ?? heard;
  const value = /<(NewExternalIPAddress|errorCode)>(.*?)</.exec(heard)?.[2] ?? '';
  return `${status} ${value}`.trim();
};

function soon<T>(promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('nothing came')), SOON_MS);
    void promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

const BODY =
  '<?xml version="1.0"?>\r\n<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/">' +
  `<s:Body><u:GetExternalIPAddress xmlns:u="${TYPE}"></u:GetExternalIPAddress></s:Body></s:Envelope>\r\n`;
const lines = (...all: readonly string[]): string => all.map((line) => `${line}\r\n`).join('') + '\r\n';
const head = (port: number, ...more: readonly string[]): string =>
  lines(
    'POST /control/WANIPConnection HTTP/1.1',
    `HOST: ${GATEWAY}:${port}`,
    'CONTENT-TYPE: text/xml; charset="utf-8"',
    `CONTENT-LENGTH: ${BODY.length}`,
    `SOAPACTION: "${TYPE}#GetExternalIPAddress"`,
    ...more,
  );
const get = (port: number): string => lines('GET /igd.xml HTTP/1.1', `Host: ${GATEWAY}:${port}`);

cases<{ name: string; request(port: number): string; want: string; calls?: number }>(
  'a request',
  [
    { name: 'U-22 the description', request: get, want: '200' },
    { name: 'an action', request: (port) => head(port) + BODY, want: '200 44.0.0.2', calls: 1 },
    {
      name: 'libtorrent: to keep the connection',
      request: (port) => head(port, 'Connection: keep-alive') + BODY,
      want: '200 44.0.0.2',
      calls: 1,
    },
    {
      name: 'miniupnpc: in its own words',
      request: (port) =>
        lines(
          'POST /control/WANIPConnection HTTP/1.1',
          `Host: ${GATEWAY}:${port}`,
          'User-Agent: Debian/12, UPnP/1.1, MiniUPnPc/2.2.4',
          `Content-Length: ${BODY.length}`,
          'Content-Type: text/xml',
          `SOAPAction: "${TYPE}#GetExternalIPAddress"`,
          'Connection: Close',
          'Cache-Control: no-cache',
          'Pragma: no-cache',
        ) + BODY,
      want: '200 44.0.0.2',
      calls: 1,
    },
    {
      name: 'Go: Soapaction, and a gzipped answer would do',
      request: (port) =>
        lines(
          'POST /control/WANIPConnection HTTP/1.1',
          `Host: ${GATEWAY}:${port}`,
          'User-Agent: syncthing/1.0',
          'Connection: close',
          `Content-Length: ${BODY.length}`,
          'Cache-Control: no-cache',
          'Content-Type: text/xml; charset="utf-8"',
          'Pragma: no-cache',
          `Soapaction: "${TYPE}#GetExternalIPAddress"`,
          'Accept-Encoding: gzip',
        ) + BODY,
      want: '200 44.0.0.2',
      calls: 1,
    },
    {
      name: 'libplum: a bare SOAPAction, HTTP/1.1, no blanks',
      request: (port) =>
        lines(
          'POST /control/WANIPConnection HTTP/1.1',
          `Host:${GATEWAY}:${port}`,
          'Connection:close',
          'Content-Type:text/xml',
          `Content-Length:${BODY.length}`,
          `SOAPAction:${TYPE}#GetExternalIPAddress`,
        ) + BODY,
      want: '200 44.0.0.2',
      calls: 1,
    },
    {
      name: 'HTTP/1.0 without a host',
      request: (port) => (head(port) + BODY).replace('HTTP/1.1', 'HTTP/1.0').replace(/HOST: [^\r]*\r\n/, ''),
      want: '200 44.0.0.2',
      calls: 1,
    },
    { name: 'four empty lines before it', request: (port) => '\r\n'.repeat(4) + get(port), want: '200' },
    { name: 'five empty lines before it', request: (port) => '\r\n'.repeat(5) + get(port), want: '400' },
    { name: 'five empty lines, and nothing else', request: () => '\r\n'.repeat(5), want: '400' },
    {
      name: 'U-30 empty lines after it',
      request: (port) => `${head(port)}${BODY}\r\n\r\n`,
      want: '200 44.0.0.2',
      calls: 1,
    },
    {
      name: 'U-30 twice in one segment',
      request: (port) => (head(port) + BODY).repeat(2),
      want: '200 44.0.0.2',
      calls: 1,
    },
    {
      name: 'U-30 twice, in HTTP/1.0',
      request: (port) => (head(port, 'Connection: keep-alive') + BODY).replace('HTTP/1.1', 'HTTP/1.0').repeat(2),
      want: '200 44.0.0.2',
      calls: 1,
    },
    { name: 'U-30 a document, then an action', request: (port) => get(port) + head(port) + BODY, want: '200' },
    {
      name: 'U-30 a refusal, then an action',
      request: (port) => get(port).replace('igd.xml', 'x') + head(port) + BODY,
      want: '404',
    },
    {
      name: 'U-30 a form of a page, whose body is an action',
      request: (port) => {
        const inner = head(port) + BODY;
        return (
          lines(
            'POST /control/WANIPConnection HTTP/1.1',
            `Host: ${GATEWAY}:${port}`,
            'Content-Type: text/plain',
            `Content-Length: ${inner.length}`,
            'Origin: http://evil.example',
          ) + inner
        );
      },
      want: '403',
    },
    {
      name: 'U-30 the same without Origin, and with a length that ends before it',
      request: (port) =>
        lines(
          'POST /control/WANIPConnection HTTP/1.1',
          `Host: ${GATEWAY}:${port}`,
          'Content-Type: text/plain',
          'Content-Length: 2',
        ) + `a=${head(port)}${BODY}`,
      want: '400',
    },
    {
      name: 'U-31 an action in chunks',
      request: (port) =>
        head(port).replace(/CONTENT-LENGTH: \d+/, 'Transfer-Encoding: chunked') +
        `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`,
      want: '411',
    },
    {
      name: 'U-31 a request in the chunks of another',
      request: (port) => head(port, 'Transfer-Encoding: chunked') + `0\r\n\r\n${head(port)}${BODY}`,
      want: '400',
    },
    {
      name: 'U-34 a body of 8 MB',
      request: (port) => head(port).replace(/LENGTH: \d+/, 'LENGTH: 8000000'),
      want: '413',
    },
    { name: 'U-34 a head of 9 KiB', request: (port) => head(port, `a: ${'b'.repeat(9000)}`) + BODY, want: '431' },
    { name: 'U-34 a head of 9 KiB that does not end', request: () => 'A'.repeat(9000), want: '431' },
    { name: 'U-34 9 KiB of empty lines', request: () => '\r\n'.repeat(4500), want: '400' },
    { name: 'U-32 another expectation', request: (port) => head(port, 'Expect: a') + BODY, want: '417' },
    { name: 'U-40 for another service', request: (port) => head(port).replace(':1#', ':2#') + BODY, want: '500 401' },
    { name: 'U-43 a DOCTYPE', request: (port) => head(port) + `<!DOCTYPE a>${' '.repeat(BODY.length)}`, want: '400' },
    { name: 'no HTTP', request: () => '\u0016\u0003\u0001\r\n\r\n', want: '400' },
  ],
  async ({ request, want, calls = 0 }) => {
    const { port, calls: made, defects } = await serving();
    assert.is(await new Peer(port).send(request(port)).answer(), want);
    assert.equal(
      made,
      Array.from({ length: calls }, () => `${HOST}%${INTERFACE} GetExternalIPAddress`),
    );
    assert.equal(defects, []);
  },
);

claims('the bytes of an answer', {
  'U-22 a document': async () => {
    const { port } = await serving();
    const peer = new Peer(port).send(get(port));
    assert.is(await peer.answer(), '200');
    assert.is(
      peer.heard,
      'HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset="utf-8"\r\nContent-Length: 38\r\nConnection: close\r\n' +
        `SERVER: Linux UPnP/1.1 natpmp-server/1\r\nEXT:\r\n\r\n${DOCUMENT}`,
    );
  },
  'U-22 HEAD: the same without the document': async () => {
    const { port } = await serving();
    const peer = new Peer(port).send(get(port).replace('GET', 'HEAD'));
    await peer.answer();
    assert.match(peer.heard, /^HTTP\/1\.1 200 OK\r\n.*Content-Length: 38\r\n.*\r\n\r\n$/s);
  },
  'U-38 an error of UPnP is an HTTP 500, with its XML': async () => {
    const { port } = await serving({ control: () => Promise.resolve({ kind: 'fault', code: 718 }) });
    const peer = new Peer(port).send(head(port) + BODY);
    assert.is(await peer.answer(), '500 718');
    assert.match(
      peer.heard,
      /^HTTP\/1\.1 500 Internal Server Error\r\nContent-Type: text\/xml; charset="utf-8"\r\n.*\r\nEXT:\r\n\r\n<\?xml/s,
    );
  },
  'U-28 nothing is said to pages': async () => {
    const { port } = await serving();
    const peer = new Peer(port).send(
      lines(
        'OPTIONS /control/WANIPConnection HTTP/1.1',
        `Host: ${GATEWAY}:${port}`,
        'Access-Control-Request-Method: POST',
      ),
    );
    assert.is(await peer.answer(), '405');
    assert.match(peer.heard, '\r\nAllow: POST\r\n');
    assert.not.match(peer.heard, /access-control/i);
  },
  'U-37 SUBSCRIBE is 501, and nothing connects to the callback': async () => {
    const { port, events } = await serving();
    const callback = createServer().listen(0, HOST);
    await once(callback, 'listening');
    atEnd(() => void callback.close());
    let connections = 0;
    callback.on('connection', () => connections++);
    const { port: theirs } = callback.address() as { port: number };
    const peer = new Peer(port).send(
      lines(
        'SUBSCRIBE /event/WANIPConnection HTTP/1.1',
        `Host: ${GATEWAY}:${port}`,
        `Callback: <http://${HOST}:${theirs}/>`,
        'NT: upnp:event',
        'Timeout: Second-1800',
      ),
    );
    assert.is(await peer.answer(), '501');
    assert.equal(events, ['connection', 'subscription']);
    assert.is(connections, 0);
  },
});

claims('segments', {
  'U-33 libgupnp: the header, then the body': async () => {
    const { port } = await serving();
    const peer = await new Peer(port).connected();
    await peer.flush(head(port));
    await nextTurns();
    await peer.flush(BODY);
    assert.is(await peer.answer(), '200 44.0.0.2');
  },
  'one byte at a time': async () => {
    const { port } = await serving();
    const peer = await new Peer(port).connected();
    for (const byte of head(port) + BODY) await peer.flush(byte);
    assert.is(await peer.answer(), '200 44.0.0.2');
  },
  'U-34 the longest head, with the end of its last line in the next segment': async () => {
    const { port } = await serving();
    const peer = await new Peer(port).connected();
    const start = get(port).slice(0, -4);
    await peer.flush(`${start}\r\na: ${'b'.repeat(8192 - start.length - 5)}\r\n\r`);
    await nextTurns();
    await peer.flush('\n');
    assert.is(await peer.answer(), '200');
  },
  'U-34 8 KiB, a byte at a time: each is looked at four times at most, and copied as often': () => {
    const place = { port: 80, isOwnAddress: () => true, isDocument: (path: string) => path === '/' };
    const longHead = `GET / HTTP/1.0\r\na: ${'b'.repeat(8100)}`;
    for (const [bytes, want] of [
      [`${longHead}\r\n\r\n`, 'document'],
      [longHead + 'b'.repeat(200), 'refused'],
      ['\r\n'.repeat(4) + longHead, 'incomplete'],
      ['\r\n'.repeat(4096), 'refused'],
      [head(80).replace(/LENGTH: \d+/, 'LENGTH: 8192') + 'a'.repeat(8192), 'action'],
    ] as const) {
      const reader = new RequestReader(place);
      const { kind, looked, copied } = worked(() => {
        let kind = 'incomplete';
        for (let at = 0; at < bytes.length && kind === 'incomplete'; at++)
          kind = reader.push(Buffer.from(bytes.slice(at, at + 1), 'latin1')).kind;
        return kind;
      });
      assert.is(kind, want);
      assert.ok(looked > 0 && looked <= 4 * bytes.length + 100, `${looked} looked at`);
      assert.ok(copied > 0 && copied <= 4 * bytes.length, `${copied} copied`);
    }
  },
  'U-30 what comes while the action is carried out, and after its answer, is ignored': async () => {
    let finish: (result: ControlResult) => void = () => {};
    const { port, calls, defects } = await serving({ control: () => new Promise((resolve) => (finish = resolve)) });
    const peer = new Peer(port).send(head(port) + BODY);
    await until(() => calls.length === 1);
    const other = await new Peer(port).connected();
    await peer.flush(head(port) + BODY);
    // Its own answer shows that the server has read what came before.
    assert.is(await other.send(get(port)).answer(), '200');
    finish({ kind: 'values', values: [['NewExternalIPAddress', 'a']] });
    await soon(peer.ended);
    await peer.flush(head(port) + BODY);
    assert.is(await new Peer(port).send(get(port)).answer(), '200');
    assert.is(short(peer.heard), '200 a');
    assert.is(calls.length, 1);
    assert.equal(defects, []);
  },
  'the end of the connection before that of the request': async () => {
    const { port, events } = await serving();
    assert.is(await new Peer(port).send('GET /igd').halfClose().answer(), 'ECONNRESET');
    assert.equal(events, ['connection']);
  },
  'the end of the connection right after the request': async () => {
    const slow = (): Promise<ControlResult> =>
      new Promise((resolve) =>
        setTimeout(() => resolve({ kind: 'values', values: [['NewExternalIPAddress', 'a']] }), 50),
      );
    const { port } = await serving({ control: slow });
    assert.is(
      await new Peer(port)
        .send(head(port) + BODY)
        .halfClose()
        .answer(),
      '200 a',
    );
  },
  'U-32 .NET: the body is sent after 100': async () => {
    const { port, calls } = await serving();
    const peer = new Peer(port).send(head(port, 'Expect: 100-continue'));
    await peer.hears('HTTP/1.1 100 Continue\r\n\r\n');
    assert.is(peer.heard, 'HTTP/1.1 100 Continue\r\n\r\n');
    assert.equal(calls, []);
    peer.send(BODY);
    await soon(peer.ended);
    assert.match(peer.heard, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n.*44\.0\.0\.2/s);
  },
  'U-32 a refusal instead of 100': async () => {
    const { port } = await serving();
    const request = head(port, 'Expect: 100-continue').replace(/SOAPACTION.*\r\n/, '');
    assert.is(await new Peer(port).send(request).answer(), '400');
  },
  'U-32 with the body at once there is no 100': async () => {
    const { port } = await serving();
    const peer = new Peer(port).send(head(port, 'Expect: 100-continue') + BODY);
    assert.is(await peer.answer(), '200 44.0.0.2');
    assert.not.match(peer.heard, '100 Continue');
  },
});

claims('who may ask', {
  'U-21 a host that is not of the LAN is closed without a word': async () => {
    const { port, events } = await serving();
    const peer = new Peer(port, '127.0.0.99').send(get(port));
    assert.is(await peer.answer(), 'ECONNRESET');
    assert.equal(events, ['off-lan']);
  },
  'U-21 so is who asks another address of the router': async () => {
    const port = await freePort();
    const fd = openTcpListener(address('0.0.0.0'), port, 'the test');
    const events: string[] = [];
    const server = await serveHttp([{ fd, interfaceIndex: INTERFACE }], {
      port,
      isLanHost: () => true,
      isOwnAddress: (_index, own) => own === address('127.0.0.73'),
      mostMappings: () => 0,
      document: () => DOCUMENT,
      control: answerAddress,
      clock: () => 0,
      count: (event) => events.push(event),
      onDefect: assert.unreachable,
      serverHeader: 'a',
    });
    atEnd(() => server.close());
    assert.is(await new Peer(port).send(get(port)).answer(), 'ECONNRESET');
    assert.equal(events, ['off-lan']);
  },
  'a host may have 256 connections at once, then one each 20 ms': async () => {
    let now = 1_000_000;
    const { port, events } = await serving({ clock: () => now });
    const ask = (from?: string): Promise<string> => new Peer(port, from).send(get(port)).answer();
    for (let count = 0; count < 256; count++) assert.is(await ask(), '200');
    assert.is(await ask(), 'ECONNRESET');
    assert.is(await ask('127.0.0.73'), '200');
    now += 20;
    assert.is(await ask(), '200');
    assert.is(await ask(), 'ECONNRESET');
    assert.is(events.filter((event) => event === 'rate-limited').length, 2);
  },
  'or twice as many as it may have mappings: the list of all takes one for each': async () => {
    let most = 0;
    const { port } = await serving({ clock: () => 1_000_000, mostMappings: () => most });
    const ask = (): Promise<string> => new Peer(port).send(get(port)).answer();
    for (let count = 0; count < 256; count++) assert.is(await ask(), '200');
    assert.is(await ask(), 'ECONNRESET');
    most = 400; // by a reload
    for (let count = 256; count < 800; count++) assert.is(await ask(), '200');
    assert.is(await ask(), 'ECONNRESET');
  },
});

claims('time', {
  'U-34 a head that does not come': async () => {
    const { port, events } = await serving({ limits: { readMs: 50 } });
    assert.is(await new Peer(port).send('GET /igd').answer(), 'ECONNRESET');
    assert.equal(events, ['connection', 'timeout']);
  },
  'U-34 a body that does not come': async () => {
    const { port, calls } = await serving({ limits: { readMs: 50 } });
    assert.is(await new Peer(port).send(head(port) + BODY.slice(1)).answer(), 'ECONNRESET');
    assert.equal(calls, []);
  },
  'U-34 bytes that come now and then earn no time': async () => {
    const { port } = await serving({ limits: { readMs: 200 } });
    const peer = await new Peer(port).connected();
    const ticking = setInterval(() => void peer.send('a'), 20);
    const start = performance.now();
    assert.is(await peer.answer(), 'ECONNRESET');
    clearInterval(ticking);
    assert.ok(performance.now() - start < 5000);
  },
  'U-34 an answer that is not taken': async () => {
    const { port, events } = await serving({ limits: { readMs: 100_000, answerMs: 50, totalMs: 100_000 } });
    const peer = (await new Peer(port).connected()).send(get(port));
    await soon(peer.ended);
    // It was taken, but the peer does not close.
    await until(() => events.includes('timeout'));
    peer.close();
  },
  'U-34 an action that takes too long': async () => {
    const { port, events } = await serving({ control: () => new Promise(() => {}), limits: { totalMs: 80 } });
    assert.is(await new Peer(port).send(head(port) + BODY).answer(), 'ECONNRESET');
    assert.equal(events, ['connection', 'timeout']);
  },
  'U-34 in all no more than 15 s, whatever the parts took': async () => {
    assert.equal(
      { ...LIMITS },
      { readMs: 5000, answerMs: 5000, totalMs: 15_000, connectionsOfHost: 8, connections: 64 },
    );
    let now = 0;
    const { port, events } = await serving({ clock: () => now, limits: { totalMs: 1000, answerMs: 100_000 } });
    const peer = await new Peer(port).connected();
    await until(() => events.includes('connection'));
    now = 1000;
    peer.send(get(port));
    await soon(peer.ended);
    await until(() => events.includes('timeout'));
    peer.close();
  },
  'an answer for a connection that is gone goes nowhere, and starts no timer': async () => {
    let finish: (result: ControlResult) => void = () => {};
    const { port, calls, events, defects } = await serving({
      control: () => new Promise((resolve) => (finish = resolve)),
      limits: { readMs: 300, answerMs: 20, totalMs: 300 },
    });
    assert.is(await new Peer(port).send(head(port) + BODY).answer(), 'ECONNRESET');
    assert.is(calls.length, 1);
    await nextTurns(); // the server's end has closed, too
    finish({ kind: 'values', values: [] });
    // A timer of the first would end before this one's.
    assert.is(await new Peer(port).answer(), 'ECONNRESET');
    assert.equal(events, ['connection', 'timeout', 'action', 'connection', 'timeout']);
    assert.equal(defects, []);
  },
  'a control that rejects is a defect, and costs its connection': async () => {
    const { port, defects } = await serving({ control: () => Promise.reject(new Error('broken')) });
    assert.is(await new Peer(port).send(head(port) + BODY).answer(), 'ECONNRESET');
    assert.is(defects.length, 1);
    assert.is(await new Peer(port).send(get(port)).answer(), '200');
  },
  'a flood after the request ends the connection': async () => {
    const { port, events } = await serving();
    const peer = await new Peer(port).connected();
    peer.send(get(port));
    await soon(peer.ended);
    const closed = new Promise<void>((resolve) => {
      const flooding = setInterval(() => peer.send('x'.repeat(20_000)), 5);
      peer.onError(() => {
        clearInterval(flooding);
        resolve();
      });
    });
    await soon(closed);
    assert.equal(events, ['connection', 'document']);
  },
});

claims('connections', {
  'U-35 of one host: the ninth takes the place of the oldest that says nothing': async () => {
    const { port, events } = await serving();
    const silent: Peer[] = [];
    for (let count = 0; count < 8; count++) silent.push(await new Peer(port).connected());
    await until(() => events.length === 8);
    assert.is(await new Peer(port).send(get(port)).answer(), '200');
    assert.is(await silent[0]?.answer(), 'ECONNRESET');
    assert.is(await silent[1]?.send(get(port)).answer(), '200');
  },
  'U-35 one that was answered goes first': async () => {
    const { port, events } = await serving({ limits: { connectionsOfHost: 2 } });
    const silent = await new Peer(port).connected();
    await until(() => events.length === 1);
    const answered = new Peer(port).send(get(port));
    await soon(answered.ended);
    assert.is(await new Peer(port).send(get(port)).answer(), '200');
    assert.is(await silent.send(get(port)).answer(), '200');
  },
  'U-35 those at work stay, and the ninth is closed at once': async () => {
    let finish: (result: ControlResult) => void = () => {};
    const done = new Promise<ControlResult>((resolve) => (finish = resolve));
    const { port, calls, events } = await serving({ control: () => done });
    const atWork = Array.from({ length: 8 }, () => new Peer(port).send(head(port) + BODY));
    await until(() => calls.length === 8);
    assert.is(await new Peer(port).send(get(port)).answer(), 'ECONNRESET');
    assert.is(await new Peer(port, '127.0.0.73').send(get(port)).answer(), '200', 'another host is served');
    assert.ok(events.includes('crowded'));
    finish({ kind: 'values', values: [['NewExternalIPAddress', 'a']] });
    for (const peer of atWork) assert.is(await peer.answer(), '200 a');
    assert.is(await new Peer(port).send(get(port)).answer(), '200', 'there is room again');
  },
  'U-35 in all 64: silent ones of eight hosts keep nobody out': async () => {
    const { port, events } = await serving();
    const silent: Peer[] = [];
    for (let count = 0; count < 64; count++)
      silent.push(await new Peer(port, `127.0.0.${100 + (count % 8)}`).connected());
    await until(() => events.length === 64);
    assert.is(await new Peer(port).send(get(port)).answer(), '200');
    assert.is(await silent[0]?.answer(), 'ECONNRESET');
    assert.not.ok(events.includes('timeout'));
  },
  'U-35 each LAN has places and a rate of its own: hosts of another, or addresses that fold to one slot, take none':
    async () => {
      const guest = { gateway: '127.0.0.74', host: '127.1.0.76', interfaceIndex: 8 };
      const port = await freePort();
      const sockets = [
        { fd: openTcpListener(address(GATEWAY), port, 'the test'), interfaceIndex: INTERFACE },
        { fd: openTcpListener(address(guest.gateway), port, 'the test'), interfaceIndex: guest.interfaceIndex },
      ];
      const calls: string[] = [];
      const deps: HttpDeps = {
        port,
        isLanHost: () => true,
        isOwnAddress: () => true,
        mostMappings: () => 0,
        document: (_index, path) => (path === '/igd.xml' ? DOCUMENT : null),
        control: (call) => new Promise(() => calls.push(call.action)),
        clock: () => 1_000_000,
        count() {},
        onDefect: assert.unreachable,
        serverHeader: 'a',
      };
      const server = await serveHttp(sockets, deps, { ...LIMITS, connectionsOfHost: 2, connections: 2 });
      atEnd(() => server.close());
      const asGuest = (text: string): Peer => new Peer(port, guest.host, guest.gateway).send(text);
      const document = lines('GET /igd.xml HTTP/1.1', `Host: ${guest.gateway}`);
      for (let count = 0; count < 254; count++) assert.is(await asGuest(document).answer(), '200');
      for (let count = 0; count < 2; count++) asGuest(head(port) + BODY);
      await until(() => calls.length === 2);
      assert.is(await asGuest(document).answer(), 'ECONNRESET', 'no place, and no token');
      assert.is(await new Peer(port).send(get(port)).answer(), '200');
    },
  'U-35 those that were closed count no longer': () => {
    const crowd = new Crowd<{ host: number; phase: 'reading'; reset(): void }>(2, 3);
    let closed = 0;
    const reset = (): void => void closed++;
    for (let count = 0; count < 20; count++) {
      assert.is(crowd.makeRoom(1), true);
      crowd.add({ host: 1, phase: 'reading', reset });
    }
    assert.is(closed, 18, 'two are left, in one turn of the event loop');
    crowd.resetAll();
    assert.is(closed, 20);
  },
  'close ends them all': async () => {
    const { port, events, server } = await serving();
    const peer = await new Peer(port).connected();
    await until(() => events.length === 1);
    server.close();
    assert.is(await peer.answer(), 'ECONNRESET');
    assert.is(await new Peer(port).answer(), 'ECONNREFUSED');
  },
});

type Phase = Member['phase'];
/** Each member is a host and the first letter of its phase; which one is closed for a connection of host 9. */
cases<{ name: string; members: string; want: string; host?: number }>(
  'U-35 all places are taken: closed is',
  [
    { name: 'one of the host with most', members: '1r 2r 2r 3r', want: '2r, the first' },
    { name: 'also if that of another was answered', members: '1a 2r 2r', want: '2r, the first' },
    { name: 'of that host, one that was answered', members: '1a 2r 2a 2a', want: '2a, the first' },
    { name: 'none that is at work', members: '1a 2w 2r', want: '2r, the first' },
    { name: 'of the next host, if that one is at work', members: '1r 2w 2w 3r 3r 4r', want: '3r, the first' },
    { name: 'of those with as many, one that was answered', members: '1r 2r 3a 4a', want: '3a, the first' },
    { name: 'of those with as many, the oldest', members: '3r 1r 2r', want: '3r, the first' },
    { name: 'of the one that asks, if it would have most', members: '1a 9r 2a', want: '9r, the first' },
    { name: 'of the one with most, if as many', members: '1r 1r 9r', want: '1r, the first' },
    { name: 'none, if all are at work', members: '1w 2w', want: '' },
  ],
  ({ members, want }) => {
    const all = members.split(' ');
    const crowd = new Crowd<Member>(8, all.length);
    const closed: string[] = [];
    for (const [index, text] of all.entries()) {
      const phase = { r: 'reading', w: 'working', a: 'answered' }[text.slice(1)] as Phase;
      const place = index === all.indexOf(text) ? 'the first' : 'a later one';
      crowd.add({ host: Number(text[0]), phase, reset: () => void closed.push(`${text}, ${place}`) });
    }
    assert.is(crowd.makeRoom(9), want !== '');
    assert.is(closed.join(), want);
  },
);

claims('U-35 many hosts that hold all they may', {
  'do not close those that have one each': () => {
    const crowd = new Crowd<Member>(8, 64);
    const closed = new Map<number, number>();
    const connect = (host: number): void => {
      assert.ok(crowd.makeRoom(host));
      crowd.add({ host, phase: 'reading', reset: () => closed.set(host, (closed.get(host) ?? 0) + 1) });
    };
    for (let host = 1; host <= 8; host++) connect(host);
    for (let round = 0; round < 40; round++) for (let host = 101; host <= 140; host++) connect(host);
    for (let host = 1; host <= 8; host++) assert.is(closed.get(host), undefined, `host ${host}`);
  },
});

/** What `run` returns, and how many bytes it had buffers search, compare and copy. */
function worked(run: () => string): { kind: string; looked: number; copied: number } {
  const counted = { looked: 0, copied: 0 };
  const { prototype } = Buffer;
  const { indexOf, equals, copy, set } = prototype;
  const { concat } = Buffer;
  prototype.indexOf = function (this: Buffer, ...given: Parameters<Buffer['indexOf']>) {
    counted.looked += this.length - Number(given[1] ?? 0);
    return indexOf.apply(this, given);
  };
  prototype.equals = function (this: Buffer, other: Uint8Array) {
    counted.looked += other.length;
    return equals.call(this, other);
  };
  prototype.copy = function (this: Buffer, ...given: Parameters<Buffer['copy']>) {
    const bytes = copy.apply(this, given);
    counted.copied += bytes;
    return bytes;
  };
  prototype.set = function (this: Buffer, from: ArrayLike<number>, at?: number) {
    counted.copied += from.length;
    return set.call(this, from, at);
  };
  Buffer.concat = (list, length) => {
    const joined = concat.call(Buffer, list, length);
    counted.copied += joined.length;
    return joined;
  };
  try {
    return { kind: run(), ...counted };
  } finally {
    Object.assign(prototype, { indexOf, equals, copy });
    Reflect.deleteProperty(prototype, 'set'); // that of Uint8Array
    Buffer.concat = concat;
  }
}

/** Two turns of the event loop. */
async function nextTurns(): Promise<void> {
  for (let count = 0; count < 2; count++) await new Promise((resolve) => setImmediate(resolve));
}

/** Poll: what happens in the server has no event here. */
async function until(holds: () => boolean): Promise<void> {
  const endMs = performance.now() + SOON_MS;
  while (!holds()) {
    assert.ok(performance.now() < endMs, 'it did not happen');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
