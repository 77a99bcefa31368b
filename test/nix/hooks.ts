// What nixpkgs' hooks do, as far as the package's build and install steps meet with it: so that these can be run
// without nixpkgs.

import { mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a build finds in the store, by the name of its program; to be told from what the stand-in for nixpkgs makes. */
const FOUND: Readonly<Record<string, string>> = { node: 'nodejs-24.16.0', sh: 'bash-5.3p9', bash: 'bash-5.3p9' };
const HASH = '0123456789abcdfghijklmnpqrsvwxyz';

/**
 * As importNpmLock and its hook leave the folder behind: the dependencies in package.json and package-lock.json are
 * paths of tarballs, and the first line of every executable script in node_modules names an interpreter in the store.
 * What was changed so.
 */
export function configure(folder: string, store: string): readonly string[] {
  for (const [program, name] of Object.entries(FOUND)) {
    mkdirSync(join(store, `${HASH}-${name}/bin`), { recursive: true });
    symlinkSync(program === 'node' ? process.execPath : '/bin/sh', join(store, `${HASH}-${name}/bin/${program}`));
  }
  const read = (name: string) =>
    JSON.parse(readFileSync(join(folder, name), 'utf8')) as {
      dependencies: Record<string, string>;
      devDependencies: Record<string, string>;
      packages: Record<string, { version?: string; resolved?: string }>;
    };
  const lock = read('package-lock.json');
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (path !== '') entry.resolved = `file:${store}/${HASH}-${path.replace(/.*\//, '')}-${entry.version}.tgz`;
  }
  const json = read('package.json');
  for (const wanted of [json.dependencies, json.devDependencies]) {
    for (const name of Object.keys(wanted)) wanted[name] = lock.packages[`node_modules/${name}`]?.resolved ?? '';
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(json));
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lock));

  const changed = ['package.json', 'package-lock.json'];
  for (const entry of readdirSync(join(folder, 'node_modules'), { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || (statSync(path).mode & 0o100) === 0) continue;
    const text = readFileSync(path, 'latin1');
    const [line = '', interpreter = '', args = ''] = /^#! *(?:\S*\/env +(?:-S +)?)?(\S+)(.*)/.exec(text) ?? [];
    const program = interpreter.replace(/.*\//, '');
    if (FOUND[program] === undefined) continue;
    writeFileSync(
      path,
      `#!${store}/${HASH}-${FOUND[program]}/bin/${program}${args}${text.slice(line.length)}`,
      'latin1',
    );
    changed.push(path.slice(folder.length + 1));
  }
  return changed;
}

/** Every path of a store that a file or a link in this folder names: what Nix would find there, and keep with it. */
export function references(folder: string, stores: readonly string[]): readonly string[] {
  const found = new Set<string>();
  const named = new RegExp(`(?:${stores.join('|')})/(?:[0-9a-z]{32}-)?([A-Za-z0-9+._?=-]+)`, 'g');
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const text = entry.isSymbolicLink() ? readlinkSync(path) : entry.isFile() ? readFileSync(path, 'latin1') : '';
    for (const [, name = ''] of text.matchAll(named)) found.add(name);
  }
  return [...found].sort();
}

/** Lines of bash. $NODE is what the wrappers start. */
export const HOOKS = `
set -eu
runHook() { :; }
makeWrapper() {
  wrapped=$1 target=$2 flags= path=
  shift 2
  while [ $# -gt 0 ]; do
    case $1 in
      --add-flags) flags="$flags $2"; shift 2 ;;
      --prefix) path=$4; shift 4 ;;
      *) exit 64 ;;
    esac
  done
  mkdir -p "\${target%/*}"
  printf '#!/bin/sh\\n# %s %s\\nexec %s %s "$@"\\n' "$wrapped" "$path" "$NODE" "$flags" >"$target"
  chmod +x "$target"
}
installManPage() { echo "man $1"; }
installShellCompletion() { echo "completion $4"; }
`;
