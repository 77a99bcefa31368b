// How many connections there may be, and which of them is closed for another.

import * as assert from 'uvu/assert';
import { openTcpListener } from '../../cli/server/sockets.js';
import type { ControlResult } from '../../upnp/igd/control.js';
import type { HttpDeps } from '../../upnp/http/server.js';
import { LIMITS, serveHttp } from '../../upnp/http/server.js';
import type { Member } from '../../upnp/http/crowd.js';
import { Crowd } from '../../upnp/http/crowd.js';
import { atEnd, cases, claims } from '../support/cases.js';
import {
  address,
  BODY,
  DOCUMENT,
  freePort,
  GATEWAY,
  get,
  head,
  INTERFACE,
  lines,
  Peer,
  serving,
  soon,
  until,
} from './http-support.js';

claims('connections', {
  'U-35 of one host: the ninth takes the place of the oldest that says nothing': async () => {
    const { port, events } = await serving();
    const silent: Peer[] = [];
    for (let count = 0; count < 8; count++) silent.push(await new Peer(port).connected());
    await until(() => events.length === 8);
    assert.is(await new Peer(port).send(get(port)).answer(), '200');
    assert.is(await silent[0]?.answer(), 'ECONNRESET');
    assert.is(await silent[1]?.send(get(port)).answer(), '200');
  },
  'U-35 one that was answered goes first': async () => {
    const { port, events } = await serving({ limits: { connectionsOfHost: 2 } });
    const silent = await new Peer(port).connected();
    await until(() => events.length === 1);
    const answered = new Peer(port).send(get(port));
    await soon(answered.ended);
    assert.is(await new Peer(port).send(get(port)).answer(), '200');
    assert.is(await silent.send(get(port)).answer(), '200');
  },
  'U-35 those at work stay, and the ninth is closed at once': async () => {
    let finish: (result: ControlResult) => void = () => {};
    const done = new Promise<ControlResult>((resolve) => (finish = resolve));
    const { port, calls, events } = await serving({ control: () => done });
    const atWork = Array.from({ length: 8 }, () => new Peer(port).send(head(port) + BODY));
    await until(() => calls.length === 8);
    assert.is(await new Peer(port).send(get(port)).answer(), 'ECONNRESET');
    assert.is(await new Peer(port, '127.0.0.73').send(get(port)).answer(), '200', 'another host is served');
    assert.ok(events.includes('crowded'));
    finish({ kind: 'values', values: [['NewExternalIPAddress', 'a']] });
    for (const peer of atWork) assert.is(await peer.answer(), '200 a');
    assert.is(await new Peer(port).send(get(port)).answer(), '200', 'there is room again');
  },
  'U-35 in all 64: silent ones of eight hosts keep nobody out': async () => {
    const { port, events } = await serving();
    const silent: Peer[] = [];
    for (let count = 0; count < 64; count++)
      silent.push(await new Peer(port, `127.0.0.${100 + (count % 8)}`).connected());
    await until(() => events.length === 64);
    assert.is(await new Peer(port).send(get(port)).answer(), '200');
    assert.is(await silent[0]?.answer(), 'ECONNRESET');
    assert.not.ok(events.includes('timeout'));
  },
  'U-35 each LAN has places and a rate of its own: hosts of another, or addresses that fold to one slot, take none':
    async () => {
      const guest = { gateway: '127.0.0.74', host: '127.1.0.76', interfaceIndex: 8 };
      const port = await freePort();
      const sockets = [
        { fd: openTcpListener(address(GATEWAY), port, 'the test'), interfaceIndex: INTERFACE },
        { fd: openTcpListener(address(guest.gateway), port, 'the test'), interfaceIndex: guest.interfaceIndex },
      ];
      const calls: string[] = [];
      const deps: HttpDeps = {
        port,
        isLanHost: () => true,
        isOwnAddress: () => true,
        mostMappings: () => 0,
        document: (_index, path) => (path === '/igd.xml' ? DOCUMENT : null),
        control: (call) => new Promise(() => calls.push(call.action)),
        clock: () => 1_000_000,
        count() {},
        onDefect: assert.unreachable,
        serverHeader: 'a',
      };
      const server = await serveHttp(sockets, deps, { ...LIMITS, connectionsOfHost: 2, connections: 2 });
      atEnd(() => server.close());
      const asGuest = (text: string): Peer => new Peer(port, guest.host, guest.gateway).send(text);
      const document = lines('GET /igd.xml HTTP/1.1', `Host: ${guest.gateway}`);
      for (let count = 0; count < 254; count++) assert.is(await asGuest(document).answer(), '200');
      for (let count = 0; count < 2; count++) asGuest(head(port) + BODY);
      await until(() => calls.length === 2);
      assert.is(await asGuest(document).answer(), 'ECONNRESET', 'no place, and no token');
      assert.is(await new Peer(port).send(get(port)).answer(), '200');
    },
  'U-35 those that were closed count no longer': () => {
    const crowd = new Crowd<{ host: number; phase: 'reading'; reset(): void }>(2, 3);
    let closed = 0;
    const reset = (): void => void closed++;
    for (let count = 0; count < 20; count++) {
      assert.is(crowd.makeRoom(1), true);
      crowd.add({ host: 1, phase: 'reading', reset });
    }
    assert.is(closed, 18, 'two are left, in one turn of the event loop');
    crowd.resetAll();
    assert.is(closed, 20);
  },
  'close ends them all': async () => {
    const { port, events, server } = await serving();
    const peer = await new Peer(port).connected();
    await until(() => events.length === 1);
    server.close();
    assert.is(await peer.answer(), 'ECONNRESET');
    assert.is(await new Peer(port).answer(), 'ECONNREFUSED');
  },
});

