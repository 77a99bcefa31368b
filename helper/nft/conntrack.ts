// Messages that flush the flows of a mapping that ended, as conntrack(8) does. The ruleset stops such flows by itself;
// but a stopped UDP flow keeps its old external port for as long as the internal host sends, and no answer gets through.
// Flushed, its next packet begins a flow like any other. Pure. Layouts and numbers: linux/netfilter/nfnetlink_conntrack.h.

import type { Lease } from '../../proto/lease.js';
import { PROTOCOL_NUMBER } from '../../proto/mapping.js';
import { NFPROTO_IPV4 } from './elements.js';
import type { MessageWriter } from './netlink.js';
import { NLM_F } from './netlink.js';

const NFNL_SUBSYS_CTNETLINK = 1;
const IPCTNL_MSG_CT_DELETE = (NFNL_SUBSYS_CTNETLINK << 8) | 2;
const CTA = { TUPLE_ORIG: 1, TUPLE_REPLY: 2, FILTER: 25 } as const;
const CTA_TUPLE = { IP: 1, PROTO: 2 } as const;
const CTA_IP_V4_SRC = 1;
const CTA_PROTO = { NUM: 1, SRC_PORT: 2, DST_PORT: 3 } as const;
const CTA_FILTER = { ORIG_FLAGS: 1, REPLY_FLAGS: 2 } as const;
/** CTA_FILTER_FLAG(x): which fields of a tuple have to match. In host order, unlike the rest: in its first byte. */
const MATCH = { IP_SRC: 1 << 0, NUM: 1 << 3, SRC_PORT: 1 << 4, DST_PORT: 1 << 5 } as const;
const MATCH_EXTERNAL = (MATCH.NUM | MATCH.DST_PORT) << 24;
const MATCH_INTERNAL = (MATCH.IP_SRC | MATCH.NUM | MATCH.SRC_PORT) << 24;

/**
 * Write a request to flush every flow of the mapping that began outside, or inside. The filter needs Linux 5.8; older
 * kernels take the tuple for a complete one, find no such flow (ENOENT) and flush nothing.
 */
export function encodeFlush(writer: MessageWriter, lease: Lease, isInbound: boolean, sequence: number): void {
  writer.reset();
  writer.begin(IPCTNL_MSG_CT_DELETE, NLM_F.REQUEST | NLM_F.ACK, sequence, NFPROTO_IPV4, 0);
  writeTuple(writer, CTA.TUPLE_ORIG, lease, isInbound);
  writeTuple(writer, CTA.TUPLE_REPLY, lease, !isInbound);
  const filter = writer.open(CTA.FILTER);
  writer.words(CTA_FILTER.ORIG_FLAGS, [isInbound ? MATCH_EXTERNAL : MATCH_INTERNAL]);
  writer.words(CTA_FILTER.REPLY_FLAGS, [isInbound ? MATCH_INTERNAL : MATCH_EXTERNAL]);
  writer.close(filter);
}

/** The tuple of packets to the external port, or of those from the internal endpoint. */
function writeTuple(writer: MessageWriter, type: number, lease: Lease, isExternal: boolean): void {
  const tuple = writer.open(type);
  if (!isExternal) {
    const ip = writer.open(CTA_TUPLE.IP);
    writer.words(CTA_IP_V4_SRC, [lease.internalAddress]);
    writer.close(ip);
  }
  const proto = writer.open(CTA_TUPLE.PROTO);
  writer.words(CTA_PROTO.NUM, [PROTOCOL_NUMBER[lease.protocol] << 24], 1);
  if (isExternal) writer.words(CTA_PROTO.DST_PORT, [lease.externalPort << 16], 2);
  else writer.words(CTA_PROTO.SRC_PORT, [lease.internalPort << 16], 2);
  writer.close(proto);
  writer.close(tuple);
}
