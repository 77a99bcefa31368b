// The table of pinholes, and what may be done to it: each row of `planAdd` is one reason, on an otherwise good request.

import type { HeldPinhole, Limits, Plan, Role } from '../../helper/types.js';
import * as assert from 'uvu/assert';
import { grantForDevice, isGlobalUnicast } from '../../helper/limits.js';
import { Leases, netChanges } from '../../helper/leases.js';
import { deviceOf, Pinholes } from '../../helper/pinholes.js';
import { planAddPinhole, planRemove } from '../../helper/validate.js';
import type { HostRule } from '../../config/types.js';
import { EVERYONE } from '../../config/rules.js';
import type { AddPinhole } from '../../proto/codec.js';
import { parseIpv6 } from '../../proto/ipv6.js';
import { RateLimiter } from '../../proto/token-bucket.js';
import { cases, claims } from '../support/cases.js';
import { lease, limitsFor, pinhole } from './leases.js';

const NOW = 1_000_000;
const NONCE = '000102030405060708090a0b';
const OTHER = 'ffffffffffffffffffffffff';
const LAPTOP = 0x020000000002;
const PHONE = 0x020000000003;
const ip = (text: string): string => parseIpv6(text) ?? 'none';
const limits: Limits = {
  ...limitsFor({
    allowedPorts: [{ from: 1024, to: 65535 }],
    reservedPorts: [{ from: 9000, to: 9001 }],
    maxMappings: 6,
    maxMappingsPerHost: 2,
    newMappings: { burst: 3, intervalMs: 5000 },
    maxLifetime: 86400,
    maxPinholes: 4,
  }),
  deniedPorts: [{ from: 3389, to: 3389 }],
};
const stateOf = (given: Limits, ...held: HeldPinhole[]) => {
  const leases = new Leases();
  for (const after of held) leases.apply({ before: undefined, after });
  const newPinholes = new RateLimiter(given.newMappings);
  return { limits: given, leases, newMappings: new RateLimiter(given.newMappings), newPinholes };
};
const add: AddPinhole = {
  kind: 'add-pinhole',
  protocol: 'tcp',
  address: ip('2001:db8::2'),
  port: 8080,
  lifetime: 7200,
  origin: 'dynamic',
  nonce: NONCE,
  hardwareAddress: LAPTOP,
};
const fixed = { origin: 'static', lifetime: 0, expiresAt: Infinity, nonce: '' } as const;
const outcomeOf = ({ response, changes }: Plan): string =>
  response.kind === 'refused' ? response.reason : changes.length > 0 ? 'change' : 'keep';

cases(
  'an address that may hold pinholes: 2000::/3',
  [
    { name: '1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', want: false },
    { name: '2000::', want: true },
    { name: '2001:db8::2', want: true },
    { name: '3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', want: true },
    { name: '4000::', want: false },
    { name: '::', want: false },
    { name: '::1', want: false },
    { name: '::ffff:192.0.2.1', want: false },
    { name: '64:ff9b::192.0.2.1', want: false },
    { name: 'fd00::2', want: false },
    { name: 'fe80::2', want: false },
    { name: 'ff02::1', want: false },
    { name: 'ff3e::2001:db8', want: false },
  ],
  ({ name, want }) => {
    assert.is(isGlobalUnicast(ip(name)), want);
    const state = stateOf(limits);
    assert.is(
      outcomeOf(planAddPinhole({ ...add, address: ip(name) }, 'client', state, NOW)),
      want ? 'change' : 'address',
    );
    const fixedOne = { ...add, address: ip(name), origin: 'static', lifetime: 0 } as const;
    assert.is(outcomeOf(planAddPinhole(fixedOne, 'administrator', state, NOW)), want ? 'change' : 'address');
    const removal = { kind: 'remove-pinhole', protocol: 'tcp', address: ip(name), port: 1, nonce: '' } as const;
    assert.is(outcomeOf(planRemove(removal, 'administrator', state)), want ? 'keep' : 'address');
  },
);

const rule = (mac: number, grant: HostRule['grant']): HostRule => ({ who: { kind: 'mac', mac }, grant });
const everyone = limits.rules[0]?.grant ?? null;
const own = (fields: object) => everyone && { ...everyone, ...fields };

interface Row {
  name: string;
  role?: Role;
  limits?: Partial<Limits>;
  held?: HeldPinhole[];
  ask?: Partial<AddPinhole>;
  want: string;
}

