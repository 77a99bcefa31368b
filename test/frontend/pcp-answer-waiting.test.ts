// PCP requests that wait for the helper or for a hardware address: what others may do meanwhile, and what becomes of those
// that wait.

import * as assert from 'uvu/assert';
import { createPcpResponder } from '../../frontend/pcp/answer.js';
import { InFlight } from '../../frontend/in-flight.js';
import type { Device } from '../../caller/route/devices.js';
import type { Answer } from '../../proto/client.js';
import type { Request } from '../../proto/codec.js';
import { bytes, hex } from '../support/bytes.js';
import { claims } from '../support/cases.js';
import { ScriptedHelper } from './support.js';
import {
  addition,
  BR_LAN,
  close,
  contextWith,
  HOST,
  MAC,
  no,
  open,
  pinhole,
  removal,
  three,
  UDP,
  yes,
} from './pcp-support.js';

/** A helper that answers when told to. */
function slowHelper() {
  const asked: { request: Request; answer: (answer: Answer) => void }[] = [];
  return {
    asked,
    helper: { ask: (request: Request) => new Promise<Answer>((answer) => void asked.push({ request, answer })) },
  };
}

claims('PCP answer: requests that wait', {
  'requests on their way count for the quota': async () => {
    const { asked, helper } = slowHelper();
    const { context } = contextWith({ helper, pinholes: three.slice(1) });
    const answer = createPcpResponder(context);
    const first = answer(bytes(open()), HOST, false, BR_LAN);
    const second = await answer(bytes(open(UDP)), HOST, false, BR_LAN);
    assert.is(hex(second!).slice(0, 8), '0281000a');
    asked[0]!.answer(yes());
    assert.is(hex((await first)!).slice(0, 8), '02810000');
    assert.is(context.pinholes.count(MAC), 3);
  },
  'a retransmission takes no second place in it': async () => {
    const { asked, helper } = slowHelper();
    const { context } = contextWith({ helper, pinholes: three.slice(1) });
    const answer = createPcpResponder(context);
    const both = [1, 2].map(() => answer(bytes(open()), HOST, false, BR_LAN));
    assert.is(asked.length, 2);
    assert.is(context.pinholes.count(MAC), 3);
    for (const { answer: reply } of asked) reply(yes());
    assert.equal(
      (await Promise.all(both)).map((reply) => hex(reply!).slice(0, 8)),
      ['02810000', '02810000'],
    );
    assert.is(context.pinholes.count(MAC), 3);
  },
  'a deletion that comes later is not undone by an addition that is tried again': async () => {
    const { asked, helper } = slowHelper();
    const { context } = contextWith({ helper });
    const answer = createPcpResponder(context);
    const addition = answer(bytes(open()), HOST, false, BR_LAN);
    const deletion = answer(bytes(close()), HOST, false, BR_LAN);
    asked[1]!.answer({ kind: 'removed', count: 0 });
    asked[0]!.answer(no('kernel'));
    assert.is(await addition, null);
    assert.is(hex((await deletion)!).slice(0, 8), '02810000');
    assert.is(asked.length, 2);
    assert.is(context.pinholes.count(MAC), 0);
  },
  'a renewal that is tried again makes no new pinhole of one that has ended meanwhile': async () => {
    const { asked, helper } = slowHelper();
    const { context } = contextWith({ helper, pinholes: [pinhole()] });
    const renewal = createPcpResponder(context)(bytes(open()), HOST, false, BR_LAN);
    context.pinholes.apply({ kind: 'expired', pinhole: pinhole() });
    asked[0]!.answer(no('kernel'));
    assert.is(await renewal, null);
    assert.is(asked.length, 1);
  },
  'a renewal that is tried again goes on if it has not': async () => {
    const { asked, helper } = slowHelper();
    const { context } = contextWith({ helper, pinholes: [pinhole()] });
    const renewal = createPcpResponder(context)(bytes(open()), HOST, false, BR_LAN);
    asked[0]!.answer(no('kernel'));
    await new Promise(setImmediate);
    asked[1]!.answer(yes());
    assert.is(hex((await renewal)!).slice(0, 8), '02810000');
  },
  'the kernel is made to ask for the hardware address once, and not for one that it knows': async () => {
    const waiting = contextWith({ devices: ['unresolved', MAC], helper: new ScriptedHelper([[addition(), yes()]]) });
    await createPcpResponder(waiting.context)(bytes(open()), HOST, false, BR_LAN);
    assert.equal(waiting.resolved, [`${BR_LAN} ${HOST}`]);
    const known = contextWith({ helper: new ScriptedHelper([[addition(), yes()]]) });
    await createPcpResponder(known.context)(bytes(open()), HOST, false, BR_LAN);
    assert.equal(known.resolved, []);
  },
  'few requests wait for hardware addresses, so that the rest of the places is for others': async () => {
    const { asked, helper } = slowHelper();
    const { context } = contextWith({
      helper,
      devices: ['unresolved'],
      inFlight: new InFlight({ total: 1000, allocations: 1000, throttled: 1000, perHost: 1000 }),
    });
    const never = { ...context, schedule: () => () => {} };
    const answer = createPcpResponder(never);
    for (let request = 0; request < 100; request++) void answer(bytes(open()), HOST, false, BR_LAN);
    assert.equal([context.inFlight.total, context.counters.get('shed')], [64, 36]);
    assert.is(await answer(bytes(open()), HOST, true, BR_LAN), null, 'and none of the overflow socket');
    const known = createPcpResponder({ ...never, findDevice: () => MAC });
    void known(bytes(open()), HOST, false, BR_LAN);
    assert.equal([asked.length, context.inFlight.total], [1, 65]);
  },
  'one that waits for a hardware address is a new one': () => {
    const inFlight = new InFlight({ total: 9, allocations: 0, throttled: 9, perHost: 9 });
    const { context, resolved } = contextWith({ devices: ['unresolved', MAC], inFlight });
    void createPcpResponder(context)(bytes(open()), HOST, false, BR_LAN);
    assert.equal([resolved, context.counters.get('shed')], [[], 1]);
  },
  'those that waited leave their places': async () => {
    const { context } = contextWith({ devices: ['unresolved'] });
    for (let request = 0; request < 100; request++)
      assert.is(await createPcpResponder(context)(bytes(open()), HOST, false, BR_LAN), null);
    assert.equal([context.resolving.count, context.counters.get('shed')], [0, 0]);
  },
  'one that waited while its client changed its mind is not carried out': async () => {
    const helper = new ScriptedHelper([[removal, { kind: 'removed', count: 0 }]]);
    const { context } = contextWith({ helper });
    const devices: Device[] = ['unresolved', MAC];
    const wakes: (() => void)[] = [];
    const answer = createPcpResponder({
      ...context,
      findDevice: () => devices.shift() ?? MAC,
      schedule: (_, wake) => (wakes.push(wake), () => {}),
    });
    const opened = answer(bytes(open()), HOST, false, BR_LAN);
    assert.is(hex((await answer(bytes(close()), HOST, false, BR_LAN))!).slice(0, 8), '02810000');
    for (const wake of wakes) wake();
    assert.is(await opened, null);
    assert.is(context.inFlight.total, 0);
  },
  'the overflow socket has a share of its own': () => {
    const inFlight = new InFlight({ total: 9, allocations: 9, throttled: 0, perHost: 9 });
    const { context } = contextWith({ inFlight });
    assert.is(createPcpResponder(context)(bytes(open()), HOST, true, BR_LAN), null);
    assert.is(context.counters.get('shed'), 1);
  },
  'replies are counted by opcode and result': async () => {
    const { context } = contextWith({ helper: new ScriptedHelper([[removal, no('not-permitted')]]) });
    const answer = createPcpResponder(context);
    await answer(bytes(close()), HOST, false, BR_LAN);
    await answer(bytes('00 00'), HOST, false, BR_LAN);
    await answer(bytes(`02 00 0000 00000000 ${HOST}`), HOST, false, BR_LAN);
    const { counters } = context;
    assert.equal(
      [
        counters.pcpReplies('pcp-delete', 'NOT_AUTHORIZED'),
        counters.pcpReplies('pcp-other', 'UNSUPP_VERSION'),
        counters.pcpReplies('pcp-announce', 'SUCCESS'),
        counters.pcpReplies('pcp-map', 'SUCCESS'),
      ],
      [1, 1, 1, 0],
    );
  },
});
