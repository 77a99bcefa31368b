// A connection to the helper for one command: stands or fails at once, and says why.

import { connect } from 'node:net';
import type { Answer, HelperClient } from '../../proto/client.js';
import { connectHelper } from '../../proto/client.js';
import type { Event, ListedLease, Reason, Request, StatusReport } from '../../proto/codec.js';
import { MAX_TRAFFIC_PAGE } from '../../proto/codec.js';
import type { Endpoint, Lease, Mapping, Protocol } from '../../proto/mapping.js';
import { externalKey } from '../../proto/mapping.js';
import { EXIT, Failure } from '../host/failure.js';

/** How long a helper that accepts connections may take to greet, in milliseconds. */
const GREETING_MS = 3000;
/** Removals that wait for an answer at the same time. */
const AT_ONCE = 256;

/** No helper answers; the message names the remedy. */
export class Unreachable extends Failure {
  constructor(line: string) {
    super(EXIT.occupied, line);
  }
}

/** What a watch tells. */
export interface Heard {
  /** The watch stands, for the first time or again: what happened in between is not known. */
  began(): void;
  event(event: Event): void;
  /** The helper is gone; it is looked for until it is back. */
  lost(): void;
}

export interface Helper {
  /** All leases with their traffic, in ascending order of protocol and external port. */
  list(): Promise<readonly ListedLease[]>;
  /** The lease of one external port. */
  find(protocol: Protocol, externalPort: number): Promise<ListedLease | null>;
  status(): Promise<StatusReport>;
  /** Add a static mapping. */
  add(mapping: Mapping): Promise<Lease>;
  /** Remove mappings; returns how many of them were still there. */
  remove(endpoints: readonly Endpoint[]): Promise<number>;
  close(): void;
}

/** Connect; throws `Unreachable`, or a Failure where this user may not. */
export async function openHelper(socketPath: string, heard: Heard | null = null): Promise<Helper> {
  // ZeroMQ would try again and again in silence: find out first, by hand, whether anybody is there.
  await knock(socketPath);
  let disconnected = false;
  let closed = false;
  const client = await new Promise<HelperClient>((resolve, reject) => {
    const timer = setTimeout(() => {
      connecting.close();
      reject(unanswered(socketPath));
    }, GREETING_MS);
    const connecting = connectHelper(socketPath, {
      connected() {
        clearTimeout(timer);
        disconnected = false;
        resolve(connecting);
        if (heard !== null) void beginWatch(connecting, heard);
      },
      resync() {
        if (heard !== null) void beginWatch(connecting, heard);
      },
      disconnected() {
        if (!disconnected && !closed) heard?.lost();
        disconnected = true;
      },
      event: (event) => heard?.event(event),
    });
  });

  async function ask<K extends Answer['kind']>(request: Request, kind: K): Promise<Answer & { kind: K }> {
    const answer = await client.ask(request);
    if (answer.kind === kind) return answer as Answer & { kind: K };
    if (answer.kind === 'unavailable') throw disconnected ? lost(socketPath) : unanswered(socketPath);
    if (answer.kind === 'refused') throw refused(answer.reason);
    throw new Unreachable(
      `the helper at ${socketPath} answered with ${answer.kind}: is it of the same version as this program?`,
    );
  }

  return {
    async list() {
      const leases: ListedLease[] = [];
      let after = 0;
      do {
        const page = await ask(
          { kind: 'list-mappings', after, limit: MAX_TRAFFIC_PAGE, traffic: true },
          'mapping-list',
        );
        leases.push(...page.leases);
        after = page.next;
      } while (after !== 0);
      return leases;
    },
    async find(protocol, externalPort) {
      const after = externalKey(protocol, externalPort) - 1;
      const [lease] = (await ask({ kind: 'list-mappings', after, limit: 1, traffic: true }, 'mapping-list')).leases;
      return lease?.protocol === protocol && lease.externalPort === externalPort ? lease : null;
    },
    status: async () => (await ask({ kind: 'status' }, 'status-report')).status,
    add: async (mapping) =>
      (await ask({ kind: 'add-mapping', ...mapping, lifetime: 0, origin: 'static' }, 'granted')).lease,
    async remove(endpoints) {
      let count = 0;
      for (let from = 0; from < endpoints.length; from += AT_ONCE) {
        const asked = endpoints
          .slice(from, from + AT_ONCE)
          .map(({ protocol, internalAddress, internalPort }) =>
            ask({ kind: 'remove-mapping', protocol, internalAddress, internalPort }, 'removed'),
          );
        for (const removed of await Promise.all(asked)) count += removed.count;
      }
      return count;
    },
    close() {
      closed = true;
      client.close();
    },
  };
}

async function beginWatch(client: HelperClient, heard: Heard): Promise<void> {
  for (;;) {
    const answer = await client.ask({ kind: 'watch' });
    if (answer.kind === 'watching') return heard.began();
    if (answer.kind === 'unavailable') return; // the next connection begins anew
    // Too many watch already: one of them may go.
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

function knock(socketPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', (error: NodeJS.ErrnoException) => reject(explain(socketPath, error)));
  });
}

function explain(socketPath: string, error: NodeJS.ErrnoException): Failure {
  switch (error.code) {
    case 'ENOENT':
      return new Unreachable(
        `no helper at ${socketPath}: start natpmp-server (or natpmp-helper), or name its socket with --socket PATH`,
      );
    case 'EACCES':
      return new Failure(
        EXIT.capability,
        `no permission to use ${socketPath}: run as root (sudo); ` +
          'to look only, a member of the group of helper.sock may use --socket .../helper.sock',
      );
    case 'ECONNREFUSED':
      return new Unreachable(
        `nobody listens at ${socketPath}: the helper has stopped; start natpmp-server (or natpmp-helper) again`,
      );
    default:
      return new Unreachable(
        `can not connect to ${socketPath} (${error.code ?? error.message}): name the helper's socket with --socket PATH`,
      );
  }
}

function unanswered(socketPath: string): Unreachable {
  return new Unreachable(
    `the helper at ${socketPath} does not answer: this user may not use it (try sudo), or it hangs (look at its log, and restart it)`,
  );
}

function lost(socketPath: string): Unreachable {
  return new Unreachable(`the helper at ${socketPath} has just gone: try again when it is back`);
}

/** Pure: why a change is not made, and what to do. */
export function refused(reason: Reason): Failure {
  const remedy = REMEDIES[reason];
  if (reason === 'not-permitted') return new Failure(EXIT.capability, `refused: ${remedy}`);
  return new Failure(
    EXIT.refused,
    `refused (${reason}): ${remedy ?? 'is the helper of the same version as this program?'}`,
  );
}

const REMEDIES: Readonly<Partial<Record<Reason, string>>> = {
  'not-permitted':
    "only an administrator may do this, on the helper's admin socket: run as root (sudo), without --socket .../helper.sock",
  address: 'the address is not that of a host of a LAN that the gateway serves',
  port: 'the external port is outside --allowed-ports, or the router needs it itself: choose another',
  conflict:
    'the external port belongs to another mapping or another host, or the host maps this port from another external port: see natpmpctl list',
  'table-full': 'the table is full: natpmpctl revoke makes room',
  kernel: 'nftables refused the change, or the ruleset is gone: see natpmpctl doctor',
  late: 'the helper is overloaded: try again',
};
