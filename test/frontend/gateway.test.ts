import type { Logger } from 'pino';
import * as assert from 'uvu/assert';
import type { Flags } from '../../frontend/config.js';
import { parseConfig } from '../../frontend/config.js';
import { startGateway } from '../../frontend/gateway.js';
import type { Answer, Listener } from '../../proto/client.js';
import { EVERYONE } from '../../config/rules.js';
import { bytes, hex } from '../support/bytes.js';
import { cases, claims } from '../support/cases.js';
import { ModelHelper } from './model-helper.js';
import { ALICE, EXTERNAL, ip, manualClock } from './support.js';

/** A whole frontend but for its sockets. */
function started(flags: Flags = {}) {
  const clock = manualClock();
  const announced: string[] = [];
  const lines: string[] = [];
  const statuses: string[] = [];
  const helper = new ModelHelper();
  let listener: Listener | undefined;
  const say =
    (level: string) =>
    (...words: unknown[]) => {
      lines.push(`${level}: ${words.at(-1)}`);
    };
  const parsed = parseConfig({ lan: ['192.168.1.1/24'], externalInterface: 'eth1', ...flags });
  if (!('ok' in parsed)) throw new Error(parsed.complaints.join());
  const config = parsed.ok;
  const gateway = startGateway({
    config,
    log: { info: say('info'), warn: say('warn') } as unknown as Logger,
    clock: clock.now,
    random: () => 0,
    schedule: clock.schedule,
    isLanHost: () => true,
    hardwareAddress: () => null,
    connect(given) {
      listener = given;
      return { ask: (request) => helper.ask(request), close() {} };
    },
    announce: (octets) => announced.push(hex(octets)),
    pcp: null,
    setStatus: (status) => statuses.push(status),
  });
  return {
    gateway,
    config,
    helper,
    clock,
    announced,
    lines,
    statuses,
    async connect() {
      listener?.connected();
      await new Promise(setImmediate);
    },
    disconnect: () => listener?.disconnected(),
    ask: async (wire: string) => hex((await gateway.answer(bytes(wire), ALICE)) ?? new Uint8Array()),
  };
}

claims('an external address that the Internet does not reach', {
  'is said once, with what it is, and served all the same': async () => {
    const { gateway, lines, connect, ask } = started();
    gateway.addressChanged(ip('100.64.3.4'));
    await connect();
    assert.is(lines.filter((line) => /^warn: .*RFC 6598.*carrier NAT/.test(line)).length, 1);
    assert.is((await ask('0000')).slice(4, 8), '0000');
  },
  'with requirePublicAddress: result 3, no announcement, and a deletion goes through': async () => {
    const { gateway, lines, announced, clock, connect, ask } = started({ requirePublicAddress: true });
    gateway.addressChanged(ip('10.1.2.3'));
    await connect();
    clock.advance(10_000);
    assert.equal(announced, []);
    assert.match(lines.join(), /RFC 1918.*NETWORK_FAILURE/);
    assert.equal(
      [
        (await ask('0000')).slice(4, 8),
        (await ask('0002 0000 1f90 1f90 00000e10')).slice(4, 8),
        (await ask('0002 0000 1f90 0000 00000000')).slice(4, 8),
      ],
      ['0003', '0003', '0000'],
    );
    gateway.addressChanged(EXTERNAL);
    assert.is((await ask('0000')).slice(4, 8), '0000');
    assert.ok(announced.length > 0);
  },
  'with requirePublicAddress, and it comes while we run: it may pass, and is no failure for half a minute':
    async () => {
      const { gateway, clock, connect, ask } = started({ requirePublicAddress: true });
      await connect();
      gateway.addressChanged(EXTERNAL);
      assert.is((await ask('0002 0000 1f91 1f91 00000e10')).slice(4, 8), '0000');
      gateway.addressChanged(null);
      clock.advance(5000);
      gateway.addressChanged(ip('10.1.2.3'));
      clock.advance(24_999);
      const results = async () => [
        (await ask('0000')).slice(4, 8),
        (await ask('0002 0000 1f90 1f90 00000e10')).slice(4, 8),
        (await ask('0002 0000 1f91 1f91 00000e10')).slice(4, 8),
      ];
      assert.equal(await results(), ['', '', '0000']);
      clock.advance(1);
      assert.equal(await results(), ['0003', '0003', '0003']);
    },
  'is believed if it was configured': async () => {
    const { gateway, connect, ask } = started({ requirePublicAddress: true, externalAddress: '10.1.2.3' });
    gateway.addressChanged(ip('10.1.2.3'));
    await connect();
    assert.is((await ask('0000')).slice(4, 8), '0000');
  },
  'is judged again by a reload': async () => {
    const { gateway, config, announced, connect, ask } = started();
    gateway.addressChanged(ip('10.1.2.3'));
    await connect();
    gateway.reload({ ...config, requirePublicAddress: true });
    assert.is((await ask('0000')).slice(4, 8), '0003');
    const before = announced.length;
    gateway.reload(config);
    assert.is((await ask('0000')).slice(4, 8), '0000');
    assert.ok(announced.length > before);
  },
});

