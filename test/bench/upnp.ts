// Measures UPnP on this machine: `node dist/test/bench/upnp.js [flags]`. How long a program waits from its search to a
// mapped port, with us and with miniupnpd, and what natpmp-upnp costs while nobody asks. Everything happens in network
// namespaces of its own and in a temporary folder.

import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { NEIGHBOUR } from '../load/mappings.js';
import type { MeasuredGateway } from '../load/measured-gateway.js';
import { MeasuredServer } from '../load/measured-server.js';
import { cpuMicroseconds } from '../load/processes.js';
import { must } from '../support/run.js';
import { measureIdle } from './idle.js';
import { Miniupnpd } from './miniupnpd.js';
import { miniupnpdProgram } from './miniupnpd-package.js';
import { ownNode } from './machine.js';
import { type Steps, type UpnpFigures, upnpReport } from './upnp-figures.js';

const USAGE = `usage: node dist/test/bench/upnp.js [flags]
  --rounds N      rounds of each gateway (100)
  --seconds N     of the idle measurement (20)`;
/** Gateways take turns with so many rounds. */
const A_TURN = 10;
const PORTS_A_HOST = 252;

const options = parse();
if (process.getuid?.() !== 0) {
  console.error('bench: needs root, for network namespaces');
  process.exit(77);
}
const folder = mkdtempSync(join(tmpdir(), 'natpmp-bench-'));
chmodSync(folder, 0o755); // the helper's user has to get through
const gateways: MeasuredGateway[] = [];
try {
  for (const [name, flags] of [
    ['natpmp-server --upnp', ['--upnp']],
    ['natpmp-server', []],
  ] as const)
    gateways.push(
      await MeasuredServer.open({
        name: name.replaceAll(' ', ''),
        flags,
        folder,
        portsAHost: PORTS_A_HOST,
        hardware: 'many devices',
        node: ownNode(folder, name.replaceAll(' ', '')),
      }),
    );
  const rival = await miniupnpdProgram();
  if ('why' in rival) console.error(`bench: NOT MEASURED: miniupnpd: ${rival.why}`);
  else gateways.push(await Miniupnpd.open(rival, folder, PORTS_A_HOST, 1000, { upnp: true }));
  const [ours, , ...others] = gateways;
  if (ours === undefined) throw new Error('there is a first gateway');
  const asked = [ours, ...others];
  // Announced three times at the start: that is no idling.
  const idle = await measureIdle(gateways, 0, options.seconds);
  console.log(upnpReport(await measure(asked), idle));
} finally {
  for (const gateway of gateways) await gateway.close();
  rmSync(folder, { recursive: true, force: true });
}

async function measure(asked: readonly MeasuredGateway[]): Promise<UpnpFigures[]> {
  const all = asked.map(({ name }) => ({ gateway: name, steps: [] as Steps[], spent: {} as Record<string, number> }));
  for (const gateway of asked) await rounds(gateway, A_TURN); // warms the programs up
  for (let done = 0; done < options.rounds; done += A_TURN) {
    for (const [index, gateway] of asked.entries()) {
      const figures = all[index]!;
      const before = spent(gateway);
      figures.steps.push(...(await rounds(gateway, A_TURN)));
      for (const [role, micros] of Object.entries(spent(gateway)))
        figures.spent[role] = (figures.spent[role] ?? 0) + micros - (before[role] ?? 0);
    }
  }
  return all.map(({ gateway, steps, spent: micros }) => ({
    gateway,
    steps,
    cpu: Object.fromEntries(Object.entries(micros).map(([role, value]) => [role, value / 1000 / steps.length])),
  }));
}

async function rounds({ network }: MeasuredGateway, count: number): Promise<Steps[]> {
  const [program, ...args] = network.neighbour.entranceUntilOurEnd();
  const point = join(import.meta.dirname, 'control-point.js');
  return JSON.parse(await must(program, [...args, process.execPath, point, NEIGHBOUR, String(count)])) as Steps[];
}

function spent(gateway: MeasuredGateway): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(gateway.pids()).map(([role, pid]) => [role, cpuMicroseconds(pid)]));
}

function parse(): { readonly rounds: number; readonly seconds: number } {
  try {
    const { values } = parseArgs({ options: { rounds: { type: 'string' }, seconds: { type: 'string' } } });
    const number = (text: string | undefined, preset: number): number => {
      const value = Number(text ?? preset);
      if (!(value >= 1 && value <= 10_000)) throw new Error(`${text}: give a number from 1 to 10000`);
      return value;
    };
    return { rounds: number(values.rounds, 100), seconds: number(values.seconds, 20) };
  } catch (error) {
    console.error(`bench: ${(error as Error).message}\n${USAGE}`);
    process.exit(2);
  }
}
