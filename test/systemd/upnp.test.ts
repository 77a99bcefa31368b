// UPnP under a real systemd, installed by install.sh: off unless it is asked for, served to its LAN alone, and back after
// whatever ends it.

import * as assert from 'uvu/assert';
import type { Finding } from '../../cli/natpmpctl/finding.js';
import { isAlive, tcpFlow, until } from '../lab/flows.js';
import type { Host } from '../lab/host.js';
import { SILENCE_MS } from '../lab/inbox.js';
import { ALICE, CAROL, EXTERNAL, GUEST_ROUTER, ROUTER, setExternal } from '../lab/lab.js';
import { cases, claims } from '../support/cases.js';
import { ControlPoint, discover, GATEWAY_DEVICE, get, http, HTTP_PORT, SSDP_GROUP, SSDP_PORT } from '../lab/upnp.js';
import { answering, Box, FRONTEND, HELPER, INSTALL, UPNP } from './box.js';

const SOCKETS = ['natpmp-upnp@br\\x2dlan.socket', 'natpmp-ssdp@br\\x2dlan.socket'] as const;
/** What a busy machine may take for anything here. */
const DEADLINE_MS = 30_000;
const install = (...more: readonly string[]): readonly string[] => [...INSTALL, ...more];
/** The LOCATION that a search is answered with; null if it is not. */
const find = (host: Host, to: string, withinMs?: number): Promise<string | null> =>
  discover(host, to, GATEWAY_DEVICE, withinMs);
const box = await Box.open();

