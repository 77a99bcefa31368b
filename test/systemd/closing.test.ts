// That every mapped port is closed when an administrator says so, whatever has become of settings, records and units by then.

import * as assert from 'uvu/assert';
import { cases, claims } from '../support/cases.js';
import { tcpFlow } from '../lab/flows.js';
import { SILENCE_MS } from '../lab/inbox.js';
import { EXTERNAL, GUEST_ROUTER, ROUTER } from '../lab/lab.js';
import { Asker, PORT } from '../lab/natpmp.js';
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
const box = await Box.open([]);

if (box !== null) {
  const { alice, outside } = box.lab;
  const web = await alice.listen(8080);
  const install = async (...command: readonly string[]): Promise<void> => {
    await box.must(...command);
    await box.sh('rm -rf /root/settings; cp -a /etc/natpmp-server /root/settings');
  };
  await install(...INSTALL);

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

  claims('a LAN that install.sh is no longer told', {
    'is no longer served, nothing of it is left, and the others go on': async () => {
      const { carol } = box.lab;
      assert.ok(carol !== null);
      // What begins with the same name is another LAN.
      await box.must(
        'sh',
        '-ec',
        'ip link add br-guest.7 type bridge; ip addr add 192.168.7.1/24 dev br-guest.7; ip link set br-guest.7 up',
      );
      const named = (...lans: string[]) => [...INSTALL, ...lans.flatMap((lan) => ['--listen-interface', lan])];
      await box.sh(
        'cd /etc/systemd/system; for kind in frontend upnp; do mkdir "natpmp-$kind@.socket.d"; echo "[Socket]" >"natpmp-$kind@.socket.d/mine.conf"; done',
      );
      const whole = [
        ...named('br-guest', 'br-guest.7'),
        '--upnp',
        'yes',
        '--pinholes',
        'yes',
        '--metrics-port',
        '9551',
      ];
      await install(...whole);
      await open();
      const asker = await Asker.open(carol, GUEST_ROUTER);
      assert.is((await asker.map('tcp', 9000, 9000, 600)).externalPort, 9000);
      await tcpFlow(outside, EXTERNAL, 9000, await carol.listen(9000));
      const ofLan = async (lan: string) =>
        (await box.sh('find /etc -name "*natpmp*@*" -o -name "br-guest*" | sort'))
          .split('\n')
          .filter(
            (path) =>
              path.includes(`${lan}.socket`) ||
              path.includes(`${lan}.service`) ||
              path.endsWith(`${lan}.env`) ||
              path.includes(`${lan}.device`),
          );
      const listed = async (lan: string) =>
        (await box.must('systemctl', 'list-units', '--plain', '--no-legend', '--state=active,activating,failed'))
          .split('\n')
          .flatMap((line) => line.split(' ')[0] ?? [])
          .filter((unit) => unit.includes(`@${lan}.s`))
          .sort();
      const [kept, active] = [await ofLan('br\\x2dguest.7'), await listed('br\\x2dguest.7')];
      assert.ok((await listed('br\\x2dguest')).length > 10 && (await ofLan('br\\x2dguest')).length > 10);

      assert.match(
        await box.must(...named('br-guest.7')),
        /^br-guest is not named any more, so it is no longer served$/m,
      );
      assert.equal(await listed('br\\x2dguest'), []);
      assert.equal(await ofLan('br\\x2dguest'), []);
      assert.is(
        await box.sh('ls /etc/natpmp-server'),
        'br-guest.7.env\nbr-lan.env\ngateway.conf\ngateway.env\ninterfaces.env\n',
      );
      await box.sh(
        'ls /etc/systemd/system/natpmp-frontend@.socket.d/mine.conf /etc/systemd/system/natpmp-upnp@.socket.d/mine.conf',
      );
      const socket = await carol.udp();
      socket.send('0000', GUEST_ROUTER, PORT);
      assert.is(await socket.receive(SILENCE_MS), null);
      socket.close();
      await answering(box);
      assert.equal(await ofLan('br\\x2dguest.7'), kept);
      assert.equal(await listed('br\\x2dguest.7'), active);
      await tcpFlow(outside, EXTERNAL, 8080, web);
      // The mapping ends with its time, and leads nowhere until then.
      assert.is((await outside.connect(EXTERNAL, 9000, { withinMs: SILENCE_MS })).kind, 'failed');
    },
    'and is served when it is named again': async () => {
      await install(
        ...INSTALL,
        '--listen-interface',
        'br-guest',
        '--upnp',
        'no',
        '--pinholes',
        'no',
        '--metrics-port',
        'off',
      );
      await answering(box);
      assert.is((await (await Asker.open(box.lab.carol ?? alice, GUEST_ROUTER)).info()).result, 0);
      await box.sh(
        'ls /etc/systemd/system/natpmp-upnp@.socket.d/mine.conf; rm -r /etc/systemd/system/natpmp-*@.socket.d',
      );
    },
  });

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
      await install(...INSTALL);
      await open();
      await box.sh(`cd /etc/natpmp-server; ${RENAME}`);
      await box.must(...REMOVE);
      await isClosed();
    },
    'says so if it cannot, removes nothing, and can be run again': async () => {
      await install(...INSTALL);
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

  const PARTS = 'find /etc /run /usr /var -xdev -name "*natpmp*" -not -path "/run/systemd/*" | sort';
  cases(
    'install.sh --remove ends well, and nothing is left of',
    [
      { name: 'what was never installed', before: ':' },
      {
        name: 'half of an installation',
        before: `mount -t tmpfs -o ro full /usr/local/share; ! ${INSTALL.join(' ')}; umount /usr/local/share; mkdir /usr/local/lib/natpmp-server.new`,
      },
      {
        name: 'with units that only another release has',
        before: `${INSTALL.join(' ')}; cd /etc/systemd/system; systemctl stop natpmp-table.service; rm natpmp-table.service
          printf '[Service]\\nExecStart=sleep infinity\\n' >natpmp-other.service; systemctl daemon-reload; systemctl start natpmp-other.service natpmp-server.target`,
      },
      {
        name: 'a state folder that is a mount point, and what libnatpmp has beside',
        before: `mkdir -p -m 700 /var/lib/private; mkdir /var/lib/private/natpmp-server; mount -t tmpfs state /var/lib/private/natpmp-server
          ${INSTALL.join(' ')}; touch /usr/local/share/man/man1/natpmpc.1 /usr/local/bin/natpmpc`,
        left: ['/usr/local/bin/natpmpc', '/usr/local/share/man/man1/natpmpc.1', '/var/lib/private/natpmp-server'],
      },
      {
        name: 'what was removed, and lies under a program of another',
        before:
          'rm -f /usr/local/share/man/man1/natpmpc.1 /usr/local/bin/natpmpc; umount /var/lib/private/natpmp-server; rmdir /var/lib/private/natpmp-server; touch /usr/local/bin/natpmp-client',
        left: ['/usr/local/bin/natpmp-client'],
      },
    ],
    async ({ before, left = [] }) => {
      await box.sh(before);
      const { status, stdout, stderr } = await box.run(...REMOVE);
      assert.is(status, 0, stdout + stderr);
      assert.match(stdout, /^removed$/m);
      assert.equal((await box.sh(PARTS)).split('\n').filter(Boolean), left);
      assert.is(await box.sh("systemctl list-units --all --plain --no-legend 'natpmp-*'"), '');
      assert.not.match(await box.must('nft', 'list', 'ruleset'), /natpmp-server/);
      assert.is(await box.sh('getent group natpmp || true'), '');
      for (const folder of left.filter((path) => path.startsWith('/var/')))
        assert.is(await box.sh(`ls -A ${folder}`), '');
    },
  );
  claims('install.sh --remove where /etc is read-only', {
    'stops and closes, says what it cannot delete, and can be run again': async () => {
      await box.sh('rm -f /usr/local/bin/natpmp-client');
      await install(...INSTALL);
      await open();
      await box.sh('mount --bind /etc /etc; mount -o remount,bind,ro /etc');
      const { status, stdout, stderr } = await box.run(...REMOVE);
      await box.sh('umount /etc');
      assert.is(status, 74, stdout + stderr);
      assert.match(stderr, /^install\.sh: .*cannot be deleted: \/etc\/systemd\/system\/natpmp-/m);
      await isClosed();
      await box.must(...REMOVE);
      assert.is(await box.sh(PARTS), '');
    },
  });
}
