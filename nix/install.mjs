// Divides the compiled program among the package's outputs: `node nix/install.mjs OUT FRONTEND UPNP HELPER MODULES`.
// FRONTEND, UPNP and HELPER hold one daemon each: its files, those that it loads of what programs share, and the npm packages
// that not all daemons load; MODULES those that all load. OUT has the launcher and the other programs, and reaches the rest by
// links. So nothing of the helper is in what the frontend's output refers to, and the other way round.
//
// Only files that a program loads are taken from a package, because nixpkgs has rewritten the first line of every script in
// node_modules, and each is a reference to a shell, or to node with npm.

import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

const [out, frontend, upnp, helper, modules] = process.argv.slice(2);
const HOME = 'lib/natpmp-server';
/** Shared by all programs. */
const SHARED = ['config', 'process', 'proto'];

/** Files that Node loads, and licences. */
const LOADED = /\.(js|cjs|mjs|json)$|^(LICEN[CS]E|NOTICE)(\.|$)/i;
/**
 * zeromq and koffi contain an addon for each platform. This one's path, for the releases of Node that we run on.
 */
const ADDON = new RegExp(`/(linux/${process.arch}/node/glibc-(?!72-)[^/]+|linux_${process.arch})/[^/]+\\.node$`);
/** Folders and top-level files of a package that are not needed at run time. */
const ASIDE = /^(bench|benchmarks?|bin|docs?|examples?|fixtures|scripts?|specs?|tests?|tools|vendor|\..*)$/;
const ASIDE_FILE =
  /^(bench|benchmark|check|example|gruntfile|test|tsconfig|vcpkg|eslint\.config|\.[^/]*)\.(js|cjs|mjs|json)$/;
/** A dependency that nothing loads: headers, to compile zeromq's addon with. */
const HEADERS = 'node-addon-api';
/** Packages of which only a few files are loaded. */
const ONLY = {
  // Compiles addons. zeromq finds its own with the loader.
  'cmake-ts': /^(build\/loader\.js|package\.json)$/,
  // Generated codecs use the part without reflection.
  protobufjs:
    /^(minimal\.js|package\.json|LICENSE|src\/(index-minimal|reader|roots|rpc|writer)\w*\.js|src\/(rpc|util)\/.+)$/,
};

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')).packages;

/** Every wanted file below, by its relative path. */
function* files(folder, isWanted, below = '') {
  for (const entry of readdirSync(join(folder, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory() && entry.name !== 'node_modules' && !ASIDE.test(entry.name))
      yield* files(folder, isWanted, path);
    if (entry.isFile() && isWanted(path)) yield path;
  }
}

/** Without the executable bit: programs are started through the wrappers. */
function copy(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
  chmodSync(to, 0o644);
}

function link(target, path) {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path);
}