cases<Row>(
  'planAddPinhole',
  [
    { name: 'a new one', want: 'change' },
    { name: 'port 0', ask: { port: 0 }, want: 'malformed' },
    { name: 'port 65535', ask: { port: 65535 }, want: 'change' },
    { name: 'port 65536', ask: { port: 65536 }, want: 'malformed' },
    { name: 'lifetime 0', ask: { lifetime: 0 }, want: 'lifetime' },
    { name: 'the longest lifetime', ask: { lifetime: 86400 }, want: 'change' },
    { name: 'a second more', ask: { lifetime: 86401 }, want: 'lifetime' },
    { name: 'below the allowed ports', ask: { port: 1023 }, want: 'port' },
    { name: 'a port that the router reserves: it is the host’s here', ask: { port: 9000 }, want: 'change' },
    { name: 'a denied port', ask: { port: 3389 }, want: 'not-permitted' },
    { name: 'static, by a client', ask: { origin: 'static', lifetime: 0 }, want: 'not-permitted' },
    { name: 'static', role: 'administrator', ask: { origin: 'static', lifetime: 0 }, want: 'change' },
    { name: 'static with a lifetime', role: 'administrator', ask: { origin: 'static', lifetime: 1 }, want: 'lifetime' },
    {
      name: 'static, a port that clients may not have: the administrator may',
      role: 'administrator',
      ask: { origin: 'static', lifetime: 0, port: 443 },
      want: 'change',
    },
    { name: 'pinholes are off', limits: { maxPinholes: 0 }, want: 'table-full' },
    {
      name: 'pinholes are off, for the administrator too',
      role: 'administrator',
      limits: { maxPinholes: 0 },
      ask: { origin: 'static', lifetime: 0 },
      want: 'table-full',
    },
    {
      name: 'the table is full',
      limits: { maxPinholes: 1 },
      held: [pinhole({ port: 1024, hardwareAddress: PHONE })],
      want: 'table-full',
    },
    { name: 'a renewal in a full table', limits: { maxPinholes: 1 }, held: [pinhole()], want: 'change' },
    {
      name: 'the device has its share, on other addresses',
      held: [pinhole({ address: ip('2001:db8::3') }), pinhole({ address: ip('2001:db8:1::4') })],
      want: 'host-full',
    },
    {
      name: 'a renewal at its share',
      held: [pinhole(), pinhole({ address: ip('2001:db8:1::4') })],
      want: 'change',
    },
    {
      name: 'another device has its share',
      held: [pinhole({ port: 1024, hardwareAddress: PHONE }), pinhole({ port: 1025, hardwareAddress: PHONE })],
      want: 'change',
    },
    {
      name: 'of an unknown device, the address has its share',
      held: [pinhole({ port: 1024, hardwareAddress: 0 }), pinhole({ port: 1025, hardwareAddress: 0 })],
      ask: { hardwareAddress: 0 },
      want: 'host-full',
    },
    {
      name: 'of an unknown device, another address has',
      held: [pinhole({ port: 1024, hardwareAddress: 0 }), pinhole({ port: 1025, hardwareAddress: 0 })],
      ask: { hardwareAddress: 0, address: ip('2001:db8::3') },
      want: 'change',
    },
    {
      name: 'a renewal under the name of a device that has its share',
      held: [
        pinhole(),
        pinhole({ port: 1024, hardwareAddress: PHONE }),
        pinhole({ port: 1025, hardwareAddress: PHONE }),
      ],
      ask: { hardwareAddress: PHONE },
      want: 'host-full',
    },
    {
      name: 'static beyond the share',
      role: 'administrator',
      held: [pinhole({ port: 1024 }), pinhole({ port: 1025 })],
      ask: { origin: 'static', lifetime: 0 },
      want: 'change',
    },
    { name: 'another protocol', held: [pinhole()], ask: { protocol: 'udp', nonce: OTHER }, want: 'change' },
    { name: 'P-57 the same nonce', held: [pinhole()], want: 'change' },
    { name: 'P-58 another nonce', held: [pinhole()], ask: { nonce: OTHER }, want: 'nonce' },
    { name: 'P-58 no nonce', held: [pinhole()], ask: { nonce: '' }, want: 'nonce' },
    {
      name: 'P-58 an administrator with another one',
      role: 'administrator',
      held: [pinhole()],
      ask: { nonce: OTHER },
      want: 'nonce',
    },
    {
      name: 'an administrator without one',
      role: 'administrator',
      held: [pinhole()],
      ask: { nonce: '' },
      want: 'change',
    },
    { name: 'P-60 one that was made without', held: [pinhole({ nonce: '' })], want: 'change' },
    { name: 'P-59 a static one', held: [pinhole(fixed)], ask: { nonce: OTHER }, want: 'keep' },
    {
      name: 'P-59 a static one on a port that is not allowed',
      held: [pinhole({ ...fixed, port: 443 })],
      ask: { port: 443 },
      want: 'keep',
    },
    {
      name: 'a dynamic one becomes static',
      role: 'administrator',
      held: [pinhole()],
      ask: { origin: 'static', lifetime: 0, nonce: '' },
      want: 'change',
    },
    {
      name: 'a rule denies the device',
      limits: { rules: [rule(LAPTOP, null), ...limits.rules] },
      want: 'not-permitted',
    },
    {
      name: 'a rule denies the device, which renews',
      limits: { rules: [rule(LAPTOP, null), ...limits.rules] },
      held: [pinhole()],
      want: 'not-permitted',
    },
    { name: 'a rule denies another device', limits: { rules: [rule(PHONE, null), ...limits.rules] }, want: 'change' },
    {
      name: 'nobody is allowed',
      limits: { rules: [{ who: EVERYONE, grant: null }] },
      want: 'not-permitted',
    },
    {
      name: 'nobody but the device',
      limits: { rules: [rule(LAPTOP, everyone), { who: EVERYONE, grant: null }] },
      want: 'change',
    },
    {
      name: 'nobody but a device, and the asker is not known',
      limits: { rules: [rule(LAPTOP, everyone), { who: EVERYONE, grant: null }] },
      ask: { hardwareAddress: 0 },
      want: 'not-permitted',
    },
    {
      name: 'of two rules for the device the first counts',
      limits: { rules: [rule(LAPTOP, null), rule(LAPTOP, everyone), ...limits.rules] },
      want: 'not-permitted',
    },
    {
      name: 'a rule for IPv4 addresses names no device',
      limits: { rules: [{ who: { kind: 'prefix', address: 0, length: 1 }, grant: null }, ...limits.rules] },
      want: 'change',
    },
    {
      name: 'a port that the rule does not give',
      limits: { rules: [rule(LAPTOP, own({ pinholePorts: [{ from: 2000, to: 3000 }] })), ...limits.rules] },
      want: 'port',
    },
    {
      name: 'the quota of the rule',
      limits: { rules: [rule(LAPTOP, own({ maxMappings: 1 })), ...limits.rules] },
      held: [pinhole({ port: 1024 })],
      want: 'host-full',
    },
    {
      name: 'the lifetime of the rule',
      limits: { rules: [rule(LAPTOP, own({ maxLifetime: 7199 })), ...limits.rules] },
      want: 'lifetime',
    },
  ],
  ({ role = 'client', limits: more = {}, held = [], ask = {}, want }) => {
    const plan = planAddPinhole({ ...add, ...ask }, role, stateOf({ ...limits, ...more }, ...held), NOW);
    assert.is(outcomeOf(plan), want);
  },
);

