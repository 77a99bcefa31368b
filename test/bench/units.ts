// What the sandbox costs: requests a second under the shipped units, in a real systemd, beside the same processes
// without it, started by natpmp-server. They take turns in one run: `node dist/test/bench/units.js [ROUNDS]`.

import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cleanUp } from '../support/cases.js';
import { Container } from '../systemd/container.js';
import { rootfs } from '../systemd/rootfs.js';
import { Generator } from '../load/generator.js';
import type { Op } from '../load/generator-protocol.js';
import { MOST_MAPPINGS } from '../load/mappings.js';
import { buildWideLan, type WideLan } from '../load/wide-lan.js';
import { MeasuredServer } from '../load/measured-server.js';
import { median } from '../load/statistics.js';

const WIDTH = 64;
const COUNT = 6000;
const PORTS_A_HOST = 252;
const JOBS: readonly { readonly kind: string; readonly op: Op; readonly count: number }[] = [
  { kind: 'address', op: 'address', count: 4 * COUNT },
  { kind: 'new', op: 'map', count: COUNT },
  { kind: 'renewal', op: 'map', count: COUNT },
  { kind: 'deletion', op: 'unmap', count: COUNT },
];

const rounds = Number(process.argv[2] ?? 5);
const root = await rootfs();
if (process.getuid?.() !== 0 || 'why' in root) {
  console.error(`bench: ${'why' in root ? root.why : 'needs root'}`);
  process.exit(77);
}
const folder = mkdtempSync(join(tmpdir(), 'natpmp-bench-'));
chmodSync(folder, 0o755);
const servers: MeasuredServer[] = [];
let world: WideLan | null = null;
try {
  for (const [name, flags] of [
    ['natpmp-server', []],
    ['natpmp-server --jit', ['--jit']],
  ] as const) {
    servers.push(
      await MeasuredServer.open({ name, flags, folder, portsAHost: PORTS_A_HOST, hardware: 'many devices' }),
    );
  }
  world = await buildWideLan('many devices');
  const generator = await underUnits(root.folder, world);
  const gateways = [{ name: 'the units', generator }, ...servers];
  const rates = new Map(
    gateways.map(({ name }) => [name, new Map<string, number[]>(JOBS.map(({ kind }) => [kind, []]))]),
  );
  for (let round = 0; round <= rounds; round++) {
    for (const { name, generator: asks } of gateways) {
      for (const { kind, op, count } of JOBS) {
        const done = await asks.load({ op, first: 0, span: COUNT, count, width: WIDTH });
        // The first round warms up.
        if (round > 0)
          rates
            .get(name)
            ?.get(kind)
            ?.push((done.count / done.elapsedMs) * 1000);
      }
    }
  }
  report(rates);
  generator.stop();
} finally {
  for (const server of servers) await server.close();
  await cleanUp();
  world?.close();
  rmSync(folder, { recursive: true, force: true });
}

/** The gateway as install.sh installs it, in the world's router. */
async function underUnits(rootFolder: string, { router, lan }: WideLan): Promise<Generator> {
  const box = await Container.boot(rootFolder, router.path, `natpmp-bench-${process.pid}`);
  await box.must('sh', '/src/systemd/install.sh', '--external-interface', 'wan0', '--listen-interface', 'br-lan');
  await box.sh(`printf 'denied-ports = none\\n' >>/etc/natpmp-server/gateway.conf
    sed -i 's/max-mappings-per-ip = 100/max-mappings-per-ip = ${MOST_MAPPINGS}/' /etc/natpmp-server/gateway.conf
    systemctl restart natpmp-server.target`);
  const generator = await Generator.start(lan, { portsAHost: PORTS_A_HOST });
  await generator.probe(0);
  await generator.load({ op: 'unmap', first: 0, span: 1, count: 1, width: 1 });
  return generator;
}

function report(rates: ReadonlyMap<string, ReadonlyMap<string, readonly number[]>>): void {
  console.log(`requests/s, ${WIDTH} outstanding, median of ${rounds} rounds (share of natpmp-server's)`);
  console.log(['', ...JOBS.map(({ kind }) => kind)].map((text) => text.padEnd(22)).join(''));
  for (const [name, byKind] of rates) {
    const cells = JOBS.map(({ kind }) => {
      const rate = median(byKind.get(kind) ?? []);
      return `${Math.round(rate)} (${(rate / median(rates.get('natpmp-server')?.get(kind) ?? [])).toFixed(2)})`;
    });
    console.log([name, ...cells].map((text) => text.padEnd(22)).join(''));
  }
}
