// Whether rules have changed since the last look, from nftables' events (linux/netfilter/nf_tables.h). Elements of our
// own sets come and go with every mapping and do not count.

import { closeSync } from 'node:fs';
import { readNonBlocking } from '../../process/poll.js';
import type { OwnNames } from '../host/port-forwards.js';
import { drain } from './drain.js';
import { NETLINK, openNetlink } from './sockets.js';

/** Small: what does not fit is reported as lost, and then counts as a change. So reading stays cheap under load. */
const BUFFER_BYTES = 64 << 10;
/** NFNL_SUBSYS_NFTABLES. */
const NFTABLES = 10;
/** NFT_MSG_NEWSETELEM, NFT_MSG_DELSETELEM; NFT_MSG_NEWGEN, which follows every transaction. */
const ELEMENTS = [12, 14];
const GENERATION = 15;
/** struct nlmsghdr and struct nfgenmsg. */
const HEADERS = 20;

export class RulesetEvents {
  readonly #own: OwnNames;
  readonly #fd: number;
  readonly #buffer = Buffer.allocUnsafe(1 << 16);

  /** Needs CAP_NET_ADMIN. */
  constructor(own: OwnNames) {
    this.#own = own;
    this.#fd = openNetlink(NETLINK.netfilter.protocol, NETLINK.netfilter.nftables, BUFFER_BYTES);
  }

  /** Reads all that has come. What was lost counts as a change. */
  takeChange(): boolean {
    let isChanged = false;
    const isLost = drain(
      () => readNonBlocking(this.#fd, this.#buffer),
      (length) => {
        isChanged ||= changesRules(this.#buffer.subarray(0, length), this.#own);
      },
    );
    return isChanged || isLost;
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** Pure: whether one of the messages is about something else than elements of our own sets. */
export function changesRules(datagram: Buffer, own: OwnNames): boolean {
  for (let at = 0; at + HEADERS <= datagram.length; ) {
    const length = datagram.readUInt32LE(at);
    const type = datagram.readUInt16LE(at + 4);
    if (length < HEADERS || at + length > datagram.length) return true;
    const message = type & 0xff;
    if (type >> 8 === NFTABLES && message !== GENERATION) {
      if (!ELEMENTS.includes(message) || !areOurs(datagram.subarray(at + HEADERS, at + length), own)) return true;
    }
    at += (length + 3) & ~3;
  }
  return false;
}

/** The sets of earlier releases, which were alone in their table. */
const OLD_SETS = ['in', 'out', 'live', 'askers'];

/** The first two attributes are NFTA_SET_ELEM_LIST_TABLE and NFTA_SET_ELEM_LIST_SET. */
function areOurs(attributes: Buffer, own: OwnNames): boolean {
  const texts: string[] = [];
  for (let at = 0; at + 4 <= attributes.length && texts.length < 2; ) {
    const length = attributes.readUInt16LE(at);
    if (length < 4) return false;
    texts.push(attributes.toString('latin1', at + 4, at + length - 1));
    at += (length + 3) & ~3;
  }
  const [table, set = ''] = texts;
  return table === own.table && (set.startsWith(`${own.chain}-`) || OLD_SETS.includes(set));
}