claims('a granted pinhole', {
  'has what was asked, and its end': () => {
    const { response, changes } = planAddPinhole(add, 'client', stateOf(limits), NOW);
    const { kind: _, ...fields } = add;
    const want = { ...fields, expiresAt: NOW + 7_200_000 };
    assert.equal(changes, [{ before: undefined, after: want }]);
    assert.equal(response, { kind: 'pinhole-granted', pinhole: want });
  },
  'P-57 a renewal may be shorter, and is from now on': () => {
    const { changes } = planAddPinhole({ ...add, lifetime: 60 }, 'client', stateOf(limits, pinhole()), NOW);
    assert.equal(changes, [{ before: pinhole(), after: pinhole({ lifetime: 60, expiresAt: NOW + 60_000 }) }]);
  },
  'P-60 one without a nonce takes that of the next request': () => {
    const { changes } = planAddPinhole(add, 'client', stateOf(limits, pinhole({ nonce: '' })), NOW);
    assert.equal((changes[0]?.after as HeldPinhole).nonce, NONCE);
  },
  'an administrator who renews without a nonce leaves the one that is there': () => {
    const { changes } = planAddPinhole({ ...add, nonce: '' }, 'administrator', stateOf(limits, pinhole()), NOW);
    assert.equal((changes[0]?.after as HeldPinhole).nonce, NONCE);
  },
  'P-59 a static one has no nonce': () => {
    const request = { ...add, origin: 'static', lifetime: 0 } as const;
    const { changes } = planAddPinhole(request, 'administrator', stateOf(limits, pinhole()), NOW);
    assert.equal(changes, [{ before: pinhole(), after: pinhole(fixed) }]);
  },
  'a rule for the hardware address 0 is not about unknown devices': () => {
    const given = { ...limits, rules: [rule(0, null), ...limits.rules] };
    assert.is(grantForDevice(given, 0), everyone);
  },
  'three new ones at once, then one every five seconds; renewals do not count': () => {
    const state = stateOf({
      ...limits,
      maxPinholes: 100,
      rules: [{ who: EVERYONE, grant: own({ maxMappings: 100 }) }],
    });
    const ask = (port: number, now: number, more: Partial<AddPinhole> = {}): string => {
      const plan = planAddPinhole({ ...add, port, ...more }, 'client', state, now);
      for (const change of plan.changes) state.leases.apply(change);
      return outcomeOf(plan);
    };
    assert.equal(
      [2000, 2001, 2002, 2003].map((port) => ask(port, NOW)),
      ['change', 'change', 'change', 'rate'],
    );
    assert.is(ask(2000, NOW), 'change', 'a renewal');
    assert.is(ask(2003, NOW, { address: ip('2001:db8::3') }), 'rate', 'the same device');
    assert.is(ask(2003, NOW, { hardwareAddress: PHONE }), 'change', 'another device');
    assert.is(ask(2004, NOW + 4999), 'rate');
    assert.is(ask(2004, NOW + 5000), 'change');
  },
});

