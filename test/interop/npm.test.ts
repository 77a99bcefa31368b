// Packages of npm that programs on Node.js ask for ports by UPnP with.

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as assert from 'uvu/assert';
import { cases, skip } from '../support/cases.js';
import { act, mapping } from '../lab/control-point.js';
import { until } from '../lab/flows.js';
import { ALICE, BOB, EXTERNAL, openLab } from '../lab/lab.js';
import { Server } from '../lab/server.js';

const INSTALLED = resolve(import.meta.dirname, '../../../test/interop/npm/node_modules');
const CLIENT = join(import.meta.dirname, 'npm-client.js');

const isInstalled = existsSync(INSTALLED);
if (!isInstalled) skip('packages of npm that ask by UPnP', 'they are not installed: sh scripts/setup.sh test');
const lab = isInstalled ? await openLab() : null;

if (lab !== null) {
  const { alice, bob } = lab;
  const server = await Server.start(lab, ['--upnp']);
  await until('natpmp-upnp is ready', async () => server.log.includes('"upnpPort"'));
  // Somebody else's, which none of alice's programs may see or take away.
  assert.equal(await act(bob, 'AddPortMapping', mapping('TCP', 4000, BOB, 4000, 3600)), {});
  const BOBS = `tcp 4000 -> ${BOB}:4000`;

  const say = async (...words: readonly string[]): Promise<unknown> => {
    const { status, stdout, stderr } = await alice.run(process.execPath, CLIENT, ...words);
    if (status !== 0) throw new Error(`${words.join(' ')}: ${stderr}`);
    return JSON.parse(stdout);
  };
  const own = (protocol: 'tcp' | 'udp', port: number) => `${protocol} ${port} -> ${ALICE}:${port}`;

  cases<{
    name: string;
    words: readonly string[];
    says: unknown;
    after: readonly string[];
  }>(
    'packages of npm',
    [
      { name: 'nat-api: the external address', words: ['nat-api', 'address'], says: EXTERNAL, after: [BOBS] },
      {
        name: 'nat-api: maps, both protocols',
        words: ['nat-api', 'map', '4310'],
        says: true,
        after: [BOBS, own('tcp', 4310), own('udp', 4310)],
      },
      { name: "nat-api: another's port is refused", words: ['nat-api', 'map', '4000'], says: false, after: [] },
      { name: 'nat-api: unmaps', words: ['nat-api', 'unmap', '4310'], says: true, after: [BOBS] },
      { name: 'nat-upnp: the external address', words: ['nat-upnp', 'address'], says: EXTERNAL, after: [BOBS] },
      {
        name: 'nat-upnp: maps',
        words: ['nat-upnp', 'map', '4300'],
        says: true,
        after: [BOBS, own('tcp', 4300)],
      },
      {
        name: 'nat-upnp: lists what is its own',
        words: ['nat-upnp', 'list'],
        says: [`tcp 4300 -> ${ALICE}:4300, node:nat:upnp, enabled`],
        after: [BOBS, own('tcp', 4300)],
      },
      { name: 'nat-upnp: unmaps', words: ['nat-upnp', 'unmap', '4300'], says: true, after: [BOBS] },
      { name: 'nat-upnp: lists nothing', words: ['nat-upnp', 'list'], says: [], after: [BOBS] },
    ],
    async ({ words, says, after }) => {
      assert.equal(shown(await say(...words)), says);
      const mappings = await server.mappings();
      if (after.length > 0) assert.equal(mappings.sort(), [...after].sort());
      // It asks for UDP first, which nobody has: what it has got by then it keeps.
      else assert.ok(mappings.includes(BOBS), `${mappings}`);
    },
  );
}

/** nat-upnp's list as lines, anything else as it is. */
function shown(said: unknown): unknown {
  if (!Array.isArray(said)) return said;
  return said.map(
    (each: {
      protocol: string;
      public: { port: number };
      private: { host: string; port: number };
      description: string;
      enabled: boolean;
    }) =>
      `${each.protocol} ${each.public.port} -> ${each.private.host}:${each.private.port}, ${each.description}, ` +
      `${each.enabled ? 'enabled' : 'disabled'}`,
  );
}
