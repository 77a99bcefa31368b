// A lease as the kernel holds it: one element in each of three sets of the ruleset, or in that of pinholes, and the
// netlink messages that add, remove and list elements. Pure. Layouts and numbers: linux/netfilter/nf_tables.h.

import type { AnyLease, Element, HeldElement, Message, Ruleset } from '../types.js';
import type { Traffic } from '../../proto/messages.js';
import { PROTOCOL_NUMBER } from '../../proto/mapping.js';
import { inParts } from '../leases.js';
import type { MessageWriter } from './netlink.js';
import { align, NFGEN_BYTES, NLM_F, valueAt, valueAtPath, valueEnd } from './netlink.js';

export const NFPROTO = { INET: 1, IPV4: 2, IPV6: 10 } as const;
const NFNL_SUBSYS_NFTABLES = 10;
const NFNL_MSG_BATCH_BEGIN = 0x10;
const NFNL_MSG_BATCH_END = 0x11;

const nftMessage = (type: number) => (NFNL_SUBSYS_NFTABLES << 8) | type;
export const NFT_MSG = {
  NEWSETELEM: nftMessage(12),
  GETSETELEM: nftMessage(13),
  DELSETELEM: nftMessage(14),
  NEWGEN: nftMessage(15),
  GETGEN: nftMessage(16),
  NEWRULE: nftMessage(6),
  GETRULE: nftMessage(7),
} as const;

const SET_ELEM_LIST = { TABLE: 1, SET: 2, ELEMENTS: 3 } as const;
const SET_ELEM = { KEY: 1, DATA: 2, TIMEOUT: 4, EXPIRATION: 5, EXPR: 7 } as const;
const EXPR_DATA = 2;
const COUNTER = { BYTES: 1, PACKETS: 2 } as const;
const LIST_ELEM = 1;
const DATA_VALUE = 1;

/** The most elements in one message: its list is a nested attribute, whose length has 16 bits. */
const ELEMENTS_PER_MESSAGE = 500;

/** `stale`, `stale6`: UDP flows whose mapping or pinhole ended, put in by the ruleset. The others hold leases. */
export type SetName = 'in' | 'out' | 'live' | 'pinholes' | 'stale' | 'stale6';
/** Those of a mapping. */
export const SETS: readonly SetName[] = ['in', 'out', 'live'];

/** Bytes of a key and of its data: each field of a concatenated one has a multiple of four. */
const KEY_BYTES = { in: 8, out: 12, live: 16, pinholes: 24, stale: 16, stale6: 40 } as const;
const DATA_BYTES = { in: 8, out: 2, live: 0, pinholes: 0, stale: 0, stale6: 0 } as const;

/** The elements of a lease, those of a mapping in the order of SETS (docs/architecture.md); the last one counts. */
export function elementsOf(lease: AnyLease, now: number): readonly [...Element[], Element] {
  const protocol = PROTOCOL_NUMBER[lease.protocol] << 24;
  // The kernel takes 0 for "no timeout of its own": a lease that is due ends at once instead.
  const timeout = Math.max(1, lease.expiresAt - now);
  // Each field of a concatenation begins at a multiple of four.
  if ('address' in lease) {
    const words = [0, 8, 16, 24].map((at) => parseInt(lease.address.slice(at, at + 8), 16) | 0);
    return [{ set: 'pinholes', key: [protocol, ...words, lease.port << 16], data: null, timeout }];
  }
  const [address, internal, external] = [lease.internalAddress | 0, lease.internalPort << 16, lease.externalPort << 16];
  return [
    { set: 'in', key: [protocol, external], data: [address, internal], timeout },
    { set: 'out', key: [protocol, address, internal], data: [external], timeout },
    { set: 'live', key: [protocol, address, internal, external], data: null, timeout },
  ];
}

/** Write one transaction: first the removals, then the additions. Only the last message of them is acknowledged. */
export function writeTransaction(
  writer: MessageWriter,
  ruleset: Ruleset,
  removed: readonly Element[],
  added: readonly Element[],
): void {
  writer.begin(NFNL_MSG_BATCH_BEGIN, NLM_F.REQUEST, 0, NFNL_SUBSYS_NFTABLES);
  const groups = [...grouped(NFT_MSG.DELSETELEM, removed), ...grouped(NFT_MSG.NEWSETELEM, added)];
  groups.forEach(({ type, set, elements }, index) => {
    const create = type === NFT_MSG.NEWSETELEM ? NLM_F.CREATE : 0;
    const acknowledge = index === groups.length - 1 ? NLM_F.ACK : 0;
    beginMessage(writer, type, create | acknowledge, ruleset, set);
    writeElements(writer, elements, type === NFT_MSG.NEWSETELEM);
  });
  writer.begin(NFNL_MSG_BATCH_END, NLM_F.REQUEST, 0, NFNL_SUBSYS_NFTABLES);
}

