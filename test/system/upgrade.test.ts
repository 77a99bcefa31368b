// The first start after an update from a release that had `table ip nat`: mappings and their connections go on, which send all
// the while, and end with their mapping.

import * as assert from 'uvu/assert';
import { claims } from '../support/cases.js';
import { EARLIER_RULESET } from '../lab/earlier-ruleset.js';
import { endsOf, keepBusy, tcpFlow } from '../lab/flows.js';
import { ALICE, EXTERNAL, openLab, REMOTE, ROUTER } from '../lab/lab.js';
import { Asker } from '../lab/natpmp.js';
import { Server } from '../lab/server.js';

const lab = await openLab();

if (lab !== null) {
  const { alice, outside, router } = lab;
  const [web, far] = [await alice.listen(8000), await outside.listen(9000, REMOTE)];

  claims('an update from a release with a table ip nat', {
    'loses no mapping and no connection; both end as ever': async () => {
      const first = await Server.start(lab);
      const asker = await Asker.open(alice, ROUTER);
      for (const port of [8000, 8001]) assert.is((await asker.map('tcp', port, port, 600)).externalPort, port);
      assert.is(await first.stop(), 0);
      // As the release before has left it.
      const elements = [8000, 8001].map(
        (port) => `
          add element ip nat in { tcp . ${port} timeout 600s : ${ALICE} . ${port} }
          add element ip nat out { tcp . ${ALICE} . ${port} timeout 600s : ${port} }
          add element ip nat live { tcp . ${ALICE} . ${port} . ${port} timeout 600s }`,
      );
      await lab.nft(`delete table inet nat\n${EARLIER_RULESET}${elements.join('')}`);
      // Others put theirs into it, because it had the name that they use.
      await lab.nft(
        'table ip nat { chain POSTROUTING { type nat hook postrouting priority srcnat; oifname "wan0" masquerade; }; }',
      );
      const flows = [
        await tcpFlow(outside, EXTERNAL, 8000, web),
        await tcpFlow(alice, REMOTE, 9000, far, { port: 8001 }),
      ] as const;
      const busy = flows.map(keepBusy);

      const second = await Server.start(lab);
      await second.logs(/"family":"ip","table":"nat","chain":"NATPMP","msg":"ruleset of an earlier/);
      assert.equal([...(await second.mappings())], [`tcp 8000 -> ${ALICE}:8000`, `tcp 8001 -> ${ALICE}:8001`]);
      for (const livesOn of busy) assert.ok(await livesOn());
      assert.match(
        (await router.run('nft', 'list', 'table', 'ip', 'nat')).stdout,
        /^table ip nat \{\n(.*\n)?\tchain POSTROUTING \{\n.*\n\t\toifname "wan0" masquerade\n\t\}\n\}\n$/,
      );
      await tcpFlow(outside, EXTERNAL, 8000, web);

      await asker.unmap('tcp', 0);
      for (const flow of flows) assert.equal(await endsOf(flow), { caller: 'ECONNRESET', called: 'ECONNRESET' });
      assert.is(await second.stop(), 0);
    },
  });
}
