// The structure of the project, proved on what the compiler emits: who may import whom, who may touch what. The
// compiler rejects an import of helper/ from frontend/ as well; a computed import it would let pass.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import * as assert from 'uvu/assert';
import { cases, claims } from '../support/cases.js';

const DIST = resolve(import.meta.dirname, '../..');
const PROJECT = dirname(DIST);

/** What each part may import, besides itself: other parts, node: modules, packages. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  proto: ['node:os', 'protobufjs', 'zeromq'],
  config: ['proto'],
  process: ['node:fs', 'koffi', 'pino'],
  caller: ['proto', 'config', 'process', 'node:fs', 'node:http', 'koffi', 'pino', 'commander', 'prom-client'],
  frontend: ['proto', 'config', 'process', 'caller', 'node:fs', 'commander', 'pino'],
  upnp: ['proto', 'config', 'process', 'caller', 'node:crypto', 'node:fs', 'node:net', 'pino', 'saxes'],
  helper: [
    'proto',
    'config',
    'process',
    'node:fs',
    'node:net',
    'node:os',
    'node:path',
    'node:util',
    'node:zlib',
    'protobufjs',
  ],
};

/** Files that alone may import what the rest of their part may not. */
const ONLY: readonly {
  readonly name: string;
  readonly what: string;
  readonly part: string;
  readonly files: readonly string[];
}[] = [
  { name: 'proto/: zeromq', what: 'zeromq', part: 'proto', files: ['proto/client.js'] },
  { name: 'process/: koffi', what: 'koffi', part: 'process', files: ['process/accept.js', 'process/poll.js'] },
  { name: 'process/: pino', what: 'pino', part: 'process', files: ['process/log.js'] },
  {
    name: 'process/: node:fs',
    what: 'node:fs',
    part: 'process',
    files: ['process/notify.js', 'process/poll.js', 'process/read-file.js', 'process/version.js'],
  },
  { name: 'proto/: node:os', what: 'node:os', part: 'proto', files: ['proto/clock.js'] },
  {
    name: 'helper/: node:fs',
    what: 'node:fs',
    part: 'helper',
    files: [
      'helper/daemon.js',
      'helper/fail.js',
      'helper/journal/journal.js',
      'helper/log.js',
      'helper/nft/netlink-socket.js',
      'helper/router.js',
    ],
  },
  // Connections that were accepted; it opens none.
  { name: 'helper/: node:net', what: 'node:net', part: 'helper', files: ['helper/router.js'] },
  { name: 'helper/: node:util', what: 'node:util', part: 'helper', files: ['helper/flags.js'] },
  {
    name: 'caller/: koffi',
    what: 'koffi',
    part: 'caller',
    files: ['caller/datagrams.js', 'caller/multicast.js', 'caller/route/socket.js'],
  },
  {
    name: 'frontend/: node:fs',
    what: 'node:fs',
    part: 'frontend',
    files: ['frontend/main.js', 'frontend/serve.js'],
  },
  { name: 'caller/: node:fs', what: 'node:fs', part: 'caller', files: ['caller/daemon.js'] },
  // Local programs alone reach it, and it parses nothing but HTTP.
  { name: 'caller/: node:http', what: 'node:http', part: 'caller', files: ['caller/metrics-server.js'] },
  { name: 'caller/: prom-client', what: 'prom-client', part: 'caller', files: ['caller/metric-set.js'] },
  { name: 'caller/: commander', what: 'commander', part: 'caller', files: ['caller/flags.js'] },
  { name: 'upnp/: saxes', what: 'saxes', part: 'upnp', files: ['upnp/igd/soap.js'] },
  // Connections that were accepted; see below.
  { name: 'upnp/: node:net', what: 'node:net', part: 'upnp', files: ['upnp/http/server.js'] },
  { name: 'upnp/: node:fs', what: 'node:fs', part: 'upnp', files: ['upnp/main.js', 'upnp/ssdp/serve.js'] },
  {
    name: 'upnp/: node:crypto',
    what: 'node:crypto',
    part: 'upnp',
    files: ['upnp/igd/description.js', 'upnp/igd/identity.js'],
  },
];

