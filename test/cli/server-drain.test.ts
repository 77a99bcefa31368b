// Reading what waits at the launcher's netlink sockets, whatever their errors are.

import * as assert from 'uvu/assert';
import { drain } from '../../cli/server/drain.js';
import { cases } from '../support/cases.js';

type Read = number | null | string;

/** Reads as scripted: a length, null for nothing, or the name of an errno; the last one again and again. */
function reader(script: readonly Read[]) {
  let reads = 0;
  return {
    get reads() {
      return reads;
    },
    read: (): number | null => {
      const next = script[Math.min(reads++, script.length - 1)] ?? null;
      if (typeof next === 'string') throw Object.assign(new Error(next), { code: next });
      return next;
    },
  };
}

cases<{ name: string; script: readonly Read[]; taken: readonly number[]; isLost: boolean; reads: number }>(
  'a netlink socket is read',
  [
    { name: 'nothing there', script: [null], taken: [], isLost: false, reads: 1 },
    { name: 'to its end', script: [20, 40, null], taken: [20, 40], isLost: false, reads: 3 },
    { name: 'to what looks like its end', script: [20, 0], taken: [20], isLost: false, reads: 2 },
    ...['ENOBUFS', 'ENOMEM', 'EMSGSIZE', 'EINTR', 'ENETDOWN', 'EIO'].map((code) => ({
      name: `beyond an error: ${code}`,
      script: [20, code, 40, null],
      taken: [20, 40],
      isLost: true,
      reads: 4,
    })),
    ...['ENOBUFS', 'EBADF', 'ENETDOWN', 'EIO'].map((code) => ({
      name: `no more, if an error stays: ${code}`,
      script: [20, code],
      taken: [20],
      isLost: true,
      reads: 17,
    })),
  ],
  ({ script, taken, isLost, reads }) => {
    const socket = reader(script);
    const lengths: number[] = [];
    assert.is(
      drain(socket.read, (length) => lengths.push(length)),
      isLost,
    );
    assert.equal([lengths, socket.reads], [taken, reads]);
  },
);

cases(
  'a netlink socket is left',
  [
    { name: 'that somebody fills faster than it is read', script: [20] },
    { name: 'that has an error now and then, and never an end', script: [20, 'ENOBUFS', 20] },
  ],
  ({ script }) => {
    const socket = reader(script);
    drain(socket.read, () => {});
    assert.is(socket.reads, 4096);
  },
);
