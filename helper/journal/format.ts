// The journal's bytes, written and read. Reading is total and pure: it throws nothing, whatever the file holds. A file
// is the magic and then frames; a frame is one group, whole or not at all:
//
//   bytes  0-3  FRAME_MARK
//          4-7  length of the group, in bytes
//          8-11 CRC-32 of the group
//         12-15 CRC-32 of bytes 0-11
//         16-   the group: helper/journal/journal.proto
//
// Numbers are little endian. The header has a check of its own so that a damaged length is not taken for a torn tail.

import type { AnyLease, Change, Clock, HeldPinhole, Replayed } from '../types.js';
import type { Lease } from '../../proto/lease.js';
import { crc32 } from 'node:zlib';
import { attempt } from '../../proto/codec.js';
import { externalKey, isPort, PROTOCOL_NUMBER, protocolOf } from '../../proto/mapping.js';
import { hexOf } from '../../proto/ipv6.js';
import { leaseKey } from '../leases.js';
import { natpmp } from './generated/journal.js';

const { Group } = natpmp.helper.journal.v1;

/** The start of every journal, or of one that may hold pinholes: a release without them refuses it. */
export const MAGIC = Buffer.from('natpmp-1', 'latin1');
export const MAGIC_PINHOLES = Buffer.from('natpmp-2', 'latin1');
const FRAME_MARK = Buffer.from('\xf5NPG', 'latin1');
const HEADER_BYTES = 16;

/** One frame with the net changes, and the clock if there is one. `now`: milliseconds of CLOCK_BOOTTIME. */
export function encodeFrame(changes: readonly Change[], clock: Clock | null, now: number): Buffer {
  const put = [];
  const remove = [];
  const putPinhole = [];
  const removePinhole = [];
  for (const { before, after } of changes) {
    if (after !== undefined && 'address' in after) putPinhole.push(pinholeFields(after));
    else if (after !== undefined) put.push(leaseFields(after));
    else if (before !== undefined && 'address' in before) {
      const { protocol, address, port } = before;
      removePinhole.push({ protocol: PROTOCOL_NUMBER[protocol], address: Buffer.from(address, 'hex'), port });
    } else if (before !== undefined) remove.push(externalKey(before.protocol, before.externalPort));
  }
  const group = Group.encode({ put, remove, clock, writtenAtMs: now, putPinhole, removePinhole }).finish();

  const frame = Buffer.alloc(HEADER_BYTES + group.length);
  FRAME_MARK.copy(frame);
  frame.writeUInt32LE(group.length, 4);
  frame.writeUInt32LE(crc32(group), 8);
  frame.writeUInt32LE(crc32(frame.subarray(0, 12)), 12);
  frame.set(group, HEADER_BYTES);
  return frame;
}

/** The result of the groups read so far. */
interface State {
  readonly leases: Map<number | string, AnyLease>;
  clock: Clock | null;
  writtenAtMs: number;
}

/** Read a whole journal. Only an unfinished last frame is forgiven: everything else that does not fit is damage. */
export function replay(file: Buffer): Replayed {
  if (file.length === 0) return { kind: 'empty' };
  const magic = file.subarray(0, MAGIC.length);
  if (!magic.equals(MAGIC) && !magic.equals(MAGIC_PINHOLES)) return { kind: 'damaged', at: 0 };
  const state: State = { leases: new Map(), clock: null, writtenAtMs: 0 };
  let at = MAGIC.length;
  while (at < file.length) {
    const end = frameEnd(file, at);
    if (end === 'torn') break;
    if (end === 'damaged' || !applyGroup(file.subarray(at + HEADER_BYTES, end), state)) return { kind: 'damaged', at };
    at = end;
  }
  const { clock, writtenAtMs } = state;
  if (clock === null) return { kind: 'damaged', at };
  return { kind: 'intact', clock, writtenAtMs, leases: [...state.leases.values()], tornBytes: file.length - at };
}

/** The end of the frame at `at`, if it is whole and sound. */
function frameEnd(file: Buffer, at: number): number | 'torn' | 'damaged' {
  const header = file.subarray(at, at + HEADER_BYTES);
  if (header.length < HEADER_BYTES) return 'torn';
  // A file system may have given the file its new length before its data: zeros to the end were never acknowledged.
  if (!isHeader(header)) return file.subarray(at).every((byte) => byte === 0) ? 'torn' : 'damaged';
  const end = at + HEADER_BYTES + header.readUInt32LE(4);
  if (end > file.length) return 'torn';
  return crc32(file.subarray(at + HEADER_BYTES, end)) === header.readUInt32LE(8) ? end : 'damaged';
}

