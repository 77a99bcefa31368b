// The programs: how each is made to map its port and to do nothing else, and what it is known by.

import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import type { Lab } from '../lab/lab.js';
import { ALICE, ROUTER } from '../lab/lab.js';
import type { Udp } from '../lab/sockets.js';
import { DebianProgram, HOME, lanHost } from './debian-program.js';
import { makeTorrent } from './torrent.js';

/** Lifetime for programs that heed the lifetime they are granted, in seconds: they renew after 3/4 of it, 9 s. */
const SHORT_LIFETIME = 12;
/** The same by UPnP, where it asks for one port after the other: the last of them has a second or two less. */
const SHORT_UPNP_LIFETIME = 20;
/** Of Transmission, with a second each for its clock and for that of its renewal, in milliseconds. */
const SILENT_AFTER_REQUEST_MS = 10_000;
const GAME_PORT = 27015;

export interface Program {
  readonly name: string;
  readonly address: string;
  /** Flags of the gateway for it. */
  readonly flags?: readonly string[];
  /** All that it maps; `externalPort`: null if each installation chooses one. */
  readonly maps: readonly {
    readonly protocol: 'tcp' | 'udp';
    readonly internalPort: number;
    readonly externalPort: number | null;
  }[];
  /** From the cause of a renewal to its end, in milliseconds; null if it never renews while a test runs. */
  readonly renewsWithinMs: number | null;
  /** It begins to renew when so many seconds are left, which is a minute after the last time; null if it does sooner. */
  readonly renewsAtSecondsLeft: number | null;
  readonly atExit: 'deleted' | 'left to expire';
  /** It asks for nothing more once it has found the router without an external address, until it is started again. */
  readonly needsWan?: true;
  /** `root`: the file system with the programs. */
  start(lab: Lab, root: string): Promise<Running>;
}

export interface Running {
  /** A peer outside connects; resolves with what the program said, or why it said nothing. */
  greet(address: string, port: number): Promise<string>;
  /** What it says. */
  readonly greeting: () => RegExp;
  /** Make it renew now; without it, it renews by itself often enough. Resolves when it has asked, or with its answer. */
  renew?(): Promise<void>;
  stop(): Promise<void>;
  /** With the state it had at its end. */
  startAgain(): Promise<void>;
  /** What it has printed. */
  log(): string;
}

const torrent = makeTorrent('nothing');

/** As a BitTorrent peer that connects from outside. */
export const bitTorrentPeer =
  ({ outside }: Lab) =>
  async (address: string, port: number) => {
    const peer = join(import.meta.dirname, 'peer.js');
    const { stdout, stderr } = await outside.run(
      process.execPath,
      peer,
      'bittorrent',
      address,
      String(port),
      torrent.infoHash,
    );
    return (stdout || stderr).trim();
  };

/** As one that only connects. */
export const connectingPeer = ({ outside }: Lab) => ({
  greeting: () => /^connected$/,
  async greet(address: string, port: number): Promise<string> {
    const connected = await outside.connect(address, port);
    if (connected.kind === 'failed') return connected.code;
    connected.connection.close();
    return 'connected';
  },
});

/** As the player of a game, whose server this is: it answers 'pong'. */
export const player = ({ outside }: Lab, server: Udp) => ({
  greeting: () => /^pong$/,
  async greet(address: string, port: number): Promise<string> {
    const socket = await outside.udp({ peer: { address, port } });
    server.drain();
    socket.sendText('ping');
    const ping = await server.receive();
    if (ping === null) return 'the server heard nothing';
    server.sendText('pong', ping.address, ping.port);
    const answer = (await socket.receiveText()) ?? 'no answer';
    socket.close();
    return answer;
  },
});

/** The end and the next start of a program for which nothing else is to be done then, and what it has printed. */
export const lifeOf = (program: DebianProgram) => ({
  async stop() {
    await program.stop();
  },
  async startAgain() {
    program.startAgain();
  },
  log: () => program.log,
});

/** A mapping to the same port. */
export const tcp = (port: number) => ({ protocol: 'tcp', internalPort: port, externalPort: port }) as const;
export const udp = (port: number) => ({ protocol: 'udp', internalPort: port, externalPort: port }) as const;

