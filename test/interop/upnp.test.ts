// Programs that people run on their LAN, as Debian 12 has them, and what they go through with our gateway by UPnP, alone
// and beside NAT-PMP.

import { skip } from '../support/cases.js';
import { openLab } from '../lab/lab.js';
import { Server } from '../lab/server.js';
import { programsRoot } from './debian-program.js';
import { ordeal } from './ordeal.js';
import { UPNP_PROGRAMS, WITHOUT_NATPMP } from './upnp-programs.js';

/** Of a provider: miniupnpc maps nothing at a router whose address is one for documentation. */
const PROVIDER = '44.0.0.1';
const EXTERNAL = '44.0.0.10';

const lab = await openLab();
const root = lab === null ? null : await programsRoot();
if (root !== null && 'why' in root) skip('programs that ask by UPnP', root.why);

if (lab !== null && root !== null && 'folder' in root) {
  const setExternal = async (address: string | null): Promise<void> => {
    await lab.router.namespace.ip('addr flush dev wan0');
    if (address === null) return;
    await lab.router.namespace.ip(`addr add ${address}/24 dev wan0`, `route add default via ${PROVIDER}`);
  };
  await lab.outside.namespace.ip(`addr add ${PROVIDER}/24 dev eth0`);
  await setExternal(EXTERNAL);
  await lab.nft(`table inet without-natpmp {
    chain input {
      type filter hook input priority -400;
      ip saddr ${WITHOUT_NATPMP} udp dport 5351 drop
    }
  }`);
  const flags = ['--upnp', ...UPNP_PROGRAMS.flatMap((program) => program.flags ?? [])];
  await ordeal({
    lab,
    root: root.folder,
    programs: UPNP_PROGRAMS,
    victims: [
      {
        role: 'helper',
        reached: 'kill -9 of the helper: is reached all the while',
        renews: 'kill -9 of the helper: renews',
      },
      {
        role: 'upnp',
        reached: 'kill -9 of natpmp-upnp: is reached all the while',
        renews: 'kill -9 of natpmp-upnp: renews',
      },
    ],
    external: { address: EXTERNAL, later: '44.0.0.20' },
    setExternal,
    start: () => Server.start(lab, flags),
    restart: 'natpmp-server is stopped, and started again: renews, and is reached',
  });
}
