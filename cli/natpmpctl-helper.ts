// A connection to the helper for one command: stands or fails at once, and says why.

import { accessSync, constants } from 'node:fs';
import { connect } from 'node:net';
import type { Answer, HelperClient } from '../proto/client.js';
import { connectHelper } from '../proto/client.js';
import type { Request, StatusReport } from '../proto/codec.js';
import { MAX_PAGE } from '../proto/codec.js';
import type { Lease } from '../proto/mapping.js';

const ADMIN_SOCKET = '/run/natpmp/admin.sock';
const HELPER_SOCKET = '/run/natpmp/helper.sock';
/** How long a helper that accepts connections may take to greet, in milliseconds. */
const GREETING_MS = 3000;

/** No helper answers; the message names the remedy. */
export class Unreachable extends Error {}

export interface Helper {
  /** All leases, in ascending order of protocol and external port. */
  list(): Promise<readonly Lease[]>;
  status(): Promise<StatusReport>;
  close(): void;
}

/** The administrator's socket where this user may use it, else everybody's. */
export function chooseSocket(): string {
  try {
    accessSync(ADMIN_SOCKET, constants.R_OK | constants.W_OK);
    return ADMIN_SOCKET;
  } catch {
    return HELPER_SOCKET;
  }
}

/** Connect; throws `Unreachable`. */
export async function openHelper(socketPath: string): Promise<Helper> {
  // ZeroMQ would try again and again in silence: find out first, by hand, whether anybody is there.
  await knock(socketPath);
  let disconnected = false;
  const client = await new Promise<HelperClient>((resolve, reject) => {
    const timer = setTimeout(() => {
      connecting.close();
      reject(unanswered(socketPath));
    }, GREETING_MS);
    const connecting = connectHelper(socketPath, {
      connected() {
        clearTimeout(timer);
        resolve(connecting);
      },
      disconnected() { disconnected = true; },
      event() {},
    });
  });

  async function ask<K extends Answer['kind']>(request: Request, kind: K): Promise<Answer & { kind: K }> {
    const answer = await client.ask(request);
    if (answer.kind === kind) return answer as Answer & { kind: K };
    if (answer.kind === 'unavailable') throw disconnected ? lost(socketPath) : unanswered(socketPath);
    const what = answer.kind === 'refused' ? `refused (${answer.reason})` : `answered with ${answer.kind}`;
    throw new Unreachable(`the helper at ${socketPath} ${what}: is it of the same version as this program?`);
  }

  return {
    async list() {
      const leases: Lease[] = [];
      let after = 0;
      do {
        const page = await ask({ kind: 'list-mappings', after, limit: MAX_PAGE }, 'mapping-list');
        leases.push(...page.leases);
        after = page.next;
      } while (after !== 0);
      return leases;
    },
    status: async () => (await ask({ kind: 'status' }, 'status-report')).status,
    close: () => client.close(),
  };
}

function knock(socketPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', (error: NodeJS.ErrnoException) => reject(new Unreachable(explain(socketPath, error))));
  });
}

function explain(socketPath: string, error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ENOENT':
      return `no helper at ${socketPath}: start natpmp-server (or natpmp-helper), or name its socket with --socket PATH`;
    case 'EACCES':
      return `no permission to use ${socketPath}: run as root or as a member of the socket's group (natpmp)`;
    case 'ECONNREFUSED':
      return `nobody listens at ${socketPath}: the helper has stopped; start natpmp-server (or natpmp-helper) again`;
    default:
      return `can not connect to ${socketPath} (${error.code ?? error.message}): name the helper's socket with --socket PATH`;
  }
}

function unanswered(socketPath: string): Unreachable {
  return new Unreachable(`the helper at ${socketPath} does not answer: look at its log, and restart it`);
}

function lost(socketPath: string): Unreachable {
  return new Unreachable(`the helper at ${socketPath} has just gone: try again when it is back`);
}
