// docs/nixos.md and nothing else: its flake and its router, written down as they are shown in an empty folder,
// evaluated, booted, and asked with its commands, behind the firewall that NixOS makes of them.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { atEnd, claims, skip } from '../support/cases.js';
import { tcpFlow, until } from '../lab/flows.js';
import { EXTERNAL } from '../lab/lab.js';
import { firewall } from './firewall.js';
import { Machine } from './machine.js';
import type { Evaluated } from './nix.js';
import { hasNix, ROOT, run, STUB } from './nix.js';

const page = readFileSync(join(ROOT, 'docs/nixos.md'), 'utf8');
/** The block that holds this, as it stands in the page. */
const block = (holds: string): string => {
  const found = [...page.matchAll(/```\w+\n([\s\S]*?)```/g)]
    .map(([, text = '']) => text)
    .find((text) => text.includes(holds));
  if (found === undefined) throw new Error(`docs/nixos.md shows no ${holds}`);
  return found;
};
/** The commands in a block, without what they print and without remarks. */
const commands = (text: string): readonly string[] =>
  [...text.matchAll(/^[$#] ([^#\n]*[^#\s])/gm)].map(([, command = '']) => command);

/** What of the configuration makes the machine. The stand-in for nixpkgs keeps the steps of a build readable. */
const WANTED = `config: {
  units = builtins.mapAttrs (_: unit: { inherit (unit) text wantedBy; }) (builtins.removeAttrs config.systemd.units
    (builtins.filter (name: builtins.match "natpmp.*" name == null) (builtins.attrNames config.systemd.units)));
  failed = map (one: one.message) (builtins.filter (one: !one.assertion) config.assertions);
  warnings = config.warnings;
  firewall = builtins.mapAttrs (_: rules: rules.allowedUDPPorts) config.networking.firewall.interfaces;
  firewallTcp = builtins.mapAttrs (_: rules: rules.allowedTCPPorts) config.networking.firewall.interfaces;
  nftables = { };
  execPaths = builtins.concatStringsSep "\\n" (map (one: one.script or "") (builtins.filter (one: one.name == "natpmp-server-exec-paths") config.systemd.packages));
  package.upnp = toString config.services.natpmp-server.package.upnp;
  package.installPhase = config.services.natpmp-server.package.arguments.installPhase;
}`;

function evaluateAsShown(): Evaluated {
  const [router, project] = [
    mkdtempSync(join(tmpdir(), 'natpmp-router-')),
    mkdtempSync(join(tmpdir(), 'natpmp-input-')),
  ];
  atEnd(() => {
    for (const folder of [router, project]) rmSync(folder, { recursive: true });
  });
  for (const part of [
    'flake.nix',
    'flake.lock',
    'nix',
    'systemd',
    'cli/server/node-flags.json',
    'package.json',
    'package-lock.json',
  ]) {
    cpSync(join(ROOT, part), join(project, part), { recursive: true });
  }
  writeFileSync(join(router, 'flake.nix'), block('nixosConfigurations.router'));
  writeFileSync(join(router, 'configuration.nix'), block('bridges.br-lan'));
  const { status, stdout, stderr } = run('nix', [
    'eval',
    '--json',
    '--offline',
    '--no-write-lock-file',
    '--override-input',
    'nixpkgs',
    `path:${STUB}`,
    '--override-input',
    'natpmp-server',
    `path:${project}`,
    `path:${router}#nixosConfigurations.router.config`,
    '--apply',
    WANTED,
  ]);
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Evaluated;
}

if (!hasNix) skip('docs/nixos.md, from an empty flake to a mapping', 'no nix (Debian: nix-bin)');
const machine = hasNix ? await Machine.open() : null;

if (machine !== null) {
  const { box } = machine;
  const { alice, outside } = box.lab;
  const evaluated = evaluateAsShown();
  await machine.switchTo(evaluated);
  await box.sh(`nft -f - <<'EOF'\n${firewall(evaluated)}\nEOF`);
  const web = await alice.listen(8080);

  claims('from an empty flake to a mapping', {
    'the configuration is right, and NixOS has nothing to warn of': () =>
      assert.equal([evaluated.failed, evaluated.warnings], [[], []]),
    'the commands for a LAN host': async () => {
      const shown = commands(block('natpmp-client 192.168.1.1 info')).filter((command) =>
        command.startsWith('natpmp-client'),
      );
      assert.equal(shown, ['natpmp-client 192.168.1.1 info', 'natpmp-client 192.168.1.1 map 8080 8080 tcp 3600']);
      const client = join(ROOT, 'dist/cli/natpmp-client.js');
      await until(
        'it answers',
        async () => (await alice.run(process.execPath, client, '192.168.1.1', 'info')).status === 0,
        30_000,
      );
      const said = await Promise.all(
        shown.map((command) => alice.run(process.execPath, client, ...command.split(' ').slice(1))),
      );
      assert.match(said[0]?.stdout ?? '', new RegExp(`^external address ${EXTERNAL}, epoch \\d+ s$`, 'm'));
      assert.match(said[1]?.stdout ?? '', /^tcp 8080 mapped: external port 8080, for 3600 s, epoch \d+ s$/m);
    },
    'a connection from outside arrives': async () => {
      await tcpFlow(outside, EXTERNAL, 8080, web);
    },
    'the commands for the router': async () => {
      const shown = commands(block('natpmpctl doctor'));
      assert.ok(shown.length >= 6);
      for (const command of shown) {
        const { status, stdout, stderr } = await box.run('sh', '-c', `SYSTEMD_PAGER= ${command}`);
        assert.is(status, 0, `${command}: ${stdout}${stderr}`);
      }
      assert.match(await box.sh('natpmpctl list'), /^tcp +8080 +192\.168\.1\.2:8080/m);
      assert.match(await box.sh('natpmpctl doctor'), /^nothing wrong was found$/m);
    },
  });
}
