// The actions of UPnP: calls of three hosts, some of them at once, while NAT-PMP and an administrator use the same
// helper, which comes and goes, and time passes. The decisions of the helper are the real ones.

import type { ControlResult } from '../../../upnp/igd/control.js';
import type { Ipv4, Lease, Protocol } from '../../../proto/mapping.js';
import { formatIpv4 } from '../../../proto/mapping.js';
import { ALICE, BOB, ControlWorld } from '../../upnp/control-world.js';
import { below, join, just, sequence, u16 } from '../arbitraries.js';
import type { Target } from '../target.js';
import { must, Reader } from '../target.js';

const STEP = {
  ADD: 0,
  DELETE: 1,
  SETTLE: 2,
  NATPMP: 3,
  STATIC: 4,
  PASS: 5,
  LEAVE: 6,
  BACK: 7,
  REFUSE: 8,
  READ: 9,
} as const;
const HOSTS = [ALICE, BOB, BOB + 1] as const;
const PROTOCOLS = ['tcp', 'udp'] as const;
/** Few, so that they meet; the last is not allowed. */
const EXTERNAL = [4000, 4001, 4002, 4003, 80] as const;
const INTERNAL = [4000, 4001, 5000, 0] as const;
const LIFETIMES = [0, 1, 60, 3600, 86401, 0xffffffff] as const;
const CODES = [402, 501, 606, 713, 714, 718, 728];
const QUOTA = 3;

const where = [below(HOSTS.length), below(PROTOCOLS.length), below(EXTERNAL.length)] as const;
const inputs = sequence(
  50,
  { weight: 8, arbitrary: join(just(STEP.ADD), ...where, below(INTERNAL.length), below(LIFETIMES.length)) },
  { weight: 6, arbitrary: join(just(STEP.SETTLE)) },
  { weight: 3, arbitrary: join(just(STEP.DELETE), ...where) },
  { weight: 2, arbitrary: join(just(STEP.READ), ...where) },
  { weight: 2, arbitrary: join(just(STEP.NATPMP), ...where, below(3), below(LIFETIMES.length)) },
  { weight: 1, arbitrary: join(just(STEP.STATIC), ...where, below(3)) },
  { weight: 1, arbitrary: join(just(STEP.PASS), u16) },
  { weight: 1, arbitrary: join(just(STEP.LEAVE), u16) },
  { weight: 1, arbitrary: just(STEP.BACK) },
  { weight: 1, arbitrary: join(just(STEP.REFUSE), below(4)) },
);

/** What a call may not do to others, nor leave behind. */
class Igd {
  readonly world = new ControlWorld({ grant: { maxMappings: QUOTA } });
  #pending: Promise<void>[] = [];
  /** Whether anything but the calls of one host has happened since the last SETTLE. */
  #isCalm = true;

