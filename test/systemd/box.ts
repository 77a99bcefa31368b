// The gateway in the lab's router, under a real systemd, installed by the project's own install.sh.

import { skip } from '../support/cases.js';
import type { Lab } from '../lab/lab.js';
import { openLab, ROUTER } from '../lab/lab.js';
import { until } from '../lab/flows.js';
import { type Elements, elementsOf } from '../lab/nft-elements.js';
import { Asker } from '../lab/natpmp.js';
import { boot, Container } from './container.js';
import { rootfs } from './rootfs.js';

/** What a busy machine may take for anything here. */
const DEADLINE_MS = 30_000;

export const HELPER = 'natpmp-helper.service';
export const FRONTEND = 'natpmp-frontend@br\\x2dlan.service';
export const UPNP = 'natpmp-upnp@br\\x2dlan.service';
export const GUEST_FRONTEND = 'natpmp-frontend@br\\x2dguest.service';
export const INSTALL = [
  'sh',
  '/src/systemd/install.sh',
  '--external-interface',
  'wan0',
  '--listen-interface',
  'br-lan',
  '--listen-interface',
  'br-guest',
  '--metrics-port',
  '9551',
] as const;

export class Box extends Container {
  readonly lab: Lab;

  private constructor(lab: Lab, init: number) {
    super(init);
    this.lab = lab;
  }

  /**
   * Boot in the lab's router and install, or skip the file's claims, loudly: null. Without a command nothing is
   * installed.
   */
  static async open(install: readonly string[] = INSTALL): Promise<Box | null> {
    const root = process.getuid?.() === 0 ? await rootfs() : { why: 'needs root' };
    if ('why' in root) {
      skip('the units under a real systemd', root.why);
      return null;
    }
    const lab = await openLab({ guest: true });
    if (lab === null) return null;
    const { namespace } = lab.router;
    const box = new Box(lab, await boot(root.folder, namespace.path, `natpmp-test-${process.pid}-router`));
    if (install.length > 0) await box.must(...install);
    return box;
  }

  /** What the helper holds, in the words of Elements. */
  async mappings(): Promise<string[]> {
    const json = await this.must('natpmpctl', 'list', '--json');
    return (
      JSON.parse(json) as { protocol: string; externalPort: number; internalAddress: string; internalPort: number }[]
    )
      .map(
        ({ protocol, externalPort, internalAddress, internalPort }) =>
          `${protocol} ${externalPort} -> ${internalAddress}:${internalPort}`,
      )
      .sort();
  }

  /** A page over HTTP, asked for on the router itself: its status, and its text. */
  async get(url: string): Promise<{ readonly status: number; readonly text: string }> {
    const script = `fetch(${JSON.stringify(url)}).then(async (reply) =>
      console.log(JSON.stringify({ status: reply.status, text: await reply.text() })))`;
    return JSON.parse(await this.must('/usr/bin/node', '-e', script)) as { status: number; text: string };
  }

  /** The main process of each of these units, once it runs: install.sh waits for their sockets alone. */
  async running(units: readonly string[]): Promise<readonly number[]> {
    for (const unit of units)
      await until(`${unit} runs`, async () => (await this.property(unit, 'SubState')) === 'running');
    return Promise.all(units.map((unit) => this.pid(unit)));
  }

  /** What the kernel's three sets hold. */
  async elements(): Promise<Elements> {
    return elementsOf(await this.must('nft', '-j', 'list', 'ruleset'));
  }
}

/** Wait until a LAN host gets an answer, and the helper stands behind it. */
export async function answering({ lab }: Box): Promise<void> {
  const asker = await Asker.open(lab.alice, ROUTER);
  await until(
    'the gateway answers',
    async () => {
      // Deleting what is not there: only the helper can answer with success, and it changes nothing.
      const reply = await asker.ask('0002 0000 0001 0000 00000000', 250).catch(() => null);
      return reply?.slice(4, 8) === '0000';
    },
    DEADLINE_MS,
  );
  asker.udp.close();
}
