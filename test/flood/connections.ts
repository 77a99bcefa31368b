// Connections from hostile hosts, in the LAN's namespace: `node connections.js STORM PER_SECOND SECONDS HOSTS`. Opens up
// to so many a second, from as many addresses as there are hosts, for a bounded time, as many at once as the gateway
// lets it. Its last line says how many it opened, as sender.js.

import { connect, type Socket } from 'node:net';
import { formatIpv4 } from '../../proto/mapping.js';
import { FIRST_HOST, ROUTER } from '../load/mappings.js';
import { scramble } from './storm.js';

const HTTP_PORT = 2869;
const SERVICE = 'urn:schemas-upnp-org:service:WANIPConnection:1';
const TICK_MS = 10;
/** Of ours: more are not needed to fill what is let in. */
const MOST_OPEN = 1000;
const DRIP_MS = 50;
/** None that shares a bucket with the control point that behaves (proto/token-bucket.ts): its address is by chance. */
const FIRST = FIRST_HOST + 1024;

const [storm = '', ...numbers] = process.argv.slice(2);
const [perSecond = 0, seconds = 0, hosts = 1] = numbers.map(Number);

const head = (action: string, length: number) =>
  `POST /control/WANIPConnection HTTP/1.1\r\nHost: ${ROUTER}:${HTTP_PORT}\r\nContent-Type: text/xml\r\n` +
  `SOAPAction: "${SERVICE}#${action}"\r\nContent-Length: ${length}\r\n\r\n`;
const call = (action: string, inner: string) => {
  const body =
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>' +
    `<u:${action} xmlns:u="${SERVICE}">${inner}</u:${action}></s:Body></s:Envelope>`;
  return head(action, Buffer.byteLength(body)) + body;
};
const GET = `GET /igd.xml HTTP/1.1\r\nHost: ${ROUTER}:${HTTP_PORT}\r\n\r\n`;
/** What costs a parser most: each as long as a body may be. */
const HEAVY = [
  '<a>'.repeat(2600),
  '<!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><a>&c;</a>',
  `<a ${Array.from({ length: 900 }, (_, index) => `a${index}="x"`).join(' ')}/>`,
  `<a>${'&amp;'.repeat(1600)}</a>`,
  '&'.repeat(8000),
  `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>${'<x/>'.repeat(1900)}</s:Body></s:Envelope>`,
];

/** What a connection does when it is there. */
function use(socket: Socket, number: number, address: string): void {
  const chance = scramble(number);
  switch (storm) {
    case 'silent':
      return;
    case 'slow': {
      const text = call('GetExternalIPAddress', '');
      let at = 0;
      const timer = setInterval(() => {
        socket.write(text[at++ % text.length]!);
      }, DRIP_MS);
      socket.once('close', () => clearInterval(timer));
      return;
    }
    case 'deaf':
      socket.pause();
      socket.write(GET.repeat(50));
      return;
    case 'hasty':
      socket.write(GET, () => socket.resetAndDestroy());
      return;
    case 'garbled': {
      const garbage = Buffer.alloc(chance % 12_000, chance);
      for (let octet = 0; octet < garbage.length; octet += 7) garbage[octet] = scramble(number + octet);
      // Half of them get as far as the body.
      socket.write(
        (chance & 1) === 0 ? garbage : Buffer.concat([Buffer.from(head('AddPortMapping', garbage.length)), garbage]),
      );
      return;
    }
    case 'heavy': {
      const body = HEAVY[number % HEAVY.length]!;
      socket.write(head('AddPortMapping', Buffer.byteLength(body)) + body);
      return;
    }
    case 'mappings': {
      const port = 20_000 + (chance % 256);
      socket.write(
        call(
          'AddPortMapping',
          `<NewRemoteHost/><NewExternalPort>${port}</NewExternalPort><NewProtocol>${(chance & 256) === 0 ? 'TCP' : 'UDP'}</NewProtocol>` +
            `<NewInternalPort>${port}</NewInternalPort><NewInternalClient>${address}</NewInternalClient>` +
            `<NewEnabled>1</NewEnabled><NewPortMappingDescription>${'d'.repeat(250)}</NewPortMappingDescription>` +
            '<NewLeaseDuration>0</NewLeaseDuration>',
        ),
      );
      return;
    }
  }
}

let opened = 0;
let open = 0;
const startMs = performance.now();
const timer = setInterval(() => {
  const elapsed = (performance.now() - startMs) / 1000;
  if (elapsed >= seconds) {
    clearInterval(timer);
    console.log(JSON.stringify({ sent: opened, elapsedMs: Math.round(performance.now() - startMs) }));
    process.exit(0);
  }
  // What could not be opened in time is not made up for.
  const due = Math.min(perSecond * elapsed - opened, (perSecond * TICK_MS) / 500, MOST_OPEN - open);
  for (let index = 0; index < due; index++) {
    const number = opened++;
    const localAddress = formatIpv4(FIRST + (number % hosts));
    const socket = connect({ host: ROUTER, port: HTTP_PORT, localAddress });
    open++;
    socket.once('connect', () => use(socket, number, localAddress));
    if (storm !== 'deaf') socket.resume();
    socket.on('error', () => {});
    socket.once('close', () => open--);
  }
}, TICK_MS);
