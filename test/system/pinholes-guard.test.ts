// What the ruleset lets through to the frontend over IPv6, and what it lets a frontend's socket send: a plain socket in
// its place hears it.

import * as assert from 'uvu/assert';
import { ruleset } from '../../cli/host/ruleset-text.js';
import { cases, claims } from '../support/cases.js';
import { cable } from '../support/network.js';
import { until } from '../lab/flows.js';
import { SILENCE_MS, SOON_MS } from '../lab/inbox.js';
import {
  ALICE6,
  ALICE6_LOCAL,
  BOB6,
  GUEST_LAN6,
  onLan,
  openDualStackLab,
  EXTERNAL6,
  GUEST_ROUTER6,
  OUTSIDE6,
  ROUTER6,
  ROUTER6_LOCAL,
} from '../lab/ipv6.js';
import { WITH_PINHOLES } from '../lab/ruleset.js';

const PORT = 5351;
/** ANNOUNCE (RFC 6887 §14.1), from alice. */
const ANNOUNCE = '020000000000000020010db8000a00010000000000000002';
const LAST = '030000000000000020010db8000a00010000000000000002';
const MAP_OPCODE = ANNOUNCE.replace(/^0200/, '0201');

/** As many of another version as of ours, 20,000 each; prints how many milliseconds that took. */
const STORM = `
  const socket = require('dgram').createSocket('udp6');
  socket.bind(0, () => socket.connect(${PORT}, '${ROUTER6}', async () => {
    const startMs = performance.now();
    for (let sent = 0; sent < 20_000; sent += 100) {
      await new Promise((done) => {
        for (let number = 0; number < 100; number++) socket.send(Buffer.from('01'.repeat(24), 'hex'));
        for (let number = 1; number < 100; number++) socket.send(Buffer.from('${ANNOUNCE}', 'hex'));
        socket.send(Buffer.from('${ANNOUNCE}', 'hex'), done);
      });
    }
    console.log(performance.now() - startMs);
    socket.close();
  }));`;

const lab = await openDualStackLab({ guest: true });

