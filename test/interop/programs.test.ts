// Programs that people run on their LAN, as Debian 12 has them, and what they go through with our gateway by NAT-PMP.

import { skip } from '../support/cases.js';
import { EXTERNAL, openLab, setExternal } from '../lab/lab.js';
import { Server } from '../lab/server.js';
import { programsRoot } from './debian-program.js';
import { ordeal } from './ordeal.js';
import { PROGRAMS } from './programs.js';

const lab = await openLab();
const root = lab === null ? null : await programsRoot();
if (root !== null && 'why' in root) skip('programs that ask', root.why);

if (lab !== null && root !== null && 'folder' in root) {
  const flags = PROGRAMS.flatMap((program) => program.flags ?? []);
  await ordeal({
    lab,
    root: root.folder,
    programs: PROGRAMS,
    victims: [
      {
        role: 'helper',
        reached: 'kill -9 of the helper: is reached all the while',
        renews: 'kill -9 of the helper: renews',
      },
    ],
    external: { address: EXTERNAL, later: '203.0.113.20' },
    setExternal: (address) => setExternal(lab, address),
    start: () => Server.start(lab, flags),
    restart: 'natpmp-server is stopped, and started again: renews, and is reached',
  });
}
