// Messages that find and delete flows in connection tracking, as conntrack(8) does: a flow is translated as its first
// packet was, for as long as it lasts, whatever mapping comes or goes. Deleted, its next packet begins a flow like any
// other. Pure. Layouts and numbers: linux/netfilter/nfnetlink_conntrack.h, nf_conntrack_common.h.

import type { Message } from '../types.js';
import type { Lease } from '../../proto/lease.js';
import { PROTOCOL_NUMBER } from '../../proto/mapping.js';
import { NFPROTO_IPV4 } from './elements.js';
import type { MessageWriter } from './netlink.js';
import { NLM_F, valueAtPath } from './netlink.js';

const NFNL_SUBSYS_CTNETLINK = 1;
const IPCTNL_MSG_CT = { GET: (NFNL_SUBSYS_CTNETLINK << 8) | 1, DELETE: (NFNL_SUBSYS_CTNETLINK << 8) | 2 } as const;
const CTA = { TUPLE_ORIG: 1, STATUS: 3, FILTER: 25, STATUS_MASK: 26 } as const;
const CTA_TUPLE = { IP: 1, PROTO: 2 } as const;
const CTA_IP = { V4_SRC: 1, V4_DST: 2 } as const;
const CTA_PROTO = { NUM: 1, SRC_PORT: 2, DST_PORT: 3 } as const;
const CTA_FILTER_ORIG_FLAGS = 1;
/** CTA_FILTER_FLAG(x): which fields of the tuple have to match. In host order, unlike the rest: in its first byte. */
const MATCH = { IP_SRC: 1 << 24, NUM: 1 << 27, SRC_PORT: 1 << 28, DST_PORT: 1 << 29 } as const;
const IPS = { SEEN_REPLY: 1 << 1, SRC_NAT: 1 << 4, DST_NAT: 1 << 5 } as const;

/** The tuple of a flow's first packet, as the set `stale` has it: source address, port << 16, destination, port << 16. */
export type Flow = readonly number[];

// Which flows a mapping would have translated, had they begun after it.
/** To the external port, translated by nobody, never answered: not what the router serves or has asked others. */
const INBOUND = { match: MATCH.NUM | MATCH.DST_PORT, mask: IPS.SEEN_REPLY | IPS.SRC_NAT | IPS.DST_NAT, status: 0 };
/** From the internal endpoint, and masqueraded. */
const OUTBOUND = {
  match: MATCH.IP_SRC | MATCH.NUM | MATCH.SRC_PORT,
  mask: IPS.SRC_NAT | IPS.DST_NAT,
  status: IPS.SRC_NAT,
};

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
  writer.begin(type, NLM_F.REQUEST | flag, NFPROTO_IPV4, 0);
  // To address 0, to which no packet goes: where it is taken for a complete tuple, there is no such flow.
  writeTuple(writer, [lease.internalAddress, lease.internalPort << 16, 0, lease.externalPort << 16]);
  writer.nested(CTA.FILTER, () => writer.words(CTA_FILTER_ORIG_FLAGS, [match]));
  writer.words(CTA.STATUS, [status]);
  writer.words(CTA.STATUS_MASK, [mask]);
}

/** The flow in a message of that dump; null if it is none of them. One of TCP's may be: `encodeDelete` finds none. */
export function flowIn({ payload }: Message, lease: Lease, isInbound: boolean): Flow | null {
  const word = (...path: readonly number[]): number => {
    const at = valueAtPath(payload, ...path);
    return at < 0 || at + 4 > payload.length ? 0 : payload.readInt32BE(at);
  };
  const ip = (type: number) => word(CTA.TUPLE_ORIG, CTA_TUPLE.IP, type);
  const port = (type: number) => word(CTA.TUPLE_ORIG, CTA_TUPLE.PROTO, type) & (0xffff << 16); // then padding
  const flow = [ip(CTA_IP.V4_SRC), port(CTA_PROTO.SRC_PORT), ip(CTA_IP.V4_DST), port(CTA_PROTO.DST_PORT)];
  const isOfLease = isInbound
    ? flow[3] === lease.externalPort << 16
    : flow[0] === (lease.internalAddress | 0) && flow[1] === lease.internalPort << 16;
  const { mask, status } = isInbound ? INBOUND : OUTBOUND;
  return isOfLease && (word(CTA.STATUS) & mask) === status ? flow : null;
}

/** Write a request to delete one flow. */
export function encodeDelete(writer: MessageWriter, flow: Flow): void {
  writer.begin(IPCTNL_MSG_CT.DELETE, NLM_F.REQUEST | NLM_F.ACK, NFPROTO_IPV4, 0);
  writeTuple(writer, flow);
}

function writeTuple(writer: MessageWriter, [source = 0, from = 0, destination = 0, to = 0]: Flow): void {
  writer.nested(CTA.TUPLE_ORIG, () => {
    writer.nested(CTA_TUPLE.IP, () => {
      writer.words(CTA_IP.V4_SRC, [source]);
      writer.words(CTA_IP.V4_DST, [destination]);
    });
    writer.nested(CTA_TUPLE.PROTO, () => {
      writer.words(CTA_PROTO.NUM, [PROTOCOL_NUMBER.udp << 24], 1);
      writer.words(CTA_PROTO.SRC_PORT, [from], 2);
      writer.words(CTA_PROTO.DST_PORT, [to], 2);
    });
  });
}
