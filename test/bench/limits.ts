// What this machine can do at all: the two things that every change waits for, measured in the same run.

import { closeSync, fdatasyncSync, openSync, readSync, statfsSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { elementsOf, writeTransaction } from '../../helper/elements.js';
import { NftKernel } from '../../helper/kernel.js';
import { MessageWriter } from '../../helper/netlink.js';
import { netlinkSocket } from '../../helper/netlink-socket.js';
import { ruleset } from '../../helper/ruleset.js';
import type { Lease } from '../../proto/mapping.js';
import { makeNetns } from '../support/netns.js';
import { monotonicMs } from './load-protocol.js';
import { FIRST_HOST, OPCODE, wish } from './mappings.js';
import { percentile } from './statistics.js';

/** Microseconds. */
export interface Limit {
  readonly what: string;
  readonly p50: number;
  readonly p99: number;
}

/** As long as a journal's frame of one lease. */
const RECORD_BYTES = 64;
const TABLE = 'bench';
const NETLINK_NETFILTER = 12;
const NFTABLES_GROUP = 64;

export async function measureLimits(folder: string, held: number, samples: number): Promise<Limit[]> {
  const path = join(folder, 'append');
  const file = openSync(path, 'a', 0o600);
  const record = Buffer.alloc(RECORD_BYTES, 0xa5);
  const append = timed(`append of ${RECORD_BYTES} bytes and fdatasync`, samples, () => {
    writeSync(file, record);
    fdatasyncSync(file);
  });
  closeSync(file);
  unlinkSync(path);
  return [append, ...(await measureTransactions(held, samples))];
}

/** One lease set anew in a set of `held` others: the bare system calls, and all that the helper does for it (with JIT). */
async function measureTransactions(held: number, samples: number): Promise<Limit[]> {
  const netns = await makeNetns();
  const config = { table: TABLE, chain: 'BENCH', externalInterface: 'wan0', listenInterfaces: ['br-lan'], listenPort: 5351, lans: [], hairpin: false };
  netns.run('nft', ['-f', '-'], ruleset(config));
  const fd = netns.openNetlink(NETLINK_NETFILTER, 0);
  const socket = netlinkSocket(fd);
  const kernel = new NftKernel(TABLE, socket, netlinkSocket(netns.openNetlink(NETLINK_NETFILTER, NFTABLES_GROUP)));
  kernel.repair(Array.from({ length: held + 1 }, (_, number) => leaseOf(number)), () => 0);

  const writer = new MessageWriter(4096);
  writeTransaction(writer, TABLE, [], elementsOf(leaseOf(0), 0), 1);
  const bytes = writer.bytes();
  const answer = Buffer.alloc(65536);
  const bare = timed(`element transaction, bare, ${held} held`, samples, () => {
    writeSync(fd, bytes);
    readSync(fd, answer);
  });
  const whole = timed(`element transaction as the helper makes it, ${held} held`, samples, () => {
    const lease = leaseOf(0);
    kernel.apply([{ before: lease, after: lease }, { before: lease, after: { ...lease } }], 0);
  });
  return [bare, whole];
}

function leaseOf(number: number): Lease {
  const { host, opcode, port } = wish(number);
  return {
    protocol: opcode === OPCODE.udp ? 'udp' : 'tcp', internalAddress: FIRST_HOST + host, internalPort: port, externalPort: port,
    origin: 'dynamic', lifetime: 3600, expiresAt: 3_600_000,
  };
}

function timed(what: string, samples: number, action: () => void): Limit {
  for (let warm = 0; warm < 100; warm++) action();
  const times = new Float64Array(samples);
  for (let at = 0; at < samples; at++) {
    const start = monotonicMs();
    action();
    times[at] = (monotonicMs() - start) * 1000;
  }
  times.sort();
  return { what, p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
}

/** Names of file systems by their magic numbers (statfs(2)): an fdatasync is worth what its file system makes of it. */
const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  0xef53: 'ext4', 0x01021994: 'tmpfs', 0x58465342: 'xfs', 0x9123683e: 'btrfs', 0x794c7630: 'overlay', 0x2fc12fc1: 'zfs',
};

export function fileSystemOf(folder: string): string {
  const { type } = statfsSync(folder);
  return FILE_SYSTEMS[type] ?? `0x${type.toString(16)}`;
}
