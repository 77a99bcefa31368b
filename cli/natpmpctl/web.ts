// natpmpctl web: the mappings and pinholes in a browser. A program of its own, with the rights of the user who starts it.

import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { parseIpv6 } from '../../proto/ipv6.js';
import { formatIpv4, isPort, parseIpv4 } from '../../proto/mapping.js';
import { Failure } from '../host/failure.js';
import { readClocks } from './clocks.js';
import type { Options } from './command.js';
import { command } from './command.js';
import { chooseSocket } from './connect.js';
import { readDescriptions } from './descriptions.js';
import type { Helper } from './helper.js';
import { openHelper } from './helper.js';
import { ipv4RulesOf } from './ipv4-rules.js';
import type { Listed } from './mapping.js';
import { isPinhole } from './mapping.js';
import type { NameOptions } from './name-options.js';
import { readNames, withNames } from './name-options.js';
import type { Names } from './names.js';
import { print } from './output.js';
import { daemonsOf, findDaemons } from './processes.js';
import { networkSeen, reportedStatus } from './status.js';
import { readPage } from './web/files.js';
import { healthOf } from './web/health.js';
import type { RevokeAnswer, RevokeRequest } from './web/messages.js';
import type { ListenAddress } from './web/server.js';
import { serveWeb } from './web/server.js';
import { View } from './web/view.js';

interface WebOptions extends Options, NameOptions {
  readonly listen: ListenAddress;
  readonly allowRevoke?: boolean;
}

const INTERVAL_MS = 2000;
const TOKEN_BYTES = 32;

export function webCommand(): Command {
  return withNames(command('web', 'a page for the browser, only on this machine, until Ctrl-C'))
    .addOption(
      new Option('--listen <address>', 'a loopback address and a port')
        .argParser(listenArgument)
        .default({ address: '127.0.0.1', port: 15380 }, '127.0.0.1:15380'),
    )
    .option('--allow-revoke', 'allow revoking on the page, with the token in the printed address (administrators)')
    .addHelpText(
      'after',
      '\nThe page shows what list, top, watch and status show. Every user of this machine\ncan open it; no other machine can, but through ssh -L 15380:127.0.0.1:15380.',
    )
    .action(web);
}

/** Pure. */
export function listenArgument(text: string): ListenAddress {
  const [, host = '', digits = ''] = /^(\[::1\]|[0-9.]+):([0-9]{1,5})$/.exec(text) ?? [];
  const address = host === '[::1]' ? '::1' : host;
  const isLoopback = address === '::1' || (parseIpv4(address) ?? 0) >>> 24 === 127;
  if (isLoopback && (isPort(Number(digits)) || digits === '0')) return { address, port: Number(digits) };
  throw new InvalidArgumentError(
    'A loopback address and a port are needed, such as 127.0.0.1:15380: other machines must not reach it.',
  );
}

async function web(options: WebOptions): Promise<void> {
  const { listen, allowRevoke = false } = options;
  const socketPath = chooseSocket(options, allowRevoke);
  const ended = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, resolve);
  });
  const view = new View({
    bootMs: () => readClocks().bootMs,
    wallMs: () => readClocks().wallMs,
    names: liveNames(options),
    descriptions: () => readDescriptions(socketPath),
    mayRevoke: allowRevoke,
    intervalMs: INTERVAL_MS,
    health: (status) => {
      const daemons = daemonsOf(findDaemons(), socketPath);
      const reported = reportedStatus(status, readClocks().bootMs, daemons, ...networkSeen(daemons, null));
      return healthOf(reported, ipv4RulesOf(daemons));
    },
  });
  const helper = await openHelper(socketPath, view);
  view.attach(helper);
  try {
    const token = randomBytes(TOKEN_BYTES).toString('base64url');
    const server = await serveWeb(listen, {
      files: readPage(),
      view,
      revoking: allowRevoke ? { token, revoke: (mapping) => revoke(helper, mapping) } : null,
    });
    const host = listen.address === '::1' ? '[::1]' : listen.address;
    printAddress(options, `http://${host}:${server.port}/${allowRevoke ? `#token=${token}` : ''}`, allowRevoke);
    await ended;
    server.close();
  } finally {
    view.close();
    helper.close();
  }
}

function printAddress({ json }: Options, url: string, mayRevoke: boolean): void {
  if (json === true) return print(JSON.stringify({ url }));
  print(url);
  print(
    mayRevoke ? 'Anyone with this whole address can revoke mappings. Ctrl-C ends it.' : 'Read-only. Ctrl-C ends it.',
  );
}

/** The names in the files, which are read again when one has changed. */
function liveNames(options: NameOptions): () => Names {
  const paths = [...(options.hosts ?? []), ...(options.dhcpLeases ?? [])];
  let [names, read] = [readNames(options), paths.map(versionOf).join()];
  return () => {
    const now = paths.map(versionOf).join();
    if (now === read) return names;
    read = now;
    try {
      names = readNames(options);
    } catch (error) {
      // The file may be missing while it is being rewritten: keep the names that were read before.
      if (!(error instanceof Failure)) throw error;
    }
    return names;
  };
}

function versionOf(path: string): string {
  try {
    const { ino, size, mtimeMs } = statSync(path);
    return `${ino} ${size} ${mtimeMs}`;
  } catch {
    return 'gone';
  }
}

/** Remove exactly this mapping or pinhole, if it is dynamic and still there. */
async function revoke(
  helper: Helper,
  wanted: RevokeRequest,
): Promise<{ readonly status: number; readonly answer: RevokeAnswer }> {
  const { protocol, externalPort, internalAddress } = wanted;
  const refuse = (status: number, error: string) => ({ status, answer: { error } });
  try {
    const found = await findWanted(helper, wanted);
    if (found === null) return refuse(409, 'it is not there any more');
    if (found.origin === 'static') {
      const host = isPinhole(found) ? ` ${internalAddress}` : '';
      return refuse(403, `it is static: natpmpctl remove ${protocol} ${externalPort}${host}`);
    }
    return { status: 200, answer: { removed: await helper.remove([found]) } };
  } catch (error) {
    if (error instanceof Failure) return refuse(503, error.message);
    throw error;
  }
}

async function findWanted(helper: Helper, wanted: RevokeRequest): Promise<Listed | null> {
  const { protocol, externalPort, internalAddress, internalPort } = wanted;
  const ipv6 = parseIpv6(internalAddress);
  if (ipv6 !== null)
    return internalPort === externalPort ? helper.findPinhole({ protocol, address: ipv6, port: externalPort }) : null;
  const lease = await helper.find(protocol, externalPort);
  const isSame =
    lease !== null && formatIpv4(lease.internalAddress) === internalAddress && lease.internalPort === internalPort;
  return isSame ? lease : null;
}
