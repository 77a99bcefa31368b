// Measures natpmp-server on this machine: `npm run bench -- [flags]`. Everything happens in network namespaces of its
// own and in a temporary folder; figures go to the standard output, what it is doing to the standard error.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cleanUp } from '../support/cases.js';
import type { MeasuredGateway } from '../load/measured-gateway.js';
import { machineNow, openPlain, openRival, openServers } from './machine.js';
import { parseOptions, USAGE, type Options } from './options.js';
import { plot } from './plot.js';
import { machineText, report, type Figures } from './report.js';
import { MeasuredServer } from '../load/measured-server.js';
import { measureFull, measureMemory, measureSizes, type Stage } from './stages.js';

const options = parseOptions(process.argv.slice(2));
if (typeof options === 'string') {
  console.error(`bench: ${options}\n${USAGE}`);
  process.exit(2);
}
if (process.getuid?.() !== 0) {
  console.error('bench: needs root, for network namespaces');
  process.exit(77);
}
const gateways: MeasuredGateway[] = [];
const failures: string[] = [];
const folder = mkdtempSync(join(options.folder ?? tmpdir(), 'natpmp-bench-'));
chmodSync(folder, 0o755); // the helper's user has to get through
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void tidyUp().then(() => process.exit(1)));
try {
  const figures = await measure(options);
  console.log(report(figures));
  if (options.json !== null) writeFileSync(options.json, `${JSON.stringify(figures, null, 1)}\n`);
  if (options.plot !== null) writeFileSync(options.plot, plot(figures.requests, machineText(figures)));
  for (const failure of failures) console.error(`bench: FAILED: ${failure}`);
  process.exitCode = failures.length === 0 ? 0 : 1;
} finally {
  await tidyUp();
}

async function measure(options: Options): Promise<Figures> {
  const before = machineNow(folder);
  const servers = await openServers(folder, options.hosts, gateways);
  const isScale = options.isFull || options.isMemory;
  const plain = isScale ? null : await openPlain(folder, options.hosts, gateways);
  const rival = isScale ? null : await openRival(folder, options, gateways);
  const rivals = rival === null ? [] : [rival.gateway];
  const stage: Stage = { servers, plain, rivals, folder, options, say, attempt };
  const measured = await (options.isFull
    ? measureFull(stage)
    : options.isMemory
      ? measureMemory(stage)
      : measureSizes(stage));
  const machine = {
    ...before,
    ...(rival === null ? {} : { miniupnpd: rival.version }),
    loadAfter: machineNow(folder).loadBefore,
    seconds: process.uptime(),
  };
  const nothing = {
    limits: [],
    requests: [],
    memory: [],
    idle: [],
    wear: [],
    renewals: [],
    packets: [],
    restarts: [],
    full: [],
  };
  return { machine, rounds: options.rounds, failures, ...nothing, ...measured };
}

/** What fails with one gateway is said at the end, and is no reason to lose the rest. */
async function attempt(gateway: MeasuredGateway, action: () => Promise<void>): Promise<boolean> {
  try {
    await action();
    return true;
  } catch (error) {
    const words = gateway instanceof MeasuredServer ? `; the gateway's last words:\n${gateway.lastWords()}` : '';
    failures.push(`${gateway.name}: ${(error as Error).message}${words}`);
    return false;
  }
}

async function tidyUp(): Promise<void> {
  for (const gateway of gateways.splice(0)) await gateway.close();
  await cleanUp();
  rmSync(folder, { recursive: true, force: true });
}

function say(what: string): void {
  process.stderr.write(`bench: ${what}\n`);
}