/** Ask for all elements of a set; without one, for all rules of the table. */
export function writeDump(writer: MessageWriter, ruleset: Ruleset, set?: SetName): void {
  beginMessage(writer, set === undefined ? NFT_MSG.GETRULE : NFT_MSG.GETSETELEM, NLM_F.DUMP, ruleset, set);
}

/** Ask for elements by their keys, in a message each. */
export function writeGet(writer: MessageWriter, ruleset: Ruleset, wanted: readonly Element[]): void {
  for (const element of wanted) {
    beginMessage(writer, NFT_MSG.GETSETELEM, 0, ruleset, element.set);
    writeElements(writer, [element], false);
  }
}

/** The counter of the element in the answer to `writeGet`; null if there is none, as in an error. */
export function counterIn({ type, payload }: Message): Traffic | null {
  if (type !== NFT_MSG.NEWSETELEM) return null;
  const at = valueAtPath(payload, SET_ELEM_LIST.ELEMENTS, LIST_ELEM, SET_ELEM.EXPR, EXPR_DATA);
  if (at < 0) return null;
  const end = valueEnd(payload, at);
  const [packets, bytes] = [valueAt(payload, at, end, COUNTER.PACKETS), valueAt(payload, at, end, COUNTER.BYTES)];
  return packets < 0 || bytes < 0 ? null : { packets: number64(payload, packets), bytes: number64(payload, bytes) };
}

export function writeGetGeneration(writer: MessageWriter): void {
  writer.begin(NFT_MSG.GETGEN, NLM_F.REQUEST, 0, 0);
}

/** The generation in the answer to GETGEN (NFTA_GEN_ID); null in any other message. */
export function generationIn({ type, payload }: Message): number | null {
  const at = type === NFT_MSG.NEWGEN ? valueAt(payload, NFGEN_BYTES, payload.length, 1) : -1;
  return at < 0 || valueEnd(payload, at) - at < 4 ? null : uint32(payload, at);
}

/** Visit the elements in one message of a dump. Total: skips what does not fit. */
export function eachElement({ payload }: Message, set: SetName, visit: (element: HeldElement) => void): void {
  const list = valueAt(payload, NFGEN_BYTES, payload.length, SET_ELEM_LIST.ELEMENTS);
  if (list < 0) return;
  const listEnd = valueEnd(payload, list);
  for (let at = valueAt(payload, list, listEnd, LIST_ELEM); at >= 0; at = valueAt(payload, at, listEnd, LIST_ELEM)) {
    const end = valueEnd(payload, at);
    const key = valueIn(payload, at, end, SET_ELEM.KEY);
    if (key >= 0) visit(heldElement(payload, set, key, valueIn(payload, at, end, SET_ELEM.DATA), at, end));
    at = align(end);
  }
}

/** Numbers instead of views of the message, which in a long dump would cost more than all the rest of a start. */
function heldElement(payload: Buffer, set: SetName, key: number, data: number, from: number, end: number): HeldElement {
  const remaining = milliseconds(payload, valueAt(payload, from, end, SET_ELEM.EXPIRATION));
  const timeout = () => milliseconds(payload, valueAt(payload, from, end, SET_ELEM.TIMEOUT));
  const copy = (): Element => ({ set, key: wordsAt(payload, key), data: null, timeout: timeout() });
  const dataBytes = data < 0 ? 0 : valueEnd(payload, data) - data;
  if (set === 'pinholes' || valueEnd(payload, key) - key !== KEY_BYTES[set] || dataBytes < DATA_BYTES[set]) {
    return { set, externalKey: -1, internalAddress: 0, internalPort: 0, remaining, copy };
  }
  const inside = set === 'in' ? data : key + 4;
  const outside = set === 'in' ? key + 4 : set === 'out' ? data : key + 12;
  return {
    set,
    externalKey: (payload[key]! << 16) | uint16(payload, outside),
    internalAddress: uint32(payload, inside),
    internalPort: uint16(payload, inside + 4),
    remaining,
    copy,
  };
}

