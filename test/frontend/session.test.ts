// The frontend and a helper over the real transport.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Router } from 'zeromq';
import { createResponder } from '../../frontend/answer.js';
import { LeaseReplica } from '../../caller/lease-replica.js';
import { HelperSession } from '../../caller/helper-session.js';
import type { HelperClient } from '../../proto/client.js';
import { connectHelper } from '../../proto/client.js';
import type { Event, Response } from '../../proto/codec.js';
import { decodeRequest, encodeResponse } from '../../proto/codec.js';
import { bytes, hex } from '../support/bytes.js';
import { atEnd, claims } from '../support/cases.js';
import { ModelHelper } from './model-helper.js';
import { ALICE, gatewayWith, NOW } from './support.js';

const folder = mkdtempSync(join(tmpdir(), 'natpmp-session-'));
atEnd(() => rmSync(folder, { recursive: true }));

/** A helper on a socket file; `after` may add responses behind each answer, in the same breath. */
async function startHelper(path: string, model: ModelHelper, after: (answer: Response) => Event[] = () => []) {
  let sequence = 0;
  const router = new Router({ linger: 0 });
  await router.bind(`ipc://${path}`);
  const loop = (async () => {
    for await (const [caller, ...frames] of router) {
      for (const frame of frames) {
        const request = decodeRequest(frame);
        if (request === null) throw new Error('malformed');
        const answer = model.answer(request.body) as Response;
        const events = after(answer).map((event): Response => ({ kind: 'event', sequence: ++sequence, event }));
        for (const response of [answer, ...events]) await router.send([caller!, encodeResponse(request.id, response)]);
      }
    }
  })();
  loop.catch(() => {});
  return router;
}

async function startSession(path: string) {
  const leases = new LeaseReplica();
  const told: string[] = [];
  let client: HelperClient;
  const session = new HelperSession({
    pinholes: null,
    leases,
    ask: (request) => client.ask(request),
    clock: () => NOW,
    schedule: () => () => {},
    ready: () => told.push('ready'),
    lost: () => told.push('lost'),
    fellBehind: () => told.push('fell behind'),
  });
  client = connectHelper(path, session);
  const gateway = {
    ...gatewayWith({}),
    leases,
    helper: client,
    state: {
      get isHelperReady() {
        return session.isReady;
      },
      get epochStartMs() {
        return session.epochStartMs;
      },
      get helperLostAtMs() {
        return session.lostAtMs;
      },
      externalAddress: 1,
      addressLostAtMs: null,
      isAddressForbidden: false,
      helperReady: (limitMs: number) => session.ready(limitMs),
    },
  };
  return { leases, told, client, session, answer: createResponder(gateway) };
}

async function until(what: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!what()) {
    if (Date.now() > deadline) throw new Error(`never came true: ${what}`);
    await new Promise(setImmediate);
  }
}

claims('session', {
  'R-60 an answer is applied before the event that follows it': async () => {
    const path = join(folder, 'order');
    const model = new ModelHelper();
    // Whatever is granted has ended before the frontend hears of anything else.
    const router = await startHelper(path, model, (answer) =>
      answer.kind === 'granted'
        ? [
            { kind: 'granted', lease: answer.lease },
            { kind: 'expired', lease: answer.lease },
          ]
        : [],
    );
    const { leases, session, client, answer, told } = await startSession(path);
    await until(() => session.isReady);
    for (let round = 0; round < 200; round++) {
      assert.is((await answer(bytes('00 01 0000 1ae1 1ae1 00001c20'), ALICE))?.[3], 0);
      await until(() => leases.size === 0);
      await new Promise(setImmediate);
      assert.is(leases.size, 0, 'no grant comes in after its end');
    }
    assert.equal(told, ['ready']);
    client.close();
    router.close();
  },
  'R-82 the helper goes and comes back: what is asked meanwhile waits for it': async () => {
    const path = join(folder, 'restart');
    const model = new ModelHelper();
    const { leases, told, session, client, answer } = await startSession(path);
    const ask = async () => {
      const reply = await answer(bytes('00 01 0000 1ae1 1ae1 00001c20'), ALICE);
      return reply === null ? 'silence' : hex(reply.subarray(2, 4));
    };
    const early = ask();
    const first = await startHelper(path, model);
    await until(() => session.isReady);
    assert.is(await early, '0000');
    assert.is(await ask(), '0000');
    first.close();
    await until(() => !session.isReady);
    const meanwhile = [ask(), ask()];
    const second = await startHelper(path, model);
    await until(() => session.isReady);
    assert.is(leases.size, 1);
    assert.equal(await Promise.all(meanwhile), ['0000', '0000']);
    assert.equal(told, ['ready', 'lost', 'ready']);
    client.close();
    second.close();
  },
});
