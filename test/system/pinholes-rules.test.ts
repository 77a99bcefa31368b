// What the ruleset does to packets of pinholes, without daemons: who comes in, and how a flow ends with its pinhole.

import * as assert from 'uvu/assert';
import { ruleset } from '../../cli/host/ruleset-text.js';
import { atEnd, cases, claims } from '../support/cases.js';
import { cable, Namespace } from '../support/network.js';
import { endsOf, isAlive, type TcpFlow, tcpFlow, until } from '../lab/flows.js';
import { Host } from '../lab/host.js';
import { SILENCE_MS, SOON_MS } from '../lab/inbox.js';
import {
  ALICE6,
  BOB6,
  CAROL6,
  EXTERNAL6,
  openDualStackLab,
  OUTSIDE6,
  OUTSIDE6_TOO,
  REMOTE6,
  ROUTER6,
} from '../lab/ipv6.js';
import type { Protocol } from '../lab/pcp.js';
import { closing, CONFIG, pinhole, SET_PINHOLES } from '../lab/ruleset.js';

const RESET = { caller: 'ECONNRESET', called: 'ECONNRESET' };
/** Behind the outside host, over a path with a smaller MTU. */
const PEER6 = '2001:db8:f01::2';
const BYTES = 300_000;

const lab = await openDualStackLab({ guest: true });