/** What a compiled file imports. */
function importsOf(file) {
  const text = readFileSync(join('dist', file), 'utf8');
  const found = text.matchAll(
    /(?:^(?:import|export)\b[^;]*?\bfrom|^import|\bimport\(|\brequire\()\s*["']([^"']+)["']/gm,
  );
  return [...found].map(([, specifier]) => specifier);
}

/** The compiled files that a program loads, itself included. */
function reached(program) {
  const found = new Set();
  const add = (file) => {
    if (found.has(file)) return;
    found.add(file);
    for (const specifier of importsOf(file)) if (specifier.startsWith('.')) add(join(dirname(file), specifier));
  };
  add(program);
  return [...found];
}

/** All that is compiled in some folders, and what goes with it. */
const allOf = (folders) =>
  folders.flatMap((folder) => [...files('dist', (path) => /\.(js|json|html|css|svg)$/.test(path), folder)]);

/** The launcher and the other programs, with what they load of the code that daemons of the LAN share. */
function programs() {
  const own = allOf(['cli', ...SHARED]);
  const loaded = own.filter((file) => file.endsWith('.js')).flatMap(reached);
  return [...own, ...new Set(loaded.filter((file) => file.startsWith('caller/')))];
}

/** An output, and the files of dist/ that are in it. */
const PROGRAMS = [
  { output: out, contents: programs() },
  { output: frontend, contents: reached('frontend/main.js') },
  { output: upnp, contents: reached('upnp/main.js') },
  { output: helper, contents: reached('helper/main.js') },
];
const DAEMONS = PROGRAMS.slice(1);

/** The packages that these files import. */
function imported(contents) {
  const specifiers = contents.filter((file) => file.endsWith('.js')).flatMap(importsOf);
  return new Set(
    specifiers
      .filter((specifier) => !/^(\.|node:)/.test(specifier))
      .map((specifier) =>
        specifier
          .split('/')
          .slice(0, specifier.startsWith('@') ? 2 : 1)
          .join('/'),
      ),
  );
}

/** Where Node finds a package that is imported from here; null for an optional one of another platform. */
function find(name, from, isOptional) {
  const path = `${from === '' ? '' : `${from}/`}node_modules/${name}`;
  if (lock[path] !== undefined && existsSync(path)) return path;
  if (from !== '') return find(name, from.slice(0, Math.max(0, from.lastIndexOf('/node_modules/'))), isOptional);
  if (isOptional) return null;
  throw new Error(`${name} is imported, and no package of package-lock.json`);
}

/** The folders of the packages that a program loads: those it imports, and those that they depend on. */
function closure(contents) {
  const found = new Set();
  const add = (path) => {
    if (path === null || found.has(path)) return;
    if (lock[path].dev === true) throw new Error(`${path} is imported, and is for development alone`);
    found.add(path);
    const { dependencies = {}, optionalDependencies = {} } = lock[path];
    for (const name of Object.keys(dependencies)) if (name !== HEADERS) add(find(name, path, false));
    for (const name of Object.keys(optionalDependencies)) add(find(name, path, true));
  };
  for (const name of imported(contents)) add(find(name, '', false));
  return found;
}

function copyPackage(path, to) {
  const only = ONLY[path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)];
  const isWanted = (file) =>
    !ASIDE_FILE.test(file) &&
    (file.endsWith('.node') ? ADDON.test(`/${file}`) : LOADED.test(file.slice(file.lastIndexOf('/') + 1))) &&
    (only?.test(file) ?? true);
  for (const file of files(path, isWanted)) {
    // A program, not a module.
    if (readFileSync(join(path, file)).subarray(0, 2).equals(Buffer.from('#!'))) continue;
    copy(join(path, file), join(to, file));
  }
}

/** What the outputs must not contain, whatever the packages hold. */
function check(output) {
  const store = process.env.NIX_STORE ?? '/nix/store';
  for (const name of readdirSync(output, { recursive: true, encoding: 'utf8' })) {
    const path = join(output, name);
    const found = lstatSync(path);
    if (!found.isFile()) continue;
    if ((found.mode & 0o111) !== 0) throw new Error(`${path} can be executed`);
    if (readFileSync(path).includes(`${store}/`)) throw new Error(`${path} refers to something in ${store}`);
  }
}

// Node takes a file for a module by the "type" in the package.json above it, and the frontend tells its version. No
// more of it, because in the build its dependencies are written as paths of what was fetched.
const { name, version, type } = JSON.parse(readFileSync('package.json', 'utf8'));
for (const { output, contents } of PROGRAMS) {
  mkdirSync(join(output, HOME), { recursive: true });
  writeFileSync(join(output, HOME, 'package.json'), `${JSON.stringify({ name, version, type }, null, 2)}\n`);
  for (const file of contents) copy(join('dist', file), join(output, HOME, 'dist', file));
}
for (const [role, output] of [
  ['frontend', frontend],
  ['upnp', upnp],
  ['helper', helper],
])
  link(join(output, HOME, 'dist', role), join(out, HOME, 'dist', role));

const loaded = new Map(PROGRAMS.map(({ output, contents }) => [output, closure(contents)]));
const isShared = (path) => DAEMONS.every(({ output }) => loaded.get(output).has(path));
for (const path of new Set([...loaded.values()].flatMap((paths) => [...paths]))) {
  if (isShared(path)) copyPackage(path, join(modules, HOME, path));
}
for (const [output, paths] of loaded) {
  for (const path of paths) {
    if (!isShared(path)) copyPackage(path, join(output, HOME, path));
    // One inside another is copied with that.
    else if (path.lastIndexOf('node_modules/') === 0) link(join(modules, HOME, path), join(output, HOME, path));
  }
}

for (const output of [out, frontend, upnp, helper, modules]) check(output);
