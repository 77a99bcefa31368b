// Connection tracking of a namespace, filled to the last place. The kernel counts by namespace, and has one limit for all
// (net.netfilter.nf_conntrack_max): nobody else's connections are in the way, and none is lost. What is put in ends with
// the namespace at the latest.
//
// Flows are inserted as conntrack(8) -I does it, because packets would take minutes, and as answered ones (ASSURED), as
// an established connection is: of others the kernel drops one in favour of a new one (early_drop, nf_conntrack_core.c).

import { closeSync, readFileSync, writeSync } from 'node:fs';
import { NETLINK, openNetlink } from '../../cli/server/sockets.js';
import { MessageWriter, NLM_F } from '../../helper/nft/netlink.js';
import { readNonBlocking } from '../../process/poll.js';
import type { Namespace } from '../support/network.js';

// linux/netfilter/nfnetlink_conntrack.h, nf_conntrack_common.h
const CT_NEW = 0x100;
const CT_DELETE = 0x102;
const CTA = { TUPLE_ORIG: 1, TUPLE_REPLY: 2, STATUS: 3, TIMEOUT: 7 } as const;
const CTA_TUPLE = { IP: 1, PROTO: 2 } as const;
const [CTA_IP_V4_SRC, CTA_IP_V4_DST] = [1, 2] as const;
const [CTA_PROTO_NUM, CTA_PROTO_SRC_PORT, CTA_PROTO_DST_PORT] = [1, 2, 3] as const;
/** SEEN_REPLY, ASSURED, CONFIRMED. */
const ESTABLISHED = (1 << 1) | (1 << 2) | (1 << 3);
const NFPROTO_IPV4 = 2;
const UDP = 17;
const NLM_F_EXCL = 0x200;

/** 198.18.0.0/15, of benchmarks (RFC 2544): so many ports of each address, from this one on. */
const [SOURCES, PORTS_EACH, FIRST_PORT] = [0xc6120000, 32_768, 16_384] as const;
/** 203.0.113.1, port 9: outside of the lab. */
const [PEER, PEER_PORT] = [0xcb007101, 9] as const;
/** How long they stay if nobody deletes them, in seconds: longer than a test, and not for ever. */
const TIMEOUT_S = 600;
/** Messages in one datagram: 140 bytes each, below the default send buffer of 208 KiB. */
const AT_ONCE = 1000;
export class FilledConntrack {
  readonly #namespace: Namespace;
  readonly #fd: number;
  readonly #writer = new MessageWriter(256 * 1024);
  readonly #answers = Buffer.alloc(1 << 16);
  /** The flows put in are the first so many of a sequence. */
  #held = 0;

  private constructor(namespace: Namespace, fd: number) {
    this.#namespace = namespace;
    this.#fd = fd;
  }

  static open(namespace: Namespace): FilledConntrack {
    const { protocol, none } = NETLINK.netfilter;
    return new FilledConntrack(
      namespace,
      namespace.during(() => openNetlink(protocol, none, 1 << 22)),
    );
  }

  /** How many the namespace has, and how many it may have: 0 for any number. */
  get counts(): { readonly count: number; readonly max: number } {
    const [count = 0, max = 0] = this.#namespace.during(() =>
      ['count', 'max'].map((name) => Number(readFileSync(`/proc/sys/net/netfilter/nf_conntrack_${name}`, 'latin1'))),
    );
    return { count, max };
  }

  /** Put flows in until there is no place left; and no more, because each try beyond may cost another flow its place. */
  fill(): void {
    for (let { count, max } = this.counts; count < max; { count, max } = this.counts) {
      for (let free = max - count; free > 0; free -= AT_ONCE) {
        const part = Math.min(AT_ONCE, free);
        this.#send(CT_NEW, NLM_F.CREATE | NLM_F_EXCL, this.#held, part);
        this.#held += part;
      }
    }
  }

  /** Take them all out again. */
  empty(): void {
    while (this.#held > 0) {
      const part = Math.min(AT_ONCE, this.#held);
      this.#held -= part;
      this.#send(CT_DELETE, 0, this.#held, part);
    }
  }

  close(): void {
    this.empty();
    closeSync(this.#fd);
  }

  #send(type: number, flags: number, from: number, count: number): void {
    for (let index = from; index < from + count; index++) this.#write(type, flags, index);
    writeSync(this.#fd, this.#writer.bytes());
    // The kernel has carried all of it out by now. It says something only if it refuses: a place may just have been taken.
    while (readNonBlocking(this.#fd, this.#answers) !== null);
  }

  #write(type: number, flags: number, index: number): void {
    const writer = this.#writer;
    const source = [SOURCES + Math.floor(index / PORTS_EACH), FIRST_PORT + (index % PORTS_EACH)] as const;
    writer.begin(type, NLM_F.REQUEST | flags, NFPROTO_IPV4, 0);
    this.#tuple(CTA.TUPLE_ORIG, source, [PEER, PEER_PORT]);
    if (type === CT_DELETE) return;
    this.#tuple(CTA.TUPLE_REPLY, [PEER, PEER_PORT], source);
    writer.words(CTA.STATUS, [ESTABLISHED]);
    writer.words(CTA.TIMEOUT, [TIMEOUT_S]);
  }

  #tuple(which: number, source: readonly [number, number], destination: readonly [number, number]): void {
    const writer = this.#writer;
    writer.nested(which, () => {
      writer.nested(CTA_TUPLE.IP, () => {
        writer.words(CTA_IP_V4_SRC, [source[0]]);
        writer.words(CTA_IP_V4_DST, [destination[0]]);
      });
      writer.nested(CTA_TUPLE.PROTO, () => {
        writer.words(CTA_PROTO_NUM, [UDP << 24], 1);
        writer.words(CTA_PROTO_SRC_PORT, [source[1] << 16], 2);
        writer.words(CTA_PROTO_DST_PORT, [destination[1] << 16], 2);
      });
    });
  }
}
