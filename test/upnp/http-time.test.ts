// How long a connection may take, whatever its peer does.

import * as assert from 'uvu/assert';
import type { ControlResult } from '../../upnp/igd/control.js';
import { LIMITS } from '../../upnp/http/server.js';
import { claims } from '../support/cases.js';
import { BODY, get, head, nextTurns, Peer, serving, soon, until } from './http-support.js';

claims('time', {
  'U-34 a head that does not come': async () => {
    const { port, events } = await serving({ limits: { readMs: 50 } });
    assert.is(await new Peer(port).send('GET /igd').answer(), 'ECONNRESET');
    assert.equal(events, ['connection', 'timeout']);
  },
  'U-34 a body that does not come': async () => {
    const { port, calls } = await serving({ limits: { readMs: 50 } });
    assert.is(await new Peer(port).send(head(port) + BODY.slice(1)).answer(), 'ECONNRESET');
    assert.equal(calls, []);
  },
  'U-34 bytes that come now and then earn no time': async () => {
    const { port } = await serving({ limits: { readMs: 200 } });
    const peer = await new Peer(port).connected();
    const ticking = setInterval(() => void peer.send('a'), 20);
    const start = performance.now();
    assert.is(await peer.answer(), 'ECONNRESET');
    clearInterval(ticking);
    assert.ok(performance.now() - start < 5000);
  },
  'U-34 an answer that is not taken': async () => {
    const { port, events } = await serving({ limits: { readMs: 100_000, answerMs: 50, totalMs: 100_000 } });
    const peer = (await new Peer(port).connected()).send(get(port));
    await soon(peer.ended);
    // It was taken, but the peer does not close.
    await until(() => events.includes('timeout'));
    peer.close();
  },
  'U-34 an action that takes too long': async () => {
    const { port, events } = await serving({ control: () => new Promise(() => {}), limits: { totalMs: 80 } });
    assert.is(await new Peer(port).send(head(port) + BODY).answer(), 'ECONNRESET');
    assert.equal(events, ['connection', 'timeout']);
  },
  'U-34 in all no more than 15 s, whatever the parts took': async () => {
    assert.equal(
      { ...LIMITS },
      { readMs: 5000, answerMs: 5000, totalMs: 15_000, connectionsOfHost: 8, connections: 64 },
    );
    let now = 0;
    const { port, events } = await serving({ clock: () => now, limits: { totalMs: 1000, answerMs: 100_000 } });
    const peer = await new Peer(port).connected();
    await until(() => events.includes('connection'));
    now = 1000;
    peer.send(get(port));
    await soon(peer.ended);
    await until(() => events.includes('timeout'));
    peer.close();
  },
  'an answer for a connection that is gone goes nowhere, and starts no timer': async () => {
    let finish: (result: ControlResult) => void = () => {};
    const { port, calls, events, defects } = await serving({
      control: () => new Promise((resolve) => (finish = resolve)),
      limits: { readMs: 300, answerMs: 20, totalMs: 300 },
    });
    assert.is(await new Peer(port).send(head(port) + BODY).answer(), 'ECONNRESET');
    assert.is(calls.length, 1);
    await nextTurns(); // the server's end has closed, too
    finish({ kind: 'values', values: [] });
    // A timer of the first would end before this one's.
    assert.is(await new Peer(port).answer(), 'ECONNRESET');
    assert.equal(events, ['connection', 'timeout', 'action', 'connection', 'timeout']);
    assert.equal(defects, []);
  },
  'a control that rejects is a defect, and costs its connection': async () => {
    const { port, defects } = await serving({ control: () => Promise.reject(new Error('broken')) });
    assert.is(await new Peer(port).send(head(port) + BODY).answer(), 'ECONNRESET');
    assert.is(defects.length, 1);
    assert.is(await new Peer(port).send(get(port)).answer(), '200');
  },
  'a flood after the request ends the connection': async () => {
    const { port, events } = await serving();
    const peer = await new Peer(port).connected();
    peer.send(get(port));
    await soon(peer.ended);
    const closed = new Promise<void>((resolve) => {
      const flooding = setInterval(() => peer.send('x'.repeat(20_000)), 5);
      peer.onError(() => {
        clearInterval(flooding);
        resolve();
      });
    });
    await soon(closed);
    assert.equal(events, ['connection', 'document']);
  },
});
