// Who can be opened by whom: a guest, a forger and a host outside get nothing for somebody else, and a flood of one
// device takes nothing from another.

import { randomBytes, randomInt } from 'node:crypto';
import * as assert from 'uvu/assert';
import { cases, claims } from '../support/cases.js';
import type { Host } from '../lab/host.js';
import { SILENCE_MS } from '../lab/inbox.js';
import {
  ALICE6,
  BOB6,
  CAROL6,
  EXTERNAL6,
  GUEST_ROUTER6,
  LAN6,
  onLan,
  openDualStackLab,
  OUTSIDE6,
  ROUTER6,
  ROUTER6_LOCAL,
} from '../lab/ipv6.js';
import {
  bits,
  header,
  mapRequest,
  newNonce,
  OPCODE,
  OPTION,
  option,
  PcpClient,
  PORT,
  PROTOCOL,
  RESULT,
} from '../lab/pcp.js';
import { Server } from '../lab/server.js';

const QUOTA = 20;
const lab = await openDualStackLab({ guest: true });

if (lab !== null && lab.carol !== null) {
  const { alice, bob, carol, outside } = lab;
  const LANS = ['--listen-interface', 'br-lan', '--listen-interface', 'br-guest'];
  const server = await Server.start(lab, ['--pinholes', '--max-mappings-per-ip', String(QUOTA), ...LANS]);
  const gateway = onLan(ROUTER6_LOCAL);
  const client = await PcpClient.open(alice, ALICE6, gateway);
  const guest = await PcpClient.open(carol, CAROL6, gateway);
  const openFor = (address: string) =>
    mapRequest({ client: address, lifetime: 600, nonce: newNonce(), protocol: PROTOCOL.tcp, internalPort: 8080 });

  // Source addresses that are not theirs, and the ways for them: the lab's router filters no reverse paths.
  await carol.namespace.ip(`addr add ${ALICE6}/128 dev lo nodad`);
  await alice.namespace.ip('addr add 2001:db8:f00::99/128 dev lo nodad', `addr add ${CAROL6}/128 dev lo nodad`);
  await outside.namespace.ip(`addr add ${LAN6}77/128 dev lo nodad`, `addr add ${BOB6}/128 dev lo nodad`);
  await outside.namespace.ip(`route add fe80::/64 dev eth0 table 255`).catch(() => {});

  interface Row {
    readonly name: string;
    readonly from: Host;
    readonly source: string;
    readonly to: string;
  }
  const STRANGERS: readonly Row[] = [
    {
      name: "a guest with a LAN host's address, to the guests' router",
      from: carol,
      source: ALICE6,
      to: GUEST_ROUTER6,
    },
    { name: "a guest with a LAN host's address, to the link-local router", from: carol, source: ALICE6, to: gateway },
    { name: "a guest with a LAN host's address, to the LAN's router", from: carol, source: ALICE6, to: ROUTER6 },
    { name: "a guest, to the LAN's router", from: carol, source: CAROL6, to: ROUTER6 },
    { name: "a LAN host with a guest's address", from: alice, source: CAROL6, to: gateway },
    { name: 'a LAN host with an address of the Internet', from: alice, source: '2001:db8:f00::99', to: gateway },
    { name: 'a LAN host, to the router outside', from: alice, source: ALICE6, to: EXTERNAL6 },
    { name: 'a LAN host, to all nodes by multicast', from: alice, source: ALICE6, to: onLan('ff02::1') },
    { name: 'a LAN host, to all routers by multicast', from: alice, source: ALICE6, to: onLan('ff02::2') },
    { name: 'from outside, to the router outside', from: outside, source: OUTSIDE6, to: EXTERNAL6 },
    { name: 'from outside, to its link-local address there', from: outside, source: OUTSIDE6, to: onLan('fe80::a') },
    { name: 'from outside, to the router in the LAN', from: outside, source: OUTSIDE6, to: ROUTER6 },
    { name: "from outside, with a LAN host's address", from: outside, source: `${LAN6}77`, to: ROUTER6 },
    { name: "from outside, with bob's address", from: outside, source: BOB6, to: ROUTER6 },
  ];
  cases('no answer, and no pinhole', STRANGERS, async ({ from, source, to }) => {
    const socket = await from.udp({ address: source });
    for (const request of [
      openFor(source),
      openFor(ALICE6),
      header({ opcode: OPCODE.announce, lifetime: 0, client: source }),
      '0000',
      `00${openFor(source).slice(2)}`,
      `03${openFor(source).slice(2)}`,
    ])
      socket.send(request, to, PORT);
    assert.is(await socket.receive(SILENCE_MS), null);
    assert.equal(await server.pinholes(), []);
    assert.equal(await server.mappings(), []);
    socket.close();
  });

  cases(
    'a host of one LAN opens nothing for one of another',
    [
      { name: 'in the client address: ADDRESS_MISMATCH', wish: { client: ALICE6 }, result: RESULT.addressMismatch },
      {
        name: 'by THIRD_PARTY: UNSUPP_OPTION',
        wish: { options: option(OPTION.thirdParty, bits(ALICE6)) },
        result: RESULT.unsuppOption,
      },
      {
        name: 'as the suggested external address: it gets its own',
        wish: { suggestedAddress: ALICE6, suggestedPort: 8080 },
        result: RESULT.success,
      },
    ],
    async ({ wish, result }) => {
      const reply = await guest.map(8080, wish);
      assert.is(reply.result, result);
      assert.equal(await server.pinholes(), result === RESULT.success ? [`tcp [${CAROL6}]:8080`] : []);
      await guest.unmap(8080);
    },
  );

  claims('nobody removes what another has', {
    'with any nonce, from its own address or a forged one': async () => {
      await client.map(8080);
      const theirs = await PcpClient.open(bob, BOB6, gateway, client.nonce);
      assert.is((await theirs.unmap(8080)).result, RESULT.success, 'its own, which is not there');
      const forger = await carol.udp({ address: ALICE6 });
      forger.send(client.request(8080, { lifetime: 0 }), gateway, PORT);
      assert.is(await forger.receive(SILENCE_MS), null);
      assert.equal(await server.pinholes(), [`tcp [${ALICE6}]:8080`]);
      await client.unmap(8080);
      theirs.close();
    },
    'within the LAN, whose addresses nobody vouches for, only with the nonce': async () => {
      await client.map(8080);
      await bob.namespace.ip(`addr add ${ALICE6}/128 dev lo nodad`);
      const forger = await bob.udp({ address: ALICE6 });
      const forged = mapRequest({ client: ALICE6, lifetime: 0, nonce: newNonce(), protocol: 6, internalPort: 8080 });
      forger.send(forged, gateway, PORT);
      await client.announce();
      assert.equal(await server.pinholes(), [`tcp [${ALICE6}]:8080`]);
      await bob.namespace.ip(`addr del ${ALICE6}/128 dev lo`);
      await client.unmap(8080);
      forger.close();
    },
  });

  claims('a flood', {
    '20,000 random and mutated datagrams: nobody is kept waiting, and nothing is open that nobody asked for':
      async () => {
        const neighbour = await PcpClient.open(bob, BOB6, gateway);
        await neighbour.map(7000, { lifetime: 600 });
        const asked = client.request(7000, { lifetime: 600 });
        /** What a mutated request may come to ask for: the table is held against it. */
        const wishes = new Set<string>([`tcp [${BOB6}]:7000`]);
        for (let sent = 0; sent < 20_000; sent++) {
          const datagram = sent % 2 === 0 ? randomBytes(randomInt(0, 140)) : mutated(asked);
          const wish = wishOf(datagram);
          if (wish !== null) wishes.add(wish);
          client.udp.send(datagram.toString('hex'));
          // Every so often wait for an answer: what the kernel drops because nobody reads so fast tests nothing.
          if (sent % 100 === 99) assert.is((await neighbour.announce())?.result, RESULT.success);
        }
        assert.is((await neighbour.map(7000, { lifetime: 600 })).result, RESULT.success);
        const open = await server.pinholes();
        for (const line of open) assert.ok(wishes.has(line), `nobody asked for ${line}`);
        assert.ok(open.filter((line) => line.includes(ALICE6)).length <= QUOTA);
        assert.not.match(server.log, /defect|uncaught|restart/i);
        await neighbour.unmap(7000);
        neighbour.close();
      },
    'of one device with a thousand addresses: it gets its quota, and the other its pinhole': async () => {
      const FORGED = 1000;
      await alice.namespace.ip('route add local 2001:db8:a:1:f::/80 dev lo');
      await alice.run('sh', '-c', 'echo 1 > /proc/sys/net/ipv6/ip_nonlocal_bind');
      const neighbour = await PcpClient.open(bob, BOB6, gateway);
      const socket = await alice.udp({ address: '::' });
      socket.close();
      for (let host = 1; host <= FORGED; host++) {
        const address = `${LAN6.slice(0, -1)}f::${host.toString(16)}`;
        const forger = await alice.udp({ address, peer: { address: gateway, port: PORT } });
        forger.send(openFor(address));
        forger.close();
        if (host % 100 === 0) assert.is((await neighbour.map(7000, { lifetime: 600 })).result, RESULT.success);
      }
      await neighbour.announce();
      const open = await server.pinholes();
      assert.ok(open.filter((line) => !line.includes(BOB6)).length <= QUOTA, `${open.length}`);
      await neighbour.unmap(7000);
    },
    'the same two processes serve as before, and have logged next to nothing': async () => {
      assert.not.match(server.log, /defect|uncaught|restart/i);
      assert.ok(server.log.length < 20_000, `${server.log.length}`);
      assert.is((await (await PcpClient.open(bob, BOB6, ROUTER6)).map(7001)).result, RESULT.success);
    },
  });
}

/** One to three octets changed, and perhaps cut or made longer. */
function mutated(request: string): Buffer {
  const octets = Buffer.concat([Buffer.from(request, 'hex'), randomBytes(randomInt(0, 9))]);
  for (let changes = randomInt(1, 4); changes > 0; changes--) octets[randomInt(0, octets.length)] = randomInt(0, 256);
  return octets.subarray(0, randomInt(0, 4) === 0 ? randomInt(0, octets.length + 1) : 60);
}

/** The pinhole that a datagram of alice's asks for, if it is a valid request for one. */
function wishOf(datagram: Buffer): string | null {
  if (datagram.length < 60 || datagram[0] !== 2 || datagram[1] !== OPCODE.map) return null;
  if (datagram.toString('hex', 8, 24) !== bits(ALICE6)) return null;
  const protocol = { [PROTOCOL.tcp]: 'tcp', [PROTOCOL.udp]: 'udp' }[datagram[36] ?? 0];
  return protocol === undefined ? null : `${protocol} [${ALICE6}]:${datagram.readUInt16BE(40)}`;
}
