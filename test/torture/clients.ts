// Clients of several hosts that ask for all there is, one request after the other for each host and protocol, and tell
// the model what was said. What they ask comes from the seed; when it is answered is for the gateway to say.
//
// The gateway carries out what one client sends in that order only as long as it comes in at one socket. A device that
// asks more than 500 times a second, as alice does with her many clients, is led to a second one, and which of the two
// is read first is open: after a pause of the frontend an older request may be carried out after a newer one was
// acknowledged. So an endpoint is left alone while a copy of a request for it may be under way: what is acknowledged
// is then the last word, whatever the order was.

import { ALICE6, BOB6, CAROL6, GUEST_ROUTER6, LAN6, onLan, ROUTER6_LOCAL } from '../lab/ipv6.js';
import type { Lab } from '../lab/lab.js';
import { ALICE, BOB, CAROL, GUEST_ROUTER, ROUTER } from '../lab/lab.js';
import type { Host } from '../lab/host.js';
import type { Protocol } from '../lab/natpmp.js';
import { PORT } from '../lab/natpmp.js';
import { newNonce } from '../lab/pcp.js';
import type { Udp } from '../lab/sockets.js';
import type { Endpoint, Model } from './model.js';
import type { Random } from './random.js';
import { between, weighted } from './random.js';
import { UpnpClient } from './upnp-client.js';
import { NATPMP, pcp, type Reply, type Wire } from './wires.js';

/**
 * How long a request waits for its reply before it is sent again, in milliseconds: RFC 6886's first interval is 250.
 */
const AGAIN_MS = 250;
/** After a refusal, which comes at once, the helper gets so much time, in milliseconds. */
const REFUSED_MS = 50;
/** Nothing takes longer than this, in milliseconds. */
const DEADLINE_MS = 120_000;
/** Endpoints of one host and protocol. */
const ENDPOINTS = 40;
const FIRST_PORT = 5000;
/** Internal ports that nobody maps: to delete their mappings changes nothing. */
const UNUSED_PORTS = 4000;
/**
 * Long lifetimes, in seconds: each is asked for by one of so many requests of a client only, so that its reply is known by
 * it. Pinholes are granted for two hours at most.
 */
const LONG = { from: 3000, mappings: 80_000, pinholes: 4000 } as const;
const SHORT = { from: 1, to: 4 } as const;
/** More addresses of alice's, so that there are more hosts than namespaces. */
const MORE = ['192.168.1.20', '192.168.1.21', '192.168.1.22'] as const;
const MORE6 = [`${LAN6}20`] as const;

const WORK = { map: 60, 'map-for-a-moment': 25, delete: 22, 'delete-all': 1 } as const;
const WORK_WITHOUT_ALL = { ...WORK, 'delete-all': 0 } as const;

/** What was counted so far. */
export interface Counts {
  /** Mappings granted or renewed. */
  acknowledged: number;
  deleted: number;
  refused: number;
  /** Left unanswered on purpose: they may have been carried out or not. */
  inDoubt: number;
}

interface Answer extends Reply {
  readonly copies: number;
}

/** Told the epoch of every reply, with the moment it came, in milliseconds. */
export type EpochHeard = (epoch: number, at: number) => void;

export class Clients {
  readonly counts: Counts = { acknowledged: 0, deleted: 0, refused: 0, inDoubt: 0 };
  readonly #clients: readonly (Client | UpnpClient)[];
  #running: Promise<void> | null = null;

  private constructor(clients: readonly (Client | UpnpClient)[]) {
    this.#clients = clients;
    for (const client of clients) client.counts = this.counts;
  }

  static async open(lab: Lab, model: Model, random: Random, heard: EpochHeard): Promise<Clients> {
    const { alice, bob, carol } = lab;
    for (const address of MORE) await alice.run('ip', 'addr', 'add', `${address}/24`, 'dev', 'eth0');
    const places: (readonly [Host, string, string])[] = [
      [alice, ALICE, ROUTER],
      [bob, BOB, ROUTER],
      ...MORE.map((address) => [alice, address, ROUTER] as const),
    ];
    if (carol !== null) places.push([carol, CAROL, GUEST_ROUTER]);
    const clients: (Client | UpnpClient)[] = [];
    for (const [host, address, gateway] of places) {
      for (const protocol of ['tcp', 'udp'] as const) {
        const udp = await host.udp({ address, peer: { address: gateway, port: PORT } });
        clients.push(new Client(udp, NATPMP, address, protocol, model, random, heard));
      }
    }
    for (const [host, address, gateway] of await placesOfPinholes(lab)) {
      for (const protocol of ['tcp', 'udp'] as const) {
        const udp = await host.udp({ address, peer: { address: gateway, port: PORT } });
        clients.push(new Client(udp, pcp(address, newNonce()), address, protocol, model, random, heard));
      }
    }
    for (const [host, address, gateway] of await placesOfUpnp(lab)) {
      for (const protocol of ['tcp', 'udp'] as const)
        clients.push(new UpnpClient({ host, address, gateway }, protocol, model, random));
    }
    return new Clients(clients);
  }