type Phase = Member['phase'];
/** Each member is a host and the first letter of its phase; which one is closed for a connection of host 9. */
cases<{ name: string; members: string; want: string; host?: number }>(
  'U-35 all places are taken: closed is',
  [
    { name: 'one of the host with most', members: '1r 2r 2r 3r', want: '2r, the first' },
    { name: 'also if that of another was answered', members: '1a 2r 2r', want: '2r, the first' },
    { name: 'of that host, one that was answered', members: '1a 2r 2a 2a', want: '2a, the first' },
    { name: 'none that is at work', members: '1a 2w 2r', want: '2r, the first' },
    { name: 'of the next host, if that one is at work', members: '1r 2w 2w 3r 3r 4r', want: '3r, the first' },
    { name: 'of those with as many, one that was answered', members: '1r 2r 3a 4a', want: '3a, the first' },
    { name: 'of those with as many, the oldest', members: '3r 1r 2r', want: '3r, the first' },
    { name: 'of the one that asks, if it would have most', members: '1a 9r 2a', want: '9r, the first' },
    { name: 'of the one with most, if as many', members: '1r 1r 9r', want: '1r, the first' },
    { name: 'none, if all are at work', members: '1w 2w', want: '' },
  ],
  ({ members, want }) => {
    const all = members.split(' ');
    const crowd = new Crowd<Member>(8, all.length);
    const closed: string[] = [];
    for (const [index, text] of all.entries()) {
      const phase = { r: 'reading', w: 'working', a: 'answered' }[text.slice(1)] as Phase;
      const place = index === all.indexOf(text) ? 'the first' : 'a later one';
      crowd.add({ host: Number(text[0]), phase, reset: () => void closed.push(`${text}, ${place}`) });
    }
    assert.is(crowd.makeRoom(9), want !== '');
    assert.is(closed.join(), want);
  },
);

claims('U-35 many hosts that hold all they may', {
  'do not close those that have one each': () => {
    const crowd = new Crowd<Member>(8, 64);
    const closed = new Map<number, number>();
    const connect = (host: number): void => {
      assert.ok(crowd.makeRoom(host));
      crowd.add({ host, phase: 'reading', reset: () => closed.set(host, (closed.get(host) ?? 0) + 1) });
    };
    for (let host = 1; host <= 8; host++) connect(host);
    for (let round = 0; round < 40; round++) for (let host = 101; host <= 140; host++) connect(host);
    for (let host = 1; host <= 8; host++) assert.is(closed.get(host), undefined, `host ${host}`);
  },
});
