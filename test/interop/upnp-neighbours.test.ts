// Programs that listen on port 1900 too, on this router: a media server, as Debian 12 has it. And what lists all that
// there is.

import * as assert from 'uvu/assert';
import { claims, skip } from '../support/cases.js';
import { header, replies } from '../lab/control-point.js';
import { until } from '../lab/flows.js';
import { SOON_MS } from '../lab/inbox.js';
import { openLab, ROUTER } from '../lab/lab.js';
import { Server } from '../lab/server.js';
import { GATEWAY_DEVICE as IGD, searchFor } from '../lab/upnp.js';
import { DebianProgram, HOME, programsRoot } from './debian-program.js';
import { place } from './programs.js';

const MEDIA_SERVER = 'urn:schemas-upnp-org:device:MediaServer:1';
const OURS = `http://${ROUTER}:2869/igd.xml`;
const THEIRS = `http://${ROUTER}:8200/rootDesc.xml`;

const lab = await openLab();
const root = lab === null ? null : await programsRoot();
if (root !== null && 'why' in root) skip('programs beside ours on port 1900', root.why);

if (lab !== null && root !== null && 'folder' in root) {
  const { alice, router, folder } = lab;
  const media = new DebianProgram(
    { root: root.folder, namespace: router.namespace, folder },
    {
      'minidlna.conf': `media_dir=${HOME}/media
db_dir=${HOME}/db
log_dir=${HOME}/log
network_interface=br-lan
port=8200
inotify=no
`,
      'media/nothing': '',
    },
  );
  const startMedia = () => media.start('minidlnad', '-S', '-f', `${HOME}/minidlna.conf`, '-P', `${HOME}/pid`);
  /** Of the first reply. */
  const locationOf = async (target: string, to?: string, withinMs = 1000): Promise<string | null> => {
    const [reply = ''] = await replies(alice, searchFor(target), {
      withinMs,
      ...(to === undefined ? {} : { to }),
    });
    return header(reply, 'LOCATION');
  };
  const bothAreFound = async () => {
    let found: readonly (string | null)[] = [];
    await until('both are found', async () => {
      found = await Promise.all([locationOf(IGD), locationOf(MEDIA_SERVER)]);
      return `${found}` === `${[OURS, THEIRS]}`;
    }).catch(() => assert.equal(found, [OURS, THEIRS], media.log));
    // A search to the router itself gets to one of them only: ours is the one that is asked so.
    assert.is(await locationOf(IGD, ROUTER, SOON_MS), OURS);
  };

  let server: Server | null = null;
  claims('a media server on the same router', {
    'that was there first': async () => {
      startMedia();
      await until('it is found', async () => (await locationOf(MEDIA_SERVER)) === THEIRS);
      server = await Server.start(lab, ['--upnp']);
      await bothAreFound();
    },
    'that comes later': async () => {
      await media.stop();
      startMedia();
      await bothAreFound();
    },
    'that stays while ours is stopped, and started again': async () => {
      await server?.stop();
      assert.is(await locationOf(MEDIA_SERVER, undefined, SOON_MS), THEIRS);
      server = await Server.start(lab, ['--upnp']);
      await bothAreFound();
      await media.stop();
    },
  });

  claims('gssdp-discover', {
    'lists the ten things that ours is': async () => {
      const program = new DebianProgram(await place(lab, root.folder, '192.168.1.50'), {});
      await program.must('gssdp-discover', '-i', 'eth0', '-n', '3');
      const names = [...program.log.matchAll(/USN: +(\S+)\s+Location: +(\S+)/g)].map(([, usn = '', location]) => {
        assert.is(location, OURS);
        return usn.replace(/^uuid:[0-9a-f-]{36}(?:::)?/, '');
      });
      assert.equal(
        [...new Set(names)].sort(),
        [
          '',
          'upnp:rootdevice',
          'urn:schemas-upnp-org:device:InternetGatewayDevice:1',
          'urn:schemas-upnp-org:device:WANConnectionDevice:1',
          'urn:schemas-upnp-org:device:WANDevice:1',
          'urn:schemas-upnp-org:service:Layer3Forwarding:1',
          'urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1',
          'urn:schemas-upnp-org:service:WANIPConnection:1',
        ],
        program.log,
      );
      assert.is(new Set(program.log.match(/uuid:[0-9a-f-]{36}/g)).size, 3);
    },
  });
}
