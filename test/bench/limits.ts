// What this machine can do at all: the things that every change waits for, measured in turns with the gateways.

import { closeSync, fdatasyncSync, openSync, readSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { elementsOf, writeTransaction } from '../../helper/nft/elements.js';
import { NftKernel } from '../../helper/nft/kernel.js';
import { MessageWriter } from '../../helper/nft/netlink.js';
import { netlinkSocket } from '../../helper/nft/netlink-socket.js';
import { ruleset } from '../../cli/host/ruleset-text.js';
import type { Lease } from '../../proto/mapping.js';
import { makeNetns } from '../support/netns.js';
import { monotonicMs } from '../load/generator-protocol.js';
import { FIRST_HOST, OPCODE, wish } from '../load/mappings.js';
import { percentile, spread, type Spread } from '../load/statistics.js';

export interface Limit {
  readonly what: string;
  /**
   * For how many mappings at once this is what cannot be avoided, so that they are in the kernel and on disk; null:
   * part of it.
   */
  readonly width: number | null;
  /** Microseconds. */
  readonly p50: Spread;
  readonly p99: Spread;
}

interface Action {
  readonly what: string;
  readonly width: number | null;
  readonly act: () => void;
  readonly p50: number[];
  readonly p99: number[];
}

/** As long as a journal's frame of one lease. */
const RECORD_BYTES = 64;
const TABLE = 'bench';
const NETLINK_NETFILTER = 12;
const NFTABLES_GROUP = 64;

export class Limits {
  readonly #actions: readonly Action[];
  readonly #file: number;

  private constructor(file: number, actions: readonly Action[]) {
    this.#file = file;
    this.#actions = actions;
  }

  /** A file in this folder, and a ruleset of its own whose sets hold `held` mappings. */
  static async open(folder: string, held: number, widths: readonly number[]): Promise<Limits> {
    const file = openSync(join(folder, 'append'), 'a', 0o600);
    const append = (records: number) => {
      writeSync(file, Buffer.alloc(records * RECORD_BYTES, 0xa5));
      fdatasyncSync(file);
    };
    const { bare, whole } = await transactions(held);
    const part = (what: string, act: () => void): Action => ({ what, width: null, act, p50: [], p99: [] });
    return new Limits(file, [
      part(`append of ${RECORD_BYTES} bytes and fdatasync`, () => append(1)),
      part(`element transaction, bare, ${held} held`, bare(1)),
      part(`element transaction as the helper makes it, ${held} held`, whole),
      ...[...new Set([1, ...widths])].map((width): Action => {
        const transact = bare(width);
        const act = () => {
          transact();
          append(width);
        };
        return {
          what: `one transaction and one fdatasync for ${width} mapping${width === 1 ? '' : 's'}`,
          width,
          act,
          p50: [],
          p99: [],
        };
      }),
    ]);
  }

  /** Measure each, so many times. */
  measure(samples: number): void {
    for (const { act, p50, p99 } of this.#actions) {
      const times = timed(samples, act);
      p50.push(percentile(times, 0.5));
      p99.push(percentile(times, 0.99));
    }
  }

  figures(): Limit[] {
    return this.#actions.map(({ what, width, p50, p99 }) => ({ what, width, p50: spread(p50), p99: spread(p99) }));
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** Leases set again in sets of `held` others: the bare system calls, and the helper's whole work (with JIT). */
async function transactions(
  held: number,
): Promise<{ readonly bare: (width: number) => () => void; readonly whole: () => void }> {
  const netns = await makeNetns();
  const config = {
    table: TABLE,
    chain: 'BENCH',
    externalInterface: 'wan0',
    listenInterfaces: ['br-lan'],
    listenPort: 5351,
    externalAddress: null,
    isAddressHere: true,
    allowedPorts: [{ from: 1024, to: 65535 }],
    hairpin: false,
    looksIntoMaps: true,
    pinholes: null,
    upnp: false,
  };
  netns.run('nft', ['-f', '-'], ruleset(config));
  const fd = netns.openNetlink(NETLINK_NETFILTER, 0);
  const kernel = new NftKernel(
    config,
    netlinkSocket(fd),
    netlinkSocket(netns.openNetlink(NETLINK_NETFILTER, NFTABLES_GROUP)),
  );
  kernel.repair(
    Array.from({ length: held + 128 }, (_, number) => leaseOf(number)),
    () => 0,
  );
  const answer = Buffer.alloc(65536);
  return {
    bare: (width) => {
      const writer = new MessageWriter(512 * 1024);
      writeTransaction(
        writer,
        config,
        [],
        Array.from({ length: width }, (_, number) => elementsOf(leaseOf(number), 0)).flat(),
      );
      const bytes = writer.bytes();
      return () => {
        writeSync(fd, bytes);
        readSync(fd, answer);
      };
    },
    whole: () => {
      const lease = leaseOf(0);
      kernel.apply(
        [
          { before: lease, after: lease },
          { before: lease, after: { ...lease } },
        ],
        0,
      );
    },
  };
}

function leaseOf(number: number): Lease {
  const { host, opcode, port } = wish(number);
  return {
    protocol: opcode === OPCODE.udp ? 'udp' : 'tcp',
    internalAddress: FIRST_HOST + host,
    internalPort: port,
    externalPort: port,
    origin: 'dynamic',
    lifetime: 3600,
    expiresAt: 3_600_000,
  };
}

/** Microseconds, in ascending order. */
function timed(samples: number, action: () => void): Float64Array {
  for (let warm = 0; warm < samples / 10; warm++) action();
  const times = new Float64Array(samples);
  for (let at = 0; at < samples; at++) {
    const start = monotonicMs();
    action();
    times[at] = (monotonicMs() - start) * 1000;
  }
  return times.sort();
}

/** Names of file systems by their magic numbers (statfs(2)): an fdatasync is worth what its file system makes of it. */
const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  0xef53: 'ext4',
  0x01021994: 'tmpfs',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x794c7630: 'overlay',
  0x2fc12fc1: 'zfs',
};

export function fileSystemOf(folder: string): string {
  const { type } = statfsSync(folder);
  return FILE_SYSTEMS[type] ?? `0x${type.toString(16)}`;
}
