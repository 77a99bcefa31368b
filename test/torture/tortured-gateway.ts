// A gateway under torture: the lab, natpmp-server in its router, clients, and the comparison of all that can be seen of
// it with what the wire has promised.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replay } from '../../helper/journal/format.js';
import { bootClock } from '../../proto/clock.js';
import { openDualStackLab } from '../lab/ipv6.js';
import type { Lab } from '../lab/lab.js';
import { pinholesOf, secondsLeft } from '../lab/nft-elements.js';
import type { Listed, Surroundings } from '../lab/server.js';
import { Server } from '../lab/server.js';
import { Clients } from './clients.js';
import { Epochs } from './epochs.js';
import { heldLine, isPinhole, listedLine } from './lines.js';
import { Model } from './model.js';
import { randomFrom } from './random.js';
import type { Findings } from './report.js';
import { ENDING, hasChanged } from './table-change.js';

const LANS = ['--listen-interface', 'br-lan', '--listen-interface', 'br-guest'];
const FLAGS = ['--pinholes', '--upnp', '--max-mappings-per-ip', '5000', ...LANS];
/** What the kernel's time left may differ from the helper's, in seconds: both are rounded, and of different moments. */
const SLACK = 3;
const LIST_TRIES = 5;
/** A request is carried out for the last time so long after it was sent (UNDER_WAY_MS in model.ts), and then some. */
const REST_LIMIT_MS = 10_000;
const LAUNCHER = ['--import', join(import.meta.dirname, 'launcher.js')];

export class TorturedGateway {
  readonly lab: Lab;
  readonly clients: Clients;
  readonly model: Model;
  readonly epochs: Epochs;
  readonly findings: Findings = { lost: [], revived: [], other: [] };
  checks = 0;
  /** What is added to CLOCK_BOOTTIME in the gateway, in milliseconds. */
  bootMs = 0;
  server: Server;
  readonly #around: Surroundings;
  readonly #now = bootClock();

  private constructor(lab: Lab, server: Server, around: Surroundings, clients: Clients, model: Model, epochs: Epochs) {
    this.lab = lab;
    this.server = server;
    this.#around = around;
    this.clients = clients;
    this.model = model;
    this.epochs = epochs;
  }

  /** Null if there can be no lab. */
  static async open(seed: number, around: (lab: Lab) => Surroundings = () => ({})): Promise<TorturedGateway | null> {
    const lab = await openDualStackLab({ guest: true });
    if (lab === null) return null;
    const given = around(lab);
    const surroundings = { ...given, node: [...LAUNCHER, ...(given.node ?? [])] };
    const server = await Server.start(lab, FLAGS, 'server', surroundings);
    const model = new Model();
    const epochs = new Epochs();
    const clients = await Clients.open(lab, model, randomFrom(seed), (epoch, at) => epochs.heard(epoch, at));
    return new TorturedGateway(lab, server, surroundings, clients, model, epochs);
  }

  /** As the gateway sees it, whose mounts may be its own. */
  get journal(): string {
    return `/proc/${this.server.launcher}/root${join(this.server.stateDir, 'leases.journal')}`;
  }

