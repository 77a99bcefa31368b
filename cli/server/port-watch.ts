// The ports that the router needs itself, looked at again and again: the daemons are told when they have changed.

import type { PortRange } from '../../proto/mapping.js';
import { messageOf } from '../host/failure.js';
import type { Log } from '../host/log.js';
import type { PortsInUse } from '../host/ports-in-use.js';
import { PortFinder, warningsOf } from '../host/ports-in-use.js';
import { shortList } from '../host/port-lines.js';
import type { Config } from './config.js';
import { RulesetEvents } from './ruleset-events.js';

/** How long a new service of the router may be unknown to the daemons, in milliseconds. */
const LOOK_MS = 3000;
/** Between two readings of all rules, which takes nft tens of milliseconds, and more with many rules. */
const RULES_MS = 10_000;

/** What a look needs; tests put a fake in its place. */
export interface PortWatchDeps {
  readonly finder: Pick<PortFinder, 'find'>;
  readonly events: Pick<RulesetEvents, 'takeChange' | 'close'>;
  readonly nowMs: () => number;
  readonly log: Log;
}

export class PortWatch {
  readonly #deps: PortWatchDeps;
  #inUse: PortsInUse | null = null;
  #rulesReadAt = -Infinity;
  /** Rules have changed, and are read as soon as RULES_MS allows. */
  #areRulesStale = true;
  #warned = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: PortWatchDeps) {
    this.#deps = deps;
  }

  static open(config: Config, log: Log): PortWatch {
    const { externalInterface, externalAddress, natTable: table, natChain: chain } = config;
    const own = { table, chain };
    return new PortWatch({
      finder: new PortFinder({ externalInterface, externalAddress, own }),
      // Before the first look: what changes after it is noticed.
      events: new RulesetEvents(own),
      nowMs: () => performance.now(),
      log,
    });
  }

  /** Look now, at everything. A Failure if the rules cannot be listed. */
  look(): PortsInUse {
    this.#areRulesStale = true;
    this.#rulesReadAt = -Infinity;
    this.#look();
    return this.#inUse as PortsInUse;
  }

  /** The ports at the last look, in ascending order. */
  get ranges(): readonly PortRange[] {
    return this.#inUse?.ports.ranges() ?? [];
  }

  /** Call `onChange` whenever other ports are in use than before. It is not called again before it returns. */
  start(onChange: () => void): void {
    this.#timer = setInterval(() => {
      try {
        if (this.#look()) onChange();
      } catch (error) {
        this.#warn([`ports in use cannot be looked at: ${messageOf(error)}`]);
      }
    }, LOOK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  close(): void {
    this.stop();
    this.#deps.events.close();
  }

  /** Whether other ports are in use than at the look before. */
  #look(): boolean {
    const { finder, events, nowMs, log } = this.#deps;
    this.#areRulesStale = events.takeChange() || this.#areRulesStale;
    const readRules = this.#areRulesStale && nowMs() - this.#rulesReadAt >= RULES_MS;
    const found = finder.find(readRules);
    // No event tells of changes that are made by iptables-legacy.
    if (readRules) [this.#areRulesStale, this.#rulesReadAt] = [found.legacy !== null, nowMs()];
    const before = this.#inUse;
    this.#inUse = found;
    this.#warn(warningsOf(found));
    if (before !== null && found.ports.equals(before.ports)) return false;
    const added = before === null ? found.ports : found.ports.without(before.ports);
    const freed = before === null ? null : before.ports.without(found.ports);
    if (!added.isEmpty)
      log.info({ ports: shortList(added.ranges()) }, 'the router needs these itself: they are never mapped');
    if (freed !== null && !freed.isEmpty)
      log.info({ ports: shortList(freed.ranges()) }, 'the router needs these no more');
    return true;
  }

  /** The same warnings only once in a row. */
  #warn(lines: readonly string[]): void {
    const said = lines.join('\n');
    if (said !== this.#warned) for (const line of lines) this.#deps.log.warn(line);
    this.#warned = said;
  }
}
