// install.sh --jit under a real systemd: the daemons run with a JIT compiler, and nothing else of their hardening goes.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { daemonFlags } from '../../cli/server/node-flags.js';
import { tcpFlow, until } from '../lab/flows.js';
import { ALICE, EXTERNAL, ROUTER } from '../lab/lab.js';
import { Asker } from '../lab/natpmp.js';
import { ControlPoint } from '../lab/upnp.js';
import { directives } from '../nix/unit-text.js';
import { cases, claims } from '../support/cases.js';
import { answering, Box, FRONTEND, GUEST_FRONTEND, HELPER, INSTALL, UPNP } from './box.js';

const DAEMONS = [HELPER, FRONTEND, GUEST_FRONTEND, UPNP] as const;
/** What docs/systemd.md states: the rates stay, because one line more of them counts for less than they are rounded to. */
const PAGE = readFileSync(join(import.meta.dirname, '../../../docs/systemd.md'), 'utf8').replace(/\s+/g, ' ');
const [, ofFrontends, ofHelper, ofLine] = (
  /rates the frontend and natpmp-upnp ([0-9.]+) and the helper ([0-9.]+), of 10\. With a JIT .*? the same, with `MemoryDenyWriteExecute=` \(([0-9.]+)\)/.exec(
    PAGE,
  ) ?? []
).map(Number);
const EXPOSED = [
  { unit: HELPER, file: 'natpmp-helper.service', rate: ofHelper },
  { unit: FRONTEND, file: 'natpmp-frontend@.service', rate: ofFrontends },
  { unit: UPNP, file: 'natpmp-upnp@.service', rate: ofFrontends },
] as const;
const NODE_MAJOR = Number.parseInt(process.versions.node, 10);
const install = (...more: readonly string[]): readonly string[] => [...INSTALL, '--upnp', 'yes', ...more];
const box = await Box.open(install());

