// A real helper to be attacked: real nftables in a namespace of its own, a real journal, started and kept running by
// the launcher's own code, as a user that is not root, with CAP_NET_ADMIN and nothing else. The test holds the
// frontend's end.

import { spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { commandLine } from '../../cli/server/daemon-command.js';
import { prepareRunDir, prepareStateDir, makeReachable } from '../../cli/server/folders.js';
import { NETLINK, openListener } from '../../cli/server/sockets.js';
import { supervise, WATCHDOG_MS } from '../../cli/server/supervise.js';
import type { AnyLease, HeldPinhole } from '../../helper/types.js';
import { encodeFrame, MAGIC, replay } from '../../helper/journal/format.js';
import { bootClock } from '../../proto/clock.js';
import { ruleset } from '../../cli/host/ruleset-text.js';
import type { Lease } from '../../proto/mapping.js';
import { formatIpv6 } from '../../proto/ipv6.js';
import { formatIpv4 } from '../../proto/mapping.js';
import { elementsOf, pinholesOf as pinholesIn } from '../lab/nft-elements.js';
import { WITH_PINHOLES } from '../lab/ruleset.js';
import { mappingsOf, pinholesOf } from '../support/mappings.js';
import { makeNetns } from '../support/netns.js';
import { FRONTEND_UID } from './zmtp.js';

const DIST = join(import.meta.dirname, '../..');

export { FRONTEND_UID };
/** A number that nobody else has. */
export const HELPER_UID = 61301;

export const LIMITS = {
  rules: [
    'deny 192.168.1.1',
    'deny 10.9.0.1',
    'allow 192.168.1.0/24',
    'allow 10.9.0.0/29',
    // A rule for a device might be about any host that no rule before it names.
    'deny 0.0.0.0/0',
    ...['01', '02', '03', '40'].map((device) => `allow mac 02:00:00:00:66:${device}`),
  ],
  allowedPorts: '1024-65535',
  reservedPorts: '5351,8443',
  maxMappings: 2000,
  maxMappingsPerHost: 100,
  maxLifetime: 86_400,
} as const;

/** What the launcher's command line grants a helper (cli/server/daemon-command.ts). */
export const DESCRIPTORS = 4096;

export interface AttackedHelper {
  readonly stateDir: string;
  readonly path: string;
  readonly adminPath: string;
  /** Of the helper, as it runs now; 0 while it is away. */
  pid(): number;
  /** How often the helper has been started. */
  starts(): number;
  /** The end of what the helper has said, and how many octets it was in all. */
  log(): string;
  logged(): number;
  /** How many descriptors the helper has open. */
  descriptors(): number;
  /** The length of the journal, in bytes. */
  journalBytes(): number;
  /** Lines for each of the kernel's three sets, which have to agree. */
  elements(): { readonly in: readonly string[]; readonly out: readonly string[]; readonly live: readonly string[] };
  /** The leases in the journal on disk. */
  leases(): readonly Lease[];
  /** The pinholes in the journal on disk, and a line for each in the kernel. */
  pinholes(): { readonly disk: readonly HeldPinhole[]; readonly kernel: readonly string[] };
  close(): Promise<void>;
}

/** Filler, and room for what the attacks ask for. */
export interface Filled {
  /** Held from the start, by hosts of this network. */
  readonly leases: readonly Lease[];
  readonly network: string;
}

export async function startAttackedHelper(filled: Filled | null = null): Promise<AttackedHelper> {
  const folder = mkdtempSync(join(tmpdir(), 'natpmp-hostile-'));
  const [runDir, stateDir] = [join(folder, 'run'), join(folder, 'state')];
  const netns = await makeNetns();
  const held = filled?.leases ?? [];
  netns.run('nft', ['-f', '-'], ruleset(WITH_PINHOLES));
  const { protocol, none, nftables } = NETLINK.netfilter;
  chmodSync(folder, 0o755); // another user has to get as far as the sockets
  prepareRunDir(runDir);
  prepareStateDir(stateDir, { uid: HELPER_UID, gid: HELPER_UID });
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  if (filled !== null) writeJournal(stateDir, held, bootId);
  const path = join(runDir, 'helper.sock');
  const adminPath = join(runDir, 'admin.sock');
  const handed = [
    { name: 'nftables', fd: netns.openNetlink(protocol, none) },
    { name: 'nftables-events', fd: netns.openNetlink(protocol, nftables) },
    { name: 'helper', fd: await openListener({ path, mode: 0o660, uid: 0, gid: FRONTEND_UID }) },
    { name: 'helper-admin', fd: await openListener({ path: adminPath, mode: 0o600, uid: 0, gid: 0 }) },
  ];
  const programs = makeReachable(process.execPath, DIST, runDir);
  const [program = '', ...args] = commandLine({
    role: 'helper',
    identity: { uid: HELPER_UID, gid: HELPER_UID },
    node: programs.node,
    script: join(programs.dist, 'helper', 'main.js'),
    args: [
      ...(filled === null ? [] : [`allow ${filled.network}`]).concat(LIMITS.rules).flatMap((rule) => ['--rule', rule]),
      '--default-rule',
      'deny',
      '--pinholes',
      '--socket',
      path,
      '--admin-socket',
      adminPath,
      '--admin-uid',
      '0',
      '--state-dir',
      stateDir,
      '--allowed-ports',
      LIMITS.allowedPorts,
      '--reserved-ports',
      LIMITS.reservedPorts,
      '--denied-ports',
      'none',
      '--max-mappings',
      String(held.length + LIMITS.maxMappings),
      '--max-mappings-per-ip',
      String(LIMITS.maxMappingsPerHost),
      '--max-lifetime',
      String(LIMITS.maxLifetime),
      '--boot-id',
      bootId,
    ],
    binds: programs.binds,
    root: null,
    maxTasks: null,
    ownNetwork: true,
    jit: false,
    nodeMajor: Number.parseInt(process.versions.node, 10),
  });

  let said = '';
  let logged = 0;
  let pid = 0;
  let starts = 0;
  const env = {
    PATH: process.env['PATH'],
    WATCHDOG_USEC: String(WATCHDOG_MS * 1000),
    LISTEN_FDS: String(handed.length + 1),
    LISTEN_FDNAMES: [...handed.map(({ name }) => name), 'notify'].join(':'),
  };
  const helper = supervise(
    [
      {
        role: 'helper',
        start() {
          const child = spawn(program, args, {
            env,
            cwd: '/',
            stdio: ['ignore', 'pipe', 'pipe', ...handed.map(({ fd }) => fd), 'pipe'],
          });
          for (const stream of [child.stdout, child.stderr])
            stream?.on('data', (chunk: Buffer) => {
              said = (said + chunk.toString()).slice(-65536);
              logged += chunk.length;
              if (process.env['DEBUG'] !== undefined) process.stderr.write(chunk);
            });
          pid = child.pid ?? 0;
          starts++;
          child.once('close', () => {
            pid = 0;
          });
          return { child, notify: child.stdio[3 + handed.length] as NodeJS.ReadableStream, endAll: async () => {} };
        },
      },
    ],
    {
      log: pino(process.env['DEBUG'] ? {} : { enabled: false }),
      nowMs: () => performance.now(),
      watchdogMs: WATCHDOG_MS,
      reinstallRuleset: async () => {},
    },
  );
  await Promise.race([
    helper.ready,
    helper.givenUp.then((status) => {
      throw new Error(`the helper cannot start: ${status}\n${said}`);
    }),
  ]);

  function onDisk(): readonly AnyLease[] {
    const replayed = replay(readFileSync(join(stateDir, 'leases.journal')));
    if (replayed.kind !== 'intact') throw new Error(`the journal is ${replayed.kind}`);
    return replayed.leases;
  }

  return {
    stateDir,
    path,
    adminPath,
    pid: () => pid,
    starts: () => starts,
    log: () => said,
    logged: () => logged,
    descriptors: () => readdirSync(`/proc/${pid}/fd`).length,
    journalBytes: () => statSync(join(stateDir, 'leases.journal')).size,
    elements: () => elementsOf(netns.run('nft', ['-j', 'list', 'table', 'inet', 'nat'])),
    leases: () => mappingsOf(onDisk()),
    pinholes: () => ({
      disk: pinholesOf(onDisk()),
      kernel: [...pinholesIn(netns.run('nft', ['-j', 'list', 'table', 'inet', 'nat'])).keys()].sort(),
    }),
    async close() {
      await helper.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

/** What a helper of this boot would have left behind. */
function writeJournal(stateDir: string, leases: readonly Lease[], bootId: string): void {
  const now = bootClock()();
  const clock = { bootId, wallOffsetMs: Date.now() - now, epochStartMs: 0, agedAtMs: 0 };
  const changes = leases.map((after) => ({ before: undefined, after }));
  const frames: Buffer[] = [MAGIC];
  for (let from = 0; from < changes.length; from += 4096)
    frames.push(encodeFrame(changes.slice(from, from + 4096), clock, now));
  const path = join(stateDir, 'leases.journal');
  writeFileSync(path, Buffer.concat(frames), { mode: 0o600 });
  chownSync(path, HELPER_UID, HELPER_UID);
}

/** A lease as the kernel's elements are written: "tcp 8080 -> 192.168.1.2:80". */
export function lineOf({ protocol, externalPort, internalAddress, internalPort }: Lease): string {
  return `${protocol} ${externalPort} -> ${formatIpv4(internalAddress)}:${internalPort}`;
}

/** A pinhole, likewise: "tcp [2001:db8::2]:8080". */
export function pinholeLineOf({ protocol, address, port }: HeldPinhole): string {
  return `${protocol} [${formatIpv6(address)}]:${port}`;
}

/** Resident memory and data of a process, in MB (10^6); zeros if it is away. */
export function memoryOf(pid: number): { readonly resident: number; readonly data: number } {
  let status = '';
  try {
    status = pid === 0 ? '' : readFileSync(`/proc/${pid}/status`, 'latin1');
  } catch {
    // it has just ended
  }
  const of = (name: string): number =>
    (Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024) / 1e6;
  return { resident: of('VmRSS'), data: of('VmData') };
}
