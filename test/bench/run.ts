// Measures natpmp-server on this machine: `npm run bench -- [flags]`. Everything happens in network namespaces of its own
// and in a temporary folder; figures go to the standard output, what it is doing to the standard error.

import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { cleanUp } from '../support/cases.js';
import { checkFullSpace, type FullFigures } from './full.js';
import { fileSystemOf, Limits } from './limits.js';
import { MOST_MAPPINGS } from './mappings.js';
import { parseOptions, USAGE, type Options } from './options.js';
import { Miniupnpd } from './miniupnpd.js';
import { miniupnpdProgram } from './miniupnpd-package.js';
import { report, type Figures } from './report.js';
import { drain, fill, measureRequests } from './requests.js';
import { measureRestarts, type RestartFigures } from './restarts.js';
import { Rig } from './rig.js';

/** The gateways that are compared: as in production, and as it would be without --jitless. */
const VARIANTS = [{ name: 'jitless', flags: [] }, { name: 'jit', flags: ['--jit'] }] as const;

const options = parseOptions(process.argv.slice(2));
if (typeof options === 'string') {
  console.error(`bench: ${options}\n${USAGE}`);
  process.exit(2);
}
if (process.getuid?.() !== 0) {
  console.error('bench: needs root, for network namespaces');
  process.exit(77);
}
const rigs: Rig[] = [];
const rivals: Miniupnpd[] = [];
const failures: string[] = [];
const folder = mkdtempSync(join(options.folder ?? tmpdir(), 'natpmp-bench-'));
chmodSync(folder, 0o755); // the helper's user has to get through
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void tidyUp().then(() => process.exit(1)));
try {
  const figures = await measure(options);
  console.log(report(figures));
  if (options.json !== null) writeFileSync(options.json, `${JSON.stringify(figures, null, 1)}\n`);
  for (const failure of failures) console.error(`bench: FAILED: ${failure}`);
  process.exitCode = failures.length === 0 ? 0 : 1;
} finally {
  await tidyUp();
}

async function measure(options: Options): Promise<Figures> {
  const loadBefore = loadavg()[0] ?? NaN;
  const portsAHost = Math.ceil(MOST_MAPPINGS / 2 / options.hosts);
  for (const variant of VARIANTS) rigs.push(await Rig.open({ ...variant, folder, portsAHost, node: ownNode(variant.name) }));
  const versions = options.isFull ? {} : await openRival(options, portsAHost);
  const measured = options.isFull ? await measureFull() : await measureSizes(options);
  const machine = {
    kernel: release(), node: process.versions.node, ...versions, cpu: cpus()[0]?.model ?? '?', cores: cpus().length,
    fileSystem: fileSystemOf(folder), loadBefore, loadAfter: loadavg()[0] ?? NaN,
  };
  return { machine, rounds: options.rounds, limits: [], requests: [], memory: [], restarts: [], full: [], failures, ...measured };
}

/** A copy of this node for each gateway: what it shares with other programs on the machine would count as theirs. */
function ownNode(name: string): string {
  const path = join(folder, `node-${name}`);
  copyFileSync(process.execPath, path);
  chmodSync(path, 0o755);
  return path;
}

async function openRival({ miniupnpd: most }: Options, portsAHost: number): Promise<{ readonly miniupnpd?: string }> {
  if (most === null) return {};
  const program = await miniupnpdProgram();
  if ('why' in program) {
    console.error(`bench: NOT MEASURED: miniupnpd: ${program.why}`);
    return {};
  }
  try {
    rivals.push(await Miniupnpd.open(program, folder, portsAHost, most));
    return { miniupnpd: program.version };
  } catch (error) {
    console.error(`bench: NOT MEASURED: miniupnpd: ${(error as Error).message}`);
    return {};
  }
}

async function measureSizes(options: Options): Promise<Partial<Figures>> {
  say('limits of this machine');
  const held = Math.max(...options.sizes);
  const limits = await Limits.open(folder, held, options.widths);
  const { requests, memory } = await measureRequests([...rigs, ...rivals], limits, options, say);
  limits.close();
  const leases = options.restartLeases;
  const restarts: RestartFigures[] = [];
  for (const rig of leases === 0 ? [] : rigs) {
    await attempt(rig, async () => {
      await fill(rig, held, leases);
      await drain(rig, leases, held);
      await measureRestarts(rig, leases, restarts, say);
    });
  }
  return { limits: limits.figures(), requests, memory, restarts };
}

async function measureFull(): Promise<Partial<Figures>> {
  const full: FullFigures[] = [];
  for (const rig of rigs) {
    const figures: FullFigures = { steps: [], memory: [], restarts: [] };
    full.push(figures);
    await attempt(rig, () => checkFullSpace(rig, figures, say));
  }
  return { full };
}

/** What fails with one gateway is said at the end, and is no reason to lose the rest. */
async function attempt(rig: Rig, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    failures.push(`${rig.name}: ${(error as Error).message}; the gateway's last words:\n${rig.lastWords()}`);
  }
}

async function tidyUp(): Promise<void> {
  for (const gateway of [...rigs.splice(0), ...rivals.splice(0)]) await gateway.close();
  await cleanUp();
  rmSync(folder, { recursive: true, force: true });
}

function say(what: string): void {
  process.stderr.write(`bench: ${what}\n`);
}