if (box !== null) {
  const { alice, outside } = box.lab;
  const web = await alice.listen(80);
  const asker = await Asker.open(alice, ROUTER);
  const served = async (): Promise<void> => {
    await answering(box);
    await box.running(DAEMONS);
    await until(
      'UPnP maps a port',
      async () => (await new ControlPoint(alice, ROUTER).add('UDP', 4001, ALICE, 4001, 60)) === null,
      30_000,
    );
  };
  /** The flags of node that a daemon was started with. */
  const flagsOf = async (unit: string): Promise<readonly string[]> => {
    const words = (await box.sh(`cat /proc/${await box.pid(unit)}/cmdline`)).split('\0');
    assert.is(words[0], '/usr/bin/node');
    return words.slice(
      1,
      words.findIndex((word, index) => index > 0 && !word.startsWith('-')),
    );
  };
  /** What daemons are started with, from their program on, and their environment. */
  const behindFlags = async (unit: string): Promise<string> =>
    (await box.sh(`cat /proc/${await box.pid(unit)}/cmdline`)).replace(/^.*?(?=\/usr\/local\/)/s, '');
  const exposure = async (unit: string): Promise<number> =>
    Number(
      /Overall exposure level for \S+: ([0-9.]+)/.exec(
        await box.must('systemd-analyze', 'security', '--no-pager', unit),
      )?.[1],
    );
  /** What lines of the sandbox are worth, as systemd sees them: 0 where nothing is missing. */
  const rated = async (unit: string): Promise<ReadonlyMap<string, string>> => {
    const json = await box.must('systemd-analyze', 'security', '--json=short', unit);
    const rows = JSON.parse(json) as { name: string; exposure: string | null }[];
    return new Map(rows.map(({ name, exposure }) => [name, exposure ?? '0']));
  };
  /** All of its settings: without what changes by itself. */
  const settings = async (unit: string): Promise<ReadonlyMap<string, string>> =>
    new Map(
      (await box.must('systemctl', 'show', unit))
        .split('\n')
        .filter((line) => line !== '')
        .map((line): [string, string] => {
          const [name = '', value = ''] = line.split(/=(.*)/s);
          // Without when it was started last, and whatever the order of units is.
          return [
            name,
            value
              .replace(/ ; ignore_errors=.*| ; flags=.*/, '')
              .split(' ')
              .sort()
              .join(' '),
          ];
        })
        .filter(
          ([name]) =>
            !/Timestamp|PID|^(InvocationID|ControlGroupId|NRestarts|StatusText|UID|GID|NFileDescriptorStore|FileDescriptorStore.*)$|^(Memory(Current|Peak|Available|Swap.*|ZSwap.*)|EffectiveMemory.*|CPUUsage.*|IO(Read|Write).*|IP(In|E)gress.*|TasksCurrent|EffectiveTasks.*)$/.test(
              name,
            ),
        ),
    );
  const differing = (before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): readonly string[] =>
    [...new Set([...before.keys(), ...after.keys()])].filter((key) => before.get(key) !== after.get(key)).sort();
  const dropIns = (): Promise<string> => box.sh('cd /etc/systemd/system; ls -1d natpmp-*.service.d/jit.conf || true');

  await served();
  const lease = await asker.map('tcp', 80, 8080, 600);
  assert.is(lease.externalPort, 8080);
  const before = new Map<string, Readonly<Record<'rated' | 'settings', ReadonlyMap<string, string>>>>();
  const programs = new Map<string, string>();
  for (const unit of DAEMONS) {
    before.set(unit, { rated: await rated(unit), settings: await settings(unit) });
    programs.set(unit, await behindFlags(unit));
  }

  claims('installed by install.sh without a word of a JIT', {
    'no daemon has one, and no drop-in is there': async () => {
      for (const unit of DAEMONS) assert.ok((await flagsOf(unit)).includes('--jitless'), unit);
      for (const { unit, rate } of EXPOSED) assert.is(await exposure(unit), rate, unit);
      assert.is(await dropIns(), '');
    },
    'neither yes nor no: nothing is changed': async () => {
      const { status, stderr } = await box.run(...install('--jit', 'on'));
      assert.equal([status, stderr.trim()], [2, 'install.sh: --jit on: yes or no']);
      assert.is(await dropIns(), '');
    },
  });

  claims('install.sh --jit yes', {
    'says what it costs; the services run without --jitless, as those of natpmp-server --jit, and serve': async () => {
      assert.match(await box.must(...install('--jit', 'yes')), /^jit: .*writable and executable/m);
      await served();
      for (const unit of DAEMONS) {
        assert.equal(await flagsOf(unit), daemonFlags(true, NODE_MAJOR), unit);
        assert.is(await behindFlags(unit), programs.get(unit), unit);
      }
      await tcpFlow(outside, EXTERNAL, 8080, web);
      assert.is((await asker.map('tcp', 80, 8080, 600)).externalPort, 8080);
    },
    'systemd finds nothing to complain about, and nothing has failed': async () => {
      const { stdout, stderr } = await box.run('systemd-analyze', 'verify', '--man=no', ...DAEMONS);
      assert.is(stdout + stderr, '');
      assert.is(await box.must('systemctl', '--failed', '--quiet'), '');
    },
    'natpmpctl doctor says so, and does not complain of it': async () => {
      const findings = JSON.parse((await box.run('natpmpctl', 'doctor', '--json')).stdout) as {
        check: string;
        verdict: string;
        says: string;
      }[];
      const said = findings.filter(({ says }) => /JIT/.test(says));
      assert.equal(
        said.map(({ check, verdict }) => [check, verdict]),
        [['sandbox', 'ok']],
      );
      assert.match(said[0]?.says ?? '', /MemoryDenyWriteExecute is off/);
      assert.equal(
        findings.filter(({ check, verdict }) => check === 'sandbox' && verdict !== 'ok'),
        [],
      );
    },
  });

  cases(
    'with --jit yes, of the hardening',
    EXPOSED.map((row) => ({ ...row, name: row.unit })),
    async ({ unit, file, rate }) => {
      assert.is(await exposure(unit), rate);
      const was = before.get(unit);
      const now = await rated(unit);
      assert.equal(differing(was?.rated ?? new Map(), now), ['MemoryDenyWriteExecute=']);
      assert.is(Number(now.get('MemoryDenyWriteExecute=')), ofLine);
      assert.equal(differing(was?.settings ?? new Map(), await settings(unit)), [
        'DropInPaths',
        'ExecStart',
        'ExecStartEx',
        'MemoryDenyWriteExecute',
      ]);
      const written = directives(await box.sh(`cat '/etc/systemd/system/${file}.d/jit.conf'`));
      assert.equal([...written.keys()], ['Service.ExecStart', 'Service.MemoryDenyWriteExecute']);
    },
  );

  claims('installed again', {
    'what is not said stays, and is taken again from the unit of an update': async () => {
      await box.sh(
        `for file in /etc/systemd/system/natpmp-*.service.d/jit.conf; do sed -i 's, /usr/local, --old-flag /usr/local,' "$file"; done`,
      );
      await box.must(...INSTALL);
      await served();
      for (const unit of DAEMONS) assert.equal(await flagsOf(unit), daemonFlags(true, NODE_MAJOR), unit);
    },
    'with --jit no all is as before': async () => {
      await box.must(...install('--jit', 'no'));
      await served();
      assert.is(await dropIns(), '');
      for (const unit of DAEMONS) {
        assert.ok((await flagsOf(unit)).includes('--jitless'), unit);
        assert.equal(differing(before.get(unit)?.settings ?? new Map(), await settings(unit)), [], unit);
      }
      for (const { unit, rate } of EXPOSED) assert.is(await exposure(unit), rate, unit);
      assert.ok((await box.mappings()).includes(`tcp 8080 -> ${ALICE}:80`));
    },
    'with --upnp no, --jit no and --pinholes no, nothing is left that a release without them would start': async () => {
      const optional = () =>
        box.sh(`cd /etc/systemd/system; find . -path './natpmp-*.d/*' -o -path '*.wants/natpmp-*' | grep -E 'jit|upnp|ssdp|pcp|pinholes' || true
          grep -h PINHOLES= /etc/natpmp-server/interfaces.env || true`);
      await box.must(...install('--jit', 'yes', '--pinholes', 'yes'));
      assert.is(
        (await optional())
          .trim()
          .split('\n')
          .filter((line) => /jit\.conf|pcp@.*lan\.conf|upnp@.*user\.conf|PINHOLES/.test(line)).length,
        8,
      );
      await box.must(...INSTALL, '--upnp', 'no', '--jit', 'no', '--pinholes', 'no');
      assert.is(await optional(), '');
      await answering(box);
      await box.must(...install());
      await served();
    },
    'which is what stays from then on': async () => {
      await box.must(...INSTALL);
      await served();
      assert.is(await dropIns(), '');
    },
  });
}
