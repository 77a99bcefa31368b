import * as assert from 'uvu/assert';
import { parseSearch } from '../../upnp/ssdp/search.js';
import { cases } from '../support/cases.js';

const IGD = 'urn:schemas-upnp-org:device:InternetGatewayDevice:1';
const ROOT = 'upnp:rootdevice';
const line = (...lines: string[]): string => `${lines.join('\r\n')}\r\n\r\n`;
const PLAIN = ['M-SEARCH * HTTP/1.1', 'HOST: 239.255.255.250:1900', 'MAN: "ssdp:discover"', 'MX: 2', `ST: ${ROOT}`];
/** PLAIN with these lines in the place of those that begin alike. */
const plain = (...changed: string[]): string =>
  line(...PLAIN.map((own) => changed.find((one) => one.startsWith(own.slice(0, 3))) ?? own));
const without = (start: string): string => line(...PLAIN.filter((one) => !one.startsWith(start)));

cases<{ name: string; text: string; target: string; unicast?: true }>(
  'U-03 a search as clients send it',
  [
    { name: 'plain', text: plain(), target: ROOT },
    {
      name: 'miniupnpc',
      text: `M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nST: ${IGD}\r\nMAN: "ssdp:discover"\r\nMX: 2\r\n\r\n`,
      target: IGD,
    },
    {
      name: 'libtorrent: no blanks, and an empty line too many',
      text: `M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nST:${ROOT}\r\nMAN:"ssdp:discover"\r\nMX:3\r\n\r\n\r\n`,
      target: ROOT,
    },
    {
      name: 'Syncthing',
      text: `M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nST: ${IGD}\r\nMAN: "ssdp:discover"\r\nMX: 10\r\nUSER-AGENT: syncthing/1.0\r\n\r\n`,
      target: IGD,
    },
    {
      name: 'names in any case, blanks and tabs anywhere, LF alone',
      text: `M-SEARCH * HTTP/1.1 \nhost:239.255.255.250\nMan :\t "ssdp:discover"\t\nmX: 1 \nsT:  ssdp:all \n\n`,
      target: 'ssdp:all',
    },
    { name: 'nothing after the last line', text: plain().slice(0, -2), target: ROOT },
    { name: 'not even its end', text: plain().slice(0, -4), target: ROOT },
    { name: 'bytes after the empty line', text: `${plain()}ST: another\r\n\xff\0`, target: ROOT },
    { name: 'lines that are no fields', text: line(...PLAIN, 'hello', ' folded', ':', 'X'.repeat(900)), target: ROOT },
    { name: '32 lines', text: line(...PLAIN, ...Array(27).fill('A: b')), target: ROOT },
    { name: 'a target of 256 characters', text: plain(`ST: ${'t'.repeat(256)}`), target: 't'.repeat(256) },
    { name: 'U-08 MX above 5, with zeros in front', text: plain('MX: 0120'), target: ROOT },
    { name: 'U-02 without MX, to our address', text: without('MX'), target: ROOT, unicast: true },
    { name: 'U-02 with MX 0, to our address', text: plain('MX: 0'), target: ROOT, unicast: true },
    { name: '2048 bytes', text: plain().padEnd(2048, 'x'), target: ROOT },
  ],
  ({ text, target, unicast }) =>
    assert.equal(parseSearch(Buffer.from(text, 'latin1'), unicast !== true), { kind: 'search', target }),
);

cases<{ name: string; text: string; kind: 'not-a-search' | 'malformed' }>(
  'U-14 and nothing else, whatever the bytes',
  [
    { name: 'nothing', text: '', kind: 'not-a-search' },
    { name: 'a part of the method', text: 'M-SEARC', kind: 'not-a-search' },
    { name: 'U-15 NOTIFY', text: plain('M-SNOTIFY * HTTP/1.1').replace('M-S', ''), kind: 'not-a-search' },
    { name: 'U-15 a reply', text: line('HTTP/1.1 200 OK', `ST: ${ROOT}`), kind: 'not-a-search' },
    { name: 'NAT-PMP', text: '\0\0', kind: 'not-a-search' },
    { name: 'the method in lower case', text: plain().toLowerCase(), kind: 'not-a-search' },
    { name: 'a line in front', text: `\r\n${plain()}`, kind: 'not-a-search' },
    { name: 'the method alone', text: 'M-SEARCH', kind: 'malformed' },
    { name: 'another path', text: plain('M-SEARCH / HTTP/1.1'), kind: 'malformed' },
    { name: 'another version', text: plain('M-SEARCH * HTTP/1.0'), kind: 'malformed' },
    { name: 'more in the first line', text: plain('M-SEARCH * HTTP/1.1 x'), kind: 'malformed' },
    { name: 'no MAN', text: without('MAN'), kind: 'malformed' },
    { name: 'MAN without quotes', text: plain('MAN: ssdp:discover'), kind: 'malformed' },
    { name: 'another MAN', text: plain('MAN: "ssdp:alive"'), kind: 'malformed' },
    { name: 'no ST', text: without('ST'), kind: 'malformed' },
    { name: 'an empty ST', text: plain('ST:   '), kind: 'malformed' },
    { name: 'a target of 257 characters', text: plain(`ST: ${'t'.repeat(257)}`), kind: 'malformed' },
    { name: 'ST twice', text: line(...PLAIN, `st: ${ROOT}`), kind: 'malformed' },
    { name: 'MAN twice', text: line(...PLAIN, 'MAN: "ssdp:discover"'), kind: 'malformed' },
    { name: 'fields after the empty line alone', text: `M-SEARCH * HTTP/1.1\r\n\r\n${plain()}`, kind: 'malformed' },
    { name: 'U-08 no MX', text: without('MX'), kind: 'malformed' },
    { name: 'U-08 an empty MX', text: plain('MX: '), kind: 'malformed' },
    { name: 'U-08 MX 0', text: plain('MX: 0'), kind: 'malformed' },
    { name: 'U-08 MX below 0', text: plain('MX: -1'), kind: 'malformed' },
    { name: 'U-08 MX no integer', text: plain('MX: 1.5'), kind: 'malformed' },
    { name: 'U-08 MX hexadecimal', text: plain('MX: 0x2'), kind: 'malformed' },
    { name: 'U-08 MX of eleven digits', text: plain('MX: 00000000001'), kind: 'malformed' },
    { name: '33 lines', text: line(...PLAIN, ...Array(28).fill('A: b')), kind: 'malformed' },
    { name: '2049 bytes', text: plain().padEnd(2049, 'x'), kind: 'malformed' },
    { name: 'zeros between', text: plain(`ST: ${ROOT}`).replaceAll(' ', '\0'), kind: 'malformed' },
  ],
  ({ text, kind }) => assert.equal(parseSearch(Buffer.from(text, 'latin1'), true), { kind }),
);
