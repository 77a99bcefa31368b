// Messages that find and delete flows in connection tracking, as conntrack(8) does: a flow is translated as its first
// packet was, for as long as it lasts, whatever mapping comes or goes. Deleted, its next packet begins a flow like any
// other. Pure. Layouts and numbers: linux/netfilter/nfnetlink_conntrack.h, nf_conntrack_common.h.

import type { Message } from '../types.js';
import type { Lease } from '../../proto/lease.js';
import { PROTOCOL_NUMBER } from '../../proto/mapping.js';
import { NFPROTO } from './elements.js';
import type { MessageWriter } from './netlink.js';
import { NLM_F, valueAtPath } from './netlink.js';

const NFNL_SUBSYS_CTNETLINK = 1;
const IPCTNL_MSG_CT = { GET: (NFNL_SUBSYS_CTNETLINK << 8) | 1, DELETE: (NFNL_SUBSYS_CTNETLINK << 8) | 2 } as const;
const CTA = { TUPLE_ORIG: 1, TUPLE_REPLY: 2, STATUS: 3, FILTER: 25, STATUS_MASK: 26 } as const;
const CTA_TUPLE = { IP: 1, PROTO: 2 } as const;
const CTA_IP = { V4_SRC: 1, V4_DST: 2, V6_SRC: 3, V6_DST: 4 } as const;
const CTA_PROTO = { NUM: 1, SRC_PORT: 2, DST_PORT: 3 } as const;
const CTA_FILTER_ORIG_FLAGS = 1;
/** CTA_FILTER_FLAG(x): which fields of the tuple have to match. In host order, unlike the rest: in its first byte. */
const MATCH = { IP_SRC: 1 << 24, NUM: 1 << 27, SRC_PORT: 1 << 28, DST_PORT: 1 << 29 } as const;
const IPS = { SEEN_REPLY: 1 << 1, SRC_NAT: 1 << 4, NAT_MASK: 3 << 4 } as const;

/** A tuple as the sets `stale` and `stale6` have that of the first packet: address (1 word or 4), port << 16, both twice. */
export type Flow = readonly number[];

// Which flows a mapping would have translated, had they begun after it.
/** To the external port, translated by nobody, never answered: not what the router serves or has asked others. */
const INBOUND = { match: MATCH.NUM | MATCH.DST_PORT, mask: IPS.SEEN_REPLY | IPS.NAT_MASK, status: 0 };
/** From the internal endpoint, and masqueraded. */
const OUTBOUND = { match: MATCH.IP_SRC | MATCH.NUM | MATCH.SRC_PORT, mask: IPS.NAT_MASK, status: IPS.SRC_NAT };

/**
 * Write a request to delete all such UDP flows, or for a dump of them. Linux before 6.12 refuses the filter of a deletion,
 * and deletes nothing; before 5.16 it does not filter dumps by status, and before 5.8 not at all.
 */
export function encodeEarlier(
  writer: MessageWriter,
  action: 'delete' | 'dump',
  lease: Lease,
  isInbound: boolean,
): void {
  const { match, mask, status } = isInbound ? INBOUND : OUTBOUND;
  const [type, flag] = action === 'dump' ? [IPCTNL_MSG_CT.GET, NLM_F.DUMP] : [IPCTNL_MSG_CT.DELETE, NLM_F.ACK];
  writer.begin(type, NLM_F.REQUEST | flag, NFPROTO.IPV4, 0);
  // To address 0, to which no packet goes: where it is taken for a complete tuple, there is no such flow.
  writeTuple(writer, [lease.internalAddress, lease.internalPort << 16, 0, lease.externalPort << 16]);
  writer.nested(CTA.FILTER, () => writer.words(CTA_FILTER_ORIG_FLAGS, [match]));
  writer.words(CTA.STATUS, [status]);
  writer.words(CTA.STATUS_MASK, [mask]);
}

/** The flow in a message of that dump; null if it is none of them. One of TCP's may be: `encodeDelete` finds none. */
export function flowIn({ payload }: Message, lease: Lease, isInbound: boolean): Flow | null {
  const flow = tupleIn(payload, CTA.TUPLE_ORIG);
  const isOfLease = isInbound
    ? flow[3] === lease.externalPort << 16
    : flow[0] === (lease.internalAddress | 0) && flow[1] === lease.internalPort << 16;
  const { mask, status } = isInbound ? INBOUND : OUTBOUND;
  return isOfLease && (wordsAt(payload, 1, CTA.STATUS)[0]! & mask) === status ? flow : null;
}

/** Write a request for a dump of all flows over IPv6. */
export function encodeDump6(writer: MessageWriter): void {
  writer.begin(IPCTNL_MSG_CT.GET, NLM_F.REQUEST | NLM_F.DUMP, NFPROTO.IPV6, 0);
}

/** The flow in a message of that dump that one of these answers, also if somebody translates prefixes; null if it is none. */
export function flowTo({ payload }: Message, endpoints: ReadonlySet<string>): Flow | null {
  return endpoints.has(tupleIn(payload, CTA.TUPLE_REPLY).slice(0, 5).join()) ? tupleIn(payload, CTA.TUPLE_ORIG) : null;
}

/** Write a request to delete one flow. */
export function encodeDelete(writer: MessageWriter, flow: Flow): void {
  writer.begin(IPCTNL_MSG_CT.DELETE, NLM_F.REQUEST | NLM_F.ACK, flow.length === 4 ? NFPROTO.IPV4 : NFPROTO.IPV6, 0);
  writeTuple(writer, flow);
}

function writeTuple(writer: MessageWriter, flow: Flow): void {
  const half = flow.length / 2;
  writer.nested(CTA.TUPLE_ORIG, () => {
    writer.nested(CTA_TUPLE.IP, () => {
      writer.words(half === 2 ? CTA_IP.V4_SRC : CTA_IP.V6_SRC, flow.slice(0, half - 1));
      writer.words(half === 2 ? CTA_IP.V4_DST : CTA_IP.V6_DST, flow.slice(half, -1));
    });
    writer.nested(CTA_TUPLE.PROTO, () => {
      writer.words(CTA_PROTO.NUM, [PROTOCOL_NUMBER.udp << 24], 1);
      writer.words(CTA_PROTO.SRC_PORT, [flow[half - 1]!], 2);
      writer.words(CTA_PROTO.DST_PORT, [flow.at(-1)!], 2);
    });
  });
}

/** A tuple in a message of a dump, which begins with its family. */
function tupleIn(payload: Buffer, tuple: number): Flow {
  const isV6 = payload[0] === NFPROTO.IPV6;
  return (isV6 ? [CTA_IP.V6_SRC, CTA_IP.V6_DST] : [CTA_IP.V4_SRC, CTA_IP.V4_DST]).flatMap((ip, which) => [
    ...wordsAt(payload, isV6 ? 4 : 1, tuple, CTA_TUPLE.IP, ip),
    wordsAt(payload, 1, tuple, CTA_TUPLE.PROTO, CTA_PROTO.SRC_PORT + which)[0]! & (0xffff << 16), // then padding
  ]);
}

/** As many words at the end of a path of attributes; 0 in place of each if they are not there. */
function wordsAt(payload: Buffer, count: number, ...path: readonly number[]): readonly number[] {
  const at = valueAtPath(payload, ...path);
  const isMissing = at < 0 || at + 4 * count > payload.length;
  return Array.from({ length: count }, (_, index) => (isMissing ? 0 : payload.readInt32BE(at + 4 * index)));
}
