// natpmpctl against the whole server: what it lists, what it changes, what it sees live.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import * as assert from 'uvu/assert';
import type { WatchedEvent } from '../../cli/natpmpctl/watch.js';
import { atEnd, claims } from '../support/cases.js';
import { nobodyIn } from '../support/nobody.js';
import { ALICE, BOB, EXTERNAL, openLab, ROUTER } from '../lab/lab.js';
import { passes, tcpFlow, until } from '../lab/flows.js';
import { EVENTUALLY_MS, Inbox } from '../lab/inbox.js';
import { Asker } from '../lab/natpmp.js';
import { run } from '../support/run.js';
import { Server } from '../lab/server.js';
import { Terminal } from '../support/terminal.js';

const CLI = join(import.meta.dirname, '../../cli');
const CTL = join(CLI, 'natpmpctl.js');
const lab = await openLab();

if (lab !== null) {
  const server = await Server.start(lab);
  const alice = await Asker.open(lab.alice, ROUTER);
  const admin = (...args: readonly string[]) => run(process.execPath, [CTL, ...args, '--socket', server.adminSocket]);
  const client = (...args: readonly string[]) =>
    lab.alice.run(process.execPath, join(CLI, 'natpmp-client.js'), ROUTER, ...args);
  /** As the kernel has it: asked of nft, which is quicker than natpmpctl. */
  const held = async () => (await server.elements()).in;
  const traffic = async (port: number) => {
    const { stdout } = await server.natpmpctl('list', '--port', String(port), '--json');
    const [{ packets, bytes } = { packets: -1, bytes: -1 }] = JSON.parse(stdout) as {
      packets: number;
      bytes: number;
    }[];
    return { packets, bytes };
  };

  claims('traffic', {
    'counts the packets of a mapping, both directions, and of no other': async () => {
      await alice.map('udp', 7000, 7000, 600);
      await alice.map('udp', 7001, 7001, 600);
      assert.equal(await traffic(7000), { packets: 0, bytes: 0 });
      const [inside, outside] = [await lab.alice.udp({ port: 7000 }), await lab.outside.udp()];
      const arrived = await passes(outside, inside, EXTERNAL, 7000);
      assert.ok(arrived !== null);
      // 20 octets of IP, 8 of UDP, and "passing".
      assert.equal(await traffic(7000), { packets: 1, bytes: 35 });
      inside.sendText('back', arrived.address, arrived.port);
      assert.is((await outside.receive())?.hex, Buffer.from('back').toString('hex'));
      assert.equal(await traffic(7000), { packets: 2, bytes: 35 + 32 });
      assert.equal(await traffic(7001), { packets: 0, bytes: 0 });
    },
    'renewals keep the count if the kernel renews in place': async () => {
      const before = await traffic(7000);
      await alice.map('udp', 7000, 7000, 1200);
      const { packets } = await traffic(7000);
      assert.ok(packets === before.packets || packets === 0, `${packets}`); // 0 before Linux 6.12
      await alice.unmap('udp', 0);
    },
  });

  claims('static mappings', {
    'add: it carries a connection, and needs no host to ask': async () => {
      const { status, stdout, stderr } = await admin('add', 'tcp', '8080', `${ALICE}:80`);
      assert.equal([status, stdout], [0, `added: tcp 8080 -> ${ALICE}:80\n`], stderr);
      const inside = await lab.alice.listen(80);
      const flow = await tcpFlow(lab.outside, EXTERNAL, 8080, inside);
      flow.caller.close();
      inside.close();
      const [listed] = await server.list();
      assert.equal([listed?.origin, listed?.lifetime, listed?.timeLeft], ['static', 0, null]);
    },
    'add again is the same; another port for it, or it for another host, is refused with 73': async () => {
      assert.is((await admin('add', 'tcp', '8080', `${ALICE}:80`)).status, 0);
      const refusals = await Promise.all(
        [
          ['8081', `${ALICE}:80`],
          ['8080', `${BOB}:80`],
          ['22', ALICE],
          ['9000', '127.9.9.9'],
        ].map((args) => admin('add', 'tcp', ...args)),
      );
      assert.equal(
        refusals.map(({ status, stderr }) => [status, /^natpmpctl: refused \((\S+)\): the /.exec(stderr)?.[1]]),
        [
          [73, 'conflict'],
          [73, 'conflict'],
          [73, 'port'],
          [73, 'address'],
        ],
      );
    },
    '§3.4 its host cannot remove it: result 2, and it stays': async () => {
      const { status, stderr } = await client('unmap', '80', 'tcp');
      assert.is(status, 12);
      assert.match(stderr, /result 2 NOT_AUTHORIZED/);
      assert.is((await client('unmap', '0', 'tcp', '--all')).status, 12);
      assert.equal(await held(), [`tcp 8080 -> ${ALICE}:80`]);
    },
    'without the rights of an administrator nothing is added or removed: 77, and how to': async () => {
      const {
        prefix: [program, ...words],
        project,
      } = nobodyIn(lab.folder);
      const nobody = (...args: readonly string[]) =>
        run(program, [...words, process.execPath, join(project, 'dist/cli/natpmpctl.js'), ...args]);
      for (const { status, stderr } of await Promise.all(
        [
          ['add', 'tcp', '9000', ALICE],
          ['remove', 'tcp', '8080'],
          ['revoke', '--all', '--yes'],
        ].map((args) => nobody(...args, '--socket', server.adminSocket)),
      )) {
        assert.is(status, 77, stderr);
        assert.match(stderr, /^natpmpctl: no permission to use \S+: run as root \(sudo\)/);
      }
      // On the socket of the frontend, even root is refused what is an administrator's.
      const { status, stderr } = await server.natpmpctl('remove', 'tcp', '8080');
      assert.is(status, 77);
      assert.match(stderr, /^natpmpctl: refused: only an administrator may do this/);
      assert.equal(await held(), [`tcp 8080 -> ${ALICE}:80`]);
    },
    'remove: only what is static, and only once': async () => {
      await alice.map('tcp', 7000, 7000, 600);
      const dynamic = await admin('remove', 'tcp', '7000');
      assert.is(dynamic.status, 1);
      assert.match(dynamic.stderr, /is not static, a host requested it: natpmpctl revoke --port tcp\/7000/);
      assert.is((await admin('remove', 'tcp', '8080')).stdout, `removed: tcp 8080 -> ${ALICE}:80\n`);
      const again = await admin('remove', 'tcp', '8080');
      assert.equal([again.status, again.stderr], [1, 'natpmpctl: there is no mapping of tcp 8080\n']);
      await alice.unmap('tcp', 0);
      assert.equal(await held(), []);
    },
  });

  const fill = async () => {
    await alice.map('tcp', 7000, 7000, 600);
    await alice.map('udp', 7000, 7000, 600);
    await alice.map('tcp', 7001, 7001, 600);
    const bob = await Asker.open(lab.bob, ROUTER);
    await bob.map('tcp', 7100, 7100, 600);
    bob.udp.close();
    await admin('add', 'tcp', '8080', `${ALICE}:80`);
  };
  const still = async () => (await held()).map((line) => line.replace(/ ->.*/, ''));

  claims('revoke', {
    'a port of one protocol ends its connection': async () => {
      await fill();
      const inside = await lab.alice.listen(7000);
      const { caller } = await tcpFlow(lab.outside, EXTERNAL, 7000, inside);
      assert.is((await admin('revoke', '--port', 'tcp/7000', '--yes')).stdout, '1 mapping removed\n');
      caller.send('still there?');
      assert.is(await caller.receive(), 'ECONNRESET');
      inside.close();
      assert.equal(await still(), ['tcp 7001', 'tcp 7100', 'tcp 8080', 'udp 7000']);
    },
    'a host: all that it asked for, and nothing static': async () => {
      const { stdout } = await admin('revoke', '--host', ALICE, '--yes', '--json');
      const told = JSON.parse(stdout) as { removed: number; kept: number; mappings: unknown[] };
      assert.equal([told.removed, told.kept, told.mappings.length], [2, 1, 2]);
      assert.equal(await still(), ['tcp 7100', 'tcp 8080']);
    },
    'static ones only when asked to; and nothing is left to revoke': async () => {
      const kept = await admin('revoke', '--port', '8080', '--yes');
      assert.is(kept.status, 1);
      assert.match(kept.stderr, /1 static: --static, or natpmpctl remove/);
      assert.is((await admin('revoke', '--all', '--static', '--yes')).stdout, '2 mappings removed\n');
      assert.is((await admin('revoke', '--all', '--yes')).status, 1);
      assert.equal(await still(), []);
    },
    'on a terminal it names what it would remove, and asks': async () => {
      await fill();
      for (const [answer, status, left] of [
        ['\n', 1, 5],
        ['\x04', 1, 5],
        ['y\n', 0, 1],
      ] as const) {
        const terminal = new Terminal([process.execPath, CTL, 'revoke', '--all', '--socket', server.adminSocket]);
        await terminal.shows(/tcp 7000 -> 192\.168\.1\.2:7000\r\n[\s\S]*Remove 4 mappings\? \[y\/N\] /);
        terminal.type(answer);
        await terminal.shows(new RegExp(`\\[${status}\\]`));
        assert.is((await still()).length, left);
      }
      await admin('revoke', '--all', '--static', '--yes');
    },
  });

  /** natpmpctl watch --json, and its lines as they come. */
  const watching = async (
    ...args: readonly string[]
  ): Promise<{ child: ChildProcess; events: Inbox<WatchedEvent> }> => {
    const child = spawn(process.execPath, [CTL, 'watch', '--json', '--socket', server.socket, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    atEnd(() => {
      child.kill('SIGKILL');
    });
    const events = new Inbox<WatchedEvent>();
    createInterface({ input: child.stdout }).on('line', (line) => events.put(JSON.parse(line) as WatchedEvent));
    assert.is((await events.next(EVENTUALLY_MS))?.event, 'watching');
    return { child, events };
  };
  const told = (event: WatchedEvent | null) =>
    `${event?.event} ${event?.mapping?.protocol} ${event?.mapping?.externalPort} ${event?.mapping?.internalAddress}`;

  claims('watch', {
    'tells what happens to mappings as it happens, and ends with 0 on SIGINT': async () => {
      const { child, events } = await watching();
      await alice.map('udp', 7000, 7500, 600);
      assert.is(told(await events.next(EVENTUALLY_MS)), `granted udp 7500 ${ALICE}`);
      await alice.map('udp', 7000, 7500, 1200);
      const renewed = await events.next(EVENTUALLY_MS);
      assert.is(told(renewed), `renewed udp 7500 ${ALICE}`);
      assert.is(renewed?.mapping?.lifetime, 1200);
      await alice.unmap('udp', 7000);
      assert.is(told(await events.next(EVENTUALLY_MS)), `removed udp 7500 ${ALICE}`);
      await alice.map('tcp', 7000, 7000, 1);
      assert.is(told(await events.next(EVENTUALLY_MS)), `granted tcp 7000 ${ALICE}`);
      assert.is(told(await events.next(EVENTUALLY_MS)), `expired tcp 7000 ${ALICE}`);
      child.kill('SIGINT');
      assert.equal((await once(child, 'exit'))[0], 0);
    },
    'a firewall that was reloaded, and a helper that was killed': async () => {
      const { child, events } = await watching();
      await alice.map('tcp', 7000, 7000, 600);
      assert.is(told(await events.next(EVENTUALLY_MS)), `granted tcp 7000 ${ALICE}`);
      await lab.nft('flush set inet nat NATPMP-live');
      assert.is((await events.next(EVENTUALLY_MS))?.event, 'resynchronised');
      await server.killOne('helper');
      assert.is((await events.next(EVENTUALLY_MS))?.event, 'lost');
      assert.is((await events.next(EVENTUALLY_MS))?.event, 'watching');
      await server.answering();
      await alice.unmap('tcp', 7000);
      assert.is(told(await events.next(EVENTUALLY_MS)), `removed tcp 7000 ${ALICE}`);
      child.kill('SIGTERM');
      assert.equal((await once(child, 'exit'))[0], 0);
    },
    '--count ends it': async () => {
      const { child } = await watching('--count', '1');
      const exited = once(child, 'exit');
      await alice.map('tcp', 7000, 7000, 600);
      assert.equal((await exited)[0], 0);
    },
  });

  claims('top', {
    'draws the table in place with the rate of real packets, and gives the terminal back on q': async () => {
      const [inside, outside] = [await lab.alice.udp({ port: 7200 }), await lab.outside.udp()];
      await alice.map('udp', 7200, 7200, 600);
      const terminal = new Terminal([process.execPath, CTL, 'top', '--interval', '0.3', '--socket', server.socket]);
      await terminal.shows(/\x1b\[\?1049h\x1b\[\?25l\x1b\[H/);
      await terminal.shows(/udp +7200 +192\.168\.1\.2:7200 +- +[0-9ms]+ +█{10} /);
      // A rate of more than nothing, in the line of the mapping, drawn green.
      const sending = setInterval(() => outside.sendText('x', EXTERNAL, 7200), 20);
      await terminal.shows(/\x1b\[32mudp +7200 [^\n]* [1-9][0-9]* +[0-9.k]+ +[0-9.k]+\x1b\[0m/);
      clearInterval(sending);
      inside.close();
      const frame = terminal.shown.slice(terminal.shown.lastIndexOf('\x1b[H'));
      for (const line of frame.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '').split('\r\n')) assert.ok(line.length <= 80, line);
      terminal.type('q');
      await terminal.shows(/\x1b\[\?25h\x1b\[\?1049l\[0\]/);
      await terminal.shows(/[^-]icanon[\s\S]*[^-]echo /);
    },
    'Ctrl-C, too': async () => {
      const terminal = new Terminal([process.execPath, CTL, 'top', '--socket', server.socket]);
      await terminal.shows(/\x1b\[H/);
      terminal.type('\x03');
      await terminal.shows(/\x1b\[\?25h\x1b\[\?1049l\[0\]/);
      await terminal.shows(/[^-]icanon[\s\S]*[^-]echo /);
    },
    'a helper that goes away leaves the terminal in order, and exit 69': async () => {
      const terminal = new Terminal([process.execPath, CTL, 'top', '--interval', '0.2', '--socket', server.socket]);
      await terminal.shows(/\x1b\[H/);
      // The launcher would start it again at once, perhaps before it is missed.
      server.signal('SIGSTOP');
      await server.killOne('helper');
      await terminal.shows(/\x1b\[\?1049l[\s\S]*natpmpctl: the helper at [\s\S]*\[69\]/);
      await terminal.shows(/[^-]icanon[\s\S]*[^-]echo /);
      server.signal('SIGCONT');
      await server.answering();
    },
  });

  claims('status', {
    'tells of both processes, and of the outside': async () => {
      const { stdout } = await lab.router.run(process.execPath, CTL, 'status', '--json', '--socket', server.socket);
      const told_ = JSON.parse(stdout) as {
        pid: number;
        frontends: { pid: number; lan: string[] }[];
        externalInterface: string;
        externalAddress: string;
        connections: number;
        maxConnections: number;
      };
      assert.is(told_.pid, server.pid('helper'));
      assert.equal(
        told_.frontends.map(({ pid, lan }) => [pid, lan]),
        [[server.pid('frontend'), [`${ROUTER}/24`]]],
      );
      assert.equal([told_.externalInterface, told_.externalAddress], ['wan0', EXTERNAL]);
      const max = await lab.router.run('cat', '/proc/sys/net/netfilter/nf_conntrack_max');
      assert.is(told_.maxConnections, Number(max.stdout));
      assert.ok(Number.isInteger(told_.connections) && told_.connections < told_.maxConnections);
    },
    'a frontend that is away is not seen': async () => {
      await server.killOne('frontend');
      await until('it is started again', async () => server.pid('frontend') !== 0);
      await server.answering();
      const { status, stdout } = await server.natpmpctl('status');
      assert.is(status, 0);
      assert.match(stdout, new RegExp(`^frontend: +pid ${server.pid('frontend')}, up \\d+s, for br-lan$`, 'm'));
    },
  });
}
