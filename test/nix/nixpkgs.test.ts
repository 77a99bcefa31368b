// The module among all modules of the real NixOS, where NATPMP_NIXPKGS names a nixpkgs tree (or only its lib/ and
// nixos/). The rest of test/nix uses a stand-in; this shows that the stand-in makes the same of the module as NixOS
// does.

import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { cases, claims, skip, tally } from '../support/cases.js';
import type { Evaluated } from './nix.js';
import { evaluate, hasNix, ROOT, router } from './nix.js';
import { SAID, serving } from './said.js';
import type { Directives } from './unit-text.js';
import { directives } from './unit-text.js';

const tree = process.env['NATPMP_NIXPKGS'] ?? '';
const WHAT = 'the module in the real NixOS';

/**
 * NixOS gives services a few programs and a locale, notes what restarts them, and may write down what `wantedBy` says.
 */
function comparable(text: string): Directives {
  return new Map(
    // Packages have other paths.
    [...directives(text.replace(/\/\S*\/[0-9a-z]{32}-/g, 'STORE/'))].filter(
      ([name]) => name !== 'Service.Environment' && !name.includes('.X-') && !name.startsWith('Install.'),
    ),
  );
}

if (!hasNix) skip(WHAT, 'no nix-instantiate (Debian: nix-bin)');
// The one thing that CI may lack: nixpkgs is no part of this project.
else if (tree === '') tally.skipped.push(`${WHAT}: NATPMP_NIXPKGS names no nixpkgs tree`);
else {
  const example = `import ${join(ROOT, 'nix/example.nix')}`;
  const more = router(`{
    services.natpmp-server = {
      listenInterfaces.br-guest.listenAddresses = [ "192.168.2.1/24" ];
      allowedPortRanges = [ { from = 2000; to = 2999; } ];
      metrics.enable = true; upnp.enable = true; listenInterfaces.br-guest.metricsPort = 9552;
      natTable = "natpmp"; hairpin = false; openFirewall = true; logLevel = "debug"; stateDir = "/var/lib/portmap";
    };
    networking.firewall.filterForward = true;
  }`);

  cases(
    'as in the stand-in',
    [
      { name: 'the example', configuration: example },
      { name: 'many options', configuration: more },
    ],
    ({ configuration }) => {
      const real: Evaluated = evaluate(configuration, tree);
      const stub = evaluate(configuration);
      assert.equal([real.failed, real.warnings], [[], []]);
      assert.equal([real.lans, real.tmpfiles], [stub.lans, stub.tmpfiles]);
      assert.equal(Object.keys(real.units), Object.keys(stub.units));
      for (const [name, { text, wantedBy }] of Object.entries(stub.units)) {
        assert.equal(comparable(real.units[name]?.text ?? ''), comparable(text), name);
        assert.equal(real.units[name]?.wantedBy, wantedBy, name);
      }
      // NixOS sorts them.
      const sorted = (ports: readonly number[] = []): readonly number[] => [...ports].sort((a, b) => a - b);
      for (const which of ['firewall', 'firewallTcp'] as const)
        for (const [lan, ports] of Object.entries(stub[which]))
          assert.equal(sorted(real[which][lan]), sorted(ports), which);
      assert.equal(real.groups, stub.groups);
    },
  );

  cases('LANs', SAID, ({ nix, lans }) => {
    const real = evaluate(serving(nix), tree);
    assert.equal([real.failed, real.warnings, real.lans], [[], [], lans]);
  });

  claims('real NixOS', {
    'its forward filter lets in what a mapping translates': () =>
      assert.match(evaluate(more, tree).nftables['nixos-fw'] ?? '', /ct status dnat accept/),
    'what it hands on to networkd is counted once': () => {
      const { failed, lans } = evaluate(
        router(
          '{ networking.useNetworkd = true; networking.wireguard.interfaces.wg0 = { ips = [ ' +
            '"10.9.0.1/24" ]; privateKeyFile = "/k"; }; services.natpmp-server.listenInterfaces.wg0 = { }; ' +
            'services.natpmp-server.listenInterface = "br-lan"; }',
        ),
        tree,
      );
      assert.equal([failed, lans], [[], { 'br-lan': ['192.168.1.1/24'], wg0: ['10.9.0.1/24'] }]);
    },
    'its assertions are ours': () => {
      const wrong = router('{ services.natpmp-server = { maxLifetime = 600; defaultLifetime = 601; }; }');
      assert.equal(evaluate(wrong, tree).failed, evaluate(wrong).failed);
    },
    'documents the same options': () =>
      assert.equal(
        evaluate(router(), tree)
          .options.map(({ name }) => name)
          .sort(),
        evaluate(router())
          .options.map(({ name }) => name)
          .sort(),
      ),
  });
}
