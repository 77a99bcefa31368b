// Two gateways on one router, each with UPnP on a LAN of its own: neither stands in the way of the other.

import * as assert from 'uvu/assert';
import { until } from '../lab/flows.js';
import { ALICE, CAROL, GUEST_ROUTER, openLab, ROUTER } from '../lab/lab.js';
import { Server } from '../lab/server.js';
import { ControlPoint, discover, HTTP_PORT } from '../lab/upnp.js';
import { claims } from '../support/cases.js';

const lab = await openLab({ guest: true });

if (lab !== null && lab.carol !== null) {
  const { alice, carol } = lab;
  const first = await Server.start(lab, ['--upnp'], 'one');
  const other = await Server.start(lab, ['--upnp', '--nat-chain', 'NATPMP2', '--listen-interface', 'br-guest'], 'two');

  claims('two gateways with UPnP', {
    'each is found on its LAN, and maps': async () => {
      await until('both are ready', async () => [first, other].every(({ log }) => log.includes('"upnpPort"')));
      assert.equal(
        [await discover(alice), await discover(carol)],
        [ROUTER, GUEST_ROUTER].map((address) => `http://${address}:${HTTP_PORT}/igd.xml`),
      );
      assert.is(await new ControlPoint(alice, ROUTER).add('TCP', 4000, ALICE), null);
      assert.is(await new ControlPoint(carol, GUEST_ROUTER).add('TCP', 4001, CAROL), null);
    },
  });
}
