// The lab's hands inside one network namespace: opens sockets there as ordered over the IPC channel, and reports all
// that happens on them. A program of its own, because a process cannot have sockets in two namespaces without native
// code.

import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect, createServer, isIPv6, type Server, type Socket as TcpSocket } from 'node:net';
import type { Order, Report } from './agent-protocol.js';

const udp = new Map<number, UdpSocket>();
const servers = new Map<number, Server>();
const connections = new Map<number, TcpSocket>();
/** Accepted connections are numbered downwards, those the lab opens upwards. */
let lastAccepted = 0;

function report(what: Report): void {
  process.send?.(what);
}

function carryOut(order: Order): void {
  switch (order.kind) {
    case 'udp':
      return openUdp(order);
    case 'udp-send': {
      const data = Buffer.from(order.hex, 'hex');
      const failed = (error: NodeJS.ErrnoException | null) => {
        if (error) report({ kind: 'udp-error', socket: order.socket, code: error.code ?? error.message });
      };
      const socket = udp.get(order.socket);
      if (order.address === undefined) socket?.send(data, failed);
      else socket?.send(data, order.port, order.address, failed);
      return;
    }
    case 'tcp-listen':
      return listen(order);
    case 'tcp-connect':
      return open(order);
    case 'tcp-send':
      connections.get(order.socket)?.write(order.text);
      return;
    case 'close':
      udp.get(order.socket)?.close();
      servers.get(order.socket)?.close();
      connections.get(order.socket)?.destroy();
      udp.delete(order.socket);
      return;
  }
}

function openUdp(order: Order & { kind: 'udp' }): void {
  const family = isIPv6(order.address) ? 6 : 4;
  // No DNS: every address here is a number.
  const socket = createSocket({
    type: `udp${family}`,
    ipv6Only: family === 6,
    reuseAddr: order.join !== undefined,
    lookup: (host, _, found) => found(null, host, family),
  });
  udp.set(order.socket, socket);
  let stands = false;
  const stand = () => {
    stands = true;
    socket.setBroadcast(true);
    if (order.join !== undefined) socket.addMembership(order.join.group, order.join.on);
    report({ kind: 'open', socket: order.socket, ...endpoint(socket.address()) });
  };
  socket.on('error', (error: NodeJS.ErrnoException) => {
    const code = error.code ?? error.message;
    report(stands ? { kind: 'udp-error', socket: order.socket, code } : { kind: 'failed', socket: order.socket, code });
  });
  socket.on('message', (data, from) => {
    report({
      kind: 'datagram',
      socket: order.socket,
      hex: data.toString('hex'),
      address: from.address,
      port: from.port,
      atMs: performance.timeOrigin + performance.now(),
    });
  });
  const { peer } = order;
  socket.bind(order.port, order.address, () =>
    peer === undefined ? stand() : socket.connect(peer.port, peer.address, stand),
  );
}

function listen(order: Order & { kind: 'tcp-listen' }): void {
  const server = createServer((connection) => {
    const number = --lastAccepted;
    follow(number, connection);
    report({
      kind: 'accepted',
      socket: order.socket,
      connection: number,
      address: connection.remoteAddress ?? '',
      port: connection.remotePort ?? 0,
    });
  });
  servers.set(order.socket, server);
  server.on('error', (error: NodeJS.ErrnoException) => {
    report({ kind: 'failed', socket: order.socket, code: error.code ?? error.message });
  });
  server.listen({ port: order.port, host: order.address, ipv6Only: isIPv6(order.address) }, () => {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('a TCP server has an address');
    report({ kind: 'open', socket: order.socket, ...endpoint(address) });
  });
}

function open(order: Order & { kind: 'tcp-connect' }): void {
  const { address: host, port, localAddress, localPort } = order;
  const connection = connect({
    host,
    port,
    ...(localAddress === undefined ? {} : { localAddress }),
    ...(localPort === undefined ? {} : { localPort }),
  });
  const fail = (code: string) => {
    report({ kind: 'failed', socket: order.socket, code });
    connection.destroy();
  };
  const timer = setTimeout(fail, order.withinMs, 'ETIMEDOUT');
  const refused = (error: NodeJS.ErrnoException) => {
    clearTimeout(timer);
    fail(error.code ?? error.message);
  };
  connection.once('error', refused);
  connection.once('connect', () => {
    clearTimeout(timer);
    connection.off('error', refused);
    follow(order.socket, connection);
    report({
      kind: 'open',
      socket: order.socket,
      address: connection.localAddress ?? '',
      port: connection.localPort ?? 0,
    });
  });
}

function follow(number: number, connection: TcpSocket): void {
  connections.set(number, connection);
  let how = 'closed';
  connection.on('error', (error: NodeJS.ErrnoException) => {
    how = error.code ?? error.message;
  });
  connection.on('data', (data) => report({ kind: 'text', socket: number, text: data.toString() }));
  connection.on('close', () => report({ kind: 'ended', socket: number, how }));
}

function endpoint({ address, port }: { address: string; port: number }) {
  return { address, port };
}

process.on('message', carryOut);
// The test is over, or has died: nothing is left behind.
process.on('disconnect', () => process.exit(0));
report({ kind: 'ready' });