if (box !== null) {
  const { lab } = box;
  const { alice, outside } = lab;
  const carol = lab.carol ?? alice;
  const isServed = async (): Promise<boolean> => (await find(alice, SSDP_GROUP, 1000)) !== null;
  const served = (): Promise<void> => until('UPnP is served', isServed, DEADLINE_MS);
  /** Wait until a host can map a port: the helper is behind it. */
  const mapping = (): Promise<void> =>
    until(
      'a port is mapped',
      async () => (await new ControlPoint(alice, ROUTER).add('UDP', 4001, ALICE, 4001, 60)) === null,
      DEADLINE_MS,
    );
  const listening = async (): Promise<string> =>
    (await box.must('ss', '-Hlntu'))
      .split('\n')
      .filter((line) => /:(1900|2869|9651) /.test(line))
      .join('\n');

  await answering(box);
  claims('installed by install.sh without a word of UPnP', {
    'nothing of it runs or listens, and nobody is answered': async () => {
      assert.is(await listening(), '');
      assert.is(
        await box.must('systemctl', 'list-units', '--plain', '--no-legend', 'natpmp-upnp*', 'natpmp-ssdp*'),
        '',
      );
      assert.is(await find(alice, SSDP_GROUP, SILENCE_MS), null);
      assert.equal(await http(alice, ROUTER, 'GET / HTTP/1.0\r\n\r\n'), { status: 0, body: 'ECONNREFUSED' });
    },
    'a port of metrics that leaves none for UPnP: nothing is changed': async () => {
      const { status, stderr } = await box.run(...INSTALL.slice(0, -1), '65436', '--upnp', 'yes');
      assert.is(status, 2);
      assert.match(stderr, /^install\.sh: --metrics-port 65436: the last port would be 65537/);
      assert.is(await listening(), '');
    },
    'neither yes nor no: nothing is changed': async () => {
      const { status, stderr } = await box.run(...install('--upnp', 'on'));
      assert.equal([status, stderr.trim()], [2, 'install.sh: --upnp on: yes or no']);
      assert.is(await listening(), '');
    },
  });

  cases(
    'install.sh --upnp yes refuses, and changes nothing',
    [
      {
        name: 'where miniupnpd runs',
        make: 'cp /usr/bin/sleep /run/miniupnpd; systemd-run --quiet --unit=other-igd -p Type=exec /run/miniupnpd 600',
        undo: 'systemctl stop other-igd; rm /run/miniupnpd',
        says: /^install\.sh: --upnp yes: miniupnpd runs, another UPnP gateway: .*nothing was changed$/m,
      },
      {
        name: 'where it starts at the next boot',
        make: "printf '[Service]\\nExecStart=true\\n[Install]\\nWantedBy=multi-user.target\\n' >/etc/systemd/system/miniupnpd.service; systemctl enable --quiet miniupnpd",
        undo: 'systemctl disable --quiet miniupnpd; rm /etc/systemd/system/miniupnpd.service; systemctl daemon-reload',
        says: /^install\.sh: --upnp yes: miniupnpd, another UPnP gateway, starts at the next boot: .*nothing was changed$/m,
      },
      {
        name: 'where the daemon does not take the flags of the frontends',
        make: 'sed -i "s/^NATPMP_FRONTEND=.*/NATPMP_FRONTEND=--no-such-flag/" /etc/natpmp-server/gateway.env',
        undo: 'sed -i "s/^NATPMP_FRONTEND=.*/NATPMP_FRONTEND=/" /etc/natpmp-server/gateway.env',
        says: /would not start with .*, so nothing was changed: .*--no-such-flag/,
      },
    ],
    async ({ make, undo, says }) => {
      await box.sh(make);
      const { status, stderr } = await box.run(...install('--upnp', 'yes'));
      await box.sh(undo);
      assert.ok([2, 69, 72].includes(status), `${status}`);
      assert.match(stderr, says);
      assert.is(await listening(), '');
    },
  );

  claims('install.sh --upnp yes', {
    'metrics of a LAN have a port that leaves none for those of UPnP: refused, nothing is changed': async () => {
      const drop = '/etc/systemd/system/natpmp-metrics@br\\x2dlan.socket.d';
      const before = await box.sh(`cp -a '${drop}' /root/drop; cd /etc/systemd/system; ls -R . | sha256sum`);
      await box.sh(`echo ListenStream=127.0.0.1:65500 >'${drop}/port.conf'`);
      const { status, stderr } = await box.run(
        ...['sh', '/src/systemd/install.sh', '--external-interface', 'wan0'],
        ...['--listen-interface', 'br-lan', '--upnp', 'yes'],
      );
      assert.is(status, 2, stderr);
      assert.match(stderr, /--metrics-port 65500, which is set for br-lan: the last port would be 65600/);
      assert.is(
        await box.sh(`cat /root/drop/port.conf >'${drop}/port.conf'; cd /etc/systemd/system; ls -R . | sha256sum`),
        before,
      );
    },
    'another miniupnpd, in a network of its own, is no obstacle': async () => {
      await box.sh(
        'cp /usr/bin/sleep /run/miniupnpd; systemd-run --quiet --unit=other-igd -p Type=exec -p PrivateNetwork=yes /run/miniupnpd 600',
      );
      await box.must(...install('--upnp', 'yes'));
      await box.sh('systemctl stop other-igd; rm /run/miniupnpd');
      await served();
    },
    'systemd finds nothing to complain about, and nothing has failed': async () => {
      const { stdout, stderr } = await box.run(
        'systemd-analyze',
        'verify',
        '--man=no',
        UPNP,
        ...SOCKETS,
        'natpmp-upnp-metrics@br\\x2dlan.socket',
      );
      assert.is(stdout + stderr, '');
      assert.is(await box.must('systemctl', '--failed', '--quiet'), '');
      assert.is(await box.sh('journalctl -b -o cat | grep -E "natpmp.*(ignoring|Unknown|Failed)" || true'), '');
    },
    'each LAN has a process and a user of its own, and none is that of another daemon': async () => {
      const users = new Set<string>();
      const units = [HELPER, FRONTEND, UPNP, UPNP.replace('lan', 'guest')];
      for (const pid of await box.running(units)) users.add(await box.must('stat', '-c', '%u', `/proc/${pid}`));
      assert.is(users.size, units.length);
    },
    'the sockets are bound to the LAN, by two means': async () => {
      const open = await listening();
      for (const lan of ['br-lan', 'br-guest'])
        for (const port of [SSDP_PORT, HTTP_PORT]) assert.ok(open.includes(`0.0.0.0%${lan}:${port} `), open);
      for (const socket of SOCKETS)
        assert.is(await box.property(socket, 'RestrictNetworkInterfaces'), 'br-lan', socket);
    },
    'a host finds it by multicast and by the address, each within a second; the description is where the reply says':
      async () => {
        for (const to of [SSDP_GROUP, ROUTER]) {
          const location = new URL((await find(alice, to, 1000)) ?? 'none:');
          assert.is(location.origin, `http://${ROUTER}:${HTTP_PORT}`, to);
          const { status, body } = await get(alice, ROUTER, location.pathname);
          assert.is(status, 200);
          assert.match(body, /InternetGatewayDevice:1</);
        }
      },
    'natpmpctl doctor and status see it': async () => {
      const all = JSON.parse(await box.must('natpmpctl', 'doctor', '--json')) as Finding[];
      const units = all.filter(({ check }) => check === 'units').map(({ says }) => says);
      for (const unit of [UPNP, UPNP.replace('lan', 'guest')])
        assert.ok(
          units.some((says) => says.startsWith('active: ') && says.includes(unit)),
          units.join('; '),
        );
      const findings = all.filter(({ check }) => check.startsWith('UPnP') || check === 'sandbox');
      assert.equal(
        findings.filter(({ verdict }) => verdict !== 'ok'),
        [],
      );
      for (const [lan, address] of [
        ['br-lan', ROUTER],
        ['br-guest', GUEST_ROUTER],
      ] as const)
        assert.ok(
          findings.some(({ says }) =>
            says.startsWith(`a search on ${lan} finds http://${address}:${HTTP_PORT}/igd.xml: Connected, `),
          ),
          lan,
        );
      assert.is((await box.must('natpmpctl', 'status')).match(/^upnp: +pid \d+, up /gm)?.length, 2);
    },
    'a host maps a port, and an outside host comes through': async () => {
      assert.is(await new ControlPoint(alice, ROUTER).add('TCP', 8080, ALICE, 8080, 600, 'R&amp;D'), null);
      assert.ok((await box.mappings()).includes(`tcp 8080 -> ${ALICE}:8080`));
      await tcpFlow(outside, EXTERNAL, 8080, await alice.listen(8080));
    },
    'so does a guest in its LAN; the port of another host is refused': async () => {
      assert.is(await new ControlPoint(carol, GUEST_ROUTER).add('TCP', 9000, CAROL), null);
      assert.is(await new ControlPoint(carol, GUEST_ROUTER).add('TCP', 8080, CAROL), 718);
    },
    'what programs have called their mappings is told to root and the group natpmp alone': async () => {
      const script = `require('node:http').get({ socketPath: '/run/natpmp/upnp-br-lan.sock', path: '/mappings' },
        (reply) => reply.pipe(process.stdout))`;
      const [told = ''] = (await box.must('/usr/bin/node', '-e', script)).split('\n');
      assert.equal(JSON.parse(told), { protocol: 'tcp', externalPort: 8080, description: 'R&D' });
      assert.is((await box.must('stat', '-c', '%a %U %G', '/run/natpmp/upnp-br-lan.sock')).trim(), '660 root natpmp');
    },
    'metrics are served to the router itself, 100 ports above those of the frontend': async () => {
      for (const port of [9651, 9652]) {
        const { status, text } = await box.get(`http://127.0.0.1:${port}/metrics`);
        assert.is(status, 200);
        assert.match(text, /\n# EOF\n$/);
      }
      assert.is((await alice.connect(ROUTER, 9651, { withinMs: SILENCE_MS })).kind, 'failed');
    },
    'systemctl reload reaches it, and restarts nothing': async () => {
      const pid = await box.pid(UPNP);
      await box.sh(`echo 'rule = deny ${ALICE}' >>/etc/natpmp-server/gateway.conf`);
      await box.must('systemctl', 'reload', HELPER);
      await until(
        'alice is denied',
        async () => (await new ControlPoint(alice, ROUTER).add('TCP', 8088, ALICE)) === 606,
      );
      await box.sh("sed -i '/^rule = deny/d' /etc/natpmp-server/gateway.conf");
      await box.must('systemctl', 'reload', HELPER);
      await mapping();
      assert.is(await box.pid(UPNP), pid);
    },
  });

  claims('nobody else', {
    'the outside gets no answer, of the external address or of that in the LAN': async () => {
      await outside.run('ip', 'route', 'replace', '192.168.0.0/16', 'via', EXTERNAL);
      for (const address of [EXTERNAL, ROUTER]) {
        assert.is(await find(outside, address, SILENCE_MS), null);
        assert.equal(
          await http(outside, address, 'GET / HTTP/1.0\r\n\r\n'),
          { status: 0, body: 'ECONNREFUSED' },
          address,
        );
      }
    },
    'a guest gets none of the other LAN': async () => {
      assert.is(await find(carol, ROUTER, SILENCE_MS), null);
      assert.is.not((await get(carol, ROUTER, '/igd.xml')).status, 200);
    },
  });

  claims('back after trouble', {
    'each daemon is killed: mappings and their connections stay, and ports can be mapped again': async () => {
      const web = await alice.listen(8090);
      assert.is(await new ControlPoint(alice, ROUTER).add('TCP', 8090, ALICE), null);
      const flow = await tcpFlow(outside, EXTERNAL, 8090, web);
      for (const unit of [UPNP, HELPER]) {
        const before = await box.pid(unit);
        await box.must('systemctl', 'kill', '--signal=KILL', unit);
        await until('it runs again', async () => ![0, before].includes(await box.pid(unit)), DEADLINE_MS);
        await served();
        await mapping();
        assert.ok(await isAlive(flow), unit);
      }
    },
    'NAT-PMP goes on while UPnP is dead, and the other way round': async () => {
      await box.sh(`systemctl kill --signal=STOP '${UPNP}'`);
      await answering(box);
      await box.sh(`systemctl kill --signal=CONT '${UPNP}'; systemctl kill --signal=STOP '${FRONTEND}'`);
      await served();
      await mapping();
      await box.sh(`systemctl kill --signal=CONT '${FRONTEND}'`);
      await answering(box);
    },
    'started while there is no external address: it is found all the same, and maps when there is one': async () => {
      await setExternal(lab, null);
      await box.must('systemctl', 'restart', UPNP);
      await served();
      await setExternal(lab, EXTERNAL);
      await mapping();
    },
    'six crashes in a row: it is started again, and its sockets listen': async () => {
      for (let times = 0; times < 6; times++) {
        const before = await box.pid(UPNP);
        await box.must('systemctl', 'kill', '--signal=KILL', UPNP);
        await until('it runs again', async () => ![0, before].includes(await box.pid(UPNP)), DEADLINE_MS);
      }
      await served();
      assert.is(await box.must('systemctl', '--failed', '--quiet'), '');
    },
    'metrics that are turned off are off for UPnP too, and come back with those of the frontends': async () => {
      await box.must(...INSTALL.slice(0, -1), 'off');
      await served();
      assert.not.match(await listening(), /:9651 /);
      await box.must(...INSTALL);
      await served();
      assert.is((await box.get('http://127.0.0.1:9651/metrics')).status, 200);
    },
    'what is not said stays: installed again without the word': async () => {
      await box.must(...INSTALL);
      await served();
      await mapping();
      assert.match(await listening(), /127\.0\.0\.1:9651 /);
    },
  });

  claims('another TCP port', {
    'is that of a drop-in: install.sh keeps it and tells it; what gateway.conf says of UPnP has no effect, and is warned of':
      async () => {
        const conf = '/etc/natpmp-server/gateway.conf';
        await box.sh(
          `printf '[Socket]\\nListenStream=\\nListenStream=0.0.0.0:5000\\n' >'/etc/systemd/system/${SOCKETS[0]}.d/other-port.conf'; echo 'upnp = no' >>${conf}`,
        );
        const { status, stdout, stderr } = await box.run(...INSTALL);
        assert.is(status, 0, stderr);
        assert.match(stdout, /^upnp: .* UDP port 1900 and TCP port 5000 from br-lan, /m);
        assert.match(stdout, /^upnp: .* UDP port 1900 and TCP port 2869 from br-guest, /m);
        assert.match(
          stderr,
          /^install\.sh: warning: .*gateway\.conf:\d+: upnp: has no effect with the systemd units: /m,
        );
        await served();
        const location = new URL((await find(alice, SSDP_GROUP)) ?? 'none:');
        assert.is(location.origin, `http://${ROUTER}:5000`);
        await box.sh(`sed -i '/^upnp = no/d' ${conf}`);
      },
  });

  claims('stopped', {
    'install.sh says so where another program keeps port 1900 to itself': async () => {
      await box.must('systemctl', 'stop', 'natpmp-server.target');
      const script = 'const s = require("dgram").createSocket("udp4"); s.bind({ port: 1900, exclusive: true })';
      await box.must('systemd-run', '--quiet', '--unit=media-server', '/usr/bin/node', '-e', script);
      await until('it has the port', async () => (await listening()).includes(':1900 '));
      const { status, stderr } = await box.run(...INSTALL);
      assert.is(status, 69);
      assert.match(stderr, /^install\.sh: natpmp-ssdp@br\\x2dlan\.socket cannot listen.*ss -lntup/m);
      await box.must('systemctl', 'stop', 'media-server');
      await box.must(...INSTALL);
      await served();
    },
    'with --upnp no nothing is left of it but its mappings, which revoke ends, and NAT-PMP goes on': async () => {
      const heard = await alice.udp({ port: SSDP_PORT, join: { group: SSDP_GROUP, on: ALICE } });
      await box.must(...install('--upnp', 'no'));
      await until('byebye is heard', async () => /ssdp:byebye/.test((await heard.receiveText(100)) ?? ''), DEADLINE_MS);
      heard.close();
      await answering(box);
      assert.is(await listening(), '');
      assert.is(await find(alice, SSDP_GROUP, SILENCE_MS), null);
      assert.is(await box.sh('find /etc/systemd/system -path "*upnp@*" -o -path "*ssdp@*" | grep "@b" || true'), '');
      assert.is(await box.must('systemctl', '--failed', '--quiet'), '');
      assert.ok((await box.mappings()).includes(`tcp 8080 -> ${ALICE}:8080`));
      assert.match(await box.must('natpmpctl', 'revoke', '--origin', 'upnp', '--yes'), /^\d+ mappings? removed$/m);
      assert.not.ok((await box.mappings()).some((line) => line.startsWith('tcp 8080 ')));
    },
  });
}
