// What the head of a request has to be: browsers' requests, framing, forms of the target.

import * as assert from 'uvu/assert';
import { parseIpv4 } from '../../proto/mapping.js';
import { checkHead, parseHead } from '../../upnp/http/checks.js';
import { cases } from '../support/cases.js';

const PLACE = {
  port: 2869,
  isOwnAddress: (address: number) => address === parseIpv4('192.168.1.1') || address === parseIpv4('192.168.1.254'),
  isDocument: (path: string) => path === '/igd.xml' || path === '/WANIPConnection.xml',
};

const HOST = 'Host: 192.168.1.1:2869';
const GET = ['GET /igd.xml HTTP/1.1', HOST];
const ACTION = 'SOAPAction: "urn:schemas-upnp-org:service:WANIPConnection:1#GetExternalIPAddress"';
const POST = ['POST /control/WANIPConnection HTTP/1.1', HOST, ACTION, 'Content-Type: text/xml', 'Content-Length: 300'];

const outcome = (lines: readonly string[]): unknown => {
  const head = parseHead(Buffer.from(lines.join('\r\n'), 'latin1'));
  const checked = 'kind' in head ? head : checkHead(head, PLACE);
  switch (checked.kind) {
    case 'refused':
      return checked.allow === undefined ? checked.status : `${checked.status} ${checked.allow}`;
    case 'document':
      return `${checked.isHead ? 'HEAD' : 'GET'} ${checked.path}`;
    case 'control':
      return `${checked.service} ${checked.bodyBytes}${checked.expectsContinue ? ' continue' : ''}`;
  }
};
/** The lines with one field in place of another, or after all. */
const having = (lines: readonly string[], field: string): readonly string[] => {
  const name = `${field.split(':')[0]}:`.toLowerCase();
  const has = lines.some((line) => line.toLowerCase().startsWith(name));
  return has ? lines.map((line) => (line.toLowerCase().startsWith(name) ? field : line)) : [...lines, field];
};
const without = (lines: readonly string[], name: string): readonly string[] =>
  lines.filter((line) => !line.startsWith(`${name}:`));