  get #all(): readonly Lease[] {
    return [...this.world.helper.leases.leases()];
  }

  /** Of those that have not expired. */
  #ofOthers(all: readonly Lease[], host: Ipv4): readonly Lease[] {
    return all.filter(({ internalAddress, expiresAt }) => internalAddress !== host && expiresAt > this.world.now);
  }

  #ofNatPmp(all: readonly Lease[]): readonly Lease[] {
    return all.filter(({ tool, expiresAt }) => tool === undefined && expiresAt > this.world.now);
  }

  disturb(): void {
    this.#isCalm = false;
  }

  add(host: Ipv4, protocol: Protocol, externalPort: number, internalPort: number, lifetime: number): void {
    const { world } = this;
    const before = this.#all;
    const isAlone = this.#pending.length === 0 && this.#isCalm;
    const given = {
      NewExternalPort: String(externalPort),
      NewProtocol: protocol,
      NewInternalPort: String(internalPort),
      NewLeaseDuration: String(lifetime),
      NewPortMappingDescription: `${formatIpv4(host)} ${internalPort}`,
    };
    this.#call(world.add(given, host), (result) => {
      if (result.kind === 'values') {
        const known = world.leases.mappingAt(protocol, externalPort);
        must(
          known?.internalAddress === host && known.internalPort === internalPort,
          'success means that the sender has the port that it asked for',
          { known, given },
        );
      } else if (isAlone && this.#pending.length === 1 && this.#isCalm)
        must(same(before, this.#all), 'a refusal changes nothing', { before, after: this.#all, given });
      if (isAlone && this.#pending.length === 1 && this.#isCalm)
        must(
          same(this.#ofNatPmp(before), this.#ofNatPmp(this.#all)),
          'no call moves what NAT-PMP or an administrator made',
          { before, after: this.#all },
        );
      if (isAlone && this.#pending.length === 1)
        must(
          same(this.#ofOthers(before, host), this.#ofOthers(this.#all, host)) || !this.#isCalm,
          'a call changes no mapping of others',
          { before, after: this.#all },
        );
    });
  }

  remove(host: Ipv4, protocol: Protocol, externalPort: number): void {
    const before = this.#all.find((lease) => lease.protocol === protocol && lease.externalPort === externalPort);
    const isAlone = this.#pending.length === 0 && this.#isCalm;
    this.#call(this.world.remove(externalPort, protocol, host), (result) => {
      if (!isAlone || this.#pending.length !== 1 || !this.#isCalm) return;
      const isOwn = before?.internalAddress === host;
      const want = !isOwn ? 714 : before.origin === 'static' ? 606 : null;
      must((result.kind === 'fault' ? result.code : null) === want, 'own dynamic ones are removed, and only those', {
        before,
        result,
      });
      const isHeld = this.world.helper.leases.byExternal(protocol, externalPort) !== undefined;
      must(isHeld === (before !== undefined && want !== null), 'a removal is in force when it is answered', result);
    });
  }

  read(host: Ipv4, protocol: Protocol, externalPort: number): void {
    this.#call(this.world.specific(externalPort, protocol, host), (result) => {
      if (result.kind === 'fault') return;
      must(result.values[1]?.[1] === formatIpv4(host), 'a host reads its own mappings alone', result);
      const text = result.values[3]?.[1] ?? '';
      must(
        text === '' || text === `${formatIpv4(host)} ${result.values[0]?.[1]}`,
        'a description is that of the mapping',
        result,
      );
    });
  }

  #call(result: Promise<ControlResult>, check: (result: ControlResult) => void): void {
    const checked = result.then((is) => {
      if (is.kind === 'fault') must(CODES.includes(is.code), 'a known code', is);
      check(is);
    });
    checked.catch(() => {}); // settle() tells
    this.#pending.push(checked);
  }

  async settle(): Promise<void> {
    await Promise.all(this.#pending);
    this.#pending = [];
    this.#isCalm = this.world.isHealthy;
  }

  /** At the end, with the helper there. */
  async end(): Promise<void> {
    const { world } = this;
    await this.settle();
    world.back();
    world.pass(0);
    must(world.malformed.length === 0, 'every request is in the one wire form', world.malformed);
    for (const lease of this.#all) {
      const known = world.leases.mappingAt(lease.protocol, lease.externalPort);
      must(JSON.stringify(known) === JSON.stringify(lease), "the replica is the helper's table", { known, lease });
      must(lease.origin === 'static' || lease.lifetime <= 86400, 'no lease is longer than the ceiling', lease);
    }
    must(world.leases.size === this.#all.length, "the replica has no more than the helper's table");
    for (const host of HOSTS) {
      const own = this.#all.filter(({ internalAddress }) => internalAddress === host);
      must(own.filter(({ origin }) => origin === 'dynamic').length <= QUOTA, 'no host has more than its quota', own);
      must(world.leases.count(host) === own.length, 'no reservation is left', host);
      const listed: string[] = [];
      for (let index = 0; ; index++) {
        const entry = await world.generic(index, host);
        if (entry.kind === 'fault') {
          must(entry.code === 713, 'a list ends with 713', entry);
          break;
        }
        listed.push(`${entry.values[2]?.[1]} ${entry.values[1]?.[1]}`);
      }
      const want = own.map(({ protocol, externalPort }) => `${protocol.toUpperCase()} ${externalPort}`);
      must(JSON.stringify(listed) === JSON.stringify(want), 'a host lists its own mappings, in order', {
        listed,
        want,
      });
    }
    for (const { protocol, externalPort } of world.descriptions.list())
      must(world.leases.mappingAt(protocol, externalPort) !== undefined, 'no description is left of what has ended');
  }
}

function same(one: readonly Lease[], other: readonly Lease[]): boolean {
  const keys = (all: readonly Lease[]) => all.map((lease) => [lease.protocol, lease.externalPort, lease.internalPort]);
  return JSON.stringify(keys(one)) === JSON.stringify(keys(other));
}

async function run(input: Uint8Array): Promise<void> {
  const igd = new Igd();
  const { world } = igd;
  const reader = new Reader(input);
  for (let steps = 0; !reader.isDone && steps < 200; steps++) {
    const step = reader.u8() % 10;
    if (
      step === STEP.ADD ||
      step === STEP.NATPMP ||
      step === STEP.STATIC ||
      step === STEP.DELETE ||
      step === STEP.READ
    ) {
      const host = reader.pick(HOSTS);
      const protocol = reader.pick(PROTOCOLS);
      const externalPort = reader.pick(EXTERNAL);
      if (step === STEP.DELETE) igd.remove(host, protocol, externalPort);
      else if (step === STEP.READ) igd.read(host, protocol, externalPort);
      else {
        const internalPort = reader.pick(INTERNAL);
        const lifetime = step === STEP.STATIC ? 0 : reader.pick(LIFETIMES);
        if (step === STEP.ADD) igd.add(host, protocol, externalPort, internalPort, lifetime);
        else {
          igd.disturb();
          const isStatic = step === STEP.STATIC;
          const origin = isStatic ? 'static' : 'dynamic';
          const endpoint = { protocol, internalAddress: host, internalPort, externalPort };
          world.askElsewhere(
            { kind: 'add-mapping', ...endpoint, lifetime, origin },
            isStatic ? 'administrator' : 'client',
          );
        }
      }
    } else if (step === STEP.SETTLE) await igd.settle();
    else {
      igd.disturb();
      if (step === STEP.PASS) world.pass(reader.u16() * 10);
      else if (step === STEP.LEAVE) world.leave(reader.u16() / 10);
      else if (step === STEP.BACK) world.back();
      else world.refuseNext(reader.u8() % 4);
    }
  }
  await igd.end();
}

export const igd: Target = {
  name: 'igd',
  inputs,
  words: ['02', '000000000003', '000001000003', '010000', '0300000000', '060bb8', '07', '0803'].map((word) =>
    Buffer.from(word, 'hex'),
  ),
  seeds: {
    mapping: Buffer.from('000000000003' + '02' + '09000000' + '02' + '01000000', 'hex'),
    move: Buffer.from('000000000003' + '02' + '000000010003' + '02' + '000000010103', 'hex'),
    quota: Buffer.from('000000000003' + '000000010103' + '000001020203' + '000001030003' + '02', 'hex'),
    'natpmp-beside': Buffer.from('0300000000' + '03' + '000000010003' + '02' + '000000000003', 'hex'),
    'helper-away': Buffer.from('0603e8' + '000000000003' + '01000000' + '02' + '07', 'hex'),
    'kernel-refuses': Buffer.from('000000000003' + '02' + '0803' + '000000010003' + '02', 'hex'),
  },
  run,
};
