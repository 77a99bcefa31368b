// Messages that make the kernel forget the flows of a mapping that has ended. The ruleset stops such flows by itself;
// but a UDP flow that is stopped and not forgotten keeps its old external port for as long as the inside host sends,
// and no answer gets through. Forgotten, its next packet begins a flow like any other. Pure. Layouts and numbers:
// linux/netfilter/nfnetlink_conntrack.h.

import type { Lease } from '../../proto/mapping.js';
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
/** CTA_FILTER_FLAG(x): which fields of a tuple have to match. */
const MATCH = { IP_SRC: 1 << 0, NUM: 1 << 3, SRC_PORT: 1 << 4, DST_PORT: 1 << 5 } as const;

/** Fields of a tuple that have to match; the protocol always has to. */
interface Match {
  readonly source?: number;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
}

/** The flows of a mapping, as [original tuple, reply tuple]: those begun from outside, and those begun from inside. */
export function flowsOf({ internalAddress, internalPort, externalPort }: Lease): readonly (readonly [Match, Match])[] {
  return [
    [{ destinationPort: externalPort }, { source: internalAddress, sourcePort: internalPort }],
    [{ source: internalAddress, sourcePort: internalPort }, { destinationPort: externalPort }],
  ];
}

/**
 * Write a request to forget every flow that matches. The filter needs Linux 5.8; older kernels take the tuple for a
 * whole one, find no flow like it (ENOENT) and forget nothing.
 */
export function encodeFlush(
  writer: MessageWriter,
  lease: Lease,
  [original, reply]: readonly [Match, Match],
  sequence: number,
): void {
  writer.reset();
  writer.begin(IPCTNL_MSG_CT_DELETE, NLM_F.REQUEST | NLM_F.ACK, sequence, NFPROTO_IPV4, 0);
  writeTuple(writer, CTA.TUPLE_ORIG, lease, original);
  writeTuple(writer, CTA.TUPLE_REPLY, lease, reply);
  const filter = writer.open(CTA.FILTER);
  writer.words(CTA_FILTER.ORIG_FLAGS, [flags(original)]);
  writer.words(CTA_FILTER.REPLY_FLAGS, [flags(reply)]);
  writer.close(filter);
}

function writeTuple(writer: MessageWriter, type: number, { protocol }: Lease, match: Match): void {
  const tuple = writer.open(type);
  if (match.source !== undefined) {
    const ip = writer.open(CTA_TUPLE.IP);
    writer.words(CTA_IP_V4_SRC, [match.source]);
    writer.close(ip);
  }
  const proto = writer.open(CTA_TUPLE.PROTO);
  writer.words(CTA_PROTO.NUM, [PROTOCOL_NUMBER[protocol] << 24], 1);
  if (match.sourcePort !== undefined) writer.words(CTA_PROTO.SRC_PORT, [match.sourcePort << 16], 2);
  if (match.destinationPort !== undefined) writer.words(CTA_PROTO.DST_PORT, [match.destinationPort << 16], 2);
  writer.close(proto);
  writer.close(tuple);
}

/** In host order, unlike the rest, and all in the first octet of that. */
function flags(match: Match): number {
  return (
    (MATCH.NUM |
      (match.source === undefined ? 0 : MATCH.IP_SRC) |
      (match.sourcePort === undefined ? 0 : MATCH.SRC_PORT) |
      (match.destinationPort === undefined ? 0 : MATCH.DST_PORT)) <<
    24
  );
}