claims('a reload', {
  'other rules count from the next request on, and what is held stays': async () => {
    const { gateway, config, helper, connect, ask } = started();
    gateway.addressChanged(EXTERNAL);
    await connect();
    const request = '0002 0000 1f90 1f90 00000e10';
    assert.is((await ask(request)).slice(4, 8), '0000');
    gateway.reload({ ...config, rules: [{ who: EVERYONE, grant: null }] });
    assert.is((await ask(request)).slice(4, 8), '0002');
    assert.is(helper.table.size, 1);
    gateway.reload(config);
    assert.is((await ask(request)).slice(4, 8), '0000');
  },
});

claims('gateway', {
  'R-29 announces at the start, as soon as there is an epoch and an address': async () => {
    const { gateway, clock, announced, connect } = started();
    gateway.addressChanged(EXTERNAL);
    clock.advance(5000);
    assert.equal(announced, [], 'no epoch is known yet');
    await connect();
    assert.equal(announced, ['0080000000000005cb007107']);
  },
  'R-34 R-32 ten of them, each with the SSSoE of its moment': async () => {
    const { gateway, clock, announced, connect } = started();
    await connect();
    assert.equal(announced, [], 'no address is known yet');
    gateway.addressChanged(EXTERNAL);
    clock.advance(1_000_000);
    const seconds = announced.map((wire) => parseInt(wire.slice(8, 16), 16));
    assert.equal(seconds, [0, 0, 0, 1, 3, 7, 15, 31, 63, 127]);
  },
  'R-29 R-27 announces another address, and reports it': async () => {
    const { gateway, announced, connect, ask } = started();
    await connect();
    gateway.addressChanged(EXTERNAL);
    gateway.addressChanged(1);
    assert.equal(
      announced.map((wire) => wire.slice(16)),
      ['cb007107', '00000001'],
    );
    assert.is(await ask('00 00'), '008000000000000000000001');
  },
  'R-26 no address: no announcements, silence for half a minute, then result 3': async () => {
    const { gateway, clock, announced, connect, ask } = started();
    await connect();
    gateway.addressChanged(EXTERNAL);
    gateway.addressChanged(null);
    clock.advance(29_999);
    assert.is(await ask('00 00'), '');
    clock.advance(1);
    assert.is(await ask('00 00'), '00800003000000' + '1e00000000');
    clock.advance(1_000_000);
    assert.is(announced.length, 1);
    gateway.addressChanged(EXTERNAL);
    assert.is((await ask('00 00')).slice(4, 8), '0000');
    gateway.addressChanged(null);
    assert.is(await ask('00 00'), '', 'the next loss has half a minute of its own');
  },
  'R-26 never an address: the same, from the start of the process': async () => {
    const { gateway, clock, connect, ask } = started();
    gateway.addressChanged(null);
    await connect();
    clock.advance(20_000);
    gateway.addressChanged(null);
    assert.is(await ask('00 00'), '');
    clock.advance(10_000);
    assert.is((await ask('00 00')).slice(4, 8), '0003');
  },
  'R-57 R-40 mappings are renewed and granted without an address, and ended': async () => {
    const { gateway, clock, connect, ask } = started();
    await connect();
    gateway.addressChanged(EXTERNAL);
    assert.is(await ask('00 01 0000 1ae1 2000 00001c20'), '008100000000' + '00001ae1200000001c20');
    gateway.addressChanged(null);
    for (const waitMs of [0, 10_000, 1_000_000]) {
      clock.advance(waitMs);
      const results = [
        await ask('00 01 0000 1ae1 0000 00001c20'),
        await ask('00 02 0000 1f90 1f90 00001c20'),
        await ask('00 02 0000 1f90 0000 00000000'),
      ];
      assert.equal(
        results.map((reply) => reply.slice(4, 8) + reply.slice(20, 24)),
        ['00002000', '00001f90', '00000000'],
      );
    }
  },
  'R-35 announces a new epoch, and not a helper that is back with the old one': async () => {
    const { gateway, helper, clock, announced, connect, disconnect } = started();
    clock.advance(9000);
    await connect();
    gateway.addressChanged(EXTERNAL);
    disconnect();
    await connect();
    assert.is(announced.length, 1);
    disconnect();
    helper.epochStart = 8000;
    await connect();
    assert.equal(announced, ['0080000000000009cb007107', '0080000000000001cb007107']);
  },
  'R-16 the helper away for a moment: what is asked meanwhile waits, and is answered': async () => {
    const { gateway, clock, connect, disconnect, ask } = started();
    await connect();
    gateway.addressChanged(EXTERNAL);
    assert.is((await ask('00 01 0000 1ae1 1ae1 00001c20')).slice(4, 8), '0000');
    disconnect();
    const replies = [
      ask('00 01 0000 1ae1 1ae1 00001c20'),
      ask('00 02 0000 1f90 1f90 00001c20'),
      ask('00 02 0000 1f91 0000 00000000'),
    ];
    clock.advance(300);
    assert.is(gateway.inFlight.total, 3);
    assert.is((await ask('00 00')).slice(4), '000000000000cb007107', 'this needs no helper');
    await connect();
    assert.equal(await Promise.all(replies), [
      '0081000000000000' + '1ae11ae100001c20',
      '0082000000000000' + '1f901f9000001c20',
      '0082000000000000' + '1f91000000000000',
    ]);
    assert.is(gateway.inFlight.total, 0);
  },
  'R-68 what is tried again is not when a later request has the last word': async () => {
    const refused: Answer = { kind: 'refused', reason: 'kernel' };
    for (const [first, later, held] of [
      ['00 01 0000 1ae1 1ae1 00001c20', '00 01 0000 1ae1 0000 00000000', 0],
      ['00 01 0000 1ae1 0000 00000000', '00 01 0000 1ae1 1ae1 00001c20', 1],
      ['00 01 0000 1ae1 1ae1 00001c20', '00 01 0000 0000 0000 00000000', 0],
      ['00 01 0000 0000 0000 00000000', '00 01 0000 1ae1 1ae1 00001c20', 1],
    ] as const) {
      const { gateway, helper, clock, connect, ask } = started();
      await connect();
      const answer = helper.ask.bind(helper);
      helper.ask = async () => refused;
      const waiting = ask(first);
      await new Promise(setImmediate);
      helper.ask = answer;
      assert.is((await ask(later)).slice(4, 8), '0000');
      clock.advance(3000);
      assert.is(await waiting, '');
      assert.equal([helper.table.size, gateway.leases.count(ALICE), gateway.inFlight.total], [held, held, 0]);
    }
  },
  'R-16 the helper away for longer than a request waits: silence': async () => {
    const { gateway, clock, connect, disconnect, ask } = started();
    await connect();
    disconnect();
    const reply = ask('00 01 0000 1ae1 1ae1 00001c20');
    clock.advance(3000);
    assert.is(await reply, '');
    assert.is(gateway.inFlight.total, 0);
    assert.is(gateway.counters.get('NETWORK_FAILURE'), 0);
  },
  'R-16 the helper away for half a minute: result 3 with the epoch that was known': async () => {
    const { gateway, clock, connect, disconnect, ask } = started();
    await connect();
    gateway.addressChanged(EXTERNAL);
    assert.is((await ask('00 01 0000 1ae1 1ae1 00001c20')).slice(4, 8), '0000');
    disconnect();
    clock.advance(30_000);
    assert.is(await ask('00 01 0000 1ae1 1ae1 00001c20'), '008100030000001e1ae1000000000000');
    assert.is(await ask('00 00'), '008000030000001e00000000');
    await connect();
    assert.is(await ask('00 01 0000 1ae1 1ae1 00001c20'), '008100000000001e1ae11ae100001c20');
  },
  'R-16 the helper never met: silence, and after half a minute result 3 with the age of the process': async () => {
    const { gateway, clock, ask } = started();
    gateway.addressChanged(EXTERNAL);
    const early = [ask('00 00'), ask('00 01 0000 1ae1 1ae1 00001c20')];
    clock.advance(29_999);
    assert.equal(await Promise.all(early), ['', '']);
    clock.advance(1);
    assert.is(await ask('00 00'), '008000030000001e00000000');
    assert.is(await ask('00 01 0000 1ae1 1ae1 00001c20'), '008100030000001e1ae1000000000000');
  },
  'D-7 a host may ask for its whole quota at once, and again ten seconds later': async () => {
    const { gateway, clock, connect, helper } = started();
    await connect();
    gateway.addressChanged(EXTERNAL);
    const burst = async () => {
      let granted = 0;
      for (let port = 1; port <= 150; port++) {
        const wire = `0001 0000 ${port.toString(16).padStart(4, '0')} 0000 00001c20`;
        const reply = await gateway.answer(bytes(wire), ALICE);
        if (reply?.[3] === 0) granted++;
        await gateway.answer(bytes(wire.replace('00001c20', '00000000')), ALICE);
      }
      return granted;
    };
    assert.is(await burst(), 100);
    assert.is(await burst(), 0);
    clock.advance(10_000);
    assert.is(await burst(), 100);
    assert.equal(helper.outsidePolicy, []);
  },
  'the rate of new mappings is for each LAN: addresses that fold to one slot have their own there': async () => {
    const { gateway, connect } = started({ lan: ['10.77.0.1/24', '10.78.0.1/24'] });
    await connect();
    gateway.addressChanged(EXTERNAL);
    const map = async (host: string, interfaceIndex: number, lifetime: string) =>
      (await gateway.answer(bytes(`0001 0000 2328 0000 ${lifetime}`), ip(host), false, interfaceIndex))?.[3];
    for (let times = 0; times < 100; times++) {
      assert.is(await map('10.78.0.15', 3, '00001c20'), 0);
      await map('10.78.0.15', 3, '00000000');
    }
    assert.is(await map('10.78.0.15', 3, '00001c20'), undefined, 'silence');
    assert.is(await map('10.77.0.3', 2, '00001c20'), 0);
  },
  'D-5 a helper that comes and goes does not fill the log': async () => {
    const { gateway, lines, connect, disconnect } = started();
    for (let times = 0; times < 1000; times++) {
      await connect();
      disconnect();
    }
    assert.is(lines.length, 6);
    assert.is(gateway.counters.get('helper-lost'), 1000);
  },
  'the supervisor is told what is waited for': async () => {
    const { gateway, statuses, connect, disconnect } = started();
    gateway.addressChanged(null);
    await connect();
    gateway.addressChanged(EXTERNAL);
    disconnect();
    assert.equal(statuses, [
      'waiting for the helper and an address on eth1',
      'waiting for an address on eth1',
      'serving',
      'waiting for the helper',
    ]);
  },
  'R-29 closed: silent': async () => {
    const { gateway, clock, announced, connect } = started();
    await connect();
    gateway.addressChanged(EXTERNAL);
    gateway.close();
    clock.advance(1_000_000);
    assert.is(announced.length, 1);
  },
});

cases(
  'an address that is not public is warned of',
  [
    { name: 'RFC 1918, 10/8', address: '10.1.2.3', want: 'warn' },
    { name: 'RFC 1918, 172.16/12', address: '172.31.0.1', want: 'warn' },
    { name: 'beside it', address: '172.32.0.1', want: 'info' },
    { name: 'RFC 1918, 192.168/16', address: '192.168.0.2', want: 'warn' },
    { name: 'RFC 6598, 100.64/10', address: '100.127.0.1', want: 'warn' },
    { name: 'beside it', address: '100.128.0.1', want: 'info' },
    { name: 'public', address: '203.0.113.7', want: 'info' },
  ],
  ({ address, want }) => {
    const { gateway, lines } = started();
    gateway.addressChanged(ip(address));
    assert.equal(
      lines.map((line) => line.slice(0, 4)),
      [want],
    );
  },
);
