// A connection to the helper for one command: it succeeds or fails at once, with the reason.

import { connect } from 'node:net';
import type { Answer, HelperClient } from '../../proto/client.js';
import { connectHelper } from '../../proto/client.js';
import type { Event, ListedLease, ListedPinhole, Reason, Request, StatusReport } from '../../proto/codec.js';
import { MAX_PAGE, MAX_TRAFFIC_PAGE } from '../../proto/codec.js';
import type { Endpoint, Lease, Mapping, Pinhole, PinholeEndpoint, Protocol } from '../../proto/mapping.js';
import { externalKey } from '../../proto/mapping.js';
import { EXIT, Failure } from '../host/failure.js';
import type { Filter, Listed } from './mapping.js';
import { passes } from './mapping.js';

/** A helper that accepts connections has to complete ZeroMQ's handshake within this time. */
const GREETING_TIMEOUT_MS = 3000;
/** Removals that may wait for an answer at the same time. */
const MAX_PENDING_REMOVALS = 256;

const EVERYTHING: Filter = { host: null, protocol: null, port: null, origin: null };
const BOTH: readonly Protocol[] = ['tcp', 'udp'];

/** No helper answers; the message names the remedy. */
export class Unreachable extends Failure {
  constructor(line: string) {
    super(EXIT.unavailable, line);
  }
}

/** Receives what a watch reports. */
export interface WatchListener {
  /** The watch has begun, or begun again: events in between are unknown. */
  watching(): void;
  event(event: Event): void;
  /** The helper is gone; reconnecting goes on until it is back. */
  lost(): void;
  /** There are too many watchers; the watch begins as soon as one of them has left. */
  crowded?(): void;
}

export interface Helper {
  /**
   * The leases that pass, with their traffic, in ascending order of protocol and external port. If the filter names a
   * port, no more of the table is read than that: a full one is some 500 pages.
   */
  list(filter?: Filter): Promise<readonly ListedLease[]>;
  /** The same, and then the pinholes that pass. */
  listAll(filter?: Filter): Promise<readonly Listed[]>;
  /** The lease of one external port. */
  find(protocol: Protocol, externalPort: number): Promise<ListedLease | null>;
  findPinhole(wanted: PinholeEndpoint): Promise<ListedPinhole | null>;
  status(): Promise<StatusReport>;
  /** Add a static mapping. */
  add(mapping: Mapping): Promise<Lease>;
  /** Add a static pinhole. */
  addPinhole(endpoint: PinholeEndpoint): Promise<Pinhole>;
  /** Remove mappings and pinholes; returns how many of them were still there. */
  remove(endpoints: readonly (Endpoint | PinholeEndpoint)[]): Promise<number>;
  close(): void;
}

