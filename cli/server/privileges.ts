// What the launcher gives up once everything is open. It keeps what it needs to start a daemon again: it reads nothing
// that comes from the network, but what it starts should not have more to lose than that.

import { errorName, libc } from '../host/libc.js';
import { CAPABILITY } from '../host/programs.js';

const PR_CAPBSET_DROP = 24;
/** Above the last capability there is (40 in Linux 6.x): prctl says EINVAL to the rest. */
const CAPABILITIES = 64;
const LINUX_CAPABILITY_VERSION_3 = 0x20080522;

/** Give up every capability that is not in CAPABILITY, here and for every program started from now on. */
export function dropUnneededCapabilities(effective: bigint): void {
  const kept = new Set<number>(Object.values(CAPABILITY));
  for (let capability = 0; capability < CAPABILITIES; capability++) {
    if (!kept.has(capability)) libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  }
  const bits = [...kept].reduce((set, capability) => set | (1n << BigInt(capability)), 0n) & effective;
  const low = Number(bits & 0xffff_ffffn);
  const high = Number(bits >> 32n);
  // Of this thread, from which all children are started; Node's other threads run nothing that came from outside.
  const sets = Uint32Array.of(low, low, 0, high, high, 0);
  const header = Uint32Array.of(LINUX_CAPABILITY_VERSION_3, 0);
  if (libc.capset(new Uint8Array(header.buffer), new Uint8Array(sets.buffer)) !== 0)
    throw new Error(`capset: ${errorName()}`);
}
