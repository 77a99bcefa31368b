import * as assert from 'uvu/assert';
import type { Grant, HostRule } from '../../config/types.js';
import { LeaseReplica } from '../../caller/lease-replica.js';
import type { Permission } from '../../caller/policy.js';
import { permissionOf } from '../../caller/policy.js';
import type { Verdict } from '../../frontend/policy.js';
import { choosePort, decide, grantedLifetime } from '../../frontend/policy.js';
import type { MapRequest } from '../../frontend/wire.js';
import type { Ipv4, Lease, PortRange } from '../../proto/mapping.js';
import { EVERYONE } from '../../config/rules.js';
import { cases, claims } from '../support/cases.js';
import { ALICE, BOB, CONFIG, lease, policyOf, seeded, staticLease, tableOf } from './support.js';

const map: MapRequest = {
  kind: 'map',
  protocol: 'udp',
  internalPort: 5000,
  suggestedExternalPort: 6000,
  lifetime: 600,
};
const endpoint = { protocol: 'udp', internalAddress: ALICE, internalPort: 5000 } as const;
const full = [lease({ externalPort: 2001 }), lease({ externalPort: 2002 }), lease({ externalPort: 2003 })];

interface DecideRow {
  readonly name: string;
  readonly permission?: Permission;
  readonly deniedPorts?: readonly PortRange[];
  readonly request?: Partial<MapRequest>;
  readonly leases?: readonly Lease[];
  readonly want: Verdict;
}

