// Everything that can befall a gateway, for as long as it takes: `npm run torture -- [flags]`. All of it happens in
// network namespaces of its own and in temporary folders. Reports go to the standard output; exit status 1 where
// anything was lost.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import type { Part } from './options.js';
import { parseOptions, shares, USAGE } from './options.js';
import type { Report } from './report.js';
import { added, isClean, reportText } from './report.js';

/** Longer than a part ever took, on a machine that was busy with other things as well, in milliseconds. */
const PART_MS = 1_200_000;
const KILL_MS = 6000;

const options = parseOptions(process.argv.slice(2), Date.now() >>> 0);
if (typeof options === 'string') {
  console.error(`torture: ${options}\n${USAGE}`);
  process.exit(2);
}
if (process.getuid?.() !== 0) {
  console.error('torture: needs root, for network namespaces');
  process.exit(77);
}

const running = new Set<ChildProcess>();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    for (const child of running) child.kill('SIGTERM');
    process.exit(1);
  });
}

console.log(
  `torture: seed ${options.seed}, Linux ${release()}, Node ${process.versions.node}, ` +
    `${cpus().length} x ${cpus()[0]?.model ?? '?'}`,
);
const failed: string[] = [];
for (const part of options.parts) if (!(await isPassed(part))) failed.push(part);
console.log(failed.length === 0 ? 'torture: nothing was lost' : `torture: FAILED: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;

async function isPassed(part: Part): Promise<boolean> {
  if (options === undefined || typeof options === 'string') return false;
  switch (part) {
    case 'kills':
      return isReported(
        part,
        await Promise.all(shares(options).map((share) => runPart(part, share, PART_MS + share.kills * KILL_MS))),
      );
    case 'faults':
    case 'journal':
      return isReported(part, [await runPart(part, { seed: options.seed }, PART_MS)]);
    case 'hostile':
    case 'flood':
      return runSuite(part);
  }
}

function isReported(part: Part, reports: readonly (Report | null)[]): boolean {
  const made = reports.filter((report) => report !== null);
  if (made.length > 0) console.log(reportText(added(made)));
  if (made.length < reports.length)
    console.log(`${part}: ${reports.length - made.length} of ${reports.length} runs came to no end`);
  return made.length === reports.length && made.every(isClean);
}

/** Null if it did not come to its end. */
function runPart(part: Part, task: object, withinMs: number): Promise<Report | null> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'part.js'), part, JSON.stringify(task)], {
      stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
    });
    running.add(child);
    const timer = setTimeout(() => child.kill('SIGTERM'), withinMs);
    let said = '';
    child.stdio[3]?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    child.on('close', () => {
      clearTimeout(timer);
      running.delete(child);
      resolve(said === '' ? null : (JSON.parse(said) as Report));
    });
  });
}

/** A suite that reports by itself. */
function runSuite(part: Part): Promise<boolean> {
  const program = join(import.meta.dirname, `../${part}/run.js`);
  if (!existsSync(program)) {
    console.log(`${part}: SKIPPED: there is no ${program}`);
    return Promise.resolve(process.env['REQUIRE_ALL'] !== '1');
  }
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [program, '--long'], { stdio: ['ignore', 'inherit', 'inherit'] });
    running.add(child);
    const timer = setTimeout(() => child.kill('SIGTERM'), PART_MS);
    child.on('close', (status) => {
      clearTimeout(timer);
      running.delete(child);
      if (status !== 0) console.log(`${part}: exit status ${status}`);
      resolve(status === 0);
    });
  });
}
