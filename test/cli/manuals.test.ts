// Man pages, shell completions and docs/reference.md: made from --help, sound, and of use in real shells.

import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import * as assert from 'uvu/assert';
import { SETTINGS } from '../../config/settings.js';
import { atEnd, cases, claims, skip } from '../support/cases.js';
import { Terminal } from '../support/terminal.js';

const PROJECT = resolve(import.meta.dirname, '../../..');
const folder = mkdtempSync(join(tmpdir(), 'natpmp-manuals-'));
atEnd(() => rmSync(folder, { recursive: true }));

const PAGES = [
  'natpmp-client.1',
  'natpmp-frontend.8',
  'natpmp-helper.8',
  'natpmp-server.8',
  'natpmp-upnp.8',
  'natpmpctl.8',
] as const;
const has = (program: string) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
const read = (path: string) => readFileSync(join(PROJECT, path), 'utf8');

execFileSync(process.execPath, ['scripts/generate-manuals.mjs', folder], { cwd: PROJECT });
const made = (kind: string) => readdirSync(join(folder, kind)).sort();

cases(
  'the files in the tree match the programs (else: npm run manuals)',
  [
    ...made('man').map((file) => ({ name: `man/${file}` })),
    ...made('completions').map((file) => ({ name: `completions/${file}` })),
    { name: 'docs/reference.md' },
  ],
  ({ name }) => assert.is(read(name), readFileSync(join(folder, name), 'utf8')),
);

claims('man pages and completions', {
  'there is a page for each program, and a completion for each that people type': () => {
    assert.equal(made('man'), [...PAGES]);
    assert.equal(
      made('completions'),
      ['natpmp-client', 'natpmp-server', 'natpmpctl'].flatMap((program) =>
        ['bash', 'fish', 'zsh'].map((shell) => `${program}.${shell}`),
      ),
    );
    assert.equal(readdirSync(join(PROJECT, 'completions')).sort(), made('completions'));
  },
});

/** The flags that --help tells of. */
const flagsOf = (...args: readonly string[]) => {
  const { stdout } = spawnSync(process.execPath, [...args, '--help'], { cwd: PROJECT, encoding: 'utf8' });
  return [...stdout.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)]
    .map(([, flag = '']) => flag)
    .filter((flag) => flag !== '--help');
};

/** The rows of a part of the reference, as cells. */
const reference = read('docs/reference.md');
const rowsOf = (heading: string) =>
  (new RegExp(`^## ${heading}\\n([\\s\\S]*?)(?=^## |(?![\\s\\S]))`, 'm').exec(reference)?.[1] ?? '')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| /, '')));
const keys = rowsOf('Flags and keys of the gateway');

