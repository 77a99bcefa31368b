// Node in several versions, to start the gateway with: the one that runs the tests, and those that
// test/nodes/package.json pins.

import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { skip } from './cases.js';

const FOLDER = resolve(import.meta.dirname, '../../../test/nodes');

export interface Node {
  readonly version: string;
  readonly major: number;
  readonly path: string;
}

const node = (version: string, path: string): Node => ({ version, major: Number.parseInt(version, 10), path });

export const OWN = node(process.versions.node, process.execPath);

/** Those that are pinned, oldest first; none, loudly, if they are not installed. */
export function pinnedNodes(what: string): readonly Node[] {
  const { devDependencies } = JSON.parse(readFileSync(join(FOLDER, 'package.json'), 'utf8')) as {
    devDependencies: Readonly<Record<string, string>>;
  };
  const nodes = Object.entries(devDependencies).map(([name, version]) =>
    node(version.replace(/^.*@/, ''), join(FOLDER, 'node_modules', name, 'bin/node')),
  );
  if (nodes.every(({ path }) => existsSync(path))) return nodes;
  skip(`${what} with other versions of Node`, 'they are not installed, as by sh scripts/setup.sh test on Linux x86_64');
  return [];
}
