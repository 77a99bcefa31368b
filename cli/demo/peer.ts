// The two ends of the demonstration's connection, each run in its host's namespace:
//   peer.js listen PORT [ADDRESS]  accept one connection, answer it, print its source
//   peer.js connect ADDRESS PORT   connect, say hello, print the answer

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