claims('docs/reference.md', {
  'has each key of the configuration file, and each flag of the three programs': () => {
    const listed = keys.map(([flag = '']) => /[\w-]+(?=`$)/.exec(flag)?.[0].replace(/^--/, '') ?? flag);
    assert.equal(listed.sort(), SETTINGS.map(({ name }) => name).sort());
    const all = [...keys, ...rowsOf('Flags that are no keys')].map(
      ([flag = '']) => /--(?:no-)?[\w-]+/.exec(flag)?.[0] ?? '',
    );
    const missing = ['cli/natpmp-server.js', 'frontend/main.js', 'upnp/main.js', 'helper/main.js']
      .flatMap((script) => flagsOf(`dist/${script}`))
      .filter((flag) => !all.includes(flag));
    assert.equal(missing, ['--hairpin'], 'which is there as --no-hairpin');
  },
  'says what limits and defaults are, as the programs do': () => {
    const row = (flag: string) => keys.find(([first]) => first === `\`${flag}\``)?.slice(1, 5);
    assert.equal(row('--listen-port'), [
      '1 to 65534',
      '5351; with --sandbox 15351, on 127.0.0.1',
      'server, helper, ruleset',
      'restart',
    ]);
    assert.equal(row('--max-lifetime'), [
      'seconds, 1 to 4294967294',
      '`86400`',
      'server, frontend, upnp, helper',
      'reload',
    ]);
    assert.equal(row('--new-mappings-per-ip'), [
      '1 to 262140',
      'twice the largest quota, at least 64',
      'helper',
      'reload',
    ]);
    assert.equal(row('--require-public-address'), ['switch', '`no`', 'server, frontend, upnp', 'reload']);
  },
  'names an option of the NixOS module beside each flag that has one': () => {
    const page = read('docs/nixos.md');
    const options = keys
      .map(([flag = '', , , , , nixos = '']) => ({ flag, nixos }))
      .filter(({ nixos }) => nixos !== '');
    assert.ok(options.length >= 20, `${options.length}`);
    for (const { flag, nixos } of options) assert.ok(page.includes(`| ${nixos} |`), `${flag}: ${nixos}`);
    assert.is(options.find(({ flag }) => flag === '`--max-mappings-per-ip`')?.nixos, '`maxMappingsPerClient`');
  },
});

if (!has('mandoc')) skip('man pages', 'no mandoc (Debian: mandoc)');
else {
  cases(
    'man page',
    PAGES.map((name) => ({ name })),
    ({ name }) => {
      const path = join(PROJECT, 'man', name);
      const lint = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning', path], { encoding: 'utf8' });
      assert.is(lint.stdout + lint.stderr, '');
      const text = spawnSync('mandoc', ['-T', 'ascii', '-O', 'width=78', path], { encoding: 'utf8' }).stdout.replace(
        /.\x08/g,
        '',
      );
      assert.not.match(text, /@[A-Z]+@/);
      for (const section of ['NAME', 'SYNOPSIS', 'DESCRIPTION', 'OPTIONS', 'EXIT STATUS', 'SEE ALSO'])
        assert.match(text, new RegExp(`^${section}$`, 'm'));
      for (const line of text.split('\n')) assert.ok(line.length <= 80, line);
    },
  );
  cases(
    'man page has each flag of',
    [
      { name: 'natpmp-server', page: 'natpmp-server.8', flags: flagsOf('dist/cli/natpmp-server.js'), least: 15 },
      { name: 'natpmp-helper', page: 'natpmp-helper.8', flags: flagsOf('dist/helper/main.js'), least: 15 },
      { name: 'natpmpctl doctor', page: 'natpmpctl.8', flags: flagsOf('dist/cli/natpmpctl.js', 'doctor'), least: 7 },
    ],
    ({ page, flags, least }) => {
      const text = read(`man/${page}`).replaceAll('\\-', '-');
      assert.ok(flags.length >= least, flags.join(' '));
      for (const flag of flags) assert.ok(text.includes(`\n\\fB${flag}\\fR`), flag);
    },
  );
}

/** Commands of ours in the documents: "natpmpctl list --sort bytes". */
const DOCUMENTS = ['README.md', ...readdirSync(join(PROJECT, 'docs')).map((file) => `docs/${file}`)];
const shown = DOCUMENTS.flatMap((file) =>
  [...read(file).matchAll(/\bnatpmpctl ([a-z]+)((?: [^\s`#|]+)*)/g)].map(([whole, command = '', rest = '']) => ({
    name: `${file}: ${whole.slice(0, 60)}`,
    command,
    flags: rest.match(/--[a-z-]+/g) ?? [],
  })),
).filter(({ command }) => command !== 'has' && command !== 'shows');

cases('what the documents show natpmpctl do, it has', shown, ({ command, flags }) => {
  const page = read('man/natpmpctl.8').replaceAll('\\-', '-');
  const part = new RegExp(`^\\.SS ${command}\\b[\\s\\S]*?(?=^\\.S[SH] )`, 'm').exec(page)?.[0] ?? '';
  assert.ok(part !== '', `no command ${command}`);
  for (const flag of flags)
    assert.ok(part.includes(`\\fB${flag}\\fR`) || ['--json', '--socket', '--help'].includes(flag), flag);
});

/** What bash offers for the words, the last of which is being typed. */
function bashOffers(program: string, ...words: readonly string[]): string[] {
  const script = `
    source completions/${program}.bash
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    $(complete -p ${program} | sed 's/.*-F \\([^ ]*\\).*/\\1/')
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', script, 'bash', program, ...words], {
    cwd: PROJECT,
    encoding: 'utf8',
  });
  assert.is(stderr, '');
  return stdout.split('\n').filter((word) => word !== '');
}
/** The same for fish, of several lines at once: it takes its time to start. */
function fishOffers(lines: readonly (readonly string[])[]): string[][] {
  const script = [
    'for file in completions/*.fish; source $file; end',
    ...lines.map((words) => `complete -C '${words.join(' ')}'; echo @@`),
  ].join('\n');
  const { stdout, stderr } = spawnSync('fish', ['--no-config', '-c', script], {
    cwd: PROJECT,
    encoding: 'utf8',
    env: { ...process.env, HOME: folder },
  });
  assert.is(stderr, '');
  return stdout.split('@@\n').map((part) => (`\n${part}`.match(/(?<=\n)[^\t\n]+/g) ?? []).sort());
}

interface Offer {
  readonly name: string;
  readonly words: readonly [program: string, ...words: string[]];
  readonly want: readonly string[];
}
const OFFERS: readonly Offer[] = [
  { name: 'commands', words: ['natpmpctl', 're'], want: ['remove', 'revoke'] },
  { name: 'flags of a command', words: ['natpmpctl', 'list', '--so'], want: ['--socket', '--sort'] },
  { name: 'flags of another', words: ['natpmpctl', 'revoke', '--y'], want: ['--yes'] },
  { name: 'no flags of another', words: ['natpmpctl', 'status', '--sor'], want: [] },
  { name: 'values', words: ['natpmpctl', 'list', '--sort', 'p'], want: ['packets', 'port'] },
  { name: 'a protocol as an argument', words: ['natpmpctl', 'add', 'u'], want: ['udp'] },
  {
    name: 'flags of the server',
    words: ['natpmp-server', '--max-'],
    want: ['--max-lifetime', '--max-mappings', '--max-mappings-per-ip'],
  },
  { name: 'log levels', words: ['natpmp-server', '--log-level', 'd'], want: ['debug'] },
  { name: 'interfaces', words: ['natpmp-server', '--listen-interface', 'l'], want: ['lo'] },
  { name: 'commands after the host', words: ['natpmp-client', '192.168.1.1', 'm'], want: ['map'] },
  { name: 'flags after the host', words: ['natpmp-client', '192.168.1.1', 'watch', '--c'], want: ['--count'] },
];
const files: Offer = {
  name: 'files',
  words: ['natpmpctl', 'list', '--hosts', `${folder}/a`],
  want: [`${folder}/a file`],
};
writeFileSync(join(folder, 'a file'), '');

claims('bash, of an interface whose name is a command', {
  'neither runs it nor offers it': () => {
    const pwned = join(folder, 'pwned');
    // What /sys/class/net has is not ours to change: the name comes from a folder of ours.
    const net = join(folder, 'net');
    for (const name of ['x$(>pwned)', 'x`>pwned`', 'x;>pwned', 'xlan0'])
      mkdirSync(join(net, name), { recursive: true });
    const script = `
      source <(sed 's,/sys/class/net,'"$1"',' completions/natpmp-server.bash)
      complete_in() { local PROJECT=$PWD; COMP_WORDS=(natpmp-server --listen-interface x); COMP_CWORD=2; _natpmp_server; }
      complete_in
      cd "$2" && complete_in
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', script, 'bash', net, folder], {
      cwd: PROJECT,
      encoding: 'utf8',
    });
    assert.is(stderr, '');
    assert.is(stdout, 'xlan0\n');
    assert.not.ok(existsSync(pwned) || existsSync(join(PROJECT, 'pwned')));
  },
});

cases('bash offers', [...OFFERS, files], ({ words: [program, ...words], want }) =>
  assert.equal(bashOffers(program, ...words).sort(), want),
);

if (!has('fish')) skip('completion in fish', 'no fish (Debian: fish)');
else {
  const offers = fishOffers(OFFERS.map(({ words }) => words));
  cases(
    'fish offers',
    OFFERS.map((row, index) => ({ ...row, index })),
    ({ want, index }) => assert.equal(offers[index], want),
  );
}

if (!has('zsh')) skip('completion in zsh', 'no zsh (Debian: zsh)');
else {
  for (const program of ['natpmpctl', 'natpmp-client', 'natpmp-server'])
    copyFileSync(join(PROJECT, `completions/${program}.zsh`), join(folder, `_${program}`));
  claims('zsh completes, at its prompt', {
    'commands, flags, values and arguments': async () => {
      const shell = new Terminal(['zsh', '-f', '-i']);
      shell.type(
        `PS1='>'; zle_highlight=(none); fpath=(${folder} $fpath); autoload -Uz compinit && compinit -u -D && print be''gun\n`,
      );
      await shell.shows(/begun\r\n/);
      for (const [typed, want] of [
        ['natpmpctl sho', /natpmpctl show /],
        ['natpmpctl list --sor', /natpmpctl list --sort /],
        ['natpmpctl list --sort by', /--sort bytes /],
        ['natpmpctl add u', /natpmpctl add udp /],
        ['natpmp-client 192.168.1.1 m', /192\.168\.1\.1 map /],
        ['natpmp-client 192.168.1.1 watch --co', /watch --count /],
        ['natpmp-client 192.168.1.1 map 1 2 t', /map 1 2 tcp /],
        ['natpmp-server --sand', /natpmp-server --sandbox /],
        ['natpmp-server --log-level deb', /--log-level debug /],
      ] as const) {
        shell.forget();
        shell.type(`${typed}\t`);
        await shell.shows(want);
        shell.type('\x15'); // and the line is deleted
      }
      shell.type('exit\n');
      await shell.shows(/\[0\]/);
    },
  });
}
