// A router without IPv6, and one whose administrator has not asked for pinholes: nothing is different, and nothing is
// said more than once.

import * as assert from 'uvu/assert';
import { claims } from '../support/cases.js';
import { tcpFlow } from '../lab/flows.js';
import { addIpv6, ALICE6, onLan, openDualStackLab, ROUTER6_LOCAL } from '../lab/ipv6.js';
import { openLab, ROUTER } from '../lab/lab.js';
import { Asker, withoutEpoch } from '../lab/natpmp.js';
import { PcpClient, RESULT } from '../lab/pcp.js';
import { Server } from '../lab/server.js';

/** pino's. */
const INFO = 30;
/** To a program of Node, this kernel has no IPv6. */
const NO_IPV6 = `data:text/javascript,${encodeURIComponent(`
  import fs from 'node:fs';
  import { syncBuiltinESMExports } from 'node:module';
  const { readFileSync } = fs;
  fs.readFileSync = (path, ...rest) => {
    if (path === '/proc/net/if_inet6') throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    return readFileSync(path, ...rest);
  };
  syncBuiltinESMExports();`)}`;

const plain = await openLab();
const dual = await openDualStackLab();

if (plain !== null && dual !== null) {
  /** All that is in the ruleset, without what changes by itself, such as the senders of the last requests. */
  const rules = async (server: Server) => {
    const { nftables } = JSON.parse(await server.ruleset()) as {
      nftables: { set?: { flags?: string[]; elem?: [] } }[];
    };
    for (const { set } of nftables) if (set?.flags?.includes('timeout') === true) delete set.elem;
    return JSON.stringify(nftables)
      .replace(/"handle":\d+/g, '')
      .replace(/[0-9a-f]{8}"/g, '"')
      .replace(/"(expires|timeout)":\d+/g, '');
  };

  /** The sockets of UDP, without how much waits in them. */
  const sockets = async () => (await plain.router.run('ss', '-Hlun')).stdout.replace(/^(\S+ +)\d+ +\d+ /gm, '$1');

  /** What natpmp-server has said of the matter. */
  const saidOfIt = async (server: Server) => {
    await server.logs(/pinhole|ipv6/i);
    const { log } = server;
    const lines = log.split('\n').filter((line) => line.startsWith('{'));
    const entries = lines.map((line) => JSON.parse(line) as { level: number; msg: string });
    return entries.filter(({ msg }) => /pinhole|ipv6/i.test(msg));
  };
  const isServed = async () => {
    const asker = await Asker.open(plain.alice, ROUTER);
    assert.is((await asker.map('tcp', 80, 8080, 600)).result, 0);
    assert.is((await asker.unmap('tcp', 80)).result, 0);
  };

  claims('a kernel without IPv6', {
    '--pinholes does nothing, and says so in one line that is no warning': async () => {
      const server = await Server.start(plain, ['--pinholes'], 'server', { node: ['--import', NO_IPV6] });
      await isServed();
      const said = await saidOfIt(server);
      assert.equal(
        said.map(({ level }) => level),
        [INFO],
        server.log,
      );
      assert.is(await server.stop(), 0);
    },
    'the ruleset and the sockets are those of a gateway that was not asked for them': async () => {
      const asked = await Server.start(plain, ['--pinholes'], 'server', { node: ['--import', NO_IPV6] });
      const [rulesAsked, socketsAsked] = [await rules(asked), await sockets()];
      await asked.stop();
      const not = await Server.start(plain);
      assert.is(await rules(not), rulesAsked);
      assert.is(await sockets(), socketsAsked);
      await not.stop();
    },
  });

  claims('a router on which IPv6 is turned off', {
    'is served as before, and says so in one line; when it is turned on, pinholes are there without a restart':
      async () => {
        const turn = (off: 0 | 1) =>
          plain.router.run(
            'sh',
            '-c',
            `for each in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo ${off} > $each; done`,
          );
        await turn(1);
        const server = await Server.start(plain, ['--pinholes']);
        await isServed();
        assert.equal(
          (await saidOfIt(server)).map(({ level }) => level),
          [INFO],
          server.log,
        );
        await turn(0);
        await addIpv6(plain);
        const client = await PcpClient.open(plain.alice, ALICE6, onLan(ROUTER6_LOCAL));
        assert.is((await client.map(8080)).result, RESULT.success);
        const web = await plain.alice.listen(8080, '::');
        (await tcpFlow(plain.outside, ALICE6, 8080, web)).caller.close();
        assert.is(await server.stop(), 0);
      },
  });

  claims('a router with IPv6, without --pinholes', {
    'nobody listens there, and PCP over IPv4 is answered as it always was': async () => {
      const server = await Server.start(dual);
      const client = await PcpClient.open(dual.alice, ALICE6, onLan(ROUTER6_LOCAL));
      client.udp.send(client.request(80));
      assert.is(await client.udp.outcome(), 'ECONNREFUSED');
      assert.not.match(await server.ruleset(), /pinhole/);
      assert.not.match(server.log, /pinhole/i);
      await server.stop();
    },
  });

  claims('a router with IPv6 and --pinholes', {
    'PCP over IPv4 is answered with result 1 of NAT-PMP, 8 octets, and opens nothing': async () => {
      const server = await Server.start(dual, ['--pinholes']);
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
