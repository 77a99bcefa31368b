// PCP in a whole frontend but for its sockets: with a model of the helper, and a clock that moves when told.

import type { Logger } from 'pino';
import * as assert from 'uvu/assert';
import { parseConfig } from '../../frontend/config.js';
import { startGateway } from '../../frontend/gateway.js';
import type { Listener } from '../../proto/client.js';
import { EVERYONE } from '../../config/rules.js';
import { bytes, hex } from '../support/bytes.js';
import { claims } from '../support/cases.js';
import { ModelHelper } from './model-helper.js';
import { EXTERNAL, manualClock } from './support.js';

const HOST = '20010db8000100000000000000000a0a';
const ANNOUNCE = `02 00 0000 00000000 ${HOST}`;
const MAP = `02 01 0000 00000e10 ${HOST} 0102030405060708090a0b0c 06 000000 1f90 0000 ${'0'.repeat(32)}`;

function started(hasPcp = true) {
  const clock = manualClock();
  clock.advance(60_000);
  const announced: string[] = [];
  const announcedByNatpmp: string[] = [];
  const helper = new ModelHelper();
  helper.epochStart = 50_000;
  let listener: Listener | undefined;
  const config = parseConfig({ externalInterface: 'eth1', maxMappingsPerIp: '3' });
  if (!('ok' in config)) throw new Error(config.complaints.join());
  const gateway = startGateway({
    config: config.ok,
    log: { info() {}, warn() {} } as unknown as Logger,
    clock: clock.now,
    random: () => 0,
    schedule: clock.schedule,
    isLanHost: () => true,
    hardwareAddress: () => null,
    connect(given) {
      listener = given;
      return { ask: (request) => helper.ask(request), close() {} };
    },
    announce: (octets) => announcedByNatpmp.push(hex(octets)),
    pcp: hasPcp
      ? {
          isLanHost: () => true,
          findDevice: () => 7,
          resolve: () => assert.unreachable(),
          announce: (octets) => announced.push(hex(octets)),
        }
      : null,
    setStatus() {},
  });
  return {
    gateway,
    config: config.ok,
    helper,
    clock,
    announced,
    announcedByNatpmp,
    async connect() {
      listener?.connected();
      for (let turns = 0; turns < 5; turns++) await new Promise(setImmediate);
    },
    disconnect: () => listener?.disconnected(),
    ask: async (wire: string) => hex((await gateway.answerPcp?.(bytes(wire), HOST, false, 3)) ?? new Uint8Array()),
  };
}

/** The epoch in each, in seconds. */
const epochs = (announced: readonly string[]): number[] =>
  announced.map((octets) => {
    assert.match(octets, /^0280000000000000[0-9a-f]{8}0{24}$/);
    return parseInt(octets.slice(16, 24), 16);
  });

claims('PCP in the frontend', {
  'one epoch with NAT-PMP': async () => {
    const { gateway, connect, ask } = started();
    gateway.addressChanged(EXTERNAL);
    await connect();
    assert.is((await ask(ANNOUNCE)).slice(16, 24), '0000000a');
    assert.is(
      hex((await gateway.answer(bytes('0000'), 0xc0a80102, false, 3)) ?? new Uint8Array()).slice(8, 16),
      '0000000a',
    );
  },
  'a new epoch is announced ten times, each with its own time; another address is not announced': async () => {
    const { gateway, announced, clock, connect } = started();
    await connect();
    clock.advance(1_000_000);
    assert.equal(epochs(announced), [10, 10, 10, 11, 13, 17, 25, 41, 73, 137]);
    gateway.addressChanged(EXTERNAL);
    clock.advance(1_000_000);
    assert.is(announced.length, 10);
  },
  'it needs no external address': async () => {
    const { announced, announcedByNatpmp, connect } = started();
    await connect();
    assert.equal([announced.length, announcedByNatpmp.length], [1, 0]);
  },
  'a helper that comes back with its epoch is no news; one with another is': async () => {
    const { announced, clock, helper, connect, disconnect } = started();
    await connect();
    clock.advance(1_000_000);
    disconnect();
    await connect();
    assert.is(announced.length, 10);
    disconnect();
    helper.epochStart = clock.now();
    await connect();
    assert.is(epochs(announced)[10], 1, 'never 0');
  },
  'the announcements begin again when the sockets are there, and say nothing before the epoch is known': async () => {
    const { gateway, announced, connect } = started();
    gateway.announcePcp();
    assert.equal(announced, []);
    await connect();
    gateway.announcePcp();
    assert.is(announced.length, 2);
  },
  'a reload: other rules count from the next request on': async () => {
    const { gateway, config, connect, ask } = started();
    await connect();
    assert.is((await ask(MAP)).slice(0, 8), '02810000');
    gateway.reload({ ...config, rules: [{ who: EVERYONE, grant: null }] });
    assert.is((await ask(MAP)).slice(0, 8), '02810002');
  },
  'the quota is that of the device, over all its pinholes': async () => {
    const { connect, ask, gateway } = started();
    await connect();
    const results = [];
    for (const port of ['1f90', '1f91', '1f92', '1f93'])
      results.push((await ask(MAP.replace('1f90', port))).slice(6, 8));
    assert.equal(results, ['00', '00', '00', '0a']);
    assert.equal([gateway.pinholes?.size, gateway.pinholes?.devices], [3, 1]);
  },
  'without sockets for it there is no PCP, no announcement and no replica': async () => {
    const { gateway, announced, clock, connect } = started(false);
    await connect();
    clock.advance(1_000_000);
    assert.equal([gateway.answerPcp, gateway.pinholes, announced], [null, null, []]);
  },
});
