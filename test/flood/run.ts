// Storms from hostile LAN hosts, beside a client that behaves: `node dist/test/flood/run.js [flags]`. Prints a table,
// and ends with status 1 where what must always hold did not (judge.ts). Everything happens in network namespaces of
// its own.

import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MeasuredServer } from '../load/measured-server.js';
import { percentile } from '../load/statistics.js';
import { rounded, table } from '../load/text-table.js';
import type { Seen } from './client.js';
import { complaints } from './judge.js';
import { CONNECTION_STORMS, isOfConnections, isOfSsdp, PCP_STORMS, SSDP_STORMS, STORMS } from './storm.js';
import { FLAGS, trial, type Trial, UPNP_FLAGS } from './trial.js';

const USAGE = `usage: node dist/test/flood/run.js [flags]
  --long          storms of 30 seconds (5)
  --seconds N     or of so many, 300 at most
  --rate N        datagrams a second (100000)
  --hosts N       forged addresses they come from (4000)
  --jit           the gateway without --jitless`;

const options = parse();
const folder = mkdtempSync(join(tmpdir(), 'natpmp-flood-'));
chmodSync(folder, 0o755); // the helper's user has to get through
const wrong: string[] = [];
const trials: Trial[] = [];
try {
  for (const storm of [...STORMS, ...PCP_STORMS, ...SSDP_STORMS, ...CONNECTION_STORMS]) {
    const flags = [
      ...(isOfSsdp(storm) || isOfConnections(storm) ? UPNP_FLAGS : FLAGS),
      ...(options.jit ? ['--jit'] : []),
    ];
    const gateway = await MeasuredServer.open({ name: storm, flags, folder, portsAHost: 252 });
    try {
      const result = await trial(gateway, { storm, ...options });
      trials.push(result);
      wrong.push(...complaints(result));
    } finally {
      await gateway.close();
    }
  }
  print();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = wrong.length === 0 ? 0 : 1;

function parse() {
  try {
    const { values } = parseArgs({
      options: {
        long: { type: 'boolean' },
        rate: { type: 'string' },
        seconds: { type: 'string' },
        hosts: { type: 'string' },
        jit: { type: 'boolean' },
      },
    });
    const number = (text: string | undefined, preset: number, most: number): number => {
      const value = Number(text ?? preset);
      if (!(value >= 1 && value <= most)) throw new Error(`${text}: give a number from 1 to ${most}`);
      return value;
    };
    return {
      seconds: number(values.seconds, values.long === true ? 30 : 5, 300),
      perSecond: number(values.rate, 100_000, 1_000_000),
      hosts: number(values.hosts, 4000, 30_000),
      jit: values.jit === true,
    };
  } catch (error) {
    console.error(`flood: ${(error as Error).message}\n${USAGE}`);
    process.exit(2);
  }
}

function print(): void {
  console.log(
    `Linux ${release()}, Node ${process.versions.node}, ${cpus().length} x ${cpus()[0]?.model}, ` +
      `load average ${rounded(loadavg()[0] ?? NaN)}`,
  );
  console.log(`storms of ${options.seconds} s from ${options.hosts} addresses; times of the client in milliseconds\n`);
  console.log(
    table(
      ['', 'sent/s', 'asked', 'p50', 'p99', 'longest', 'repeated', 'unanswered', 'wrong'],
      trials.flatMap((each) => [
        row(`${each.options.storm}, before`, 0, each.before),
        row('  during', each.sentPerSecond, each.during),
        row('  after', 0, each.after),
      ]),
    ),
  );
  console.log();
  console.log(
    table(
      [
        '',
        ...['frontend MB', 'helper MB', 'upnp MB', 'frontend CPU', 'helper CPU', 'upnp CPU'],
        ...['log bytes/s', 'mappings', 'hosts'],
      ],
      trials.map((each) => [
        each.options.storm,
        rounded(each.memory.frontend),
        rounded(each.memory.helper),
        each.memory.upnp === undefined ? '' : rounded(each.memory.upnp),
        rounded(each.cpu.frontend),
        rounded(each.cpu.helper),
        each.cpu.upnp === undefined ? '' : rounded(each.cpu.upnp),
        rounded(each.logBytesPerSecond),
        each.listed.count,
        each.listed.hosts,
      ]),
    ),
  );
  for (const what of wrong) console.log(`FAILED ${what}`);
}

function row(name: string, sent: number, { latencies, repeated, unanswered, wrong }: Seen): (string | number)[] {
  const ascending = latencies.toSorted((a, b) => a - b);
  const at = (share: number) => rounded(percentile(ascending, share));
  return [
    name,
    sent === 0 ? '' : rounded(sent),
    ascending.length,
    at(0.5),
    at(0.99),
    at(1),
    repeated,
    unanswered,
    wrong.length,
  ];
}
