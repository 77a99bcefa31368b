// The package: what is in its outputs and what they refer to, by running the very build and install steps on what
// nixpkgs' hooks leave behind.

import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { atEnd, cases, claims, skip } from '../support/cases.js';
import { pinnedNodes } from '../support/nodes.js';
import { configure, HOOKS, references } from './hooks.js';
import { evaluate, hasNix, ROOT, router, STORE, STUB } from './nix.js';

const OUTPUTS = ['out', 'frontend', 'upnp', 'helper', 'modules'] as const;
const folder = mkdtempSync(join(tmpdir(), 'natpmp-package-'));
/** What is only there to build with. */
const BUILD_STORE = join(folder, 'store');
atEnd(() => rmSync(folder, { recursive: true }));

/** Every file and link below, by its path from there. */
const list = (path: string): readonly string[] => readdirSync(path, { recursive: true, encoding: 'utf8' });
const listFiles = (output: string): readonly string[] =>
  list(join(folder, output)).filter((path) => lstatSync(join(folder, output, path)).isFile());
/** The npm packages below, scopes included. */
const npmPackages = (output: string): readonly string[] => {
  const path = join(folder, output, 'lib/natpmp-server/node_modules');
  return readdirSync(path).flatMap((name) =>
    name.startsWith('@') ? readdirSync(join(path, name)).map((one) => `${name}/${one}`) : [name],
  );
};

function start(output: string, program: string, args: readonly string[], at = folder) {
  return spawnSync(join(at, output, 'bin', program), args, { encoding: 'utf8', cwd: '/', env: { PATH: '/nowhere' } });
}

/** Run phases of the build, on its source; the outputs are folders in `at`. */
function phases(script: string, node: string, at: string) {
  return spawnSync('bash', ['-c', HOOKS + script], {
    encoding: 'utf8',
    cwd: join(folder, 'build'),
    env: {
      PATH: process.env['PATH'],
      NODE: node,
      NIX_STORE: BUILD_STORE,
      ...Object.fromEntries(OUTPUTS.map((name) => [name, join(at, name)])),
    },
  });
}

const STRICT = '--disallow-code-generation-from-strings --disable-proto=throw';
const FLAGS = `--max-semi-space-size=2 --optimize-for-size ${STRICT}`;
/** The flags of node in each wrapper, by the version of node that the package is made with. */
const WRAPPED = [
  { major: 20, daemons: `--jitless --no-expose-wasm ${FLAGS}`, forwards: '--jitless --no-expose-wasm' },
  { major: 24, daemons: `--jitless ${FLAGS}`, forwards: '--jitless' },
];
const nodes = pinnedNodes('the wrappers of the Nix package');