if (lab?.carol) {
  const { router, alice, bob, carol, outside } = lab;
  const guests = { ...WITH_PINHOLES, listenInterfaces: ['br-lan', 'br-guest'] };
  await lab.nft(ruleset(guests));
  let frontend = await router.udp({ address: '::', port: PORT });
  const asker = await alice.udp({ address: '::' });

  /** Whether it is heard; a request after it always is, so nothing has to be waited for that does not come. */
  const isHeard = async (send: () => void): Promise<boolean> => {
    send();
    asker.send(LAST, ROUTER6, PORT);
    const heard = [];
    while (heard.at(-1) !== LAST)
      heard.push((await frontend.receive())?.hex ?? assert.unreachable('a request is heard'));
    assert.ok(heard.length <= 2);
    return heard.length === 2;
  };

  cases(
    'requests over IPv6',
    [
      { name: 'P-87 ANNOUNCE', hex: ANNOUNCE, heard: true },
      { name: 'P-47 MAP', hex: `${MAP_OPCODE}${'00'.repeat(36)}`, heard: true },
      { name: 'P-02 MAP cut short: the frontend has an answer to it', hex: MAP_OPCODE, heard: true },
      { name: 'P-07 longer than any request', hex: `${MAP_OPCODE}${'00'.repeat(1200)}`, heard: true },
      { name: 'P-30 an unknown opcode', hex: ANNOUNCE.replace(/^0200/, '027f'), heard: true },
      { name: 'P-24 NAT-PMP', hex: '0000', heard: true },
      { name: 'P-21 a later version', hex: '0300', heard: true },
      { name: 'P-03 nothing', hex: '', heard: false },
      { name: 'P-03 one octet', hex: '02', heard: false },
      { name: 'P-06 a header cut short', hex: ANNOUNCE.slice(0, -2), heard: false },
      { name: 'P-04 a response', hex: ANNOUNCE.replace(/^0200/, '0280'), heard: false },
      { name: 'P-04 a response of another version', hex: '0081', heard: false },
    ],
    async ({ hex, heard }) => assert.is(await isHeard(() => asker.send(hex, ROUTER6, PORT)), heard),
  );

  const to = (address: string) => ({ address, port: PORT });
  cases(
    'where it is asked over IPv6',
    [
      { name: 'the global address, from a global one', from: ALICE6, ...to(ROUTER6), heard: true },
      { name: 'the link-local address, from a global one', from: ALICE6, ...to(onLan(ROUTER6_LOCAL)), heard: true },
      { name: 'the link-local one, from another', from: onLan(ALICE6_LOCAL), ...to(onLan(ROUTER6_LOCAL)), heard: true },
      {
        name: 'the overflow socket cannot be asked by its port',
        from: ALICE6,
        address: ROUTER6,
        port: PORT + 1,
        heard: false,
      },
    ],
    async ({ from, address, port, heard }) => {
      const socket = await alice.udp({ address: from });
      const second = await router.udp({ address: '::', port: PORT + 1 });
      assert.is(await isHeard(() => socket.send(ANNOUNCE, address, port)), heard);
      assert.is(await second.receive(heard ? 0 : SILENCE_MS), null);
      for (const one of [second, socket]) one.close();
    },
  );

  claims('requests over IPv6', {
    'of a guest are heard at the address in that LAN': async () => {
      const guest = await carol.udp({ address: '::' });
      guest.send(ANNOUNCE, GUEST_ROUTER6, PORT);
      assert.is((await frontend.receive())?.hex, ANNOUNCE);
    },
    'from outside are left to the firewall: the socket is bound to the LAN': async () => {
      const stranger = await outside.udp({ address: '::' });
      stranger.send(ANNOUNCE, EXTERNAL6, PORT);
      assert.is((await frontend.receive())?.hex, ANNOUNCE);
    },
    'P-100 are dropped while nothing listens: some clients take port unreachable as final': async () => {
      frontend.close();
      const caller = await alice.udp({ peer: { address: ROUTER6, port: PORT } });
      await until('the socket is closed', async () => {
        const { stdout } = await router.run('ss', '-lnu6');
        return !stdout.includes(`:${PORT} `);
      });
      caller.send(ANNOUNCE);
      assert.is(await caller.outcome(SILENCE_MS), 'silence');
      frontend = await router.udp({ address: '::', port: PORT });
    },
    'beyond 500 a second, and 1000 at once, of a device are led to the overflow socket, and no other’s': async () => {
      const second = await router.udp({ address: '::', port: PORT + 1 });
      // Before and behind all of ours: what is let through, and where it goes in the end.
      await lab.nft(`table ip6 passed {
        chain input {
          type filter hook input priority filter + 1;
          ip6 saddr ${ALICE6} udp dport ${PORT} @th,64,8 1 counter
          ip6 saddr ${ALICE6} udp dport ${PORT} @th,64,8 2 counter
        }
        chain last {
          type filter hook input priority 301;
          ip6 saddr ${ALICE6} udp dport ${PORT} @th,64,8 2 counter
          ip6 saddr ${ALICE6} udp dport ${PORT + 1} @th,64,8 2 counter
          ip6 saddr ${BOB6} udp dport ${PORT} counter
          ip6 saddr ${BOB6} udp dport ${PORT + 1} counter
        }
      }`);
      const [flood, other] = [alice.run(process.execPath, '-e', STORM), await bob.udp({ address: BOB6 })];
      // The storm is on as soon as the second socket hears of it: a checksum that was not mended would be dropped.
      assert.match((await second.receive(10_000))?.hex ?? '', new RegExp(`^(${ANNOUNCE}|(01){24})$`));
      for (let times = 0; times < 5; times++) other.send(ANNOUNCE, ROUTER6, PORT);
      const seconds = Number((await flood).stdout) / 1000;
      let [odd, ours, first, led, ofBob, ledOfBob] = [0, 0, 0, 0, 0, 0];
      await until('what was sent has come', async () => {
        const { stdout: listing } = await router.run('nft', 'list', 'table', 'ip6', 'passed');
        const counts = [...listing.matchAll(/counter packets (\d+)/g)].map(([, count]) => Number(count));
        [odd = 0, ours = 0, first = 0, led = 0, ofBob = 0, ledOfBob = 0] = counts;
        return first + led >= 20_000 && ofBob + ledOfBob >= 5;
      });
      assert.is(ours, 20_000);
      assert.is(first + led, 20_000);
      assert.ok(first > 0 && first <= 1000 + 500 * (seconds + 1), `${first} of 20,000 in ${seconds} s`);
      // A machine that needs ten seconds for them sends no more than may pass.
      const most = Math.min(2000 + 2000 * (seconds + 1), seconds < 8 ? 19_999 : 20_000);
      assert.ok(odd >= 2000 && odd <= most, `${odd} of 20,000 in ${seconds} s`);
      assert.equal([ofBob, ledOfBob], [5, 0]);
    },
  });

  /** Sends from the frontend's port; `from`: an address that need not be the router's. */
  const sendsFrom = (from: string, address: string): string => `
    import socket
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.setsockopt(41, 78, 1)  # IPV6_FREEBIND, which needs no privilege
    s.bind(('${from}', ${PORT}))
    try: s.sendto(b'sent', ('${address}', 9999)); print('sent')
    except OSError as e: print(e.errno)`;
  cases(
    'what a frontend’s socket may send over IPv6',
    [
      { name: 'to the LAN', from: ROUTER6, address: ALICE6, at: alice, arrives: true },
      { name: 'not to the outside', from: ROUTER6, address: OUTSIDE6, at: outside, arrives: false },
      { name: 'not from an address outside', from: EXTERNAL6, address: OUTSIDE6, at: outside, arrives: false },
      { name: 'not in another’s name', from: OUTSIDE6, address: ALICE6, at: alice, arrives: false },
      { name: 'not in that of a host', from: BOB6, address: ALICE6, at: alice, arrives: false },
    ],
    async ({ from, address, at, arrives }) => {
      frontend.close();
      const there = await at.udp({ address: '::', port: 9999 });
      const script = sendsFrom(from, address).replaceAll('\n    ', '\n');
      const { stdout, stderr } = await router.run('python3', '-c', script);
      assert.is(stdout.trim(), arrives ? 'sent' : '1', stderr);
      assert.is((await there.receive(arrives ? SOON_MS : SILENCE_MS))?.hex ?? null, arrives ? '73656e74' : null);
      there.close();
    },
  );

  // IPv6 comes through a tunnel: then that is the outside, and the interface of IPv4 still is.
  const [HE_ROUTER, HE_OUTSIDE] = ['2001:db8:fffe::10', '2001:db8:fffe::1'];
  const startAtTunnel = async () => {
    await cable(
      { in: router.namespace, device: 'he0', addresses: [`${HE_ROUTER}/64 nodad`] },
      { in: outside.namespace, device: 'he1', addresses: [`${HE_OUTSIDE}/64 nodad`] },
    );
    await lab.nft(ruleset({ ...guests, pinholes: { externalInterface: 'he0' } }));
    return router.udp({ address: '::', port: PORT });
  };
  let started: ReturnType<typeof startAtTunnel> | null = null;
  /** Once the tests above are done with that port. */
  const atTunnel = () => (started ??= startAtTunnel());
  cases(
    'a frontend’s socket answers, where IPv6 comes through a tunnel',
    [
      { name: 'a LAN', at: alice, address: ALICE6, asked: ROUTER6, arrives: true },
      { name: 'another LAN', at: carol, address: `${GUEST_LAN6}2`, asked: GUEST_ROUTER6, arrives: true },
      { name: 'nobody outside', at: outside, address: OUTSIDE6, asked: EXTERNAL6, arrives: false },
      {
        name: 'nobody at the other end of the tunnel',
        at: outside,
        address: HE_OUTSIDE,
        asked: HE_ROUTER,
        arrives: false,
      },
    ],
    async ({ at, address, asked, arrives }) => {
      const [answering, there] = [await atTunnel(), await at.udp({ address })];
      there.send(ANNOUNCE, asked, PORT);
      const request = await answering.receive();
      assert.is(request?.address, address, 'it is asked');
      answering.sendText('answer', request?.address, request?.port);
      assert.is(await there.receiveText(arrives ? undefined : SILENCE_MS), arrives ? 'answer' : null);
      there.close();
    },
  );
  cases(
    'a frontend’s socket announces to ff02::1, where IPv6 comes through a tunnel',
    [
      { name: 'on a LAN', at: alice, on: 'br-lan', arrives: true },
      { name: 'not outside', at: outside, on: 'wan0', arrives: false },
      { name: 'not into the tunnel', at: outside, on: 'he0', arrives: false },
    ],
    async ({ at, on, arrives }) => {
      const [answering, there] = [await atTunnel(), await at.udp({ address: '::', port: 5350 })];
      answering.sendText('announcement', `ff02::1%${on}`, 5350);
      assert.is(await there.receiveText(arrives ? undefined : SILENCE_MS), arrives ? 'announcement' : null);
      there.close();
    },
  );
}
