// What NftKernel makes of answers that a kernel seldom gives, against a simulated socket.

import * as assert from 'uvu/assert';
import { NFT_MSG, SETS } from '../../helper/nft/elements.js';
import { NftKernel, MissingCapability } from '../../helper/nft/kernel.js';
import type { Change } from '../../helper/types.js';
import { messages } from '../../helper/nft/netlink.js';
import type { Lease } from '../../proto/mapping.js';
import { Nftables } from '../fuzz/worlds/nftables.js';
import { bytes } from '../support/bytes.js';
import { cases, claims } from '../support/cases.js';
import { lease } from './leases.js';
import { NAMES } from '../lab/ruleset.js';

const NOW = 1_000_000;

// It goes on, like the kernel's: on a busy machine a test takes longer than two ends may differ.
function clock(): () => number {
  const begun = Date.now();
  return () => NOW + Date.now() - begun;
}

const now = clock();

const add = (after: Lease): Change => ({ before: undefined, after });

const web = lease({ externalPort: 8080 });

const game = lease({ protocol: 'udp', externalPort: 3074, internalPort: 3074 });

cases(
  'NftKernel: a renewal, and what a kernel makes of a timeout that is set again',
  [
    { name: 'it counts', updatesTimeouts: true, want: [NFT_MSG.NEWSETELEM, NFT_MSG.NEWSETELEM, NFT_MSG.NEWSETELEM] },
    {
      name: 'it does not: the elements are removed, in the same transaction',
      updatesTimeouts: false,
      want: [...SETS.map(() => NFT_MSG.DELSETELEM), ...SETS.map(() => NFT_MSG.NEWSETELEM)],
    },
  ],
  ({ updatesTimeouts, want }) => {
    const nftables = new Nftables();
    nftables.updatesTimeouts = updatesTimeouts;
    let last: number[] = [];
    const write = (data: Uint8Array) => {
      last = [...messages(Buffer.from(data))].map(({ type }) => type);
      nftables.write(data);
    };
    const kernel = new NftKernel(NAMES, { write, read: () => nftables.read() }, { write() {}, read: () => null });
    assert.equal(
      kernel.repair([web], () => NOW),
      { added: 3, removed: 0 },
    );
    assert.equal(
      [...nftables.sets.values()].map(({ size }) => size),
      [1, 1, 1],
      'nothing is left of how it was found out',
    );
    assert.is(kernel.apply([{ before: web, after: { ...web, expiresAt: web.expiresAt + 5000 } }], NOW), 'done');
    assert.equal(last.slice(1, -1), want);
  },
);

claims('NftKernel', {
  'says that the capability is missing': () => {
    // An error message (type 2) for message 1: errno -1, EPERM.
    const refusal = bytes('24000000 0200 0000 01000000 00000000 ffffffff 14000000 100a 0100 01000000 00000000');
    const mute = { write() {}, read: () => null };
    const replies: Buffer[] = [];
    const socket = {
      write() {
        replies.push(Buffer.from(refusal));
      },
      read: () => replies.shift() ?? null,
    };
    assert.throws(
      () => new NftKernel(NAMES, socket, mute),
      (error: Error) => error instanceof MissingCapability,
    );
    assert.throws(() => new NftKernel(NAMES, mute, mute), /does not answer/);
  },
  'an error message without an errno acknowledges nothing': () => {
    const { kernel, spoil } = simulated();
    spoil((answer) => {
      if (answer.readUInt16LE(4) === 2) answer.writeUInt32LE(16, 0);
    });
    assert.is(kernel.apply([add(web)], now()), 'refused');
  },
  'a dump that ends with an errno told nothing': () => {
    const { kernel, spoil } = simulated();
    let ends = 0;
    const fail = (which: number, errno: number) =>
      spoil((answer) => {
        if (answer.readUInt16LE(4) === 3 && ++ends === which) answer.writeInt32LE(-errno, 16);
      });
    fail(2, 2); // the first dump is that of the rules; the set is gone, ENOENT
    assert.is(kernel.repair([], now), 'no-ruleset');
    kernel.apply([add(web)], now());
    ends = 0;
    fail(2, 12); // ENOMEM: read again
    assert.equal(kernel.repair([web], now), { added: 0, removed: 0 });
    assert.is(ends, 7);
  },
});

claims('NftKernel, of a dump that is interrupted', {
  'begins again with the whole table, which can be read only once': () => {
    const { kernel, nftables, spoil } = simulated();
    kernel.apply([add(web), add(game)], now());
    let ends = 0;
    // The second dump, of the first set: NLM_F_DUMP_INTR.
    spoil((answer) => {
      if (answer.readUInt16LE(4) === 3 && ++ends === 2) answer.writeUInt16LE(0x12, 6);
    });
    assert.equal(
      kernel.repair(
        new Map([
          [1, web],
          [2, game],
        ]).values(),
        now,
      ),
      { added: 0, removed: 0 },
    );
    assert.is(ends, 7);
    assert.equal(
      [...nftables.sets.values()].map(({ size }) => size),
      [2, 2, 2],
    );
  },
});

/** A kernel that answers like the real one, but for what is done to its answers. */
function simulated() {
  const nftables = new Nftables();
  let change = (_answer: Buffer): void => {};
  const read = (): Buffer | null => {
    const answer = nftables.read();
    if (answer !== null) change(answer);
    return answer;
  };
  const kernel = new NftKernel(
    NAMES,
    { write: (data) => nftables.write(Buffer.from(data)), read },
    { write() {}, read: () => null },
  );
  return {
    kernel,
    nftables,
    spoil: (with_: typeof change) => {
      change = with_;
    },
  };
}
