// The tools of people against the whole server, over IPv6: natpmp-client on a host of the LAN, natpmpctl on the router.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import * as assert from 'uvu/assert';
import type { ListedMapping } from '../../cli/natpmpctl/mapping.js';
import type { WatchedEvent } from '../../cli/natpmpctl/watch.js';
import { endsOf, isAlive, passes, tcpFlow } from '../lab/flows.js';
import { EVENTUALLY_MS, Inbox, SILENCE_MS, SOON_MS } from '../lab/inbox.js';
import {
  ALICE6,
  BOB6,
  BOB6_LOCAL,
  LAN6,
  onLan,
  openDualStackLab,
  OUTSIDE6,
  ROUTER6,
  ROUTER6_LOCAL,
} from '../lab/ipv6.js';
import { Server } from '../lab/server.js';
import { atEnd, claims } from '../support/cases.js';
import { run } from '../support/run.js';

const CLIENT = join(import.meta.dirname, '../../cli/natpmp-client.js');
const RESET = { caller: 'ECONNRESET', called: 'ECONNRESET' };
const lab = await openDualStackLab();

if (lab !== null) {
  const { alice, bob, outside } = lab;
  let server = await Server.start(lab, ['--pinholes']);
  const link = onLan(ROUTER6_LOCAL);
  const client = (...args: readonly string[]) => alice.run(process.execPath, CLIENT, ...args);
  const listed = async (...args: readonly string[]) =>
    JSON.parse((await server.natpmpctl('list', '--json', ...args)).stdout) as readonly ListedMapping[];
  const links = (await alice.run('ip', '-j', 'link', 'show', 'eth0')).stdout;
  const hardwareAddress = (JSON.parse(links) as readonly { readonly address: string }[])[0]?.address ?? '';
  const CTL = join(import.meta.dirname, '../../cli/natpmpctl.js');
  const admin = (...args: readonly string[]) => run(process.execPath, [CTL, ...args, '--socket', server.adminSocket]);
  const isOpen = async (port: number, withinMs: number) => {
    const connected = await outside.connect(ALICE6, port, { withinMs });
    if (connected.kind === 'connected') connected.connection.close();
    return connected.kind === 'connected';
  };
  /** A program that runs on; the JSON that it prints as it comes. */
  const running = <T>(entrance: readonly string[], ...args: readonly string[]) => {
    const [program = '', ...rest] = [...entrance, process.execPath, ...args];
    const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
    atEnd(() => {
      child.kill('SIGKILL');
    });
    const events = new Inbox<T>();
    createInterface({ input: child.stdout }).on('line', (line) => events.put(JSON.parse(line) as T));
    return { child, events };
  };
  const stop = async (child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> => {
    const exited = once(child, 'exit');
    child.kill(signal);
    return (await exited)[0] as number | null;
  };
  const onAlice = (...args: readonly string[]) =>
    running<{ event: string; lostState?: boolean }>(alice.namespace.entrance, CLIENT, ...args, '--json');

  claims('natpmp-client over IPv6', {
    '§14.1 info: PCP is spoken, at the link-local address and at the global one': async () => {
      const index = /^(\d+): eth0/m.exec((await alice.run('ip', '-o', 'link')).stdout)?.[1] ?? '?';
      for (const host of [link, `[${link}]:5351`, `${ROUTER6_LOCAL}%${index}`, ROUTER6]) {
        const { status, stdout, stderr } = await client(host, 'info');
        assert.is(status, 0, stderr);
        assert.match(stdout, /^PCP is spoken, epoch \d+ s\n$/);
      }
    },
    '§11 map opens the global address of this machine, although the gateway is asked at its link-local one':
      async () => {
        const { status, stdout, stderr } = await client(link, 'map', '8080', '0', 'tcp', '3600');
        assert.is(status, 0, stderr);
        const nonce = /nonce ([0-9a-f]{24})$/m.exec(stdout)?.[1] ?? '';
        assert.match(stdout, new RegExp(`^tcp 8080 open: \\[${ALICE6}\\]:8080, for 3600 s, epoch \\d+ s, nonce `));
        const web = await alice.listen(8080, '::');
        (await tcpFlow(outside, ALICE6, 8080, web)).caller.close();

        const other = await client(link, 'unmap', '8080', 'tcp', '--nonce', '0'.repeat(24));
        assert.is(other.status, 12, 'P-58 another nonce');
        assert.match(other.stderr, /result 2 NOT_AUTHORIZED: /);
        assert.ok(await isOpen(8080, SOON_MS));
        const renewed = await client(link, 'map', '8080', '0', 'tcp', '1800', '--nonce', nonce);
        assert.match(renewed.stdout, / for 1800 s, /);

        const closed = await client(link, 'unmap', '8080', 'tcp', '--nonce', nonce);
        assert.match(closed.stdout, /^tcp 8080 closed, epoch \d+ s\n$/);
        assert.not(await isOpen(8080, SILENCE_MS));
        web.close();
      },
    '§11.1 --from opens another address of this machine': async () => {
      const other = `${LAN6}77`;
      await alice.namespace.ip(`addr add ${other}/64 dev eth0 nodad`);
      const { stdout } = await client(link, 'map', '8080', '0', 'tcp', '600', '--from', other);
      assert.match(stdout, new RegExp(`^tcp 8080 open: \\[${other}\\]:8080, for 600 s, `));
      assert.equal(await server.pinholes(), [`tcp [${other}]:8080`]);
      await alice.namespace.ip(`addr del ${other}/64 dev eth0`);
      assert.is((await admin('revoke', '--yes', '--host', other)).status, 0);
    },
    '§11.2 keep holds a short pinhole beyond its end, and removes it on SIGTERM': async () => {
      const { child, events } = onAlice(link, 'keep', '8081', '0', 'udp', '2');
      assert.is((await events.next(EVENTUALLY_MS))?.event, 'mapped');
      const there = await alice.udp({ address: '::', port: 8081 });
      for (let renewals = 0; renewals < 4; renewals++) assert.is((await events.next(EVENTUALLY_MS))?.event, 'renewed');
      assert.ok((await passes(await outside.udp({ address: OUTSIDE6 }), there, ALICE6, 8081)) !== null);
      assert.is(await stop(child), 0);
      assert.equal(await server.pinholes(), []);
      there.close();
    },
    '§8.5 keep makes it again at once when an announcement shows lost state, and watch says so': async () => {
      const watch = onAlice(link, 'watch');
      assert.is((await watch.events.next(EVENTUALLY_MS))?.event, 'now');
      const { child, events } = onAlice(link, 'keep', '8082', '0', 'tcp', '3600');
      assert.is((await events.next(EVENTUALLY_MS))?.event, 'mapped');
      // Anybody can send to the group: only the gateway counts, and only from its port (§14.1.3).
      const forged = `02800000${'00'.repeat(20)}`;
      for (const { host, address, port, group } of [
        { host: bob, address: onLan(BOB6_LOCAL), port: 5351, group: 'ff02::1%eth0' },
        { host: lab.router, address: `${ROUTER6_LOCAL}%br-lan`, port: 15351, group: 'ff02::1%br-lan' },
      ]) {
        const forger = await host.udp({ address, port });
        forger.send(forged, group, 5350);
        // What the gateway announces of its own start may come meanwhile.
        for (const endMs = performance.now() + SILENCE_MS; performance.now() < endMs; ) {
          const heard = await watch.events.next(endMs - performance.now());
          if (heard !== null) assert.is(heard.lostState, false, address);
        }
        forger.close();
      }
      // So that the epoch of what comes is a lower one, for certain.
      await server.kill();
      server = await Server.start(lab, ['--pinholes'], 'state-lost');
      const again = await events.next(EVENTUALLY_MS);
      assert.is(again?.event, 'recreated');
      assert.equal(await server.pinholes(), [`tcp [${ALICE6}]:8082`]);
      let heard = await watch.events.next(EVENTUALLY_MS);
      while (heard !== null && heard.lostState !== true) heard = await watch.events.next(EVENTUALLY_MS);
      assert.is(heard?.event, 'announcement');
      await Promise.all([stop(child), stop(watch.child)]);
      assert.equal(await server.pinholes(), []);
    },
  });

  claims('natpmpctl and pinholes', {
    'list has the device that asked, and what has passed': async () => {
      await client(link, 'map', '8080', '0', 'udp', '600');
      const there = await alice.udp({ address: '::', port: 8080 });
      const [{ timeLeft, grantedAt, ...before } = { timeLeft: 0, grantedAt: '' }] = await listed();
      assert.ok(timeLeft !== null && timeLeft > 500 && grantedAt !== null);
      assert.equal(before, {
        protocol: 'udp',
        externalPort: 8080,
        internalAddress: ALICE6,
        internalPort: 8080,
        name: null,
        origin: 'dynamic',
        askedBy: 'PCP',
        description: null,
        lifetime: 600,
        packets: 0,
        bytes: 0,
        hardwareAddress,
      });
      const caller = await outside.udp({ address: OUTSIDE6 });
      const seen = await passes(caller, there, ALICE6, 8080);
      // 40 octets of IPv6, 8 of UDP, and "passing".
      const counts = async () => (await listed('--host', ALICE6)).map(({ packets, bytes }) => [packets, bytes]);
      assert.equal(await counts(), [[1, 55]]);
      there.sendText('back', seen?.address, seen?.port);
      await caller.receive();
      assert.equal(await counts(), [[2, 55 + 52]], 'both directions, each packet once');
      there.close();
      caller.close();
    },
    'revoke --host HARDWARE-ADDRESS ends all of a device, and its connections': async () => {
      await client(link, 'map', '8083', '0', 'tcp', '600');
      const web = await alice.listen(8083, '::');
      const flow = await tcpFlow(outside, ALICE6, 8083, web);
      const { stdout } = await admin('revoke', '--yes', '--host', hardwareAddress);
      assert.is(stdout, '2 pinholes removed\n');
      assert.equal(await endsOf(flow), RESET);
      assert.equal(await listed(), []);
      web.close();
    },
    'add: a static pinhole lets a connection in that no host has asked for; its host cannot remove it': async () => {
      const { stdout } = await admin('add', 'tcp', '8084', ALICE6);
      assert.is(stdout, `added: tcp 8084 -> [${ALICE6}]:8084\n`);
      const web = await alice.listen(8084, '::');
      const flow = await tcpFlow(outside, ALICE6, 8084, web);
      const { status } = await client(link, 'unmap', '8084', 'tcp', '--nonce', '0'.repeat(24));
      assert.is(status, 12);
      assert.ok(await isAlive(flow));
      assert.match((await admin('revoke', '--yes', '--all')).stderr, /1 static: --static/);
      const [mapping] = await listed();
      assert.equal([mapping?.origin, mapping?.timeLeft, mapping?.hardwareAddress], ['static', null, null]);
      const removed = await admin('remove', 'tcp', '8084', ALICE6);
      assert.is(removed.stdout, `removed: tcp 8084 -> [${ALICE6}]:8084\n`);
      assert.equal(await endsOf(flow), RESET);
      web.close();
    },
    'add: only what may be opened': async () => {
      for (const [port, host, reason] of [
        ['8084', 'fd00::1', 'address'],
        ['8084', 'fe80::1', 'address'],
      ] as const) {
        const { status, stderr } = await admin('add', 'tcp', port, host);
        assert.equal([status, /^natpmpctl: refused \((\S+)\): the /.exec(stderr)?.[1]], [73, reason], host);
      }
    },
    'watch tells of them as it happens, of two hosts with the same port': async () => {
      const { child, events } = running<WatchedEvent>([], CTL, 'watch', '--json', '--socket', server.socket);
      assert.is((await events.next(EVENTUALLY_MS))?.event, 'watching');
      await client(link, 'map', '8085', '0', 'tcp', '600');
      await bob.run(process.execPath, CLIENT, link, 'map', '8085', '0', 'tcp', '1');
      const told: string[] = [];
      for (let n = 0; n < 3; n++) {
        const event = await events.next(EVENTUALLY_MS);
        told.push(`${event?.event} ${event?.mapping?.externalPort} ${event?.mapping?.internalAddress}`);
      }
      assert.equal(told, [`granted 8085 ${ALICE6}`, `granted 8085 ${BOB6}`, `expired 8085 ${BOB6}`]);
      assert.is(await stop(child, 'SIGINT'), 0);
    },
    'status and top count them': async () => {
      assert.match((await server.natpmpctl('status')).stdout, /^pinholes: +1 of at most 16384, 0 of them static$/m);
      const { stdout } = await server.natpmpctl('top', '--interval', '0.2');
      assert.match(stdout, /^0 mappings, 0 static; 1 pinholes; /);
      assert.match(stdout, new RegExp(`^tcp +8085 +${ALICE6} `, 'm'));
    },
  });
}
