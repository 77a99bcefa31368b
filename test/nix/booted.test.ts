// The units that NixOS would write, started by a real systemd, with the package as its install step makes it: they get
// ready, answer the LAN, and have everything back after a reload of the firewall. With NATPMP_NIXPKGS the text is of
// the real NixOS.

import * as assert from 'uvu/assert';
import { claims, skip } from '../support/cases.js';
import { isAlive, tcpFlow, until } from '../lab/flows.js';
import type { Host } from '../lab/host.js';
import { SILENCE_MS, SOON_MS } from '../lab/inbox.js';
import { ALICE, EXTERNAL, GUEST_ROUTER, ROUTER } from '../lab/lab.js';
import { Asker } from '../lab/natpmp.js';
import { ControlPoint, discover, GATEWAY_DEVICE, http, HTTP_PORT, SSDP_GROUP } from '../lab/upnp.js';
import type { Box } from '../systemd/box.js';
import { answering, FRONTEND, GUEST_FRONTEND, HELPER, UPNP } from '../systemd/box.js';
import { firewall } from './firewall.js';
import { FOREIGN, Machine, TREE } from './machine.js';
import { evaluate, hasNix, router } from './nix.js';
import { FILTER_OUTPUT, PERSISTENCE } from './said.js';

/** The LOCATION that a search is answered with; null if it is not. */
const find = (host: Host, to: string, withinMs?: number): Promise<string | null> =>
  discover(host, to, GATEWAY_DEVICE, withinMs);

/** Start these programs from within a unit, in the daemon's place; how each attempt ends. */
async function execute(box: Box, unit: string, programs: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const folder = `/run/systemd/system/${unit}.d`;
  await box.sh(`mkdir -p '${folder}'; cat >'${folder}/attempt.conf' <<EOF
[Service]
Type=exec
Restart=no
WatchdogSec=0
ExecStart=
ExecStart=/usr/bin/node --jitless /src/dist/test/nix/attempt.js ${programs.join(' ')}
EOF
systemctl daemon-reload; systemctl restart '${unit}'`);
  let line: string | undefined;
  await until(
    'the attempt has ended',
    async () => {
      line = (await box.log(unit)).split('\n').find((one) => one.startsWith('{"attempt"'));
      return line !== undefined;
    },
    30_000,
  );
  await box.sh(
    `rm '${folder}/attempt.conf'; systemctl daemon-reload; systemctl restart natpmp-server.target '${unit}'`,
  );
  return (JSON.parse(line ?? '{}') as { attempt: Record<string, string> }).attempt;
}

if (!hasNix) skip('the units of the NixOS module, booted', 'no nix-instantiate (Debian: nix-bin)');
const machine = hasNix ? await Machine.open() : null;