cases<DecideRow>(
  'decide',
  [
    { name: '§3.3 a new mapping', want: { kind: 'allocate', endpoint } },
    {
      name: 'R-46 the other protocol is another mapping',
      leases: [lease({ ...endpoint, externalPort: 7000 })],
      request: { protocol: 'tcp' },
      want: { kind: 'allocate', endpoint: { ...endpoint, protocol: 'tcp' } },
    },
    {
      name: 'R-50 what the endpoint has it gets again',
      leases: [lease({ ...endpoint, externalPort: 7000 })],
      want: { kind: 'renew', endpoint, externalPort: 7000 },
    },
    {
      name: 'R-52 also where it was made by hand',
      leases: [staticLease({ ...endpoint, externalPort: 80 })],
      want: { kind: 'renew', endpoint, externalPort: 80 },
    },
    {
      name: 'R-64 what another host has on that port is not its own',
      leases: [lease({ ...endpoint, internalAddress: BOB, externalPort: 7000 })],
      want: { kind: 'allocate', endpoint },
    },
    { name: 'D-7 at the quota', leases: full, want: { kind: 'refuse', result: 4 } },
    { name: 'D-7 below the quota', leases: full.slice(1), want: { kind: 'allocate', endpoint } },
    {
      name: 'D-7 the quota of others does not count',
      leases: full.map((held) => ({ ...held, internalAddress: BOB })),
      want: { kind: 'allocate', endpoint },
    },
    {
      name: 'D-7 a renewal at the quota',
      leases: full,
      request: { internalPort: 2001 },
      want: { kind: 'renew', endpoint: { ...endpoint, internalPort: 2001 }, externalPort: 2001 },
    },
    {
      name: 'D-7 a deletion at the quota',
      leases: full,
      request: { lifetime: 0 },
      want: { kind: 'remove', request: { kind: 'remove-mapping', ...endpoint } },
    },
    { name: 'D-3 internal port 0', request: { internalPort: 0 }, want: { kind: 'refuse', result: 2 } },
    {
      name: 'R-69 deletion whatever the suggested port',
      request: { lifetime: 0, suggestedExternalPort: 1 },
      want: { kind: 'remove', request: { kind: 'remove-mapping', ...endpoint } },
    },
    {
      name: 'R-71 deletion of what is not there is still asked',
      request: { lifetime: 0, protocol: 'tcp' },
      want: { kind: 'remove', request: { kind: 'remove-mapping', ...endpoint, protocol: 'tcp' } },
    },
    {
      name: 'R-76 all mappings',
      request: { lifetime: 0, internalPort: 0, suggestedExternalPort: 0 },
      want: { kind: 'remove', request: { kind: 'remove-host-mappings', protocol: 'udp', internalAddress: ALICE } },
    },
    {
      name: 'R-77 all TCP mappings',
      request: { lifetime: 0, internalPort: 0, protocol: 'tcp' },
      want: { kind: 'remove', request: { kind: 'remove-host-mappings', protocol: 'tcp', internalAddress: ALICE } },
    },
    {
      name: 'R-69 all mappings, suggested port not 0',
      request: { lifetime: 0, internalPort: 0, suggestedExternalPort: 9 },
      want: { kind: 'remove', request: { kind: 'remove-host-mappings', protocol: 'udp', internalAddress: ALICE } },
    },
    { name: '§3.5 a denied host', permission: 'denied', want: { kind: 'refuse', result: 2 } },
    {
      name: '§3.5 a denied host does not renew',
      permission: 'denied',
      leases: [lease({ ...endpoint, externalPort: 7000 })],
      want: { kind: 'refuse', result: 2 },
    },
    {
      name: '§3.4 a denied host deletes',
      permission: 'denied',
      request: { lifetime: 0 },
      want: { kind: 'remove', request: { kind: 'remove-mapping', ...endpoint } },
    },
    { name: '§3.5 nobody knows the hardware address', permission: 'unknown', want: { kind: 'refuse', result: 3 } },
    {
      name: '§3.5 a dangerous internal port',
      deniedPorts: [{ from: 4999, to: 5000 }],
      want: { kind: 'refuse', result: 2 },
    },
    {
      name: '§3.5 beside the dangerous ports',
      deniedPorts: [{ from: 5001, to: 5002 }],
      want: { kind: 'allocate', endpoint },
    },
    {
      name: '§3.5 no port is allowed',
      permission: { ...CONFIG, ports: [] },
      want: { kind: 'refuse', result: 2 },
    },
    {
      name: '§3.7 granted under other rules: no renewal',
      permission: { ...CONFIG, ports: [{ from: 8000, to: 8001 }] },
      leases: [lease({ ...endpoint, externalPort: 7000 })],
      want: { kind: 'refuse', result: 2 },
    },
    {
      name: '§3.4 made by hand, outside of the rules',
      permission: { ...CONFIG, ports: [{ from: 8000, to: 8001 }] },
      deniedPorts: [{ from: 5000, to: 5000 }],
      leases: [staticLease({ ...endpoint, externalPort: 80 })],
      want: { kind: 'renew', endpoint, externalPort: 80 },
    },
    {
      name: 'D-7 the quota of a rule',
      permission: { ...CONFIG, maxMappings: 4 },
      leases: full,
      want: { kind: 'allocate', endpoint },
    },
  ],
  (row) => {
    const leases = new LeaseReplica();
    leases.reset(tableOf(row.leases ?? []));
    assert.equal(
      decide({ ...map, ...row.request }, ALICE, leases, row.permission ?? CONFIG, {
        deniedPorts: row.deniedPorts ?? [],
      }),
      row.want,
    );
  },
);

claims('decide, with requests in flight', {
  'R-21 a retransmission gets the port that is being asked for': () => {
    const leases = new LeaseReplica();
    leases.reserve({ ...endpoint, externalPort: 7777 });
    assert.equal(decide(map, ALICE, leases, CONFIG, policyOf(CONFIG)), {
      kind: 'renew',
      endpoint,
      externalPort: 7777,
    });
  },
  'D-7 they count against the quota': () => {
    const leases = new LeaseReplica();
    for (const port of [1, 2, 3]) leases.reserve({ ...endpoint, internalPort: port, externalPort: 7000 + port });
    assert.equal(decide(map, ALICE, leases, CONFIG, policyOf(CONFIG)), { kind: 'refuse', result: 4 });
  },
});

