// ICMP errors about connections through a mapping (RFC 792, RFC 1191): they pass in both directions, as long as the mapping
// is in force. Without "fragmentation needed", a host behind a path with a smaller MTU gets nothing.

import * as assert from 'uvu/assert';
import { ruleset } from '../../cli/host/ruleset-text.js';
import { atEnd, cases, claims } from '../support/cases.js';
import { cable, Namespace } from '../support/network.js';
import type { TcpFlow } from '../lab/flows.js';
import { tcpFlow } from '../lab/flows.js';
import { Host } from '../lab/host.js';
import { ALICE, BOB, EXTERNAL, openLab, OUTSIDE, ROUTER } from '../lab/lab.js';
import { CONFIG, mapping } from '../lab/ruleset.js';

/** Behind the outside host, over a path with a smaller MTU; and behind bob, in the LAN. */
const PEER = '198.51.100.130';
const ATTIC = '192.168.1.130';
const BYTES = 300_000;

const lab = await openLab();

/** A host behind another, with its own default route. */
async function behind(router: Host, near: string, far: string, device: string, name: string): Promise<Host> {
  const namespace = await Namespace.open();
  atEnd(() => namespace.close());
  await cable(
    { in: router.namespace, device, addresses: [`${near}/30`] },
    { in: namespace, device: 'eth0', addresses: [`${far}/30`] },
  );
  await namespace.ip(`route add default via ${near}`);
  await router.namespace.forward({ filterReversePaths: false });
  const host = await Host.start(name, namespace);
  atEnd(() => host.stop());
  return host;
}

if (lab !== null) {
  const { router, alice, bob, outside } = lab;
  await lab.nft(ruleset(CONFIG));
  await lab.nft(mapping('tcp', 8080, ALICE, 80) + mapping('tcp', 4001, ALICE, 4000) + mapping('udp', 8080, ALICE, 80));
  const peer = await behind(outside, '198.51.100.129', PEER, 'to-peer', 'peer');
  const attic = await behind(bob, '192.168.1.129', ATTIC, 'to-attic', 'attic');
  await router.run('ip', 'route', 'add', '192.168.1.128/30', 'via', BOB);
  // Not by a shorter way: alice asks the router for everything behind it.
  await alice.run('ip', 'route', 'add', '192.168.1.128/30', 'via', ROUTER);
  const web = await alice.listen(80);
  const far = await peer.listen(9000);

  /** The path's MTU for packets to the host behind. */
  const narrow = async (host: Host, device: string, mtu: number): Promise<void> => {
    await host.run('ip', 'link', 'set', 'dev', device, 'mtu', String(mtu));
  };
  /** Whether all of it arrives. */
  const carries = async (from: TcpFlow['caller'], to: TcpFlow['called']): Promise<boolean> => {
    from.send('x'.repeat(BYTES));
    let length = 0;
    while (length < BYTES) {
      const text = await to.receive();
      if (!/^x+$/.test(text)) return false;
      length += text.length;
    }
    return true;
  };

  cases(
    'a download through a path with a smaller MTU is whole',
    [1400, 1300, 576].flatMap((mtu, index) => [
      {
        name: `inbound through a mapping, ${mtu}`,
        mtu,
        flow: async () => {
          const { caller, called } = await tcpFlow(peer, EXTERNAL, 8080, web, { port: 30_000 + index });
          return { caller: called, called: caller };
        },
      },
      {
        name: `outbound from a mapped port, ${mtu}`,
        mtu,
        flow: async () => {
          await router.run('conntrack', '-F');
          return tcpFlow(alice, PEER, 9000, far, { port: 4000 });
        },
      },
      {
        name: `hairpin: a LAN host through the external address, ${mtu}`,
        mtu,
        flow: async () => {
          const { caller, called } = await tcpFlow(attic, EXTERNAL, 8080, web, { port: 30_000 + index });
          return { caller: called, called: caller };
        },
      },
    ]),
    async ({ mtu, flow }) => {
      for (const host of [alice, bob, outside]) await host.run('ip', 'route', 'flush', 'cache');
      await narrow(outside, 'to-peer', mtu);
      await narrow(bob, 'to-attic', mtu);
      // The handshake tells the MSS of the narrow link only if the far end knows of it.
      const { caller, called } = await flow();
      assert.ok(await carries(caller, called));
      caller.close();
      called.close();
    },
  );

  claims('port unreachable', {
    'reaches the caller outside': async () => {
      const caller = await outside.udp({ peer: { address: EXTERNAL, port: 8080 } });
      caller.sendText('knock');
      assert.is(await caller.outcome(), 'ECONNREFUSED');
      caller.close();
    },
    'reaches the inside host that sends from its mapped port': async () => {
      const mapped = await alice.udp({ port: 80, peer: { address: OUTSIDE, port: 9999 } });
      mapped.sendText('knock');
      assert.is(await mapped.outcome(), 'ECONNREFUSED');
      mapped.close();
    },
  });
}
