import type { Socket } from 'node:dgram';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync, writeSync } from 'node:fs';
import * as assert from 'uvu/assert';
import koffi from 'koffi';
import { libc } from '../../cli/host/libc.js';
import { openUdp } from '../../cli/server/sockets.js';
import type { Responder } from '../../frontend/answer.js';
import { Counters } from '../../frontend/counters.js';
import type { Binding } from '../../caller/datagrams.js';
import { bindingOf, IPV4 } from '../../caller/datagrams.js';
import { serve } from '../../frontend/serve.js';
import { Histogram } from '../../proto/totals.js';
import { bytes, hex } from '../support/bytes.js';
import { atEnd, claims, skip } from '../support/cases.js';
import { ip } from './support.js';

const connect = koffi.load(null).func('int connect(int fd, const uint8_t *address, uint32_t length)') as (
  fd: number,
  address: Uint8Array,
  length: number,
) => number;
const GATEWAYS = ['127.0.0.21', '127.0.0.22'];

async function serving(answer: Responder) {
  const counters = new Counters();
  const defects: unknown[] = [];
  const fds = GATEWAYS.flatMap((address) => [PORT + 1, PORT].map((port) => openUdp(ip(address), port, null)));
  const latency = new Histogram([1, 5]);
  let now = 0;
  const service = serve(fds.map(bindingOf) as unknown as readonly Binding<number>[], {
    family: IPV4,
    group: { address: ip('224.0.0.1'), port: 5350 },
    announceFrom: () => [],
    answer,
    counters,
    lanHosts: null,
    latency,
    stopwatch: () => (now += 2),
    onDefect: (error) => defects.push(error),
  });
  return { counters, defects, service, latency };
}

async function client(address: string): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, address);
  await once(socket, 'listening');
  atEnd(() => {
    socket.close();
  });
  return socket;
}

async function exchange(
  socket: Socket,
  gateway: string,
  request: string,
  port = PORT,
): Promise<{ reply: string; from: string }> {
  socket.send(bytes(request), port, gateway);
  const [reply, peer] = await once(socket, 'message', { signal: AbortSignal.timeout(5000) });
  return { reply: hex(reply), from: `${peer.address}:${peer.port}` };
}

/** A port of our own, which nobody else has by the end of this line, and the next is free too. */
async function freePort(): Promise<number> {
  const bound = async (port: number): Promise<Socket | null> => {
    const probe = createSocket('udp4');
    return new Promise((resolve) => {
      probe.once('error', () => resolve(null));
      probe.bind(port, GATEWAYS[0], () => resolve(probe));
    });
  };
  for (;;) {
    const first = await bound(0);
    const port = first?.address().port ?? 0;
    const second = port === 65535 ? null : await bound(port + 1);
    for (const probe of [first, second]) probe?.close();
    if (first !== null && second !== null) return port;
  }
}
const PORT = await freePort();

