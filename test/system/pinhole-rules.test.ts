// The rules for IPv6 pinholes, with elements put in by hand: which packets reach which host, and what ends a connection.
// The firewall of the lab drops what it has no reason to accept; its one line for pinholes is that of docs/pcp.md.

import { crc32 } from 'node:zlib';
import * as assert from 'uvu/assert';
import { ruleset } from '../../cli/host/ruleset-text.js';
import { atEnd, cases, claims } from '../support/cases.js';
import { cable, Namespace } from '../support/network.js';
import type { TcpFlow } from '../lab/flows.js';
import { endsOf, isAlive, tcpFlow, until } from '../lab/flows.js';
import { Host, type Listening } from '../lab/host.js';
import { SILENCE_MS } from '../lab/inbox.js';
import { ALICE6, BOB6, CAROL6, FIREWALL6, openDualStackLab, OUTSIDE6, REMOTE6, ROUTER6 } from '../lab/ipv6.js';
import { CONFIG, pinhole, PINHOLES, WITH_PINHOLES } from '../lab/ruleset.js';

const REFUSED = 'ECONNREFUSED';
const DROPPED = { kind: 'failed', code: 'ETIMEDOUT' } as const;
const RESET = { caller: 'ECONNRESET', called: 'ECONNRESET' };
/** Behind the outside host, over a path with a smaller MTU; and behind bob, in the LAN. */
const PEER_NET = '2001:db8:f01::';
const ATTIC_NET = '2001:db8:a:3::';
const BYTES = 300_000;

claims('the ruleset without pinholes', {
  'is that of the release before, to the byte: an upgrade loads nothing again': () => {
    const text = ruleset({ ...CONFIG, listenInterfaces: ['br-lan', 'br-guest'] });
    assert.is(crc32(text).toString(16), '842b77ce');
  },
});

const lab = await openDualStackLab({ guest: true });