function isHeader(header: Buffer): boolean {
  return header.subarray(0, 4).equals(FRAME_MARK) && crc32(header.subarray(0, 12)) === header.readUInt32LE(12);
}

/** Apply one group; false if it is none, or if no clock has come yet: then the times mean nothing. */
function applyGroup(bytes: Buffer, state: State): boolean {
  const group = attempt(() => Group.decode(bytes));
  if (group === null) return false;
  const ended = group.removePinhole.map(pinholeOf);
  const granted = [...group.put.map(leaseOf), ...group.putPinhole.map(pinholeOf)];
  for (const key of group.remove) state.leases.delete(key);
  for (const pinhole of ended) if (pinhole !== null) state.leases.delete(leaseKey(pinhole));
  for (const lease of granted) if (lease !== null) state.leases.set(leaseKey(lease), lease);
  if (ended.includes(null) || granted.includes(null)) return false;
  state.writtenAtMs = Number(group.writtenAtMs);
  if (group.clock) {
    const { bootId, wallOffsetMs, epochStartMs, agedAtMs } = group.clock;
    state.clock = {
      bootId: bootId ?? '',
      wallOffsetMs: Number(wallOffsetMs ?? 0),
      epochStartMs: Number(epochStartMs ?? 0),
      agedAtMs: Number(agedAtMs ?? 0),
    };
  }
  return state.clock !== null;
}

function leaseFields(lease: Lease): natpmp.helper.journal.v1.Lease.$Properties {
  return {
    key: externalKey(lease.protocol, lease.externalPort),
    internalAddress: lease.internalAddress,
    internalPort: lease.internalPort,
    lifetimeSeconds: lease.lifetime,
    expiresAtMs: lease.origin === 'static' ? 0 : lease.expiresAt,
    tool: lease.tool ?? 0,
  };
}

function leaseOf(fields: natpmp.helper.journal.v1.Lease.$Properties): Lease | null {
  const key = fields.key ?? 0;
  const protocol = protocolOf(key >>> 16);
  const externalPort = key & 0xffff;
  const internalPort = fields.internalPort ?? 0;
  const lifetime = fields.lifetimeSeconds ?? 0;
  if (protocol === null || !isPort(externalPort) || !isPort(internalPort)) return null;
  const origin = lifetime === 0 ? 'static' : 'dynamic';
  const expiresAt = origin === 'static' ? Infinity : Number(fields.expiresAtMs ?? 0);
  const lease: Lease = {
    protocol,
    internalAddress: fields.internalAddress ?? 0,
    internalPort,
    externalPort,
    origin,
    lifetime,
    expiresAt,
  };
  return fields.tool ? { ...lease, tool: fields.tool } : lease;
}

function pinholeFields(pinhole: HeldPinhole): natpmp.helper.journal.v1.Pinhole.$Properties {
  return {
    protocol: PROTOCOL_NUMBER[pinhole.protocol],
    address: Buffer.from(pinhole.address, 'hex'),
    port: pinhole.port,
    lifetimeSeconds: pinhole.lifetime,
    expiresAtMs: pinhole.origin === 'static' ? 0 : pinhole.expiresAt,
    nonce: Buffer.from(pinhole.nonce, 'hex'),
    hardwareAddress: pinhole.hardwareAddress,
  };
}

function pinholeOf(fields: natpmp.helper.journal.v1.Pinhole.$Properties): HeldPinhole | null {
  const protocol = protocolOf(fields.protocol ?? 0);
  const [address, nonce] = [hexOf(fields.address), hexOf(fields.nonce)];
  const [port, lifetime] = [fields.port ?? 0, fields.lifetimeSeconds ?? 0];
  if (protocol === null || address.length !== 32 || !isPort(port)) return null;
  const origin = lifetime === 0 ? 'static' : 'dynamic';
  const expiresAt = origin === 'static' ? Infinity : Number(fields.expiresAtMs ?? 0);
  const hardwareAddress = Number(fields.hardwareAddress ?? 0);
  return { protocol, address, port, origin, lifetime, expiresAt, hardwareAddress, nonce };
}