/** Ways to reach code or rights that no import shows. */
const FORBIDDEN =
  /\bimport\(|\bcreateRequire\b|\brequire\(|\beval\(|\bnew Function\b|process\.(binding|dlopen|getBuiltinModule)\b|\b_handle\b/;

const files = (part: string): string[] =>
  readdirSync(join(DIST, part), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.js'))
    .map((file) => join(DIST, part, file));
const textOf = (file: string): string =>
  readFileSync(file, 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '');
/** Modules loaded only when needed, by a literal name. */
const LAZY: Readonly<Record<string, RegExp>> = {
  'frontend/metrics/load.js': /\bawait import\('(\.\/start\.js)'\)/g,
  'upnp/servers.js': /\bawait import\('(\.\/metrics\/start\.js)'\)/g,
  'upnp/load.js': /\bawait import\('(\.\/servers\.js)'\)/g,
  'helper/main.js': /\bawait import\('(\.\/daemon\.js)'\)/g,
};
const isGenerated = (file: string): boolean => file.includes('/generated/');

/** What a file imports: a part of the project, a node: module, or the name of a package. */
function importsOf(file: string): { readonly path: string | null; readonly name: string }[] {
  const lazy = LAZY[relative(DIST, file)];
  const later = lazy === undefined ? [] : [...textOf(file).matchAll(lazy)];
  return [...later, ...textOf(file).matchAll(/^(?:import|export)\s(?:[^;'"]*?\sfrom\s+)?['"]([^'"]+)['"];/gm)].map(
    ([, specifier = '']) => {
      if (!specifier.startsWith('.'))
        return { path: null, name: specifier.startsWith('node:') ? specifier : (specifier.split('/')[0] as string) };
      const path = resolve(dirname(file), specifier);
      return { path, name: relative(DIST, path).split('/')[0] as string };
    },
  );
}

cases(
  'imports',
  Object.entries(ALLOWED).map(([part, allowed]) => ({ name: part, allowed })),
  ({ name, allowed }) => {
    assert.ok(files(name).length > 3);
    for (const file of files(name)) {
      for (const each of importsOf(file)) {
        assert.ok(each.name === name || allowed.includes(each.name), `${relative(DIST, file)} imports ${each.name}`);
      }
    }
  },
);

cases('only these files', [...ONLY], ({ what, part, files: allowed }) => {
  const importing = files(part)
    .filter((file) => importsOf(file).some(({ name }) => name === what))
    .map((file) => relative(DIST, file));
  assert.equal(importing.sort(), [...allowed].sort());
});

cases(
  'nothing is reached around the imports',
  Object.keys(ALLOWED).map((name) => ({ name })),
  ({ name }) => {
    for (const file of files(name)) {
      if (!isGenerated(file))
        assert.not.match(textOf(file).replace(LAZY[relative(DIST, file)] ?? '', ''), FORBIDDEN, relative(DIST, file));
    }
  },
);

/** The parts that a program of this part reaches: its own, and those that all share. */
function reaches(part: string): void {
  const seen = new Set<string>();
  const queue = [join(DIST, part, 'main.js')];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    queue.push(...importsOf(file).flatMap(({ path }) => (path === null ? [] : [path])));
  }
  const parts = new Set([...seen].map((file) => relative(DIST, file).split('/')[0]));
  assert.equal([...parts].sort(), ['caller', 'config', 'process', 'proto', part].sort());
  assert.ok(seen.has(join(DIST, 'caller', 'metrics-server.js')), 'modules loaded later are reached too');
}

claims('the boundary', {
  'everything reachable from the frontend program lies in frontend/ and what all programs share': () =>
    reaches('frontend'),
  'everything reachable from natpmp-upnp lies in upnp/ and what all programs share': () => reaches('upnp'),
  'natpmp-upnp accepts connections, and opens none': () => {
    const imported = files('upnp').flatMap((file) =>
      [...textOf(file).matchAll(/^import \{([^}]*)\} from 'node:(?:net|http|dgram|tls|https)';/gm)].map(
        ([, names = '']) => names.trim(),
      ),
    );
    assert.equal(imported, ['createServer']);
    for (const file of files('upnp'))
      assert.not.match(textOf(file), /\b(?:fetch|createConnection|XMLHttpRequest)\(/, file);
  },
  'nobody but the tests imports helper/': () => {
    for (const part of ['proto', 'config', 'process', 'caller', 'frontend', 'upnp', 'cli']) {
      for (const file of files(part)) {
        assert.not.ok(
          importsOf(file).some(({ name }) => name === 'helper'),
          relative(DIST, file),
        );
      }
    }
  },
  'time, chance and the environment come in through main and the clock alone': () => {
    for (const part of ['proto', 'config', 'process', 'caller', 'frontend', 'upnp', 'helper']) {
      for (const file of files(part)) {
        if (isGenerated(file) || /\/(main|daemon|fail|clock)\.js$/.test(file)) continue;
        assert.not.match(
          textOf(file),
          /Date\.now|new Date\(|Math\.random|process\.(env|hrtime)|performance\.now/,
          relative(DIST, file),
        );
      }
    }
  },
  'the helper can be read in one sitting: at most 2,450 lines of code, no file above 280': () => {
    const counts = readdirSync(join(PROJECT, 'helper'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.includes('generated'))
      .map(
        (file) =>
          readFileSync(join(PROJECT, 'helper', file), 'utf8')
            .split('\n')
            .filter((line) => !/^\s*(\/\/|\*|\/\*|$)/.test(line)).length,
      );
    const lines = counts.reduce((sum, count) => sum + count, 0);
    assert.ok(lines <= 2450, `${lines} lines`);
    assert.ok(Math.max(...counts) <= 280);
  },
});
