// Loaded into a daemon before its own code (`node --import`, see launcher.ts), and, for the clock, into natpmpctl: lets
// the calls of node:fs fail as rules.json says, and moves the clocks. The daemon's code is the one that is shipped; it
// cannot tell this from a disk or a kernel that fails.

import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import { join } from 'node:path';
import type { Call, Rule, Rules } from './rules.js';
import { ERRNO, RULES_FILE, STRUCK_FILE } from './rules.js';

const folder = process.env['TORTURE_FOLDER'] ?? '';
const real = { ...fs };
const fdNames = (process.env['LISTEN_FDNAMES'] ?? '').split(':');
const FIRST_FD = 3;
const inherited = (name: string) => (fdNames.includes(name) ? FIRST_FD + fdNames.indexOf(name) : -1);
const FD = { requests: inherited('nftables'), events: inherited('nftables-events') };

const BATCH_BEGIN = 0x10;
const GET_SET_ELEMENTS = 0x0a0d;
const NEW_SET_ELEMENTS = 0x0a0c;
const DUMP_INTERRUPTED = 0x10;
const ERROR = 2;
/** No wait of the test's is longer, in milliseconds: the launcher would take this process for frozen. */
const LONGEST_WAIT_MS = 6000;

function rules(): Rules {
  return JSON.parse(real.readFileSync(join(folder, RULES_FILE), 'utf8')) as Rules;
}

/** How many calls of each rule this process has seen. */
const calls = new Map<string, number>();

/** The rule that strikes this call, if any; noted as having struck. `never`: an answer that this call cannot get. */
function struckBy(call: Call, never?: string): Rule['does'] | null {
  for (const rule of rules().rules) {
    if (rule.call !== call || rule.spares === process.pid) continue;
    if (rule.does.kind === 'answer' && rule.does.code === never) continue;
    const seen = (calls.get(rule.id) ?? 0) + 1;
    calls.set(rule.id, seen);
    if (seen <= (rule.after ?? 0) || timesStruck(rule.id) >= (rule.times ?? Infinity)) continue;
    real.appendFileSync(join(folder, STRUCK_FILE), `${rule.id}\n`);
    if (rule.does.kind === 'wait') waitFor(rule.id);
    return rule.does;
  }
  return null;
}

function timesStruck(id: string): number {
  return real
    .readFileSync(join(folder, STRUCK_FILE), 'utf8')
    .split('\n')
    .filter((line) => line === id).length;
}

function waitFor(id: string): void {
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  for (let waited = 0; waited < LONGEST_WAIT_MS && rules().rules.some((rule) => rule.id === id); waited += 5)
    Atomics.wait(sleeper, 0, 0, 5);
}

function failWith(code: string, syscall: string): never {
  throw Object.assign(new Error(`${code}: injected, ${syscall}`), { code, errno: -(ERRNO[code] ?? 0), syscall });
}

/** For calls that can only fail. */
function failWhereTold(call: Call, syscall: string): void {
  const does = struckBy(call);
  if (does?.kind === 'fail') failWith(does.code, syscall);
}

const journals = new Set<number>();
const isJournal = (path: unknown) => String(path).includes('leases.journal');

fs.openSync = ((path: fs.PathLike, ...rest: [fs.OpenMode, fs.Mode?]) => {
  if (isJournal(path)) failWhereTold('journal-open', 'open');
  const fd = real.openSync(path, ...rest);
  if (isJournal(path)) journals.add(fd);
  return fd;
}) as typeof fs.openSync;
fs.closeSync = (fd) => {
  journals.delete(fd);
  real.closeSync(fd);
};
fs.readFileSync = ((path: fs.PathOrFileDescriptor, options?: BufferEncoding) => {
  if (isJournal(path)) failWhereTold('journal-read', 'read');
  return real.readFileSync(path, options);
}) as typeof fs.readFileSync;
fs.renameSync = (from, to) => {
  if (isJournal(from)) failWhereTold('journal-rename', 'rename');
  real.renameSync(from, to);
};
fs.fdatasyncSync = (fd) => {
  if (journals.has(fd)) failWhereTold('journal-sync', 'fdatasync');
  real.fdatasyncSync(fd);
};
fs.fsyncSync = (fd) => {
  failWhereTold('folder-sync', 'fsync');
  real.fsyncSync(fd);
};

