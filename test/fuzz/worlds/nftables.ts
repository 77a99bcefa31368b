// As much of nf_tables as NftKernel talks to: three sets, transactions, dumps, generations. It answers like the kernel,
// or as a script of single letters to be misunderstood says.

import { NFT_MSG, SETS } from '../../../helper/nft/elements.js';
import type { Message, NetlinkSocket } from '../../../helper/types.js';
import { messages, NLM_F } from '../../../helper/nft/netlink.js';
import { attribute, attributes, find, nfAttributes } from '../../support/netlink.js';
import { NAMES } from '../../lab/ruleset.js';
import { must, type Reader } from '../target.js';

const OWN_PORT = 7;
const ENOENT = 2;
/** Ways of the script to spoil an answer that are not lies. */
const INTERRUPTED = 6;
const AS_IT_IS = 9;
/** No call of the helper writes this often, whatever it is told. */
const MAX_WRITES = 400;
/** NFTA_RULE_TABLE and NFTA_RULE_CHAIN. */
const A_RULE = Buffer.concat([
  attribute(1, Buffer.from(`${NAMES.table}\0`)),
  attribute(2, Buffer.from(`${NAMES.chain}\0`)),
]);

export class Nftables implements NetlinkSocket {
  readonly sets = new Map(SETS.map((set) => [set as string, new Map<string, Buffer>()]));
  /** How answers are spoiled; null, or at its end: not at all. */
  script: Reader | null = null;
  /** Numbers of messages that an acknowledgement was read for. */
  readonly acknowledged = new Set<number>();
  /** Since the script began, nothing was said that is not true, though perhaps of a moment that had passed. */
  isHonest = true;
  /** As Linux does since 6.12; before, an element that is there already is left as it is. */
  updatesTimeouts = true;
  generation = 1;
  writes = 0;
  #queue: Buffer[] = [];

  write(octets: Uint8Array): void {
    const data = Buffer.from(octets);
    must(++this.writes < MAX_WRITES, 'the helper does not talk to the kernel without end');
    const asked = [...messages(data)];
    const answers = asked.length > 1 ? this.#transact(asked) : this.#answer(asked[0] as Message);
    for (const answer of answers) this.#queue.push(...this.#spoil(answer));
  }

  read(): Buffer | null {
    const data = this.#queue.shift() ?? null;
    if (data?.length === 1) throw new Error('ENOBUFS');
    for (const message of messages(data ?? Buffer.alloc(0))) {
      if (message.type === 2 && message.payload.length >= 4 && message.payload.readInt32LE(0) === 0)
        this.acknowledged.add(message.sequence);
    }
    return data;
  }