const CALL = 'WANIPConnection 300';
cases<{ name: string; lines: readonly string[]; want: string | number }>(
  'a head',
  [
    { name: 'U-22 the description', lines: GET, want: 'GET /igd.xml' },
    { name: 'U-22 HEAD', lines: ['HEAD /igd.xml HTTP/1.1', HOST], want: 'HEAD /igd.xml' },
    { name: 'U-22 a service', lines: ['GET /WANIPConnection.xml HTTP/1.1', HOST], want: 'GET /WANIPConnection.xml' },
    { name: 'an action', lines: POST, want: CALL },

    { name: 'U-27 a host without a port', lines: having(GET, 'Host: 192.168.1.1'), want: 'GET /igd.xml' },
    { name: 'U-27 another address of ours', lines: having(POST, 'HOST:192.168.1.254:2869'), want: CALL },
    { name: 'U-27 a name', lines: having(POST, 'Host: evil.example:2869'), want: 403 },
    { name: 'U-27 a name, for a document', lines: having(GET, 'Host: evil.example:2869'), want: 403 },
    { name: 'U-27 a name that begins like us', lines: having(GET, 'Host: 192.168.1.1.evil.example'), want: 403 },
    { name: 'U-27 localhost', lines: having(GET, 'Host: localhost:2869'), want: 403 },
    { name: 'U-27 an address that is not ours', lines: having(GET, 'Host: 192.168.1.2:2869'), want: 403 },
    { name: 'U-27 another port', lines: having(GET, 'Host: 192.168.1.1:80'), want: 403 },
    { name: 'U-27 a port in another form', lines: having(GET, 'Host: 192.168.1.1:02869'), want: 403 },
    { name: 'U-27 an empty port', lines: having(GET, 'Host: 192.168.1.1:'), want: 403 },
    { name: 'U-27 two ports', lines: having(GET, 'Host: 192.168.1.1:2869:2869'), want: 403 },
    { name: 'U-27 an address in another form', lines: having(GET, 'Host: 192.168.257'), want: 403 },
    { name: 'U-27 an address with leading zeros', lines: having(GET, 'Host: 192.168.001.001'), want: 403 },
    { name: 'U-27 IPv6', lines: having(GET, 'Host: [::ffff:192.168.1.1]:2869'), want: 403 },
    { name: 'U-27 a user', lines: having(GET, 'Host: a@192.168.1.1:2869'), want: 403 },
    { name: 'U-27 a list', lines: having(GET, 'Host: 192.168.1.1, evil.example'), want: 403 },
    { name: 'U-27 an empty host', lines: having(GET, 'Host:'), want: 403 },
    { name: 'U-27 no host', lines: without(GET, 'Host'), want: 403 },
    { name: 'U-27 no host, in HTTP/1.0', lines: ['GET /igd.xml HTTP/1.0'], want: 'GET /igd.xml' },
    { name: 'U-27 a name, in HTTP/1.0', lines: ['GET /igd.xml HTTP/1.0', 'Host: evil.example'], want: 403 },
    { name: 'U-27 twice, ours first', lines: [...GET, 'host: evil.example'], want: 400 },
    { name: 'U-27 twice the same', lines: [...GET, HOST], want: 400 },
    { name: 'U-27 SOAPAction twice', lines: [...POST, ACTION.replace('SOAPAction', 'soapaction')], want: 400 },
    { name: 'U-27 Content-Type twice', lines: [...POST, 'content-type: text/plain'], want: 400 },

    { name: 'U-28 a page asks', lines: [...POST, 'Origin: http://evil.example'], want: 403 },
    { name: 'U-28 a file asks', lines: [...POST, 'origin: null'], want: 403 },
    { name: 'U-28 a page of our own name asks', lines: [...POST, 'Origin: http://192.168.1.1:2869'], want: 403 },
    { name: 'U-28 a page reads', lines: [...GET, 'Origin: http://evil.example'], want: 403 },
    { name: 'U-28 an empty origin', lines: [...GET, 'Origin:'], want: 403 },
    { name: 'U-28 a browser says whence', lines: [...POST, 'Sec-Fetch-Site: cross-site'], want: 403 },
    { name: 'U-28 or that nobody asked for it', lines: [...GET, 'sec-fetch-site: none'], want: 403 },
    {
      name: 'U-28 Node sends this',
      lines: [...POST, 'accept-language: *', 'sec-fetch-mode: cors', 'user-agent: node'],
      want: CALL,
    },
    {
      name: 'U-28 may a page ask?',
      lines: ['OPTIONS /control/WANIPConnection HTTP/1.1', HOST, 'Access-Control-Request-Headers: soapaction'],
      want: '405 POST',
    },

    { name: 'U-29 no SOAPAction', lines: having(without(POST, 'SOAPAction'), 'Content-Type: text/plain'), want: 400 },
    {
      name: 'U-39 SOAPACTION',
      lines: without([...POST, ACTION.replace('SOAPAction', 'SOAPACTION')], 'SOAPAction'),
      want: CALL,
    },
    {
      name: 'U-39 soapaction',
      lines: without([...POST, ACTION.replace('SOAPAction', 'soapaction')], 'SOAPAction'),
      want: CALL,
    },
    {
      name: 'U-29 the older form',
      lines: without([...POST, ACTION.replace('SOAP', '01-SOAP')], 'SOAPAction'),
      want: 400,
    },

    { name: 'U-31 no length', lines: without(POST, 'Content-Length'), want: 411 },
    { name: 'U-31 chunks', lines: [...without(POST, 'Content-Length'), 'Transfer-Encoding: chunked'], want: 411 },
    { name: 'U-31 both', lines: [...POST, 'Transfer-Encoding: chunked'], want: 400 },
    { name: 'U-31 length twice', lines: [...POST, 'Content-Length: 300'], want: 400 },
    { name: 'U-31 two lengths in one', lines: having(POST, 'Content-Length: 300, 300'), want: 400 },
    ...['', '-1', '+1', '0x10', '1e2', '3.0', '3 0', 'a'].map((value) => ({
      name: `U-31 a length of "${value}"`,
      lines: having(POST, `Content-Length: ${value}`),
      want: 400,
    })),
    { name: 'U-31 leading zeros', lines: having(POST, 'Content-Length: 00000000000300'), want: CALL },
    { name: 'U-34 the longest', lines: having(POST, 'Content-Length: 8192'), want: 'WANIPConnection 8192' },
    { name: 'U-34 one more', lines: having(POST, 'Content-Length: 8193'), want: 413 },
    { name: 'U-34 beyond all numbers', lines: having(POST, `Content-Length: ${'9'.repeat(400)}`), want: 413 },
    { name: 'nothing', lines: having(POST, 'Content-Length: 0'), want: 'WANIPConnection 0' },

    { name: 'U-32 continue?', lines: [...POST, 'Expect: 100-continue'], want: `${CALL} continue` },
    { name: 'U-32 in any case', lines: [...POST, 'expect: 100-Continue'], want: `${CALL} continue` },
    {
      name: 'U-32 in HTTP/1.0 it means nothing',
      lines: [...POST, 'Expect: 100-continue'].map((line) => line.replace('HTTP/1.1', 'HTTP/1.0')),
      want: CALL,
    },
    { name: 'U-32 something else', lines: [...POST, 'Expect: 200-ok'], want: 417 },
    { name: 'U-32 a page is told at once', lines: [...POST, 'Expect: 100-continue', 'Origin: a'], want: 403 },

    { name: 'U-36 another path', lines: ['GET / HTTP/1.1', HOST], want: 404 },
    { name: 'U-36 a query', lines: ['GET /igd.xml?a HTTP/1.1', HOST], want: 404 },
    { name: 'U-36 up and down', lines: ['GET /control/../igd.xml HTTP/1.1', HOST], want: 404 },
    { name: 'U-36 the asterisk', lines: ['OPTIONS * HTTP/1.1', HOST], want: 404 },
    {
      name: 'U-36 an absolute form',
      lines: ['GET http://192.168.1.1:2869/igd.xml HTTP/1.1', HOST],
      want: 'GET /igd.xml',
    },
    {
      name: 'U-36 its scheme in capitals',
      lines: ['GET HTTP://192.168.1.1/igd.xml HTTP/1.1', HOST],
      want: 'GET /igd.xml',
    },
    { name: 'U-36 of another', lines: ['GET http://evil.example/igd.xml HTTP/1.1', HOST], want: 403 },
    {
      name: 'U-36 of us, with another host',
      lines: having(['GET http://192.168.1.1/igd.xml HTTP/1.1', HOST], 'Host: a'),
      want: 403,
    },
    { name: 'U-36 no path', lines: ['GET http://192.168.1.1:2869 HTTP/1.1', HOST], want: 404 },
    { name: 'U-36 another scheme', lines: ['GET https://192.168.1.1/igd.xml HTTP/1.1', HOST], want: 404 },
    { name: 'U-36 a tunnel', lines: ['CONNECT 192.168.1.1:2869 HTTP/1.1', HOST], want: 404 },
    { name: 'U-36 POST to a document', lines: ['POST /igd.xml HTTP/1.1', HOST], want: '405 GET, HEAD' },
    { name: 'U-36 GET of a control URL', lines: ['GET /control/WANIPConnection HTTP/1.1', HOST], want: '405 POST' },
    { name: 'U-36 a method that nobody knows', lines: ['BREW /igd.xml HTTP/1.1', HOST], want: '405 GET, HEAD' },
    { name: 'U-36 M-POST', lines: ['M-POST /control/WANIPConnection HTTP/1.1', HOST], want: '405 POST' },

    {
      name: 'U-37 SUBSCRIBE as libgupnp does',
      lines: [
        'SUBSCRIBE /event/WANIPConnection HTTP/1.1',
        HOST,
        'Callback: <http://192.168.1.10:40001/a>',
        'NT: upnp:event',
        'Timeout: Second-1800',
      ],
      want: 501,
    },
    {
      name: 'U-37 UNSUBSCRIBE',
      lines: ['UNSUBSCRIBE /event/WANIPConnection HTTP/1.1', HOST, 'SID: uuid:a'],
      want: 501,
    },
    { name: 'U-37 anything else there', lines: ['GET /event/WANIPConnection HTTP/1.1', HOST], want: 501 },
    {
      name: 'U-37 a page subscribes',
      lines: ['SUBSCRIBE /event/WANIPConnection HTTP/1.1', HOST, 'Origin: a'],
      want: 403,
    },

    { name: 'HTTP/0.9', lines: ['GET /igd.xml'], want: 400 },
    { name: 'HTTP/2', lines: ['PRI * HTTP/2.0'], want: 505 },
    { name: 'HTTP/1.2', lines: ['GET /igd.xml HTTP/1.2', HOST], want: 505 },
    { name: 'http/1.1', lines: ['GET /igd.xml http/1.1', HOST], want: 400 },
    { name: 'SSDP', lines: ['M-SEARCH * HTTP/1.1', 'HOST: 239.255.255.250:1900', 'MAN: "ssdp:discover"'], want: 403 },
    { name: 'TLS', lines: ['\u0016\u0003\u0001\u0002\u0000\u0001'], want: 400 },
    { name: 'a blank in the path', lines: ['GET /igd.xml a HTTP/1.1', HOST], want: 400 },
    { name: 'two blanks', lines: ['GET  /igd.xml HTTP/1.1', HOST], want: 400 },
    { name: 'a tab', lines: ['GET\t/igd.xml HTTP/1.1', HOST], want: 400 },
    { name: 'a blank before the method', lines: [' GET /igd.xml HTTP/1.1', HOST], want: 400 },
    { name: 'no ASCII in the path', lines: ['GET /igd.xml\u00e9 HTTP/1.1', HOST], want: 400 },
    { name: 'a field without a colon', lines: [...GET, 'a'], want: 400 },
    { name: 'a field without a name', lines: [...GET, ': a'], want: 400 },
    { name: 'a blank before the colon', lines: [...GET, 'Origin : a'], want: 400 },
    { name: 'a blank before the name', lines: [...GET, ' Origin: a'], want: 400 },
    { name: 'a field on two lines', lines: ['GET /igd.xml HTTP/1.1', 'Host:', ' 192.168.1.1'], want: 400 },
    { name: 'a NUL', lines: [...GET, 'a: b\0c'], want: 400 },
    { name: 'a carriage return alone', lines: [...GET, 'a: b\rOrigin: c'], want: 400 },
    { name: 'a line feed alone', lines: [...GET, 'a: b\nOrigin: c'], want: 400 },
    { name: 'Latin-1 in a value', lines: [...GET, 'User-Agent: \u00fcber'], want: 'GET /igd.xml' },
    { name: 'a tab in a value', lines: [...GET, 'User-Agent:\ta\tb\t'], want: 'GET /igd.xml' },
    { name: 'a name of objects', lines: [...GET, '__proto__: a', 'constructor: b'], want: 'GET /igd.xml' },
    { name: 'a path of objects', lines: ['POST /control/__proto__ HTTP/1.1', HOST], want: 404 },
  ],
  ({ lines, want }) => assert.is(outcome(lines), want),
);
