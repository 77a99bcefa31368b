// The units of the NixOS module are those of systemd/: no directive more, none less, but for the few that say where
// things are.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { cases, claims, skip } from '../support/cases.js';
import type { Evaluated } from './nix.js';
import { evaluate, hasNix, ROOT, router, STUB } from './nix.js';
import type { Directives } from './unit-text.js';
import { directives, words } from './unit-text.js';

const FOLDER = join(ROOT, 'systemd');
const files = readdirSync(FOLDER).filter((file) => /\.(service|socket|target|timer|path)$/.test(file));
const shipped = (file: string): Directives => directives(readFileSync(join(FOLDER, file), 'utf8'));
const onNixos = (evaluated: Evaluated, file: string): Directives =>
  directives(evaluated.units[file.replace('@.', '@br\\x2dlan.')]?.text ?? '');

/** Of the units with a user of their own, by whose name systemd calls it: what a LAN must not make of its name. */
const NAMES_OF_UNITS = files.flatMap((file) =>
  shipped(file).has('Service.DynamicUser') ? [file.replace(/^natpmp-|@?\.service$/g, '')] : [],
);

/** What differs, and how much of it: the rest is compared below. */
const ELSEWHERE: readonly RegExp[] = [
  // Flags are in the unit, and programs in the store.
  /^Service\.(ExecStart|ExecStop|ExecReload|ExecPaths|Environment|EnvironmentFile)$/,
  // Links in place of `systemctl enable`, and what NixOS notes for itself.
  /^Install\./,
  /\bX-/,
];
/** install.sh writes these into a drop-in of each LAN. */
const OF_THE_LAN: Readonly<Record<string, readonly string[]>> = {
  'Socket.BindToDevice': ['br-lan'],
  'Socket.RestrictNetworkInterfaces': ['br-lan'],
};
const OF_THE_UNIT: Readonly<Record<string, readonly string[]>> = {
  'natpmp-frontend@.service: Service.User': ['natpmp-br-lan'],
  'natpmp-upnp@.service: Service.User': ['upnp-br-lan'],
  'natpmp-metrics@.socket: Socket.ListenStream': ['127.0.0.1:9551'],
  'natpmp-upnp-metrics@.socket: Socket.ListenStream': ['127.0.0.1:9651'],
};
/** Sockets that may have a LAN of public addresses. */
const ADDRESSED = ['natpmp-frontend@.socket', 'natpmp-ssdp@.socket', 'natpmp-upnp@.socket'];