  #transact(asked: readonly Message[]): readonly Buffer[] {
    const changed = new Map([...this.sets].map(([name, set]) => [name, new Map(set)]));
    for (const message of asked.slice(1, -1)) {
      const set = changed.get(setIn(message));
      if (set === undefined) return [reply(2, 0, message.sequence, errno(ENOENT))];
      for (const [, element] of attributes(find(nfAttributes(message), 3))) {
        const key = keyOf(element);
        if (message.type === NFT_MSG.NEWSETELEM && !this.updatesTimeouts && set.has(key)) continue;
        if (message.type === NFT_MSG.NEWSETELEM)
          set.set(key, Buffer.from(element)); // what was written is written over by the next message
        else if (!set.delete(key)) return [reply(2, 0, message.sequence, errno(ENOENT))];
      }
    }
    for (const [name, set] of changed) this.sets.set(name, set);
    this.generation++;
    return asked
      .filter(({ flags }) => (flags & NLM_F.ACK) !== 0)
      .map(({ sequence }) => reply(2, 0, sequence, errno(0)));
  }

  #answer(message: Message): readonly Buffer[] {
    const { type, sequence } = message;
    const done = reply(3, NLM_F.MULTI, sequence, errno(0));
    switch (type) {
      case NFT_MSG.GETGEN: {
        const id = Buffer.alloc(8);
        id.writeUInt16LE(8, 0);
        id.writeUInt16LE(1, 2);
        id.writeUInt32BE(this.generation, 4);
        return [reply(NFT_MSG.NEWGEN, 0, sequence, Buffer.concat([Buffer.alloc(4), id]))];
      }
      case NFT_MSG.GETRULE:
        return [
          reply(NFT_MSG.NEWRULE, NLM_F.MULTI, sequence, Buffer.concat([Buffer.from([1, 0, 0, 0]), A_RULE])),
          done,
        ];
      case NFT_MSG.GETSETELEM:
        if ((message.flags & NLM_F.DUMP) === 0) return [this.#one(message)];
        return [
          reply(
            NFT_MSG.NEWSETELEM,
            NLM_F.MULTI,
            sequence,
            listing([...(this.sets.get(setIn(message))?.values() ?? [])]),
          ),
          done,
        ];
      default: // conntrack: nothing to forget
        return [reply(2, 0, sequence, errno(ENOENT))];
    }
  }

  /** The one element that is asked for by its key. */
  #one(message: Message): Buffer {
    const [[, wanted] = [0, Buffer.alloc(0)]] = [...attributes(find(nfAttributes(message), 3))];
    const held = this.sets.get(setIn(message))?.get(keyOf(wanted));
    return held === undefined
      ? reply(2, 0, message.sequence, errno(ENOENT))
      : reply(NFT_MSG.NEWSETELEM, 0, message.sequence, listing([held]));
  }

  #spoil(answer: Buffer): readonly Buffer[] {
    const { script } = this;
    if (script === null || script.isDone) return [answer];
    const bad = Buffer.from(answer);
    const kind = script.u8() % 10;
    if (kind !== INTERRUPTED && kind !== AS_IT_IS) this.isHonest = false;
    switch (kind) {
      case 0:
        return [];
      case 1:
        return [reply(2, 0, answer.readUInt32LE(8), errno(script.u8()))];
      case 2:
        return [Buffer.from(script.bytes(script.u8()))].filter(({ length }) => length !== 1);
      case 3:
        return [answer.subarray(0, Math.max(2, script.u8()))];
      case 4:
        bad.writeUInt32LE(script.u32(), 8);
        return [bad];
      case 5:
        bad[script.u16() % bad.length] = script.u8();
        return [bad];
      case INTERRUPTED:
        return [
          answer.readUInt16LE(4) === NFT_MSG.NEWSETELEM
            ? reply(NFT_MSG.NEWSETELEM, NLM_F.MULTI | NLM_F.DUMP_INTR, answer.readUInt32LE(8), listing([]))
            : answer,
        ];
      case 7:
        return [Buffer.alloc(1)]; // read() throws
      case 8:
        return [answer, answer];
      default:
        return [answer];
    }
  }
}

/** The key of an element, as nf_tables tells elements apart. */
export function keyOf(element: Buffer): string {
  return find(attributes(find(attributes(element), 1)), 1).toString('hex');
}

/** The set that a message names, without the chain in front. */
function setIn(message: Message): string {
  const name = find(nfAttributes(message), 2).toString('latin1').replace(/\0.*$/s, '');
  return name.startsWith(`${NAMES.chain}-`) ? name.slice(NAMES.chain.length + 1) : '';
}

function errno(value: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeInt32LE(-value);
  return payload;
}

export function reply(type: number, flags: number, sequence: number, payload: Buffer): Buffer {
  const message = Buffer.alloc(16 + payload.length);
  message.writeUInt32LE(message.length, 0);
  message.writeUInt16LE(type, 4);
  message.writeUInt16LE(flags, 6);
  message.writeUInt32LE(sequence, 8);
  message.writeUInt32LE(OWN_PORT, 12);
  message.set(payload, 16);
  return message;
}

/** The payload of a dump's message with these elements. */
function listing(all: readonly Buffer[]): Buffer {
  return Buffer.concat([
    Buffer.from([2, 0, 0, 0]),
    attribute(0x8003, Buffer.concat(all.map((element) => attribute(1, element)))),
  ]);
}
