// The package: what Nix would fetch, and how the outputs are divided, by running the very install step.

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { atEnd, cases, claims, skip } from '../support/cases.js';
import { pinnedNodes } from '../support/nodes.js';
import { HOOKS } from './hooks.js';
import { evaluate, hasNix, ROOT, router, STUB } from './nix.js';

const OUTPUTS = ['out', 'frontend', 'helper', 'modules'] as const;
const folder = mkdtempSync(join(tmpdir(), 'natpmp-package-'));
atEnd(() => rmSync(folder, { recursive: true }));

/** Every file and link below, by its path from there. */
const list = (path: string): readonly string[] => readdirSync(path, { recursive: true, encoding: 'utf8' });

function start(output: string, program: string, args: readonly string[], at = folder) {
  return spawnSync(join(at, output, 'bin', program), args, { encoding: 'utf8', cwd: '/', env: { PATH: '/nowhere' } });
}

/** Run phases of the build, on its source; the outputs are folders in `at`. */
function phases(script: string, node: string, at: string) {
  return spawnSync('bash', ['-c', HOOKS + script], {
    encoding: 'utf8', cwd: join(folder, 'build'), env: { PATH: process.env['PATH'], NODE: node, ...Object.fromEntries(OUTPUTS.map((name) => [name, join(at, name)])) },
  });
}

const FLAGS = '--max-semi-space-size=2 --optimize-for-size --disallow-code-generation-from-strings --disable-proto=throw';
/** The flags of node in each wrapper, by the version of node that the package is made with. */
const WRAPPED = [
  { major: 20, daemons: `--jitless --no-expose-wasm ${FLAGS}`, forwards: '--jitless --no-expose-wasm' },
  { major: 24, daemons: `--jitless ${FLAGS}`, forwards: '--jitless' },
];
const nodes = pinnedNodes('the wrappers of the Nix package');

