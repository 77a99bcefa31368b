// Commands of the documents that cannot be run here, each with the reason, and with what can be seen of them all the
// same.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import * as bench from '../bench/options.js';
import { must } from '../support/run.js';
import * as torture from '../torture/options.js';
import { PROJECT } from './places.js';

export interface Checked {
  /** As the documents have it. */
  readonly shown: string;
  readonly why: string;
  readonly check: (command: string) => unknown;
}

const text = (path: string): string => readFileSync(join(PROJECT, path), 'utf8');

const script = (command: string) => {
  const name = /^npm (?:run (?:--silent )?)?(\w+)/.exec(command)?.[1] ?? '';
  const { scripts } = JSON.parse(text('package.json')) as { scripts: Readonly<Record<string, string>> };
  assert.ok(scripts[name] !== undefined, `package.json has no script ${name}`);
  for (const [path] of (scripts[name] ?? '').matchAll(/\b(dist|scripts)\/\S+/g))
    assert.ok(existsSync(join(PROJECT, path)), path);
};
const flagsOf = (command: string): readonly string[] => command.split(' -- ')[1]?.split(' ') ?? [];
const tortures = (command: string) => {
  script(command);
  assert.type(torture.parseOptions(flagsOf(command), 1), 'object');
};
const benches = (command: string) => {
  script(command);
  assert.type(bench.parseOptions(flagsOf(command)), 'object');
};
const flakeHas =
  (...outputs: readonly string[]) =>
  () => {
    for (const output of outputs) assert.ok(text('flake.nix').includes(output), output);
  };
const isFile = (path: string) => () => assert.ok(existsSync(join(PROJECT, path)), path);
/** Words for a thing that is not typed like this. */
const WORDS = 'part of a sentence: what it is done to has to be added';

