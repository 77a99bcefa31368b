// The gateway as an administrator gets it from install.sh: what it answers, and to whom.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Finding } from '../../cli/natpmpctl/finding.js';
import { commandsIn } from '../docs/shown.js';
import { cases, claims } from '../support/cases.js';
import { tcpFlow, until } from '../lab/flows.js';
import { SILENCE_MS } from '../lab/inbox.js';
import { ALICE, CAROL, EXTERNAL, GUEST_ROUTER, ROUTER, setExternal } from '../lab/lab.js';
import { Asker, PORT } from '../lab/natpmp.js';
import { answering, Box, FRONTEND, GUEST_FRONTEND, HELPER, INSTALL } from './box.js';

const METRICS = 'natpmp-metrics@br\\x2dlan.socket';
const SECOND_ADDRESS = '192.168.1.254';
const box = await Box.open();

if (box !== null) {
  const { lab } = box;
  const { alice, outside } = lab;
  const carol = lab.carol ?? alice;
  await answering(box);
  const web = await alice.listen(8080);

  claims('installed by install.sh', {
    'systemd finds nothing to complain about in the units, and nothing has failed': async () => {
      const { stdout, stderr } = await box.run(
        'systemd-analyze',
        'verify',
        '--man=no',
        'natpmp-server.target',
        HELPER,
        FRONTEND,
        FRONTEND.replace('service', 'socket'),
        METRICS,
        'natpmp-ruleset.service',
      );
      assert.is(stdout + stderr, '');
      assert.is(await box.must('systemctl', '--failed', '--quiet'), '');
      assert.is(await box.sh('journalctl -b -o cat | grep -E "natpmp.*(ignoring|Unknown|Failed)" || true'), '');
    },
    'this systemd judges their exposure as the one of units.test.ts does': async () => {
      const said = await box.sh(
        'cd /etc/systemd/system; systemd-analyze security --no-pager --offline=true natpmp-*.service | grep Overall',
      );
      const levels = [...said.matchAll(/natpmp-(\w+)\S*: ([0-9.]+)/g)].map(([, name, level]) => `${name} ${level}`);
      assert.equal(levels.sort(), [
        'frontend 0.2',
        'helper 0.6',
        'metrics 0.2',
        'own 1.1',
        'reload 0.7',
        'ruleset 1.1',
        'table 1.1',
        // The daemon, and what passes its metrics on.
        'upnp 0.2',
        'upnp 0.2',
      ]);
    },
    'all daemons have said that they are ready, each as a user of its own': async () => {
      const users = new Set<string>();
      for (const pid of await box.running([HELPER, FRONTEND, GUEST_FRONTEND]))
        users.add(await box.must('stat', '-c', '%u', `/proc/${pid}`));
      assert.is(users.size, 3);
    },
    'a service of the router that starts later: its port is no longer given, a mapping there ends, no daemon restarts':
      async () => {
        const units = [HELPER, FRONTEND, GUEST_FRONTEND];
        const pids = await box.running(units);
        const asker = await Asker.open(alice, ROUTER);
        assert.is((await asker.map('tcp', 7777, 7777, 60)).externalPort, 7777);
        const script = 'require("net").createServer().listen(7777, "0.0.0.0")';
        await box.must('systemd-run', '--quiet', '--unit=own-service', '/usr/bin/node', '-e', script);
        await until(
          'its mapping has ended',
          async () => !(await box.mappings()).some((line) => /^tcp 7777/.test(line)),
          40_000,
        );
        await until(
          'another port is given',
          async () => (await asker.map('tcp', 7777, 7777, 60)).externalPort !== 7777,
        );
        assert.equal(await Promise.all(units.map((unit) => box.pid(unit))), pids);
        await box.must('systemctl', 'stop', 'own-service');
        await asker.unmap('tcp', 7777);
      },
    'a port that is forwarded by hand is kept from the LAN, too': async () => {
      await box.must(
        'nft',
        'table inet hand { chain c { type nat hook prerouting priority dstnat; tcp dport { 7778-7780 } ' +
          'dnat ip to 192.168.1.3; }; }',
      );
      const file = () => box.sh('cat /run/private/natpmp-ports/reserved.conf');
      await until('it is found', async () => /^reserved-ports = .*\b7778-7780\b/m.test(await file()), 40_000);
      const asker = await Asker.open(alice, ROUTER);
      await until('another port is given', async () => {
        const { externalPort } = await asker.map('tcp', 7779, 7779, 60);
        await asker.unmap('tcp', 7779);
        return externalPort !== 7779;
      });
      await box.must('nft', 'delete table inet hand');
    },
    "a user's UDP socket is kept from the LAN, too: on a port that the kernel may choose, at the second look":
      async () => {
        const script = 'for (const port of [20000, 51413]) require("dgram").createSocket("udp4").bind(port)';
        await box.must('systemd-run', '--quiet', '--unit=torrent', '--uid=nobody', '/usr/bin/node', '-e', script);
        await until('they are open', async () => /:51413 /.test(await box.must('ss', '-Hlun')));
        for (let look = 0; look < 2; look++) await box.must('systemctl', 'start', 'natpmp-own-ports');
        const reserved = await box.sh('cat /run/private/natpmp-ports/reserved.conf');
        assert.match(reserved, /\b20000\b/);
        assert.match(reserved, /\b51413\b/);
        const asker = await Asker.open(alice, ROUTER);
        await until('another port is given', async () => {
          const { externalPort } = await asker.map('udp', 51413, 51413, 60);
          await asker.unmap('udp', 51413);
          return externalPort !== 51413;
        });
        await box.must('systemctl', 'stop', 'torrent');
      },
    'what keeps the ports from being known is a warning in the journal, once': async () => {
      const warnings = async (): Promise<readonly string[]> =>
        (await box.must('journalctl', '--quiet', '-o', 'cat', '-p', 'warning', '-u', 'natpmp-own-ports'))
          .split('\n')
          .slice(0, -1);
      const saidAfter = async (change: string): Promise<readonly string[]> => {
        const before = (await warnings()).length;
        await box.sh(change);
        for (let look = 0; look < 3; look++) await box.must('systemctl', 'start', 'natpmp-own-ports');
        await box.must('journalctl', '--sync');
        return (await warnings()).slice(before);
      };
      assert.equal(await saidAfter(':'), []);
      const [unread = '', ...more] = await saidAfter(
        `nft 'table inet hand { chain c { type nat hook prerouting priority dstnat; meta mark 5 dnat ip to 192.168.1.3; }; }'`,
      );
      assert.match(unread, /^natpmp-own-ports: .*\bhand\b.* mark 5/);
      assert.equal(more, []);
      assert.equal(await saidAfter('nft delete table inet hand'), []);
      const file = '/etc/natpmp-server/gateway.conf';
      const [why = '', ...rest] = await saidAfter(
        `cp ${file} /tmp/before.conf; echo no-key >>${file}; rm /run/private/natpmp-ports/seen`,
      );
      assert.match(why, /^natpmp-own-ports: .*no-key/);
      assert.equal(rest, ['natpmp-own-ports: ports that the router needs itself are not known']);
      assert.equal(await saidAfter(`cp /tmp/before.conf ${file}`), []);
    },
    '10,000 sockets do not keep the daemons from starting': async () => {
      const script =
        'for (let port = 20000; port < 40000; port += 2) require("dgram").createSocket("udp4").bind({ port, exclusive: true })';
      await box.must('systemd-run', '--quiet', '--unit=many', '-p', 'LimitNOFILE=15000', '/usr/bin/node', '-e', script);
      await until('they are open', async () => Number(await box.sh('wc -l </proc/net/udp')) > 10_000, 20_000);
      const file = () => box.sh('cat /run/private/natpmp-ports/reserved.conf');
      await until('they are found', async () => /\b39998\b/.test(await file()), 40_000);
      await box.must('systemctl', 'restart', HELPER);
      await answering(box);
      await box.must('systemctl', 'stop', 'many');
    },
    'systemctl reload puts other rules in force, in all processes, and restarts none': async () => {
      const units = [HELPER, FRONTEND, GUEST_FRONTEND];
      const pids = await box.running(units);
      const asker = await Asker.open(alice, ROUTER);
      await box.sh(
        `cp /etc/natpmp-server/gateway.conf /tmp/before.conf; echo 'rule = deny ${ALICE}' >>/etc/natpmp-server/gateway.conf`,
      );
      assert.match(await box.must('natpmpctl', 'check-config', '/etc/natpmp-server/gateway.conf'), /: good/);
      await box.must('systemctl', 'reload', HELPER);
      await until('alice is denied', async () => (await asker.map('tcp', 8088, 8088, 60)).result === 2);
      await box.sh('cp /tmp/before.conf /etc/natpmp-server/gateway.conf');
      await box.must('systemctl', 'reload', HELPER);
      await until('alice is allowed', async () => (await asker.map('tcp', 8088, 8088, 60)).result === 0);
      await asker.unmap('tcp', 8088);
      assert.equal(await Promise.all(units.map((unit) => box.pid(unit))), pids);
    },
    'a LAN host maps a port, and an outside host comes through': async () => {
      const asker = await Asker.open(alice, ROUTER);
      assert.is((await asker.info()).address, EXTERNAL);
      const { result, externalPort } = await asker.map('tcp', 8080, 8080, 600);
      assert.equal({ result, externalPort }, { result: 0, externalPort: 8080 });
      await tcpFlow(outside, EXTERNAL, 8080, web);
      await asker.unmap('tcp', 8080);
      assert.is((await outside.connect(EXTERNAL, 8080, { withinMs: SILENCE_MS })).kind, 'failed');
    },
    'the other LAN has a frontend of its own, and the same table': async () => {
      const asker = await Asker.open(carol, GUEST_ROUTER);
      assert.is((await asker.map('udp', 9000, 9000, 600)).result, 0);
      assert.ok((await box.mappings()).includes(`udp 9000 -> ${CAROL}:9000`));
      const { externalPort } = await (await Asker.open(alice, ROUTER)).map('udp', 9000, 9000, 600);
      assert.is.not(externalPort, 9000);
    },
    'a new external address is announced to the LAN, from port 5351': async () => {
      const listener = await alice.udp({ port: 5350, join: { group: '224.0.0.1', on: ALICE } });
      await setExternal(lab, '203.0.113.77');
      const heard = await listener.receive();
      assert.is(heard?.address, ROUTER);
      assert.is(heard?.port, PORT);
      await setExternal(lab, EXTERNAL);
      const asker = await Asker.open(alice, ROUTER);
      await until('the address is back', async () => (await asker.info().catch(() => null))?.address === EXTERNAL);
      listener.close();
    },
    'another address of the LAN: the reply comes from the one that was asked': async () => {
      await lab.ip(`addr add ${SECOND_ADDRESS}/24 dev br-lan`);
      await box.must(...INSTALL);
      await answering(box);
      const socket = await alice.udp();
      const isTold = async () => {
        socket.send('0000', ROUTER, PORT);
        return (await socket.receive(250)) !== null;
      };
      await until('the frontend knows the external address', isTold);
      for (const address of [SECOND_ADDRESS, ROUTER, SECOND_ADDRESS]) {
        socket.send('0000', address, PORT);
        assert.is((await socket.receive())?.address, address);
      }
      socket.close();
    },
  });

  claims('natpmpctl doctor, under systemd', {
    'sees units, sandbox, sockets and state, and finds nothing wrong': async () => {
      const findings = JSON.parse(await box.must('natpmpctl', 'doctor', '--json')) as Finding[];
      assert.equal(
        findings
          .filter(({ verdict, says }) => verdict !== 'ok' && !says.includes('is in memory'))
          .map(({ check, says }) => `${check}: ${says}`),
        Array.from(
          { length: 2 },
          () => 'request: not asked: requests are taken from LAN hosts only, not from the router itself',
        ),
      );
      for (const check of ['units', 'sandbox', 'socket', 'ruleset'])
        assert.ok(
          findings.some((finding) => finding.check === check && finding.verdict === 'ok'),
          check,
        );
    },
    'its page and its completion are there': async () => {
      assert.match(
        await box.sh('ls /usr/local/share/man/man8 /usr/local/share/man/man1'),
        /natpmp-client\.1[\s\S]*natpmpctl\.8/,
      );
      assert.is(
        await box.must(
          'bash',
          '-c',
          '. /usr/local/share/bash-completion/completions/natpmpctl && complete -p natpmpctl',
        ),
        'complete -F _natpmpctl natpmpctl\n',
      );
    },
  });

  const URL = 'http://127.0.0.1:9551/metrics';
  claims('metrics', {
    'are served to the router itself, of each LAN on a port of its own': async () => {
      for (const url of [URL, URL.replace('9551', '9552')]) {
        const { status, text } = await box.get(url);
        assert.is(status, 200);
        assert.match(text, /^natpmp_helper_up 1$/m);
        assert.match(text, /^natpmp_requests_total\{opcode="map_tcp",result="success"\} \d+$/m);
        assert.match(text, /\n# EOF\n$/);
      }
    },
    'and to nobody else, whatever address the socket is given': async () => {
      for (const address of [ROUTER, EXTERNAL]) {
        assert.is((await alice.connect(address, 9551, { withinMs: SILENCE_MS })).kind, 'failed');
      }
      const dropIn = `/etc/systemd/system/${METRICS}.d/port.conf`;
      await box.sh(
        `sed -i 's/127.0.0.1/0.0.0.0/' '${dropIn}'; systemctl daemon-reload; systemctl restart natpmp-server.target`,
      );
      await answering(box);
      assert.is((await alice.connect(ROUTER, 9551, { withinMs: SILENCE_MS })).kind, 'failed');
      await box.sh(
        `sed -i 's/0.0.0.0/127.0.0.1/' '${dropIn}'; systemctl daemon-reload; systemctl restart natpmp-server.target`,
      );
      await answering(box);
      assert.is((await box.get(URL)).status, 200);
    },
    'are back after the frontend was killed, and after the helper was': async () => {
      for (const unit of [FRONTEND, HELPER]) {
        await box.must('systemctl', 'kill', '--signal=KILL', unit);
        await until(
          'the metrics are back',
          // The one that was killed may have taken the connection.
          async () => (await box.get(URL).catch(() => null))?.text.includes('\nnatpmp_helper_up 1\n') === true,
        );
      }
      await answering(box);
    },
  });

  claims('the journal', {
    'has the priority of each line, and the line without it': async () => {
      await (await Asker.open(alice, ROUTER)).map('udp', 8181, 8181, 600);
      const lines = async () =>
        (await box.must('journalctl', '--no-pager', '-o', 'json', '-u', HELPER, '-u', FRONTEND))
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as { PRIORITY: string; MESSAGE: string });
      await until('it is in the journal', async () => (await lines()).some(({ MESSAGE }) => MESSAGE.includes('8181')));
      const ours = (await lines())
        .filter(({ MESSAGE }) => MESSAGE.startsWith('{'))
        .map(({ PRIORITY, MESSAGE }) => ({ PRIORITY, ...(JSON.parse(MESSAGE) as { level: number; msg: string }) }));
      const { PRIORITY, level, ...fields } = ours.find(
        ({ msg, ...more }) => msg === 'granted' && 'externalPort' in more && more.externalPort === 8181,
      )!;
      assert.equal(fields, {
        name: 'natpmp-helper',
        protocol: 'udp',
        externalPort: 8181,
        internalAddress: ALICE,
        internalPort: 8181,
        origin: 'dynamic',
        lifetime: 600,
        msg: 'granted',
      });
      assert.equal([...new Set(ours.map((line) => `${line.level} ${line.PRIORITY}`))].sort(), ['30 6', '40 4']);
    },
  });

  const STRANGER = '10.9.9.9';
  await alice.run('ip', 'addr', 'add', `${STRANGER}/32`, 'dev', 'lo');
  cases(
    'silence',
    [
      { name: 'to the outside that asks the external address', host: outside, from: '0.0.0.0', to: EXTERNAL },
      { name: 'to the outside that asks the address in the LAN', host: outside, from: '0.0.0.0', to: ROUTER },
      { name: 'to the guest LAN that asks the address of the LAN', host: carol, from: '0.0.0.0', to: ROUTER },
      { name: 'to the LAN that asks the external address', host: alice, from: '0.0.0.0', to: EXTERNAL },
      {
        name: 'to an address that no route leads to in the LAN',
        host: alice,
        from: STRANGER,
        to: ROUTER,
      },
    ],
    async ({ host, from, to }) => {
      await outside.run('ip', 'route', 'replace', '192.168.0.0/16', 'via', EXTERNAL);
      const socket = await host.udp({ address: from });
      socket.send('0000', to, PORT);
      assert.is(await socket.receive(SILENCE_MS), null);
      socket.close();
      assert.is((await (await Asker.open(alice, ROUTER)).info()).result, 0, 'and the LAN is answered');
    },
  );

  claims('install.sh, where another program has the port', {
    'says so, and that nothing is served': async () => {
      await box.must('systemctl', 'stop', 'natpmp-server.target');
      const script = `const s = require("dgram").createSocket("udp4"); s.bind(${PORT}, "${ROUTER}")`;
      await box.must('systemd-run', '--quiet', '--unit=other-gateway', '/usr/bin/node', '-e', script);
      await until('it has the port', async () => (await box.must('ss', '-Hlun', `sport = :${PORT}`)).includes(ROUTER));
      const { status, stdout, stderr } = await box.run(...INSTALL);
      assert.is(status, 69, stdout + stderr);
      assert.match(stderr, /^install\.sh: natpmp-frontend@br\\x2dlan\.socket cannot listen.*ss -lntup/m);
      assert.not.match(stdout, /^installed/m);
    },
    'serves when that is gone': async () => {
      await box.must('systemctl', 'stop', 'other-gateway');
      await box.must(...INSTALL);
      await answering(box);
    },
  });

  cases(
    'installed by who has the umask',
    ['000', '027', '077'].map((name) => ({ name })),
    async ({ name: umask }) => {
      const installed = () =>
        box.sh(
          "find /etc/natpmp-server /etc/sysusers.d /etc/systemd/system /usr/local ! -type l -printf '%m %u %g %p\\n' | sort",
        );
      const before = await installed();
      assert.match(before, /^644 root root \/etc\/natpmp-server\/interfaces\.env$/m);
      assert.not.match(before, /^\d*[2367] /m, 'others write nothing');
      await box.sh('systemctl stop natpmp-server.target && rm -r /etc/natpmp-server /etc/sysusers.d/natpmp.conf');
      await box.must('sh', '-c', `umask ${umask}; exec "$@"`, 'sh', ...INSTALL);
      assert.is(await installed(), before);
      await answering(box);
      // So many starts in a short time are what systemd limits.
      await box.sh('systemctl reset-failed');
    },
  );

  const nothingIsLeft = async (): Promise<void> => {
    assert.is(await box.sh('find /etc /run /usr /var -xdev -name "*natpmp*" -not -path "/run/systemd/*"'), '');
    assert.is(await box.sh('getent group natpmp || true'), '');
    assert.is(
      await box.must(
        'systemctl',
        'list-units',
        '--all',
        '--plain',
        '--no-legend',
        'natpmp-*.service',
        'natpmp-*.socket',
      ),
      '',
    );
    const ruleset = await box.must('nft', 'list', 'ruleset');
    assert.not.match(ruleset, /NATPMP/);
    assert.match(ruleset, /table inet nat \{\n(\tcomment "natpmp-server"\n)?\tchain theirs/);
    assert.match(ruleset, /table ip nat \{\n\tchain DOCKER/);
  };
  claims('uninstalled as docs/systemd.md says', {
    'by install.sh --remove: nothing is left, and what others have in the same tables stays': async () => {
      await box.sh('nft "table inet nat { chain theirs { }; }; table ip nat { chain DOCKER { }; }"');
      await box.must('sh', '/src/systemd/install.sh', '--remove');
      await nothingIsLeft();
      await box.must(...INSTALL);
      await answering(box);
    },
    'nothing is left': async () => {
      const page = readFileSync(join(import.meta.dirname, '../../../docs/systemd.md'), 'utf8');
      const commands = commandsIn('docs/systemd.md', page.split('\n## Uninstall\n')[1]?.split('\n## ')[0] ?? '').map(
        ({ command }) => command,
      );
      const [script, ...steps] = commands;
      assert.equal([script, steps.length], ['sh systemd/install.sh --remove', 4]);
      await box.sh(steps.join('\n'));
      await nothingIsLeft();
    },
  });
}