if (machine !== null) {
  const { box } = machine;
  const evaluated = evaluate(
    `{
    networking.nftables.enable = true;
    networking.firewall.filterForward = true;
    services.natpmp-server = {
      enable = true; externalInterface = "wan0"; natTable = "portmap"; maxMappingsPerClient = 3; openFirewall = true; upnp.enable = true;
      reservedPortRanges = [ { from = 9100; to = 9199; } ];
      listenInterfaces = { br-lan.listenAddresses = [ "${ROUTER}/24" ]; br-guest.listenAddresses = [ "${GUEST_ROUTER}/24" ]; };
    };
  }`,
    TREE,
  );
  await machine.switchTo(evaluated);
  await answering(box);
  const { alice, outside } = box.lab;
  await until('UPnP is served', async () => (await find(alice, SSDP_GROUP, 1000)) !== null, 30_000);
  const web = await alice.listen(8080);
  const asker = await Asker.open(alice, ROUTER);

  claims('booted', {
    'systemd finds nothing to complain about': async () => {
      const { stdout, stderr } = await box.run(
        'systemd-analyze',
        'verify',
        '--man=no',
        'natpmp-server.target',
        HELPER,
        FRONTEND,
        FRONTEND.replace('service', 'socket'),
        UPNP,
        UPNP.replace('service', 'socket'),
        UPNP.replace('upnp', 'ssdp').replace('service', 'socket'),
        'natpmp-ruleset.service',
      );
      assert.is(stdout + stderr, '');
      await box.running([HELPER, FRONTEND, GUEST_FRONTEND, UPNP]);
    },
    'exposed no more than the units of systemd/': async () => {
      for (const [unit, most] of [
        [FRONTEND, 0.2],
        [UPNP, 0.2],
        [HELPER, 0.6],
      ] as const) {
        const said = await box.must('systemd-analyze', 'security', '--no-pager', unit);
        const level = Number(/Overall exposure level for \S+: ([0-9.]+)/.exec(said)?.[1]);
        assert.ok(level <= most, `${unit}: ${level}`);
      }
    },
    'a LAN host maps a port, and an outside host comes through': async () => {
      assert.is((await asker.info()).address, EXTERNAL);
      assert.is((await asker.map('tcp', 8080, 8080, 600)).externalPort, 8080);
      await tcpFlow(outside, EXTERNAL, 8080, web);
    },
    'the firewall of NixOS with its forward filter lets in what was asked for, and its reload interrupts nothing':
      async () => {
        await box.sh(`cat >/root/firewall.nft <<'EOF'\n${firewall(evaluated)}\nEOF\nnft -f /root/firewall.nft`);
        assert.is((await asker.info()).result, 0);
        const flow = await tcpFlow(outside, EXTERNAL, 8080, web);
        const helper = await box.pid(HELPER);
        await box.must('nft', '-f', '/root/firewall.nft');
        assert.ok(await isAlive(flow));
        assert.ok(await isAlive(await tcpFlow(outside, EXTERNAL, 8080, web)));
        assert.is(await box.pid(HELPER), helper);
      },
    'a LAN host finds it by UPnP, and maps a port that an outside host comes through': async () => {
      for (const to of [SSDP_GROUP, ROUTER]) assert.ok((await find(alice, to)) !== null, to);
      assert.is(await new ControlPoint(alice, ROUTER).add('TCP', 8090, ALICE), null);
      await tcpFlow(outside, EXTERNAL, 8090, await alice.listen(8090));
      await asker.unmap('tcp', 8090);
      assert.equal(await http(outside, EXTERNAL, 'GET /igd.xml HTTP/1.0\r\n\r\n'), { status: 0, body: 'ETIMEDOUT' });
    },
    'without openFirewall nobody would be answered': async () => {
      await box.sh(
        `sed -E '/iifname/s/(udp|tcp) dport [^a-z]*(5351|2869)[^a-z]* accept/\\1 dport 9 accept/' /root/firewall.nft | nft -f -`,
      );
      assert.is(await find(alice, SSDP_GROUP, SILENCE_MS), null);
      assert.is((await alice.connect(ROUTER, HTTP_PORT, { withinMs: SILENCE_MS })).kind, 'failed');
      const stranger = await alice.udp();
      stranger.send('0000', ROUTER, 5351);
      assert.is(await stranger.receive(SILENCE_MS), null);
      await box.must('nft', '-f', '/root/firewall.nft');
      stranger.send('0000', ROUTER, 5351);
      assert.is((await stranger.receive())?.address, ROUTER);
      stranger.close();
    },
    'where the firewall filters output too, replies pass by themselves, and announcements by what openFirewall opens':
      async () => {
        const { filterOutput, filterOutputRules } = evaluate(
          router(
            `{ imports = [ ${FILTER_OUTPUT} ]; services.natpmp-server = { openFirewall = true; upnp.enable = true; }; }`,
          ),
        );
        const rules = [
          ...Object.entries(filterOutput).map(
            ([name, udp]) => `oifname "${name}" udp dport { ${udp.join(', ')} } accept`,
          ),
          filterOutputRules,
        ];
        const heard = await alice.udp({ port: 5350, join: { group: '224.0.0.1', on: '192.168.1.2' } });
        for (const [opened, isHeard] of [
          [[], false],
          [rules, true],
        ] as const) {
          await box.sh(`printf 'table inet out\ndelete table inet out\ntable inet out {\nchain output {\ntype filter hook output priority filter; policy drop;
oifname lo accept\nct state { established, related } accept\n%s\n}\n}\n' '${opened.join('\n')}' | nft -f -`);
          while ((await heard.receive(0)) !== null);
          await box.must('systemctl', 'restart', FRONTEND);
          await answering(box);
          assert.is((await heard.receive(isHeard ? SOON_MS : SILENCE_MS)) !== null, isHeard);
          assert.is((await find(alice, SSDP_GROUP, isHeard ? SOON_MS : SILENCE_MS)) !== null, isHeard);
        }
        await box.must('nft', 'delete', 'table', 'inet', 'out');
        heard.close();
      },
    'the options are in force: the quota, the reserved ports, the table': async () => {
      const reserved = await asker.map('udp', 9150, 9150, 600);
      assert.is(reserved.result, 0);
      assert.not.ok(reserved.externalPort >= 9100 && reserved.externalPort <= 9199);
      assert.is((await asker.map('udp', 9200, 9200, 600)).result, 0);
      assert.is((await asker.map('udp', 9201, 9201, 600)).result, 4);
      assert.match(await box.must('nft', 'list', 'tables'), /table inet portmap/);
    },
    'looks at the ports of the router find every program in their PATH, and replace their file only if ports have changed':
      async () => {
        const file = (format: string) => box.must('stat', '-c', format, '/run/private/natpmp-ports/reserved.conf');
        const [inode, lookedAt] = [await file('%i'), await box.sh('stat -c %y /run/private/natpmp-ports/seen')];
        await box.must('nft', 'add table inet another');
        await box.must('systemctl', 'start', 'natpmp-own-ports');
        assert.is.not(await box.sh('stat -c %y /run/private/natpmp-ports/seen'), lookedAt);
        assert.is(await file('%i'), inode);
        await box.must('nft', 'delete table inet another');
        for (const unit of ['natpmp-own-ports', 'natpmp-ruleset'])
          assert.is(await box.sh(`journalctl -o cat -u ${unit} | grep "not found" || true`), '', unit);
      },
    'after a flush of all rules, as by a reload with flushRuleset, everything is back': async () => {
      await box.must('nft', 'flush', 'ruleset');
      await until(
        'the mapping is back',
        async () => (await outside.connect(EXTERNAL, 8080, { withinMs: SILENCE_MS })).kind !== 'failed',
        30_000,
      );
    },
    'of the store a daemon executes itself, node and libraries: no shell and no nft, in its closure or not':
      async () => {
        const { bash, nft } = FOREIGN;
        const launcher = (await box.sh('readlink -f /usr/local/bin/natpmpctl'))
          .trim()
          .replace(/natpmpctl$/, 'natpmp-server');
        for (const unit of [FRONTEND, UPNP, HELPER]) {
          assert.equal(
            await execute(box, unit, [
              `${bash}/bin/bash`,
              `${nft}/bin/nft`,
              launcher,
              '/usr/sbin/nft',
              '/usr/bin/env',
              '/usr/bin/node',
            ]),
            {
              [`${bash}/bin/bash`]: 'EACCES',
              [`${nft}/bin/nft`]: 'EACCES',
              [launcher]: 'EACCES',
              '/usr/sbin/nft': 'EACCES',
              '/usr/bin/env': 'EACCES',
              '/usr/bin/node': 'done',
            },
            unit,
          );
        }
        await answering(box);
      },
    'state on a disk of its own, above which impermanence makes folders that systemd refuses: the rules for systemd-tmpfiles mend that':
      async () => {
        const { tmpfiles } = evaluate(
          router(
            `{ imports = [ ${PERSISTENCE} ]; environment.persistence."/persist".directories = [ { directory = "/var/lib/private/natpmp-server"; } ]; }`,
          ),
        );
        await box.sh(
          'mkdir -p -m 755 /persist/var/lib; systemctl stop natpmp-server.target natpmp-helper.service; ' +
            'cp -a /var/lib/private /persist/var/lib',
        );
        await box.sh(
          'chmod 755 /persist/var/lib/private; mount --bind /persist/var/lib/private/natpmp-server ' +
            '/var/lib/private/natpmp-server',
        );
        // What its activation script does at each switch.
        const activate = (): Promise<string> => box.sh('chmod --reference=/persist/var/lib/private /var/lib/private');
        await activate();
        await box.sh('systemctl start --no-block natpmp-server.target');
        await until(
          'systemd refuses',
          async () => (await box.log(HELPER)).includes('mode 0755 that is too permissive'),
          30_000,
        );

        await box.sh(`cat >/etc/tmpfiles.d/00-nixos.conf <<'EOF'\n${tmpfiles.join('\n')}\nEOF`);
        const { stderr } = await box.run('systemd-tmpfiles', '--create', '--remove', '--exclude-prefix=/dev');
        assert.not.match(stderr, /private/);
        await answering(box);
        await activate();
        await box.must('systemctl', 'restart', HELPER);
        await answering(box);
        assert.is((await box.must('stat', '-c', '%a %u %g', '/var/lib/private')).trim(), '700 0 0');
      },
    'state is where the module says, and only the helper may see it': async () => {
      assert.is((await box.must('stat', '-L', '-c', '%a', '/var/lib/natpmp-server')).trim(), '700');
      assert.match(await box.must('readlink', '/var/lib/natpmp-server'), /private\/natpmp-server/);
    },
  });
}
