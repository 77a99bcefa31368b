// The two ends of the demonstration's connection, each run in its host's namespace:
//   peer.js listen PORT [ADDRESS]  accept one connection, answer it, print its source
//   peer.js connect ADDRESS PORT   connect, say hello, print the answer
// And a program that looks for a UPnP gateway:
//   peer.js search                 ask all devices of the LAN, print where the gateway's description is

import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';

const HELLO = 'hello from outside';
const DEADLINE_MS = 5000;
const [role, ...rest] = process.argv.slice(2);
/** For the demonstration's program: one JSON object per line. */
const report = (event: Readonly<Record<string, unknown>>): boolean =>
  process.stdout.write(`${JSON.stringify(event)}\n`);

if (role === 'listen') {
  const server = createServer((socket) => {
    socket.once('data', (data) => {
      report({ kind: 'received', text: data.toString(), from: socket.remoteAddress });
      socket.end('hello from the LAN');
      server.close();
    });
  });
  server.listen(Number(rest[0]), rest[1] ?? '0.0.0.0', () => report({ kind: 'listening' }));
} else if (role === 'search') {
  const socket = createSocket('udp4');
  const target = 'urn:schemas-upnp-org:device:InternetGatewayDevice:1';
  const search = `M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: "ssdp:discover"\r\nMX: 1\r\nST: ${target}\r\n\r\n`;
  setTimeout(() => {
    process.stdout.write('no gateway has answered\n');
    process.exit(1);
  }, DEADLINE_MS);
  socket.once('message', (reply) => {
    process.stdout.write(`${/^LOCATION: *(\S+)/im.exec(reply.toString())?.[1]}\n`);
    process.exit(0);
  });
  socket.send(search, 1900, '239.255.255.250');
} else {
  const socket = connect(Number(rest[1]), rest[0] ?? '');
  socket.setTimeout(DEADLINE_MS, () => socket.destroy(new Error('no answer')));
  socket.once('connect', () => socket.write(HELLO));
  socket.once('data', (data) => {
    process.stdout.write(`connected, answered "${data.toString()}"\n`);
    socket.end();
  });
  socket.once('error', (error: NodeJS.ErrnoException) => {
    process.stdout.write(`not connected: ${error.code ?? error.message}\n`);
    process.exitCode = 1;
  });
}
