// Requests that wait for the helper: what others may do meanwhile, and what becomes of those that wait.

import * as assert from 'uvu/assert';
import { createResponder } from '../../frontend/answer.js';
import { InFlight } from '../../frontend/in-flight.js';
import type { Answer } from '../../proto/client.js';
import type { Request } from '../../proto/codec.js';
import { bytes, hex } from '../support/bytes.js';
import { claims } from '../support/cases.js';
import { ALICE, BOB, gatewayWith, lease, ScriptedHelper } from './support.js';

const UDP = { protocol: 'udp', internalAddress: ALICE, internalPort: 0x1ae1 } as const;

function addition(externalPort: number, more: Partial<Extract<Request, { kind: 'add-mapping' }>> = {}): Request {
  return { kind: 'add-mapping', ...UDP, externalPort, lifetime: 7200, origin: 'dynamic', ...more };
}

function granted(externalPort: number, lifetime = 7200): Answer {
  return { kind: 'granted', lease: lease({ ...UDP, externalPort }, { lifetime }) };
}

const conflict: Answer = { kind: 'refused', reason: 'conflict' };

const refused = (reason: 'port' | 'not-permitted' | 'kernel' | 'host-full' | 'table-full'): Answer => ({
  kind: 'refused',
  reason,
});

const three = [lease({ externalPort: 1 }), lease({ externalPort: 2 }), lease({ externalPort: 3 })];

const removal: Request = { kind: 'remove-mapping', ...UDP };

const removalOfAll: Request = { kind: 'remove-host-mappings', protocol: 'tcp', internalAddress: ALICE };

const MAP = bytes('00 01 0000 1ae1 2000 00001c20');

const UNMAP = bytes('00 01 0000 1ae1 0000 00000000');

/** A helper that answers when told to. */
function slowHelper() {
  const asked: { request: Request; answer: (answer: Answer) => void }[] = [];
  return {
    asked,
    ask: (request: Request) =>
      new Promise<Answer>((answer) => {
        asked.push({ request, answer });
      }),
  };
}

