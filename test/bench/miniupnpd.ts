// The gateway that is compared with: miniupnpd as Debian builds it for nftables, in a router of its own, asked as ours
// is. It runs as a daemon, as it does on a router: in the foreground it would write down every request.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must } from '../support/run.js';
import { RIVAL, type MeasuredGateway } from '../load/measured-gateway.js';
import { Generator } from '../load/generator.js';
import type { Program } from './miniupnpd-package.js';
import { buildWideLan, type WideLan } from '../load/wide-lan.js';
import { descendants } from '../load/processes.js';

/** What its own script nft_init.sh makes, but that other traffic passes, as with us. */
const RULESET = `table inet filter {
  chain forward { type filter hook forward priority 0; policy accept; jump miniupnpd; }
  chain miniupnpd { }
  chain prerouting { type nat hook prerouting priority -100; policy accept; jump prerouting_miniupnpd; }
  chain postrouting { type nat hook postrouting priority 100; policy accept; jump postrouting_miniupnpd; }
  chain prerouting_miniupnpd { }
  chain postrouting_miniupnpd { }
}
`;
/** Ports well above those it listens on itself: those it would not give out. */
const OFFSET = 20_000;
/**
 * It answers one request after the other: a slow answer is no lost one, and a repetition would be carried out again.
 */
const REPEAT_MS = 8_000;
/** How long one measurement may take. */
const PATIENCE_MS = 1_000;

export class Miniupnpd implements MeasuredGateway {
  readonly name = RIVAL;
  readonly patienceMs = PATIENCE_MS;
  readonly launcher = null;
  readonly generator: Generator;
  readonly network: WideLan;
  readonly most: number;
  readonly mostPinholes = 0;
  #daemon: ChildProcess | null = null;

  private constructor(world: WideLan, generator: Generator, most: number) {
    this.network = world;
    this.generator = generator;
    this.most = most;
  }

  /** Running and answering from now on; with `upnp`, by UPnP too. */
  static async open(
    { path }: Program,
    folder: string,
    portsAHost: number,
    most: number,
    { upnp = false } = {},
  ): Promise<Miniupnpd> {
    const world = await buildWideLan('many devices');
    const generator = await Generator.start(world.lan, { portsAHost, offset: OFFSET, repeatMs: REPEAT_MS });
    const gateway = new Miniupnpd(world, generator, most);
    try {
      await gateway.#start(path, join(folder, 'miniupnpd'), upnp);
      await generator.probe(0);
      await generator.load({ op: 'unmap', first: 0, span: 1, count: 1, width: 1 });
    } catch (error) {
      await gateway.close();
      throw error;
    }
    return gateway;
  }

  async #start(path: string, folder: string, upnp: boolean): Promise<void> {
    mkdirSync(folder);
    writeFileSync(join(folder, 'conf'), configuration(folder, upnp));
    const [program, ...args] = this.network.router.entranceUntilOurEnd();
    await must(program, [...args, 'nft', '-f', '-'], RULESET);
    // A daemon has no parent to end with: here it ends with the namespace of processes that it is in. unshare hears of
    // no signal but SIGKILL.
    const [contained, ...more] = this.network.router.entranceUntilOurEnd('SIGKILL');
    this.#daemon = spawn(
      contained,
      [
        ...more,
        'unshare',
        '--pid',
        '--fork',
        '--kill-child=SIGKILL',
        'sh',
        '-c',
        '"$@" && exec sleep infinity',
        'sh',
        path,
        '-f',
        join(folder, 'conf'),
        '-P',
        join(folder, 'pid'),
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
  }

  pids(): Readonly<Record<string, number>> {
    const daemon = descendants(this.#daemon?.pid ?? 0).findLast(({ command }) => /^\S*miniupnpd -f/.test(command));
    if (daemon === undefined) throw new Error('miniupnpd is not there');
    return { miniupnpd: daemon.pid };
  }

  async close(): Promise<void> {
    this.generator.stop();
    const daemon = this.#daemon;
    if (daemon !== null && daemon.exitCode === null && daemon.signalCode === null) {
      const ended = new Promise((resolve) => daemon.once('exit', resolve));
      daemon.kill('SIGKILL');
      await ended;
    }
    this.network.close();
  }
}

/**
 * It forwards nothing if the external address is one that the world does not route, such as those for documentation,
 * unless told of another one. That one is only ever told to clients: nothing here sends to it.
 */
const TOLD_ADDRESS = '1.2.3.4';

function configuration(folder: string, upnp: boolean): string {
  return `ext_ifname=wan0
ext_ip=${TOLD_ADDRESS}
listening_ip=br-lan
enable_natpmp=yes
enable_upnp=${upnp ? 'yes' : 'no'}
http_port=2869
secure_mode=yes
uuid=6dd0f7bc-0d8f-4b4f-a1f0-3d2ab0c2f8c1
upnp_table_name=filter
upnp_nat_table_name=filter
upnp_forward_chain=miniupnpd
upnp_nat_chain=prerouting_miniupnpd
upnp_nat_postrouting_chain=postrouting_miniupnpd
lease_file=${join(folder, 'leases')}
allow 1024-65535 10.77.0.0/16 1024-65535
deny 0-65535 0.0.0.0/0 0-65535
`;
}
