// Searches for UPnP devices, one after the other, of hosts of the LAN and others, while time passes: the decoder, and the
// responder without its sockets. UPnP Device Architecture 1.1 §1.3.

import * as fc from 'fast-check';
import type { Ipv4 } from '../../../proto/mapping.js';
import { Responder } from '../../../upnp/ssdp/responder.js';
import { resourcesOf } from '../../../upnp/ssdp/resources.js';
import { parseSearch } from '../../../upnp/ssdp/search.js';
import type { SsdpEvent } from '../../../upnp/ssdp/types.js';
import { SSDP_EVENTS } from '../../../upnp/ssdp/types.js';
import { ip, manualClock } from '../../frontend/support.js';
import { be, below, raw } from '../arbitraries.js';
import type { Target } from '../target.js';
import { must, Reader } from '../target.js';

const LAN = 3;
const ROUTER = ip('192.168.1.1');
const GROUP = ip('239.255.255.250');
/** Two hosts of the LAN, the router itself, a broadcast address, and somebody else. */
const HOSTS = ['192.168.1.2', '192.168.1.3', '192.168.1.1', '192.168.1.255', '198.51.100.7'].map(ip);
const IS_HOST = new Set(HOSTS.slice(0, 2));
const ASKED = [GROUP, ROUTER, ip('192.168.1.255'), ip('239.255.255.251')];
const UDN = (digit: string): string => `uuid:00000000-0000-5000-8000-00000000000${digit}`;
const RESOURCES = resourcesOf({ root: UDN('a'), wan: UDN('b'), connection: UDN('c') });
const TARGETS = [
  'ssdp:all',
  'upnp:rootdevice',
  UDN('a'),
  UDN('B').toUpperCase(),
  'urn:schemas-upnp-org:device:InternetGatewayDevice:1',
  'urn:schemas-upnp-org:device:InternetGatewayDevice:2',
  'urn:schemas-upnp-org:service:WANIPConnection:1',
  'urn:schemas-upnp-org:service:WANPPPConnection:1',
];

const text = (target: string): Buffer =>
  Buffer.from(
    `M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: "ssdp:discover"\r\nMX: 2\r\nST: ${target}\r\n\r\n`,
  );

/** A step: who, to which address, how much time has passed before, the length, the datagram. */
function step(host: number, asked: number, quarters: number, datagram: Uint8Array): Buffer {
  return Buffer.concat([Uint8Array.of(host, asked, quarters), be(datagram.length, 2), datagram]);
}

const blank = fc.constantFrom('', ' ', '\t', '  ');
const end = fc.constantFrom('\r\n', '\n', '\r\n\r\n', '\r');
const field = fc
  .tuple(
    fc.constantFrom('ST', 'st', 'MAN', 'Man', 'MX', 'HOST', 'X', ''),
    blank,
    fc.constantFrom(':', '', '::'),
    blank,
    fc.constantFrom(...TARGETS, '"ssdp:discover"', '2', '0', '120', '-1', 'x'.repeat(257)),
    end,
  )
  .map((parts) => parts.join(''));
const search = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...TARGETS).map(text) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom('M-SEARCH * HTTP/1.1', 'M-SEARCH * HTTP/1.1 ', 'M-SEARCH'), end, fc.array(field))
      .map(([line, first, fields]) => Buffer.from(`${line}${first}${fields.join('')}`)),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(raw(300), fc.nat(150)).map(([noise, at]) => {
      const valid = text('ssdp:all');
      return Buffer.concat([valid.subarray(0, at), noise, valid.subarray(at)]);
    }),
  },
  { weight: 1, arbitrary: raw(64) },
);
const byte = fc.constantFrom(0, 0, 0, 1, 40, 255);
const steps = fc
  .array(fc.tuple(below(HOSTS.length), below(ASKED.length), byte, search), { maxLength: 40, size: 'max' })
  .map((list) => Buffer.concat(list.map(([host, asked, time, one]) => step(host[0]!, asked[0]!, time, one))));

