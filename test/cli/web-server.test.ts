// The web server of natpmpctl web, asked with literal octets over a real connection.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import * as assert from 'uvu/assert';
import { readPage } from '../../cli/natpmpctl/web/files.js';
import type { Message, RevokeRequest } from '../../cli/natpmpctl/web/messages.js';
import { type WebDeps, serveWeb } from '../../cli/natpmpctl/web/server.js';
import { atEnd, cases, claims } from '../support/cases.js';
import { until } from '../lab/flows.js';

const TABLE: Message = {
  kind: 'table',
  now: 1,
  isHelperHere: true,
  mayRevoke: true,
  mappings: [],
  past: [],
  health: null,
};
const LOOKED: Message = {
  kind: 'looked',
  now: 2,
  health: { findings: [], externalAddress: null, maxMappings: 9, maxPinholes: 0 },
  traffic: [],
};
const revoked: RevokeRequest[] = [];
const readers = new Set<(message: Message) => void>();
let table = TABLE;
const served: WebDeps = {
  files: readPage(),
  view: {
    join(tell) {
      tell(table);
      readers.add(tell);
      return () => {
        readers.delete(tell);
      };
    },
    table: () => table,
  },
  revoking: {
    token: 'abc',
    async revoke(mapping) {
      revoked.push(mapping);
      return { status: 200, answer: { removed: 1 } };
    },
  },
};
const server = await serveWeb({ address: '127.0.0.1', port: 0 }, served);
const impatient = await serveWeb({ address: '127.0.0.1', port: 0 }, served, 100);
for (const each of [server, impatient]) atEnd(() => each.close());

function open(port = server.port): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  atEnd(() => {
    socket.destroy();
  });
  return socket;
}

/** All that comes back until the other side closes. */
const ask = (...lines: readonly string[]) => askAt(server.port, ...lines);
async function askAt(port: number, ...lines: readonly string[]): Promise<string> {
  const socket = open(port);
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  socket.write(lines.join('\r\n'));
  await once(socket, 'close');
  return text;
}
const get = (path: string, ...heads: readonly string[]) =>
  ask(`GET ${path} HTTP/1.1`, 'Host: 127.0.0.1', 'Connection: close', ...heads, '', '');
const head = (text: string, name: string) => new RegExp(`^${name}: (.*)\\r$`, 'mi').exec(text)?.[1];
const statusOf = (text: string) => Number(/^HTTP\/1\.1 (\d+) /.exec(text)?.[1]);

const BODY = '{"protocol":"tcp","externalPort":8080,"internalAddress":"192.168.1.2","internalPort":80}';
const post = (body: string, ...heads: readonly string[]) =>
  ask(
    'POST /revoke HTTP/1.1',
    'Host: localhost',
    'Connection: close',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...heads,
    '',
    body,
  );

cases(
  'every answer tells the browser to keep to itself',
  [
    { name: 'the page', answer: () => get('/'), status: 200, type: 'text/html; charset=utf-8' },
    { name: 'a script', answer: () => get('/web/page.js'), status: 200, type: 'text/javascript; charset=utf-8' },
    { name: 'the style', answer: () => get('/web/page.css'), status: 200, type: 'text/css; charset=utf-8' },
    { name: 'the picture', answer: () => get('/web/icon.svg'), status: 200, type: 'image/svg+xml' },
    { name: 'a path that does not exist', answer: () => get('/other'), status: 404, type: 'text/plain' },
    {
      name: 'another host',
      answer: () => ask('GET / HTTP/1.1', 'Host: evil.example', '', ''),
      status: 421,
      type: 'text/plain',
    },
    {
      name: 'a revocation',
      answer: () => post(BODY, 'Authorization: Bearer abc'),
      status: 200,
      type: 'application/json',
    },
  ],
  async ({ answer, status, type }) => {
    const text = await answer();
    assert.is(statusOf(text), status);
    assert.is(head(text, 'Content-Type'), type);
    assert.is(
      head(text, 'Content-Security-Policy'),
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
    );
    assert.equal(
      [
        'X-Content-Type-Options',
        'X-Frame-Options',
        'Referrer-Policy',
        'Cross-Origin-Resource-Policy',
        'Cross-Origin-Opener-Policy',
        'Cache-Control',
      ].map((name) => head(text, name)),
      ['nosniff', 'DENY', 'no-referrer', 'same-origin', 'same-origin', 'no-store'],
    );
    assert.is(head(text, 'Access-Control-Allow-Origin'), undefined);
    assert.is(head(text, 'X-Powered-By'), undefined);
  },
);

