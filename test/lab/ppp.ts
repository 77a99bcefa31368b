// A point-to-point link as pppd makes it: an interface without hardware address at each end, which is there as long as
// the link. A TUN device at each end, and a program between them that carries the packets.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import koffi from 'koffi';
import { atEnd } from '../support/cases.js';
import type { Namespace } from '../support/network.js';

/** linux/if_tun.h. */
const TUNSETIFF = 0x400454ca;
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
/** struct ifreq: a name of 16 bytes, then the flags. */
const IFREQ_BYTES = 40;
const IFR_FLAGS = 16;
const ioctl = koffi.load(null).func('int ioctl(int fd, unsigned long request, void *argument)') as (
  fd: number,
  request: number,
  argument: Uint8Array,
) => number;

export interface PppEnd {
  readonly in: Namespace;
  readonly device: string;
  readonly address: string;
}

export class PppLink {
  readonly #carrier: ChildProcess;

  private constructor(carrier: ChildProcess) {
    this.#carrier = carrier;
  }

  /** Up, each end with its address and the other's as peer. No route is added but the one to the peer. */
  static async open(one: PppEnd, other: PppEnd): Promise<PppLink> {
    const ends = [openTun(one), openTun(other)];
    const carrier = spawn(process.execPath, [join(import.meta.dirname, 'ppp-carrier.js')], {
      stdio: ['ignore', 'inherit', 'inherit', ...ends],
    });
    for (const end of ends) closeSync(end);
    const link = new PppLink(carrier);
    atEnd(() => link.close());
    for (const [end, peer] of [
      [one, other],
      [other, one],
    ] as const) {
      const { device, address } = end;
      await end.in.ip(`addr add ${address} peer ${peer.address} dev ${device}`, `link set ${device} up`);
    }
    return link;
  }

  /** The line is cut: both devices are gone when this resolves. */
  async close(): Promise<void> {
    if (this.#carrier.exitCode !== null || this.#carrier.signalCode !== null) return;
    const ended = once(this.#carrier, 'exit');
    this.#carrier.kill('SIGKILL');
    await ended;
  }
}

/** A new TUN device, which is there as long as the descriptor is open. */
function openTun({ in: namespace, device }: PppEnd): number {
  return namespace.during(() => {
    const fd = openSync('/dev/net/tun', constants.O_RDWR);
    const request = Buffer.alloc(IFREQ_BYTES);
    request.write(device, 'latin1');
    request.writeUInt16LE(IFF_TUN | IFF_NO_PI, IFR_FLAGS);
    if (ioctl(fd, TUNSETIFF, request) !== 0) throw new Error(`TUNSETIFF ${device}: errno ${koffi.errno()}`);
    return fd;
  });
}