/** A host of its own at this address. */
export async function place(lab: Lab, root: string, address: string) {
  return { root, folder: lab.folder, namespace: await lanHost(lab, `host-${address.split('.')[3]}`, address) };
}

export const TRANSMISSION: Program = {
  name: 'transmission-daemon',
  address: '192.168.1.11',
  maps: [tcp(51413)],
  // It waits twice as long before each repetition, from 250 ms.
  renewsWithinMs: 25_000,
  renewsAtSecondsLeft: null,
  atExit: 'deleted',
  async start(lab, root) {
    const program = new DebianProgram(await place(lab, root, this.address), {
      'config/settings.json': JSON.stringify({
        'port-forwarding-enabled': true,
        'peer-port': portOf(this),
        'dht-enabled': false,
        'lpd-enabled': false,
        'pex-enabled': false,
        'utp-enabled': false,
        'rpc-enabled': false,
        'download-dir': `${HOME}/downloads`,
        'watch-dir': `${HOME}/watch`,
        'watch-dir-enabled': true,
      }),
      'watch/nothing.torrent': torrent.file,
      clock: '+0',
    });
    // It looks only every 20 minutes whether a renewal is due: its clock is set forward.
    program.start(
      'env',
      'LD_PRELOAD=/usr/$LIB/faketime/libfaketime.so.1',
      `FAKETIME_TIMESTAMP_FILE=${HOME}/clock`,
      'FAKETIME_CACHE_DURATION=1',
      ...['transmission-daemon', '--foreground', '--config-dir', `${HOME}/config`],
    );
    let minutes = 0;
    let renewedAtMs = performance.now();
    return {
      greeting: () => /^-TR3000-/,
      greet: bitTorrentPeer(lab),
      async renew() {
        minutes += 40;
        program.write('clock', `+${minutes}m`);
        renewedAtMs = performance.now();
      },
      ...lifeOf(program),
      async stop() {
        // It sends no request, and so no deletion, in the 8 s after another.
        const leftMs = renewedAtMs + SILENT_AFTER_REQUEST_MS - performance.now();
        await new Promise((resolve) => setTimeout(resolve, leftMs));
        await program.stop();
      },
    };
  },
};

export const QBITTORRENT: Program = {
  name: 'qbittorrent-nox',
  address: '192.168.1.12',
  flags: ['--rule', `allow 192.168.1.12 max-lifetime ${SHORT_LIFETIME}`],
  maps: [tcp(6881), udp(6881)],
  renewsWithinMs: 15_000,
  renewsAtSecondsLeft: null,
  atExit: 'deleted',
  async start(lab, root) {
    const program = new DebianProgram(await place(lab, root, this.address), {
      'qBittorrent/config/qBittorrent.conf': `[LegalNotice]
Accepted=true
[Network]
PortForwardingEnabled=true
[BitTorrent]
Session\\Port=${portOf(this)}
Session\\DHTEnabled=false
Session\\LSDEnabled=false
Session\\PeXEnabled=false
Session\\UPnPLeaseDuration=${SHORT_UPNP_LIFETIME}
`,
      'nothing.torrent': torrent.file,
    });
    const flags = [`--profile=${HOME}`, `--save-path=${HOME}/downloads`, '--skip-dialog=true'];
    program.start('qbittorrent-nox', ...flags, `${HOME}/nothing.torrent`);
    return {
      greeting: () => /^-qB4520-/,
      greet: bitTorrentPeer(lab),
      ...lifeOf(program),
    };
  },
};

