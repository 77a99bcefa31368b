// IPv6 pinholes under a real systemd, installed by install.sh: the sockets of PCP come from a unit of their own.

import * as assert from 'uvu/assert';
import { claims } from '../support/cases.js';
import { isAlive, tcpFlow, until } from '../lab/flows.js';
import { SILENCE_MS } from '../lab/inbox.js';
import {
  addIpv6,
  ALICE6,
  CAROL6,
  FIREWALL6,
  GUEST_ROUTER6,
  onLan,
  OUTSIDE6,
  ROUTER6,
  ROUTER6_LOCAL,
} from '../lab/ipv6.js';
import { pinholesOf } from '../lab/nft-elements.js';
import { PcpClient, RESULT } from '../lab/pcp.js';
import { answering, Box, FRONTEND, HELPER, INSTALL } from './box.js';

const PCP = 'natpmp-pcp@br\\x2dlan.socket';
const REFUSED = { kind: 'failed', code: 'ETIMEDOUT' } as const;
const install = (...more: readonly string[]): readonly string[] => [...INSTALL, ...more];
const box = await Box.open([]);

if (box !== null) {
  const { lab } = box;
  const { alice, outside } = lab;
  const carol = lab.carol ?? alice;
  await addIpv6(lab);
  await box.must(...install('--pinholes', 'yes'));
  await answering(box);
  const web = await alice.listen(8080, '::');
  const client = await PcpClient.open(alice, ALICE6, onLan(ROUTER6_LOCAL));
  const pinholes = async (): Promise<readonly string[]> =>
    [...pinholesOf(await box.must('nft', '-j', 'list', 'ruleset')).keys()].sort();
  const isServed = async (): Promise<boolean> => (await client.announce(SILENCE_MS)) !== null;

  claims('installed by install.sh --pinholes yes', {
    'systemd finds nothing to complain about, and nothing has failed': async () => {
      const { stdout, stderr } = await box.run('systemd-analyze', 'verify', '--man=no', FRONTEND, PCP);
      assert.is(stdout + stderr, '');
      assert.is(await box.must('systemctl', '--failed', '--quiet'), '');
      assert.is(await box.sh('journalctl -b -o cat | grep -E "natpmp.*(ignoring|Unknown|Failed)" || true'), '');
    },
    'a host opens a pinhole, and an outside host comes through': async () => {
      const reply = await client.map(8080, { lifetime: 600 });
      assert.equal([reply.result, reply.map?.externalPort], [RESULT.success, 8080]);
      const flow = await tcpFlow(outside, ALICE6, 8080, web);
      assert.is(flow.caller.local.address, OUTSIDE6);
      assert.equal(await pinholes(), [`tcp [${ALICE6}]:8080`]);
    },
    'so does a guest in its LAN, whose frontend is another': async () => {
      const guest = await PcpClient.open(carol, CAROL6, GUEST_ROUTER6);
      assert.is((await guest.map(9000, { lifetime: 600 })).result, RESULT.success);
      assert.is((await guest.unmap(9000)).result, RESULT.success);
      guest.close();
    },
    'both addresses of the router answer, and NAT-PMP is served as before': async () => {
      const global = await PcpClient.open(alice, ALICE6, ROUTER6);
      assert.is((await global.announce())?.result, RESULT.success);
      global.close();
      await answering(box);
    },
    'a frontend that is killed has its sockets again, and a helper that is killed has its pinholes': async () => {
      const flow = await tcpFlow(outside, ALICE6, 8080, web);
      for (const unit of [FRONTEND, HELPER]) {
        const before = await box.pid(unit);
        await box.must('systemctl', 'kill', '--signal=KILL', unit);
        await until('it runs again', async () => ![0, before].includes(await box.pid(unit)), 20_000);
        await until('it is served', isServed, 20_000);
        assert.is((await client.map(8081, { lifetime: 600 })).result, RESULT.success);
        assert.is((await client.unmap(8081)).result, RESULT.success);
        assert.ok(await isAlive(flow));
      }
      assert.equal(await pinholes(), [`tcp [${ALICE6}]:8080`]);
    },
    'all rules flushed, and those of the firewall loaded again: everything is back': async () => {
      await lab.nft(`flush ruleset\n${FIREWALL6}`);
      await until('the pinhole is back', async () => (await pinholes()).length === 1, 20_000);
      await tcpFlow(outside, ALICE6, 8080, web);
    },
    'what is not said stays: installed again without the word': async () => {
      await box.must(...INSTALL);
      await until('it is served', isServed, 20_000);
      assert.equal(await pinholes(), [`tcp [${ALICE6}]:8080`]);
    },
    'neither yes nor no: nothing is changed': async () => {
      const { status, stderr } = await box.run(...install('--pinholes', 'on'));
      assert.equal([status, stderr.trim()], [2, 'install.sh: --pinholes on: yes or no']);
      assert.ok((await client.announce()) !== null);
    },
    'with --pinholes no nothing is left of them: no socket, no set, and nobody comes in': async () => {
      await box.must(...install('--pinholes', 'no'));
      await answering(box);
      assert.is(await client.announce(SILENCE_MS), null);
      assert.is(await box.property(PCP, 'ActiveState'), 'inactive');
      assert.not.match(await box.must('nft', 'list', 'ruleset'), /NATPMP-pinholes/);
      assert.equal(await outside.connect(ALICE6, 8080, { withinMs: SILENCE_MS }), REFUSED);
      assert.is(await box.must('systemctl', '--failed', '--quiet'), '');
    },
  });
}
