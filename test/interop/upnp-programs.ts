// Programs that map their ports by UPnP, with control points of five makes: miniupnpc, libtorrent, libupnp, libgupnp-igd
// and Syncthing's own. And some of them as they come: by UPnP and NAT-PMP at once.

import { atEnd } from '../support/cases.js';
import { Host } from '../lab/host.js';
import { DebianProgram, HOME } from './debian-program.js';
import type { Program } from './programs.js';
import {
  connectingPeer,
  DELUGE,
  lifeOf,
  place,
  player,
  QBITTORRENT,
  SYNCTHING,
  tcp,
  TRANSMISSION,
  udp,
} from './programs.js';

/** On these hosts it is as if there were no NAT-PMP: their requests for it are lost on the way. */
export const WITHOUT_NATPMP = '192.168.1.32/27';

/** No program may need more than this for its first request, or for one that it is told to make, in milliseconds. */
const AT_ONCE_MS = 15_000;

/** It asks for a mapping for ever, looks every minute whether it is there, and needs no renewal while it is. */
const TRANSMISSION_UPNP: Program = {
  ...TRANSMISSION,
  name: 'transmission-daemon',
  address: '192.168.1.41',
  maps: [tcp(51413), udp(51413)],
  renewsWithinMs: null,
  needsWan: true,
};

/** It learns nothing of the lifetime it is granted; the one it asks for is set to 12 s. */
const QBITTORRENT_UPNP: Program = {
  ...QBITTORRENT,
  address: '192.168.1.42',
  flags: [],
  renewsWithinMs: 25_000,
};

/** It asks for an hour. */
const DELUGE_UPNP: Program = { ...DELUGE, address: '192.168.1.43', flags: [], renewsWithinMs: null };

const SYNCTHING_UPNP: Program = { ...SYNCTHING, address: '192.168.1.44' };

const GAME_PORT = 27016;

/** A game's server, which answers 'pong', and a script beside it that maps its port with upnpc. */
const UPNPC: Program = {
  name: 'upnpc, for a game over UDP',
  address: '192.168.1.45',
  maps: [udp(GAME_PORT)],
  renewsWithinMs: AT_ONCE_MS,
  renewsAtSecondsLeft: null,
  atExit: 'deleted',
  needsWan: true,
  async start(lab, root) {
    const at = await place(lab, root, this.address);
    const program = new DebianProgram(at, {});
    const [address, port] = [this.address, String(GAME_PORT)];
    const map = () => program.must('upnpc', '-e', 'a game', '-a', address, port, port, 'UDP', '3600');
    const host = await Host.start('game', at.namespace);
    atEnd(() => host.stop());
    const server = await host.udp({ port: GAME_PORT });
    await map();
    return {
      ...player(lab, server),
      renew: map,
      stop: () => program.must('upnpc', '-d', port, 'UDP'),
      startAgain: map,
      log: () => program.log,
    };
  },
};

/** What applications written in Python do. */
const MINIUPNPC = `
import sys, miniupnpc

port = int(sys.argv[1])
igd = miniupnpc.UPnP()
igd.discoverdelay = 2000
igd.discover()
igd.selectigd()
if not igd.addportmapping(port, 'TCP', igd.lanaddr, port, 'a test', '', 600):
    sys.exit('refused')
print(igd.getspecificportmapping(port, 'TCP'), flush=True)
`;

/** A web server, which Python has, and a mapping for it. */
const WEB_SERVER: Program = {
  name: 'python3-miniupnpc, for a web server',
  address: '192.168.1.46',
  maps: [tcp(8080)],
  renewsWithinMs: AT_ONCE_MS,
  renewsAtSecondsLeft: null,
  atExit: 'left to expire',
  needsWan: true,
  async start(lab, root) {
    const program = new DebianProgram(await place(lab, root, this.address), { 'map.py': MINIUPNPC });
    program.start('python3', '-m', 'http.server', '8080', '--directory', HOME);
    const map = () => program.must('python3', `${HOME}/map.py`, '8080');
    await map();
    return {
      ...connectingPeer(lab),
      renew: map,
      ...lifeOf(program),
      async startAgain() {
        program.startAgain();
        await map();
      },
    };
  },
};

