// A torrent that exists nowhere, for programs that answer only peers of a torrent they have. BEP 3. Pure.

import { createHash } from 'node:crypto';

const SIZE = 65_536;

export interface Torrent {
  /** The .torrent file: one file of 64 KiB of zeros, in one piece, without a tracker. */
  readonly file: Uint8Array;
  /** SHA-1 of its info dictionary, as hex. */
  readonly infoHash: string;
}

export function makeTorrent(name: string): Torrent {
  const piece = createHash('sha1').update(new Uint8Array(SIZE)).digest();
  const info = Buffer.concat([
    // private: no peers but those that connect.
    Buffer.from(`d6:lengthi${SIZE}e4:name${name.length}:${name}12:piece lengthi${SIZE}e6:pieces20:`),
    piece,
    Buffer.from('7:privatei1ee'),
  ]);
  const file = Buffer.concat([Buffer.from('d4:info'), info, Buffer.from('e')]);
  return { file, infoHash: createHash('sha1').update(info).digest('hex') };
}
