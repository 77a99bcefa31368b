// Pinholes from the request to the packet that arrives (RFC 6887 §11, §15): TCP and UDP reach the host and port that
// asked, and nothing else, as long as the client was told.

import * as assert from 'uvu/assert';
import { cases, claims } from '../support/cases.js';
import { arrivals } from '../lab/arrivals.js';
import { endsOf, isAlive, passes, tcpFlow, until } from '../lab/flows.js';
import type { Host } from '../lab/host.js';
import { SILENCE_MS, SOON_MS } from '../lab/inbox.js';
import {
  ALICE6,
  ALICE6_LOCAL,
  BOB6,
  CAROL6,
  onLan,
  openDualStackLab,
  OUTSIDE6,
  OUTSIDE6_TOO,
  REMOTE6,
  ROUTER6,
  ROUTER6_LOCAL,
} from '../lab/ipv6.js';
import { ROUTER } from '../lab/lab.js';
import { Asker } from '../lab/natpmp.js';
import { ANNOUNCEMENT_PORT, bits, OPTION, option, PcpClient, RESULT } from '../lab/pcp.js';
import { Server } from '../lab/server.js';

const RESET = { caller: 'ECONNRESET', called: 'ECONNRESET' };
/** §7.4: how long the same answer is to be expected, in seconds. */
const LONG = 1800;
const LANS = ['--listen-interface', 'br-lan', '--listen-interface', 'br-guest'];
const lab = await openDualStackLab({ guest: true });