if (lab !== null && lab.carol !== null) {
  const { router, alice, bob, carol, outside } = lab;
  await lab.nft(ruleset({ ...CONFIG, pinholes: { externalInterface: 'wan0' } }));
  const open = (protocol: Protocol, address: string, port: number) => lab.nft(pinhole(protocol, address, port));
  const close = (protocol: Protocol, address: string, port: number) => lab.nft(closing(protocol, address, port));
  const web = await alice.listen(80, '::');
  const inside = await alice.udp({ address: '::', port: 80 });

  /** Whether what is sent there is heard by the socket. `withinMs`: SILENCE_MS if it must not be. */
  const isHeard = async (
    from: Host,
    source: string,
    to: string,
    port: number,
    there = inside,
    withinMs = SILENCE_MS,
  ): Promise<boolean> => {
    there.drain();
    const caller = await from.udp({ address: source });
    caller.sendText('knock', to, port);
    const heard = await there.receive(withinMs);
    caller.close();
    return heard?.address === source;
  };
  const connects = async (
    from: Host,
    source: string,
    to: string,
    port: number,
    there = web,
    withinMs = SILENCE_MS,
  ): Promise<string> => {
    const connected = await from.connect(to, port, { address: source, withinMs });
    if (connected.kind === 'failed') return (await there.accept(0)) === null ? connected.code : 'reached';
    connected.connection.close();
    return (await there.accept()) === null ? 'somebody else' : 'connected';
  };
  /** Packets and bytes of the only pinhole of this protocol. */
  const counted = async (protocol: Protocol): Promise<number> => {
    const { stdout } = await router.run('nft', 'list', 'set', ...SET_PINHOLES.split(' '));
    return Number(new RegExp(`${protocol} \\. \\S+ \\. 80 .*?packets (\\d+)`).exec(stdout)?.[1]);
  };

  const CALLERS = [
    { name: 'from outside', source: OUTSIDE6 },
    { name: 'from another address', source: OUTSIDE6_TOO },
    { name: 'from further away', source: REMOTE6 },
  ];
  cases('without a pinhole the firewall lets nobody in', CALLERS, async ({ source }) => {
    await lab.nft(`flush set ${SET_PINHOLES}`);
    assert.is(await connects(outside, source, ALICE6, 80), 'ETIMEDOUT');
    assert.is(await isHeard(outside, source, ALICE6, 80), false);
  });

  cases('a pinhole lets in all that call', CALLERS, async ({ source }) => {
    await open('tcp', ALICE6, 80);
    await open('udp', ALICE6, 80);
    const flow = await tcpFlow(outside, ALICE6, 80, web, { address: source });
    assert.is(flow.caller.local.address, source);
    flow.caller.close();
    assert.is(await isHeard(outside, source, ALICE6, 80, inside, SOON_MS), true);
  });

  interface Closed {
    readonly name: string;
    readonly to: string;
    readonly port: number;
    readonly host: Host;
    readonly from?: Host;
    readonly source?: string;
  }
  const CLOSED: readonly Closed[] = [
    { name: 'another port', to: ALICE6, port: 81, host: alice },
    { name: 'another host', to: BOB6, port: 80, host: bob },
    { name: 'a host of another LAN', to: CAROL6, port: 80, host: carol },
    { name: 'another address of the same host', to: '2001:db8:a:1::20', port: 80, host: alice },
    { name: 'from another LAN of the router', to: ALICE6, port: 80, host: alice, from: carol, source: CAROL6 },
  ];
  await alice.namespace.ip('addr add 2001:db8:a:1::20/64 dev eth0 nodad preferred_lft 0');
  cases('and nothing else', CLOSED, async ({ to, port, host, from = outside, source = OUTSIDE6 }) => {
    const own = host === alice && port === 80;
    const tcp = own ? web : await host.listen(port, '::');
    const udp = own ? inside : await host.udp({ address: '::', port });
    assert.is(await connects(from, source, to, port, tcp), 'ETIMEDOUT');
    assert.is(await isHeard(from, source, to, port, udp), false);
    if (own) return;
    tcp.close();
    udp.close();
  });
  cases(
    'of one protocol alone',
    [
      { name: 'TCP', protocol: 'tcp', want: ['connected', false] },
      { name: 'UDP', protocol: 'udp', want: ['ETIMEDOUT', true] },
    ] satisfies { name: string; protocol: Protocol; want: [string, boolean] }[],
    async ({ protocol, want }) => {
      await close(protocol === 'tcp' ? 'udp' : 'tcp', ALICE6, 80);
      await router.run('conntrack', '-F');
      const within = (one: Protocol): number => (one === protocol ? SOON_MS : SILENCE_MS);
      const got = [
        await connects(outside, OUTSIDE6, ALICE6, 80, web, within('tcp')),
        await isHeard(outside, OUTSIDE6, ALICE6, 80, inside, within('udp')),
      ];
      assert.equal(got, want);
      await open(protocol === 'tcp' ? 'udp' : 'tcp', ALICE6, 80);
    },
  );

  cases(
    'a pinhole leads into a LAN, or nowhere',
    [
      { name: "the router's address in the LAN", to: ROUTER6, host: router },
      { name: "the router's address outside", to: EXTERNAL6, host: router },
      { name: 'a LAN that is not served', to: CAROL6, host: carol },
    ],
    async ({ to, host }) => {
      // What the router itself serves is its own firewall's matter.
      if (host === router)
        await lab.nft(`table inet lab6 { chain input { type filter hook input priority filter
          ct label 113 accept
          iifname "wan0" meta l4proto { tcp, udp } th dport 22 drop; }; }`);
      await open('tcp', to, 22);
      await open('udp', to, 22);
      const [tcp, udp] = [await host.listen(22, '::'), await host.udp({ address: '::', port: 22 })];
      assert.is(await connects(outside, OUTSIDE6, to, 22, tcp), 'ETIMEDOUT');
      assert.is(await isHeard(outside, OUTSIDE6, to, 22, udp), false);
      tcp.close();
      udp.close();
      await close('tcp', to, 22);
      await close('udp', to, 22);
    },
  );

  claims('a flow ends with its pinhole', {
    'TCP: reset in the direction that sends next; UDP: refused outside, and nothing arrives': async () => {
      const [first, second] = [await tcpFlow(outside, ALICE6, 80, web), await tcpFlow(outside, ALICE6, 80, web)];
      const caller = await outside.udp({ address: OUTSIDE6, peer: { address: ALICE6, port: 80 } });
      inside.drain();
      caller.sendText('in force');
      const seen = await inside.receive();
      inside.sendText('answer', seen?.address, seen?.port);
      assert.is(await caller.outcome(), 'answer');
      await close('tcp', ALICE6, 80);
      await close('udp', ALICE6, 80);
      assert.equal(await endsOf(first), RESET);
      assert.equal(await endsOf({ caller: second.called, called: second.caller }), RESET, 'the inside host first');
      caller.sendText('after the end');
      assert.is(await caller.outcome(), 'ECONNREFUSED');
      assert.is(await inside.receive(SILENCE_MS), null);
      inside.sendText('from inside', seen?.address, seen?.port);
      assert.is(await caller.outcome(SILENCE_MS), 'silence');
      assert.is(await connects(outside, OUTSIDE6, ALICE6, 80), 'ETIMEDOUT', 'new ones are the firewall’s matter');
    },
    'the same flow of UDP goes on if the pinhole comes back': async () => {
      await open('udp', ALICE6, 80);
      const caller = await outside.udp({ peer: { address: ALICE6, port: 80 } });
      inside.drain();
      caller.sendText('one');
      const seen = await inside.receive();
      await close('udp', ALICE6, 80);
      caller.sendText('two');
      assert.is(await inside.receive(SILENCE_MS), null);
      await open('udp', ALICE6, 80);
      caller.drain();
      caller.sendText('three');
      assert.is(await inside.receiveText(), 'three');
      inside.sendText('four', seen?.address, seen?.port);
      assert.is(await caller.outcome(), 'four');
      caller.close();
    },
    'by its timeout, too': async () => {
      await open('tcp', ALICE6, 80);
      const flow = await tcpFlow(outside, ALICE6, 80, web);
      await lab.nft(closing('tcp', ALICE6, 80) + pinhole('tcp', ALICE6, 80, 'timeout 1s'));
      await until('it has ended', async () => Number.isNaN(await counted('tcp')));
      assert.equal(await endsOf(flow), RESET);
    },
    'what the host itself has begun from that port is not a matter of the pinhole': async () => {
      const there = await outside.udp({ address: OUTSIDE6, port: 7000 });
      const tcp = await outside.listen(7001, OUTSIDE6);
      inside.sendText('hello', OUTSIDE6, 7000);
      const hello = await there.receive();
      const flow = await tcpFlow(alice, OUTSIDE6, 7001, tcp, { port: 4000 });
      await open('tcp', ALICE6, 4000);
      await open('udp', ALICE6, 80);
      there.sendText('while it is open', hello?.address, hello?.port);
      assert.is(await inside.receiveText(), 'while it is open');
      assert.ok(await isAlive(flow));
      await close('tcp', ALICE6, 4000);
      await close('udp', ALICE6, 80);
      there.sendText('back', hello?.address, hello?.port);
      assert.is(await inside.receiveText(), 'back');
      assert.ok(await isAlive(flow));
      await open('udp', ALICE6, 80);
      await open('tcp', ALICE6, 80);
    },
    'what is under way is lost while its host is elsewhere than in a LAN': async () => {
      const caller = await outside.udp({ address: OUTSIDE6, peer: { address: ALICE6, port: 80 } });
      inside.drain();
      caller.sendText('at home');
      assert.is(await inside.receiveText(), 'at home');
      await carol.namespace.ip(`addr add ${ALICE6}/128 dev lo nodad`);
      const elsewhere = await carol.udp({ address: ALICE6, port: 80 });
      await router.namespace.ip(`route add ${ALICE6}/128 via ${CAROL6}`);
      caller.sendText('elsewhere');
      assert.is(await elsewhere.receive(SILENCE_MS), null);
      await router.namespace.ip(`route del ${ALICE6}/128`);
      await carol.namespace.ip(`addr del ${ALICE6}/128 dev lo`);
      caller.sendText('at home again');
      assert.is(await inside.receiveText(), 'at home again');
      elsewhere.close();
      caller.close();
    },
    'ending one leaves the flows of another alone': async () => {
      const flow = await tcpFlow(outside, ALICE6, 80, web);
      await open('tcp', ALICE6, 81);
      await open('tcp', BOB6, 80);
      await close('tcp', ALICE6, 81);
      await close('tcp', BOB6, 80);
      assert.ok(await isAlive(flow));
    },
    'a flow lives on while the pinhole is put in again in one transaction, as a renewal on an older kernel':
      async () => {
        const flow = await tcpFlow(outside, ALICE6, 80, web);
        await lab.nft(closing('tcp', ALICE6, 80) + pinhole('tcp', ALICE6, 80, 'timeout 1h'));
        assert.ok(await isAlive(flow));
      },
  });

  claims('a datagram in fragments', {
    'comes in, and its answer leaves': async () => {
      const caller = await outside.udp({ address: OUTSIDE6 });
      inside.drain();
      caller.sendText('x'.repeat(4000), ALICE6, 80);
      const seen = await inside.receive();
      assert.is(seen?.hex.length, 8000);
      inside.sendText('y'.repeat(5000), seen?.address, seen?.port);
      assert.is((await caller.receive())?.hex.length, 10_000);
      caller.close();
    },
  });

  claims('each packet is counted once', {
    'in both directions, from the first on': async () => {
      await close('udp', ALICE6, 80);
      await open('udp', ALICE6, 80);
      const caller = await outside.udp({ address: OUTSIDE6 });
      inside.drain();
      for (let round = 0; round < 3; round++) {
        caller.sendText('there', ALICE6, 80);
        const seen = await inside.receive();
        inside.sendText('back', seen?.address, seen?.port);
        assert.is(await caller.receiveText(), 'back');
      }
      assert.is(await counted('udp'), 6);
      caller.close();
    },
  });

  claims('ICMPv6 errors', {
    'port unreachable reaches the caller outside': async () => {
      await open('udp', ALICE6, 90);
      const caller = await outside.udp({ peer: { address: ALICE6, port: 90 } });
      caller.sendText('knock');
      assert.is(await caller.outcome(), 'ECONNREFUSED');
      caller.close();
    },
    'packet too big reaches the inside host: what it sends over a narrow path is whole': async () => {
      const namespace = await Namespace.open();
      atEnd(() => namespace.close());
      await cable(
        { in: outside.namespace, device: 'to-peer', addresses: ['2001:db8:f01::1/64 nodad'] },
        { in: namespace, device: 'eth0', addresses: [`${PEER6}/64 nodad`] },
      );
      await namespace.ip('route add default via 2001:db8:f01::1');
      await outside.run('sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/all/forwarding');
      const peer = await Host.start('peer', namespace);
      atEnd(() => peer.stop());
      await outside.run('ip', 'link', 'set', 'dev', 'to-peer', 'mtu', '1280');
      const { caller, called } = await tcpFlow(peer, ALICE6, 80, web);
      assert.ok(await carries(called, caller));
    },
    'but not after the end of the pinhole': async () => {
      const caller = await outside.udp({ peer: { address: ALICE6, port: 90 } });
      await close('udp', ALICE6, 90);
      caller.sendText('knock');
      assert.is(await caller.outcome(SILENCE_MS), 'silence');
      caller.close();
    },
  });

  /** Whether all of it arrives. */
  async function carries(from: TcpFlow['caller'], to: TcpFlow['called']): Promise<boolean> {
    from.send('x'.repeat(BYTES));
    let length = 0;
    while (length < BYTES) {
      const text = await to.receive();
      if (!/^x+$/.test(text)) return false;
      length += text.length;
    }
    return true;
  }
}
