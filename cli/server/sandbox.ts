// The outer process of --sandbox, on the host: opens one UDP socket on 127.0.0.1, and starts the rest in a new network
// namespace (sandbox-inside.ts). It never touches the host's interfaces and firewall, and leaves nothing behind.

import type { ChildProcess } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, closeSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Ipv4 } from '../../proto/mapping.js';
import { parseIpv4 } from '../../proto/mapping.js';
import { EXIT, Failure } from '../host/failure.js';
import type { Log } from '../host/log.js';
import { checkPrograms, PATH } from '../host/programs.js';
import type { Config } from './config.js';
import { firstClosedFolder } from './folders.js';
import { openTcpListener, openUdp } from './sockets.js';

/** Root creates the namespace directly; another user becomes root of a user namespace first. */
const NAMESPACE_COMMANDS = [
  ['unshare', '--net'],
  ['unshare', '--user', '--map-root-user', '--net'],
] as const;
/** The inner process stops within three seconds; after this time it is killed. */
const STOP_TIMEOUT_MS = 6000;

export async function runSandbox(
  config: Config,
  args: readonly string[],
  { log, stopped }: { log: Log; stopped: Promise<'stop'> },
): Promise<number> {
  checkPrograms(['unshare', 'nsenter', 'setpriv', 'sh', 'sleep', 'ip', 'nft']);
  const way = NAMESPACE_COMMANDS.find(
    ([program, ...flags]) => spawnSync(program, [...flags, 'true'], { env: { PATH } }).status === 0,
  );
  if (way === undefined) {
    throw new Failure(
      EXIT.capability,
      'no network namespace can be made here: run as root, or allow user namespaces ' +
        '(sysctl -w user.max_user_namespaces=10000; where AppArmor forbids them: kernel.apparmor_restrict_unprivileged_userns=0; ' +
        'in a container: --privileged)',
    );
  }
  const udp = openUdp(parseIpv4('127.0.0.1') as Ipv4, config.listenPort, null);
  const metrics = [
    { listen: config.metricsListen, flag: '--metrics-listen' },
    { listen: config.upnpMetricsListen, flag: '--upnp-metrics-listen' },
  ].flatMap(({ listen, flag }) => (listen === null ? [] : [openTcpListener(listen.address, listen.port, flag)]));
  const folder = temporaryFolder();
  try {
    // Both pdeathsig and the lifeline end the inner process when this one is killed.
    const inside = spawn(
      'setpriv',
      [
        '--pdeathsig=SIGTERM',
        ...way,
        process.execPath,
        join(import.meta.dirname, 'sandbox-inside.js'),
        folder,
        ...args,
      ],
      { env: { PATH }, detached: true, stdio: ['ignore', 'inherit', 'inherit', udp, 'pipe', ...metrics] },
    );
    for (const fd of [udp, ...metrics]) closeSync(fd);
    const status = await waitForEnd(inside, stopped, log);
    return status ?? EXIT.defect;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The daemons' users have to reach it, which a private TMPDIR may not allow. */
function temporaryFolder(): string {
  const folder = mkdtempSync(join(firstClosedFolder(tmpdir()) === null ? tmpdir() : '/tmp', 'natpmp-sandbox-'));
  chmodSync(folder, 0o755);
  return folder;
}

async function waitForEnd(inside: ChildProcess, stopped: Promise<'stop'>, log: Log): Promise<number | null> {
  const ended = new Promise<number | null>((resolve) => inside.once('close', (status) => resolve(status)));
  process.on('SIGHUP', () => inside.kill('SIGHUP'));
  inside.once('error', (error) => log.error(error, 'the sandbox could not be started'));
  if ((await Promise.race([stopped, ended])) !== 'stop') return ended;
  inside.kill('SIGTERM');
  const deadline = setTimeout(() => inside.kill('SIGKILL'), STOP_TIMEOUT_MS);
  const status = await ended;
  clearTimeout(deadline);
  return status;
}