if (lab?.carol) {
  const { router, alice, bob, outside, carol } = lab;
  await lab.nft(ruleset(WITH_PINHOLES));
  const open = (protocol: 'tcp' | 'udp', host: string, port: number): Promise<void> =>
    lab.nft(pinhole('add', protocol, host, port));
  const close = (protocol: 'tcp' | 'udp', host: string, port: number): Promise<void> =>
    lab.nft(pinhole('delete', protocol, host, port));
  const closeAll = (): Promise<void> => lab.nft(`flush set ${PINHOLES}`);
  /** Packets that the pinholes have counted, of each: "tcp 80". */
  const counted = async (): Promise<Readonly<Record<string, number>>> => {
    const { stdout } = await router.run('nft', 'list', 'set', ...PINHOLES.split(' '));
    const found = stdout.matchAll(/(tcp|udp) \. \S+ \. (\d+) counter packets (\d+)/g);
    return Object.fromEntries(
      [...found].map(([, protocol, port, packets]) => [`${protocol} ${port}`, Number(packets)]),
    );
  };
  const WITHIN = { withinMs: SILENCE_MS };

  const web = await alice.listen(80, '::');
  const listeners: Readonly<Record<string, Listening>> = {
    'alice 80': web,
    'alice 81': await alice.listen(81, '::'),
    'bob 80': await bob.listen(80, '::'),
    'carol 80': await carol.listen(80, '::'),
  };
  const dns = await alice.udp({ address: '::', port: 53 });
  const hosts: Readonly<Record<string, string>> = { alice: ALICE6, bob: BOB6, carol: CAROL6 };

  cases(
    'a pinhole for TCP to alice, port 80, lets through',
    [
      { name: 'what is for that host and port', to: 'alice 80', passes: true },
      { name: 'from another address outside', to: 'alice 80', from: REMOTE6, passes: true },
      { name: 'not what is for her other port', to: 'alice 81', passes: false },
      { name: 'not what is for that port of another host', to: 'bob 80', passes: false },
      { name: 'nor of a host in another LAN', to: 'carol 80', passes: false },
    ],
    async ({ to, from, passes }) => {
      await closeAll();
      await open('tcp', ALICE6, 80);
      const [name = '', port = ''] = to.split(' ');
      if (!passes) return assert.equal(await outside.connect(hosts[name] ?? '', Number(port), WITHIN), DROPPED);
      const flow = await tcpFlow(
        outside,
        ALICE6,
        80,
        listeners[to] ?? web,
        from === undefined ? {} : { address: from },
      );
      flow.caller.close();
    },
  );

  claims('a pinhole', {
    'for UDP lets no TCP through, and one for TCP no UDP': async () => {
      await closeAll();
      await open('udp', ALICE6, 80);
      await open('tcp', ALICE6, 53);
      assert.equal(await outside.connect(ALICE6, 80, WITHIN), DROPPED);
      const caller = await outside.udp({ peer: { address: ALICE6, port: 53 } });
      caller.sendText('knock');
      assert.is(await dns.receive(SILENCE_MS), null);
      await open('udp', ALICE6, 53);
      caller.sendText('question');
      const asked = await dns.receive();
      assert.ok(asked, 'it passes');
      dns.sendText('answer', asked?.address, asked?.port);
      assert.is(await caller.receiveText(), 'answer');
    },
    'is for what comes from outside: a guest is kept out by the firewall as before': async () => {
      await closeAll();
      await open('tcp', ALICE6, 80);
      assert.equal(await carol.connect(ALICE6, 80, WITHIN), DROPPED);
    },
    'leaves the router’s own port alone': async () => {
      await open('tcp', ROUTER6, 80);
      const own = await router.listen(80, '::');
      const connected = await outside.connect(ROUTER6, 80, WITHIN);
      assert.is(connected.kind, 'connected', 'its own firewall would say who may');
      own.close();
    },
    'counts each packet of its connections once': async () => {
      await closeAll();
      await open('udp', ALICE6, 53);
      const caller = await outside.udp({ peer: { address: ALICE6, port: 53 } });
      caller.sendText('1');
      const asked = await dns.receive();
      assert.ok(asked, 'it passes');
      for (const text of ['2', '3']) {
        caller.sendText(text);
        assert.is(await dns.receiveText(), text);
      }
      dns.sendText('back', asked?.address, asked?.port);
      assert.is(await caller.receiveText(), 'back');
      assert.equal(await counted(), { 'udp 53': 4 });
    },
    'a connection that a host of the LAN has begun is none of its own, and does not end with it': async () => {
      await closeAll();
      await open('tcp', ALICE6, 4000);
      const there = await outside.listen(0, OUTSIDE6);
      const flow = await tcpFlow(alice, OUTSIDE6, there.port, there, { port: 4000, address: ALICE6 });
      await close('tcp', ALICE6, 4000);
      assert.ok(await isAlive(flow));
      there.close();
    },
  });

  cases(
    'a connection ends with its pinhole',
    [
      { name: 'by deletion', timeout: undefined, end: () => closeAll() },
      {
        name: 'by expiry, which takes no program',
        timeout: ' timeout 1s',
        end: () => until('the pinholes have expired', async () => Object.keys(await counted()).length === 0),
      },
    ],
    async ({ timeout, end }) => {
      await closeAll();
      await lab.nft(pinhole('add', 'tcp', ALICE6, 80, timeout) + pinhole('add', 'udp', ALICE6, 53, timeout));
      const flow = await tcpFlow(outside, ALICE6, 80, web);
      const backwards = await tcpFlow(outside, ALICE6, 80, web);
      const caller = await outside.udp({ peer: { address: ALICE6, port: 53 } });
      caller.sendText('in force');
      assert.is(await dns.receiveText(), 'in force');

      await end();

      assert.equal(await endsOf(flow), RESET, 'each end is reset when it next sends');
      assert.equal(await endsOf({ caller: backwards.called, called: backwards.caller }), RESET, 'alice first');
      caller.sendText('after the end');
      assert.is(await caller.outcome(), REFUSED, 'the sender of UDP gets an ICMP error');
      assert.is(await dns.receive(SILENCE_MS), null, 'and nothing arrives');
      assert.equal(await outside.connect(ALICE6, 80, WITHIN), DROPPED, 'new ones are the firewall’s matter');
      await open('udp', ALICE6, 53);
      caller.sendText('again');
      assert.is(await dns.receiveText(), 'again', 'and all is as before with a new pinhole');
    },
  );

  claims('a pinhole leads into a LAN, or nowhere', {
    'its address in another network: nothing gets there, and what was under way is lost': async () => {
      await closeAll();
      await open('tcp', ALICE6, 80);
      const flow = await tcpFlow(outside, ALICE6, 80, web);
      const stranger = await carol.listen(8080, '::');
      await carol.run('ip', 'addr', 'add', `${ALICE6}/128`, 'dev', 'eth0', 'nodad');
      await lab.ip(`route add ${ALICE6}/128 via ${CAROL6} dev br-guest`);
      await open('tcp', ALICE6, 8080);
      // Even if the firewall would let them in.
      await lab.nft('insert rule inet lab6 forward iifname "wan0" oifname "br-guest" counter accept');
      flow.caller.send('to whom?');
      assert.is(await flow.called.receive(SILENCE_MS), 'silence');
      assert.is(await flow.caller.receive(SILENCE_MS), 'silence');
      const { stdout } = await router.run('nft', 'list', 'chain', 'inet', 'lab6', 'forward');
      assert.match(stdout, /oifname "br-guest" counter packets 0 bytes 0 accept/);
      assert.is((await outside.connect(ALICE6, 8080)).kind, 'connected', 'what has no label is the firewall’s matter');
      assert.equal((await counted())['tcp 8080'], 0);
      await lab.ip(`route del ${ALICE6}/128 dev br-guest`);
      await lab.nft(`delete table inet lab6\n${FIREWALL6}`);
      assert.is(await flow.called.receive(), 'to whom?', 'TCP sends it again');
      assert.ok(await isAlive(flow));
      stranger.close();
    },
  });

  /** A host behind another, with its own default route. */
  async function behind(near: Host, prefix: string, device: string, name: string): Promise<Host> {
    const namespace = await Namespace.open();
    atEnd(() => namespace.close());
    await cable(
      { in: near.namespace, device, addresses: [`${prefix}1/64 nodad`] },
      { in: namespace, device: 'eth0', addresses: [`${prefix}2/64 nodad`] },
    );
    await namespace.ip(`route add default via ${prefix}1`);
    await near.run('sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/all/forwarding');
    const host = await Host.start(name, namespace);
    atEnd(() => host.stop());
    return host;
  }
  const peer = await behind(outside, PEER_NET, 'to-peer', 'peer');
  const attic = await behind(bob, ATTIC_NET, 'to-attic', 'attic');
  await lab.ip(`route add ${ATTIC_NET}/64 via ${BOB6} dev br-lan`);
  const below = await attic.listen(80, '::');

  /** Whether all of it arrives. */
  const carries = async (from: TcpFlow['caller'], to: TcpFlow['called']): Promise<boolean> => {
    from.send('x'.repeat(BYTES));
    let length = 0;
    while (length < BYTES) {
      const text = await to.receive(3000);
      if (!/^x+$/.test(text)) return false;
      length += text.length;
    }
    return true;
  };

  cases(
    'P-71 a transfer through a path with a smaller MTU is whole: "packet too big" passes',
    [
      {
        name: 'out of a pinhole, over a link outside',
        narrow: outside,
        device: 'to-peer',
        to: ALICE6,
        listening: web,
        out: true,
      },
      {
        name: 'into a pinhole, over a link in the LAN',
        narrow: bob,
        device: 'to-attic',
        to: `${ATTIC_NET}2`,
        listening: below,
        out: false,
      },
    ],
    async ({ narrow, device, to, listening, out }) => {
      await closeAll();
      await open('tcp', to, 80);
      const flow = await tcpFlow(peer, to, 80, listening);
      // Only now, so that no handshake has told of it.
      await narrow.run('ip', 'link', 'set', 'dev', device, 'mtu', '1300');
      assert.ok(await (out ? carries(flow.called, flow.caller) : carries(flow.caller, flow.called)));
      await narrow.run('ip', 'link', 'set', 'dev', device, 'mtu', '1500');
      flow.caller.close();
    },
  );

  claims('P-71 ICMP errors', {
    'of the host reach the caller outside, as long as the pinhole is in force': async () => {
      await closeAll();
      await open('udp', ALICE6, 99);
      const caller = await outside.udp({ peer: { address: ALICE6, port: 99 } });
      caller.sendText('knock');
      assert.is(await caller.outcome(1000), REFUSED);
      assert.equal(await counted(), { 'udp 99': 2 });
    },
  });

  claims('packets as they may be', {
    'a datagram in fragments comes in, and its answer leaves': async () => {
      await closeAll();
      await open('udp', ALICE6, 53);
      const caller = await outside.udp({ address: OUTSIDE6 });
      caller.sendText('x'.repeat(4000), ALICE6, 53);
      const asked = await dns.receive();
      assert.is(asked?.hex.length, 8000);
      dns.sendText('y'.repeat(5000), asked?.address, asked?.port);
      assert.is((await caller.receive())?.hex.length, 10_000);
      caller.close();
    },
    'a renewal on an older kernel, which removes and adds in one transaction, ends no connection': async () => {
      await closeAll();
      await open('tcp', ALICE6, 80);
      const flow = await tcpFlow(outside, ALICE6, 80, web);
      await lab.nft(pinhole('delete', 'tcp', ALICE6, 80) + pinhole('add', 'tcp', ALICE6, 80));
      assert.ok(await isAlive(flow));
      flow.caller.close();
    },
  });
}
