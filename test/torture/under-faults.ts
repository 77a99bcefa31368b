// Puts a gateway under the faults of fault-rows.ts, one after the other, and compares after each.

import { join } from 'node:path';
import { ROUTER } from '../support/lab.js';
import { Asker } from '../support/lab-pmp.js';
import { FaultControl } from './fault-control.js';
import type { FaultRow, Tortured } from './fault-rows.js';
import type { Report } from './report.js';
import { Rig } from './rig.js';

/** What the clients are told between two steps. */
const SOME = 30;
/** How soon the address is told, whatever has failed, in milliseconds. */
const ADDRESS_MS = 5000;

/** Null where there can be no lab. */
export async function openTortured(seed: number): Promise<Tortured | null> {
  let control: FaultControl | undefined;
  const rig = await Rig.open(seed, (lab) => {
    control = new FaultControl(join(lab.folder, 'faults'));
    process.env['TORTURE_FOLDER'] = control.folder; // for natpmpctl, whose clock has to be the gateway's
    return {
      wrap: ['unshare', '--mount', '--propagation', 'private'],
      env: { TORTURE_FOLDER: control.folder },
      ctl: ['--import', join(import.meta.dirname, 'faults.js')],
    };
  });
  return rig === null || control === undefined ? null : { rig, control };
}

/** Resolves with how often the fault struck; what is wrong afterwards is among the rig's findings. */
export async function underFault(tortured: Tortured, { name, says, isRestart, run }: FaultRow): Promise<number> {
  const { rig, control } = tortured;
  rig.clients.start();
  await rig.clients.more(SOME);
  const { server } = rig;
  const before = server.log.length;
  try {
    const [faults] = await Promise.all([run(tortured), isRestart === true ? null : address(tortured, name)]);
    rig.clients.start(); // some faults want them at rest
    await rig.server.answering();
    await rig.clients.more(SOME);
    await rig.check(name);
    if (says !== undefined && !says.test(server.log.slice(before)))
      rig.findings.other.push(`${name}: the gateway never said ${says}`);
    return faults;
  } finally {
    control.clear();
  }
}

/** LAN hosts are answered while the helper is in trouble. */
async function address({ rig }: Tortured, name: string): Promise<void> {
  const asker = await Asker.open(rig.lab.bob, ROUTER);
  await asker.ask('0000', ADDRESS_MS).catch((error: Error) => rig.findings.other.push(`${name}: ${error.message}`));
  asker.udp.close();
}

/** Null where there can be no lab. */
export async function runFaults(
  rows: readonly FaultRow[],
  seed: number,
  say: (what: string) => void,
): Promise<Report | null> {
  const beganAt = performance.now();
  const tortured = await openTortured(seed);
  if (tortured === null) return null;
  const { rig } = tortured;
  let faults = 0;
  for (const row of rows) {
    say(row.name);
    faults += await underFault(tortured, row);
  }
  await rig.server.stop();
  return {
    part: 'faults',
    faults,
    acknowledged: rig.clients.counts.acknowledged,
    findings: rig.findings,
    notes: [`seed ${seed}: ${rows.length} kinds of fault, ${rig.checks} comparisons`],
    seconds: (performance.now() - beganAt) / 1000,
  };
}