if (!hasNix) skip('the Nix package', 'no nix-instantiate (Debian: nix-bin)');
else {
  const { package: made } = evaluate(router(), STUB, '--read-write-mode');

  claims('lock file', {
    'every package has an integrity hash, and an address in the public registry': () => {
      const text = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as typeof made.lock;
      assert.ok(Object.keys(text.packages).length > 50);
      for (const [path, { integrity }] of Object.entries(text.packages)) {
        if (path === '') continue;
        assert.match(integrity ?? '', /^sha512-[A-Za-z0-9+/]{86}==$/, path);
        assert.is(made.lock.packages[path]?.integrity, integrity);
        assert.match(made.lock.packages[path]?.resolved ?? '', /^https:\/\/registry\.npmjs\.org\/.+\/-\/[^/]+\.tgz$/, path);
      }
    },
    'addresses are as the registry has them': () => {
      const address = (path: string): string | undefined => made.lock.packages[path]?.resolved;
      assert.match(address('node_modules/zeromq') ?? '', /\.org\/zeromq\/-\/zeromq-[0-9.]+\.tgz$/);
      assert.match(address('node_modules/@types/node') ?? '', /\.org\/@types\/node\/-\/node-[0-9.]+\.tgz$/);
    },
  });

  claims('outputs', {
    'the source is what the build needs, and no more': () => {
      assert.equal(readdirSync(made.source).sort(), [
        'cli', ...['completions'].filter((one) => existsSync(join(ROOT, one))), 'frontend', 'helper',
        ...['man'].filter((one) => existsSync(join(ROOT, one))), 'nix', 'package-lock.json', 'package.json', 'proto', 'scripts', 'tsconfig.base.json',
      ]);
      assert.equal(readdirSync(join(made.source, 'nix')), ['install.mjs']);
    },
    'build and install steps, on that source': () => {
      const work = join(folder, 'build');
      cpSync(made.source, work, { recursive: true });
      spawnSync('chmod', ['-R', 'u+w', work]);
      // In place of what Nix would fetch by the hashes.
      symlinkSync(join(ROOT, 'node_modules'), join(work, 'node_modules'));
      const step = phases(made.buildPhase + made.installPhase, process.execPath, folder);
      assert.is(step.status, 0, step.stdout + step.stderr);
      assert.equal(made.outputs, OUTPUTS);
    },
    'the frontend has no code of the helper, nor of the launcher': () => {
      // All that it can reach: its own output, and the npm packages by a link.
      const reached = [...list(join(folder, 'frontend')), ...list(join(folder, 'modules'))];
      assert.equal(reached.filter((path) => /dist\/(helper|cli)/.test(path)), []);
      assert.ok(reached.some((path) => path.endsWith('dist/frontend/main.js')));
      const text = readFileSync(join(folder, 'frontend/bin/natpmp-frontend'), 'utf8');
      for (const other of ['nftables', join(folder, 'helper'), join(folder, 'out')]) assert.not.ok(text.includes(other), other);
    },
    'the helper has no code of the frontend, nor a program to start': () => {
      assert.equal(list(join(folder, 'helper')).filter((path) => /dist\/(frontend|cli)/.test(path)), []);
      assert.not.ok(readFileSync(join(folder, 'helper/bin/natpmp-helper'), 'utf8').includes('nftables'));
    },
    'addons are those of this platform': () => {
      const addons = [...list(join(folder, 'modules')), ...list(join(folder, 'out'))].filter((path) => path.endsWith('.node'));
      assert.ok(addons.length >= 2);
      assert.equal(addons.filter((path) => /musl|darwin|win32/.test(path) || !path.includes(process.arch)), []);
    },
    'nothing of development comes along': () => {
      const packages = readdirSync(join(folder, 'modules/lib/natpmp-server/node_modules'));
      for (const name of ['typescript', 'uvu', 'protobufjs-cli']) assert.not.ok(packages.includes(name), name);
      assert.not.ok(list(join(folder, 'out')).some((path) => path.includes('dist/test')));
    },
    'both daemons start from there': () => {
      const frontend = start('frontend', 'natpmp-frontend', ['--check', '--external-interface', 'wan0', '--lan', '192.168.1.1/24']);
      assert.is(frontend.status, 0, frontend.stderr);
      const helper = start('helper', 'natpmp-helper', ['--check', '--lan', '192.168.1.1/24', '--boot-id', 'b']);
      assert.is(helper.status, 0, helper.stderr);
      const again = start('out', 'natpmp-helper', ['ruleset', '--external-interface', 'wan0', '--listen-interface', 'br-lan']);
      assert.ok(again.stdout.startsWith('table ip nat'), again.stderr);
    },
    'the other programs start too, and find the daemons': () => {
      for (const program of ['natpmp-server', 'natpmpctl', 'natpmp-client']) {
        const { status, stderr } = start('out', program, ['--help']);
        assert.is(status, 0, `${program}: ${stderr}`);
      }
      const home = join(folder, 'out/lib/natpmp-server');
      assert.is(realpathSync(join(home, 'dist/helper/main.js')), realpathSync(join(folder, 'helper/lib/natpmp-server/dist/helper/main.js')));
      assert.ok(existsSync(join(home, 'node_modules/koffi/package.json')) && existsSync(join(home, 'node_modules/zeromq/package.json')));
    },
    'man pages and completions are taken where there are some': () => {
      const somewhere = join(folder, 'pages');
      mkdirSync(join(somewhere, 'man'), { recursive: true });
      mkdirSync(join(somewhere, 'completions'));
      writeFileSync(join(somewhere, 'man/natpmp-server.8'), '');
      writeFileSync(join(somewhere, 'completions/natpmpctl.bash'), '');
      const step = made.installPhase.slice(made.installPhase.indexOf('for page in'));
      const { stdout } = spawnSync('bash', ['-c', HOOKS + step], { encoding: 'utf8', cwd: somewhere });
      assert.equal(stdout.trim().split('\n'), ['man man/natpmp-server.8', 'completion completions/natpmpctl.bash']);
    },
    'meta': () => {
      assert.is(made.meta.mainProgram, 'natpmp-server');
      assert.equal(made.meta.platforms, ['x86_64-linux', 'aarch64-linux']);
    },
  });

  cases('made with another version of Node', nodes.flatMap((node) => WRAPPED.filter(({ major }) => major === node.major).map((row) => ({ ...row, ...node, name: node.version }))),
    ({ version, path, daemons, forwards }) => {
      const at = join(folder, version);
      const { installPhase } = evaluate(router(), STUB, '--argstr', 'nodeVersion', version).package;
      const step = phases(installPhase, path, at);
      assert.is(step.status, 0, step.stdout + step.stderr);
      const flags = (output: string, program: string): string =>
        /^exec \S+ +(.*) \S+\.js "\$@"$/m.exec(readFileSync(join(at, output, 'bin', program), 'utf8'))?.[1] ?? '';
      assert.equal([flags('frontend', 'natpmp-frontend'), flags('helper', 'natpmp-helper'), flags('out', 'natpmp-forwarded-ports'), flags('out', 'natpmp-server')],
        [daemons, daemons, forwards, '']);

      // As the package's own check, and that node has nothing to say.
      for (const [output, program, ...args] of [
        ['frontend', 'natpmp-frontend', '--check', '--external-interface', 'wan0', '--lan', '192.168.1.1/24'],
        ['helper', 'natpmp-helper', '--check', '--lan', '192.168.1.1/24', '--boot-id', 'check'],
        ['helper', 'natpmp-helper', 'ruleset', '--external-interface', 'wan0', '--listen-interface', 'br-lan'],
        ['out', 'natpmp-server', '--help'],
      ] as const) {
        const { status, stderr } = start(output, program, args, at);
        assert.equal({ status, stderr }, { status: 0, stderr: '' }, `${program} ${args.join(' ')}`);
      }
    });
}
