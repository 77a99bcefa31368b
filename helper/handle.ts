// Carries out one batch of requests: decide, kernel, disk, and only then the answers.

import type { AnyLease, BatchResult, Change, HandlerDeps, Plan, RequestFrom } from './types.js';
import type { Event, ListedLease, ListedPinhole, Response } from '../proto/messages.js';
import type { List } from './validate.js';
import * as validate from './validate.js';

/** How many leases may expire, or be changed by one transaction and one fdatasync; a single request may exceed it. */
const CHANGES_PER_GROUP = 500;
/** How many requests of a batch the kernel may refuse. Then it is asked no more: the ruleset is away, or a set is full. */
const MAX_REFUSALS = 3;

/** Carry out the requests in order. When this returns, all that the responses say is in the kernel and on disk. */
export function handle(requests: readonly RequestFrom[], deps: HandlerDeps): BatchResult {
  const events = deps.leases.expire(deps.now(), CHANGES_PER_GROUP).map((lease) => leaseEvent('expired', lease));
  const responses: Response[] = [];
  let refusalsLeft = MAX_REFUSALS;
  const commit = (group: readonly StagedRequest[]): void => {
    const changes = group.flatMap((staged) => staged.changes);
    const apply = () => deps.totals.timed('kernel', () => deps.kernel.apply(changes, deps.now()));
    const outcome = changes.length === 0 ? 'done' : refusalsLeft === 0 ? 'refused' : apply();
    if (outcome === 'done') {
      // A crash before the journal leaves elements that no answer has promised: the next start removes them. A throw from
      // the journal ends the process, on purpose: no answer has been sent yet.
      if (changes.length > 0) {
        deps.totals.timed('journal', () => deps.journal.append(changes, null, deps.now()));
        deps.journal.compact(deps.leases, deps.clock(), deps.now());
      }
      responses.push(...group.map((staged) => staged.response));
      events.push(...changes.map(eventOf));
      return;
    }
    for (const change of changes.toReversed()) deps.leases.undo(change);
    if (outcome === 'out-of-sync') deps.markOutOfSync();
    if (group.length === 1) {
      refusalsLeft = Math.max(0, refusalsLeft - 1);
      responses.push({ kind: 'refused', reason: 'kernel' });
      return;
    }
    // One request is at fault. Retry singly, and decide again: results may differ without it.
    for (const { request } of group) commit([stage(request, deps)]);
  };

  const group: StagedRequest[] = [];
  let size = 0;
  for (const request of requests) {
    const staged = stage(request, deps);
    group.push(staged);
    size += staged.changes.length;
    if (size < CHANGES_PER_GROUP) continue;
    commit(group.splice(0));
    size = 0;
  }
  commit(group);
  return { responses, events };
}

/** A request whose changes are in the table already, but nowhere else. */
interface StagedRequest extends Plan {
  readonly request: RequestFrom;
}

/** Decide one request, on the table as the one before it left it, and change the table. */
function stage(request: RequestFrom, deps: HandlerDeps): StagedRequest {
  const { response, changes } = planFor(request, deps);
  for (const change of changes) deps.leases.apply(change);
  return { request, response, changes };
}

/** The allow-list: one case for each kind of request. There is no other way to cause a change. */
function planFor({ request, role }: RequestFrom, deps: HandlerDeps): Plan {
  switch (request.kind) {
    case 'add-mapping':
      return validate.planAdd(request, role, deps, deps.now());
    case 'remove-mapping':
    case 'remove-pinhole':
      return validate.planRemove(request, role, deps);
    case 'remove-host-mappings':
      return validate.planRemoveHost(request, role, deps);
    case 'list-mappings':
    case 'list-pinholes':
      return validate.isPageRequest(request)
        ? { response: page(request, deps), changes: validate.NO_CHANGES }
        : validate.refuse('malformed');
    case 'add-pinhole':
      return validate.planAddPinhole(request, role, deps, deps.now());
    case 'status':
      return { response: { kind: 'status-report', status: deps.status() }, changes: validate.NO_CHANGES };
  }
}

function eventOf({ before, after }: Change): Event {
  if (after === undefined) return leaseEvent('removed', before as AnyLease);
  return leaseEvent(before === undefined ? 'granted' : 'renewed', after);
}

export function leaseEvent(kind: 'granted' | 'renewed' | 'removed' | 'expired', lease: AnyLease): Event {
  return 'address' in lease ? { kind, pinhole: lease } : { kind, lease };
}

function page({ kind, after, limit, traffic }: List, { leases: held, kernel }: HandlerDeps): Response {
  const shown: AnyLease[] = [];
  const rest: Iterable<AnyLease> = kind === 'list-mappings' ? held.above(after) : held.pinholes.above(after);
  for (const lease of rest) if (shown.push(lease) > limit) break;
  const hasMore = shown.length > limit;
  if (hasMore) shown.pop();
  const last = shown.at(-1);
  const next = hasMore && last !== undefined ? held.cursorOf(last) : 0;
  const counters = traffic === true ? kernel.traffic(shown) : [];
  const leases = shown.map((lease, index) => (counters[index] ? { ...lease, traffic: counters[index] } : lease));
  return kind === 'list-mappings'
    ? { kind: 'mapping-list', leases: leases as readonly ListedLease[], next }
    : { kind: 'pinhole-list', pinholes: leases as readonly ListedPinhole[], next };
}
