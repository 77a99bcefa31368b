import type { Limits, Plan, Role } from '../../helper/types.js';
import * as assert from 'uvu/assert';
import { Leases } from '../../helper/leases.js';
import { planAdd, planRemove, planRemoveHost } from '../../helper/validate.js';
import type { Request } from '../../proto/codec.js';
import type { Lease } from '../../proto/mapping.js';
import type { HostRule } from '../../config/types.js';
import { RateLimiter } from '../../proto/token-bucket.js';
import { cases, claims } from '../support/cases.js';
import { lease, limitsFor } from './leases.js';

const limits: Limits = limitsFor({
  allowedPorts: [
    { from: 1024, to: 5000 },
    { from: 8080, to: 65535 },
  ],
  reservedPorts: [{ from: 9000, to: 9001 }],
  maxMappings: 6,
  maxMappingsPerHost: 3,
  newMappings: { burst: 2, intervalMs: 5000 },
  maxLifetime: 86400,
});
const NOW = 1_000_000;
const stateOf = (given: Limits, leases: Leases) => ({
  limits: given,
  leases,
  newMappings: new RateLimiter(limits.newMappings),
  newPinholes: new RateLimiter(limits.newMappings),
});
const ALICE = 0xc0a80102;
const BOB = 0xc0a80103;
const add = {
  kind: 'add-mapping',
  protocol: 'tcp',
  internalAddress: ALICE,
  internalPort: 80,
  externalPort: 8080,
  lifetime: 600,
  origin: 'dynamic',
} as const satisfies Request;
type Add = Extract<Request, { kind: 'add-mapping' }>;

/** Why it is refused; else whether the table changes. */
const outcomeOf = ({ response, changes }: Plan): string => {
  if (response.kind === 'refused') return response.reason;
  return changes.length > 0 ? 'change' : 'keep';
};
const fixed = (fields: Partial<Lease>) => lease({ origin: 'static', lifetime: 0, expiresAt: Infinity, ...fields });

cases(
  'planAdd: for any host that there can be',
  [
    { name: 'the lowest', address: 0x01000000, want: 'change' },
    { name: 'below loopback', address: 0x7effffff, want: 'change' },
    { name: 'above loopback', address: 0x80000000, want: 'change' },
    { name: 'the highest', address: 0xdfffffff, want: 'change' },
    { name: 'this network', address: 0x00ffffff, want: 'address' },
    { name: 'loopback', address: 0x7f000001, want: 'address' },
    { name: 'multicast', address: 0xe0000001, want: 'address' },
    { name: 'broadcast', address: 0xffffffff, want: 'address' },
    { name: 'loopback, in the sandbox', address: 0x7f000001, loopback: true, want: 'change' },
    { name: 'multicast, in the sandbox', address: 0xe0000001, loopback: true, want: 'address' },
  ],
  ({ address, loopback, want }) => {
    const state = stateOf({ ...limits, loopback: loopback === true }, new Leases());
    const plan = planAdd({ ...add, internalAddress: address }, 'client', state, NOW);
    assert.is(outcomeOf(plan), want);
  },
);

cases<{
  name: string;
  add: Partial<Add>;
  want: string;
  role?: Role;
}>(
  'planAdd: the values',
  [
    { name: 'allowed', add: {}, want: 'change' },
    { name: 'lifetime of 1 s', add: { lifetime: 1 }, want: 'change' },
    { name: 'the longest lifetime', add: { lifetime: 86400 }, want: 'change' },
    { name: 'a second more', add: { lifetime: 86401 }, want: 'lifetime' },
    { name: 'the longest a field can say', add: { lifetime: 0xffffffff }, want: 'lifetime' },
    { name: 'lifetime 0', add: { lifetime: 0 }, want: 'lifetime' },
    { name: 'address 0', add: { internalAddress: 0 }, want: 'address' },
    { name: 'internal port 0', add: { internalPort: 0 }, want: 'malformed' },
    { name: 'internal port 65536', add: { internalPort: 65536 }, want: 'malformed' },
    { name: 'internal port 65535', add: { internalPort: 65535 }, want: 'change' },
    { name: 'external port 0', add: { externalPort: 0 }, want: 'port' },
    { name: 'external port below the range', add: { externalPort: 1023 }, want: 'port' },
    { name: 'the first of the range', add: { externalPort: 1024 }, want: 'change' },
    { name: 'the last of the range', add: { externalPort: 5000 }, want: 'change' },
    { name: 'between the ranges', add: { externalPort: 5001 }, want: 'port' },
    { name: 'external port 65536', add: { externalPort: 65536 }, want: 'port' },
    { name: 'reserved', add: { externalPort: 9001 }, want: 'port' },
    { name: 'after the reserved', add: { externalPort: 9002 }, want: 'change' },
    { name: 'static by a client', add: { origin: 'static', lifetime: 0 }, want: 'not-permitted' },
    {
      name: 'static by the administrator',
      role: 'administrator',
      add: { origin: 'static', lifetime: 0 },
      want: 'change',
    },
    { name: 'static with a lifetime', role: 'administrator', add: { origin: 'static' }, want: 'lifetime' },
    {
      name: 'the administrator keeps to hosts too',
      role: 'administrator',
      add: { internalAddress: 1 },
      want: 'address',
    },
  ],
  (row) => {
    const plan = planAdd({ ...add, ...row.add }, row.role ?? 'client', stateOf(limits, new Leases()), NOW);
    assert.is(outcomeOf(plan), row.want);
  },
);