claims('serve', {
  'R-12 the reply comes from the address that was asked': async () => {
    const { service } = await serving((datagram) => Uint8Array.of(...datagram, 9));
    const socket = await client('127.0.0.31');
    for (const gateway of [...GATEWAYS, ...GATEWAYS]) {
      assert.equal(await exchange(socket, gateway, '00 00'), { reply: '000009', from: `${gateway}:${PORT}` });
    }
    service.close();
  },
  'D-7 what comes in by the second socket of an address is known for it, and answered from the first': async () => {
    const { service } = await serving((_datagram, _source, isBusy) => Uint8Array.of(isBusy === true ? 1 : 0));
    const socket = await client('127.0.0.31');
    for (const gateway of GATEWAYS) {
      assert.equal(await exchange(socket, gateway, '00 00', PORT + 1), { reply: '01', from: `${gateway}:${PORT}` });
      assert.equal(await exchange(socket, gateway, '00 00'), { reply: '00', from: `${gateway}:${PORT}` });
    }
    service.close();
  },
  'R-49 the source address is that of the datagram': async () => {
    const { service } = await serving((_datagram, source) =>
      Uint8Array.of(source >>> 24, source >>> 16, source >>> 8, source),
    );
    for (const address of ['127.0.0.31', '127.1.2.3']) {
      const { reply } = await exchange(await client(address), GATEWAYS[0]!, '00 00');
      assert.is(reply, Buffer.from(address.split('.').map(Number)).toString('hex'));
    }
    service.close();
  },
  'R-49 of many that wait at once each is answered to its sender': async () => {
    const { service, latency } = await serving((datagram, source) => Uint8Array.of(source & 255, datagram[0]!));
    const hosts = ['127.0.0.31', '127.0.0.32', '127.0.0.33'];
    const heard = new Map(hosts.map((host) => [host, [] as string[]]));
    const sockets = await Promise.all(hosts.map(client));
    for (const [index, socket] of sockets.entries())
      socket.on('message', (reply) => heard.get(hosts[index]!)!.push(hex(reply)));
    // Within one turn, so that they wait when the first is looked at.
    for (let number = 0; number < 40; number++)
      for (const socket of sockets) socket.send(Uint8Array.of(number), PORT, GATEWAYS[0]);
    for (const last = Date.now() + 5000; Date.now() < last && [...heard.values()].some(({ length }) => length < 40); )
      await new Promise(setImmediate);
    for (const [host, replies] of heard) {
      const own = Number(host.split('.').at(-1));
      assert.equal(
        replies,
        Array.from({ length: 40 }, (_, number) => hex(Uint8Array.of(own, number))),
      );
    }
    assert.is(
      latency.counts.reduce((sum, count) => sum + count),
      120,
    );
    service.close();
  },
  'R-96 late replies and silence': async () => {
    const { service, counters } = await serving((datagram) =>
      datagram[0] === 1 ? null : Promise.resolve(Uint8Array.of(datagram[0]!)),
    );
    const socket = await client('127.0.0.31');
    socket.send(bytes('01'), PORT, GATEWAYS[0]);
    assert.is((await exchange(socket, GATEWAYS[0]!, '02')).reply, '02');
    assert.is(counters.takeChangedTotals(), null);
    service.close();
  },
  'D-5 a datagram never stops the process': async () => {
    const { service, counters, defects } = await serving((datagram) => {
      if (datagram[0] === 1) throw new Error('at once');
      if (datagram[0] === 2) return Promise.reject(new Error('late'));
      return datagram;
    });
    const socket = await client('127.0.0.31');
    for (const bad of ['01', '02', '01', '']) socket.send(bytes(bad), PORT, GATEWAYS[0]);
    assert.is((await exchange(socket, GATEWAYS[0]!, '03'.repeat(1000))).reply, '', 'the reply to nothing');
    assert.is((await exchange(socket, GATEWAYS[0]!, '04')).reply, '03'.repeat(1000));
    assert.is(counters.get('defect'), 3);
    assert.equal(defects.map(String).sort(), ['Error: at once', 'Error: at once', 'Error: late']);
    service.close();
  },
  'D-5 a datagram from port 0 is dropped': async () => {
    if (process.getuid?.() !== 0) return skip('a datagram from port 0', 'not root');
    let asked = 0;
    const { service, counters } = await serving((datagram) => {
      asked++;
      return datagram;
    });
    // sockaddr_in: family, port (not looked at), address; then the UDP header: ports, length, no checksum.
    const fd = libc.socket(2, 3, 17);
    const gateway = Uint8Array.of(
      ...new Uint8Array(Uint16Array.of(2).buffer),
      0,
      0,
      127,
      0,
      0,
      21,
      ...new Uint8Array(8),
    );
    assert.is(connect(fd, gateway, gateway.length), 0);
    writeSync(fd, Uint8Array.of(0, 0, PORT >>> 8, PORT, 0, 10, 0, 0, 0, 0));
    closeSync(fd);
    await exchange(await client('127.0.0.31'), GATEWAYS[0]!, '00 00');
    assert.equal([asked, counters.get('source-port'), counters.get('defect')], [1, 1, 0]);
    service.close();
  },
  'D-5 a reply that cannot be sent is counted': async () => {
    const { service, counters } = await serving(() => new Uint8Array(1101));
    const socket = await client('127.0.0.31');
    socket.send(bytes('00'), PORT, GATEWAYS[0]);
    for (const end = Date.now() + 5000; Date.now() < end && counters.get('send-failed') === 0; )
      await new Promise(setImmediate);
    assert.is(counters.get('send-failed'), 1);
    service.close();
  },
  'R-29 R-31 R-36 an announcement leaves from every address, for 224.0.0.1 port 5350': async () => {
    const { service, counters } = await serving(() => null);
    const listener = createSocket({ type: 'udp4', reuseAddr: true });
    listener.bind(5350, '224.0.0.1');
    await once(listener, 'listening');
    listener.addMembership('224.0.0.1', '127.0.0.1');
    const from: string[] = [];
    const heard = new Promise<void>((resolve) => {
      listener.on('message', (octets, peer) => {
        if (hex(octets) !== '00800000000123450a0b0c0d') return;
        from.push(`${peer.address}:${peer.port}`);
        if (from.length === 2) resolve();
      });
    });
    service.announce(bytes('00 80 0000 00012345 0a0b0c0d'));
    await heard;
    assert.equal(
      from.sort(),
      GATEWAYS.map((gateway) => `${gateway}:${PORT}`),
    );
    assert.is(counters.get('announced'), 1);
    listener.close();
    service.close();
  },
});
