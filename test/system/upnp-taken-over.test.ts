// What a natpmp-upnp that has been taken over can send, and to whom it can connect, under natpmp-server: a program in its
// place, with the same descriptors, unties them from whatever the kernel unties them from. What counts is who is reached.
// Others' chains put another mark on every packet that leaves the router, as they do for connections with a mark.
// Its other rights are those of the frontend: taken-over.test.ts.

import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { SILENCE_MS, SOON_MS } from '../lab/inbox.js';
import { ALICE, CAROL, GUEST_ROUTER, openLab, OUTSIDE, ROUTER } from '../lab/lab.js';
import { cases } from '../support/cases.js';
import { folder, start } from './one-router.js';

const ROOT = join(import.meta.dirname, '../../..');
const TCP_PORT = 4100;
const UDP_PORT = 4200;

/** In the place of natpmp-upnp. Sends a datagram to each by every socket, then connects to each by the listening one. */
const script = (targets: readonly string[]): string => `
import { createRequire } from 'node:module';
import { writeSync } from 'node:fs';
const koffi = createRequire(import.meta.url)('koffi');
const libc = koffi.load(null);
const shutdown = libc.func('int shutdown(int, int)');
const connect = libc.func('int connect(int, const uint8_t *, unsigned int)');
const sendto = libc.func('long sendto(int, str, unsigned long, int, const uint8_t *, unsigned int)');
const setsockopt = libc.func('int setsockopt(int, int, int, str, unsigned int)');
const send = libc.func('long send(int, str, unsigned long, int)');
const to = (address, port) => {
  const bytes = Buffer.alloc(16);
  if (address === null) return bytes;
  bytes.set([2, 0, port >> 8, port & 255, ...address.split('.').map(Number)]);
  return bytes;
};
const names = process.env.LISTEN_FDNAMES.split(':');
const fdsOf = (name) => names.flatMap((one, index) => (one === name ? [3 + index] : []));
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const targets = ${JSON.stringify(targets)};
for (const fd of fdsOf('ssdp')) {
  for (const address of targets) {
    for (const device of [null, 'wan0', 'lo']) {
      connect(fd, to(null), 16);
      if (device !== null) setsockopt(fd, 1, 25, device + '\\0', device.length + 1);
      sendto(fd, 'stray', 5, 0x40, to(address, ${UDP_PORT}), 16);
    }
  }
}
for (const fd of fdsOf('upnp')) {
  for (const address of targets) {
    for (const device of [null, 'wan0', 'lo']) {
      shutdown(fd, 2);
      connect(fd, to(null), 16);
      if (device !== null) setsockopt(fd, 1, 25, device + '\\0', device.length + 1);
      connect(fd, to(address, ${TCP_PORT}), 16);
      await pause(50);
      send(fd, 'stray', 5, 0x4040);
      await pause(50);
    }
  }
}
writeSync(1, '{"level":30,"msg":"tried"}\\n');
setInterval(() => {}, 1000);
`;

const lab = await openLab({ guest: true });
if (lab !== null && lab.carol !== null) {
  const { alice, carol, outside, router } = lab;
  const project = join(folder(), 'project');
  mkdirSync(project);
  for (const part of ['caller', 'cli', 'config', 'process', 'proto', 'frontend', 'helper', 'upnp'])
    cpSync(join(ROOT, 'dist', part), join(project, 'dist', part), { recursive: true });
  cpSync(join(ROOT, 'package.json'), join(project, 'package.json'));
  symlinkSync(join(ROOT, 'node_modules'), join(project, 'node_modules'));
  // carol's LAN is not one of the gateway's.
  const victims = [
    { name: 'a host of its LAN', host: alice, address: ALICE, reached: true },
    { name: 'a host of another network of the router', host: carol, address: CAROL, reached: false },
    { name: 'the Internet', host: outside, address: OUTSIDE, reached: false },
    { name: 'the router itself, on loopback', host: router, address: '127.0.0.1', reached: false },
    { name: 'the router itself, in the LAN', host: router, address: ROUTER, reached: false },
    { name: 'the router itself, in another network', host: router, address: GUEST_ROUTER, reached: false },
  ];
  const open = await Promise.all(
    victims.map(async (victim) => ({
      ...victim,
      udp: await victim.host.udp({ address: victim.address, port: UDP_PORT }),
      tcp: await victim.host.listen(TCP_PORT, victim.address),
    })),
  );
  writeFileSync(join(project, 'dist/upnp/main.js'), script(victims.map(({ address }) => address)));
  const base = folder();
  await lab.nft(`
    table inet others {
      chain out { type route hook output priority mangle; meta mark set ct mark; }
      chain later { type filter hook output priority -1; meta mark set 0x1; }
    }`);
  const [enter, ...inside] = router.namespace.entrance;
  const server = start(enter, [
    ...inside,
    ...[process.execPath, join(project, 'dist/cli/natpmp-server.js'), '--external-interface', 'wan0'],
    ...['--run-dir', join(base, 'run'), '--state-dir', join(base, 'state'), '--upnp'],
  ]);
  await server.logged(({ msg }) => msg === 'tried');

  cases('a natpmp-upnp taken over, under natpmp-server: a datagram to', open, async ({ udp, reached }) => {
    assert.is(await udp.receiveText(reached ? SOON_MS : SILENCE_MS), reached ? 'stray' : null);
  });
  cases('a natpmp-upnp taken over, under natpmp-server: TCP to', open, async ({ tcp, reached }) => {
    const accepted = await tcp.accept(reached ? SOON_MS : SILENCE_MS);
    assert.is(accepted !== null, reached);
    if (accepted !== null) assert.is(await accepted.connection.receive(), 'stray');
  });
  server.child.kill('SIGKILL');
}