const ports = [{ from: 2000, to: 2999 }];
const NARROW = { ports, pinholePorts: ports, maxMappings: 1, maxLifetime: 60 };
const mac = { kind: 'mac', mac: 7 } as const;
const alice = { kind: 'prefix', address: ALICE, length: 32 } as const;
const mapped = lease({ internalPort: 81, externalPort: 2081 });

cases<{ name: string; rules?: HostRule[]; add?: Partial<Add>; role?: Role; want: string }>(
  'planAdd: the rules',
  [
    { name: 'a denied host', rules: [{ who: alice, grant: null }], want: 'not-permitted' },
    {
      name: 'a denied host does not renew',
      rules: [{ who: alice, grant: null }],
      add: { internalPort: 81 },
      want: 'not-permitted',
    },
    {
      name: 'what the administrator makes is beyond them',
      rules: [{ who: alice, grant: null }],
      role: 'administrator',
      add: { origin: 'static', lifetime: 0 },
      want: 'change',
    },
    { name: 'another host', rules: [{ who: { ...alice, address: BOB }, grant: null }], want: 'change' },
    {
      name: 'a port outside of the rule',
      rules: [{ who: alice, grant: { ...NARROW, maxMappings: 2 } }],
      add: { lifetime: 60 },
      want: 'port',
    },
    {
      name: 'a port of the rule',
      rules: [{ who: alice, grant: { ...NARROW, maxMappings: 2 } }],
      add: { externalPort: 2001, lifetime: 60 },
      want: 'change',
    },
    {
      name: 'a second above the rule',
      rules: [{ who: alice, grant: { ...NARROW, maxMappings: 2 } }],
      add: { externalPort: 2001, lifetime: 61 },
      want: 'lifetime',
    },
    {
      name: 'the quota of the rule',
      rules: [{ who: alice, grant: NARROW }],
      add: { externalPort: 2001, lifetime: 60 },
      want: 'host-full',
    },
    {
      name: 'a renewal at that quota',
      rules: [{ who: alice, grant: NARROW }],
      add: { internalPort: 81, externalPort: 2081, lifetime: 60 },
      want: 'change',
    },
    {
      name: '§3.7 granted under other rules: no renewal',
      rules: [{ who: alice, grant: { ...NARROW, ports: [{ from: 8080, to: 8080 }] } }],
      add: { internalPort: 81, lifetime: 60 },
      want: 'port',
    },
    {
      name: 'a rule that denies by hardware address may not be about this host',
      rules: [{ who: mac, grant: null }],
      want: 'change',
    },
    {
      name: 'one that allows may be',
      rules: [
        { who: mac, grant: { ...NARROW, maxMappings: 2 } },
        { who: alice, grant: null },
      ],
      add: { externalPort: 2001, lifetime: 60 },
      want: 'change',
    },
    {
      name: 'the loosest of both counts',
      rules: [
        { who: mac, grant: { ...NARROW, maxMappings: 2 } },
        { who: alice, grant: { ...NARROW, ports: [{ from: 8080, to: 8080 }] } },
      ],
      add: { lifetime: 60 },
      want: 'change',
    },
    {
      name: 'but not what comes behind',
      rules: [
        { who: alice, grant: null },
        { who: mac, grant: NARROW },
      ],
      want: 'not-permitted',
    },
    { name: 'a denied internal port', add: { internalPort: 445 }, want: 'not-permitted' },
    {
      name: 'not for the administrator',
      role: 'administrator',
      add: { internalPort: 445, origin: 'static', lifetime: 0 },
      want: 'change',
    },
  ],
  (row) => {
    const leases = new Leases();
    leases.put(mapped);
    const given: Limits = {
      ...limits,
      deniedPorts: [{ from: 445, to: 445 }],
      rules: [...(row.rules ?? []), ...limits.rules],
    };
    const plan = planAdd({ ...add, ...row.add }, row.role ?? 'client', stateOf(given, leases), NOW);
    assert.is(outcomeOf(plan), row.want);
  },
);

