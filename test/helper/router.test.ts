// The bounds of what waits for peers that do not read, with connections that are real and peers that are deaf.

import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { openListener } from '../../cli/server/sockets.js';
import type { Connection } from '../../helper/router.js';
import { Router } from '../../helper/router.js';
import { atEnd, claims } from '../support/cases.js';
import { bytes } from '../support/bytes.js';

const folder = mkdtempSync(join(tmpdir(), 'natpmp-router-test-'));
atEnd(() => rmSync(folder, { recursive: true }));

const HELLO = bytes(`ff 0000000000000001 7f 0301 ${'4e554c4c'.padEnd(104, '0')} 04 06 05 5245414459`);
/** Of a frame's header with a long length, in bytes. */
const LONG_HEADER = 9;
const MIB = 2 ** 20;

async function listening() {
  const path = join(folder, 'helper.sock');
  const fd = await openListener({ path, mode: 0o600, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 });
  return { path, router: new Router({ fd, uids: [] }, () => performance.now()) };
}

const { path, router } = await listening();

/** A peer that has sent a message, and reads nothing; and the helper's end of it. */
async function deaf(): Promise<{ socket: Socket; connection: Connection }> {
  const socket = connect(path).on('error', () => {});
  atEnd(() => void socket.destroy());
  socket.write(Buffer.concat([HELLO, bytes('00 00')]));
  for (;;) {
    await router.untilInput();
    const { peer, frame } = router.receive();
    router.charge(1);
    if (frame !== null) return { socket, connection: peer };
  }
}

/** Send until it is dropped, also after a turn of the event loop. Returns how many bytes were taken. */
async function fill(connection: Connection, frame: Uint8Array): Promise<number> {
  let taken = 0;
  for (let before = -1; before !== taken; await new Promise(setImmediate)) {
    before = taken;
    while (connection.send([frame])) taken += frame.length + (frame.length < 256 ? 2 : LONG_HEADER);
  }
  return taken;
}

/** All that comes once the peer reads: as many bytes as were taken, and nothing of what was dropped. */
async function readAll(socket: Socket, from: number): Promise<number> {
  let octets = 0;
  socket.on('data', (chunk) => {
    octets += chunk.length;
  });
  for (const end = performance.now() + 10_000; octets < from && performance.now() < end; )
    await new Promise((resolve) => setTimeout(resolve, 5));
  return octets;
}

/** What the kernel takes for a peer that does not read (net.core.wmem_default), at most. */
const KERNEL_BYTES = MIB;
/** The greeting, and READY. */
const HANDSHAKE_BYTES = 64 + 30;

claims('what waits for a peer that does not read', {
  'is 4 MiB at most; then it is dropped, and nothing else': async () => {
    const { socket, connection } = await deaf();
    const taken = await fill(connection, Buffer.alloc(60_000));
    assert.ok(taken >= 4 * MIB && taken <= 4 * MIB + KERNEL_BYTES + 60_009, `${taken} bytes`);
    assert.is(await readAll(socket, taken + HANDSHAKE_BYTES), taken + HANDSHAKE_BYTES);
    assert.is(connection.send([Buffer.alloc(60_000)]), true, 'there is room again');
    socket.destroy();
  },
  'is 1,024 messages at most, besides what the kernel holds': async () => {
    const { socket, connection } = await deaf();
    const taken = (await fill(connection, Buffer.alloc(1))) / 3;
    assert.ok(taken >= 1024 && taken <= 1024 + KERNEL_BYTES / 512, `${taken} messages`);
    socket.destroy();
  },
  'is 64 KiB once 64 MiB wait for all of them, and 4 MiB again when those have gone': async () => {
    const peers: Awaited<ReturnType<typeof deaf>>[] = [];
    const taken: number[] = [];
    for (let count = 0; count < 30; count++) {
      const peer = await deaf();
      peers.push(peer);
      taken.push(await fill(peer.connection, Buffer.alloc(60_000)));
    }
    const total = taken.reduce((sum, each) => sum + each, 0);
    assert.ok(total >= 64 * MIB && total <= (64 + 4 + 30 / 8) * MIB + 30 * KERNEL_BYTES, `${total} bytes`);
    assert.ok((taken.at(-1) as number) <= 64 * 1024 + 60_009 + KERNEL_BYTES, `${taken.at(-1)} bytes for the last`);
    const closed = peers.map(({ socket }) => new Promise((resolve) => socket.once('close', resolve)));
    for (const { socket } of peers) socket.destroy();
    await Promise.all(closed);
    for (const end = performance.now() + 5000; peers.some(({ connection }) => connection.isOpen); ) {
      assert.ok(performance.now() < end, 'the connections are closed');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const { socket, connection } = await deaf();
    assert.ok((await fill(connection, Buffer.alloc(60_000))) >= 4 * MIB);
    socket.destroy();
  },
});
