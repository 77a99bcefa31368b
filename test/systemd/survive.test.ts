// What the units survive: crashes, freezes, crash loops, a lost ruleset, restarts of each part, all while LAN hosts
// ask.

import * as assert from 'uvu/assert';
import { cases, claims } from '../support/cases.js';
import { isAlive, tcpFlow, until } from '../lab/flows.js';
import { brokenPromises } from '../lab/busy-clients.js';
import { ALICE, BOB, EXTERNAL, MASQUERADE, ROUTER } from '../lab/lab.js';
import { Asker } from '../lab/natpmp.js';
import { answering, Box, FRONTEND, HELPER } from './box.js';
import { startLoad } from './load.js';
import { startStream } from './stream.js';

const DEADLINE_MS = 30_000;
const WATCHDOG_SECONDS = 2;
const box = await Box.open();

if (box !== null) {
  const { lab } = box;
  const { alice, bob, outside } = lab;
  // Many mappings, and no ten seconds of waiting for a watchdog.
  await box.sh(`sed -i 's/max-mappings-per-ip = 100/max-mappings-per-ip = 5000/' /etc/natpmp-server/gateway.conf
    for unit in natpmp-helper.service natpmp-frontend@.service; do
      mkdir -p "/run/systemd/system/$unit.d"
      printf '[Service]\\nWatchdogSec=${WATCHDOG_SECONDS}\\n' > "/run/systemd/system/$unit.d/test.conf"
    done
    systemctl daemon-reload; systemctl restart natpmp-server.target`);
  await answering(box);
  const asker = await Asker.open(alice, ROUTER);

  const signal = async (unit: string, name: string): Promise<void> => {
    await box.must('systemctl', 'kill', '--kill-whom=main', `--signal=${name}`, unit);
  };
  /** Resolves when another process runs than before, and is ready. */
  const replaced = (unit: string, pid: number) =>
    until(
      `${unit} runs again`,
      async () => {
        const now = await box.pid(unit);
        return now !== 0 && now !== pid && (await box.property(unit, 'SubState')) === 'running';
      },
      DEADLINE_MS,
    );
  const crash = async (unit: string, times = 1): Promise<void> => {
    for (let time = 0; time < times; time++) {
      await replaced(unit, 0);
      const pid = await box.pid(unit);
      await signal(unit, 'SIGKILL');
      await replaced(unit, pid);
    }
  };
  const freeze = async (unit: string): Promise<void> => {
    const pid = await box.pid(unit);
    await signal(unit, 'SIGSTOP');
    await replaced(unit, pid);
    assert.match(await box.log(unit), /Watchdog timeout/);
  };

  const troubles = [
    { name: 'kill -9 of the frontend', trouble: () => crash(FRONTEND) },
    { name: 'kill -9 of the helper', trouble: () => crash(HELPER) },
    { name: 'restart of the frontend', trouble: () => box.must('systemctl', 'restart', FRONTEND) },
    { name: 'restart of the helper', trouble: () => box.must('systemctl', 'restart', HELPER) },
    {
      name: 'restart of everything, sockets too',
      trouble: () => box.must('systemctl', 'restart', 'natpmp-server.target'),
    },
    { name: 'a frozen frontend, found by the watchdog', trouble: () => freeze(FRONTEND) },
    { name: 'a frozen helper, found by the watchdog', trouble: () => freeze(HELPER) },
    { name: 'six crashes of the frontend in a row', trouble: () => crash(FRONTEND, 6) },
    { name: 'six crashes of the helper in a row', trouble: () => crash(HELPER, 6) },
    { name: 'nft flush ruleset', trouble: () => lab.nft(`flush ruleset; ${MASQUERADE}`) },
    { name: 'nft flush table: its comment stays, its rules go', trouble: () => lab.nft('flush table inet nat') },
    { name: 'systemctl daemon-reexec', trouble: () => box.must('systemctl', 'daemon-reexec') },
  ];
  let port = 1024;
  cases('under load, no acknowledged lease is lost', troubles, async ({ trouble }) => {
    await answering(box);
    await Promise.all([asker.unmap('udp', 0), (await Asker.open(bob, ROUTER)).unmap('udp', 0)]);
    const loads = await Promise.all([startLoad(alice, ALICE, port), startLoad(bob, BOB, port + 2000)]);
    port += 4000;
    await Promise.all(loads.map((load) => load.more(40)));
    await trouble();
    await answering(box);
    await Promise.all(loads.map((load) => load.more(40)));
    const promises = await Promise.all(loads.map((load) => load.stop()));
    const table = await box.mappings();
    assert.equal(brokenPromises(table, promises), []);
    await until(
      'the kernel holds the same',
      async () => {
        const { in: inbound, out, live } = await box.elements();
        return [inbound, out, live].every((set) => `${set}` === `${[...table].sort()}`);
      },
      DEADLINE_MS,
    );
  });

  claims('a flow through a mapping', {
    'lives through a restart of everything, and of the helper after its death': async () => {
      const web = await alice.listen(8080);
      assert.is((await asker.map('tcp', 8080, 8080, 600)).result, 0);
      const flow = await tcpFlow(outside, EXTERNAL, 8080, web);
      await box.must('systemctl', 'restart', 'natpmp-server.target');
      assert.ok(await isAlive(flow));
      await crash(HELPER);
      assert.ok(await isAlive(flow));
      web.close();
    },
  });

  const ends = [
    // What it had taken from the socket and not answered yet is gone with it.
    { name: 'restart of the frontend', unit: FRONTEND, trouble: () => box.must('systemctl', 'restart', FRONTEND) },
    { name: 'kill -9 of the frontend', unit: FRONTEND, trouble: () => crash(FRONTEND) },
    { name: 'restart of the helper', unit: HELPER, trouble: () => box.must('systemctl', 'restart', HELPER) },
    { name: 'kill -9 of the helper', unit: HELPER, trouble: () => crash(HELPER) },
  ];
  cases(
    'of one request each 10 ms, none but those in flight stays without an answer',
    ends,
    async ({ name, trouble }) => {
      await answering(box);
      const stream = await startStream(alice);
      await stream.sent(30);
      await trouble();
      await answering(box);
      const { unanswered, slowestMs } = await stream.stop();
      console.log(`  ${name}: ${unanswered} without an answer, the slowest after ${Math.round(slowestMs)} ms`);
      assert.ok(unanswered <= 2, `${unanswered} without an answer`);
    },
  );

  claims('start', {
    'the time from the order to restart the helper to the first answered request': async () => {
      const times: number[] = [];
      for (let time = 0; time < 3; time++) {
        const startMs = performance.now();
        await box.must('systemctl', 'restart', '--no-block', HELPER);
        const old = await Asker.open(alice, ROUTER);
        await until(
          'the helper is another one',
          async () => (await box.property(HELPER, 'SubState')) !== 'running' || performance.now() - startMs > 200,
        );
        await answering(box);
        old.udp.close();
        times.push(performance.now() - startMs);
      }
      console.log(`  helper restarted and answering after ${times.map(Math.round).join(', ')} ms`);
      assert.ok(Math.min(...times) < 10_000);
    },
    'after all that, nothing has failed, and nothing has stopped listening': async () => {
      assert.is(await box.must('systemctl', '--failed', '--quiet'), '');
      const sockets = await box.must(
        'systemctl',
        'list-units',
        '--plain',
        '--no-legend',
        '--state=active',
        'natpmp-*.socket',
      );
      // Four of the helper's; for each of the two LANs one for requests, one for addresses, two for metrics.
      assert.is(sockets.trim().split('\n').length, 12);
    },
    'stopped by its target, all is quiet, and the mappings stay until their time': async () => {
      assert.is((await asker.map('udp', 4000, 4000, 600)).result, 0);
      await box.must('systemctl', 'stop', 'natpmp-server.target');
      await until(
        'nothing runs',
        async () =>
          // What would delete the table stays.
          /^natpmp-table\.service .*\n$/.test(
            await box.must(
              'systemctl',
              'list-units',
              '--plain',
              '--no-legend',
              '--state=active,activating',
              'natpmp-*.socket',
              'natpmp-*.service',
            ),
          ),
        DEADLINE_MS,
      );
      assert.ok((await box.elements()).in.includes(`udp 4000 -> ${ALICE}:4000`));
      await box.must('systemctl', 'start', 'natpmp-server.target');
      await answering(box);
      assert.ok((await box.mappings()).includes(`udp 4000 -> ${ALICE}:4000`));
    },
  });
}