claims('the page', {
  'names no resource elsewhere, and nothing in it that the policy forbids': () => {
    for (const [path, { content }] of readPage()) {
      const text = content.toString();
      assert.not.match(text, /(?:src|href)="(?!\/|#)|url\(|@import|https?:\/\/(?!www\.w3\.org\/2000\/svg)/, path);
      assert.not.match(
        text,
        /<script(?![^>]* src=)|<style|\son[a-z]+="|\sstyle="|innerHTML|insertAdjacentHTML|document\.write|\beval\(/,
        path,
      );
    }
  },
  'has every module that its modules import': () => {
    const files = readPage();
    for (const [path, { type, content }] of files) {
      if (!type.startsWith('text/javascript')) continue;
      for (const [, from = ''] of content.toString().matchAll(/^import .* from '([^']+)';$/gm)) {
        assert.ok(files.has(new URL(from, `http://localhost${path}`).pathname), `${path} imports ${from}`);
      }
    }
  },
  'HEAD has the heads alone': async () => {
    const text = await ask('HEAD / HTTP/1.1', 'Host: 127.0.0.1', 'Connection: close', '', '');
    assert.ok(Number(head(text, 'Content-Length')) > 1000);
    assert.ok(text.endsWith('\r\n\r\n'));
  },
});

claims('POST /revoke', {
  'hands over the mapping, and answers what became of it': async () => {
    revoked.length = 0;
    const text = await post(BODY, 'Authorization: Bearer abc');
    assert.ok(text.endsWith('{"removed":1}'));
    assert.equal(revoked, [{ protocol: 'tcp', externalPort: 8080, internalAddress: '192.168.1.2', internalPort: 80 }]);
  },
  'does nothing for a wrong token, another page, or a body that names nothing': async () => {
    revoked.length = 0;
    const answers = await Promise.all([
      post(BODY, 'Authorization: Bearer abd'),
      post(BODY),
      post(BODY, 'Authorization: Bearer abc', 'Origin: http://evil.example'),
      post('{}', 'Authorization: Bearer abc'),
      post(`${BODY}${' '.repeat(1024)}`, 'Authorization: Bearer abc'),
    ]);
    assert.equal(answers.map(statusOf), [401, 401, 403, 400, 413]);
    assert.is(head(answers[0] ?? '', 'WWW-Authenticate'), 'Bearer');
    assert.equal(revoked, []);
  },
  'a body without an end, or longer than was said, is not waited for': async () => {
    const text = await ask(
      'POST /revoke HTTP/1.1',
      'Host: localhost',
      'Authorization: Bearer abc',
      'Content-Type: application/json',
      'Transfer-Encoding: chunked',
      '',
      '5',
      'xxxxx',
    );
    assert.is(statusOf(text), 411);
  },
});

/** A reader of the events that has got its table. */
async function listen(): Promise<{ socket: Socket; said(): string }> {
  const socket = open();
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  socket.write('GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
  await until('the table is there', async () => text.includes('"kind":"table"'));
  return { socket, said: () => text };
}

claims('GET /events', {
  'sends the table, then each change, and forgets a reader that has gone': async () => {
    const { socket, said } = await listen();
    assert.is(head(said(), 'Content-Type'), 'text/event-stream');
    assert.match(said(), /data: \{"kind":"table".*\}\n\n/);
    for (const tell of readers) tell(LOOKED);
    await until('it is sent', async () => /data: \{"kind":"looked".*\}\n\n/.test(said()));
    socket.destroy();
    await until('nobody is there', async () => readers.size === 0);
  },
  'eight at a time; the next is told to come later, and has a place when one goes': async () => {
    const all = await Promise.all(Array.from({ length: 8 }, listen));
    const text = await get('/events');
    assert.equal([statusOf(text), head(text, 'Retry-After')], [503, '10']);
    all[0]?.socket.destroy();
    await until('there is room', async () => readers.size === 7);
    all.push(await listen());
    for (const { socket } of all) socket.destroy();
    await until('nobody is there', async () => readers.size === 0);
  },
  'a reader that stops costs one table, and gets it again when it reads on': async () => {
    const long = {
      ...LOOKED,
      health: { findings: [], externalAddress: 'x'.repeat(1 << 20), maxMappings: 9, maxPinholes: 0 },
    } satisfies Message;
    const { socket, said } = await listen();
    socket.pause();
    // Far more than the kernel holds for a connection.
    const before = process.memoryUsage().external + process.memoryUsage().heapUsed;
    for (let sent = 0; sent < 200; sent++) for (const tell of readers) tell(long);
    const grown = process.memoryUsage().external + process.memoryUsage().heapUsed - before;
    assert.ok(grown < 50 << 20, `${grown} bytes`);
    table = { ...TABLE, now: 77 };
    socket.resume();
    await until('the table is sent again', async () => said().includes('{"kind":"table","now":77'));
    table = TABLE;
    socket.destroy();
    await until('nobody is there', async () => readers.size === 0);
  },
});

claims('connections', {
  '32 at most; the rest are closed at once': async () => {
    const all = Array.from({ length: 40 }, () => open());
    const closed = new Set<Socket>();
    for (const socket of all) socket.once('close', () => closed.add(socket));
    await until('eight are closed', async () => closed.size >= 8);
    assert.is(closed.size, 8);
    for (const socket of all) socket.destroy();
    await until('it answers again', async () => statusOf(await get('/')) === 200);
  },
  'heads and bodies that never end are not waited for': async () => {
    assert.is(statusOf(await askAt(impatient.port, 'GET / HTTP/1.1', 'Host: localhost', 'X: ')), 408);
    revoked.length = 0;
    await askAt(
      impatient.port,
      'POST /revoke HTTP/1.1',
      'Host: localhost',
      'Authorization: Bearer abc',
      'Content-Type: application/json',
      'Content-Length: 99',
      '',
      BODY,
    );
    assert.equal(revoked, []);
  },
  'one that has nothing more to ask is closed': async () => {
    assert.is(statusOf(await askAt(impatient.port, 'GET / HTTP/1.1', 'Host: localhost', '', '')), 200);
  },
  'heads that are too long are refused': async () => assert.is(statusOf(await get('/', `X: ${'x'.repeat(9000)}`)), 431),
  'anything but HTTP is refused': async () => assert.is(statusOf(await ask('\x16\x03\x01', '', '')), 400),
});