const held = lease({ expiresAt: NOW + 1000 });
const granted = { ...held, lifetime: 600, expiresAt: NOW + 600_000 };

cases<{ name: string; leases: Lease[]; add?: Partial<Add>; role?: Role; want: unknown }>(
  'planAdd: the state',
  [
    { name: 'free', leases: [], want: { changes: [{ before: undefined, after: granted }] } },
    { name: '§3.3 renewal', leases: [held], want: { changes: [{ before: held, after: granted }] } },
    {
      name: '§3.3 renewal keeps the port in force, whatever is asked',
      leases: [held],
      add: { externalPort: 4000 },
      want: { changes: [{ before: held, after: granted }] },
    },
    { name: "the port is another host's", leases: [lease({ internalAddress: BOB })], want: 'conflict' },
    {
      name: 'the port leads to another port of the same host',
      leases: [lease({ internalPort: 81 })],
      want: 'conflict',
    },
    {
      name: "§3.3 the companion is another host's",
      leases: [lease({ protocol: 'udp', internalAddress: BOB })],
      want: 'conflict',
    },
    {
      name: "§3.3 the companion is the same host's",
      leases: [lease({ protocol: 'udp', internalPort: 9 })],
      want: { changes: [{ before: undefined, after: granted }] },
    },
    {
      name: 'the host is full',
      leases: [1, 2, 3].map((port) => lease({ internalPort: port, externalPort: 2000 + port })),
      want: 'host-full',
    },
    {
      name: 'a full host may renew',
      leases: [held, ...[1, 2].map((port) => lease({ internalPort: port, externalPort: 2000 + port }))],
      want: { changes: [{ before: held, after: granted }] },
    },
    {
      name: 'the table is full',
      leases: [1, 2, 3, 4, 5, 6].map((port) => lease({ internalAddress: BOB + port, externalPort: 2000 + port })),
      want: 'table-full',
    },
    { name: '§3.3 a static mapping answers for itself', leases: [fixed({})], want: { keep: fixed({}) } },
    {
      name: '§3.3 a static mapping answers with its own port',
      leases: [fixed({ externalPort: 5000 })],
      want: { keep: fixed({ externalPort: 5000 }) },
    },
    {
      name: 'the administrator makes a dynamic mapping static',
      role: 'administrator',
      leases: [held],
      add: { origin: 'static', lifetime: 0 },
      want: { changes: [{ before: held, after: fixed({}) }] },
    },
    {
      name: 'not one with another external port',
      role: 'administrator',
      leases: [held],
      add: { origin: 'static', lifetime: 0, externalPort: 4000 },
      want: 'conflict',
    },
    {
      name: "a static mapping does not count as the host's greed",
      role: 'administrator',
      add: { origin: 'static', lifetime: 0 },
      leases: [1, 2, 3].map((port) => lease({ internalPort: port, externalPort: 2000 + port })),
      want: { changes: [{ before: undefined, after: fixed({}) }] },
    },
  ],
  (row) => {
    const leases = new Leases();
    for (const each of row.leases) leases.put(each);
    const plan = planAdd({ ...add, ...row.add }, row.role ?? 'client', stateOf(limits, leases), NOW);
    const { response, changes } = plan;
    if (response.kind !== 'granted') assert.is(outcomeOf(plan), row.want);
    else assert.equal(changes.length > 0 ? { changes } : { keep: response.lease }, row.want);
  },
);