/** Connect; throws `Unreachable`, or a Failure if this user may not. */
export async function openHelper(socketPath: string, listener: WatchListener | null = null): Promise<Helper> {
  // ZeroMQ would retry silently for ever: first find out whether anything listens.
  await checkReachable(socketPath);
  let disconnected = false;
  let closed = false;
  const client = await new Promise<HelperClient>((resolve, reject) => {
    const timer = setTimeout(() => {
      connecting.close();
      reject(noAnswer(socketPath));
    }, GREETING_TIMEOUT_MS);
    const connecting = connectHelper(socketPath, {
      connected() {
        clearTimeout(timer);
        disconnected = false;
        resolve(connecting);
        if (listener !== null) void beginWatch(connecting, listener);
      },
      disconnected() {
        if (!disconnected && !closed) listener?.lost();
        disconnected = true;
      },
      event: (event) => listener?.event(event),
      resync() {
        if (listener !== null) void beginWatch(connecting, listener);
      },
    });
  });

  async function ask<K extends Answer['kind']>(request: Request, kind: K): Promise<Answer & { kind: K }> {
    const answer = await client.ask(request);
    if (answer.kind === kind) return answer as Answer & { kind: K };
    if (answer.kind === 'unavailable') throw disconnected ? lost(socketPath) : noAnswer(socketPath);
    if (answer.kind === 'refused') throw refusal(answer.reason);
    throw new Unreachable(
      `the helper at ${socketPath} answered with ${answer.kind}: is it of the same version as this program?`,
    );
  }

  const status = async (): Promise<StatusReport> => (await ask({ kind: 'status' }, 'status-report')).status;

  /** Not asked where pinholes are off: a helper of a release without them takes the request for malformed. */
  async function listPinholes(page: { readonly limit: number; readonly traffic?: true }): Promise<ListedPinhole[]> {
    const pinholes: ListedPinhole[] = [];
    if ((await status()).maxPinholes === 0) return pinholes;
    let after = 0;
    do {
      const answer = await ask({ kind: 'list-pinholes', after, ...page }, 'pinhole-list');
      pinholes.push(...answer.pinholes);
      after = answer.next;
    } while (after !== 0);
    return pinholes;
  }

  async function find(protocol: Protocol, externalPort: number): Promise<ListedLease | null> {
    const after = externalKey(protocol, externalPort) - 1;
    const [lease] = (await ask({ kind: 'list-mappings', after, limit: 1, traffic: true }, 'mapping-list')).leases;
    return lease?.protocol === protocol && lease.externalPort === externalPort ? lease : null;
  }

  async function list(filter = EVERYTHING): Promise<readonly ListedLease[]> {
    const { port, protocol } = filter;
    if (port !== null) {
      const found = await Promise.all((protocol === null ? BOTH : [protocol]).map((each) => find(each, port)));
      return found.filter((lease) => lease !== null && passes(filter, lease)) as ListedLease[];
    }
    const leases: ListedLease[] = [];
    let after = 0;
    do {
      const page = await ask({ kind: 'list-mappings', after, limit: MAX_TRAFFIC_PAGE, traffic: true }, 'mapping-list');
      leases.push(...page.leases);
      after = page.next;
    } while (after !== 0);
    return leases.filter((lease) => passes(filter, lease));
  }

  return {
    list,
    async listAll(filter = EVERYTHING) {
      const mappings = await list(filter);
      const pinholes = await listPinholes({ limit: MAX_TRAFFIC_PAGE, traffic: true });
      return [...mappings, ...pinholes.filter((pinhole) => passes(filter, pinhole))];
    },
    find,
    async findPinhole({ protocol, address, port }) {
      const pinholes = await listPinholes({ limit: MAX_PAGE });
      return (
        pinholes.find((each) => each.protocol === protocol && each.address === address && each.port === port) ?? null
      );
    },
    status,
    add: async (mapping) =>
      (await ask({ kind: 'add-mapping', ...mapping, lifetime: 0, origin: 'static' }, 'granted')).lease,
    async addPinhole({ protocol, address, port }) {
      if ((await status()).maxPinholes === 0) throw new Failure(EXIT.refused, PINHOLES_OFF);
      const endpoint = { protocol, address, port };
      const request = { ...endpoint, lifetime: 0, origin: 'static', nonce: '', hardwareAddress: 0 } as const;
      return (await ask({ kind: 'add-pinhole', ...request }, 'pinhole-granted')).pinhole;
    },
    async remove(endpoints) {
      let count = 0;
      for (let from = 0; from < endpoints.length; from += MAX_PENDING_REMOVALS) {
        const asked = endpoints
          .slice(from, from + MAX_PENDING_REMOVALS)
          .map((endpoint) => ask(removalOf(endpoint), 'removed'));
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

function removalOf(endpoint: Endpoint | PinholeEndpoint): Request {
  if ('address' in endpoint) {
    const { protocol, address, port } = endpoint;
    return { kind: 'remove-pinhole', protocol, address, port, nonce: '' };
  }
  const { protocol, internalAddress, internalPort } = endpoint;
  return { kind: 'remove-mapping', protocol, internalAddress, internalPort };
}

async function beginWatch(client: HelperClient, listener: WatchListener): Promise<void> {
  for (let tries = 0; ; tries++) {
    const answer = await client.ask({ kind: 'watch', pinholes: true });
    if (answer.kind === 'watching') return listener.watching();
    if (answer.kind === 'unavailable') return; // the next connection begins the watch again
    if (tries === 0 && answer.kind === 'refused' && answer.reason === 'too-many-watchers') listener.crowded?.();
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

function checkReachable(socketPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', (error: NodeJS.ErrnoException) => reject(connectFailure(socketPath, error)));
  });
}

function connectFailure(socketPath: string, error: NodeJS.ErrnoException): Failure {
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
        `cannot connect to ${socketPath} (${error.code ?? error.message}): name the helper's socket with --socket PATH`,
      );
  }
}

function noAnswer(socketPath: string): Unreachable {
  return new Unreachable(
    `the helper at ${socketPath} does not answer: this user may not use it (try sudo), or it hangs (look at its log, and restart it)`,
  );
}

function lost(socketPath: string): Unreachable {
  return new Unreachable(`the helper at ${socketPath} has just gone: try again when it is back`);
}

/** Pure: why the helper refuses a change, and what to do. */
export function refusal(reason: Reason): Failure {
  const remedy = REMEDIES[reason];
  if (reason === 'not-permitted') return new Failure(EXIT.capability, `refused: ${remedy}`);
  return new Failure(
    EXIT.refused,
    `refused (${reason}): ${remedy ?? 'is the helper of the same version as this program?'}`,
  );
}

const PINHOLES_OFF =
  'pinholes are off: start natpmp-server with --pinholes (NixOS: services.natpmp-server.pinholes.enable), on a router with IPv6';

const REMEDIES: Readonly<Partial<Record<Reason, string>>> = {
  'not-permitted':
    "only an administrator may do this, on the helper's admin socket: run as root (sudo), without --socket .../helper.sock",
  address: 'the address is not that of a host of a LAN that the gateway serves, or it is IPv6 and not a global one',
  port: 'the port is outside --allowed-ports, or the router needs it itself: choose another',
  conflict:
    'the external port belongs to another mapping or another host, or the host maps this port from another external port: see natpmpctl list',
  'table-full': 'the table is full: natpmpctl revoke makes room',
  kernel: 'nftables refused the change, or the ruleset is gone: see natpmpctl doctor',
  late: 'the helper is overloaded: try again',
};
