// Writes man pages, shell completions and docs/reference.md, from --help of the programs, so they cannot
// disagree. The words around it are in man/*.in. With an argument, writes below that folder (a test compares).
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bash } from './manuals/bash.mjs';
import { fish } from './manuals/fish.mjs';
import { readHelp } from './manuals/help.mjs';
import { page } from './manuals/page.mjs';
import { reference } from './manuals/reference.mjs';
import { zsh } from './manuals/zsh.mjs';

const into = process.argv[2] ?? '.';
const write = (path, text) => {
  mkdirSync(join(into, path, '..'), { recursive: true });
  writeFileSync(join(into, path), text);
};

/** `host`: a word before the command. */
const PROGRAMS = [
  { name: 'natpmp-server', script: 'dist/cli/natpmp-server.js', section: 8, completes: true },
  { name: 'natpmp-helper', script: 'dist/helper/main.js', section: 8, completes: false },
  { name: 'natpmp-frontend', script: 'dist/frontend/main.js', section: 8, completes: false },
  { name: 'natpmp-upnp', script: 'dist/upnp/main.js', section: 8, completes: false },
  { name: 'natpmpctl', script: 'dist/cli/natpmpctl.js', section: 8, completes: true },
  { name: 'natpmp-client', script: 'dist/cli/natpmp-client.js', section: 1, completes: true, host: true },
];

const helps = new Map();
/** `natpmp-server ruleset` has flags of its own. */
helps.set('natpmp-ruleset', await readHelp({ script: 'dist/cli/natpmp-server.js', words: ['ruleset'] }));
const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
for (const program of PROGRAMS) {
  const help = await readHelp(program);
  helps.set(program.name, help);
  const file = `man/${program.name}.${program.section}`;
  write(file, page(readFileSync(`${file}.in`, 'utf8'), { ...program, version }, help, helps.get('natpmp-ruleset')));
  if (!program.completes) continue;
  for (const [shell, make] of Object.entries({ bash, zsh, fish }))
    write(`completions/${program.name}.${shell}`, make(program, help));
}
write('docs/reference.md', reference(helps));
