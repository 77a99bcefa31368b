// That every mapped port is closed when an administrator says so, whatever has become of settings, records and units by then.

import * as assert from 'uvu/assert';
import { cases, claims } from '../support/cases.js';
import { tcpFlow } from '../lab/flows.js';
import { SILENCE_MS } from '../lab/inbox.js';
import { EXTERNAL, ROUTER } from '../lab/lab.js';
import { Asker } from '../lab/natpmp.js';
import { answering, Box } from './box.js';

const INSTALL = [
  'sh',
  '/src/systemd/install.sh',
  '--external-interface',
  'wan0',
  '--listen-interface',
  'br-lan',
] as const;
const REMOVE = ['sh', '/src/systemd/install.sh', '--remove'] as const;
const box = await Box.open(INSTALL);

if (box !== null) {
  const { alice, outside } = box.lab;
  const web = await alice.listen(8080);
  await box.sh('cp -a /etc/natpmp-server /root/settings');

  /** The gateway runs with its own settings, and a connection from outside comes through. */
  const open = async (): Promise<void> => {
    await box.sh('rm -rf /etc/natpmp-server; cp -a /root/settings /etc/natpmp-server');
    await box.must('systemctl', 'start', 'natpmp-server.target');
    await answering(box);
    const asker = await Asker.open(alice, ROUTER);
    assert.is((await asker.map('tcp', 8080, 8080, 3600)).externalPort, 8080);
    asker.udp.close();
    await tcpFlow(outside, EXTERNAL, 8080, web);
  };
  const isClosed = async (): Promise<void> => {
    assert.not.match(await box.must('nft', 'list', 'ruleset'), /natpmp-server/);
    assert.is((await outside.connect(EXTERNAL, 8080, { withinMs: SILENCE_MS })).kind, 'failed');
  };

  const RENAME = "sed -i 's/--nat-chain NATPMP/--nat-chain OTHER/' gateway.env";
  const WRONG = "echo 'max-lifetme = 5' >>gateway.conf";
  const FORGET = 'rm -r /run/private/natpmp-ruleset';
  cases(
    'systemctl stop natpmp-table.service closes every port',
    [
      { name: 'with a wrong line in gateway.conf', damage: WRONG },
      { name: 'with another chain in gateway.env, which is not in force yet', damage: RENAME },
      { name: 'with a flag in gateway.env that does not exist', damage: "sed -i 's/--nat-chain/--chain/' gateway.env" },
      { name: 'without any settings', damage: 'rm gateway.conf gateway.env interfaces.env' },
      { name: 'without a record of what is installed', damage: FORGET },
      { name: 'without a record, with a wrong line', damage: `${FORGET}; ${WRONG}` },
      { name: 'without a record, with another chain', damage: `${FORGET}; ${RENAME}` },
    ],
    async ({ damage }) => {
      await open();
      await box.sh(`cd /etc/natpmp-server; ${damage}`);
      await box.must('systemctl', 'stop', 'natpmp-table.service');
      await isClosed();
      assert.is(await box.property('natpmp-table.service', 'Result'), 'success');
    },
  );

  const FAILS = '/etc/systemd/system/natpmp-table.service.d';
  claims('install.sh --remove', {
    'closes what natpmp-table.service has failed to, with a wrong line and another chain in the settings': async () => {
      await open();
      await box.sh(
        `mkdir ${FAILS}; printf '[Service]\\nExecStop=\\nExecStop=/bin/false\\n' >${FAILS}/fails.conf; systemctl daemon-reload`,
      );
      await box.must('systemctl', 'stop', 'natpmp-table.service');
      assert.is(await box.property('natpmp-table.service', 'ActiveState'), 'failed');
      await tcpFlow(outside, EXTERNAL, 8080, web);
      await box.sh(`cd /etc/natpmp-server; ${WRONG}; ${RENAME}`);
      assert.match(await box.must(...REMOVE), /^removed$/m);
      await isClosed();
      assert.is(await box.sh("systemctl list-units --all --plain --no-legend 'natpmp-*'"), '');
    },
    'with another chain in gateway.env, which is not in force yet': async () => {
      await box.must(...INSTALL);
      await open();
      await box.sh(`cd /etc/natpmp-server; ${RENAME}`);
      await box.must(...REMOVE);
      await isClosed();
    },
    'says so if it cannot, removes nothing, and can be run again': async () => {
      await box.must(...INSTALL);
      await open();
      await box.sh('mount --bind /bin/false /usr/sbin/nft');
      const { status, stdout, stderr } = await box.run(...REMOVE);
      await box.sh('umount /usr/sbin/nft');
      assert.is(status, 69, stdout + stderr);
      assert.match(stderr, /^install\.sh: .*nothing was removed/m);
      await tcpFlow(outside, EXTERNAL, 8080, web);
      await box.sh('ls /etc/natpmp-server/gateway.conf /etc/systemd/system/natpmp-table.service');
      await box.must(...REMOVE);
      await isClosed();
    },
  });
}
