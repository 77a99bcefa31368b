// The two ends of the demonstration's connection, each run in its host's namespace:
//   peer.js listen PORT [ADDRESS]  accept one connection, answer it, print its source
//   peer.js connect ADDRESS PORT   connect, say hello, print the answer
// And a program that speaks UPnP, as consoles do:
//   peer.js upnp PORT              look for a gateway, ask it for the UDP port, print where it is described and what it says

import { createSocket } from 'node:dgram';
import { request } from 'node:http';
import { connect, createServer } from 'node:net';
import { text } from 'node:stream/consumers';

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
} else if (role === 'upnp') {
  setTimeout(() => {
    process.stdout.write('no gateway has answered\n');
    process.exit(1);
  }, DEADLINE_MS).unref();
  const location = await search();
  const granted = await mapByUpnp(location, Number(rest[0]));
  process.stdout.write(`found ${location}, UDP port ${rest[0]} ${granted ? 'mapped' : 'refused'}\n`);
  process.exit(granted ? 0 : 1);
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

/** LOCATION of the first reply. */
function search(): Promise<string> {
  const socket = createSocket('udp4');
  const target = 'urn:schemas-upnp-org:device:InternetGatewayDevice:1';
  socket.send(
    `M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: "ssdp:discover"\r\nMX: 1\r\nST: ${target}\r\n\r\n`,
    1900,
    '239.255.255.250',
  );
  return new Promise((resolve) =>
    socket.once('message', (reply) => {
      socket.close();
      resolve(/^LOCATION: *(\S+)/im.exec(reply.toString())?.[1] ?? '');
    }),
  );
}

/** Ask for the port for ten minutes, where the description says. */
async function mapByUpnp(location: string, port: number): Promise<boolean> {
  const type = 'urn:schemas-upnp-org:service:WANIPConnection:1';
  const { body } = await http('GET', location);
  const control = /<controlURL>([^<]*)/.exec(body.split(type)[1] ?? '')?.[1] ?? '';
  const values = {
    NewRemoteHost: '',
    NewExternalPort: port,
    NewProtocol: 'UDP',
    NewInternalPort: port,
    NewInternalClient: '', // who asks
    NewEnabled: 1,
    NewPortMappingDescription: 'demonstration',
    NewLeaseDuration: 600,
  };
  const inner = Object.entries(values).map(([name, value]) => `<${name}>${value}</${name}>`);
  const { status } = await http(
    'POST',
    new URL(control, location).href,
    { 'Content-Type': 'text/xml; charset="utf-8"', SOAPAction: `"${type}#AddPortMapping"` },
    `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><u:AddPortMapping xmlns:u="${type}">${inner.join('')}</u:AddPortMapping></s:Body></s:Envelope>`,
  );
  return status === 200;
}

function http(
  method: string,
  url: string,
  headers: Readonly<Record<string, string>> = {},
  body = '',
): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers: { ...headers, 'Content-Length': Buffer.byteLength(body) } });
    asked.once('response', (reply) => {
      text(reply).then((all) => resolve({ status: reply.statusCode ?? 0, body: all }), reject);
    });
    asked.once('error', reject);
    asked.end(body);
  });
}
