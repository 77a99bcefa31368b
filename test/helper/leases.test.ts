import type { Change } from '../../helper/types.js';
import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { mappingsOf } from '../support/mappings.js';
import { Leases, netChanges } from '../../helper/leases.js';
import type { Lease } from '../../proto/mapping.js';
import { externalKey } from '../../proto/mapping.js';
import { cases, claims } from '../support/cases.js';
import { describe } from '../support/fake-kernel.js';
import { lease } from './leases.js';

const web = lease({ expiresAt: 10_000 });
const renewed = lease({ expiresAt: 20_000 });
const bobs = lease({ internalAddress: 0xc0a80103 });
const moved = lease({ externalPort: 8081 });
const add = (after: typeof web): Change => ({ before: undefined, after });
const remove = (before: typeof web): Change => ({ before, after: undefined });

const byPort = (leases: Iterable<Lease>) => [...leases].sort((one, other) => one.externalPort - other.externalPort);

cases(
  'netChanges',
  [
    { name: 'one change is itself', changes: [add(web)], want: ['+tcp:8080'] },
    {
      name: 'granted and renewed is granted as renewed',
      changes: [add(web), { before: web, after: renewed }],
      want: ['+tcp:8080'],
      last: renewed,
    },
    { name: 'granted and removed is nothing', changes: [add(web), remove(web)], want: [] },
    {
      name: 'removed and granted to another is one change',
      changes: [remove(web), add(bobs)],
      want: ['=tcp:8080'],
      last: bobs,
    },
    {
      name: 'removed and granted on another port is two',
      changes: [remove(web), add(moved)],
      want: ['-tcp:8080', '+tcp:8081'],
    },
    {
      name: 'renewed twice',
      changes: [
        { before: web, after: renewed },
        { before: renewed, after: web },
      ],
      want: [],
    },
  ],
  (row) => {
    const net = netChanges(row.changes);
    assert.equal(net.map(describe), row.want);
    if ('last' in row) assert.is(net.at(-1)?.after, row.last);
  },
);