export const DELUGE: Program = {
  name: 'deluged',
  address: '192.168.1.13',
  flags: ['--rule', `allow 192.168.1.13 max-lifetime ${SHORT_LIFETIME}`],
  maps: [tcp(6891), udp(6891)],
  renewsWithinMs: 15_000,
  renewsAtSecondsLeft: null,
  atExit: 'deleted',
  async start(lab, root) {
    const config = {
      natpmp: true,
      upnp: true,
      dht: false,
      lsd: false,
      utpex: false,
      random_port: false,
      listen_ports: [6891, 6891],
      download_location: `${HOME}/downloads`,
      new_release_check: false,
    };
    const program = new DebianProgram(await place(lab, root, this.address), {
      'config/core.conf': `${JSON.stringify({ file: 1, format: 1 })}${JSON.stringify(config)}`,
      'config/auth': 'localclient:secret:10\n',
      'nothing.torrent': torrent.file,
    });
    program.start('deluged', '--do-not-daemonize', '--ui-interface', '127.0.0.1', '--config', `${HOME}/config`);
    const add = `connect 127.0.0.1:58846 localclient secret; add ${HOME}/nothing.torrent`;
    await program.must('deluge-console', '--config', `${HOME}/console`, add);
    return {
      greeting: () => /^-DE203s-/,
      greet: bitTorrentPeer(lab),
      ...lifeOf(program),
    };
  },
};

export const SYNCTHING: Program = {
  name: 'syncthing',
  address: '192.168.1.14',
  maps: [{ protocol: 'tcp', internalPort: 22000, externalPort: null }],
  renewsWithinMs: 30_000,
  renewsAtSecondsLeft: 60,
  atExit: 'left to expire',
  async start(lab, root) {
    const program = new DebianProgram(await place(lab, root, this.address), {
      'config/config.xml': `<configuration version="35">
  <gui enabled="false"/>
  <options>
    <listenAddress>tcp://0.0.0.0:22000</listenAddress>
    <globalAnnounceEnabled>false</globalAnnounceEnabled>
    <localAnnounceEnabled>false</localAnnounceEnabled>
    <relaysEnabled>false</relaysEnabled>
    <crashReportingEnabled>false</crashReportingEnabled>
    <natEnabled>true</natEnabled>
    <natLeaseMinutes>2</natLeaseMinutes>
    <natRenewalMinutes>1</natRenewalMinutes>
    <urAccepted>-1</urAccepted>
    <autoUpgradeIntervalH>0</autoUpgradeIntervalH>
  </options>
</configuration>
`,
    });
    program.start('syncthing', 'serve', '--no-browser', '--no-restart', '--home', `${HOME}/config`);
    return {
      greeting: () => new RegExp(`^bep/1.0 ${fingerprint(program.read('config/cert.pem'))}$`),
      async greet(address, port) {
        const peer = join(import.meta.dirname, 'peer.js');
        const { stdout, stderr } = await lab.outside.run(process.execPath, peer, 'tls', address, String(port));
        return (stdout || stderr).trim();
      },
      ...lifeOf(program),
    };
  },
};

/** A game's server, which answers 'pong', and a script beside it that maps its port with natpmpc. */
const NATPMPC: Program = {
  name: 'natpmpc, for a game over UDP',
  address: ALICE,
  maps: [udp(GAME_PORT)],
  renewsWithinMs: 30_000,
  renewsAtSecondsLeft: null,
  atExit: 'deleted',
  async start(lab) {
    const { alice } = lab;
    const port = String(GAME_PORT);
    let log = '';
    const natpmpc = async (lifetime: string) => {
      const { status, stdout } = await alice.run('natpmpc', '-g', ROUTER, '-a', port, port, 'udp', lifetime);
      log += stdout;
      if (status !== 0) throw new Error(`natpmpc: exit ${status}:\n${stdout}`);
    };
    const server: Udp = await alice.udp({ port: GAME_PORT });
    await natpmpc('3600');
    return {
      ...player(lab, server),
      renew: () => natpmpc('3600'),
      stop: () => natpmpc('0'),
      startAgain: () => natpmpc('3600'),
      log: () => log,
    };
  },
};

/** The one that it listens on for TCP. */
function portOf({ maps }: Program): number {
  return maps[0]?.internalPort ?? 0;
}

function fingerprint(certificate: string): string {
  return new X509Certificate(certificate).fingerprint256.replaceAll(':', '');
}

export const PROGRAMS: readonly Program[] = [TRANSMISSION, QBITTORRENT, DELUGE, SYNCTHING, NATPMPC];
