// What is not ours on the same router: two gateways, each for a WAN of its own, and others' tables that come and go.

import * as assert from 'uvu/assert';
import { atEnd, cases, claims } from '../support/cases.js';
import { cable, Namespace } from '../support/network.js';
import { isAlive, tcpFlow, until } from '../lab/flows.js';
import { Host } from '../lab/host.js';
import { ALICE, CAROL, EXTERNAL, GUEST_ROUTER, MASQUERADE, openLab, ROUTER } from '../lab/lab.js';
import { Asker } from '../lab/natpmp.js';
import { elementsOf } from '../lab/nft-elements.js';
import { Server } from '../lab/server.js';

/** The second WAN: the router's address, and a host behind it. */
const EXTERNAL_TWO = '192.0.2.10';
const OUTSIDE_TWO = '192.0.2.1';

const lab = await openLab({ guest: true });

if (lab !== null && lab.carol !== null) {
  const { router, alice, outside, carol } = lab;
  const namespace = await Namespace.open();
  atEnd(() => namespace.close());
  await cable(
    { in: router.namespace, device: 'wan1', addresses: [`${EXTERNAL_TWO}/24`] },
    { in: namespace, device: 'eth0', addresses: [`${OUTSIDE_TWO}/24`] },
  );
  const outsideTwo = await Host.start('outside two', namespace);
  atEnd(() => outsideTwo.stop());
  // What comes from the guests' LAN leaves by the second WAN.
  await lab.ip(`route add default via ${OUTSIDE_TWO} table 100`);
  await lab.ip('rule add iif br-guest table 100 priority 100');
  await lab.ip('rule add to 192.168.0.0/16 lookup main priority 50');
  await lab.nft('table ip lab { chain postrouting { oifname "wan1" masquerade; }; }');
  const { stdout: firewall } = await router.run('nft', 'list', 'ruleset');

  const first = await Server.start(lab, [], 'one');
  const [askAlice, askCarol] = [await Asker.open(alice, ROUTER), await Asker.open(carol, GUEST_ROUTER)];
  const [web, guests] = [await alice.listen(80), await carol.listen(80)];

  const TWO = ['--external-interface', 'wan1', '--listen-interface', 'br-guest'];
  cases(
    'two gateways',
    [
      { name: 'in tables of their own', names: ['--nat-table', 'nat2', '--nat-chain', 'PMP2'], chain: 'PMP2' },
      { name: 'in the same table', names: ['--nat-chain', 'NATPMP2'], chain: 'NATPMP2' },
      { name: 'one name the beginning of the other', names: ['--nat-chain', 'NATPMP-b'], chain: 'NATPMP-b' },
    ],
    async ({ names, chain }) => {
      const second = await Server.start(lab, [...TWO, ...names], chain);
      await until('the second serves', async () => (await askCarol.info().catch(() => null))?.result === 0);
      assert.is((await askAlice.map('tcp', 80, 8080, 600)).externalPort, 8080);
      assert.is((await askCarol.map('tcp', 80, 8080, 600)).externalPort, 8080);
      const flows = [
        await tcpFlow(outside, EXTERNAL, 8080, web),
        await tcpFlow(outsideTwo, EXTERNAL_TWO, 8080, guests),
      ] as const;
      assert.ok((await isAlive(flows[0])) && (await isAlive(flows[1])));

      // One of them loses its rules, and installs them again; the other does not notice.
      const restarts = (log: string): number => log.split('the ruleset is gone').length - 1;
      const before = restarts(first.log);
      await lab.nft('flush chain inet nat NATPMP-live');
      await until('the first is back', async () =>
        /started/.test((await router.run('nft', 'list', 'chain', 'inet', 'nat', 'NATPMP-live')).stdout),
      );
      await until('it serves', async () => (await askAlice.map('tcp', 80, 8080, 600).catch(() => null))?.result === 0);
      const listing = await first.ruleset();
      assert.equal(elementsOf(listing).in, [`tcp 8080 -> ${ALICE}:80`]);
      assert.equal(elementsOf(listing, chain).in, [`tcp 8080 -> ${CAROL}:80`]);
      assert.ok((await isAlive(flows[0])) && (await isAlive(flows[1])));

      // The end of one mapping ends its connections, and not those of the other gateway.
      assert.is((await askCarol.unmap('tcp', 80)).result, 0);
      assert.ok(await isAlive(flows[0]));
      flows[1].caller.send('more');
      assert.is(await flows[1].caller.receive(), 'ECONNRESET');
      assert.is(await second.stop(), 0);
      await until('the first has said so', async () => restarts(first.log) > before);
      assert.equal([restarts(first.log) - before, restarts(second.log)], [1, 0]);
      await outside.connect(EXTERNAL, 8080).then((one) => (one.kind === 'connected' ? one.connection.close() : null));
      await web.accept();
    },
  );

  const script =
    (rules: string): (() => Promise<unknown>) =>
    () =>
      lab.nft(rules);
  const RESTORE = '*nat\n:PREROUTING ACCEPT\n:POSTROUTING ACCEPT\n-A POSTROUTING -o wan0 -j MASQUERADE\nCOMMIT\n';
  cases<{ name: string; load: () => Promise<unknown>; keeps: RegExp }>(
    'while it serves, somebody else loads',
    [
      {
        name: 'a whole ruleset with a table ip nat',
        load: script(
          'flush ruleset; table ip nat { chain postrouting { type nat hook postrouting priority srcnat; oifname "wan0" masquerade; }; }',
        ),
        keeps: /table ip nat \{\n\tchain postrouting/,
      },
      {
        name: 'a whole ruleset with a table inet nat',
        load: script(
          'flush ruleset; table inet nat { chain postrouting { type nat hook postrouting priority srcnat; oifname "wan0" masquerade; }; }',
        ),
        keeps: /\n\tchain postrouting \{\n\t\ttype nat hook postrouting priority srcnat;/,
      },
      {
        name: 'the rules of iptables',
        load: () => router.namespace.must('iptables-nft-restore', [], RESTORE),
        keeps: /table ip nat \{(.*\n)*?.*oifname "wan0"/,
      },
      {
        name: 'a whole ruleset without any of ours, again',
        load: script(`flush ruleset; ${firewall}`),
        keeps: /table ip lab/,
      },
    ],
    async ({ load, keeps }) => {
      await until('it serves', async () => (await askAlice.map('tcp', 80, 8080, 600).catch(() => null))?.result === 0);
      await load();
      const lostMs = performance.now();
      await until(
        'a new connection arrives',
        async () => (await outside.connect(EXTERNAL, 8080, { withinMs: 100 })).kind === 'connected',
      );
      const tookMs = performance.now() - lostMs;
      await web.accept();
      assert.ok(tookMs < 5000, `${tookMs} ms`);
      assert.match((await router.run('nft', 'list', 'ruleset')).stdout, keeps);
      await until('it serves', async () => (await askAlice.map('tcp', 80, 8080, 600).catch(() => null))?.result === 0);
    },
  );

  claims('the end', {
    'the gateway has never given up': async () => {
      assert.ok(!/giv(en|ing) up|cannot start/.test(first.log), first.log);
      assert.is(await first.stop(), 0);
      await lab.nft(`flush ruleset; ${MASQUERADE}`);
    },
  });
}
