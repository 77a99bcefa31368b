// Puts a gateway under the faults of fault-rows.ts, one after the other, and compares after each.

import { join } from 'node:path';
import { ROUTER } from '../lab/lab.js';
import { Asker } from '../lab/natpmp.js';
import { FaultControl } from './fault-control.js';
import type { FaultRow, GatewayWithFaults } from './fault-rows.js';
import type { Report } from './report.js';
import { TorturedGateway } from './tortured-gateway.js';

/** Successes between two steps. */
const SOME = 30;
/** How soon the address is answered, whatever has failed, in milliseconds. */
const ADDRESS_MS = 5000;

/** Null if there can be no lab. */
export async function openGatewayWithFaults(seed: number): Promise<GatewayWithFaults | null> {
  let control: FaultControl | undefined;
  const gateway = await TorturedGateway.open(seed, (lab) => {
    control = new FaultControl(join(lab.folder, 'faults'));
    process.env['TORTURE_FOLDER'] = control.folder; // for natpmpctl, whose clock has to be the gateway's
    return {
      wrap: ['unshare', '--mount', '--propagation', 'private'],
      env: { TORTURE_FOLDER: control.folder },
      ctl: ['--import', join(import.meta.dirname, 'faults.js')],
    };
  });
  return gateway === null || control === undefined ? null : { gateway, control };
}

/** Resolves with how often the fault struck; what is wrong afterwards is among the gateway's findings. */
export async function underFault(
  withFaults: GatewayWithFaults,
  { name, says, isRestart, run }: FaultRow,
): Promise<number> {
  const { gateway, control } = withFaults;
  gateway.clients.start();
  await gateway.clients.more(SOME);
  const { server } = gateway;
  const before = server.log.length;
  try {
    const [faults] = await Promise.all([run(withFaults), isRestart === true ? null : address(withFaults, name)]);
    gateway.clients.start(); // some faults want them at rest
    await gateway.server.answering();
    await gateway.clients.more(SOME);
    await gateway.check(name);
    if (says !== undefined && !says.test(server.log.slice(before)))
      gateway.findings.other.push(`${name}: the gateway never said ${says}`);
    return faults;
  } finally {
    control.clear();
  }
}

/** LAN hosts are answered while the helper is in trouble. */
async function address({ gateway }: GatewayWithFaults, name: string): Promise<void> {
  const asker = await Asker.open(gateway.lab.bob, ROUTER);
  await asker.ask('0000', ADDRESS_MS).catch((error: Error) => gateway.findings.other.push(`${name}: ${error.message}`));
  asker.udp.close();
}

/** Null if there can be no lab. */
export async function runFaults(
  rows: readonly FaultRow[],
  seed: number,
  say: (what: string) => void,
): Promise<Report | null> {
  const beganAt = performance.now();
  const withFaults = await openGatewayWithFaults(seed);
  if (withFaults === null) return null;
  const { gateway } = withFaults;
  let faults = 0;
  for (const row of rows) {
    say(row.name);
    faults += await underFault(withFaults, row);
  }
  await gateway.server.stop();
  return {
    part: 'faults',
    faults,
    acknowledged: gateway.clients.counts.acknowledged,
    findings: gateway.findings,
    notes: [`seed ${seed}: ${rows.length} kinds of fault, ${gateway.checks} comparisons`],
    seconds: (performance.now() - beganAt) / 1000,
  };
}
