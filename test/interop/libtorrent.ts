// A BitTorrent program of a few lines, on libtorrent as qBittorrent and Deluge use it: listens on one IPv6 address, has
// it mapped by libtorrent's own mapper, and answers peers of one torrent.

import { ROUTER6_LOCAL } from '../lab/ipv6.js';
import type { Lab } from '../lab/lab.js';
import { DebianProgram, HOME, lanHost } from './debian-program.js';
import { makeTorrent } from './torrent.js';

/** Prints what its mapper says. Its end sends the deletions. */
const PROGRAM = `
import signal, sys, libtorrent

address, port, torrent, folder = sys.argv[1:]
session = libtorrent.session({
    "listen_interfaces": f"[{address}]:{port}",
    "enable_natpmp": True,
    "enable_upnp": False,
    "enable_dht": False,
    "enable_lsd": False,
    "user_agent": "interop",
    "peer_fingerprint": "-IO0001-",
    "alert_mask": libtorrent.alert.category_t.port_mapping_notification
    | libtorrent.alert.category_t.error_notification
    | libtorrent.alert.category_t.status_notification,
})
session.add_torrent({"ti": libtorrent.torrent_info(torrent), "save_path": folder})
ended = False

def end(*_):
    global ended
    ended = True

signal.signal(signal.SIGTERM, end)
while not ended:
    session.wait_for_alert(200)
    for alert in session.pop_alerts():
        print(f"{type(alert).__name__}: {alert.message()}", flush=True)
del session
`;

export const TORRENT = makeTorrent('nothing');
/** What it says to a peer first. */
export const GREETING = /^-IO0001-/;

export interface Torrenting {
  readonly address: string;
  readonly port: number;
  readonly program: DebianProgram;
}

/** On a host of its own with these addresses in the LAN; listens on the IPv6 one. */
export async function startTorrenting(
  lab: Lab,
  root: string,
  name: string,
  addresses: { readonly ipv4: string; readonly ipv6: string },
  port: number,
): Promise<Torrenting> {
  const namespace = await lanHost(lab, name, addresses.ipv4);
  await namespace.ip(
    'link set dev eth0 addrgenmode none',
    'addr flush dev eth0 scope link',
    `addr add fe80::${addresses.ipv6.split('::')[1]}/64 dev eth0 nodad`,
    `addr add ${addresses.ipv6}/64 dev eth0 nodad`,
    `route add default via ${ROUTER6_LOCAL} dev eth0`,
  );
  const program = new DebianProgram(
    { root, folder: lab.folder, namespace },
    { 'torrenting.py': PROGRAM, 'nothing.torrent': TORRENT.file },
  );
  program.start(
    'python3',
    `${HOME}/torrenting.py`,
    addresses.ipv6,
    String(port),
    `${HOME}/nothing.torrent`,
    `${HOME}/downloads`,
  );
  return { address: addresses.ipv6, port, program };
}