cases<{ name: string; role?: Role; held?: HeldPinhole[]; nonce?: string; port?: number; want: string }>(
  'planRemove of a pinhole',
  [
    { name: 'P-73 with its nonce', held: [pinhole()], want: 'change' },
    { name: 'P-74 what is not there', want: 'keep' },
    { name: 'P-58 with another nonce', held: [pinhole()], nonce: OTHER, want: 'nonce' },
    { name: 'P-58 without a nonce', held: [pinhole()], nonce: '', want: 'nonce' },
    {
      name: 'by an administrator without a nonce',
      role: 'administrator',
      held: [pinhole()],
      nonce: '',
      want: 'change',
    },
    {
      name: 'by an administrator with another nonce',
      role: 'administrator',
      held: [pinhole()],
      nonce: OTHER,
      want: 'nonce',
    },
    { name: 'one that was made without a nonce', held: [pinhole({ nonce: '' })], want: 'change' },
    { name: 'P-76 a static one', held: [pinhole(fixed)], want: 'not-permitted' },
    { name: 'a static one, by an administrator', role: 'administrator', held: [pinhole(fixed)], want: 'change' },
    { name: 'port 0', port: 0, want: 'malformed' },
    { name: 'port 65536', port: 65536, want: 'malformed' },
  ],
  ({ role = 'client', held = [], nonce = NONCE, port = 8080, want }) => {
    const request = { kind: 'remove-pinhole', protocol: 'tcp', address: add.address, port, nonce } as const;
    const plan = planRemove(request, role, stateOf(limits, ...held));
    assert.is(outcomeOf(plan), want);
    if (plan.response.kind === 'removed') assert.is(plan.response.count, plan.changes.length);
    if (want === 'change') assert.equal(plan.changes, [{ before: held[0], after: undefined }]);
  },
);

const tcp = pinhole({ port: 1 });
const udp = pinhole({ protocol: 'udp', port: 1, hardwareAddress: PHONE });
const third = pinhole({ address: ip('2001:db8::3'), port: 1 });

