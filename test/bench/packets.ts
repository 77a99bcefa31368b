// What a packet through the router costs, by how many mappings are held: one of a flow that is there, and the first of
// a new one from outside; through a mapping, and through a pinhole. The gateways take turns; the sender of a packet carries it all the way, so nothing waits for
// a scheduler.

import { parseIpv4 } from '../../proto/mapping.js';
import type { Namespace } from '../support/network.js';
import type { MeasuredGateway } from '../load/measured-gateway.js';
import { monotonicMs } from '../load/generator-protocol.js';
import { bits } from '../lab/pcp.js';
import { HOST_PREFIX6 } from '../load/mappings.js';
import { EXTERNAL, OUTSIDE, OUTSIDE6 } from '../load/wide-lan.js';
import { percentile, spread, type Spread } from '../load/statistics.js';
import { Udp, type Endpoint } from './udp.js';

export interface PacketFigures {
  readonly gateway: string;
  readonly through: 'mapping' | 'pinhole';
  readonly held: number;
  /** Microseconds, p50: from outside into the LAN and back, through a flow that is there. */
  readonly established: Spread;
  /** Microseconds, p50: the first packet of a new flow, into the LAN. */
  readonly first: Spread;
}

/** A gateway, and how many mappings it holds. */
export interface Holding {
  readonly gateway: MeasuredGateway;
  readonly held: number;
  /** Beside them; 0 if it has none. */
  readonly pinholes: number;
}

/** New flows go through so many mappings in turn: the even ones, of UDP. */
const ENDPOINTS = 64;
/** Mappings that have to be there. */
export const FEWEST = 2 * (ENDPOINTS + 1);
const FIRST_PORT = 20_000;
const ROUNDS = 7;
const PACKETS = 1500;
const FLOWS = 512;
const WARM = 100;

export function measurePackets(holdings: readonly Holding[]): PacketFigures[] {
  const subjects = holdings.flatMap(({ gateway, held, pinholes }) =>
    (pinholes < FEWEST ? (['mapping'] as const) : (['mapping', 'pinhole'] as const)).map((through) => ({
      held: through === 'pinhole' ? pinholes : held,
      through,
      name: gateway.name,
      paths: new Paths(gateway, through),
      established: [] as number[],
      first: [] as number[],
    })),
  );
  try {
    for (let round = 0; round < ROUNDS; round++) {
      for (const { paths, established, first } of subjects) {
        established.push(paths.established());
        first.push(paths.first());
      }
    }
  } finally {
    for (const { paths } of subjects) paths.close();
  }
  return subjects.map(({ name, through, held, established, first }) => ({
    gateway: name,
    through,
    held,
    established: spread(established),
    first: spread(first),
  }));
}

/** Somebody outside, and hosts of the LAN at the endpoints of mappings. */
class Paths {
  readonly #outside: Namespace;
  readonly #inside: readonly Udp[];
  readonly #others: readonly Endpoint[];
  /** Both ends of a flow that stays. */
  readonly #outer: Udp;
  readonly #inner: Udp;
  readonly #through: 'mapping' | 'pinhole';
  #port = FIRST_PORT;

  constructor({ generator, network }: MeasuredGateway, through: 'mapping' | 'pinhole') {
    this.#through = through;
    const endpoints = Array.from({ length: ENDPOINTS + 1 }, (_, index) => {
      const { address, port } = generator.endpoint(2 * index);
      return { address: through === 'pinhole' ? HOST_PREFIX6 + address.toString(16).padStart(8, '0') : address, port };
    });
    const [kept, ...others] = endpoints as [Endpoint, ...Endpoint[]];
    this.#outside = network.outside;
    this.#others = others;
    this.#inside = network.lan.during(() => others.map((endpoint) => new Udp(endpoint)));
    this.#inner = network.lan.during(() => new Udp(kept));
    [this.#outer] = this.#open([kept]) as [Udp];
    this.#inner.connect({ address: this.#outsideAddress, port: FIRST_PORT });
  }

  /** p50 in microseconds, there and back. */
  established(): number {
    return p50(PACKETS, () => {
      this.#outer.send();
      this.#inner.receive();
      this.#inner.send();
      this.#outer.receive();
    });
  }

  /** p50 in microseconds, there. */
  first(): number {
    const flows = this.#open(Array.from({ length: WARM + FLOWS }, (_, at) => this.#others[at % ENDPOINTS] as Endpoint));
    const time = p50(FLOWS, (at) => {
      flows[at]?.send();
      this.#inside[at % ENDPOINTS]?.receive();
    });
    for (const flow of flows) flow.close();
    return time;
  }

  close(): void {
    for (const socket of [...this.#inside, this.#outer, this.#inner]) socket.close();
  }

  get #outsideAddress(): Endpoint['address'] {
    return this.#through === 'pinhole' ? bits(OUTSIDE6) : addressOf(OUTSIDE);
  }

  /**
   * Sockets outside, each with a port that no flow has had before, connected to where these are reached: pinholes under
   * their own addresses, mappings at the router's.
   */
  #open(inside: readonly Endpoint[]): Udp[] {
    return this.#outside.during(() =>
      inside.map(({ address, port }) => {
        const flow = new Udp({ address: this.#outsideAddress, port: this.#port++ });
        flow.connect({ address: this.#through === 'pinhole' ? address : addressOf(EXTERNAL), port });
        return flow;
      }),
    );
  }
}

function addressOf(text: string): number {
  return parseIpv4(text) ?? NaN;
}

/** Of `samples` times, after some that do not count. */
function p50(samples: number, action: (at: number) => void): number {
  const times = new Float64Array(samples);
  for (let at = 0; at < WARM + samples; at++) {
    const start = monotonicMs();
    action(at);
    if (at >= WARM) times[at - WARM] = (monotonicMs() - start) * 1000;
  }
  return percentile(times.sort(), 0.5);
}
