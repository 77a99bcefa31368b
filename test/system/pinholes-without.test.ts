// A router without IPv6, and one whose administrator has not asked for pinholes: nothing is different, and nothing is
// said more than once.

import * as assert from 'uvu/assert';
import { claims } from '../support/cases.js';
import { SILENCE_MS } from '../lab/inbox.js';
import { ALICE6, onLan, openDualStackLab, ROUTER6_LOCAL } from '../lab/ipv6.js';
import { openLab, ROUTER } from '../lab/lab.js';
import { Asker, withoutEpoch } from '../lab/natpmp.js';
import { PcpClient } from '../lab/pcp.js';
import { Server } from '../lab/server.js';

const plain = await openLab();
const dual = await openDualStackLab();

if (plain !== null && dual !== null) {
  await plain.router.run('sh', '-c', 'for each in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 1 > $each; done');

  /** All that is in the ruleset, without what changes by itself. */
  const rules = async (server: Server) =>
    (await server.ruleset())
      .replace(/"handle": \d+/g, '')
      .replace(/[0-9a-f]{8}"/g, '"')
      .replace(/"(expires|timeout)": \d+/g, '');

  claims('a router without IPv6', {
    '--pinholes does nothing, and says so in one line that is no warning': async () => {
      const server = await Server.start(plain, ['--pinholes'], 'with');
      assert.is((await (await Asker.open(plain.alice, ROUTER)).map('tcp', 80, 8080, 600)).result, 0);
      const lines = server.log.split('\n').filter((line) => line.startsWith('{'));
      const said = lines
        .filter((line) => /pinhole|ipv6/i.test(line))
        .map((line) => JSON.parse(line) as { level: number });
      assert.is(said.length, 1, server.log);
      assert.is(said[0]?.level, 30, 'pino: info');
      assert.is(await server.stop(), 0);
    },
    'the ruleset and the sockets are those of a gateway that was not asked for them': async () => {
      const asked = await Server.start(plain, ['--pinholes'], 'with');
      const [rulesAsked, { stdout: socketsAsked }] = [await rules(asked), await plain.router.run('ss', '-Hlun')];
      await asked.stop();
      const not = await Server.start(plain, [], 'without');
      assert.is(await rules(not), rulesAsked);
      assert.is((await plain.router.run('ss', '-Hlun')).stdout, socketsAsked);
      await not.stop();
    },
  });

  claims('a router with IPv6, without --pinholes', {
    'nobody listens there, and PCP over IPv4 is answered as it always was': async () => {
      const server = await Server.start(dual, [], 'without');
      const client = await PcpClient.open(dual.alice, ALICE6, onLan(ROUTER6_LOCAL));
      client.udp.send(client.request(80));
      assert.is(await client.udp.outcome(SILENCE_MS), 'ECONNREFUSED');
      assert.not.match(await server.ruleset(), /pinhole/);
      assert.not.match(server.log, /pinhole/i);
      await server.stop();
    },
  });

  claims('a router with IPv6 and --pinholes', {
    'PCP over IPv4 is answered with result 1 of NAT-PMP, 8 octets, and opens nothing': async () => {
      const server = await Server.start(dual, ['--pinholes'], 'with');
      const asker = await Asker.open(dual.alice, ROUTER);
      const client = await PcpClient.open(dual.alice, ALICE6, onLan(ROUTER6_LOCAL));
      for (const request of [client.request(80), client.request(80, { client: '192.168.1.2' }), '0200'])
        assert.match(withoutEpoch(await asker.ask(request)), /^00(80|81)0001\.{8}$/);
      assert.equal(await server.pinholes(), []);
      assert.equal(await server.mappings(), []);
      await server.stop();
    },
  });
}