claims('the table of pinholes', {
  'tells protocols, addresses and ports apart': () => {
    const table = new Pinholes();
    for (const one of [tcp, udp, third, { ...tcp, port: 2 }]) table.put(one);
    assert.is(table.size, 4);
    assert.equal([table.get(tcp), table.get(udp), table.get(third)], [tcp, udp, third]);
    assert.is(table.get({ ...udp, port: 2 }), undefined);
    table.drop(udp);
    assert.equal([table.get(tcp), table.get(udp), table.size], [tcp, undefined, 3]);
  },
  'counts by device, also when one changes hands': () => {
    const table = new Pinholes();
    for (const one of [tcp, udp, third, tcp]) table.put(one);
    assert.equal([table.count(LAPTOP), table.count(PHONE)], [2, 1]);
    table.put({ ...tcp, hardwareAddress: 0 });
    assert.equal([table.count(LAPTOP), table.count(tcp.address)], [1, 1]);
    table.drop(third);
    table.drop(third);
    assert.equal([table.count(LAPTOP), table.count(PHONE)], [0, 1]);
    assert.is(deviceOf(tcp), LAPTOP);
  },
  'counts static ones': () => {
    const table = new Pinholes();
    table.put(pinhole(fixed));
    assert.is(table.staticCount, 1);
    table.put(pinhole());
    assert.is(table.staticCount, 0);
    table.put(pinhole(fixed));
    table.drop(pinhole());
    assert.is(table.staticCount, 0);
  },
  'goes on behind the last one of a page, whatever came and went': () => {
    const table = new Pinholes();
    for (const one of [tcp, udp, third]) table.put(one);
    assert.equal([...table.above(0)], [tcp, udp, third]);
    const cursor = table.numberOf(udp);
    table.drop(tcp);
    table.drop(udp);
    table.put(tcp);
    const renewed = { ...third, lifetime: 60 };
    table.put(renewed);
    assert.equal([...table.above(cursor)], [renewed, tcp]);
    const end = table.numberOf(tcp);
    table.put(third);
    assert.equal([...table.above(end)], [], 'a renewal moves none');
  },
  'ends those whose time is over, at most so many at once': () => {
    const table = new Pinholes();
    const late = pinhole({ port: 5, expiresAt: 900 });
    for (const one of [{ ...tcp, expiresAt: 500 }, late, { ...udp, expiresAt: 400 }, pinhole(fixed)]) table.put(one);
    assert.is(table.nextExpiry, 400);
    assert.equal(table.expire(399, 10), []);
    assert.equal(table.expire(500, 1).length, 1);
    assert.ok(table.nextExpiry <= 500, 'the rest is due');
    assert.equal(table.expire(500, 10).length, 1);
    assert.is(table.nextExpiry, 900);
    assert.equal([...table.above(0)], [late, pinhole(fixed)]);
  },
});

claims('mappings and pinholes', {
  'expire together, in their tick, and at most so many at once': () => {
    const leases = new Leases();
    const [web, ssh] = [lease({ expiresAt: 10_000 }), pinhole({ expiresAt: 9_900 })];
    for (const after of [web, ssh, pinhole({ ...fixed, port: 443 })]) leases.apply({ before: undefined, after });
    leases.apply({ before: undefined, after: pinhole({ port: 9, expiresAt: 20_000 }) });
    assert.is(leases.nextEndingAt, 10_000);
    assert.equal(leases.expire(9_999), []);
    assert.equal(leases.expire(10_000), [ssh]);
    assert.is(leases.nextEndingAt, 10_250);
    assert.equal(leases.expire(10_250), [web]);
    assert.is(leases.nextEndingAt, 20_250);
    for (const after of [web, ssh]) leases.apply({ before: undefined, after });
    assert.equal(leases.expire(15_000, 1), [web]);
    assert.ok(leases.nextEndingAt <= 15_000);
    assert.equal(leases.expire(15_000, 1), [ssh]);
  },
  'changes are undone': () => {
    const leases = new Leases();
    const renewed = pinhole({ lifetime: 60 });
    const changes = [
      { before: undefined, after: pinhole() },
      { before: pinhole(), after: renewed },
      { before: renewed, after: undefined },
    ];
    const states = changes.map((change) => {
      leases.apply(change);
      return [...leases.all()];
    });
    assert.equal(states, [[pinhole()], [renewed], []]);
    const undone = changes.toReversed().map((change) => {
      leases.undo(change);
      return [...leases.all()];
    });
    assert.equal(undone, [[renewed], [pinhole()], []]);
  },
  'net changes: one for each, none for what came and went': () => {
    const renewed = pinhole({ lifetime: 60 });
    assert.equal(
      netChanges([
        { before: undefined, after: tcp },
        { before: pinhole(), after: renewed },
        { before: tcp, after: undefined },
        { before: undefined, after: lease() },
        { before: renewed, after: undefined },
      ]),
      [
        { before: pinhole(), after: undefined },
        { before: undefined, after: lease() },
      ],
    );
  },
});