  /** Kill natpmp-server and all below it, and start it again. */
  async startAgain(between: () => Promise<void> = async () => {}): Promise<void> {
    await this.server.kill();
    await between();
    this.server = await Server.start(this.lab, FLAGS, 'server', this.#around);
  }

  /** Let the clients come to rest, and compare. */
  async check(what: string): Promise<void> {
    await this.clients.stop();
    this.checks++;
    const { listed, kernel, journal, ruleset, from, to } = await this.#lookAtRest();
    this.model.settle(from);

    // Looks at different moments: on a busy machine seconds lie between the first and the last.
    const tookSeconds = (to - from) / 1000;
    const mappings = listed.filter((each) => !isPinhole(each));
    const pinholes = listed.filter(isPinhole);
    const { lost, revived } = this.model.judge(listed.map(seenIn), from, to);
    this.findings.lost.push(...lost.map((line) => `${what}: ${line}`));
    this.findings.revived.push(...revived.map((line) => `${what}: ${line}`));
    const other = [
      ...(['in', 'out', 'live'] as const).flatMap((set) =>
        differences(`kernel set ${set}`, mappings, kernel[set], tookSeconds),
      ),
      ...differences('kernel set pinholes', pinholes, pinholesOf(ruleset), tookSeconds),
      ...(typeof journal === 'string' ? [journal] : differences('journal', listed, journal, tookSeconds)),
      ...this.epochs.take(),
    ];
    this.findings.other.push(...other.map((line) => `${what}: ${line}`));
  }

  /**
   * List, kernel and journal of the same table. A request that nobody waits for any more may be carried out between two
   * looks, because the frontend asks the helper again for some seconds. Then all three are looked at again; that they
   * differ is no reason to, and nor is a change after the limit.
   */
  async #lookAtRest() {
    const limit = performance.now() + REST_LIMIT_MS;
    for (let listed = await this.#timedList(); ; ) {
      const ruleset = await this.server.ruleset();
      const kernel = secondsLeft(ruleset);
      const journal = this.#journal();
      const again = await this.#timedList();
      const isAtRest = !hasChanged(listed.table, again.table, (again.at - listed.at) / 1000);
      if (isAtRest || again.at > limit)
        return { listed: listed.table, ruleset, kernel, journal, from: listed.askedAt, to: again.at };
      listed = again;
    }
  }

  async #timedList() {
    const askedAt = performance.now();
    const table = await this.#list();
    return { table, askedAt, at: performance.now() };
  }

  /** natpmpctl gives up after a few seconds, in which a busy machine has not come to answer it. */
  async #list(): Promise<Listed[]> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.server.list();
      } catch (error) {
        if (tries === LIST_TRIES) throw error;
      }
    }
  }

  /** What the journal holds and has not ended, with the seconds left; or what is wrong with it. */
  #journal(): ReadonlyMap<string, number> | string {
    const replayed = replay(readFileSync(this.journal));
    if (replayed.kind !== 'intact') return `the journal is ${replayed.kind}`;
    if (replayed.tornBytes > 0) return `the journal of a gateway at rest ends in ${replayed.tornBytes} torn bytes`;
    const now = this.#now() + this.bootMs;
    return new Map(
      replayed.leases
        .filter(({ expiresAt }) => expiresAt > now)
        .map((lease) => [heldLine(lease), (lease.expiresAt - now) / 1000]),
    );
  }
}

function seenIn({ protocol, internalAddress, internalPort, externalPort, lifetime, timeLeft }: Listed) {
  return { protocol, address: internalAddress, internalPort, externalPort, lifetime, timeLeft: timeLeft ?? Infinity };
}

/** Where another list, made a moment later, differs from the table in more than what has just ended. */
function differences(
  name: string,
  listed: readonly Listed[],
  held: ReadonlyMap<string, number>,
  tookSeconds: number,
): string[] {
  const [ending, slack] = [ENDING + tookSeconds, SLACK + tookSeconds];
  const lines = new Map(listed.map((each) => [listedLine(each), each.timeLeft ?? Infinity]));
  const missing = [...lines]
    .filter(([line, left]) => left > ending && !held.has(line))
    .map(([line]) => `${name} lacks ${line}`);
  const surplus = [...held]
    .filter(([line, left]) => left > ending && !lines.has(line))
    .map(([line]) => `${name} has ${line}`);
  const off = [...held]
    .filter(([line, left]) => Math.abs((lines.get(line) ?? left) - left) > slack)
    .map(([line, left]) => `${name} ends ${line} in ${Math.round(left)} s, not in ${lines.get(line)} s`);
  return [...missing, ...surplus, ...off];
}
