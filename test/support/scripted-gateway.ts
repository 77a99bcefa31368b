// A gateway for tests of the client: says what the test tells it to.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { bytes, hex } from './bytes.js';
import { atEnd } from './cases.js';

export interface Scripted {
  readonly address: string;
  readonly port: number;
  /** The requests so far, as hex. */
  readonly heard: string[];
}

/** A gateway at this loopback address that answers the n-th request, from 0, with these octets, if any. */
export async function scripted(
  script: (request: string, n: number) => string | null,
  address: '127.0.0.1' | '::1' = '127.0.0.1',
): Promise<Scripted> {
  const socket = createSocket(address === '::1' ? 'udp6' : 'udp4');
  const heard: string[] = [];
  socket.on('message', (datagram, from) => {
    heard.push(hex(datagram));
    const reply = script(hex(datagram), heard.length - 1);
    if (reply !== null) socket.send(bytes(reply), from.port, from.address);
  });
  socket.bind(0, address);
  await once(socket, 'listening');
  atEnd(() => {
    socket.close();
  });
  return { address, port: socket.address().port, heard };
}
