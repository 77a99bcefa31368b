// The flags of node itself, in node-flags.json: the launcher, the units of systemd/ and nix/package.nix all take them
// from there.
//
//   withoutJit  no memory has to be both writable and executable. `--jit`, for large networks, goes without this and
//               `small` (docs/performance.md); systemd/install.sh takes both from a unit's command
//   small       otherwise V8 leaves more garbage uncollected than a full table has data. Without a JIT this costs no
//               measurable time, with one a quarter more
//   strict      no code from strings, no __proto__
//   quiet       without a JIT there is no WebAssembly; a Node older than `before` warns about that at every start unless
//               it has this flag. Newer versions neither warn nor know the flag, and refuse to start with it. The units
//               do not know the version of node: they leave the flag out, and filter the warning from the journal.
//
// Not imported as JSON, because Node 20 warns about that, too.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface NodeFlags {
  readonly withoutJit: readonly string[];
  readonly small: readonly string[];
  readonly strict: readonly string[];
  readonly quiet: { readonly before: number; readonly flags: readonly string[] };
}

export const NODE_FLAGS = JSON.parse(readFileSync(join(import.meta.dirname, 'node-flags.json'), 'utf8')) as NodeFlags;

/** The flags of a daemon for this version of node. */
export function daemonFlags(jit: boolean, nodeMajor: number): readonly string[] {
  const { withoutJit, small, strict, quiet } = NODE_FLAGS;
  return [...(jit ? [] : [...withoutJit, ...(nodeMajor < quiet.before ? quiet.flags : []), ...small]), ...strict];
}
