// docs/nixos.md keeps up with the module: every option with its default, and configurations that can be used as they
// stand.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { claims, skip } from '../support/cases.js';
import { evaluate, hasNix, ROOT, router, run } from './nix.js';

const page = readFileSync(join(ROOT, 'docs/nixos.md'), 'utf8');
const examples = [...page.matchAll(/```nix\n([\s\S]*?)```/g)].map(([, text = '']) => text);
/** A column of the options' tables, by option. */
const defaults = new Map(
  [...page.matchAll(/^\| (`[^|]*`) \| [^|]* \| ([^|]*) \|/gm)].flatMap(([, names = '', preset = '']) =>
    names.split(', ').map((name) => [name.replaceAll('`', ''), preset] as const),
  ),
);
const compact = (text: string): string => text.replace(/#.*$/gm, '').replace(/\s+/g, '');

if (!hasNix) skip('docs/nixos.md', 'no nix-instantiate (Debian: nix-bin)');
else {
  const { options } = evaluate(router());
  const names = options.map(({ name }) => name.replace('services.natpmp-server.', ''));

  claims('docs/nixos.md', {
    'has a row for every option, and for nothing else': () => {
      const ofOptions = [...defaults.keys()].filter(
        (name) => !name.includes('<system>') && !/^(overlays|nixosModules|\.default)/.test(name),
      );
      assert.equal(ofOptions.sort(), names.sort());
    },
    'says what the default is': () => {
      for (const { name, default: preset } of options) {
        const said = (defaults.get(name.replace('services.natpmp-server.', '')) ?? '').replace(/[`\s]/g, '');
        // Numbers, names and booleans are written as they are; the rest is told in words.
        if (preset !== null && /^(\d+|true|false|".*"|\[\]|\{\})$/.test(preset)) assert.is(said, preset, name);
        if (preset === null) assert.match(said, /required|null/, name);
      }
    },
    'shows the example that the checks evaluate': () => {
      const example = compact(readFileSync(join(ROOT, 'nix/example.nix'), 'utf8'));
      assert.ok(examples.some((one) => compact(one) === example));
    },
    'whose gateway is told nothing that NixOS knows': () => {
      assert.ok(
        compact(readFileSync(join(ROOT, 'nix/example.nix'), 'utf8')).endsWith(
          'services.natpmp-server={enable=true;openFirewall=true;};}',
        ),
      );
      const { failed, warnings, lans } = evaluate(`import ${join(ROOT, 'nix/example.nix')}`);
      assert.equal([failed, warnings, lans], [[], [], { 'br-lan': ['192.168.1.1/24'] }]);
    },
    'every configuration in it is Nix': () => {
      assert.ok(examples.length >= 4);
      for (const example of examples) {
        // What is not in braces goes between some.
        const whole = /^(#.*\n)?\{/.test(example) ? example : `{ ${example} }`;
        const { status, stderr } = run('nix-instantiate', ['--parse', '-E', whole]);
        assert.is(status, 0, stderr);
      }
    },
    'with networkd, as shown': () => {
      const shown = examples.find((one) => one.includes('useNetworkd')) ?? '';
      const { failed, warnings, lans } = evaluate(`{ imports = [ (${shown}) ]; systemd.network.enable = true; }`);
      assert.equal([failed, warnings, lans], [[], [], { lan0: ['192.168.1.1/24'] }]);
    },
    'a root that is emptied at boot, as shown': () => {
      const shown = examples.find((one) => one.startsWith('environment.persistence')) ?? '';
      const { failed, tmpfiles } = evaluate(
        router(`{ lib, ... }: {
        options.environment.persistence = lib.mkOption { apply = lib.mapAttrs (persistentStoragePath: store: {
          inherit persistentStoragePath; directories = map (directory: { inherit directory; }) store.directories; }); };
        config = { ${shown} }; }`),
      );
      assert.equal([failed, tmpfiles[1]], [[], 'd /persist/var/lib/private 0700 root root -']);
    },
    'several LANs, as shown': () => {
      const shown = examples.find((one) => one.startsWith('services.natpmp-server = {')) ?? '';
      const { failed, units } = evaluate(
        router(`{ ${shown}
        networking.interfaces.br-guest.ipv4.addresses = [ { address = "192.168.2.1"; prefixLength = 24; } ]; }`),
      );
      assert.equal(failed, []);
      assert.is(Object.keys(units).filter((name) => /^natpmp-frontend@.*service$/.test(name)).length, 3);
    },
    'UPnP, as shown': () => {
      const shown = examples.find((one) => one.includes('upnp.enable = true;')) ?? '';
      const { failed, warnings, units } = evaluate(router(`{ ${shown} }`));
      assert.equal([failed, warnings], [[], []]);
      assert.ok(units['natpmp-upnp@br\\x2dlan.service']);
    },
    'names files that exist': () => {
      for (const [, path = ''] of page.matchAll(/\]\(([^)#]+)[^)]*\)/g)) {
        assert.ok(existsSync(join(ROOT, 'docs', path)), path);
      }
    },
  });
}
