// What install.sh finds before it changes anything, over a gateway that serves: it goes on serving. And that what
// install.sh says at its end is so.

import * as assert from 'uvu/assert';
import { ROUTER } from '../lab/lab.js';
import { Asker } from '../lab/natpmp.js';
import { cases, claims } from '../support/cases.js';
import { answering, Box, FRONTEND, HELPER } from './box.js';

const INSTALL = ['sh', '/src/systemd/install.sh', '--external-interface', 'wan0', '--listen-interface', 'br-lan'];
const ETC = '/etc/natpmp-server';
const box = await Box.open(INSTALL);

if (box !== null) {
  await answering(box);
  const asker = await Asker.open(box.lab.alice, ROUTER);
  const pids = () => Promise.all([HELPER, FRONTEND].map((unit) => box.pid(unit)));
  const installed = () => box.sh(`find ${ETC} /etc/systemd/system /usr/local ! -type d -printf '%p %T@\\n'`);
  const inFile = (file: string, line: string) => ({
    trouble: `cp -p ${ETC}/${file} /root/kept; echo '${line}' >>${ETC}/${file}`,
    remedy: `cp -p /root/kept ${ETC}/${file}`,
  });
  /** Another program of this name, which install.sh finds first. */
  const instead = (program: string, script: string) => ({
    trouble: `mkdir -p /root/first; printf '#!/bin/sh\\n${script}\\nexec ${program} "$@"\\n' >/root/first/${program.replace(/.*\//, '')}; chmod 755 /root/first/*`,
    remedy: 'rm -r /root/first',
  });

  interface Row {
    readonly name: string;
    readonly trouble?: string;
    readonly remedy?: string;
    readonly more?: readonly string[];
    readonly status: number;
    readonly says: RegExp;
  }
  const rows: readonly Row[] = [
    {
      name: 'node is a link to where the sandbox has nothing',
      trouble:
        'mkdir -p /opt/node; touch /opt/node/node; mount --bind /usr/bin/node /opt/node/node; umount /usr/bin/node; rm /usr/bin/node; ln -s /opt/node/node /usr/bin/node',
      remedy: 'rm /usr/bin/node; touch /usr/bin/node; mount --bind /opt/node/node /usr/bin/node; umount /opt/node/node',
      status: 72,
      says: /\/usr\/bin\/node is a link to \/opt\/node\/node, which the sandbox of the units hides: .*; nothing was changed/,
    },
    {
      name: 'a line of gateway.conf is wrong',
      ...inFile('gateway.conf', 'max-lifetme = 5'),
      status: 2,
      says: /natpmp-helper\.service would not start with .*, so nothing was changed: .*gateway\.conf:\d+: max-lifetme/,
    },
    {
      name: 'a flag of the helper is wrong',
      ...inFile('gateway.env', 'NATPMP_HELPER=--admin-uid root'),
      status: 2,
      says: /natpmp-helper\.service would not start with .*: --admin-uid root/,
    },
    {
      name: 'a flag of the frontends is wrong, in quotes, as systemd takes them',
      ...inFile('gateway.env', 'NATPMP_FRONTEND="--log-level info --no-such-flag"'),
      status: 2,
      says: /natpmp-frontend@\.service would not start with .*: unknown option .--no-such-flag/,
    },
    {
      name: 'a flag of natpmp-upnp is wrong',
      ...inFile('gateway.env', 'NATPMP_UPNP=--upnp-port 0'),
      more: ['--upnp', 'yes'],
      status: 2,
      says: /natpmp-upnp@\.service would not start with .*: --upnp-port 0/,
    },
    {
      name: 'nftables would not take the name of the table',
      ...inFile('gateway.env', 'NATPMP_TABLE=--nat-table ip'),
      status: 2,
      says: /would not start with .*: --nat-table ip/,
    },
    {
      name: 'systemd lacks lines of the sandbox',
      ...instead('/usr/bin/systemctl', '[ "$*" != --version ] || { echo "systemd 247 (247.3-7)"; exit; }'),
      status: 72,
      says: /systemd 247 is too old: .*; nothing was changed/,
    },
    {
      name: 'nft does not know a word of the ruleset',
      ...instead('/usr/sbin/nft', '[ "$1" != --check ] || { echo "-:1:1-3: Error: syntax error"; exit 1; }'),
      status: 72,
      says: /nftables v\S+ .*, or Linux \S+, does not take the ruleset, so nothing was changed: .*syntax error/,
    },
    {
      name: 'there is nothing that clients could know UPnP of this router by',
      trouble: 'cp /etc/machine-id /root/machine-id; umount /etc/machine-id 2>/dev/null || true; : >/etc/machine-id',
      remedy: 'cp /root/machine-id /etc/machine-id',
      more: ['--upnp', 'yes'],
      status: 72,
      says: /--upnp yes: \/etc\/machine-id is empty, .*systemd-machine-id-setup.*; nothing was changed/,
    },
    {
      name: 'there is no room for another copy',
      trouble: `size=$(du -sk /usr/local/lib | cut -f 1); mount -t tmpfs -o size=$((size + 2000))k small /mnt
        cp -a /usr/local/lib/. /mnt/; mount --bind /mnt /usr/local/lib`,
      remedy: 'umount /usr/local/lib /mnt',
      status: 1,
      says: /no space left on device/i,
    },
  ];
  cases('install.sh changes nothing, and all is served as before, where', rows, async (row) => {
    const { trouble = ':', remedy = ':', more = [], status, says } = row;
    await box.sh(trouble);
    const before = [await installed(), ...(await pids())];
    const run = await box.run('sh', '-c', 'PATH=/root/first:$PATH; exec "$@"', 'sh', ...INSTALL, ...more);
    const after = [await installed(), ...(await pids())];
    await box.sh(remedy);
    assert.is(run.status, status, run.stdout + run.stderr);
    assert.match(run.stderr, says);
    assert.not.match(run.stdout, /^installed/m);
    assert.equal(after, before);
    assert.is((await asker.info()).result, 0);
  });

  claims('install.sh, at its end', {
    'has waited until all daemons are ready': async () => {
      await box.must(...INSTALL);
      for (const unit of [HELPER, FRONTEND]) assert.is(await box.property(unit, 'SubState'), 'running', unit);
      assert.is((await asker.info()).result, 0);
    },
    'says which daemon does not stay up, and why': async () => {
      const folder = `/etc/systemd/system/${HELPER}.d`;
      await box.sh(
        `mkdir ${folder}; printf '[Service]\\nInaccessiblePaths=/usr/local/lib/natpmp-server/dist/helper\\n' >${folder}/x.conf`,
      );
      const { status, stdout, stderr } = await box.run(...INSTALL);
      assert.is(status, 69, stdout + stderr);
      assert.match(stderr, /natpmp-helper\.service does not stay up \(status \d+\), so not everything is served: \S/);
      assert.not.match(stdout, /^installed/m);
      await box.sh(`rm -r ${folder}`);
      await box.must(...INSTALL);
      assert.is((await asker.info()).result, 0);
    },
    'has copied no addon of another system or processor': async () => {
      const addons = await box.sh('cd /usr/local/lib/natpmp-server/node_modules; find . -name "*.node"');
      assert.match(addons, /zeromq/);
      for (const path of addons.trim().split('\n'))
        assert.match(path, new RegExp(`/(linux/${process.arch}/node/(glibc|musl)-|(linux|musl)_${process.arch}/)`));
    },
  });
}
