// LAN hosts that never stop asking, and remember what they have been promised. As strict as a client has to be: a reply
// to an earlier request that was repeated is not taken for the answer to this one.

import type { Host } from '../lab/host.js';
import type { Load } from '../lab/busy-clients.js';
import { ROUTER } from '../lab/lab.js';
import { mapRequest, PORT } from '../lab/natpmp.js';
import type { Udp } from '../lab/sockets.js';

/** Longer than any test takes. */
const LIFETIME = 3600;
const ASKERS = 4;
/** The protocol's first interval (RFC 6886 §3.1). */
const REPEAT_MS = 250;
/** Result 3 comes at once while the helper is away. */
const PAUSE_MS = 10;

/** Map UDP ports one after the other, from `firstPort`, and delete every fourth again. */
export async function startLoad(host: Host, address: string, firstPort: number): Promise<Load> {
  const mapped = new Set<string>();
  const deleted = new Set<string>();
  const open = new Set<string>();
  let nextPort = firstPort;
  let isStopping = false;
  let waiting: { count: number; resolve: () => void } | null = null;

  async function askOn(socket: Udp): Promise<void> {
    while (!isStopping) {
      const port = nextPort++;
      const wish = `udp ${port} -> ${address}:${port}`;
      open.add(wish);
      if (!(await succeeds(socket, port, LIFETIME))) continue;
      mapped.add(wish);
      open.delete(wish);
      if (waiting !== null && --waiting.count <= 0) waiting.resolve();
      if (port % 4 !== 0) continue;
      mapped.delete(wish);
      open.add(wish);
      if (!(await succeeds(socket, port, 0))) continue;
      open.delete(wish);
      deleted.add(wish);
    }
  }

  /** Ask until the gateway says success to this very request; false when told to stop before. */
  async function succeeds(socket: Udp, port: number, lifetime: number): Promise<boolean> {
    const wanted = mapRequest('udp', port, lifetime === 0 ? 0 : port, lifetime);
    while (!isStopping) {
      socket.send(wanted);
      for (const endMs = performance.now() + REPEAT_MS; performance.now() < endMs; ) {
        const reply = (await socket.receive(endMs - performance.now()))?.hex;
        // Which port, and whether it is there now: a deletion is answered with lifetime 0.
        if (reply?.slice(16, 20) !== wanted.slice(8, 12)) continue;
        if (reply.slice(4, 8) !== '0000') break;
        if ((Number.parseInt(reply.slice(24), 16) === 0) === (lifetime === 0)) return true;
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    return false;
  }

  const sockets = await Promise.all(
    Array.from({ length: ASKERS }, () => host.udp({ peer: { address: ROUTER, port: PORT } })),
  );
  const done = Promise.all(sockets.map(askOn));
  return {
    more: (count) =>
      new Promise((resolve) => {
        waiting = { count, resolve };
      }),
    async stop() {
      isStopping = true;
      await done;
      for (const socket of sockets) socket.close();
      return { mapped, deleted, open, failures: [] };
    },
  };
}
