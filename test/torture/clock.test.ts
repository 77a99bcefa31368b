// A router without a battery-backed clock: it boots with the time of its shutdown, and the right time comes later.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { claims } from '../support/cases.js';
import { EXTERNAL, MASQUERADE, openLab, ROUTER } from '../lab/lab.js';
import { until } from '../lab/flows.js';
import { Asker } from '../lab/natpmp.js';
import { secondsLeft } from '../lab/nft-elements.js';
import { Server } from '../lab/server.js';
import { FaultControl } from './fault-control.js';

/** How long the next boot has been running when the gateway starts, compared with this one, in milliseconds. */
const BOOTED_MS = 600_000;
/** The end of a lease is noticed within a second, by itself; the rest is for a busy machine. */
const SOON_MS = 5000;

const lab = await openLab();
if (lab !== null) {
  const { alice, outside } = lab;
  const control = new FaultControl(join(lab.folder, 'faults'));
  const around = {
    node: ['--import', join(import.meta.dirname, 'launcher.js')],
    env: { TORTURE_FOLDER: control.folder },
    ctl: ['--import', join(import.meta.dirname, 'faults.js')],
  };
  process.env['TORTURE_FOLDER'] = control.folder; // for natpmpctl, whose clock has to be the gateway's
  let server = await Server.start(lab, [], 'clock', around);
  const asker = await Asker.open(alice, ROUTER);
  const web = await alice.listen(80);

  const leftOf = async (line: string) => secondsLeft(await server.ruleset()).live.get(line);
  const SHORT = 'tcp 8080 -> 192.168.1.2:80';
  const LONG = 'udp 9090 -> 192.168.1.2:90';

  claims('leases that were restored by a clock which NTP sets later', {
    'are there after the boot, as that clock has it': async () => {
      await asker.map('tcp', 80, 8080, 120);
      await asker.map('udp', 90, 9090, 3600);
      await server.kill();
      control.boot('the-next-boot', BOOTED_MS, 0);
      await lab.nft(`flush ruleset; ${MASQUERADE}`);
      server = await Server.start(lab, [], 'clock', around);
      assert.equal((await server.mappings()).sort(), [SHORT, LONG]);
    },
    'end when it is set past their end, without a request and after a restart of the helper too': async () => {
      await server.killOne('helper');
      await server.answering();
      const before = await leftOf(LONG);
      control.set({ wallMs: 600_000 });
      await until('the first has ended', async () => (await leftOf(SHORT)) === undefined, SOON_MS);
      assert.equal(await outside.connect(EXTERNAL, 8080), { kind: 'failed', code: 'ECONNREFUSED' });
      const after = await leftOf(LONG);
      assert.ok(
        after !== undefined && before !== undefined && Math.abs(before - 600 - after) < 30,
        `${before} ${after}`,
      );
      assert.equal(await server.mappings(), [LONG]);
    },
    'have their new end on disk': async () => {
      await server.kill();
      server = await Server.start(lab, [], 'clock', around);
      const left = (await leftOf(LONG)) ?? 0;
      assert.ok(left > 2900 && left <= 3000, `${left} s`);
      assert.equal(await server.mappings(), [LONG]);
    },
    'are leases of this boot once they are renewed': async () => {
      await asker.map('udp', 90, 9090, 3600);
      await asker.map('tcp', 80, 8080, 120);
      const journal = join(server.stateDir, 'leases.journal');
      const before = statSync(journal).size;
      control.set({ wallMs: 40_000_000 });
      await until('the clock is written down', async () => statSync(journal).size > before, SOON_MS);
      assert.equal((await server.mappings()).sort(), [SHORT, LONG]);
      web.close();
    },
  });
}
