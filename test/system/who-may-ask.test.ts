// Who is answered, and from which address (RFC 6886 §3.3, §5).
import * as assert from 'uvu/assert';
import { cases, claims } from '../support/cases.js';
import { ALICE, CAROL, EXTERNAL, GUEST_ROUTER, openLab, OUTSIDE, ROUTER } from '../lab/lab.js';
import type { Host } from '../lab/host.js';
import { SILENCE_MS } from '../lab/inbox.js';
import { mapRequest, PORT } from '../lab/natpmp.js';
import { Server } from '../lab/server.js';

const lab = await openLab({ guest: true });

if (lab !== null && lab.carol !== null) {
  const { alice, carol, outside, router } = lab;
  const server = await Server.start(lab, ['--listen-interface', 'br-lan', '--listen-interface', 'br-guest']);

  // Source addresses that are not theirs, and the ways for them.
  await outside.run('ip', 'addr', 'add', '192.168.1.77/32', 'dev', 'lo');
  await outside.run('ip', 'route', 'add', '192.168.0.0/16', 'via', EXTERNAL);
  await alice.run('ip', 'addr', 'add', '10.9.9.9/32', 'dev', 'lo');
  // Rows of strangers: a guest with the address of a host of the other LAN. The router filters no reverse paths.
  await carol.run('ip', 'addr', 'add', `${ALICE}/32`, 'dev', 'lo');

  interface Row {
    readonly name: string;
    readonly from: Host;
    readonly source: string;
    readonly to: string;
    readonly port?: number;
  }

  const STRANGERS: readonly Row[] = [
    { name: 'R-61 from the LAN, to the external address', from: alice, source: ALICE, to: EXTERNAL },
    { name: 'R-62 from outside, to the external address', from: outside, source: OUTSIDE, to: EXTERNAL },
    { name: 'R-62 from outside, to the LAN address', from: outside, source: OUTSIDE, to: ROUTER },
    { name: "R-62 from outside, with a LAN host's address", from: outside, source: '192.168.1.77', to: ROUTER },
    { name: 'R-64 from the LAN, with an address of no LAN', from: alice, source: '10.9.9.9', to: ROUTER },
    { name: 'R-63 to the network broadcast address', from: alice, source: ALICE, to: '192.168.1.255' },
    { name: 'R-63 to the limited broadcast address', from: alice, source: ALICE, to: '255.255.255.255' },
    { name: 'R-63 to all hosts by multicast', from: alice, source: ALICE, to: '224.0.0.1' },
    { name: 'R-64 from one LAN, to the address in the other', from: alice, source: ALICE, to: GUEST_ROUTER },
    { name: "R-64 from a guest, with a LAN host's address", from: carol, source: ALICE, to: GUEST_ROUTER },
    {
      name: "R-64 from a guest, with a LAN host's address, to the LAN's router",
      from: carol,
      source: ALICE,
      to: ROUTER,
    },
    {
      name: 'from another source, as a request, to the port for announcements',
      from: alice,
      source: ALICE,
      to: ROUTER,
      port: 5350,
    },
  ];

  cases('no answer, and no mapping', STRANGERS, async ({ from, source, to, port = PORT }) => {
    const socket = await from.udp({ address: source });
    for (const request of ['00 00', mapRequest('tcp', 8080, 8080, 600), '02 00', '00 7f'])
      socket.send(request, to, port);
    assert.is(await socket.receive(SILENCE_MS), null);
    assert.equal(await server.mappings(), []);
    socket.close();
  });

  cases(
    'the reply comes from the address that was asked (R-12)',
    [
      { name: 'in the LAN', from: alice, router: ROUTER },
      { name: 'in the second LAN', from: carol, router: GUEST_ROUTER },
    ],
    async ({ from, router: asked }) => {
      const socket = await from.udp();
      for (const request of ['00 00', mapRequest('udp', 8080, 8080, 0), '02 00', '00 7f']) {
        socket.send(request, asked, PORT);
        const reply = await socket.receive();
        assert.is(`${reply?.address}:${reply?.port}`, `${asked}:${PORT}`);
      }
    },
  );

  claims('who it is for', {
    'R-64 a host of a network behind a LAN host, for itself, if the router has a route to it there': async () => {
      await router.run('ip', 'route', 'add', '10.9.9.0/24', 'via', ALICE);
      const behind = await alice.udp({ address: '10.9.9.9' });
      behind.send(mapRequest('tcp', 8080, 8082, 600), ROUTER, PORT);
      assert.match((await behind.receive())?.hex ?? '', /^00820000........1f901f92/);
      assert.equal(await server.mappings(), ['tcp 8082 -> 10.9.9.9:8080']);
      behind.send(mapRequest('tcp', 8080, 0, 0), ROUTER, PORT);
      assert.match((await behind.receive())?.hex ?? '', /^00820000........1f900000/);
      await router.run('ip', 'route', 'del', '10.9.9.0/24');
    },
    'R-49 the internal address is the source address of the request, whatever the source port': async () => {
      const one = await alice.udp({ port: 5351 });
      one.send(mapRequest('tcp', 8080, 8080, 600), ROUTER, PORT);
      assert.ok((await one.receive()) !== null);
      const other = await carol.udp({ port: 5350 });
      other.send(mapRequest('tcp', 8080, 8081, 600), GUEST_ROUTER, PORT);
      assert.ok((await other.receive()) !== null);
      assert.equal(await server.mappings(), [`tcp 8080 -> ${ALICE}:8080`, `tcp 8081 -> ${CAROL}:8080`]);
    },
    'R-81 nobody removes what another has, not even from the same port': async () => {
      const other = await carol.udp({ port: 5351 });
      other.send(mapRequest('tcp', 0, 0, 0), GUEST_ROUTER, PORT);
      assert.ok((await other.receive()) !== null);
      assert.equal(await server.mappings(), [`tcp 8080 -> ${ALICE}:8080`]);
    },
  });
}
