// Runs every test file in a process of its own and adds up: `node dist/test/run.js [PART OF A FILE NAME ...]`.
// Fails when a file fails, declares no test, or ends without saying what it did.

import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';

const FOLDER = import.meta.dirname;
/** A file that takes longer than this hangs, in milliseconds. */
const FILE_DEADLINE_MS = 600_000;

interface Tally {
  readonly declared: number;
  readonly passed: number;
  readonly skipped: readonly string[];
}

const wanted = process.argv.slice(2);
const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.js') && (wanted.length === 0 || wanted.some((part) => file.includes(part))))
  .sort();

/** These measure times, or load the machine: they run alone, behind all others. */
const ALONE =
  /^(flood|hostile|torture)\/|^(nix\/switch|systemd\/survive|cli\/client-keep|upnp\/ssdp-lan|helper\/server-connections)\./;
/** These take longest, so they begin first. */
const LONG = /^(interop|systemd|system)\//;
/** How many of the others run at once: they wait for other programs most of the time. */
const AT_ONCE = 4;

let passed = 0;
let failed = 0;
const skipped: string[] = [];
const failedFiles: string[] = [];

const beside = files.filter((file) => !ALONE.test(file));
const queue = [...beside.filter((file) => LONG.test(file)), ...beside.filter((file) => !LONG.test(file))];
await Promise.all(Array.from({ length: AT_ONCE }, () => runNext()));
for (const file of files) if (ALONE.test(file)) await run(file, false);

if (files.length === 0) {
  console.error('no test file matches');
  failed++;
}
for (const what of skipped) console.log(`SKIPPED ${what}`);
for (const file of failedFiles) console.log(`FAILED ${file}`);
console.log(`\n${passed} passed, ${failed} failed, ${skipped.length} skipped`);
process.exitCode = failed === 0 ? 0 : 1;

/** Run what is left of the queue, one after the other. */
async function runNext(): Promise<void> {
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) await run(file, true);
}

/** `isBeside`: what the file prints is shown when it has ended. */
async function run(file: string, isBeside: boolean): Promise<void> {
  const title = `\n${relative(process.cwd(), join(FOLDER, file))}`;
  if (!isBeside) console.log(title);
  const { status, tally, output } = await runFile(join(FOLDER, file), isBeside);
  if (isBeside) console.log(`${title}\n${output}`);
  passed += tally?.passed ?? 0;
  // A file that dies without a tally, or runs nothing, has failed once, whatever it meant to do.
  const missing = tally === null ? 1 : tally.declared - tally.passed;
  const idle = tally !== null && tally.declared === 0 && tally.skipped.length === 0;
  const wrong = Math.max(missing, status === 0 && !idle ? 0 : 1);
  failed += wrong;
  if (wrong > 0) failedFiles.push(file);
  skipped.push(...(tally?.skipped ?? []));
}

interface Ended {
  readonly status: number | null;
  readonly tally: Tally | null;
  readonly output: string;
}

function runFile(path: string, isBeside: boolean): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(FOLDER, 'support', 'run-file.js'), path], {
      stdio: ['ignore', isBeside ? 'pipe' : 'inherit', isBeside ? 'pipe' : 'inherit', 'pipe'],
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), FILE_DEADLINE_MS);
    let said = '';
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
    child.stdio[3]?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    child.on('close', (status) => {
      clearTimeout(timer);
      resolve({ status, output, tally: said === '' ? null : (JSON.parse(said) as Tally) });
    });
  });
}
