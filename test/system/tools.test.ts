// The programs people use: Debian's natpmpc (libnatpmp) and our own client, against the whole server.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { atEnd, claims } from '../support/cases.js';
import { ALICE, EXTERNAL, openLab, OUTSIDE, ROUTER, setExternal } from '../lab/lab.js';
import { until } from '../lab/flows.js';
import { EVENTUALLY_MS, Inbox } from '../lab/inbox.js';
import { Server } from '../lab/server.js';

const CLIENT = join(import.meta.dirname, '../../cli/natpmp-client.js');
const lab = await openLab();

interface Event {
  readonly event: string;
  readonly externalPort?: number;
  readonly externalAddress?: string;
  readonly lostState?: boolean;
  readonly addressChanged?: boolean;
}

if (lab !== null) {
  const server = await Server.start(lab);
  const natpmpc = (...args: readonly string[]) => lab.alice.run('natpmpc', '-g', ROUTER, ...args);
  const client = (...args: readonly string[]) => lab.alice.run(process.execPath, CLIENT, ROUTER, ...args);

  /** Our client, running on in alice's namespace; its events as they come. */
  const running = (...args: readonly string[]): { child: ChildProcess; events: Inbox<Event> } => {
    const [enter, ...rest] = lab.alice.namespace.entrance;
    const child = spawn(enter, [...rest, process.execPath, CLIENT, ROUTER, ...args, '--json'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    atEnd(() => {
      child.kill('SIGKILL');
    });
    const events = new Inbox<Event>();
    createInterface({ input: child.stdout }).on('line', (line) => events.put(JSON.parse(line) as Event));
    return { child, events };
  };

  claims('natpmpc', {
    '§3.2 prints the external address': async () => {
      const { status, stdout } = await natpmpc();
      assert.is(status, 0);
      assert.match(stdout, `Public IP address : ${EXTERNAL}`);
    },
    '§3.3 maps, and the mapping carries a connection': async () => {
      const { status, stdout } = await natpmpc('-a', '8080', '80', 'tcp', '3600');
      assert.is(status, 0);
      assert.match(stdout, /Mapped public port 8080 protocol TCP to local port 80 li[a-z]*ti?me 3600/i);
      assert.equal(await server.mappings(), [`tcp 8080 -> ${ALICE}:80`]);
      const inside = await lab.alice.listen(80);
      assert.is((await lab.outside.connect(EXTERNAL, 8080)).kind, 'connected');
      assert.is((await inside.accept())?.peer.address, OUTSIDE);
      inside.close();
    },
    '§3.4 removes it': async () => {
      const { stdout } = await natpmpc('-a', '8080', '80', 'tcp', '0');
      assert.match(stdout, /Mapped public port 0 protocol TCP to local port 80 li[a-z]*ti?me 0/i);
      assert.equal(await server.mappings(), []);
    },
    '§3.4 removes all of a protocol': async () => {
      await natpmpc('-a', '9000', '9000', 'udp', '3600');
      await natpmpc('-a', '9001', '9001', 'udp', '3600');
      assert.is((await server.mappings()).length, 2);
      await natpmpc('-a', '0', '0', 'udp', '0');
      assert.equal(await server.mappings(), []);
    },
  });

  claims('natpmp-client', {
    '§3.2 info': async () => {
      const { status, stdout } = await client('info');
      assert.is(status, 0);
      assert.match(stdout, new RegExp(`^external address ${EXTERNAL}, epoch \\d+ s\n$`));
    },
    '§3.3 map, and §3.4 unmap': async () => {
      assert.match(
        (await client('map', '8080', '8081', 'tcp', '3600')).stdout,
        /^tcp 8080 mapped: external port 8081, for 3600 s/,
      );
      assert.equal(await server.mappings(), [`tcp 8081 -> ${ALICE}:8080`]);
      assert.is((await client('unmap', '8080', 'tcp')).status, 0);
      assert.equal(await server.mappings(), []);
    },
    'unmap --all': async () => {
      await client('map', '1', '2001', 'udp', '60');
      await client('map', '2', '2002', 'udp', '60');
      assert.is((await client('unmap', '0', 'udp', '--all')).status, 0);
      assert.equal(await server.mappings(), []);
    },
    'keep holds a short lease beyond its end, and removes it on SIGTERM': async () => {
      const { child, events } = running('keep', '7000', '7001', 'tcp', '2');
      assert.is((await events.next(EVENTUALLY_MS))?.event, 'mapped');
      for (let renewals = 0; renewals < 4; renewals++) assert.is((await events.next(EVENTUALLY_MS))?.event, 'renewed');
      assert.equal(await server.mappings(), [`tcp 7001 -> ${ALICE}:7000`]);
      child.kill('SIGTERM');
      const [status] = (await once(child, 'exit')) as [number | null];
      assert.is(status, 0);
      let last = await events.next(EVENTUALLY_MS);
      while (last?.event === 'renewed') last = await events.next(EVENTUALLY_MS);
      assert.is(last?.event, 'removed');
      assert.equal(await server.mappings(), []);
    },
    '§3.2.1 watch hears of a new external address': async () => {
      const { child, events } = running('watch');
      assert.is((await events.next(EVENTUALLY_MS))?.event, 'now');
      await setExternal(lab, '203.0.113.20');
      // What the server announces of its own start may still come first.
      const heard: Event[] = [];
      await until('the change is announced', async () => {
        const event = await events.next(EVENTUALLY_MS);
        if (event !== null) heard.push(event);
        return event?.addressChanged === true;
      });
      assert.equal(new Set(heard.map(({ event }) => event)), new Set(['announcement']));
      assert.equal(
        heard.map(({ addressChanged }) => addressChanged),
        [...heard.slice(1).map(() => false), true],
      );
      assert.is(heard.at(-1)?.externalAddress, '203.0.113.20');
      child.kill('SIGTERM');
      assert.equal((await once(child, 'exit'))[0], 0);
    },
    '§3.2.1 watch --count 1 ends with the first announcement': async () => {
      const { child, events } = running('watch', '--count', '1');
      assert.is((await events.next(EVENTUALLY_MS))?.event, 'now');
      const exited = once(child, 'exit');
      await setExternal(lab, EXTERNAL);
      assert.is((await events.next(EVENTUALLY_MS))?.event, 'announcement');
      assert.equal((await exited)[0], 0);
      assert.is(await events.next(0), null);
    },
    '§3.7 keep makes its mapping again at once when an announcement shows lost state': async () => {
      await server.answering();
      const { child, events } = running('keep', '7000', '7001', 'tcp', '3600');
      assert.is((await events.next(EVENTUALLY_MS))?.event, 'mapped');
      await server.kill();
      const again = await Server.start(lab, [], 'state-lost');
      const { event, externalPort } = (await events.next(EVENTUALLY_MS)) ?? { event: 'nothing' };
      assert.is(event, 'recreated');
      assert.is(externalPort, 7001);
      assert.equal(await again.mappings(), [`tcp 7001 -> ${ALICE}:7000`]);
      child.kill('SIGTERM');
      await once(child, 'exit');
      assert.equal(await again.mappings(), []);
    },
  });
}