  start(): void {
    for (const client of this.#clients) client.isStopping = false;
    this.#running ??= Promise.all(this.#clients.map((client) => client.run())).then(() => {});
    this.#running.catch(() => {}); // `stop` rejects with it
  }

  /** Resolves when so many requests more have been answered with success. */
  async more(count: number): Promise<void> {
    const goal = this.counts.acknowledged + this.counts.deleted + count;
    while (this.counts.acknowledged + this.counts.deleted < goal) {
      await Promise.race([this.#running, new Promise((resolve) => setTimeout(resolve, 10))]);
    }
  }

  /** Ask for no more; resolves when all that was ever sent has been read. Rejects if something is never answered. */
  async stop(): Promise<void> {
    for (const client of this.#clients) client.isStopping = true;
    await this.#running;
    this.#running = null;
    await Promise.all(this.#clients.map((client) => client.settle()));
  }
}

/** Who asks for pinholes: from which address, and whom. */
async function placesOfPinholes({ alice, bob, carol }: Lab): Promise<readonly (readonly [Host, string, string])[]> {
  await alice.namespace.ip(...MORE6.map((address) => `addr add ${address}/64 dev eth0 nodad preferred_lft 0`));
  const router = onLan(ROUTER6_LOCAL);
  return [
    [alice, ALICE6, router],
    [bob, BOB6, router],
    ...MORE6.map((address) => [alice, address, router] as const),
    ...(carol === null ? [] : [[carol, CAROL6, GUEST_ROUTER6] as const]),
  ];
}

/** Who asks by UPnP, each from an address that asks for nothing else. */
async function placesOfUpnp({ bob, carol }: Lab): Promise<readonly (readonly [Host, string, string])[]> {
  const [own, guests] = ['192.168.1.23', '192.168.2.23'];
  await bob.run('ip', 'addr', 'add', `${own}/24`, 'dev', 'eth0');
  await carol?.run('ip', 'addr', 'add', `${guests}/24`, 'dev', 'eth0');
  return [[bob, own, ROUTER], ...(carol === null ? [] : [[carol, guests, GUEST_ROUTER] as const])];
}

class Client {
  isStopping = false;
  counts: Counts = { acknowledged: 0, deleted: 0, refused: 0, inDoubt: 0 };
  readonly #udp: Udp;
  readonly #wire: Wire;
  readonly #address: string;
  readonly #protocol: Protocol;
  readonly #model: Model;
  readonly #random: Random;
  readonly #heard: EpochHeard;
  /** Internal ports for which a request, or a copy of one, may not have been carried out yet. 0: for all of them. */
  readonly #underWay = new Set<number>();
  #requests = 0;
  #settled = 0;

  constructor(
    udp: Udp,
    wire: Wire,
    address: string,
    protocol: Protocol,
    model: Model,
    random: Random,
    heard: EpochHeard,
  ) {
    this.#udp = udp;
    this.#wire = wire;
    this.#address = address;
    this.#protocol = protocol;
    this.#model = model;
    this.#random = random;
    this.#heard = heard;
  }

  async run(): Promise<void> {
    while (!this.isStopping) await this.#step();
  }

  /**
   * Resolves when everything that was sent has been carried out, and its replies are here. The first answer says that
   * the frontend has read this client's socket since; what waited at the other one comes in the same turn of its event
   * loop, so before the second request, and the helper takes both in that order.
   */
  async settle(): Promise<void> {
    for (let times = 0; times < 2; times++) await this.#ask(1 + (++this.#settled % UNUSED_PORTS), 0, 0, true);
    this.#underWay.clear();
  }

  /** Before a request for this port, or for all, with 0: older ones for it must not come after it. */
  async #settleFor(internalPort: number): Promise<void> {
    const isUnderWay = internalPort === 0 ? this.#underWay.size > 0 : this.#underWay.has(internalPort);
    if (isUnderWay || this.#underWay.has(0)) await this.settle();
  }

  async #step(): Promise<void> {
    const random = this.#random;
    const internalPort = FIRST_PORT + between(random, 0, ENDPOINTS - 1);
    const endpoint = { protocol: this.#protocol, address: this.#address, internalPort };
    // One of four does not ask again when it is refused or not answered, and leaves it open what has happened.
    const isPatient = random() < 0.75;
    const suggested = weighted(random, { same: 3, none: 1, contested: 1 });
    const work = weighted(random, this.#wire.hasDeleteAll ? WORK : WORK_WITHOUT_ALL);
    await this.#settleFor(work === 'delete-all' ? 0 : internalPort);
    switch (work) {
      case 'map':
        return this.#map(endpoint, suggested, LONG.from + (++this.#requests % this.#lifetimes), isPatient);
      case 'map-for-a-moment':
        return this.#map(endpoint, suggested, between(random, SHORT.from, SHORT.to), isPatient);
      case 'delete':
        this.#model.deleting(endpoint, performance.now());
        if (await this.#isDeleted(internalPort, isPatient)) this.#model.deleted(endpoint);
        return;
      case 'delete-all':
        this.#model.deletingAll(this.#protocol, this.#address, performance.now());
        if (await this.#isDeleted(0, isPatient)) this.#model.deletedAll(this.#protocol, this.#address);
        return;
    }
  }

  get #lifetimes(): number {
    return this.#wire.hasDeleteAll ? LONG.mappings : LONG.pinholes;
  }

  async #isDeleted(internalPort: number, isPatient: boolean): Promise<boolean> {
    const reply = await this.#ask(internalPort, 0, 0, isPatient);
    // All deletions of a port have the same reply: a late one must not be taken for that to the next.
    if (reply === null) await this.settle();
    else this.counts.deleted++;
    return reply !== null;
  }

  async #map(
    endpoint: Endpoint,
    suggested: 'same' | 'none' | 'contested',
    lifetime: number,
    isPatient: boolean,
  ): Promise<void> {
    const port = { same: endpoint.internalPort, none: 0, contested: FIRST_PORT }[suggested];
    const since = performance.now();
    this.#model.asking(endpoint, lifetime, since);
    const reply = await this.#ask(endpoint.internalPort, port, lifetime, isPatient);
    if (reply === null) return;
    this.#model.granted(endpoint, reply.externalPort, lifetime, since, reply.copies, performance.now());
    this.counts.acknowledged++;
  }

  /** Resolves with the success that the request met; null if it was left in doubt. */
  async #ask(internalPort: number, externalPort: number, lifetime: number, isPatient: boolean): Promise<Answer | null> {
    const request = this.#wire.request(this.#protocol, internalPort, externalPort, lifetime);
    const until = performance.now() + DEADLINE_MS;
    this.#udp.drain();
    for (let copies = 1; performance.now() < until; copies++) {
      this.#udp.send(request);
      const reply = await this.#reply(request, lifetime, copies);
      // A copy that was not answered, or refused for want of a helper, may have been carried out, or may be yet.
      if (copies > 1 || reply?.result !== 0) this.#underWay.add(internalPort);
      if (reply?.result === 0) return reply;
      if (reply !== null) this.counts.refused++;
      if (!isPatient) {
        this.counts.inDoubt++;
        return null;
      }
      if (reply !== null) await new Promise((resolve) => setTimeout(resolve, REFUSED_MS));
    }
    throw new Error(`${this.#address}: no success within ${DEADLINE_MS} ms for ${request}`);
  }

  async #reply(request: string, lifetime: number, copies: number): Promise<Answer | null> {
    const until = performance.now() + AGAIN_MS;
    for (;;) {
      const datagram = await this.#udp.receive(until - performance.now());
      if (datagram === null) return null;
      const reply = this.#wire.reply(request, datagram.hex);
      if (reply === null) continue;
      this.#heard(reply.epoch, performance.now());
      // A success for another time is a late reply to another request.
      if (reply.result !== 0 || reply.lifetime === lifetime) return { ...reply, copies };
    }
  }
}
