import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import type { Ipv4, Lease, Protocol } from '../../proto/mapping.js';
import { externalKey } from '../../proto/mapping.js';
import { blockOf, Table } from '../../proto/table.js';
import { lease } from '../helper/leases.js';
import { cases, claims } from '../support/cases.js';

const ALICE = 0xc0a80102;
const BOB = 0xc0a80103;
cases(
  'Table.isAvailable (§3.3)',
  [
    { name: 'a free port', held: [], want: true },
    { name: "the endpoint's own port", held: [lease()], want: true },
    { name: 'the port of another inside port of the same host', held: [lease({ internalPort: 81 })], want: false },
    { name: "another host's port", held: [lease({ internalAddress: BOB })], want: false },
    {
      name: 'R-47 the companion of another host',
      held: [lease({ protocol: 'udp', internalAddress: BOB })],
      want: false,
    },
    { name: 'R-48 the companion of the same host', held: [lease({ protocol: 'udp', internalPort: 81 })], want: true },
    { name: 'another port', held: [lease({ externalPort: 8081, internalAddress: BOB })], want: true },
  ],
  ({ held, want }) => {
    const table = new Table();
    for (const each of held) table.put(each);
    assert.is(table.isAvailable({ protocol: 'tcp', internalAddress: ALICE, internalPort: 80 }, 8080), want);
  },
);

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
function octetsOfArrays(): number {
  for (const _ of ['found', 'swept']) collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

claims('Table', {
  'one lease for each endpoint and each external port': () => {
    const table = new Table();
    table.put(lease());
    table.put(lease({ externalPort: 9000 }));
    assert.is(table.size, 1);
    assert.is(table.byExternal('tcp', 8080), undefined);
    table.put(lease({ externalPort: 9000, internalAddress: BOB }));
    assert.is(table.size, 1);
    assert.is(table.count(ALICE), 0);
    assert.is(table.hosts, 1);
  },
  'the tool that asked last': () => {
    const table = new Table();
    table.put(lease({ tool: 1 }));
    assert.equal(table.byExternal('tcp', 8080), lease({ tool: 1 }));
    table.put(lease());
    assert.equal(table.byExternal('tcp', 8080), lease());
  },
  "a host's leases by protocol, safe against changes while they are walked": () => {
    const table = new Table();
    for (const port of [1, 2, 3]) table.put(lease({ internalPort: port, externalPort: 9000 + port }));
    table.put(lease({ protocol: 'udp', internalPort: 1, externalPort: 9001 }));
    for (const each of table.ofHost(ALICE, 'tcp')) table.drop(each);
    assert.is(table.count(ALICE), 1);
    assert.is(table.ofHost(ALICE, 'udp').length, 1);
  },
  'what was asked for is a copy': () => {
    const table = new Table();
    table.put(lease());
    const held = table.byExternal('tcp', 8080);
    table.put(lease({ lifetime: 60, expiresAt: 60_000 }));
    assert.equal(held, lease());
    assert.is(table.holds(lease()), false, 'it has been renewed');
    table.drop(lease());
    assert.equal(
      [...table.leases()],
      [lease({ lifetime: 60, expiresAt: 60_000 })],
      'and what it was cannot be dropped',
    );
  },
  'every number there is fits': () => {
    const table = new Table();
    const longest = lease({
      protocol: 'udp',
      internalAddress: 0xffffffff,
      internalPort: 65535,
      externalPort: 65535,
      lifetime: 0xffffffff,
      expiresAt: 2 ** 52,
    });
    const least = lease({ internalAddress: 1, internalPort: 1, externalPort: 1, lifetime: 1, expiresAt: -1 });
    const fixed = lease({
      protocol: 'udp',
      internalAddress: 0x7fffffff,
      origin: 'static',
      lifetime: 0,
      expiresAt: Infinity,
    });
    for (const each of [longest, least, fixed]) table.put(each);
    assert.equal([...table.leases()], inOrder([longest, least, fixed]));
    assert.equal(
      [longest, least, fixed].map((each) => table.byEndpoint(each)),
      [longest, least, fixed],
    );
  },
  'it takes as much memory whatever it holds, and is empty after all have gone': () => {
    const table = new Table();
    const before = octetsOfArrays();
    const all = Array.from({ length: 3000 }, (_, index) =>
      lease({
        protocol: index % 2 === 0 ? 'udp' : 'tcp',
        internalAddress: ALICE + (index % 50),
        internalPort: 1 + index,
        externalPort: 1 + ((index * 7919) % 65521),
      }),
    );
    for (const each of all) table.put(each);
    // The oldest, the youngest and those between, in turns.
    const order = all.map((_, index) =>
      index % 3 === 0 ? index / 3 : index % 3 === 1 ? 2999 - (index - 1) / 3 : 1000 + (index - 2) / 3,
    );
    for (const [gone, index] of order.entries()) {
      assert.equal(table.byEndpoint(all[index]!), all[index]);
      table.drop(all[index]!);
      assert.is(table.size, 2999 - gone);
    }
    assert.is(table.hosts, 0);
    assert.ok(octetsOfArrays() <= before, 'what the leases took is given back');
    table.put(lease());
    assert.equal([...table.leases()], [lease()]);
  },
});

/** Few enough of everything that they meet; ports on both sides of the bounds of a block. */
const HOSTS: readonly Ipv4[] = [0x0a000002, ALICE, BOB];
const PORTS = [1, 31, 32, 33, 63, 64, 65535];
const anyLease: fc.Arbitrary<Lease> = fc
  .record({
    protocol: fc.constantFrom<Protocol>('udp', 'tcp'),
    internalAddress: fc.constantFrom(...HOSTS),
    internalPort: fc.constantFrom(1, 80, 81, 65535),
    externalPort: fc.constantFrom(...PORTS),
    lifetime: fc.constantFrom(0, 60, 3600),
  })
  .map((fields) =>
    lease({
      ...fields,
      origin: fields.lifetime === 0 ? 'static' : 'dynamic',
      expiresAt: fields.lifetime === 0 ? Infinity : fields.lifetime * 1000,
    }),
  );
const anyStep = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), lease: anyLease }),
  fc.record({ kind: fc.constant('drop' as const), lease: anyLease }),
  fc.record({ kind: fc.constant('drop one' as const), which: fc.nat() }),
);

