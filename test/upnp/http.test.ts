// The server, by bytes over real sockets: as control points send them, as pages have browsers send them, and slowly.

import { once } from 'node:events';
import { createServer } from 'node:net';
import * as assert from 'uvu/assert';
import { openTcpListener } from '../../cli/server/sockets.js';
import type { ControlResult } from '../../upnp/igd/control.js';
import { serveHttp } from '../../upnp/http/server.js';
import { RequestReader } from '../../upnp/http/request.js';
import { atEnd, cases, claims } from '../support/cases.js';
import {
  address,
  answerAddress,
  BODY,
  DOCUMENT,
  freePort,
  GATEWAY,
  get,
  head,
  HOST,
  INTERFACE,
  lines,
  nextTurns,
  Peer,
  serving,
  short,
  soon,
  TYPE,
  until,
} from './http-support.js';

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
