// What becomes of a UDP flow whose pinhole has ended, while both ends go on: the host can call its peer again, and the
// peer cannot come in.

import * as assert from 'uvu/assert';
import { cases } from '../support/cases.js';
import { endsOf, tcpFlow, until } from '../lab/flows.js';
import { SILENCE_MS } from '../lab/inbox.js';
import { ALICE6, onLan, openDualStackLab, OUTSIDE6, OUTSIDE6_TOO, ROUTER6_LOCAL } from '../lab/ipv6.js';
import { PcpClient, RESULT } from '../lab/pcp.js';
import { Server } from '../lab/server.js';
import type { Udp } from '../lab/sockets.js';

const FLAGS = ['--pinholes'];
const RESET = { caller: 'ECONNRESET', called: 'ECONNRESET' };
const PORT = 51820;
const lab = await openDualStackLab();

if (lab !== null) {
  const { alice, outside, router } = lab;
  let server = await Server.start(lab, FLAGS);
  const client = await PcpClient.open(alice, ALICE6, onLan(ROUTER6_LOCAL));
  const web = await alice.listen(PORT, '::');
  const inside = await alice.udp({ address: '::', port: PORT });
  const flows = async () => (await router.run('conntrack', '-L', '-f', 'ipv6', '-p', 'udp')).stdout;
  const hasFlow = async (peer: Udp) => (await flows()).includes(`sport=${peer.port} dport=${PORT} `);
  const noPinholes = async () => (await server.pinholes()).length === 0;
  /** A peer that has been let in. */
  const peerOf = async (address: string) => {
    const peer = await outside.udp({ address, peer: { address: ALICE6, port: PORT } });
    peer.sendText('in force');
    assert.is((await inside.receive())?.address, address);
    assert.ok(await hasFlow(peer));
    return peer;
  };

  /** Both pinholes have this lifetime from now on. */
  const shorten = async (lifetime: number): Promise<void> => {
    for (const protocol of ['tcp', 'udp'] as const)
      assert.is((await client.map(PORT, { protocol, lifetime })).result, RESULT.success);
  };

  /** The lifetime is that at the end; until then they are open however long their flows take to be made. */
  const ENDINGS = [
    {
      name: 'by deletion',
      lifetime: 600,
      end: async () => {
        await client.unmap(PORT);
        await client.unmap(PORT, { protocol: 'udp' });
      },
    },
    { name: 'by expiry', lifetime: 1, end: () => until('it has expired', noPinholes) },
    {
      name: 'by expiry while no helper ran',
      lifetime: 2,
      end: async () => {
        await server.kill();
        await until('it has expired', noPinholes);
        server = await Server.start(lab, FLAGS);
      },
    },
    {
      name: 'by a start without --pinholes',
      lifetime: 600,
      end: async () => {
        await server.stop();
        server = await Server.start(lab);
      },
    },
    {
      name: 'by such a start, after a kill, the pinhole being due meanwhile',
      lifetime: 2,
      end: async () => {
        await server.kill();
        await until('it has expired', noPinholes);
        server = await Server.start(lab);
      },
    },
  ];
  cases('the host calls its peer again, after the pinhole has ended', ENDINGS, async ({ lifetime, end }) => {
    if (!/pinholes/.test(await server.ruleset())) {
      await server.stop();
      server = await Server.start(lab, FLAGS);
    }
    await shorten(600);
    const [busy, quiet] = [await peerOf(OUTSIDE6), await peerOf(OUTSIDE6_TOO)];
    const tcp = await tcpFlow(outside, ALICE6, PORT, web);
    inside.drain();

    if (lifetime !== 600) await shorten(lifetime);
    await end();

    assert.equal(await endsOf(tcp), RESET, 'TCP is reset in both directions');
    // One goes on calling, the other is called only.
    await until('the flow is gone, although its peer goes on', async () => {
      busy.sendText('let me in');
      return !(await hasFlow(busy));
    });
    assert.is(await inside.receive(SILENCE_MS), null, 'the peer does not come in');
    for (const peer of [busy, quiet]) {
      peer.drain();
      await until('what the host sends arrives', async () => {
        inside.sendText('hello', peer.address, peer.port);
        return (await peer.receiveText(20)) === 'hello';
      });
      peer.sendText('answer');
      assert.is(await inside.receiveText(), 'answer', 'the host has called');
    }
    const other = await outside.udp({ address: OUTSIDE6, peer: { address: ALICE6, port: PORT } });
    other.sendText('let me in');
    assert.is(await inside.receive(SILENCE_MS), null, 'nor does anybody else');
    for (const peer of [busy, quiet, other]) peer.close();
  });
}
