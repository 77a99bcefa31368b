// libtorrent's mapper over IPv6, as Debian 12 has it, and through it qBittorrent and Deluge: it asks by PCP, at the
// router's link-local address, and is reached from outside under its own address, also after what happens to a router.

import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { claims, skip } from '../support/cases.js';
import { until } from '../lab/flows.js';
import { LAN6, openDualStackLab } from '../lab/ipv6.js';
import { pinholesOf } from '../lab/nft-elements.js';
import { Server } from '../lab/server.js';
import { programsRoot } from './debian-program.js';
import { GREETING, startTorrenting, TORRENT } from './libtorrent.js';

const PORT = 6891;
const ADDRESS = `${LAN6}31`;
const PINHOLES = [`tcp [${ADDRESS}]:${PORT}`, `udp [${ADDRESS}]:${PORT}`];
/** It renews after three quarters of what it is granted: 9 s. */
const LIFETIME = 12;
const FLAGS = ['--pinholes', '--max-lifetime', String(LIFETIME)];
const RENEWED_WITHIN_MS = 1000 * LIFETIME;
/** How long the gateway is stopped, in milliseconds: it asks nine times, for 11 s in all, and then never again. */
const STOPPED_MS = 3000;

const lab = await openDualStackLab();
const root = lab === null ? null : await programsRoot();
if (root !== null && 'why' in root) skip('programs that ask for pinholes', root.why);

if (lab !== null && root !== null && 'folder' in root) {
  const { outside } = lab;
  let server = await Server.start(lab, FLAGS);
  const { program } = await startTorrenting(
    lab,
    root.folder,
    'torrenting',
    { ipv4: '192.168.1.31', ipv6: ADDRESS },
    PORT,
  );

  /** What a peer outside hears. */
  const greet = async (): Promise<string> => {
    const peer = join(import.meta.dirname, 'peer.js');
    const args = ['bittorrent', ADDRESS, String(PORT), TORRENT.infoHash];
    const { stdout, stderr } = await outside.run(process.execPath, peer, ...args);
    return (stdout || stderr).trim();
  };
  const areOpen = async () => `${await server.pinholes()}` === `${PINHOLES}`;
  const secondsLeft = async () => pinholesOf(await server.ruleset());
  /** Until each has more time left than it would have without. */
  const renewed = async (): Promise<void> => {
    const before = await secondsLeft();
    const beganMs = performance.now();
    await until(
      `it renews:\n${program.log}`,
      async () => {
        const now = await secondsLeft();
        const passed = (performance.now() - beganMs) / 1000;
        return PINHOLES.every((line) => (now.get(line) ?? 0) > (before.get(line) ?? 0) - passed + 2);
      },
      RENEWED_WITHIN_MS,
    );
  };

  claims('libtorrent over IPv6', {
    'opens its port for TCP and UDP, and no other': async () => {
      await until(`it asks:\n${program.log}`, areOpen);
    },
    'takes the answer for one to its request': async () => {
      const mapped = /^portmap_alert: .*\b6891\b/gm;
      await until(`it says so:\n${program.log}`, async () => (program.log.match(mapped) ?? []).length >= 2);
      assert.not.match(program.log, /portmap_error/);
    },
    'is reached from outside': async () => {
      // It may have its port opened before it has looked at the torrent.
      await until('it answers', async () => GREETING.test(await greet()));
    },
    'renews before the end': () => renewed(),
    'kill -9 of the helper: is reached all the while, and renews': async () => {
      await server.killOne('helper');
      assert.match(await greet(), GREETING);
      await renewed();
      assert.ok(await areOpen());
    },
    'kill -9 of the frontend: the same': async () => {
      await server.killOne('frontend');
      assert.match(await greet(), GREETING);
      await renewed();
      assert.ok(await areOpen());
    },
    'natpmp-server is stopped, and started again: renews, and is reached': async () => {
      await server.stop();
      await new Promise((resolve) => setTimeout(resolve, STOPPED_MS));
      server = await Server.start(lab, FLAGS);
      await renewed();
      assert.match(await greet(), GREETING);
    },
    'started again at once, with another nonce: asks for what it has deleted, and is reached': async () => {
      await program.stop();
      program.startAgain();
      await until(`it asks again:\n${program.log}`, areOpen);
      await until('it is reached', async () => GREETING.test(await greet()));
      assert.not.match(program.log, /portmap_error/);
    },
    'deletes at its end': async () => {
      await program.stop();
      await until('it has deleted', async () => (await server.pinholes()).length === 0);
    },
  });
}
