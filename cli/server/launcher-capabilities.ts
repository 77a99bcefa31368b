// Drops the capabilities that the launcher does not need any more. It keeps those that it needs to restart a daemon. It
// reads nothing from the network itself, but its child processes should not inherit more than necessary.

import { errorName, libc } from '../host/libc.js';
import { CAPABILITY } from '../host/programs.js';

const PR_CAPBSET_DROP = 24;
/** Above the last capability (40 in Linux 6.x): prctl returns EINVAL for the rest. */
const CAPABILITIES = 64;
const LINUX_CAPABILITY_VERSION_3 = 0x20080522;

/** Drop every capability that is not in CAPABILITY, for this process and all its children. */
export function dropUnneededCapabilities(effective: bigint): void {
  const kept = new Set<number>(Object.values(CAPABILITY));
  for (let capability = 0; capability < CAPABILITIES; capability++) {
    if (!kept.has(capability)) libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  }
  const bits = [...kept].reduce((set, capability) => set | (1n << BigInt(capability)), 0n) & effective;
  const low = Number(bits & 0xffff_ffffn);
  const high = Number(bits >> 32n);
  // For this thread, which starts all children; Node's other threads process no external input.
  const sets = Uint32Array.of(low, low, 0, high, high, 0);
  const header = Uint32Array.of(LINUX_CAPABILITY_VERSION_3, 0);
  if (libc.capset(new Uint8Array(header.buffer), new Uint8Array(sets.buffer)) !== 0)
    throw new Error(`capset: ${errorName()}`);
}