/**
 * Whether a transaction has one message between its begin and its end. So the helper removes one element after the
 * other once the kernel has said that it lacks one of them; a kernel does not say so of an element that it holds.
 */
function isOneMessage(batch: Buffer): boolean {
  let count = 0;
  for (let at = 0; at < batch.length; at += batch.readUInt32LE(at)) count++;
  return count === 3;
}

/** What the kernel is made to answer instead of what it would. */
const answers: Buffer[] = [];

fs.writeSync = ((fd: number, data: Uint8Array | string, ...rest: number[]) => {
  const write = () => (real.writeSync as (...args: unknown[]) => number)(fd, data, ...rest);
  if (typeof data === 'string') return write();
  if (journals.has(fd)) {
    const does = struckBy('journal-write');
    if (does?.kind === 'fail') failWith(does.code, 'write');
    return does?.kind === 'short'
      ? real.writeSync(fd, data, rest[0] ?? 0, Math.min(does.bytes, data.length - (rest[0] ?? 0)))
      : write();
  }
  if (fd !== FD.requests) return write();
  const messages = Buffer.from(data.buffer, data.byteOffset, data.length);
  const type = messages.readUInt16LE(4);
  const does =
    type === BATCH_BEGIN
      ? struckBy('transaction', isOneMessage(messages) ? 'ENOENT' : undefined)
      : type === GET_SET_ELEMENTS
        ? struckBy('dump')
        : null;
  if (does?.kind === 'fail') failWith(does.code, 'write');
  if (does?.kind !== 'answer') return write();
  // A batch is blamed on the first message inside it.
  const at = type === BATCH_BEGIN ? messages.readUInt32LE(0) : 0;
  answers.push(refusal(messages.readUInt32LE(at + 8), ERRNO[does.code] ?? 0));
  return data.length;
}) as typeof fs.writeSync;

fs.readSync = ((fd: number, buffer: Buffer, ...rest: unknown[]) => {
  const answer = fd === FD.requests ? answers.shift() : undefined;
  if (answer !== undefined) return answer.copy(buffer);
  const does = fd === FD.requests ? struckBy('reply') : fd === FD.events ? struckBy('event') : null;
  const length = (real.readSync as (...args: unknown[]) => number)(fd, buffer, ...rest);
  // The kernel had no room for what was just taken away.
  if (does?.kind === 'fail') failWith(does.code, 'read');
  if (does?.kind === 'interrupt' && buffer.readUInt16LE(4) === NEW_SET_ELEMENTS)
    buffer.writeUInt16LE(buffer.readUInt16LE(6) | DUMP_INTERRUPTED, 6);
  return length;
}) as typeof fs.readSync;

function refusal(sequence: number, errno: number): Buffer {
  const message = Buffer.alloc(36);
  message.writeUInt32LE(message.length, 0);
  message.writeUInt16LE(ERROR, 4);
  message.writeUInt32LE(sequence, 8);
  message.writeInt32LE(-errno, 16);
  return message;
}

const realWall = Date.now;
Date.now = () => realWall() + rules().wallMs;
const { bootMs } = rules();
const { hrtime } = process;
const { uptime } = os;
os.uptime = () => uptime() + bootMs / 1000;
process.hrtime = Object.assign(
  (since?: [number, number]) => {
    const [seconds, nanoseconds] = hrtime(since);
    return [seconds + (since === undefined ? bootMs / 1000 : 0), nanoseconds] as [number, number];
  },
  { bigint: () => hrtime.bigint() + BigInt(bootMs) * 1_000_000n },
);
syncBuiltinESMExports();