/** The ends of our names (cli/host/ruleset-text.ts): another gateway in the same table may be called NATPMP-2. */
export const NAME_ENDS =
  /^(-(in|out|live|stale|stale6|pinholes|askers|inside|input|requests|admitted|output|inbound|postrouting|outbound|mark|forward|astray|started|related|ended|requests6|forward6|live6|related6|ended6|arriving|asked|asked6|tracked|tracked6|answers))?$/;

/** Whether a message is about our ruleset: our table, and our set or chain if it names one (a chain's has a handle). */
export function isAbout({ table, chain }: Ruleset, { type, payload }: Message): boolean {
  const [inTable, name = ''] = [SET_ELEM_LIST.TABLE, SET_ELEM_LIST.SET].map((which) => {
    const at = valueAt(payload, NFGEN_BYTES, payload.length, which);
    return at < 0 ? '' : payload.toString('latin1', at, valueEnd(payload, at)).replace(/\0.*$/s, '');
  });
  if (type >> 8 !== NFNL_SUBSYS_NFTABLES || payload[0] !== NFPROTO.INET || inTable !== table) return false;
  return name === '' || (name.startsWith(chain) && NAME_ENDS.test(name.slice(chain.length)));
}

function* grouped(type: number, elements: readonly Element[]) {
  for (const set of [...SETS, 'pinholes' as const, 'stale' as const, 'stale6' as const]) {
    const ofSet = elements.filter((element) => element.set === set);
    for (const part of inParts(ofSet, ELEMENTS_PER_MESSAGE)) yield { type, set, elements: part };
  }
}

/** NFTA_RULE_TABLE is 1, like the table's name in all messages here. */
function beginMessage(writer: MessageWriter, type: number, flags: number, to: Ruleset, set?: SetName): void {
  writer.begin(type, NLM_F.REQUEST | flags, NFPROTO.INET, 0);
  writer.text(SET_ELEM_LIST.TABLE, to.table);
  if (set !== undefined) writer.text(SET_ELEM_LIST.SET, `${to.chain}-${set}`);
}

function writeElements(writer: MessageWriter, elements: readonly Element[], adds: boolean): void {
  writer.nested(SET_ELEM_LIST.ELEMENTS, () => {
    for (const element of elements) writer.nested(LIST_ELEM, () => writeElement(writer, element, adds));
  });
}

function writeElement(writer: MessageWriter, { set, key, data, timeout }: Element, adds: boolean): void {
  writer.nested(SET_ELEM.KEY, () => writer.words(DATA_VALUE, key));
  if (!adds) return;
  if (data !== null) writer.nested(SET_ELEM.DATA, () => writer.words(DATA_VALUE, data, DATA_BYTES[set]));
  if (timeout === Infinity) return;
  const milliseconds64 = [timeout / 2 ** 32, timeout]; // cut to 32 bits each
  writer.words(SET_ELEM.TIMEOUT, milliseconds64);
  // Without it, a renewal for as long as before changes nothing: the kernel compares the timeouts, and finds them equal.
  writer.words(SET_ELEM.EXPIRATION, milliseconds64);
}

/** The offset of the value inside a key or data attribute; -1 if there is none. */
function valueIn(payload: Buffer, from: number, end: number, type: number): number {
  const at = valueAt(payload, from, end, type);
  return at < 0 ? -1 : valueAt(payload, at, valueEnd(payload, at), DATA_VALUE);
}

function wordsAt(payload: Buffer, at: number): readonly number[] {
  return Array.from({ length: (valueEnd(payload, at) - at) >> 2 }, (_, index) => uint32(payload, at + 4 * index) | 0);
}

/** A 64 bit number of milliseconds; `Infinity` if there is none. */
function milliseconds(payload: Buffer, at: number): number {
  return at < 0 || valueEnd(payload, at) - at < 8 ? Infinity : number64(payload, at);
}

function number64(payload: Buffer, at: number): number {
  return uint32(payload, at) * 2 ** 32 + uint32(payload, at + 4);
}

// In network order, like all that nf_tables carries; the caller has checked that they are there.
function uint32(payload: Buffer, at: number): number {
  return ((payload[at]! << 24) | (payload[at + 1]! << 16) | (payload[at + 2]! << 8) | payload[at + 3]!) >>> 0;
}

function uint16(payload: Buffer, at: number): number {
  return (payload[at]! << 8) | payload[at + 1]!;
}
