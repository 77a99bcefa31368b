// The HTTP server of natpmp-upnp on real sockets, and a peer that sends it bytes.

import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import * as assert from 'uvu/assert';
import { openTcpListener } from '../../cli/server/sockets.js';
import { parseIpv4 } from '../../proto/mapping.js';
import type { ControlResult } from '../../upnp/igd/control.js';
import type { HttpDeps, Limits } from '../../upnp/http/server.js';
import { LIMITS, serveHttp } from '../../upnp/http/server.js';
import type { Call } from '../../upnp/igd/soap.js';
import { atEnd } from '../support/cases.js';

export const GATEWAY = '127.0.0.71';
export const HOST = '127.0.0.72';
export const INTERFACE = 7;
export const TYPE = 'urn:schemas-upnp-org:service:WANIPConnection:1';
export const DOCUMENT = '<?xml version="1.0"?>\n<root>\u00fc</root>\n';
/** Longer than any wait of a check that passes. */
const SOON_MS = 20_000;

export function address(text: string): number {
  const parsed = parseIpv4(text);
  if (parsed === null) throw new Error(text);
  return parsed;
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, GATEWAY);
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  return port;
}

interface Options extends Partial<Pick<HttpDeps, 'control' | 'clock' | 'mostMappings'>> {
  readonly limits?: Partial<Limits>;
}

export async function serving(options: Options = {}) {
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

export const answerAddress = (_call: Call): Promise<ControlResult> =>
  Promise.resolve({ kind: 'values', values: [['NewExternalIPAddress', '44.0.0.2']] });

export class Peer {
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

export const short = (heard: string): string => {
  const status = /^HTTP\/1\.1 (\d+)/.exec(heard)?.[1] ?? heard;
  const value = /<(NewExternalIPAddress|errorCode)>(.*?)</.exec(heard)?.[2] ?? '';
  return `${status} ${value}`.trim();
};

export function soon<T>(promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('nothing came')), SOON_MS);
    void promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

export const BODY =
  '<?xml version="1.0"?>\r\n<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/">' +
  `<s:Body><u:GetExternalIPAddress xmlns:u="${TYPE}"></u:GetExternalIPAddress></s:Body></s:Envelope>\r\n`;
export const lines = (...all: readonly string[]): string => all.map((line) => `${line}\r\n`).join('') + '\r\n';
export const head = (port: number, ...more: readonly string[]): string =>
  lines(
    'POST /control/WANIPConnection HTTP/1.1',
    `HOST: ${GATEWAY}:${port}`,
    'CONTENT-TYPE: text/xml; charset="utf-8"',
    `CONTENT-LENGTH: ${BODY.length}`,
    `SOAPACTION: "${TYPE}#GetExternalIPAddress"`,
    ...more,
  );
export const get = (port: number): string => lines('GET /igd.xml HTTP/1.1', `Host: ${GATEWAY}:${port}`);

/** Two turns of the event loop. */
export async function nextTurns(): Promise<void> {
  for (let count = 0; count < 2; count++) await new Promise((resolve) => setImmediate(resolve));
}

/** Poll: what happens in the server has no event here. */
export async function until(holds: () => boolean): Promise<void> {
  const endMs = performance.now() + SOON_MS;
  while (!holds()) {
    assert.ok(performance.now() < endMs, 'it did not happen');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