const other = { internalPort: 81, externalPort: 8081 };
cases<{ name: string; asked: (Partial<Add> & { after?: number; remove?: boolean })[]; want: string[] }>(
  'planAdd: the rate of new mappings, two at once and one more each 5 s',
  [
    { name: 'within it', asked: [{}, other], want: ['change', 'change'] },
    {
      name: 'beyond it',
      asked: [{}, other, { internalPort: 82, externalPort: 8082 }],
      want: ['change', 'change', 'rate'],
    },
    {
      name: 'again later',
      asked: [{}, other, { internalPort: 82, externalPort: 8082, after: 5000 }],
      want: ['change', 'change', 'change'],
    },
    {
      name: 'a removal gives nothing back',
      asked: [{}, { remove: true }, {}, { remove: true }, {}],
      want: ['change', 'change', 'rate'],
    },
    { name: 'a renewal costs nothing', asked: [{}, {}, {}, other], want: ['change', 'change', 'change', 'change'] },
    {
      name: 'a request refused for another reason costs nothing',
      asked: [{ externalPort: 80 }, { lifetime: 0 }, {}, { internalPort: 81 }, { internalPort: 82 }, other],
      want: ['port', 'lifetime', 'change', 'conflict', 'conflict', 'change'],
    },
    {
      name: 'another host has its own',
      asked: [{}, other, { ...other, externalPort: 8082, internalAddress: BOB }],
      want: ['change', 'change', 'change'],
    },
    {
      name: "the administrator's static one costs nothing",
      asked: [{}, other, { internalPort: 82, externalPort: 8082, origin: 'static', lifetime: 0 }],
      want: ['change', 'change', 'change'],
    },
  ],
  ({ asked, want }) => {
    const leases = new Leases();
    const state = stateOf(limits, leases);
    const seen = asked.flatMap(({ after = 0, remove = false, ...fields }) => {
      const request = { ...add, ...fields };
      const role = request.origin === 'static' ? 'administrator' : 'client';
      const plan = remove
        ? planRemove({ ...add, kind: 'remove-mapping' }, 'client', stateOf(limits, leases))
        : planAdd(request, role, state, NOW + after);
      for (const each of plan.changes) leases.apply(each);
      return remove ? [] : [outcomeOf(plan)];
    });
    assert.equal(seen, want);
  },
);

const mine = fixed({ internalPort: 22, externalPort: 2222 });
cases<{ name: string; endpoint?: object; role?: Role; want: unknown }>(
  'planRemove',
  [
    { name: 'there', want: [held] },
    { name: '§3.4 absent counts as removed', endpoint: { internalPort: 81 }, want: [] },
    { name: "§3.4 another host's is not touched", endpoint: { internalAddress: BOB }, want: [] },
    { name: 'of the other protocol', endpoint: { protocol: 'udp' }, want: [] },
    { name: '§3.4 static', endpoint: { internalPort: 22 }, want: 'not-permitted' },
    { name: 'static, by the administrator', role: 'administrator', endpoint: { internalPort: 22 }, want: [mine] },
    { name: 'for no host', endpoint: { internalAddress: 7 }, want: 'address' },
    { name: 'internal port 0', endpoint: { internalPort: 0 }, want: 'malformed' },
  ],
  (row) => {
    const leases = new Leases();
    for (const each of [held, mine]) leases.put(each);
    const request = {
      kind: 'remove-mapping',
      protocol: 'tcp',
      internalAddress: ALICE,
      internalPort: 80,
      ...row.endpoint,
    } as const;
    const plan = planRemove(request, row.role ?? 'client', stateOf(limits, leases));
    assert.equal(
      plan.response.kind === 'removed' ? plan.changes.map(({ before }) => before) : outcomeOf(plan),
      row.want,
    );
  },
);

cases<{ name: string; host?: number; role?: Role; want: unknown }>(
  'planRemoveHost',
  [
    { name: '§3.4 as many as possible, of this protocol only', want: { removed: [held], kept: 1 } },
    {
      name: 'the administrator removes static ones too',
      role: 'administrator',
      want: { removed: [held, mine], kept: 0 },
    },
    { name: '§3.4 none', host: BOB + 1, want: { removed: [], kept: 0 } },
    { name: 'no host', host: 0x7f000001, want: 'address' },
  ],
  (row) => {
    const leases = new Leases();
    for (const each of [
      held,
      mine,
      lease({ protocol: 'udp', externalPort: 4000 }),
      lease({ internalAddress: BOB, externalPort: 4001 }),
    ])
      leases.put(each);
    const plan = planRemoveHost(
      { kind: 'remove-host-mappings', protocol: 'tcp', internalAddress: row.host ?? ALICE },
      row.role ?? 'client',
      stateOf(limits, leases),
    );
    assert.equal(
      plan.response.kind === 'host-mappings-removed'
        ? { removed: plan.changes.map(({ before }) => before), kept: plan.response.kept }
        : outcomeOf(plan),
      row.want,
    );
  },
);

claims('planAdd: the tool that asked last', {
  'is told of a new mapping, and of a renewed one': () => {
    const leases = new Leases();
    const state = stateOf(limits, leases);
    for (const [tool, want] of [
      [1, 1],
      [200, 200],
      [undefined, undefined],
    ]) {
      const plan = planAdd(tool === undefined ? add : { ...add, tool }, 'client', state, NOW);
      assert.is(plan.response.kind === 'granted' && plan.response.lease.tool, want);
      for (const change of plan.changes) leases.apply(change);
    }
  },
});