claims('Leases', {
  'a lease leaves the table after its expiry, and not before': () => {
    const leases = new Leases();
    leases.put(web);
    assert.equal(leases.expire(10_049), []);
    assert.equal(leases.byEndpoint(web), web);
    assert.equal(leases.expire(10_249), []);
    assert.equal(leases.expire(10_250), [web]);
    assert.is(leases.size, 0);
    assert.is(leases.count(web.internalAddress), 0);
    assert.equal(leases.expire(1e8), []);
  },
  'a renewed lease has one ending, the new one': () => {
    const leases = new Leases();
    leases.put(web);
    leases.apply({ before: web, after: renewed });
    assert.equal(leases.expire(15_000), []);
    assert.equal(leases.expire(20_249), []);
    assert.equal(leases.expire(20_250), [renewed]);
  },
  'a static lease never ends, and is counted': () => {
    const leases = new Leases();
    const fixed = lease({ origin: 'static', lifetime: 0, expiresAt: Infinity });
    leases.put(fixed);
    assert.is(leases.staticCount, 1);
    assert.equal(leases.expire(1e8), []);
    leases.drop(fixed);
    assert.is(leases.staticCount, 0);
  },
  'undo restores what was there': () => {
    const leases = new Leases();
    leases.put(web);
    for (const change of [{ before: web, after: renewed }, remove(web)] as const) {
      leases.apply(change);
      leases.undo(change);
      assert.equal(leases.byEndpoint(web), web);
      assert.is(leases.size, 1);
    }
    leases.apply(add(moved));
    leases.undo(add(moved));
    assert.is(leases.byExternal('tcp', 8081), undefined);
  },
  'dropping a lease that has been replaced changes nothing': () => {
    const leases = new Leases();
    leases.put(web);
    leases.put(renewed);
    leases.drop(web);
    assert.equal(leases.byEndpoint(web), renewed);
    assert.is(leases.count(web.internalAddress), 1);
  },
  'it tells when the next one leaves; a renewal or a removal is noticed then': () => {
    const leases = new Leases();
    assert.is(leases.nextEndingAt, Infinity);
    leases.put(lease({ origin: 'static', lifetime: 0, expiresAt: Infinity }));
    assert.is(leases.nextEndingAt, Infinity);
    const early = lease({ expiresAt: 10_000 });
    const late = lease({ protocol: 'udp', externalPort: 5000, expiresAt: 70_000 });
    for (const each of [late, early]) leases.put(each);
    assert.is(leases.nextEndingAt, 10_250);
    leases.put({ ...early, expiresAt: 30_000 });
    assert.equal([leases.expire(10_250), leases.nextEndingAt], [[], 30_250]);
    leases.drop({ ...early, expiresAt: 30_000 });
    assert.equal([leases.expire(30_250), leases.nextEndingAt], [[], 70_250]);
    assert.equal([leases.expire(70_249), leases.expire(70_250), leases.nextEndingAt], [[], [late], Infinity]);
  },
  'leases that expire together leave a part at a time, and each once': () => {
    const leases = new Leases();
    for (let port = 2000; port < 3000; port++)
      leases.put(lease({ internalPort: port, externalPort: port, expiresAt: 10_000 }));
    leases.put(lease({ expiresAt: 20_000 }));
    const left: number[] = [];
    for (let parts = 0; leases.size > 1; parts++) {
      assert.ok(parts < 10 && leases.nextEndingAt <= 10_250, 'the rest is due');
      const part = leases.expire(10_250, 250);
      assert.ok(part.length < 250 + 32, `${part.length} of them`);
      left.push(...mappingsOf(part).map(({ externalPort }) => externalPort));
    }
    assert.equal(
      left,
      Array.from({ length: 1000 }, (_, index) => 2000 + index),
    );
    assert.equal([leases.expire(10_250, 250), leases.nextEndingAt], [[], 20_250]);
  },
  'a lease that is put in late leaves at the next look': () => {
    const leases = new Leases();
    leases.expire(1e8);
    leases.put(web);
    assert.equal(leases.expire(1e8), [web]);
  },
  'each lease leaves once, in its tick, and the next ending is never behind': () => {
    const act = fc.record({
      port: fc.constantFrom(1, 2, 31, 32, 65535),
      lifetimeMs: fc.integer({ min: 1, max: 5000 }),
      wait: fc.integer({ min: 0, max: 900 }),
      isRemoval: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 50, size: 'max' }), (acts) => {
        const leases = new Leases();
        let model: readonly Lease[] = [];
        let now = 1_000_000;
        const endOf = ({ expiresAt }: Lease) => Math.ceil((expiresAt + 50) / 250) * 250;
        for (const { port, lifetimeMs, wait, isRemoval } of acts) {
          const one = lease({ internalPort: port, externalPort: port, expiresAt: now + lifetimeMs });
          const held = model.find(({ externalPort }) => externalPort === port);
          leases.apply({ before: held, after: isRemoval ? undefined : one });
          model = [...model.filter((each) => each !== held), ...(isRemoval ? [] : [one])];
          const ends = Math.min(...model.map(endOf));
          assert.ok(leases.nextEndingAt <= ends, 'no ending is missed');
          now += wait;
          assert.equal(byPort(mappingsOf(leases.expire(now))), byPort(model.filter((each) => endOf(each) <= now)));
          model = model.filter((each) => endOf(each) > now);
          assert.ok(leases.nextEndingAt > now, 'nobody is called again at once');
        }
        assert.equal(byPort(leases.leases()), byPort(model));
      }),
      { seed: 6886, numRuns: 300 },
    );
  },
  'above walks the keys in order, from any cursor': () => {
    const leases = new Leases();
    const ports = [1, 31, 32, 33, 63, 64, 5000, 65534, 65535];
    for (const protocol of ['udp', 'tcp'] as const) {
      for (const port of ports.toReversed()) leases.put(lease({ protocol, externalPort: port, internalPort: port }));
    }
    const keys = (after: number) =>
      [...leases.above(after)].map((each) => externalKey(each.protocol, each.externalPort));
    const all = (['tcp', 'udp'] as const).flatMap((protocol) => ports.map((port) => externalKey(protocol, port)));
    assert.equal(keys(0), all);
    for (const [index, key] of all.entries()) assert.equal(keys(key), all.slice(index + 1));
    assert.equal(keys(0xffffffff), []);
    leases.drop(leases.byExternal('tcp', 32) ?? web);
    assert.equal(
      keys(0),
      all.filter((key) => key !== externalKey('tcp', 32)),
    );
  },
});
