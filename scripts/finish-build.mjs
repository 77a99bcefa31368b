// What the compiler leaves undone: the generated codecs are JavaScript already, the page of natpmpctl web is more than
// scripts, the flags of node are data, and programs want their executable bit.
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';

for (const folder of ['proto', 'helper/journal']) {
  cpSync(`${folder}/generated`, `dist/${folder}/generated`, {
    recursive: true,
    filter: (path) => !path.endsWith('.ts'),
  });
}
mkdirSync('dist/cli/web', { recursive: true });
for (const file of ['page.html', 'page.css', 'icon.svg']) cpSync(`cli/web/${file}`, `dist/cli/web/${file}`);
cpSync('cli/server/node-flags.json', 'dist/cli/server/node-flags.json');
for (const program of Object.values(JSON.parse(readFileSync('package.json', 'utf8')).bin)) {
  if (existsSync(program)) chmodSync(program, 0o755);
}
