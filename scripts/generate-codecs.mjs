// Writes the static protobuf codecs. Static, because both daemons run with --disallow-code-generation-from-strings,
// under which protobufjs' reflection cannot work. With an argument, writes below that folder (a test compares).
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const into = process.argv[2] ?? '.';
const bin = (name) => join('node_modules', 'protobufjs-cli', 'bin', name);
const scratch = mkdtempSync(join(tmpdir(), 'natpmp-codecs-'));

/**
 * The same schema without its oneofs, which is the same on the wire. For each message with one, the generated decoder
 * would delete all other fields of it, and nobody reads which field was set.
 */
function withoutOneofs(schema) {
  const path = join(scratch, basename(schema));
  writeFileSync(path, readFileSync(schema, 'utf8').replace(/^ *oneof \w+ \{\n([^}]*)\}\n/gm, '$1'));
  return path;
}

for (const [schema, folder, name] of [
  ['proto/helper.proto', 'proto/generated', 'helper'],
  ['helper/journal/journal.proto', 'helper/journal/generated', 'journal'],
]) {
  const options = [
    '-r',
    name,
    '--no-create',
    '--no-verify',
    '--no-convert',
    '--no-delimited',
    '--no-service',
    '--no-typeurl',
    '--force-number',
  ];
  const js = join(into, folder, `${name}.js`);
  mkdirSync(join(into, folder), { recursive: true });
  execFileSync(
    process.execPath,
    [
      bin('pbjs'),
      '-t',
      'static-module',
      '-w',
      'es6',
      '--es6',
      '--dependency',
      'protobufjs/minimal.js',
      ...options,
      '-o',
      js,
      withoutOneofs(schema),
    ],
    { stdio: 'inherit' },
  );
  execFileSync(process.execPath, [bin('pbts'), '-o', join(into, folder, `${name}.d.ts`), js], { stdio: 'inherit' });
  const head = `// Generated from ${schema} by \`npm run proto\`. Do not edit.\n`;
  for (const file of [js, js.replace(/js$/, 'd.ts')]) writeFileSync(file, head + readFileSync(file, 'utf8'));
}
rmSync(scratch, { recursive: true });
