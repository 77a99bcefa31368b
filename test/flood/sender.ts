// Sends a storm at a steady rate for a bounded time, from forged addresses, in the LAN's namespace:
// `node sender.js STORM PER_SECOND SECONDS HOSTS`. Its last line says how many datagrams it sent. It reads no reply.

import { parseIpv4 } from '../../proto/mapping.js';
import { bits } from '../lab/pcp.js';
import { Datagrams } from '../load/datagrams.js';
import { FIRST_HOST, HOST_PREFIX6, ROUTER, ROUTER6 } from '../load/mappings.js';
import { compose, isOfSsdp, isOverIpv6, octetsOf, type Storm } from './storm.js';

const NATPMP_PORT = 5351;
const SSDP_PORT = 1900;
const A_CALL = 128;
/** How long to rest when there is nothing to send yet, in milliseconds. */
const REST_MS = 1;

const [storm = '', ...numbers] = process.argv.slice(2);
const [perSecond = 0, seconds = 0, hosts = 1] = numbers.map(Number);
const net = new Datagrams(
  A_CALL,
  isOverIpv6(storm)
    ? { address: bits(ROUTER6), port: NATPMP_PORT, ownPrefix: HOST_PREFIX6 }
    : { address: parseIpv4(ROUTER) ?? 0, port: isOfSsdp(storm) ? SSDP_PORT : NATPMP_PORT },
  0,
  octetsOf(storm),
);
const asleep = new Int32Array(new SharedArrayBuffer(4));

const startMs = performance.now();
let sent = 0;
for (let elapsed = 0; elapsed < seconds; elapsed = (performance.now() - startMs) / 1000) {
  // What could not be sent in time is not made up for: a rate, not a burst after each pause.
  const due = Math.min(A_CALL, Math.floor(perSecond * elapsed) - sent);
  if (due <= 0) {
    Atomics.wait(asleep, 0, 0, REST_MS);
    continue;
  }
  for (let index = 0; index < due; index++) {
    const number = sent + index;
    const host = FIRST_HOST + (number % hosts);
    const length = compose(storm as Storm, number, net.outgoing.view, net.outgoing.data(index), host);
    net.outgoing.compose(index, length, host);
  }
  net.send(due);
  sent += due;
}
console.log(JSON.stringify({ sent, elapsedMs: Math.round(performance.now() - startMs) }));