claims('answer, over time', {
  'R-60 two hosts at once do not ask for the same port': async () => {
    const helper = slowHelper();
    const answer = createResponder(gatewayWith({ helper }));
    void answer(MAP, ALICE);
    void answer(MAP, BOB);
    assert.equal(
      helper.asked.map(({ request }) => request.kind === 'add-mapping' && request.externalPort),
      [0x2000, 0x1ae1],
    );
  },
  'D-7 requests in flight count against the quota': async () => {
    const helper = slowHelper();
    const answer = createResponder(gatewayWith({ helper, config: { maxMappings: 1 } }));
    const first = answer(MAP, ALICE);
    assert.is(hex((await answer(bytes('00 01 0000 1ae2 0000 00001c20'), ALICE))!), '00810004000123451ae2000000000000');
    helper.asked[0]!.answer({ kind: 'refused', reason: 'table-full' });
    await first;
    void answer(bytes('00 01 0000 1ae2 0000 00001c20'), ALICE);
    assert.is(helper.asked.length, 2, 'and no longer when they failed');
  },
  'D-7 devices that ask too much have a limit of their own, and others do not meet it': () => {
    const helper = slowHelper();
    const gateway = gatewayWith({
      helper,
      inFlight: new InFlight({ total: 9, allocations: 9, throttled: 1, perHost: 9 }),
    });
    const answer = createResponder(gateway);
    void answer(MAP, ALICE, true);
    assert.is(answer(MAP, BOB, true), null);
    assert.equal([helper.asked.length, gateway.counters.get('shed')], [1, 1]);
    void answer(MAP, BOB);
    assert.is(helper.asked.length, 2);
  },
  'R-21 a retransmission asks for the same port, also at the quota': async () => {
    const helper = slowHelper();
    const answer = createResponder(gatewayWith({ helper, config: { maxMappings: 1 } }));
    const replies = [answer(MAP, ALICE), answer(MAP, ALICE)];
    assert.equal(helper.asked[0]!.request, helper.asked[1]!.request);
    for (const { answer: resolve } of helper.asked) resolve(granted(0x2000));
    const [first, second] = await Promise.all(replies);
    assert.is(hex(first!), '00810000000123451ae1200000001c20');
    assert.is(hex(second!), hex(first!));
  },
  'R-68 deleted, the port suggested next is granted': async () => {
    const helper = new ScriptedHelper([
      [addition(0x2000), granted(0x2000)],
      [removal, { kind: 'removed', count: 1 }],
      [addition(0x3000), granted(0x3000)],
    ]);
    const answer = createResponder(gatewayWith({ helper }));
    await answer(MAP, ALICE);
    await answer(UNMAP, ALICE);
    assert.is(hex((await answer(bytes('00 01 0000 1ae1 3000 00001c20'), ALICE))!), '00810000000123451ae1300000001c20');
  },
  'R-76 all deleted, they no longer count': async () => {
    const helper = new ScriptedHelper([
      [{ ...removalOfAll, protocol: 'udp' } as Request, { kind: 'host-mappings-removed', count: 3, kept: 0 }],
      [addition(0x2000), granted(0x2000)],
    ]);
    const answer = createResponder(gatewayWith({ helper, leases: three }));
    await answer(bytes('00 01 0000 0000 0000 00000000'), ALICE);
    assert.is((await answer(MAP, ALICE))?.[3], 0);
  },
  'R-17 SSSoE is that of the reply': async () => {
    let now = 5000;
    const helper = slowHelper();
    const reply = createResponder(gatewayWith({ helper, clock: () => now }))(MAP, ALICE);
    now = 7000;
    helper.asked[0]!.answer(granted(0x2000));
    assert.is(hex((await reply)!), '00810000000000071ae1200000001c20');
  },
  'R-25 address replies follow the clock and the address': () => {
    let now = 1999;
    let externalAddress: number | null = 1;
    const gateway = gatewayWith({ clock: () => now });
    const answer = createResponder({
      ...gateway,
      state: {
        ...gateway.state,
        epochStartMs: 0,
        get externalAddress() {
          return externalAddress;
        },
        get addressLostAtMs() {
          return externalAddress === null ? -30_000 : null;
        },
      },
    });
    const ask = () => hex(answer(bytes('00 00'), ALICE) as Uint8Array);
    const said = [ask()];
    now = 2000;
    said.push(ask());
    externalAddress = 2;
    said.push(ask());
    externalAddress = null;
    said.push(ask());
    assert.equal(said, [
      '008000000000000100000001',
      '008000000000000200000001',
      '008000000000000200000002',
      '008000030000000200000000',
    ]);
  },
  'R-44 a helper that refuses every port is asked 16 times': async () => {
    let asked = 0;
    const helper = {
      ask: () => {
        asked++;
        return Promise.resolve(conflict);
      },
    };
    const gateway = gatewayWith({ helper });
    assert.is(hex((await createResponder(gateway)(MAP, ALICE))!), '00810004000123451ae1000000000000');
    assert.is(asked, 16);
    assert.is(gateway.leases.count(ALICE), 0);
  },
  'R-60 a mapping that the helper does not know is forgotten, also if nothing takes its place': async () => {
    const helper = new ScriptedHelper([
      [addition(0x3000), conflict],
      [addition(0x2000), refused('table-full')],
    ]);
    const gateway = gatewayWith({ helper, leases: [lease({ ...UDP, externalPort: 0x3000 })] });
    await createResponder(gateway)(MAP, ALICE);
    assert.ok(helper.isDone);
    assert.is(gateway.leases.count(ALICE), 0);
  },
  'R-86 what needs no helper needs no promise': () => {
    const answer = createResponder(gatewayWith({}));
    assert.ok(answer(bytes('00 00'), ALICE) instanceof Uint8Array);
    assert.ok(answer(bytes('02 00'), ALICE) instanceof Uint8Array);
  },
});
