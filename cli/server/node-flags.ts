// The flags of node itself, in node-flags.json: this launcher, the units of systemd/ and nix/package.nix all have them
// from there.
//
//   withoutJit  no memory has to be both writable and executable
//   small       most of a full table's memory would be garbage that V8 sees no reason to collect. Without a JIT this costs
//               no time that could be measured
//   strict      no code from strings, no __proto__
//   quiet       there is no WebAssembly without a JIT, and a Node older than `before` warns of that at every start. This
//               silences it; from that version on there is neither the warning nor the flag, and node refuses to start with it.
//               The units cannot know which node there will be: they leave it out, and keep the warning out of the journal.
//
// Not imported as JSON, because Node 20 warns of that, too.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface NodeFlags {
  readonly withoutJit: readonly string[];
  readonly small: readonly string[];
  readonly strict: readonly string[];
  readonly quiet: { readonly before: number; readonly flags: readonly string[] };
}

export const NODE_FLAGS = JSON.parse(readFileSync(join(import.meta.dirname, 'node-flags.json'), 'utf8')) as NodeFlags;

/** What a daemon is started with by this version of node. */
export function daemonFlags(jit: boolean, nodeMajor: number): readonly string[] {
  const { withoutJit, small, strict, quiet } = NODE_FLAGS;
  return [...(jit ? [] : [...withoutJit, ...(nodeMajor < quiet.before ? quiet.flags : []), ...small]), ...strict];
}
