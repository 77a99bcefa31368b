// Divides the compiled program among the package's outputs: `node nix/install.mjs OUT FRONTEND HELPER MODULES`.
// FRONTEND and HELPER hold one daemon each and what both agree on (proto/); MODULES the npm packages both use. OUT has the
// launcher and the other programs, and reaches the rest by links. So nothing of the helper is in what the frontend can see.

import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';

const [out, frontend, helper, modules] = process.argv.slice(2);
const HOME = 'lib/natpmp-server';
/** zeromq and koffi bring an addon for each platform. */
const FOREIGN = [
  /\/(darwin|win32)(\/|$)/, /\/musl[-_][^/]*(\/|$)/, process.arch === 'x64' ? /\/linux\/arm64(\/|$)/ : /\/linux\/x64(\/|$)/,
  // Named by number alone: what older releases of zeromq looked for.
  /zeromq\/build\/linux\/[^/]+\/node\/[0-9]+(\/|$)/,
  // Sources of the addons.
  /\/zeromq\/(src|script)(\/|$)/, /\/koffi\/(vendor|doc)(\/|$)/,
];

function copy(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to, {
    recursive: true, verbatimSymlinks: true,
    filter: (path) => !path.endsWith('.tsbuildinfo') && !path.endsWith('.d.ts') && !FOREIGN.some((one) => one.test(`/${path}`)),
  });
}

function link(target, path) {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path);
}

// Node takes a file for a module by the "type" in the package.json above it.
for (const output of [out, frontend, helper]) copy('package.json', join(output, HOME, 'package.json'));

for (const [output, folders] of [[out, ['cli', 'proto']], [frontend, ['frontend', 'proto']], [helper, ['helper', 'proto']]]) {
  for (const folder of folders) copy(join('dist', folder), join(output, HOME, 'dist', folder));
}
for (const [role, output] of [['frontend', frontend], ['helper', helper]]) {
  link(join(output, HOME, 'dist', role), join(out, HOME, 'dist', role));
  link(join(modules, HOME, 'node_modules'), join(output, HOME, 'node_modules'));
}

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
for (const [path, entry] of Object.entries(lock.packages)) {
  if (path === '' || entry.dev === true || !existsSync(path)) continue;
  copy(path, join(modules, HOME, path));
  link(join(modules, HOME, path), join(out, HOME, path));
}
