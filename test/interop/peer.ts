// A peer on the Internet, run in the outside's namespace: connects, begins as the protocol begins, and prints what the
// other side said. `peer.js bittorrent ADDRESS PORT INFOHASH`: the other's peer id. `peer.js tls ADDRESS PORT`: the
// chosen protocol and the SHA-256 of its certificate. Exits 1 if there was no such answer.

import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** For an answer, in milliseconds. */
const DEADLINE_MS = 8000;
/** BEP 3: the length of the name, the name, 8 reserved bytes, the info hash, the peer id. */
const HEADER = Buffer.concat([Buffer.from([19]), Buffer.from('BitTorrent protocol')]);
const HANDSHAKE_BYTES = HEADER.length + 8 + 20 + 20;

const [protocol, host = '', port = '', infoHash = ''] = process.argv.slice(2);

function fail(why: string): never {
  console.error(why);
  process.exit(1);
}

setTimeout(() => fail('no answer'), DEADLINE_MS);
switch (protocol) {
  case 'bittorrent': {
    const socket = connect(Number(port), host);
    socket.on('error', (error) => fail(error.message));
    socket.on('close', () => fail('closed without an answer'));
    const hash = Buffer.from(infoHash, 'hex');
    socket.write(Buffer.concat([HEADER, Buffer.alloc(8), hash, Buffer.from('-XX0001-0123456789ab')]));
    let said = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      said = Buffer.concat([said, chunk]);
      if (said.length < HANDSHAKE_BYTES) return;
      if (!said.subarray(0, HEADER.length).equals(HEADER)) fail('another protocol');
      if (!said.subarray(HEADER.length + 8, HEADER.length + 28).equals(hash)) fail('another torrent');
      console.log(said.subarray(HEADER.length + 28, HANDSHAKE_BYTES).toString('latin1'));
      process.exit(0);
    });
    break;
  }
  case 'tls': {
    const socket = connectTls({
      host,
      port: Number(port),
      ALPNProtocols: ['bep/1.0'],
      rejectUnauthorized: false, // it certifies itself
    });
    socket.on('error', (error) => fail(error.message));
    socket.on('secureConnect', () => {
      console.log(`${socket.alpnProtocol || 'none'} ${socket.getPeerCertificate().fingerprint256.replaceAll(':', '')}`);
      process.exit(0);
    });
    break;
  }
  default:
    fail('usage: peer.js bittorrent|tls ADDRESS PORT [INFOHASH]');
}
