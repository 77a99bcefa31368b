// The shipped units with each supported version of Node as /usr/bin/node, in one booted systemd: each is what the
// router's owner finds after an update of Node and another install.sh. The mapping that was there before is there after
// each.

import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { daemonFlags, NODE_FLAGS } from '../../cli/server/node-flags.js';
import { cases } from '../support/cases.js';
import { isAlive, tcpFlow, until } from '../lab/flows.js';
import { ALICE, EXTERNAL, ROUTER } from '../lab/lab.js';
import { Asker } from '../lab/natpmp.js';
import { pinnedNodes } from '../support/nodes.js';
import { answering, Box, FRONTEND, HELPER, INSTALL } from '../systemd/box.js';

const PINNED = pinnedNodes('the units');
/** 24 first, where nothing is installed yet; the oldest last, which is a step back. */
const NODE_24 = PINNED.find(({ major }) => major === 24)?.path ?? '';
const nodes = [
  ...PINNED.filter(({ path }) => path === NODE_24),
  ...PINNED.filter(({ path }) => path !== NODE_24).reverse(),
];
const MOST_EXPOSED = [
  [FRONTEND, 0.2],
  [HELPER, 0.6],
] as const;
const box = nodes.length === 0 ? null : await Box.open([]);

if (box !== null) {
  const { alice, outside } = box.lab;
  const web = await alice.listen(80);
  const asker = await Asker.open(alice, ROUTER);
  const inBox = (path: string): string => join('/src', path.slice(path.indexOf('/test/nodes/')));
  const use = (path: string) => box.sh(`umount /usr/bin/node; mount --bind '${path}' /usr/bin/node`);
  const again = async (order: string, unit: string): Promise<void> => {
    const pid = await box.pid(unit);
    await box.must('systemctl', ...order.split(' '), unit);
    await until(
      `${unit} runs again`,
      async () => ![0, pid].includes(await box.pid(unit)) && (await box.property(unit, 'SubState')) === 'running',
      30_000,
    );
    await answering(box);
  };

  const refusals = [
    {
      name: 'Node is too old',
      node: '#!/bin/sh\necho v20.14.0\n',
      unit: '',
      says: 'Node v20.14.0 (/usr/bin/node) is too old: 20.15 or newer is needed; nothing was changed',
    },
    {
      name: 'Node does not know a flag of a unit',
      node: '',
      unit: 'natpmp-frontend@.service',
      says:
        'Node v24.21.0 (/usr/bin/node) does not run what natpmp-frontend@.service starts, so nothing was ' +
        'changed: /usr/bin/node: bad option: --no-such-flag',
    },
    {
      name: 'nor of the ruleset',
      node: '',
      unit: 'natpmp-ruleset.service',
      says:
        'Node v24.21.0 (/usr/bin/node) does not run what natpmp-ruleset.service starts, so nothing was ' +
        'changed: /usr/bin/node: bad option: --no-such-flag',
    },
  ];
  cases('install.sh refuses, and changes nothing, where', refusals, async ({ node, unit, says }) => {
    await box.sh(`rm -rf /root/src; mkdir /root/src; cp -R /src/systemd /root/src/; printf '${node.replaceAll('\n', '\\n')}' >/root/node; chmod 755 /root/node
      for part in dist node_modules package.json package-lock.json completions man scripts; do ln -s /src/$part /root/src/; done
      [ -z '${unit}' ] || sed -i 's/--jitless/--jitless --no-such-flag/' '/root/src/systemd/${unit}'`);
    await use(node === '' ? inBox(NODE_24) : '/root/node');
    const { status, stdout, stderr } = await box.run(...INSTALL.map((word) => word.replace('/src/', '/root/src/')));
    assert.equal({ status, stdout, stderr }, { status: 72, stdout: '', stderr: `install.sh: ${says}\n` });
    assert.is(await box.sh('find /etc /run /usr /var -xdev -name "*natpmp*"'), '');
  });

  cases(
    'installed, restarted and killed',
    nodes.map((node) => ({ ...node, name: node.version })),
    async ({ version, path }) => {
      await use(inBox(path));
      const since = (await box.must('date', '+%s.%N')).trim();
      await box.must(...INSTALL);
      await answering(box);
      for (const [unit, most] of MOST_EXPOSED) {
        assert.is(await box.sh(`/proc/${await box.pid(unit)}/exe --version`), `v${version}\n`, unit);
        const said = await box.must('systemd-analyze', 'security', '--no-pager', unit);
        assert.ok(Number(/Overall exposure level for \S+: ([0-9.]+)/.exec(said)?.[1]) <= most, said);
      }

      assert.is((await asker.info()).address, EXTERNAL);
      assert.is((await asker.map('tcp', 80, 8080, 600)).externalPort, 8080);
      const flow = await tcpFlow(outside, EXTERNAL, 8080, web);
      for (const order of ['restart', 'kill --kill-whom=main --signal=KILL']) {
        for (const unit of [HELPER, FRONTEND]) {
          await again(order, unit);
          assert.equal(await box.mappings(), [`tcp 8080 -> ${ALICE}:80`], `${order} ${unit}`);
          assert.ok(await isAlive(flow), `${order} ${unit}`);
        }
      }
      await tcpFlow(outside, EXTERNAL, 8080, web);
      assert.match((await box.get('http://127.0.0.1:9551/metrics')).text, /^natpmp_helper_up 1$/m);

      // Of ours there are JSON lines and those of the scripts; what node itself has to say would be another.
      const journal = await box.must(
        'journalctl',
        '--no-pager',
        '-o',
        'cat',
        `--since=@${since}`,
        '-u',
        HELPER,
        '-u',
        FRONTEND,
        '-u',
        'natpmp-ruleset.service',
        '_TRANSPORT=stdout',
      );
      assert.match(journal, /"msg":"serving"/);
      assert.equal(
        journal
          .split('\n')
          .filter((line) => line !== '' && !/^(\{|natpmp-ruleset: table inet nat installed$)/.test(line)),
        [],
      );
      assert.is(await box.must('systemctl', '--failed', '--quiet'), '');
    },
  );

  cases(
    'with a JIT: installed, and restarted',
    nodes.map((node) => ({ ...node, name: node.version })),
    async ({ version, path, major }) => {
      await use(inBox(path));
      const since = (await box.must('date', '+%s.%N')).trim();
      await box.must(...INSTALL, '--jit', 'yes');
      await answering(box);
      for (const unit of [HELPER, FRONTEND]) {
        assert.is(await box.sh(`/proc/${await box.pid(unit)}/exe --version`), `v${version}\n`, unit);
        assert.equal(
          (await box.sh(`cat /proc/${await box.pid(unit)}/cmdline`)).split('\0').slice(1, NODE_FLAGS.strict.length + 2),
          [
            ...daemonFlags(true, major),
            `/usr/local/lib/natpmp-server/dist/${unit === HELPER ? 'helper' : 'frontend'}/main.js`,
          ],
        );
        await again('restart', unit);
      }
      assert.equal(await box.mappings(), [`tcp 8080 -> ${ALICE}:80`]);
      await tcpFlow(outside, EXTERNAL, 8080, web);
      const journal = await box.must(
        'journalctl',
        '--no-pager',
        '-o',
        'cat',
        `--since=@${since}`,
        '-u',
        HELPER,
        '-u',
        FRONTEND,
        '_TRANSPORT=stdout',
      );
      assert.equal(
        journal.split('\n').filter((line) => line !== '' && !line.startsWith('{')),
        [],
      );
      assert.is(await box.must('systemctl', '--failed', '--quiet'), '');
    },
  );
}