export const ELSEWHERE: readonly Checked[] = [
  ...['upnpc -s', 'upnpc -e "my test" -a 192.168.1.2 8080 8080 tcp'].map((shown) => ({
    shown,
    why: 'a package of Debian that is not here; test/interop maps by it, for a game over UDP',
    check: () => assert.match(text('test/interop/upnp-programs.ts'), /'upnpc', '-e', 'a game', '-a', address, port/),
  })),
  ...['kill -9', 'node --import', 'node --jitless'].map((shown) => ({ shown, why: WORDS, check: () => {} })),
  { shown: 'npm run lint', why: 'is the first step of npm test', check: script },
  { shown: 'npm run format', why: 'would change what is being tested', check: script },
  { shown: 'npm test', why: 'is what runs this', check: script },
  {
    shown: 'npm start',
    why:
      'first makes the machine ready, as npm test has done just now; then it is node dist/cli/demo.js, ' +
      'which stands beside the commands of CLONE',
    check: script,
  },
  {
    shown: 'npm start -- --once',
    why: 'the same; test/system/start-sandbox.test.ts runs node dist/cli/demo.js --once',
    check: script,
  },
  {
    shown: 'npm ci --ignore-scripts && npm run build',
    why: 'would exchange what runs this; a clone is built by npm test itself',
    check: () => script('npm run build'),
  },
  {
    shown: 'npm run build && node dist/test/run.js helper/ wire',
    why: 'would build what is running',
    check: (command) => {
      script('npm run build');
      for (const part of command.split('run.js ')[1]?.split(' ') ?? [])
        assert.ok(
          existsSync(join(PROJECT, 'test', part)) || existsSync(join(PROJECT, `test/frontend/${part}.test.ts`)),
          part,
        );
    },
  },
  {
    shown: 'npm run manuals',
    why: 'writes into the clone; test/cli/manuals.test.ts runs it into another folder',
    check: script,
  },
  {
    shown: 'npm run proto',
    why: 'writes into the clone; test/proto/generated.test.ts runs it into another folder',
    check: script,
  },
  { shown: 'npm run sbom', why: 'the same as npm run --silent sbom, with a heading of npm', check: script },
  { shown: 'npm run fuzz', why: 'takes two minutes; with other flags it is run', check: script },
  {
    shown: 'npm run fuzz -- --write-seeds',
    why: 'writes into the clone; test/fuzz/corpus.test.ts compares',
    check: (command) => {
      script(command);
      assert.ok(text('test/fuzz/run.ts').includes("'--write-seeds'"));
    },
  },
  {
    shown: 'npm run audit',
    why: 'asks the npm registry',
    check: (command) => {
      script(command);
      return must('sh', ['-n', join(PROJECT, 'scripts/audit.sh')]);
    },
  },
  ...[
    'npm run torture',
    'npm run torture -- --kills 100 --seed 6886',
    'npm run torture -- --only faults',
    'npm run torture -- --kills 1000 --gateways 3 --seed 6886',
  ].map((shown) => ({ shown, why: 'takes many minutes; each part has a short form in test/torture', check: tortures })),
  ...[
    'npm run bench',
    'npm run bench -- --quick',
    'npm run bench -- --full',
    'npm run bench -- --memory',
    'npm run bench -- --sizes 0,60000 --widths 64 --json figures.json --plot figures.svg',
  ].map((shown) => ({ shown, why: 'takes minutes; test/bench/report.test.ts runs its arithmetic', check: benches })),
  {
    shown: 'node dist/test/bench/units.js',
    why: 'boots a systemd, and takes minutes',
    check: isFile('test/bench/units.ts'),
  },
  {
    shown: 'node dist/test/bench/upnp.js',
    why: 'takes minutes; test/bench/upnp-figures.test.ts runs its arithmetic',
    check: isFile('test/bench/upnp.ts'),
  },
  {
    shown: 'node dist/test/flood/run.js',
    why: 'takes minutes; test/flood/flood.test.ts is its short form',
    check: isFile('test/flood/run.ts'),
  },
  {
    shown: 'node dist/test/hostile/run.js',
    why: 'test/hostile/hostile.test.ts runs the same attacks',
    check: isFile('test/hostile/run.ts'),
  },
  {
    shown: 'NATPMP_NIXPKGS=/path/to/nixpkgs node dist/test/run.js nix/',
    why: 'needs a nixpkgs checkout',
    check: () => assert.ok(text('test/nix/nixpkgs.test.ts').includes("'NATPMP_NIXPKGS'")),
  },
  ...['nixos-rebuild switch', 'nixos-rebuild switch --flake .#router', 'nixos-rebuild switch --rollback'].map(
    (shown) => ({
      shown,
      why: 'needs a NixOS; test/nix evaluates what it would build',
      check: isFile('nix/module.nix'),
    }),
  ),
  {
    shown: 'nix shell github:OWNER/natpmp-server',
    why: 'fetches; test/nix/flake.test.ts has all outputs',
    check: flakeHas('packages', 'default'),
  },
  {
    shown: 'nix build .#natpmp-server',
    why: 'builds with nixpkgs; test/nix/flake.test.ts has all outputs',
    check: flakeHas('natpmp-server'),
  },
  {
    shown: 'nix build .#checks.x86_64-linux.vm',
    why: 'wants KVM and nixpkgs; test/nix/flake.test.ts has all outputs',
    check: flakeHas('checks', 'x86_64-linux'),
  },
  { shown: 'nix fmt', why: 'fetches the formatter; test/nix/flake.test.ts has it', check: flakeHas('formatter') },
  {
    shown: 'promtool test rules monitoring/alerts.test.yml',
    why: 'test/system/monitoring.test.ts runs it where there is a Prometheus',
    check: isFile('monitoring/alerts.test.yml'),
  },
  {
    shown: 'sh systemd/install.sh --remove',
    why: 'test/systemd/gateway.test.ts runs it, and looks at what is left',
    check: () => assert.match(text('test/systemd/gateway.test.ts'), /'--remove'/),
  },
  {
    shown: 'node dist/cli/install-ruleset.js --remove',
    why: 'test/systemd/ruleset.test.ts runs it, and looks at what is left',
    check: () => assert.match(text('test/systemd/ruleset.test.ts'), /'--remove'/),
  },
  {
    shown:
      'rm -rf /etc/systemd/system/natpmp-* /etc/systemd/system/*.wants/natpmp-* ' +
      '/etc/sysusers.d/natpmp.conf /etc/natpmp-server \\\n  /usr/local/lib/natpmp-server ' +
      '/usr/local/bin/natpmpctl' +
      ' /usr/local/bin/natpmp-client /var/lib/private/natpmp-server /var/lib/natpmp-server \\\n' +
      '  /usr/local/lib/natpmp-server.new /usr/local/lib/natpmp-server.old \\\n' +
      '  /usr/local/share/man/man[18]/natpmp-* /usr/local/share/man/man8/natpmpctl.8 \\\n' +
      '  /usr/local/share/bash-completion/completions/natpmp-client /usr/local/share/bash-completion/completions/natpmpctl \\\n' +
      '  /usr/local/share/zsh/site-functions/_natpmp-client /usr/local/share/zsh/site-functions/_natpmpctl \\\n' +
      '  /usr/local/share/fish/vendor_completions.d/natpmp-client.fish /usr/local/share/fish/vendor_completions.d/natpmpctl.fish \\\n' +
      '  /run/private/natpmp-ruleset /run/natpmp-ruleset /run/private/natpmp-ports /run/natpmp-ports /run/natpmp-reserved /run/natpmp',
    why: 'test/systemd/gateway.test.ts runs it, and looks at what is left',
    check: () => assert.match(text('test/systemd/gateway.test.ts'), /## Uninstall/),
  },
  {
    shown: 'groupdel natpmp',
    why: 'test/systemd/gateway.test.ts runs it after the other steps',
    check: () => assert.match(text('test/systemd/gateway.test.ts'), /getent group natpmp/),
  },
];