const MAC = 0x020000000007;
const wide = { ...CONFIG, maxMappings: 9 };
const prefix = (address: Ipv4, length: number) => ({ kind: 'prefix', address, length }) as const;
const mac = { kind: 'mac', mac: MAC } as const;

cases<{ name: string; rules: HostRule[]; known?: number | null; want: Permission }>(
  'permissionOf',
  [
    { name: 'the default rule', rules: [], want: CONFIG },
    {
      name: 'the first rule counts',
      rules: [
        { who: prefix(ALICE, 32), grant: wide },
        { who: prefix(ALICE, 32), grant: null },
      ],
      want: wide,
    },
    {
      name: 'in this order, too',
      rules: [
        { who: prefix(ALICE, 32), grant: null },
        { who: prefix(ALICE, 32), grant: wide },
      ],
      want: 'denied',
    },
    { name: 'a rule for another host', rules: [{ who: prefix(BOB, 32), grant: null }], want: CONFIG },
    { name: 'a prefix', rules: [{ who: prefix(0xc0a80100, 28), grant: null }], want: 'denied' },
    { name: 'the prefix beside it', rules: [{ who: prefix(0xc0a80110, 28), grant: null }], want: CONFIG },
    { name: 'a hardware address', rules: [{ who: mac, grant: null }], known: MAC, want: 'denied' },
    { name: 'another one', rules: [{ who: mac, grant: null }], known: MAC + 1, want: CONFIG },
    { name: 'one that nobody knows', rules: [{ who: mac, grant: null }], known: null, want: 'unknown' },
    {
      name: 'one behind the rule that counts is not asked for',
      rules: [
        { who: prefix(0, 0), grant: wide },
        { who: mac, grant: null },
      ],
      want: wide,
    },
  ],
  ({ rules, known, want }) => {
    const hardwareAddress = (): number | null => {
      if (known === undefined) throw new Error('asked for');
      return known;
    };
    assert.equal(permissionOf(ALICE, { rules: [...rules, { who: EVERYONE, grant: CONFIG }] }, hardwareAddress), want);
  },
);

cases(
  'grantedLifetime',
  [
    { name: 'R-55 as asked', asked: 7200, want: 7200 },
    { name: '§3.3 one second', asked: 1, want: 1 },
    { name: 'R-54 capped', asked: 86401, want: 86400 },
    { name: 'D-4 the largest that is a lifetime', asked: 0xfffffffe, want: 86400 },
    { name: 'D-4 "forever" gets the default', asked: 0xffffffff, want: 3600 },
    { name: 'D-4 "forever" is capped by a rule', asked: 0xffffffff, grant: { ...CONFIG, maxLifetime: 30 }, want: 30 },
  ],
  ({ asked, grant = CONFIG, want }) => assert.is(grantedLifetime(asked, grant, policyOf(grant)), want),
);

interface PortRow {
  readonly name: string;
  readonly suggested?: number;
  readonly internalPort?: number;
  readonly leases?: readonly Lease[];
  readonly avoid?: readonly number[];
  readonly allowed?: Grant['ports'];
  readonly random?: number;
  readonly want: number | null;
}

const bobs = (port: number, protocol: 'udp' | 'tcp' = 'udp') =>
  lease({ protocol, internalAddress: BOB, externalPort: port });

