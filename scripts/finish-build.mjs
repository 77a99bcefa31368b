// Completes the build: copies the generated codecs, the page of natpmpctl web and the flags of node, and sets the executable
// bit of programs.
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
