// What the compiler leaves undone: the generated codecs are JavaScript already, and programs want their executable bit.
import { chmodSync, cpSync, existsSync, readFileSync } from 'node:fs';

for (const folder of ['proto', 'helper']) {
  cpSync(`${folder}/generated`, `dist/${folder}/generated`, { recursive: true, filter: (path) => !path.endsWith('.ts') });
}
for (const program of Object.values(JSON.parse(readFileSync('package.json', 'utf8')).bin)) {
  if (existsSync(program)) chmodSync(program, 0o755);
}