if (lab !== null && lab.carol !== null) {
  const { alice, bob, carol, outside } = lab;
  let server = await Server.start(lab, [
    '--pinholes',
    '--listen-interface',
    'br-lan',
    '--listen-interface',
    'br-guest',
  ]);
  const client = await PcpClient.open(alice, ALICE6, onLan(ROUTER6_LOCAL));
  const neighbour = await PcpClient.open(bob, BOB6, ROUTER6);
  const guest = await PcpClient.open(carol, CAROL6, onLan(ROUTER6_LOCAL));
  const web = await alice.listen(8080, '::');
  const udp = await alice.udp({ address: '::', port: 8080 });
  const running = async () => {
    await server.answering().catch(async () => {
      server = await Server.start(lab, ['--pinholes', ...LANS]);
    });
  };
  const noPinholes = async () => (await server.pinholes()).length === 0;
  /** How a connection from outside fares; who is outside and is let in has reached `there`. */
  const connects = async (to: string, port: number, there = web, withinMs = SOON_MS): Promise<string> => {
    const connected = await outside.connect(to, port, { withinMs });
    if (connected.kind === 'failed') return (await there.accept(0)) === null ? connected.code : 'reached';
    connected.connection.close();
    return (await there.accept()) === null ? 'somebody else' : 'connected';
  };
  /** The same of one that nobody is to let in. */
  const fails = (to: string, port: number, there = web): Promise<string> => connects(to, port, there, SILENCE_MS);

  claims('§11.3 a MAP request', {
    'P-10 P-13 P-47 is answered with 60 octets, from the link-local address that was asked': async () => {
      const request = client.request(8080, { nonce: '0102030405060708090a0b0c', suggestedPort: 8081 });
      client.udp.send(request);
      const reply = await client.udp.receive();
      const epoch = reply?.hex.slice(16, 24) ?? '';
      assert.is(
        reply?.hex,
        `0281000000000e10${epoch}${'0'.repeat(24)}` +
          `0102030405060708090a0b0c060000001f901f90${'20010db8000a00010000000000000002'}`,
        'P-66 the external address and port are the internal ones, whatever is suggested',
      );
      assert.is(`${reply?.address}:${reply?.port}`, `${onLan(ROUTER6_LOCAL)}:5351`);
      assert.equal(await server.pinholes(), [`tcp [${ALICE6}]:8080`]);
      await client.unmap(8080, { nonce: '0102030405060708090a0b0c' });
    },
    'P-20 from the global address that was asked': async () => {
      neighbour.udp.send(neighbour.request(9000, { lifetime: 60 }));
      const reply = await neighbour.udp.receive();
      assert.is(`${reply?.address}:${reply?.port}`, `${ROUTER6}:5351`);
      await neighbour.unmap(9000);
      assert.ok(await noPinholes());
    },
    'the effect comes first, and the reply last': async () => {
      for (let port = 9100; port < 9120; port++) {
        await client.map(port);
        const listening = await alice.listen(port, '::');
        assert.is(await connects(ALICE6, port, listening), 'connected');
        listening.close();
        await client.unmap(port);
      }
    },
  });

  const CALLERS = [
    { name: 'from outside', from: outside, source: OUTSIDE6 },
    { name: 'from another address', from: outside, source: OUTSIDE6_TOO },
    { name: 'from further away', from: outside, source: REMOTE6 },
    { name: 'from the same LAN', from: bob, source: BOB6 },
  ];
  cases('P-62 TCP and UDP reach the host that asked', CALLERS, async ({ from, source }) => {
    assert.is((await client.map(8080)).result, RESULT.success);
    assert.is((await client.map(8080, { protocol: 'udp' })).result, RESULT.success);
    const flow = await tcpFlow(from, ALICE6, 8080, web, { address: source });
    flow.caller.close();
    const caller = await from.udp({ address: source });
    const seen = await passes(caller, udp, ALICE6, 8080);
    assert.is(seen?.address, source);
    udp.sendText('answer', seen?.address, seen?.port);
    const answer = await caller.receive();
    assert.is(`${answer?.address}:${answer?.port}`, `${ALICE6}:8080`);
    caller.close();
  });

  interface Closed {
    readonly name: string;
    readonly host: Host;
    readonly to: string;
    readonly port: number;
    readonly from?: Host;
  }
  cases<Closed>(
    'and nothing else',
    [
      { name: 'another port of that host', host: alice, to: ALICE6, port: 8081 },
      { name: 'the port before', host: alice, to: ALICE6, port: 8079 },
      { name: 'the same port of another host', host: bob, to: BOB6, port: 8080 },
      { name: 'the same port of a host in another LAN', host: carol, to: CAROL6, port: 8080 },
      { name: 'the same port of the router', host: lab.router, to: ROUTER6, port: 8080 },
    ],
    async ({ host, to, port }) => {
      await lab.nft(`table inet lab6 { chain input { type filter hook input priority filter;
        iifname "wan0" meta l4proto { tcp, udp } th dport 8080 drop; }; }`);
      const tcp = await host.listen(port, '::');
      const there = await host.udp({ address: '::', port });
      assert.is(await fails(to, port, tcp), 'ETIMEDOUT');
      assert.is(await passes(await outside.udp({ address: OUTSIDE6 }), there, to, port, SILENCE_MS), null);
      tcp.close();
      there.close();
    },
  );
  claims('a pinhole of one protocol, from one side', {
    'P-56 TCP is not UDP, and UDP is not TCP': async () => {
      const [tcp, there] = [await alice.listen(8200, '::'), await alice.udp({ address: '::', port: 8200 })];
      await client.map(8200);
      assert.is(await connects(ALICE6, 8200, tcp), 'connected');
      assert.is(await passes(await outside.udp({ address: OUTSIDE6 }), there, ALICE6, 8200, SILENCE_MS), null);
      await client.unmap(8200);
      await client.map(8200, { protocol: 'udp' });
      assert.is(await fails(ALICE6, 8200, tcp), 'ETIMEDOUT');
      assert.ok((await passes(await outside.udp({ address: OUTSIDE6 }), there, ALICE6, 8200)) !== null);
      await client.unmap(8200, { protocol: 'udp' });
    },
    'it is open to the Internet, not to a guest': async () => {
      assert.is((await carol.connect(ALICE6, 8080, { withinMs: SILENCE_MS })).kind, 'failed');
      assert.is(await web.accept(0), null);
      const caller = await carol.udp({ address: CAROL6 });
      assert.is(await passes(caller, udp, ALICE6, 8080, SILENCE_MS), null);
    },
    'a guest may have one for itself': async () => {
      const theirs = await carol.listen(8080, '::');
      assert.is((await guest.map(8080)).result, RESULT.success);
      assert.is(await connects(CAROL6, 8080, theirs), 'connected');
      assert.is((await guest.unmap(8080)).result, RESULT.success);
      assert.is(await fails(CAROL6, 8080, theirs), 'ETIMEDOUT');
    },
  });

  /** Both have this lifetime from now on, so that they are open however long their flows took to be made. */
  const shorten = async (lifetime: number): Promise<void> => {
    await client.map(8300, { lifetime });
    await client.map(8300, { protocol: 'udp', lifetime });
  };
  /** Each ends alice's pinholes. */
  const ENDINGS = [
    {
      name: 'P-73 by deletion',
      end: async () => {
        await client.unmap(8300);
        await client.unmap(8300, { protocol: 'udp' });
      },
    },
    {
      name: 'P-70 by expiry',
      end: async () => {
        await shorten(1);
        await until('the pinholes have expired', noPinholes);
      },
    },
    {
      name: 'by expiry, with both processes dead',
      end: async () => {
        await shorten(2);
        await server.kill();
        await until('the pinholes have expired', noPinholes);
      },
    },
    {
      name: 'by the administrator, who revokes it',
      end: async () => {
        for (const protocol of ['tcp', 'udp'])
          await server.administrate('revoke', '--yes', '--host', ALICE6, '--port', `${protocol}/8300`);
      },
    },
  ];
  cases('a pinhole ends, and its flows with it', ENDINGS, async ({ end }) => {
    await running();
    await client.unmap(8080);
    await client.unmap(8080, { protocol: 'udp' });
    const tcp = await alice.listen(8300, '::');
    const there = await alice.udp({ address: '::', port: 8300 });
    await shorten(600);
    const [one, other] = [await tcpFlow(outside, ALICE6, 8300, tcp), await tcpFlow(outside, ALICE6, 8300, tcp)];
    const caller = await outside.udp({ address: OUTSIDE6, peer: { address: ALICE6, port: 8300 } });
    caller.sendText('in force');
    assert.is((await there.receive())?.address, OUTSIDE6);

    await end();

    assert.equal(await endsOf(one), RESET, 'each end is reset when it next sends');
    assert.equal(await endsOf({ caller: other.called, called: other.caller }), RESET, 'the inside host first');
    there.drain();
    caller.sendText('after the end');
    assert.is(await caller.outcome(), 'ECONNREFUSED', 'the sender of UDP gets an ICMP error');
    assert.is(await there.receive(SILENCE_MS), null, 'and nothing arrives');
    assert.is(await fails(ALICE6, 8300, tcp), 'ETIMEDOUT', 'new connections are for the firewall to drop');
    assert.ok(await noPinholes());
    tcp.close();
    there.close();
    caller.close();
  });

  claims('while it is renewed', {
    'P-57 flows live on, also when it is shortened, and the last lifetime counts': async () => {
      assert.is((await client.map(8080, { lifetime: 600 })).lifetime, 600);
      const flow = await tcpFlow(outside, ALICE6, 8080, web);
      let renewedMs = 0;
      for (const lifetime of [600, 60, 6000, 2]) {
        renewedMs = performance.now();
        assert.is((await client.map(8080, { lifetime })).lifetime, lifetime);
        assert.ok(await isAlive(flow), `after renewal for ${lifetime} s`);
      }
      // It was there at some time after the first of these, and gone at some time before the other.
      let [there, gone] = [0, 0];
      await until('it has expired', async () => {
        const look = performance.now() - renewedMs;
        const isGone = await noPinholes();
        if (isGone) gone = performance.now() - renewedMs;
        else there = look;
        return isGone;
      });
      assert.ok(gone > 1900 && there < 3000, `there after ${there} ms, gone after ${gone} ms`);
      assert.equal(await endsOf(flow), RESET);
    },
    'a lifetime beyond two hours is granted for two hours': async () => {
      assert.is((await client.map(8080, { lifetime: 86_400 })).lifetime, 7200);
      assert.is((await client.map(8080, { lifetime: 0xffff_ffff })).lifetime, 7200);
      await client.unmap(8080);
    },
  });

  claims('what the host has begun itself from that port', {
    'goes on when the pinhole ends': async () => {
      const there = await outside.listen(7001, OUTSIDE6);
      const flow = await tcpFlow(alice, OUTSIDE6, 7001, there, { port: 8400 });
      await client.map(8400);
      assert.ok(await isAlive(flow));
      await client.unmap(8400);
      assert.ok(await isAlive(flow));
    },
  });

  interface Refusal {
    readonly name: string;
    readonly request: string;
    readonly result: number;
    readonly lifetime: number;
  }
  const map = (wish: Parameters<PcpClient['request']>[1], port = 8500) => client.request(port, wish);
  const REFUSALS: readonly Refusal[] = [
    {
      name: 'P-83 FILTER: UNSUPP_OPTION, not accepted and ignored',
      request: map({ options: option(OPTION.filter, `00800000${bits(OUTSIDE6)}`) }),
      result: RESULT.unsuppOption,
      lifetime: LONG,
    },
    {
      name: 'P-86 THIRD_PARTY: UNSUPP_OPTION',
      request: map({ options: option(OPTION.thirdParty, bits(BOB6)) }),
      result: RESULT.unsuppOption,
      lifetime: LONG,
    },
    {
      name: 'P-42 an unknown mandatory option',
      request: map({ options: option(100) }),
      result: RESULT.unsuppOption,
      lifetime: LONG,
    },
    {
      name: 'P-52 another protocol',
      request: map({ protocol: 132 }),
      result: RESULT.unsuppProtocol,
      lifetime: LONG,
    },
    { name: 'P-55 all ports', request: map({}, 0), result: RESULT.unsuppProtocol, lifetime: LONG },
    {
      name: 'P-54 all protocols',
      request: map({ protocol: 0 }, 0),
      result: RESULT.unsuppProtocol,
      lifetime: LONG,
    },
    {
      name: 'P-78 P-66 PREFER_FAILURE for another port',
      request: map({ suggestedPort: 8501, options: option(OPTION.preferFailure) }),
      result: RESULT.cannotProvideExternal,
      lifetime: LONG,
    },
    {
      name: 'P-08 another client address',
      request: map({ client: BOB6 }),
      result: RESULT.addressMismatch,
      lifetime: LONG,
    },
    { name: 'P-28 a denied port', request: map({}, 445), result: RESULT.notAuthorized, lifetime: LONG },
    {
      name: 'P-96 PEER',
      request: `0202${client.request(8500).slice(4)}${'0'.repeat(40)}`,
      result: RESULT.unsuppOpcode,
      lifetime: LONG,
    },
    {
      name: 'P-22 version 1',
      request: `01${client.request(8500).slice(2)}`,
      result: RESULT.unsuppVersion,
      lifetime: LONG,
    },
  ];
  cases(
    'refused, with the lifetime of the refusal, and nothing is opened',
    REFUSALS,
    async ({ request, result, lifetime }) => {
      const reply = await client.ask(request);
      assert.equal([reply?.version, reply?.result, reply?.lifetime], [2, result, lifetime], reply?.hex);
      assert.ok(await noPinholes());
    },
  );

  claims('§14 ANNOUNCE, and the epoch', {
    'P-87 is answered with 24 octets, also to a link-local address': async () => {
      const local = await PcpClient.open(alice, onLan(ALICE6_LOCAL), onLan(ROUTER6_LOCAL));
      for (const one of [client, local]) {
        const reply = await one.announce();
        assert.is(reply?.hex.replace(/^(.{16}).{8}/, '$1........'), `0280000000000000........${'0'.repeat(24)}`);
      }
      local.close();
    },
    'P-25 P-91 is the epoch of NAT-PMP, never 0': async () => {
      const asker = await Asker.open(alice, ROUTER);
      const [before, pcp, after] = [await asker.info(), await client.announce(), await asker.info()];
      assert.ok(
        pcp !== null && pcp.epoch > 0 && pcp.epoch >= before.epoch && pcp.epoch <= after.epoch,
        `${before.epoch}, ${pcp?.epoch}, ${after.epoch}`,
      );
    },
    'P-88 P-89 a start is announced to all hosts of each LAN, from its link-local address; not outside': async () => {
      const hearing = await arrivals(alice, ANNOUNCEMENT_PORT, 'ff02::1');
      const guests = await arrivals(carol, ANNOUNCEMENT_PORT, 'ff02::1');
      const outdoors = await outside.udp({ address: '::', port: ANNOUNCEMENT_PORT });
      const started = async (): Promise<readonly number[]> => {
        await server.stop();
        // It has announced its own start until then.
        for (const each of [hearing, guests]) each.drain();
        server = await Server.start(lab, ['--pinholes', ...LANS]);
        const gaps = [];
        for (const each of [hearing, guests]) {
          const times = [];
          for (let count = 0; count < 3; count++) {
            const heard = await each.receive();
            assert.match(heard?.hex ?? '', /^0280000000000000[0-9a-f]{8}0{24}$/);
            assert.is(`${heard?.address}:${heard?.port}`, `${onLan(ROUTER6_LOCAL)}:5351`);
            times.push(heard?.atMs ?? 0);
          }
          const [first = 0, second = 0, third = 0] = times;
          gaps.push(second - first, third - second);
        }
        return gaps;
      };
      const isInTime = (gaps: readonly number[]) => gaps.every((ms, index) => ms > (index % 2 === 0 ? 190 : 2 * 190));
      const tries: (readonly number[])[] = [];
      // A daemon that gets no time for a while sends one late; five times in a row it is no chance.
      while (tries.length < 5 && !tries.some(isInTime)) tries.push(await started());
      assert.ok(tries.some(isInTime), JSON.stringify(tries));
      assert.is(await outdoors.receive(0), null);
    },
  });
}