export const ssdp: Target = {
  name: 'ssdp',
  inputs: steps,
  words: [...TARGETS, 'M-SEARCH * HTTP/1.1\r\n', '\r\nST:', '\r\nMX: 1', '\r\nMAN: "ssdp:discover"\r\n'].map((word) =>
    Buffer.from(word),
  ),
  seeds: {
    all: step(0, 0, 0, text('ssdp:all')),
    unicast: step(1, 1, 1, Buffer.from('M-SEARCH * HTTP/1.1\nst:upnp:rootdevice\nman:"ssdp:discover"\n\n')),
    uuid: step(0, 1, 0, text(UDN('C').toUpperCase())),
    forged: Buffer.concat([2, 3, 4].map((host) => step(host, 0, 0, text('upnp:rootdevice')))),
    broadcast: step(0, 2, 0, text('upnp:rootdevice')),
    many: Buffer.concat(Array<Buffer>(12).fill(step(0, 0, 1, text('ssdp:all')))),
    notify: step(0, 0, 0, Buffer.from('NOTIFY * HTTP/1.1\r\nNTS: ssdp:alive\r\n\r\n')),
  },
  run(input) {
    const clock = manualClock();
    const events: SsdpEvent[] = [];
    const sent: { to: Ipv4; atMs: number; bytes: Uint8Array }[] = [];
    const responder = new Responder(
      {
        lans: new Map(),
        httpPort: 2869,
        descriptionPath: '/igd.xml',
        serverHeader: 'Linux UPnP/1.1 natpmp-server/0',
        bootId: 1,
        configId: 1,
        lookUp() {},
        isLanHost: (_interface, host) => IS_HOST.has(host),
        isOwnAddress: (_interface, address) => address === ROUTER,
        addresses: () => [ROUTER],
        isResolved: () => true,
        clock: clock.now,
        schedule: clock.schedule,
        random: () => 0.999,
        count: (event) => void events.push(event),
        onDefect: (error) => must(false, 'no defect', String(error)),
      },
      new Map([[LAN, RESOURCES]]),
      (_interface, bytes, { address, from }) => {
        must(from === ROUTER, 'replies leave from the address of the router');
        sent.push({ to: address, atMs: clock.now(), bytes });
      },
    );
    for (const reader = new Reader(input); !reader.isDone; ) {
      const peer = { address: reader.pick(HOSTS), asked: reader.pick(ASKED), port: 40000 };
      clock.advance(reader.u8() * 4);
      const datagram = reader.bytes(reader.u16());
      const parsed = parseSearch(datagram, peer.asked === GROUP);
      const expected = searchedIn(datagram, peer.asked === GROUP);
      must(
        (parsed.kind === 'search' ? parsed.target : parsed.kind) === expected,
        'a datagram is what UDA 1.1 §1.3 says it is',
        [parsed, expected, Buffer.from(datagram).toString('latin1')],
      );
      const before = [events.length, clock.pending()] as const;
      const found = responder.understand(LAN, datagram, peer);
      if (typeof found === 'string') events.push(found);
      else responder.answer(LAN, found);
      must(events.slice(before[0]).filter((event) => event !== 'reply').length === 1, 'each datagram is counted once');
      const isAnswered = events.at(-1) === 'search';
      const replies = clock.pending() - before[1];
      const mayAsk = IS_HOST.has(peer.address) && (peer.asked === GROUP || peer.asked === ROUTER);
      must(isAnswered === replies > 0 && (!isAnswered || mayAsk), 'only a search of a LAN host is answered', peer);
      must(replies === 0 || replies === (expected === 'ssdp:all' ? 10 : 1), 'one reply, or all', replies);
    }
    clock.advance(80);
    must(clock.pending() === 0, 'replies leave within 80 ms');
    must(
      events.every((event) => SSDP_EVENTS.includes(event)),
      'events have names',
    );
    for (const { bytes } of sent) mustBeReply(Buffer.from(bytes).toString('latin1'));
    for (const host of IS_HOST) mustBeFew(sent.filter(({ to }) => to === host));
  },
};

/** The target of a search, or what else it is: once more, by regular expressions. */
function searchedIn(datagram: Uint8Array, isMulticast: boolean): string {
  const whole = Buffer.from(datagram).toString('latin1');
  if (!whole.startsWith('M-SEARCH')) return 'not-a-search';
  if (datagram.length > 2048) return 'malformed';
  const lines = whole.split('\n').map((line) => line.replace(/^[ \t\r]+|[ \t\r]+$/g, ''));
  const empty = lines.indexOf('');
  const header = empty < 0 ? lines : lines.slice(0, empty);
  const values = (name: string): string[] =>
    header.flatMap((line) => new RegExp(`^${name}[ \t\r]*:[ \t\r]*([^]*)$`, 'i').exec(line)?.[1] ?? []);
  const [st, man, mx] = ['st', 'man', 'mx'].map(values) as [string[], string[], string[]];
  const isRight =
    header.length <= 32 &&
    header[0] === 'M-SEARCH * HTTP/1.1' &&
    man.length === 1 &&
    man[0] === '"ssdp:discover"' &&
    mx.length <= 1 &&
    (!isMulticast || /^(?=.*[1-9])[0-9]{1,10}$/.test(mx[0] ?? '')) &&
    st.length === 1 &&
    st[0]!.length > 0 &&
    st[0]!.length <= 256;
  return isRight ? st[0]! : 'malformed';
}

const REPLY =
  /^HTTP\/1\.1 200 OK\r\nCACHE-CONTROL: max-age=1800\r\nEXT:\r\nLOCATION: http:\/\/192\.168\.1\.1:2869\/igd\.xml\r\nSERVER: [ -~]+\r\nST: ([!-~]{1,80})\r\nUSN: (uuid:[0-9a-f-]{36})(::[!-~]{1,80})?\r\nBOOTID\.UPNP\.ORG: 1\r\nCONFIGID\.UPNP\.ORG: 1\r\n\r\n$/;

function mustBeReply(text: string): void {
  const [, st, udn, type] = REPLY.exec(text) ?? [];
  must(st !== undefined && text.length <= 400, 'a reply has these lines', text);
  must(
    type === undefined ? st.toLowerCase() === udn : type === `::${st}`,
    'its name is that of what was searched',
    text,
  );
}

/** Never more than 60 at once and 20 a second, whatever was asked. */
function mustBeFew(sent: readonly { readonly atMs: number }[]): void {
  for (const [first, { atMs }] of sent.entries())
    for (let last = first; last < sent.length; last++)
      must(
        last - first + 1 <= 60 + ((sent[last]!.atMs - atMs + 80) * 20) / 1000,
        'a host gets few replies',
        last - first,
      );
}