if (!hasNix) skip('the Nix package', 'no nix-instantiate (Debian: nix-bin)');
else {
  const { package: made } = evaluate(router(), STUB, '--read-write-mode');

  claims('outputs', {
    'the source is what the build needs, and no more': () => {
      assert.equal(readdirSync(made.source).sort(), [
        'caller',
        'cli',
        ...['completions'].filter((one) => existsSync(join(ROOT, one))),
        'config',
        'frontend',
        'helper',
        ...['man'].filter((one) => existsSync(join(ROOT, one))),
        'nix',
        'package-lock.json',
        'package.json',
        'process',
        'proto',
        'scripts',
        'tsconfig.base.json',
        'upnp',
      ]);
      assert.equal(readdirSync(join(made.source, 'nix')), ['install.mjs']);
    },
    'build and install steps, on that source': () => {
      const work = join(folder, 'build');
      cpSync(made.source, work, { recursive: true });
      spawnSync('chmod', ['-R', 'u+w', work]);
      // In place of what Nix would fetch by the hashes; npm writes all of it.
      spawnSync('cp', ['-a', join(ROOT, 'node_modules'), work]);
      const changed = configure(work, BUILD_STORE);
      // Of those whose files the daemons load.
      for (const path of ['pino/inc-version.sh', 'cmake-ts/build/main.js', 'koffi/cnoke.cjs'])
        assert.ok(changed.includes(`node_modules/${path}`), path);
      const step = phases(made.buildPhase + made.installPhase, process.execPath, folder);
      assert.is(step.status, 0, step.stdout + step.stderr);
      assert.equal(made.outputs, OUTPUTS);
    },
    'refer to what they need at run time, and to nothing of the build': () => {
      assert.equal(
        Object.fromEntries(
          OUTPUTS.map((name) => [
            name,
            references(join(folder, name), [BUILD_STORE, folder, STORE]).filter((one) => one !== name),
          ]),
        ),
        {
          out: ['frontend', 'helper', 'iproute2', 'modules', 'nftables', 'nodejs-slim', 'upnp', 'util-linux'],
          frontend: ['modules', 'nodejs-slim'],
          upnp: ['modules', 'nodejs-slim'],
          helper: ['modules', 'nodejs-slim'],
          modules: [],
        },
      );
    },
    'are refused if they refer to what was there to build them': () => {
      assert.equal(made.disallowed, ['nodejs', 'npm-deps']);
    },
    'each daemon has no code of another, nor of the launcher': () => {
      const roles = ['frontend', 'upnp', 'helper'] as const;
      for (const role of roles) {
        const paths = [...list(join(folder, role)), ...list(join(folder, 'modules'))];
        for (const other of ['cli', ...roles.filter((one) => one !== role)])
          assert.equal(
            paths.filter((path) => path.includes(`dist/${other}`)),
            [],
            role,
          );
        assert.ok(
          paths.some((path) => path.endsWith(`dist/${role}/main.js`)),
          role,
        );
      }
    },
    'npm packages are those that a program loads: of its own what not all daemons do, by a link what they all do':
      () => {
        const shared = ['@koromix/koffi-linux-x64', 'koffi', 'long', 'protobufjs'].map((name) =>
          name.replace('x64', process.arch),
        );
        // What programs load that are not the helper: flags, log lines and ZeroMQ; the daemons of the LAN metrics, and UPnP XML.
        const others = [
          '@pinojs/redact',
          'atomic-sleep',
          'cmake-ts',
          'commander',
          'on-exit-leak-free',
          'pino',
          'pino-abstract-transport',
          'pino-std-serializers',
          'process-warning',
          'quick-format-unescaped',
          'real-require',
          'safe-stable-stringify',
          'sonic-boom',
          'split2',
          'thread-stream',
          'zeromq',
        ];
        const metrics = ['@opentelemetry/api', 'bintrees', 'prom-client', 'tdigest'];
        assert.equal(npmPackages('modules'), shared);
        assert.equal(npmPackages('helper'), shared);
        assert.equal(npmPackages('out'), [...shared, ...others].sort());
        assert.equal(npmPackages('frontend'), [...shared, ...others, ...metrics].sort());
        assert.equal(npmPackages('upnp'), [...shared, ...others, ...metrics, 'saxes', 'xmlchars'].sort());
        const isOwn = (name: string): boolean =>
          !lstatSync(join(folder, 'frontend/lib/natpmp-server/node_modules', name)).isSymbolicLink();
        assert.equal(npmPackages('frontend').filter(isOwn), [...others, ...metrics].sort());
      },
    'hold modules, addons and licences: no sources, tests, types, maps or scripts': () => {
      for (const output of OUTPUTS) {
        assert.equal(
          listFiles(output).filter(
            (path) => !/^bin\/|\.(js|cjs|mjs|json|node|html|css|svg)$|\/LICENSE(\.md|\.txt)?$/.test(path),
          ),
          [],
          output,
        );
        assert.equal(
          listFiles(output).filter((path) => /\/(tests?|bench|examples?|docs)\//.test(path)),
          [],
          output,
        );
      }
    },
    'hold nothing that can be executed but the wrappers': () => {
      for (const output of OUTPUTS) {
        assert.equal(
          listFiles(output).filter(
            (path) => !path.startsWith('bin/') && (statSync(join(folder, output, path)).mode & 0o111) !== 0,
          ),
          [],
          output,
        );
      }
      // Nor a program of npm's: our own tell what they are by their first line, which leads nowhere.
      const scripts = listFiles('modules').filter((path) =>
        readFileSync(join(folder, 'modules', path), 'latin1').startsWith('#!'),
      );
      assert.equal(scripts, []);
    },
    'lack nothing that a module asks for': () => {
      const missing = new Set<string>();
      for (const output of ['frontend', 'upnp', 'modules']) {
        for (const path of listFiles(output).filter((one) => /node_modules\/.*\.[cm]?js$/.test(one))) {
          const file = join(folder, output, path);
          for (const [, name = ''] of readFileSync(file, 'utf8').matchAll(
            /(?:\bfrom\s*|\bimport\(|\brequire\(|^import\s*)\s*["'](\.[^"']+)["']/gm,
          )) {
            const found = ['', '.js', '.cjs', '.json', '/index.js'].some((end) =>
              existsSync(join(dirname(file), name + end)),
            );
            if (!found) missing.add(`${path.replace(/.*node_modules\//, '')}: ${name}`);
          }
        }
      }
      // Comments, and a bundle that has its parts inside.
      assert.equal([...missing].sort(), [
        'bintrees/dist/bintree.js: ./treebase',
        'bintrees/dist/rbtree.js: ./treebase',
        'commander/lib/command.js: .command()',
        'protobufjs/src/roots.js: ./compiled.js',
      ]);
    },
    'tell of the package its name, version and type, as the build has written paths into the rest': () => {
      const { name, version, type } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Record<
        string,
        string
      >;
      for (const output of ['out', 'frontend', 'upnp', 'helper']) {
        assert.equal(JSON.parse(readFileSync(join(folder, output, 'lib/natpmp-server/package.json'), 'utf8')), {
          name,
          version,
          type,
        });
      }
    },
    'addons are those of this platform, and for the releases of Node that it may have': () => {
      const addons = (output: string) =>
        list(join(folder, output))
          .filter((path) => path.endsWith('.node'))
          .map((path) => path.replace(/.*node_modules\//, ''))
          .sort();
      const [koffi, zeromq]: readonly [string, readonly string[]] =
        process.arch === 'arm64'
          ? [
              '@koromix/koffi-linux-arm64/linux_arm64/koffi.node',
              ['zeromq/build/linux/arm64/node/glibc-127-Release/addon.node'],
            ]
          : [
              '@koromix/koffi-linux-x64/linux_x64/koffi.node',
              ['115', '127', '147'].map((abi) => `zeromq/build/linux/x64/node/glibc-${abi}-Release/addon.node`),
            ];
      assert.equal([addons('modules'), addons('helper')], [[koffi], [koffi]]);
      assert.equal(
        [addons('frontend'), addons('upnp'), addons('out')],
        [
          [koffi, ...zeromq],
          [koffi, ...zeromq],
          [koffi, ...zeromq],
        ],
      );
    },
    'the build ends if a file refers to the store, or imports what is no dependency': () => {
      for (const [name, spoil] of [
        [
          `refers to something in ${BUILD_STORE}`,
          (path: string) => writeFileSync(path, `"${BUILD_STORE}/0123456789abcdfghijklmnpqrsvwxyz-x"`),
        ],
        [
          'is imported, and no package of package-lock.json',
          (path: string) => writeFileSync(path, 'import x from "left-out";'),
        ],
        [
          'is imported, and is for development alone',
          (path: string) => writeFileSync(path, "import { test } from 'uvu';"),
        ],
      ] as const) {
        const file = join(folder, 'build/dist/cli/spoilt.js');
        spoil(file);
        const { status, stderr } = spawnSync(
          process.execPath,
          ['nix/install.mjs', ...OUTPUTS.map((output) => join(folder, 'spoilt', output))],
          {
            cwd: join(folder, 'build'),
            encoding: 'utf8',
            env: { NIX_STORE: BUILD_STORE },
          },
        );
        rmSync(file);
        rmSync(join(folder, 'spoilt'), { recursive: true, force: true });
        assert.is.not(status, 0, name);
        assert.ok(stderr.includes(name), stderr);
      }
    },
    'the daemons start from there': () => {
      const frontend = start('frontend', 'natpmp-frontend', [
        '--check',
        '--external-interface',
        'wan0',
        '--lan',
        '192.168.1.1/24',
      ]);
      assert.is(frontend.status, 0, frontend.stderr);
      const upnp = start('upnp', 'natpmp-upnp', [
        '--check',
        '--external-interface',
        'wan0',
        '--listen-interface',
        'br-lan',
      ]);
      assert.is(upnp.status, 0, upnp.stderr);
      const helper = start('helper', 'natpmp-helper', ['--check', '--lan', '192.168.1.1/24', '--boot-id', 'b']);
      assert.is(helper.status, 0, helper.stderr);
      const again = start('out', 'natpmp-install-ruleset', [
        '--print',
        '--external-interface',
        'wan0',
        '--listen-interface',
        'br-lan',
      ]);
      assert.ok(again.stdout.startsWith('table inet nat'), again.stderr);
    },
    'the other programs start too, and find the daemons': () => {
      for (const program of ['natpmp-server', 'natpmpctl', 'natpmp-client']) {
        const { status, stderr } = start('out', program, ['--help']);
        assert.is(status, 0, `${program}: ${stderr}`);
      }
      const home = join(folder, 'out/lib/natpmp-server');
      assert.is(
        realpathSync(join(home, 'dist/helper/main.js')),
        realpathSync(join(folder, 'helper/lib/natpmp-server/dist/helper/main.js')),
      );
      assert.ok(
        existsSync(join(home, 'node_modules/koffi/package.json')) &&
          existsSync(join(home, 'node_modules/zeromq/package.json')),
      );
    },
    'man pages and completions are taken if there are some': () => {
      const somewhere = join(folder, 'pages');
      mkdirSync(join(somewhere, 'man'), { recursive: true });
      mkdirSync(join(somewhere, 'completions'));
      writeFileSync(join(somewhere, 'man/natpmp-server.8'), '');
      writeFileSync(join(somewhere, 'completions/natpmpctl.bash'), '');
      const step = made.installPhase.slice(made.installPhase.indexOf('for page in'));
      const { stdout } = spawnSync('bash', ['-c', HOOKS + step], { encoding: 'utf8', cwd: somewhere });
      assert.equal(stdout.trim().split('\n'), ['man man/natpmp-server.8', 'completion completions/natpmpctl.bash']);
    },
    meta: () => {
      assert.is(made.meta.mainProgram, 'natpmp-server');
      assert.equal(made.meta.platforms, ['x86_64-linux', 'aarch64-linux']);
    },
  });

  cases(
    'made with another version of Node',
    nodes.flatMap((node) =>
      WRAPPED.filter(({ major }) => major === node.major).map((row) => ({ ...row, ...node, name: node.version })),
    ),
    ({ version, path, daemons, forwards }) => {
      const at = join(folder, version);
      const { installPhase } = evaluate(router(), STUB, '--argstr', 'nodeVersion', version).package;
      const step = phases(installPhase, path, at);
      assert.is(step.status, 0, step.stdout + step.stderr);
      const flags = (output: string, program: string): string =>
        /^exec \S+ +(.*) \S+\.js "\$@"$/m.exec(readFileSync(join(at, output, 'bin', program), 'utf8'))?.[1] ?? '';
      assert.equal(
        [
          flags('frontend', 'natpmp-frontend'),
          flags('upnp', 'natpmp-upnp'),
          flags('helper', 'natpmp-helper'),
          flags('frontend', 'natpmp-frontend-jit'),
          flags('upnp', 'natpmp-upnp-jit'),
          flags('helper', 'natpmp-helper-jit'),
          flags('out', 'natpmp-forwarded-ports'),
          flags('out', 'natpmp-server'),
        ],
        [daemons, daemons, daemons, STRICT, STRICT, STRICT, forwards, ''],
      );

      // As the package's own check, and that node has nothing to say.
      for (const [output, program, ...args] of [
        ['frontend', 'natpmp-frontend', '--check', '--external-interface', 'wan0', '--lan', '192.168.1.1/24'],
        ['upnp', 'natpmp-upnp', '--check', '--external-interface', 'wan0', '--listen-interface', 'br-lan'],
        ['helper', 'natpmp-helper', '--check', '--lan', '192.168.1.1/24', '--boot-id', 'check'],
        ['frontend', 'natpmp-frontend-jit', '--check', '--external-interface', 'wan0', '--lan', '192.168.1.1/24'],
        ['upnp', 'natpmp-upnp-jit', '--check', '--external-interface', 'wan0', '--listen-interface', 'br-lan'],
        ['helper', 'natpmp-helper-jit', '--check', '--lan', '192.168.1.1/24', '--boot-id', 'check'],
        ['out', 'natpmp-install-ruleset', '--print', '--external-interface', 'wan0', '--listen-interface', 'br-lan'],
        ['out', 'natpmp-server', '--help'],
      ] as const) {
        const { status, stderr } = start(output, program, args, at);
        assert.equal({ status, stderr }, { status: 0, stderr: '' }, `${program} ${args.join(' ')}`);
      }
    },
  );
}
