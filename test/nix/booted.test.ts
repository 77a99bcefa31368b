// The units that NixOS would write, started by a real systemd, with the package as its install step makes it: they get ready,
// answer the LAN, and have everything back after a reload of the firewall. With NATPMP_NIXPKGS the text is of the real NixOS.

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { claims, skip } from '../support/cases.js';
import { isAlive, tcpFlow, until } from '../support/lab-flows.js';
import { SILENCE_MS } from '../support/lab-inbox.js';
import { EXTERNAL, GUEST_ROUTER, ROUTER } from '../support/lab.js';
import { Asker } from '../support/lab-pmp.js';
import { answering, Box, FRONTEND, GUEST_FRONTEND, HELPER } from '../systemd/box.js';
import { firewall } from './firewall.js';
import { HOOKS } from './hooks.js';
import type { Evaluated } from './nix.js';
import { evaluate, hasNix, STORE, STUB } from './nix.js';
import { directives, words } from './unit-text.js';

const tree = process.env['NATPMP_NIXPKGS'] || STUB;
const UNITS = '/etc/systemd/system';
/** Where the store is in the container; that of the tests is in /tmp, which the units do not see. */
const NIX = '/nix/store';
/** Packages that the daemons could see. */
const FOREIGN = { bash: `${NIX}/00000000000000000000000000000000-bash-5.3p9`, nft: `${NIX}/00000000000000000000000000000000-nftables-1.1.6` } as const;

