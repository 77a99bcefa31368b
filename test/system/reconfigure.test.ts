// natpmp-server started again with another configuration: mappings stand, and so do connections through them, which
// send all the while: a moment in which the ruleset rejects them would end them.

import * as assert from 'uvu/assert';
import { labelOf } from '../../cli/host/ruleset-text.js';
import { cases } from '../support/cases.js';
import { keepBusy, tcpFlow } from '../lab/flows.js';
import { ALICE6, onLan, openDualStackLab, ROUTER6_LOCAL } from '../lab/ipv6.js';
import { ALICE, EXTERNAL, REMOTE, ROUTER } from '../lab/lab.js';
import { Asker } from '../lab/natpmp.js';
import { pinholesOf } from '../lab/nft-elements.js';
import { PcpClient, RESULT } from '../lab/pcp.js';
import { Server } from '../lab/server.js';

const lab = await openDualStackLab({ guest: true });

if (lab !== null) {
  const { alice, outside } = lab;
  const LANS = ['--listen-interface', 'br-lan', '--listen-interface', 'br-guest'];
  const CHANGES: readonly {
    readonly name: string;
    readonly from: readonly string[];
    readonly to: readonly string[];
    readonly table: string;
  }[] = [
    { name: 'hairpin', from: [], to: ['--no-hairpin'], table: 'nat' },
    { name: 'another LAN', from: [], to: LANS, table: 'nat' },
    { name: 'a LAN less', from: LANS, to: [], table: 'nat' },
    { name: 'another name of the chains', from: [], to: ['--nat-chain', 'PORTMAP'], table: 'nat' },
    { name: 'another name of the table', from: [], to: ['--nat-table', 'portmap'], table: 'portmap' },
    { name: 'pinholes, on', from: [], to: ['--pinholes'], table: 'nat' },
    { name: 'pinholes, off', from: ['--pinholes'], to: [], table: 'nat' },
    {
      name: 'everything at once',
      from: ['--no-hairpin'],
      to: ['--nat-table', 'portmap', '--nat-chain', 'PORTMAP', ...LANS],
      table: 'portmap',
    },
  ];
  const [web, far] = [await alice.listen(8000), await outside.listen(9000, REMOTE)];

  // Each row has a port of its own to connect from: the one before may be remembered for a minute (TIME_WAIT).
  const rows = CHANGES.map((row, index) => ({ ...row, port: 8001 + index }));
  cases('no mapping and no connection is lost by a change of', rows, async ({ from, to, table, port }) => {
    const first = await Server.start(lab, from);
    const asker = await Asker.open(alice, ROUTER);
    assert.is((await asker.map('tcp', 8000, 8000, 600)).externalPort, 8000);
    assert.is((await asker.map('tcp', port, port, 600)).externalPort, port);
    if (from.includes('--pinholes')) {
      const client = await PcpClient.open(alice, ALICE6, onLan(ROUTER6_LOCAL));
      assert.is((await client.map(8000, { lifetime: 600 })).result, RESULT.success);
    }
    const [inbound, outbound] = [
      keepBusy(await tcpFlow(outside, EXTERNAL, 8000, web)),
      keepBusy(await tcpFlow(alice, REMOTE, 9000, far, { port })),
    ];
    assert.is(await first.stop(), 0);
    const second = await Server.start(lab, to);
    assert.equal(await second.mappings(), [`tcp 8000 -> ${ALICE}:8000`, `tcp ${port} -> ${ALICE}:${port}`]);
    assert.ok(await inbound(), 'from outside');
    assert.ok(await outbound(), 'from a mapped port');
    assert.match((await lab.router.run('nft', 'list', 'tables')).stdout, new RegExp(`^table inet ${table}$`, 'm'));
    await tcpFlow(outside, EXTERNAL, 8000, web);
    await asker.unmap('tcp', 0);
    await second.stop();
    await lab.nft(`delete table inet ${table}`);
  });

  // Of IPv6; where pinholes go away, theirs are ended: test/system/pinholes-survive.test.ts.
  const inside = await alice.listen(8000, '::');
  // The firewall of the lab accepts the label of the default chain.
  await lab.nft(`insert rule inet lab6 forward ct label ${labelOf('PORTMAP')} accept`);
  const ON = ['--pinholes'];
  cases(
    'no pinhole and no connection is lost by a change of',
    CHANGES.filter(({ name }) => !name.startsWith('pinholes')),
    async ({ from, to, table }) => {
      const first = await Server.start(lab, [...from, ...ON]);
      const client = await PcpClient.open(alice, ALICE6, onLan(ROUTER6_LOCAL));
      assert.is((await client.map(8000, { lifetime: 600 })).result, RESULT.success);
      const connection = keepBusy(await tcpFlow(outside, ALICE6, 8000, inside));
      assert.is(await first.stop(), 0);
      const second = await Server.start(lab, [...to, ...ON]);
      const chain = to.includes('PORTMAP') ? 'PORTMAP' : 'NATPMP';
      assert.equal([...pinholesOf(await second.ruleset(), chain).keys()], [`tcp [${ALICE6}]:8000`]);
      assert.ok(await connection());
      await tcpFlow(outside, ALICE6, 8000, inside);
      assert.is((await client.unmap(8000)).result, RESULT.success);
      await second.stop();
      await lab.nft(`delete table inet ${table}`);
    },
  );
}
