// A process of its own: sixteen watchers, and an administrator who lists, shows and revokes, and notes how long each
// answer takes. Its event loop is nobody else's, and the time in which others of the machine ran is not counted, so what
// it measures is the helper.

import { readFileSync } from 'node:fs';
import { decodeResponse, encodeRequest } from '../../proto/client-codec.js';
import type { Request, Response } from '../../proto/codec.js';
import { MAX_PAGE, MAX_TRAFFIC_PAGE } from '../../proto/codec.js';
import type { Lease } from '../../proto/mapping.js';
import { externalKey } from '../../proto/mapping.js';
import type { AdministratorReport, AdministratorTask, Waits } from './administrator-protocol.js';
import { frame, RawPeer, READY } from './zmtp.js';

const WATCHERS = 16;
/** Between two requests, in milliseconds: an administrator who is not in a hurry to measure. */
const PAUSE_MS = 2;
const GIVE_UP_MS = 30_000;

const report = (what: AdministratorReport): void => void process.send?.(what);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

let waits: Record<keyof Waits, number> = { list: 0, show: 0, revoke: 0, add: 0 };
let wrong: string[] = [];
let answers = 0;
let helperPid = 0;
let wanted: 'run' | 'report' | 'end' = 'run';

async function watch(path: string): Promise<void> {
  const peer = await RawPeer.greeted(path, READY, 0);
  peer.socket.removeAllListeners('data'); // read, and forgotten
  peer.socket.resume();
  peer.socket.write(frame(encodeRequest(1, { kind: 'watch' })));
}

async function timed(
  admin: RawPeer,
  what: keyof Waits,
  request: Request,
  kind: string,
  refusal = '',
): Promise<Response | undefined> {
  const [since, delayedBefore] = [performance.now(), delayedMs()];
  admin.socket.write(frame(encodeRequest(1, request)));
  const [message] = await admin.take(1, GIVE_UP_MS);
  const ms = performance.now() - since - (delayedMs() - delayedBefore);
  waits[what] = Math.max(waits[what], ms);
  answers++;
  const answer = decodeResponse(message ?? Buffer.alloc(0))?.body;
  const isRight = answer?.kind === kind || (answer?.kind === 'refused' && answer.reason === refusal);
  if (!isRight) wrong.push(`${what}: ${JSON.stringify(answer ?? 'nothing').slice(0, 100)}`);
  await pause(PAUSE_MS);
  return answer;
}

/** How long the helper and this process were ready to run, and others ran: the machine's load, and not the helper's. */
function delayedMs(): number {
  const delay = (pid: number | 'self') => Number(readFileSync(`/proc/${pid}/schedstat`, 'latin1').split(' ')[1]) / 1e6;
  return delay(helperPid) + delay('self');
}

async function administer({ adminPath, revocable }: AdministratorTask): Promise<void> {
  const admin = await RawPeer.greeted(adminPath, READY, 0);
  report({ kind: 'ready' });
  let after = 0;
  for (let round = 0; wanted !== 'end'; round++) {
    const page = await timed(admin, 'list', { kind: 'list-mappings', after, limit: MAX_PAGE }, 'mapping-list');
    after = page?.kind === 'mapping-list' ? page.next : 0;
    await timed(
      admin,
      'list',
      { kind: 'list-mappings', after, limit: MAX_TRAFFIC_PAGE, traffic: true },
      'mapping-list',
    );
    const lease = revocable[round % revocable.length] as Lease;
    const { protocol, internalAddress, internalPort, externalPort } = lease;
    const at = externalKey(protocol, externalPort) - 1;
    await timed(admin, 'show', { kind: 'list-mappings', after: at, limit: 1, traffic: true }, 'mapping-list');
    await timed(admin, 'revoke', { kind: 'remove-mapping', protocol, internalAddress, internalPort }, 'removed');
    const again = { protocol, internalAddress, internalPort, externalPort, lifetime: 0, origin: 'static' } as const;
    // An attack may have taken its place in the table meanwhile.
    await timed(admin, 'add', { kind: 'add-mapping', ...again }, 'granted', 'table-full');
    if (wanted !== 'report') continue;
    wanted = 'run';
    report({ kind: 'figures', waits, answers, wrong });
    waits = { list: 0, show: 0, revoke: 0, add: 0 };
    [wrong, answers] = [[], 0];
  }
  process.disconnect();
  process.exit(0);
}

process.on('message', (message: AdministratorTask | 'report' | 'end') => {
  if (typeof message === 'string') wanted = message;
  else
    void (async () => {
      helperPid = message.helperPid;
      for (let count = 0; count < WATCHERS; count++) await watch(message.adminPath);
      await administer(message);
    })();
});
process.once('disconnect', () => process.exit(0));
