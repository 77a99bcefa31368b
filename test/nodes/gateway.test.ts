// The core of what natpmp-server promises, with the launcher, the daemons and natpmpctl run by each supported version
// of Node.

import { readFileSync, statSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { cases } from '../support/cases.js';
import { ALICE, EXTERNAL, openLab, ROUTER } from '../lab/lab.js';
import { isAlive, tcpFlow, until } from '../lab/flows.js';
import { SILENCE_MS } from '../lab/inbox.js';
import { Asker } from '../lab/natpmp.js';
import { Server } from '../lab/server.js';
import { ControlPoint, discover, HTTP_PORT } from '../lab/upnp.js';
import { pinnedNodes } from '../support/nodes.js';

const METRICS = '127.0.0.1:9551';
/** A level of pino's: what is above it is a warning. */
const INFO = 30;
const ROLES = ['helper', 'frontend', 'upnp'] as const;
const nodes = pinnedNodes('the gateway');
const lab = nodes.length === 0 ? null : await openLab();

if (lab !== null) {
  const { alice, outside, router } = lab;
  const asker = await Asker.open(alice, ROUTER);
  const web = await alice.listen(80);
  const rows = nodes.flatMap((node) => [
    { ...node, name: node.version, jit: false },
    { ...node, name: `${node.version} with a JIT`, jit: true },
  ]);

  /** Start one more; what the last row has left, after a failure, is in its way. */
  let server: Server | null = null;
  const start = async (name: string, path: string, flags: readonly string[]): Promise<Server> => {
    await server?.kill();
    return (server = await Server.start(lab, flags, name, { program: path }));
  };

  cases(
    'maps, lets packets in, loses nothing over a crash and a restart, and closes',
    rows,
    async ({ name, path, major, jit }) => {
      const flags = ['--upnp', '--metrics-listen', METRICS, ...(jit ? ['--jit'] : [])];
      const first = await start(name, path, flags);
      await until('natpmp-upnp is ready', async () => first.log.includes('"upnpPort"'));
      for (const role of ROLES) {
        const pid = first.pid(role);
        // By its inode: a node that the daemon's user could not reach is shown to it elsewhere.
        assert.is(statSync(`/proc/${pid}/exe`).ino, statSync(path).ino, `the ${role} is run by another node`);
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        assert.is(words.includes('--jitless'), !jit);
        assert.is(words.includes('--no-expose-wasm'), !jit && major < 24);
      }

      assert.is((await asker.info()).address, EXTERNAL);
      assert.is((await asker.map('tcp', 80, 8080, 600)).externalPort, 8080);
      const flow = await tcpFlow(outside, EXTERNAL, 8080, web);
      assert.is(await discover(alice), `http://${ROUTER}:${HTTP_PORT}/igd.xml`);
      const point = new ControlPoint(alice, ROUTER);
      assert.is(await point.add('UDP', 3074, ALICE, 3074, 600, 'R&amp;D'), null);
      assert.equal(await point.list(), [`TCP 8080 -> ${ALICE}:80 `, `UDP 3074 -> ${ALICE}:3074 R&amp;D`]);
      assert.is(await point.remove('UDP', 3074), null);
      const scraped = await router.run(
        process.execPath,
        '-e',
        `fetch('http://${METRICS}/metrics').then((r) => r.text()).then(console.log)`,
      );
      assert.match(scraped.stdout, /^natpmp_helper_up 1$/m);
      // Before anything is killed or stopped, which the frontend may hear of first.
      assert.equal(warnings(first.log), []);

      await first.killOne('helper');
      await first.answering();
      assert.equal(await first.mappings(), [`tcp 8080 -> ${ALICE}:80`]);
      assert.ok(await isAlive(flow), 'a connection lives through the end of the helper');
      assert.is(await first.stop(), 0, first.log);

      const second = await start(name, path, flags);
      assert.equal(await second.mappings(), [`tcp 8080 -> ${ALICE}:80`]);
      assert.ok(await isAlive(flow), 'and through a restart of everything');
      await tcpFlow(outside, EXTERNAL, 8080, web);
      assert.is((await asker.unmap('tcp', 80)).result, 0);
      await until(
        'the port is closed',
        async () => (await outside.connect(EXTERNAL, 8080, { withinMs: SILENCE_MS })).kind === 'failed',
      );
      assert.equal(warnings(second.log), []);
      assert.is(await second.stop(), 0, second.log);
      assert.equal([...notOurs(first.log), ...notOurs(second.log)], []);
    },
  );
}

/** What node says by itself. */
function notOurs(log: string): readonly string[] {
  return log.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
}

function warnings(log: string): readonly string[] {
  return log.split('\n').filter((line) => line.startsWith('{') && (JSON.parse(line) as { level: number }).level > INFO);
}
