// The bytes of a connection to the UPnP server, in pieces of any size, up to what is done for them.

import * as fc from 'fast-check';
import { parseIpv4 } from '../../../proto/mapping.js';
import { MAX_BODY_BYTES, MAX_HEAD_BYTES } from '../../../upnp/http/checks.js';
import type { Progress } from '../../../upnp/http/request.js';
import { RequestReader } from '../../../upnp/http/request.js';
import { hex } from '../../support/bytes.js';
import { below, join, raw } from '../arbitraries.js';
import type { Target } from '../target.js';
import { must } from '../target.js';

const GATEWAY = '192.168.1.1';
const PORT = 2869;
const DOCUMENT = '/igd.xml';
const PLACE = {
  port: PORT,
  isOwnAddress: (address: number) => address === parseIpv4(GATEWAY),
  isDocument: (path: string) => path === DOCUMENT,
};

const text = (value: string): Buffer => Buffer.from(value, 'latin1');
const HOST = `Host: ${GATEWAY}:${PORT}\r\n`;
const ACTION = `SOAPAction: "urn:schemas-upnp-org:service:WANIPConnection:1#GetExternalIPAddress"\r\n`;
const GET = `GET ${DOCUMENT} HTTP/1.1\r\n${HOST}\r\n`;
const POST = `POST /control/WANIPConnection HTTP/1.1\r\n${HOST}${ACTION}Content-Length: 5\r\n\r\nabcde`;

const WORDS = [
  'GET ',
  'HEAD ',
  'POST ',
  'SUBSCRIBE ',
  'OPTIONS ',
  '* ',
  `${DOCUMENT} `,
  '/control/WANIPConnection ',
  '/event/WANIPConnection ',
  `http://${GATEWAY}:${PORT}/igd.xml `,
  'http://evil/igd.xml ',
  'HTTP/1.1\r\n',
  'HTTP/1.0\r\n',
  HOST,
  'host:192.168.1.1\r\n',
  'Host: evil\r\n',
  ACTION,
  'Content-Length: 5\r\n',
  'content-length:0\r\n',
  'Content-Length: 8193\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Expect: 100-continue\r\n',
  'Expect: a\r\n',
  'Origin: null\r\n',
  'Sec-Fetch-Site: none\r\n',
  '\r\n',
  '\n',
  ' ',
  ':',
  'abcde',
];

type Kind = Progress['kind'];

const REQUEST_LINE =
  /^(?:(GET|HEAD) (?:[Hh][Tt][Tt][Pp]:\/\/192\.168\.1\.1(?::2869)?)?\/igd\.xml|(POST) (?:[Hh][Tt][Tt][Pp]:\/\/192\.168\.1\.1(?::2869)?)?\/control\/(?:WANIPConnection|WANCommonInterfaceConfig|Layer3Forwarding)) HTTP\/1\.([01])$/;