cases<PortRow>(
  'choosePort',
  [
    { name: 'R-43 the suggested port', want: 6000 },
    { name: 'R-44 taken: the internal port', leases: [bobs(6000)], want: 5000 },
    { name: 'R-47 its companion is another host’s', leases: [bobs(6000, 'tcp')], want: 5000 },
    {
      name: 'R-48 its companion is this host’s own',
      leases: [lease({ protocol: 'tcp', externalPort: 6000 })],
      want: 6000,
    },
    { name: 'R-45 a port that is not allowed', suggested: 80, want: 5000 },
    { name: 'R-45 nor is the internal port', suggested: 80, internalPort: 443, want: 49152 },
    { name: 'R-42 suggested 0: a high port', suggested: 0, want: 49152 },
    { name: 'R-42 suggested 0: at random', suggested: 0, random: 0.99999, want: 65535 },
    { name: 'R-44 both taken: at random', leases: [bobs(6000), bobs(5000)], random: 0.5, want: 57344 },
    {
      name: 'R-44 random ports taken: the first that is not',
      suggested: 0,
      leases: [bobs(49152), bobs(49153, 'tcp')],
      want: 49154,
    },
    { name: 'D-6 ports that the helper refused', avoid: [6000, 5000, 49152, 49153], want: 49154 },
    {
      name: '§3.3 no high port is allowed',
      suggested: 0,
      allowed: [{ from: 2000, to: 2009 }],
      random: 0.5,
      want: 2005,
    },
    {
      name: '§3.3 the last high port',
      suggested: 0,
      allowed: [
        { from: 10, to: 10 },
        { from: 65535, to: 65535 },
      ],
      want: 65535,
    },
    {
      name: '§3.3 high ports are used up: any',
      suggested: 0,
      allowed: [
        { from: 10, to: 10 },
        { from: 65535, to: 65535 },
      ],
      leases: [bobs(65535)],
      want: 10,
    },
    {
      name: 'R-44 nothing is left',
      allowed: [{ from: 2000, to: 2001 }],
      leases: [bobs(2000), bobs(2001, 'tcp')],
      want: null,
    },
    {
      name: 'R-48 nothing but an own companion',
      allowed: [{ from: 2000, to: 2001 }],
      leases: [bobs(2000), lease({ protocol: 'tcp', externalPort: 2001 })],
      want: 2001,
    },
    {
      name: 'R-45 not even a companion that is not allowed',
      allowed: [{ from: 2000, to: 2001 }],
      leases: [bobs(2000), bobs(2001), lease({ protocol: 'tcp', externalPort: 80 })],
      want: null,
    },
  ],
  (row) => {
    const leases = new LeaseReplica();
    leases.reset(tableOf(row.leases ?? []));
    const config = { ...CONFIG, ports: row.allowed ?? CONFIG.ports };
    const asking = { ...endpoint, internalPort: row.internalPort ?? 5000 };
    const port = choosePort(asking, row.suggested ?? 6000, leases, config, () => row.random ?? 0, new Set(row.avoid));
    assert.is(port, row.want);
  },
);

claims('choosePort, nearly full', {
  'R-44 finds the last free port, wherever it is': () => {
    for (const last of [1024, 1055, 1056, 20000, 49151, 49152, 65534, 65535]) {
      const leases = new LeaseReplica();
      for (let port = 1024; port <= 65535; port++) if (port !== last) leases.put(bobs(port, port % 2 ? 'udp' : 'tcp'));
      assert.is(choosePort(endpoint, 1024, leases, CONFIG, seeded(last), new Set()), last);
      leases.put(bobs(last));
      assert.is(choosePort(endpoint, 1024, leases, CONFIG, seeded(last), new Set()), null);
      const companions = choosePort(
        { ...endpoint, internalAddress: BOB },
        1024,
        leases,
        CONFIG,
        seeded(last),
        new Set(),
      );
      assert.is.not(companions, null, 'R-48 the holder itself still has the companions');
    }
  },
  'R-42 random ports differ': () => {
    const random = seeded(7);
    const ports = new Set<number | null>();
    for (let n = 0; n < 50; n++) ports.add(choosePort(endpoint, 0, new LeaseReplica(), CONFIG, random, new Set()));
    assert.ok(ports.size > 40);
    for (const port of ports) assert.ok(port !== null && port >= 49152);
  },
});
