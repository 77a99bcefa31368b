// Datagrams with the time of their arrival by the kernel's clock: a process of the test may get no processor for a while,
// and then it would see two of them at once.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { atEnd } from '../support/cases.js';
import type { Host } from './host.js';
import { Inbox, SOON_MS } from './inbox.js';
import type { Datagram } from './sockets.js';

/** 35 is SO_TIMESTAMPNS, and the type of what comes with each datagram then: struct timespec. */
const HEAR = `
import json, socket, struct, sys
group, on, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
family = socket.AF_INET6 if ':' in group else socket.AF_INET
s = socket.socket(family, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, 35, 1)
if family == socket.AF_INET6:
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
s.bind(('', port))
if family == socket.AF_INET:
    s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + socket.inet_aton(on))
print('{}', flush=True)
while True:
    data, ancillary, _, sender = s.recvmsg(2048, 64)
    address, _ = socket.getnameinfo(sender, socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)
    seconds, nanoseconds = struct.unpack('@ll', ancillary[0][2][:struct.calcsize('@ll')])
    at = seconds * 1000 + nanoseconds / 1e6
    print(json.dumps({'hex': data.hex(), 'address': address, 'port': sender[1], 'atMs': at}), flush=True)
`;

export interface Arrivals {
  /** The next datagram, or null when none comes in time. */
  receive(withinMs?: number): Promise<Datagram | null>;
  /** Forget what has come by now, also if it has not been told yet. */
  drain(): void;
}

/** What is sent to the port of this group; for IPv4 on the interface that has the address `on`. */
export async function arrivals(host: Host, port: number, group: string, on = ''): Promise<Arrivals> {
  const [enter, ...rest] = host.namespace.entranceUntilOurEnd('SIGKILL');
  const child = spawn(enter, [...rest, 'python3', '-c', HEAR, group, on, String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  atEnd(() => {
    child.kill('SIGKILL');
  });
  const lines = createInterface({ input: child.stdout });
  await Promise.race([once(lines, 'line'), once(child, 'exit')]);
  if (child.exitCode !== null) throw new Error(`python3 cannot hear ${group}, port ${port}: exit ${child.exitCode}`);
  const events = new Inbox<Datagram>();
  let sinceMs = 0;
  lines.on('line', (line) => {
    const datagram = JSON.parse(line) as Datagram;
    if (datagram.atMs >= sinceMs) events.put(datagram);
  });
  return {
    receive: (withinMs = SOON_MS) => events.next(Math.max(0, withinMs)),
    drain() {
      events.drain();
      sinceMs = Date.now();
    },
  };
}