const FIELD = /^[!#$%&'*+.^_`|~0-9a-z-]+:[\t -~\x80-\xff]*$/i;

/** What a connection is that is here as a whole, once more; and the body of an action. */
function expected(octets: Buffer): { readonly kind: Kind; readonly body?: string } {
  const all = octets.toString('latin1');
  if (all.startsWith('\r\n'.repeat(5))) return { kind: 'refused' };
  const end = all.replace(/^(?:\r\n)*/, (blank) => '-'.repeat(blank.length)).indexOf('\r\n\r\n');
  if (end < 0) return { kind: all.length - 3 > MAX_HEAD_BYTES ? 'refused' : 'incomplete' };
  const [requestLine = '', ...fields] = all
    .slice(0, end)
    .replace(/^(?:\r\n)*/, '')
    .split('\r\n');
  const line = REQUEST_LINE.exec(requestLine);
  const values = (name: string): string[] =>
    fields
      .filter((field) => field.toLowerCase().startsWith(`${name}:`))
      .map((field) => field.slice(name.length + 1).trim());
  const [host] = values('host');
  const [length = ''] = values('content-length');
  const [expectation = '100-continue'] = line?.[3] === '1' ? values('expect') : [];
  const isPost = line?.[2] !== undefined;
  const isGood =
    end <= MAX_HEAD_BYTES &&
    line !== null &&
    fields.every((field) => FIELD.test(field)) &&
    ['host', 'soapaction', 'content-type', 'content-length', 'expect'].every((name) => values(name).length <= 1) &&
    (host === undefined ? line[3] === '0' : /^192\.168\.1\.1(?::2869)?$/.test(host)) &&
    values('origin').length + values('sec-fetch-site').length === 0 &&
    expectation.toLowerCase() === '100-continue';
  if (!isGood) return { kind: 'refused' };
  if (!isPost) return { kind: 'document' };
  const isFramed = values('transfer-encoding').length === 0 && /^\d+$/.test(length) && Number(length) <= MAX_BODY_BYTES;
  if (!isFramed || values('soapaction').length === 0) return { kind: 'refused' };
  const body = octets.subarray(end + 4, end + 4 + Number(length));
  return body.length < Number(length) ? { kind: 'incomplete' } : { kind: 'action', body: hex(body) };
}

/** The first byte of an input is the size of the pieces, less one. */
export const upnpHttp: Target = {
  name: 'upnp-http',
  inputs: join(
    below(100),
    fc.oneof(
      fc.constantFrom(text(GET), text(POST)),
      fc.array(fc.constantFrom(...WORDS), { maxLength: 14 }).map((words) => text(words.join(''))),
      fc
        .tuple(fc.constantFrom(GET, POST), fc.nat(250), fc.constantFrom(...WORDS), fc.nat(3))
        .map(([request, at, word, cut]) => text(request.slice(0, at) + word + request.slice(at + cut))),
      fc
        .tuple(fc.integer({ min: MAX_HEAD_BYTES - 80, max: MAX_HEAD_BYTES }), fc.constantFrom(GET, POST))
        .map(([length, request]) => text(request.replace('\r\n', `\r\na: ${'b'.repeat(length)}\r\n`))),
      raw(60),
    ),
  ),
  words: WORDS.map(text),
  seeds: {
    get: Buffer.concat([Buffer.from([9]), text(GET)]),
    post: Buffer.concat([Buffer.from([99]), text(POST)]),
    continue: Buffer.concat([Buffer.from([60]), text(POST.replace('\r\n', '\r\nExpect: 100-continue\r\n'))]),
    twice: Buffer.concat([Buffer.from([255]), text(POST + POST)]),
    absolute: Buffer.concat([Buffer.from([0]), text(GET.replace(DOCUMENT, `http://${GATEWAY}${DOCUMENT}`))]),
    empty: Buffer.concat([Buffer.from([0]), text(`${'\r\n'.repeat(4)}${GET}`)]),
    old: Buffer.concat([Buffer.from([7]), text(GET.replace('1.1', '1.0').replace(HOST, ''))]),
  },
  run(input) {
    const [size = 0] = input;
    const connection = Buffer.from(input.subarray(1));
    const reader = new RequestReader(PLACE);
    let progress: Progress = { kind: 'incomplete', continue: false };
    let continues = 0;
    for (let at = 0; at < connection.length && progress.kind === 'incomplete'; at += size + 1) {
      progress = reader.push(connection.subarray(at, at + size + 1));
      if (progress.kind === 'incomplete' && progress.continue) continues++;
    }
    const want = expected(connection);
    must(progress.kind === want.kind, 'a request is what the grammar and the rules say', [progress, want]);
    must(continues <= 1, '100 is sent once', continues);
    if (progress.kind === 'action') must(hex(progress.body) === want.body, 'the body is what follows the head', want);
    if (progress.kind === 'refused') must(progress.status >= 400 && progress.status < 600, 'a status of an error');
  },
};
