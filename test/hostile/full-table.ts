// Every attack again, on a helper whose table is as full as its ports allow, beside sixteen watchers: how long an
// administrator waits. What the attacks get is judged on a small table (attack.ts).

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { bootClock } from '../../proto/clock.js';
import type { Lease } from '../../proto/mapping.js';
import type { AdministratorReport, AdministratorTask, Waits } from './administrator-protocol.js';
import type { Attack } from './attack.js';
import { AttackTarget, ip, MINE } from './attack-target.js';
import { LIMITS, startAttackedHelper } from './attacked-helper.js';

const NETWORK = '10.8.0.0/18';
const HOST = (index: number): number => ip('10.8.0.2') + index;
const PORTS_PER_HOST = 8;
const LIFETIME_S = 80_000;
/** What the attacks ask for, or have: other ports are held from the start. */
const FREE: readonly (readonly [first: number, last: number])[] = [
  [5000, 5000],
  [6000, 6001],
  [7000, 7000],
  [20_000, 20_000 + LIMITS.maxMappings + 200],
  [25_000, 25_050],
  [30_000, 31_000],
  [40_000, 40_050],
];
const RESERVED: readonly string[] = LIMITS.reservedPorts.split(',');

export interface FullRow {
  readonly attack: string;
  readonly waits: Waits;
  readonly answers: number;
  /** What was not as expected. */
  readonly wrong: readonly string[];
}

export interface FullTable {
  readonly mappings: number;
  carryOut(attack: Attack): Promise<FullRow>;
  close(): Promise<void>;
}

export async function openFullTable(): Promise<FullTable> {
  const leases = filler();
  const helper = await startAttackedHelper({ leases, network: NETWORK });
  const target = await AttackTarget.open(helper, 1);
  const child = fork(join(import.meta.dirname, 'administrator.js'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const next = async (): Promise<AdministratorReport> => (await once(child, 'message'))[0] as AdministratorReport;
  const figures = async () => {
    child.send('report');
    const report = await next();
    if (report.kind !== 'figures') throw new Error('no figures of the administrator');
    return report;
  };
  const ready = next();
  const { adminPath } = helper;
  const task: AdministratorTask = { adminPath, helperPid: helper.pid(), revocable: leases.slice(0, 1000) };
  child.send(task);
  await ready;

  return {
    mappings: leases.length,
    async carryOut(attack) {
      await figures(); // from here on
      const starts = helper.starts();
      // What the attack got is another test's; watchers are taken, and the table is not empty.
      await attack.run(target).catch(() => {});
      const { waits, answers, wrong } = await figures();
      const ended = helper.starts() === starts ? [] : [`the helper ended:\n${helper.log().slice(-2000)}`];
      await sweep(target);
      return { attack: attack.name, waits, answers, wrong: [...wrong, ...ended] };
    },
    async close() {
      const ended = once(child, 'exit');
      child.send('end');
      await ended;
      target.close();
      await helper.close();
    },
  };
}

/** All ports that may be mapped, but those that the attacks ask for; both protocols of a port are one host's (RFC 6886 §3.3). */
function filler(): readonly Lease[] {
  const granted = { origin: 'dynamic', lifetime: LIFETIME_S, expiresAt: bootClock()() + LIFETIME_S * 1000 } as const;
  const isFree = (port: number) => FREE.some(([first, last]) => first <= port && port <= last);
  const ports = Array.from({ length: 65_536 - 1024 }, (_, index) => 1024 + index).filter(
    (port) => !RESERVED.includes(String(port)) && !isFree(port),
  );
  return ports.flatMap((port, index) => {
    const internalAddress = HOST(Math.floor(index / PORTS_PER_HOST));
    const mapping = { internalAddress, internalPort: port, externalPort: port, ...granted };
    return [
      { ...mapping, protocol: 'tcp' as const },
      { ...mapping, protocol: 'udp' as const },
    ];
  });
}

/** The mappings of the attack. */
async function sweep(target: AttackTarget): Promise<void> {
  target.dropPeers();
  await target.reached();
  const hosts = Array.from({ length: 150 }, (_, index) => MINE(index));
  await target.askAsCaller(
    hosts.flatMap((internalAddress) =>
      (['tcp', 'udp'] as const).map(
        (protocol) => ({ kind: 'remove-host-mappings', protocol, internalAddress }) as const,
      ),
    ),
  );
}

/** The table, for people. */
export function fullTableOf(rows: readonly FullRow[]): string {
  const width = Math.max(...rows.map(({ attack }) => attack.length));
  return rows
    .map(({ attack, waits, answers }) => {
      const each = Object.entries(waits).map(([what, ms]) => `${what} ${(ms as number).toFixed(0)}`);
      return `${attack.padEnd(width)} | ${answers} answers, longest ms: ${each.join(', ')}`;
    })
    .join('\n');
}