/** What applications of GNOME do, through libnice or by themselves. It asks for a lease, and renews at half of it. */
const GUPNP_IGD = `
import signal, sys, gi
gi.require_version('GUPnPIgd', '1.0')
from gi.repository import GLib, GUPnPIgd

address, port, lease = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
loop = GLib.MainLoop()
igd = GUPnPIgd.SimpleIgd()
igd.connect('mapped-external-port', lambda *words: print('mapped', words[1:], flush=True))
igd.connect('error-mapping-port', lambda *words: print('refused', words[1:], flush=True))
igd.add_port('TCP', port, address, port, lease, 'a test')

def end(*_):
    igd.remove_port('TCP', port)
    GLib.timeout_add(3000, loop.quit)
    return False

GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGTERM, end)
loop.run()
`;

const GUPNP_PORT = 8081;

const GUPNP: Program = {
  name: 'libgupnp-igd, for a web server',
  address: '192.168.1.47',
  maps: [tcp(GUPNP_PORT)],
  renewsWithinMs: 20_000,
  renewsAtSecondsLeft: null,
  atExit: 'deleted',
  async start(lab, root) {
    const at = await place(lab, root, this.address);
    const server = new DebianProgram(at, {});
    const program = new DebianProgram(at, { 'map.py': GUPNP_IGD });
    server.start('python3', '-m', 'http.server', String(GUPNP_PORT), '--directory', HOME);
    program.start('python3', `${HOME}/map.py`, this.address, String(GUPNP_PORT), '20');
    return {
      ...connectingPeer(lab),
      ...lifeOf(program),
    };
  },
};

const AMULE: Program = {
  name: 'amuled',
  address: '192.168.1.48',
  maps: [tcp(4662), udp(4665), udp(4672)],
  renewsWithinMs: null,
  renewsAtSecondsLeft: null,
  atExit: 'deleted',
  async start(lab, root) {
    const at = await place(lab, root, this.address);
    // libupnp cannot bind to an IPv6 address that the kernel still looks for duplicates of.
    await at.namespace.ip('link set dev eth0 addrgenmode none', 'addr flush dev eth0 scope link');
    const program = new DebianProgram(at, {
      '.aMule/amule.conf': `[eMule]
Port=4662
UDPPort=4672
UDPEnable=1
ConnectToED2K=0
ConnectToKad=1
Autoconnect=0
UPnPEnabled=1
UPnPTCPPort=50000
TempDir=${HOME}/temp
IncomingDir=${HOME}/incoming
[ExternalConnect]
AcceptExternalConnections=1
ECPassword=5ebe2294ecd0e0f08eab7690d2a6ee69
ECAddress=127.0.0.1
UPnPECEnabled=0
`,
    });
    program.start('amuled', '--log-stdout', '--config-dir', `${HOME}/.aMule`);
    return {
      ...connectingPeer(lab),
      ...lifeOf(program),
    };
  },
};

const I2PD: Program = {
  name: 'i2pd',
  address: '192.168.1.49',
  maps: [tcp(9999), udp(9999)],
  renewsWithinMs: null,
  renewsAtSecondsLeft: null,
  atExit: 'left to expire',
  needsWan: true,
  async start(lab, root) {
    const program = new DebianProgram(await place(lab, root, this.address), {
      'i2pd.conf': `log = stdout
loglevel = info
ipv6 = false
port = 9999
[upnp]
enabled = true
name = a test
[reseed]
verify = true
urls =
[http]
enabled = false
[httpproxy]
enabled = false
[socksproxy]
enabled = false
`,
    });
    program.start('i2pd', `--datadir=${HOME}/data`, `--conf=${HOME}/i2pd.conf`);
    return {
      ...connectingPeer(lab),
      ...lifeOf(program),
    };
  },
};

/** As they come: UPnP and NAT-PMP at once, for the same ports. */
const both = (program: Program, address: string, change: Partial<Program> = {}): Program => ({
  ...program,
  name: `${program.name}, by NAT-PMP too`,
  address,
  ...change,
});

export const UPNP_PROGRAMS: readonly Program[] = [
  TRANSMISSION_UPNP,
  QBITTORRENT_UPNP,
  DELUGE_UPNP,
  SYNCTHING_UPNP,
  UPNPC,
  WEB_SERVER,
  GUPNP,
  AMULE,
  I2PD,
  both(TRANSMISSION, '192.168.1.21', {
    maps: [tcp(51414), udp(51414)], // UDP by UPnP alone
    renewsWithinMs: null,
    needsWan: true,
  }),
  both(QBITTORRENT, '192.168.1.22', {
    maps: [tcp(6882), udp(6882)],
    flags: ['--rule', 'allow 192.168.1.22 max-lifetime 20'],
    renewsWithinMs: 25_000,
  }),
  both(SYNCTHING, '192.168.1.24'),
];