const isAt = (one: Lease, other: Lease) => one.protocol === other.protocol && one.externalPort === other.externalPort;
const isOf = (one: Lease, other: Lease) =>
  one.protocol === other.protocol &&
  one.internalAddress === other.internalAddress &&
  one.internalPort === other.internalPort;
const keyOf = (one: Lease) => externalKey(one.protocol, one.externalPort);
const inOrder = (leases: Iterable<Lease>) => [...leases].sort((one, other) => keyOf(one) - keyOf(other));

/** Everything that can be asked, of the table and of a list. */
function mustAgree(table: Table, model: readonly Lease[]): void {
  const held = inOrder(model);
  assert.is(table.size, held.length);
  assert.is(table.staticCount, held.filter(({ origin }) => origin === 'static').length);
  assert.is(table.hosts, new Set(held.map(({ internalAddress }) => internalAddress)).size);
  assert.equal(inOrder(table.leases()), held);
  for (const each of held) assert.equal([table.byEndpoint(each), table.holds(each)], [each, true]);
  for (const host of HOSTS)
    assert.is(table.count(host), held.filter(({ internalAddress }) => internalAddress === host).length);
  for (const protocol of ['udp', 'tcp'] as const) {
    for (const host of HOSTS) {
      assert.equal(
        inOrder(table.ofHost(host, protocol)),
        held.filter((each) => each.internalAddress === host && each.protocol === protocol),
      );
    }
    for (const externalPort of PORTS) {
      const holder = held.find((each) => isAt(each, lease({ protocol, externalPort })));
      assert.equal(table.byExternal(protocol, externalPort), holder);
      assert.is(
        (table.heldIn(blockOf(protocol, externalPort)) >>> (externalPort & 31)) & 1,
        holder === undefined ? 0 : 1,
      );
      const key = externalKey(protocol, externalPort);
      assert.equal(
        [...table.above(key)],
        held.filter((each) => keyOf(each) > key),
      );
    }
  }
}

claims('Table, whatever is done to it', {
  'it is as a list of leases would be': () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 60, size: 'max' }), (steps) => {
        const table = new Table();
        let model: readonly Lease[] = [];
        for (const step of steps) {
          const subject = 'lease' in step ? step.lease : model[step.which % model.length];
          if (subject === undefined) continue;
          if (step.kind === 'put') {
            table.put(subject);
            model = [...model.filter((each) => !isAt(each, subject) && !isOf(each, subject)), subject];
          } else {
            table.drop(subject);
            model = model.filter(
              (each) => !(isAt(each, subject) && isOf(each, subject) && each.lifetime === subject.lifetime),
            );
          }
          mustAgree(table, model);
        }
      }),
      { seed: 6886, numRuns: 60 },
    );
  },
});