/** Put the evaluated units and the package into the container, in place of what install.sh has put there. */
async function switchTo(box: Box, evaluated: Evaluated): Promise<void> {
  const { units, failed, package: made } = evaluated;
  assert.equal(failed, []);
  const inside = (path: string): string => join(`/proc/${box.init}/root`, path);
  const text = (name: string): string => (units[name]?.text ?? '').replaceAll(STORE, NIX);

  // Two of our tables would each refuse what the other translates.
  await box.sh(`systemctl stop natpmp-server.target; nft delete table ip nat; rm -rf ${UNITS}/natpmp-* ${UNITS}/*/natpmp-*`);
  for (const [name, { wantedBy }] of Object.entries(units)) {
    writeFileSync(inside(join(UNITS, name)), text(name));
    for (const wanting of wantedBy) {
      mkdirSync(inside(join(UNITS, `${wanting}.wants`)), { recursive: true });
      symlinkSync(`../${name}`, inside(join(UNITS, `${wanting}.wants`, name)));
    }
    if (!name.endsWith('.service')) continue;
    // The programs of the packages are Debian's, and so are node and its libraries.
    const [path = ''] = directives(text(name)).get('Service.Environment')?.filter((value) => value.includes('PATH=')) ?? [];
    for (const folder of path.match(/\/nix\/store\/[^:"]+\/s?bin/g) ?? []) {
      mkdirSync(inside(dirname(folder)), { recursive: true });
      await box.sh(`[ -e ${folder} ] || ln -s /usr/sbin ${folder}`);
      await box.sh(`for program in /usr/bin/*; do [ -e /usr/sbin/\${program##*/} ] || ln -s $program /usr/sbin/; done`);
    }
    mkdirSync(inside(join(UNITS, `${name}.d`)));
    // Wrappers are scripts here, and programs in nixpkgs.
    writeFileSync(inside(join(UNITS, `${name}.d/debian.conf`)),
      directives(text(name)).has('Service.NoExecPaths') ? '[Service]\nExecPaths=/usr/bin/dash /usr/bin/node /usr/lib -/usr/lib64\n' : '');
  }
  // A script of the module's lies in the store by its own name.
  for (const command of directives(text('natpmp-ruleset.service')).get('Service.ExecStart') ?? []) {
    const script = words(command)[1] ?? '';
    await box.sh(`mkdir -p ${NIX}; cp /src/systemd/${script.replace(/.*-(natpmp-[a-z-]+)$/, '$1')} ${script}`);
  }
  // The outputs are where the units say, the others beside them.
  const helper = words(directives(text(HELPER)).get('Service.ExecStart')?.[0] ?? '')[0]?.replace(/\/bin\/.*/, '') ?? '';
  const frontend = words(directives(text(FRONTEND)).get('Service.ExecStart')?.[0] ?? '')[0]?.replace(/\/bin\/.*/, '') ?? '';
  writeFileSync(inside('/root/install'), `NODE=/usr/bin/node out=${NIX}/out modules=${NIX}/modules helper=${helper} frontend=${frontend}
cd /src
${HOOKS}
${made.installPhase}`);
  await box.must('bash', '/root/install');
  // Drop-ins as the build makes them, with programs in the closure that a daemon must not start.
  await box.sh(`mkdir -p ${FOREIGN.bash}/bin ${FOREIGN.nft}/bin /root/closure; cp /bin/bash ${FOREIGN.bash}/bin/; cp /usr/sbin/nft ${FOREIGN.nft}/bin/
    printf '%s\n' ${frontend} ${helper} ${NIX}/modules ${FOREIGN.bash} ${FOREIGN.nft} >/root/closure/store-paths`);
  writeFileSync(inside('/root/exec-paths'), `out=/root/exec-paths.out frontend=${frontend} helper=${helper} frontendClosure=/root/closure helperClosure=/root/closure
${evaluated.execPaths}`);
  await box.must('bash', '-eu', '/root/exec-paths');
  await box.sh(`cp -R /root/exec-paths.out/lib/systemd/system/* ${UNITS}/`);
  // What is not in the package must not be what runs.
  await box.sh('rm -rf /usr/local/lib/natpmp-server /etc/natpmp-server; systemctl daemon-reload; systemctl start natpmp-server.target');
}

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
  await until('the attempt has ended', async () => {
    line = (await box.log(unit)).split('\n').find((one) => one.startsWith('{"attempt"'));
    return line !== undefined;
  }, 30_000);
  await box.sh(`rm '${folder}/attempt.conf'; systemctl daemon-reload; systemctl restart natpmp-server.target '${unit}'`);
  return (JSON.parse(line ?? '{}') as { attempt: Record<string, string> }).attempt;
}

if (!hasNix) skip('the units of the NixOS module, booted', 'no nix-instantiate (Debian: nix-bin)');
const box = hasNix ? await Box.open() : null;

if (box !== null) {
  const evaluated = evaluate(`{
    networking.nftables.enable = true;
    networking.firewall.filterForward = true;
    services.natpmp-server = {
      enable = true; externalInterface = "wan0"; natTable = "portmap"; maxMappingsPerClient = 3; openFirewall = true;
      reservedPortRanges = [ { from = 9100; to = 9199; } ];
      listenInterfaces = { br-lan.listenAddresses = [ "${ROUTER}/24" ]; br-guest.listenAddresses = [ "${GUEST_ROUTER}/24" ]; };
    };
  }`, tree);
  await answering(box);
  await switchTo(box, evaluated);
  await answering(box);
  const { alice, outside } = box.lab;
  const web = await alice.listen(8080);
  const asker = await Asker.open(alice, ROUTER);

  claims('booted', {
    'systemd finds nothing to complain about': async () => {
      const { stdout, stderr } = await box.run('systemd-analyze', 'verify', '--man=no', 'natpmp-server.target', HELPER, FRONTEND,
        FRONTEND.replace('service', 'socket'), 'natpmp-ruleset.service');
      assert.is(stdout + stderr, '');
      for (const unit of [HELPER, FRONTEND, GUEST_FRONTEND]) assert.is(await box.property(unit, 'SubState'), 'running', unit);
    },
    'exposed no more than the units of systemd/': async () => {
      for (const [unit, most] of [[FRONTEND, 0.2], [HELPER, 0.6]] as const) {
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
    'the firewall of NixOS with its forward filter lets in what was asked for, and its reload interrupts nothing': async () => {
      await box.sh(`cat >/root/firewall.nft <<'EOF'\n${firewall(evaluated)}\nEOF\nnft -f /root/firewall.nft`);
      assert.is((await asker.info()).result, 0);
      const flow = await tcpFlow(outside, EXTERNAL, 8080, web);
      const helper = await box.pid(HELPER);
      await box.must('nft', '-f', '/root/firewall.nft');
      assert.ok(await isAlive(flow));
      assert.ok(await isAlive(await tcpFlow(outside, EXTERNAL, 8080, web)));
      assert.is(await box.pid(HELPER), helper);
    },
    'without openFirewall nobody would be answered': async () => {
      await box.sh(`sed 's/udp dport { 5351 } accept/udp dport { 9 } accept/; s/udp dport 5351 accept/udp dport 9 accept/' /root/firewall.nft | nft -f -`);
      const stranger = await alice.udp();
      stranger.send('0000', ROUTER, 5351);
      assert.is(await stranger.receive(SILENCE_MS), null);
      await box.must('nft', '-f', '/root/firewall.nft');
      stranger.send('0000', ROUTER, 5351);
      assert.is((await stranger.receive())?.address, ROUTER);
      stranger.close();
    },
    'the options are in force: the quota, the reserved ports, the table': async () => {
      const reserved = await asker.map('udp', 9150, 9150, 600);
      assert.is(reserved.result, 0);
      assert.not.ok(reserved.externalPort >= 9100 && reserved.externalPort <= 9199);
      assert.is((await asker.map('udp', 9200, 9200, 600)).result, 0);
      assert.is((await asker.map('udp', 9201, 9201, 600)).result, 4);
      assert.match(await box.must('nft', 'list', 'tables'), /table ip portmap/);
    },
    'after a flush of all rules, as by a reload with flushRuleset, everything is back': async () => {
      await box.must('nft', 'flush', 'ruleset');
      await until('the mapping is back', async () => (await outside.connect(EXTERNAL, 8080, { withinMs: SILENCE_MS })).kind !== 'failed', 30_000);
    },
    'of the store a daemon executes itself, node and libraries: no shell and no nft, in its closure or not': async () => {
      const own = { [FRONTEND]: 'frontend', [HELPER]: 'helper' } as const;
      for (const [unit, role] of Object.entries(own)) {
        const programs = [`${FOREIGN.bash}/bin/bash`, `${FOREIGN.nft}/bin/nft`, `${NIX}/out/bin/natpmp-server`, '/usr/sbin/nft', '/usr/bin/env', '/usr/bin/node'];
        assert.equal(await execute(box, unit, programs), {
          [`${FOREIGN.bash}/bin/bash`]: 'EACCES', [`${FOREIGN.nft}/bin/nft`]: 'EACCES', [`${NIX}/out/bin/natpmp-server`]: 'EACCES',
          '/usr/sbin/nft': 'EACCES', '/usr/bin/env': 'EACCES', '/usr/bin/node': 'done',
        }, role);
      }
      await answering(box);
    },
    'state is where the module says, and only the helper may see it': async () => {
      assert.is((await box.must('stat', '-L', '-c', '%a', '/var/lib/natpmp-server')).trim(), '700');
      assert.match(await box.must('readlink', '/var/lib/natpmp-server'), /private\/natpmp-server/);
    },
  });
}