if (!hasNix) skip('the units of the NixOS module', 'no nix-instantiate (Debian: nix-bin)');
else {
  // What is optional is on.
  const OPTIONAL = 'services.natpmp-server = { metrics.enable = true; pinholes.enable = true; upnp.enable = true; };';
  const evaluated = evaluate(router(`{ ${OPTIONAL} }`));

  cases(
    'no drift',
    files.map((name) => ({ name })),
    ({ name }) => {
      const file = shipped(name);
      const made = onNixos(evaluated, name);
      const names = (unit: Directives): string[] =>
        [...unit.keys()].filter((one) => !ELSEWHERE.some((pattern) => pattern.test(one)));
      for (const directive of new Set([...names(file), ...names(made)])) {
        const addresses = directive === 'Socket.IPAddressAllow' && ADDRESSED.includes(name) ? ['192.168.1.0/24'] : [];
        // install.sh writes it into a drop-in.
        const pcp =
          name === 'natpmp-frontend@.service' && (directive === 'Unit.Wants' || directive === 'Unit.After')
            ? ['natpmp-pcp@%i.socket']
            : [];
        // What opens a changed socket again is there on NixOS alone.
        const reopen =
          directive === 'Unit.PartOf' && name.endsWith('.socket')
            ? [`natpmp-reopen${name.includes('@') ? '@br\\x2dlan' : ''}.service`]
            : [];
        const expected = file.has(directive)
          ? [...(file.get(directive) ?? []), ...addresses, ...pcp, ...reopen]
          : (OF_THE_UNIT[`${name}: ${directive}`] ?? OF_THE_LAN[directive]);
        assert.equal(made.get(directive), expected, directive);
      }
    },
  );

  claims('units', {
    'there are no others, but those that open changed sockets again': () => {
      const others = Object.keys(evaluated.units).filter((name) => !files.includes(name.replace(/@.*\./, '@.')));
      assert.equal(others.sort(), ['natpmp-reopen.service', 'natpmp-reopen@br\\x2dlan.service']);
    },
    'changed sockets restart what opens them again, with every line of theirs': () => {
      const triggers = (evaluation: Evaluated, unit: string) =>
        directives(evaluation.units[unit]?.text ?? '')
          .get('Unit.X-Restart-Triggers')
          ?.join('\n') ?? '';
      const lan = 'natpmp-reopen@br\\x2dlan.service';
      for (const line of [
        '0.0.0.0:5351',
        '[::]:5351',
        'BindToDevice',
        '127.0.0.1:9551',
        'route 80',
        'Backlog',
        '0.0.0.0:1900',
        '0.0.0.0:2869',
        'upnp-%I.sock',
      ])
        assert.ok(triggers(evaluated, lan).includes(line), line);
      for (const line of ['/run/natpmp/helper.sock', '/run/natpmp/admin.sock', 'netfilter 0', 'netfilter 64'])
        assert.ok(triggers(evaluated, 'natpmp-reopen.service').includes(line), line);
      const other = evaluate(
        router(`{ ${OPTIONAL} services.natpmp-server.rules = [ { action = "deny"; host = "192.168.1.9"; } ]; }`),
      );
      for (const unit of [lan, 'natpmp-reopen.service']) assert.is(triggers(other, unit), triggers(evaluated, unit));
    },
    'a switch restarts daemons in one step, and only ever stops what deletes the table': () => {
      const value = (unit: string, key: string) => directives(evaluated.units[unit]?.text ?? '').get(key);
      for (const unit of [
        'natpmp-helper.service',
        'natpmp-frontend@br\\x2dlan.service',
        'natpmp-upnp@br\\x2dlan.service',
        'natpmp-reopen@br\\x2dlan.service',
        'natpmp-reopen.service',
      ]) {
        assert.equal(value(unit, 'Service.X-StopIfChanged'), ['false'], unit);
      }
      assert.equal(value('natpmp-table.service', 'Service.X-RestartIfChanged'), ['false']);
    },
    'metrics, pinholes and UPnP are off unless they are asked for': () => {
      assert.equal(
        Object.keys(evaluate(router()).units).filter((name) => /metrics|pcp|upnp|ssdp/.test(name)),
        [],
      );
    },
    'are wanted by what the files say': () => {
      for (const file of files) {
        const wantedBy = (shipped(file).get('Install.WantedBy') ?? [])
          .flatMap((names) => names.split(' '))
          .map((name) => name.replace('%i', 'br\\x2dlan'));
        assert.equal(evaluated.units[file.replace('@.', '@br\\x2dlan.')]?.wantedBy, wantedBy, file);
      }
    },
    'settings that are written while the system runs are read, and read again': () => {
      for (const file of files) {
        const found = (unit: Directives) =>
          /--config=-\/run\/\S+/.exec(unit.get('Service.ExecStart')?.join(' ') ?? '')?.[0] ?? '';
        assert.is(found(onNixos(evaluated, file)), found(shipped(file)), file);
        // Of the settings on NixOS none is in a file.
        assert.equal(
          onNixos(evaluated, file).get('Service.EnvironmentFile') ?? [],
          (shipped(file).get('Service.EnvironmentFile') ?? []).filter((path) => !path.includes('/etc/')),
          file,
        );
        assert.equal(onNixos(evaluated, file).get('Service.ExecReload'), shipped(file).get('Service.ExecReload'), file);
      }
    },
    'nothing may be executed where the files restrict it, but for what a drop-in names': () => {
      for (const file of files) {
        assert.equal(
          onNixos(evaluated, file).get('Service.NoExecPaths'),
          shipped(file).get('Service.NoExecPaths'),
          file,
        );
        assert.not.ok(onNixos(evaluated, file).has('Service.ExecPaths'), file);
        assert.is(evaluated.execPaths.includes(`drop_in ${file} `), shipped(file).has('Service.ExecPaths'), file);
      }
    },
    'the shipped command lines are known': () => {
      // A variable or a program that comes new has to be thought of in nix/units.nix.
      const known = files.flatMap((file) =>
        (shipped(file).get('Service.ExecStart') ?? []).map((command) =>
          words(command)
            .filter((word) => /^\$|lib\/natpmp-server\/|lib\/systemd\//.test(word))
            .map((word) => word.replace(/.*natpmp-server\//, ''))
            .join(' '),
        ),
      );
      assert.equal(known, [
        'dist/frontend/main.js $NATPMP_EXTERNAL $NATPMP_LAN $NATPMP_LIMITS $NATPMP_FRONTEND',
        'dist/helper/main.js $NATPMP_EXTERNAL $NATPMP_TABLE $NATPMP_PINHOLES $NATPMP_LIMITS $NATPMP_HELPER',
        '/usr/lib/systemd/systemd-socket-proxyd',
        'natpmp-own-ports dist/cli/print-reserved-ports.js $NATPMP_EXTERNAL $NATPMP_LANS $NATPMP_TABLE',
        '',
        'natpmp-ruleset dist/cli/install-ruleset.js $NATPMP_EXTERNAL $NATPMP_LANS $NATPMP_TABLE $NATPMP_PINHOLES',
        '/usr/lib/systemd/systemd-socket-proxyd',
        'dist/upnp/main.js $NATPMP_EXTERNAL $NATPMP_LAN $NATPMP_LIMITS $NATPMP_FRONTEND $NATPMP_UPNP',
      ]);
    },
    'all start node with the same flags, if it takes no others': () => {
      const { installPhase } = evaluate(router(), STUB, '--argstr', 'nodeVersion', '24.21.0').package;
      for (const file of ['natpmp-frontend@.service', 'natpmp-upnp@.service', 'natpmp-helper.service']) {
        const command = words(shipped(file).get('Service.ExecStart')?.[0] ?? '');
        const hardened = command
          .slice(
            1,
            command.findIndex((word) => word.endsWith('.js')),
          )
          .join(' ');
        assert.ok(installPhase.includes(`--add-flags "${hardened} `), hardened);
      }
    },
    'with a JIT the daemons have another program and may execute what they write; no other line of any unit differs':
      () => {
        const other = evaluate(router(`{ ${OPTIONAL} services.natpmp-server.jit = true; }`));
        assert.equal(Object.keys(other.units).sort(), Object.keys(evaluated.units).sort());
        const differing = Object.entries(evaluated.units).flatMap(([name, { text }]) => {
          const [without, withIt] = [directives(text), directives(other.units[name]?.text ?? '')];
          return [...new Set([...without.keys(), ...withIt.keys()])]
            .filter((key) => `${without.get(key)?.join('\n')}` !== `${withIt.get(key)?.join('\n')}`)
            .map((key) => `${name} ${key}: ${without.get(key)?.join()} -> ${withIt.get(key)?.join()}`);
        });
        const commandOf = (unit: string) =>
          directives(evaluated.units[unit]?.text ?? '')
            .get('Service.ExecStart')
            ?.join();
        assert.equal(
          differing.sort(),
          ['natpmp-frontend@br\\x2dlan.service', 'natpmp-helper.service', 'natpmp-upnp@br\\x2dlan.service'].flatMap(
            (unit) => [
              `${unit} Service.ExecStart: ${commandOf(unit)} -> ${commandOf(unit)?.replace(/^\S+/, '$&-jit')}`,
              `${unit} Service.MemoryDenyWriteExecute: yes -> no`,
            ],
          ),
        );
        assert.equal(other.execPaths, evaluated.execPaths);
      },
    'the router of the test in machines is accepted': () => {
      const { failed, units } = evaluate(`(import ${ROOT}/nix/vm-test.nix { module = { }; }).nodes.router`);
      assert.equal(failed, []);
      assert.equal(
        directives(units['natpmp-frontend@eth2.socket']?.text ?? '')
          .get('Socket.IPAddressAllow')
          ?.slice(2),
        ['192.168.77.0/24'],
      );
    },
    'and so is what it switches to': () => {
      const test = `(import ${ROOT}/nix/vm-test.nix { module = { }; }).nodes.router`;
      const to = (name: string) =>
        evaluate(
          `{ lib, ... }@args: { imports = [ (${test}) ((${test}) args).specialisation.${name}.configuration ]; }`,
        );
      const { failed, units } = to('changed');
      assert.equal(failed, []);
      assert.match(units['natpmp-helper.service']?.text ?? '', /--nat-table portmap/);
      assert.equal(
        directives(units['natpmp-frontend@eth2.socket']?.text ?? '').get('Socket.ListenDatagram'),
        ['0.0.0.0:5351', '0.0.0.0:5352'],
        'an address more is no other socket',
      );
      assert.equal(Object.keys(to('off').units), []);
    },
    'two LANs are two frontends, each with its user and its sockets': () => {
      const { units } = evaluate(
        router('{ services.natpmp-server.listenInterfaces."eth0.7".listenAddresses = [ "10.7.0.1/24" ]; }'),
      );
      const other = directives(units['natpmp-frontend@eth0.7.service']?.text ?? '');
      assert.match(other.get('Service.User')?.[0] ?? '', /^natpmp-eth0_7-[0-9a-f]{8}$/);
      assert.ok(units['natpmp-route@eth0.7.socket']);
      assert.equal(units['natpmp-frontend@eth0.7.socket']?.wantedBy[0], 'sys-subsystem-net-devices-eth0.7.device');
    },
    'no two share a user, nor has one that of another unit, and each name is one of a user; install.sh names them the same':
      () => {
        const ofUnits = [...NAMES_OF_UNITS, 'reload'];
        const lans = ['br.lan', 'br_lan', 'br@lan', ...ofUnits, 'a.b.c.d.e.f.g.h', 'helper_'];
        const { failed, units } = evaluate(
          router(`{ services.natpmp-server = { listenInterface = null; listenInterfaces = {
        ${lans.map((name, index) => `"${name}".listenAddresses = [ "10.${index}.0.1/24" ];`).join(' ')} }; }; }`),
        );
        assert.equal(failed, []);
        const users = lans.map(
          (name) =>
            directives(
              units[`natpmp-frontend@${name.replace('@', '\\x40').replace('-', '\\x2d')}.service`]?.text ?? '',
            ).get('Service.User')?.[0] ?? '',
        );
        assert.is(
          new Set([...users, ...ofUnits.map((name) => `natpmp-${name}`)]).size,
          lans.length + ofUnits.length,
          `${users}`,
        );
        for (const user of users) assert.match(user, /^[a-z_][a-zA-Z0-9_-]{0,30}$/);
        const script =
          /^  user=\$[\s\S]*?^  esac$/m.exec(readFileSync(join(ROOT, 'systemd/install.sh'), 'utf8'))?.[0] ?? '';
        const named = lans.map(
          (interface_) =>
            spawnSync('sh', ['-euc', `${script}\nprintf natpmp-%s "$user"`], {
              encoding: 'utf8',
              env: { PATH: process.env['PATH'], interface: interface_ },
            }).stdout,
        );
        assert.equal(named, users);
      },
  });
}
