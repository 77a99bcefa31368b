// A program of ours run by nobody, who could not reach it in a clone in /root: it is shown to them elsewhere.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

const PROJECT = join(import.meta.dirname, '../../..');

export interface Nobody {
  /** In front of a command. */
  readonly prefix: readonly [string, ...string[]];
  /** Where the project is for them. */
  readonly project: string;
}

/** `folder`: one of the test's own that anybody may enter. */
export function nobodyIn(folder: string): Nobody {
  const project = join(folder, 'project');
  mkdirSync(project);
  const script = 'mount --bind "$1" "$2"; shift 2; exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"';
  return {
    project,
    prefix: ['unshare', '--mount', '--propagation', 'private', 'sh', '-ec', script, 'sh', PROJECT, project],
  };
}
