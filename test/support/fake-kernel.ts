// A kernel for tests: remembers what it holds, refuses what the real one would, fails on demand. The contract test runs
// the same table against it and against nftables, so that it cannot drift.

import type { AnyLease, Change, Kernel } from '../../helper/types.js';
import type { Traffic } from '../../proto/codec.js';
import type { Lease } from '../../proto/mapping.js';
import { formatIpv6 } from '../../proto/ipv6.js';
import { internalKey } from '../../proto/mapping.js';
import { leaseKey, netChanges } from '../../helper/leases.js';

export class FakeKernel implements Kernel {
  readonly held = new Map<number | string, AnyLease>();
  /** What the mappings have carried, by `leaseKey`; nothing if it is not here. */
  readonly counted = new Map<number | string, Traffic>();
  /** What happened, in order; shared with other fakes to show their order. */
  readonly log: string[];
  /** Flows that the ruleset has rejected since. */
  readonly endedFlows: string[] = [];
  /** Called for each walk over all flows: time may pass. */
  walked = (): void => {};
  #failures: ('refused' | 'out-of-sync' | 'crash')[] = [];
  #hasRuleset = true;
  #disturbed = false;

  constructor(log: string[] = []) {
    this.log = log;
  }

  /** The next calls of `apply` come out like this. */
  failNext(...failures: ('refused' | 'out-of-sync' | 'crash')[]): void {
    this.#failures.push(...failures);
  }

  flush({ withRuleset }: { withRuleset: boolean }): void {
    this.held.clear();
    this.#hasRuleset = withRuleset;
    this.#disturbed = true;
  }

  /** Somebody else changes rules of ours, and no element. */
  disturb(): void {
    this.#disturbed = true;
  }

  apply(changes: readonly Change[], now: number): 'done' | 'refused' | 'out-of-sync' {
    const failure = this.#failures.shift();
    if (failure === 'crash') throw new Error('crash');
    if (failure !== undefined) return failure;
    if (!this.#hasRuleset) return 'out-of-sync';
    const net = netChanges(changes);
    for (const { before } of net) if (before !== undefined) this.held.delete(leaseKey(before));
    for (const { after } of net) {
      if (after === undefined) continue;
      const holder = this.held.get(leaseKey(after));
      if (holder !== undefined && !isSameEndpoint(holder, after) && holder.expiresAt > now) return 'out-of-sync';
      this.held.set(leaseKey(after), after);
    }
    this.log.push(`kernel ${net.map(describe).join(' ')}`);
    return 'done';
  }

  repair(leases: Iterable<AnyLease>): { added: number; removed: number } | 'no-ruleset' {
    this.#disturbed = false;
    if (!this.#hasRuleset) return 'no-ruleset';
    const wanted = new Map([...leases].map((lease) => [leaseKey(lease), lease]));
    let [added, removed] = [0, 0];
    for (const [key, lease] of [...this.held]) {
      if (wanted.has(key)) continue;
      this.held.delete(key);
      removed += elementsIn(lease);
    }
    for (const [key, lease] of wanted) {
      if (!this.held.has(key)) added += elementsIn(lease);
      this.held.set(key, lease);
    }
    this.log.push(`repair +${added} -${removed}`);
    return { added, removed };
  }

  traffic(leases: readonly AnyLease[]): readonly (Traffic | null)[] {
    return leases.map((lease) => {
      const holder = this.held.get(leaseKey(lease));
      if (holder === undefined || !isSameEndpoint(holder, lease)) return null;
      return this.counted.get(leaseKey(lease)) ?? { packets: 0, bytes: 0 };
    });
  }

  flushEndedFlows(): number {
    return this.endedFlows.splice(0).length;
  }

  flushEarlierFlows(granted: Lease): void {
    this.log.push(`flows follow ${granted.protocol}:${granted.externalPort}`);
    this.walked();
  }

  takeForeignChange(): boolean {
    const disturbed = this.#disturbed;
    this.#disturbed = false;
    return disturbed;
  }
}

/** "+tcp:8080", "=tcp:8080" (renewed), "-tcp:8080"; "+tcp:[2001:db8::2]:8080" of a pinhole. */
export function describe({ before, after }: Change): string {
  const lease = (after ?? before) as AnyLease;
  const what = 'address' in lease ? `[${formatIpv6(lease.address)}]:${lease.port}` : lease.externalPort;
  return `${after === undefined ? '-' : before === undefined ? '+' : '='}${lease.protocol}:${what}`;
}

/** Of leases with the same key. */
function isSameEndpoint(one: AnyLease, other: AnyLease): boolean {
  return 'address' in one || 'address' in other || internalKey(one) === internalKey(other);
}

function elementsIn(lease: AnyLease): number {
  return 'address' in lease ? 1 : 3;
}
