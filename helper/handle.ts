// Carries out one batch of requests: decide, kernel, disk, and only then the answers. Runs with CAP_NET_ADMIN; believes
// nothing it is sent. The frontend made the same checks; it may be compromised, so they are made again.

import type { Event, ListedLease, Request, Response, StatusReport, Traffic } from '../proto/codec.js';
import type { Lease } from '../proto/mapping.js';
import { externalKey } from '../proto/mapping.js';
import type { RateLimiter } from '../proto/token-bucket.js';
import type { StatsRecorder } from '../proto/totals.js';
import type { Journal } from './journal/journal.js';
import type { Kernel } from './nft/kernel.js';
import type { Change, Leases } from './leases.js';
import type { Limits } from './limits.js';
import type { Clock } from './journal/format.js';
import type { List, Plan, Role } from './validate.js';
import { isPageRequest, planAdd, planRemove, planRemoveHost } from './validate.js';

export interface HandlerDeps {
  readonly limits: Limits;
  readonly leases: Leases;
  readonly newMappings: RateLimiter;
  readonly kernel: Kernel;
  readonly journal: Journal;
  readonly totals: StatsRecorder;
  /** Milliseconds of CLOCK_BOOTTIME. */
  readonly now: () => number;
  /** The clock as the journal knows it, and as it is where the wall clock has been set since. */
  readonly clock: () => { readonly current: Clock; readonly isNews: boolean };
  readonly status: () => StatusReport;
  /** Called where the kernel turned out not to hold what it should. */
  readonly markOutOfSync: () => void;
}

/** A request, and whose socket it came in on. `watch` is not here: it is the server's. */
export interface RequestFrom {
  readonly request: Exclude<Request, { kind: 'watch' }>;
  readonly role: Role;
}

export interface BatchResult {
  /** One for each request, in order. */
  readonly responses: readonly Response[];
  /** What happened, in order, for those who watch. */
  readonly events: readonly Event[];
}

/** How many leases one transaction and one fdatasync may change; a single request may exceed it. */
const CHANGES_A_GROUP = 500;

/** Carry out the requests in order. When this returns, all that the responses say is in the kernel and on disk. */
export function handle(asked: readonly RequestFrom[], world: HandlerDeps): BatchResult {
  const events: Event[] = world.leases.expire(world.now()).map((lease) => ({ kind: 'expired', lease }));
  const responses: Response[] = [];
  for (let from = 0; from < asked.length; ) {
    const group = nextGroup(asked, from, world);
    from += group.length;
    commit(group, world, responses, events);
  }
  return { responses, events };
}

/** A request with what it does to the table, done to the table already but to nothing else. */
interface StagedRequest {
  readonly asked: RequestFrom;
  readonly response: Response;
  readonly changes: readonly Change[];
}

/** Decide requests one after the other, each on the table as the one before it leaves it. */
function nextGroup(asked: readonly RequestFrom[], from: number, world: HandlerDeps): readonly StagedRequest[] {
  const group: StagedRequest[] = [];
  let size = 0;
  for (let at = from; at < asked.length && size < CHANGES_A_GROUP; at++) {
    const staged = stage(asked[at] as RequestFrom, world);
    size += staged.changes.length;
    group.push(staged);
  }
  return group;
}

function commit(group: readonly StagedRequest[], world: HandlerDeps, responses: Response[], events: Event[]): void {
  const changes = group.flatMap((staged) => staged.changes);
  const outcome =
    changes.length === 0 ? 'done' : world.totals.timed('kernel', () => world.kernel.apply(changes, world.now()));
  if (outcome === 'done') {
    // A crash before the journal leaves elements that nobody was told of: the next start removes them.
    persist(changes, world);
    responses.push(...group.map((staged) => staged.response));
    events.push(...changes.map(eventOf));
    return;
  }

  for (const change of changes.toReversed()) world.leases.undo(change);
  if (outcome === 'out-of-step') world.markOutOfSync();
  if (group.length === 1) {
    responses.push({ kind: 'refused', reason: 'kernel' });
    return;
  }
  // One of them is to blame: each for itself, decided anew, for without the one the others may come out differently.
  for (const { asked } of group) commit([stage(asked, world)], world, responses, events);
}

/** Make the changes durable. A throw from here ends the process, on purpose: nobody has been told anything yet. */
function persist(changes: readonly Change[], world: HandlerDeps): void {
  if (changes.length === 0) return;
  const { current, isNews } = world.clock();
  world.totals.timed('journal', () => world.journal.append(changes, isNews ? current : null, world.now()));
  world.journal.compact(world.leases, current, world.now());
}

/** The allow-list: one case for each request there is. What is not here can not be asked. */
function stage(asked: RequestFrom, world: HandlerDeps): StagedRequest {
  const { request, role } = asked;
  const { limits, leases } = world;
  switch (request.kind) {
    case 'add-mapping':
      return applyPlan(
        asked,
        world,
        planAdd(request, role, limits, leases, world.newMappings, world.now()),
        ([change]) =>
          change?.after === undefined
            ? { kind: 'refused', reason: 'kernel' }
            : { kind: 'granted', lease: change.after },
      );
    case 'remove-mapping':
      return applyPlan(asked, world, planRemove(request, role, limits, leases), (changes) => ({
        kind: 'removed',
        count: changes.length,
      }));
    case 'remove-host-mappings':
      return applyPlan(asked, world, planRemoveHost(request, role, limits, leases), (changes, kept) => ({
        kind: 'host-mappings-removed',
        count: changes.length,
        kept,
      }));
    case 'list-mappings':
      return { asked, response: page(request, world), changes: [] };
    case 'status':
      return { asked, response: { kind: 'status-report', status: world.status() }, changes: [] };
  }
}

function applyPlan(
  asked: RequestFrom,
  world: HandlerDeps,
  plan: Plan,
  answer: (changes: readonly Change[], kept: number) => Response,
): StagedRequest {
  switch (plan.kind) {
    case 'refuse':
      return { asked, response: { kind: 'refused', reason: plan.reason }, changes: [] };
    case 'keep':
      return { asked, response: { kind: 'granted', lease: plan.lease }, changes: [] };
    case 'change':
      for (const change of plan.changes) world.leases.apply(change);
      return { asked, response: answer(plan.changes, plan.kept), changes: plan.changes };
  }
}

function eventOf({ before, after }: Change): Event {
  if (after === undefined) return { kind: 'removed', lease: before as Lease };
  return { kind: before === undefined ? 'granted' : 'renewed', lease: after };
}

function page(request: List, { leases, kernel }: HandlerDeps): Response {
  if (!isPageRequest(request)) return { kind: 'refused', reason: 'malformed' };
  const shown: Lease[] = [];
  let next = 0;
  for (const lease of leases.above(request.after)) {
    const last = shown.at(-1);
    if (last !== undefined && shown.length === request.limit) {
      next = externalKey(last.protocol, last.externalPort);
      break;
    }
    shown.push(lease);
  }
  if (request.traffic !== true) return { kind: 'mapping-list', leases: shown, next };
  const carried = kernel.traffic(shown);
  return { kind: 'mapping-list', leases: shown.map((lease, index) => withTraffic(lease, carried[index])), next };
}

function withTraffic(lease: Lease, traffic: Traffic | null | undefined): ListedLease {
  return traffic ? { ...lease, traffic } : lease;
}
