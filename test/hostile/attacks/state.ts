// Requests that are right in themselves, for what is another's, or for too much.

import * as assert from 'uvu/assert';
import type { Request } from '../../../proto/codec.js';
import { encodeRequest } from '../../../proto/client-codec.js';
import type { Attack } from '../attack.js';
import { add, MINE, tally, VICTIM, word } from '../attack-target.js';
import { LIMITS } from '../attacked-helper.js';
import { frame } from '../zmtp.js';

const BOTH = ['tcp', 'udp'] as const;

export const STATE: readonly Attack[] = [
  {
    name: "another host's port, and the same of the other protocol",
    expected: 'conflict, each',
    async run(target) {
      const wishes = [6000, 6001, 7000].flatMap((externalPort) =>
        BOTH.map((protocol) => add({ externalPort, protocol })),
      );
      const answers = await target.askAll(wishes);
      assert.equal([...new Set(answers.map(word))], ['conflict']);
      return tally(answers);
    },
  },
  {
    name: "another host's port, for another port of that host",
    expected: 'conflict',
    async run(target) {
      const answers = await target.askAll(
        [6000, 7000].map((externalPort) => add({ internalAddress: VICTIM, internalPort: 1, externalPort })),
      );
      assert.equal([...new Set(answers.map(word))], ['conflict']);
      return tally(answers);
    },
  },
  {
    name: 'static mappings on the client socket: add, make static, end',
    expected: 'not-permitted; all kept',
    async run(target) {
      const fixed = { origin: 'static', lifetime: 0 } as const;
      const answers = await target.askAll([
        add(fixed),
        add({ ...fixed, internalAddress: VICTIM, internalPort: 6000, externalPort: 6000 }),
        add({ ...fixed, internalAddress: VICTIM, internalPort: 22, externalPort: 7000 }),
        add({ origin: 'static' }),
        { kind: 'remove-mapping', protocol: 'tcp', internalAddress: VICTIM, internalPort: 22 },
      ]);
      assert.equal([...new Set(answers.map(word))], ['not-permitted']);
      return tally(answers);
    },
  },
  {
    name: 'static mappings: shadowed, renewed as dynamic for a second',
    expected: 'conflict; answered as it stands, and kept',
    async run(target) {
      const [other, same] = await target.askAll([
        add({ externalPort: 7000 }),
        add({ internalAddress: VICTIM, internalPort: 22, externalPort: 30_000, lifetime: 1 }),
      ]);
      assert.is(other?.kind === 'refused' && other.reason, 'conflict');
      assert.equal(same?.kind === 'granted' && [same.lease.externalPort, same.lease.origin], [7000, 'static']);
      return 'conflict; static, on its own port';
    },
  },
  {
    name: 'more mappings than one host may hold',
    expected: `${LIMITS.maxMappingsPerHost}, then host-full`,
    gets: true,
    async run(target) {
      const answers = await target.askAll(
        Array.from({ length: 180 }, (_, index) => add({ internalPort: 1 + index, externalPort: 20_000 + index })),
      );
      assert.is(tally(answers), `granted ${LIMITS.maxMappingsPerHost}, host-full ${180 - LIMITS.maxMappingsPerHost}`);
      return tally(answers);
    },
  },
  {
    name: 'a mapping made and ended again and again',
    expected: 'as many as the rate allows, then rate',
    gets: true,
    async run(target) {
      const since = performance.now();
      const rounds = 1000 * target.scale;
      const answers = await target.askAll(
        Array.from({ length: rounds }, () => [
          add({ internalAddress: MINE(1) }),
          { kind: 'remove-mapping', protocol: 'tcp', internalAddress: MINE(1), internalPort: 80 } as const,
        ]).flat(),
      );
      const granted = answers.filter(({ kind }) => kind === 'granted').length;
      const burst = 2 * LIMITS.maxMappingsPerHost;
      const most = burst + Math.ceil(((performance.now() - since) / 10_000) * burst) + 1;
      assert.ok(granted >= burst && granted <= most, `${granted} of at most ${most}`);
      assert.is(
        answers.filter((answer) => answer.kind === 'refused' && answer.reason === 'rate').length,
        rounds - granted,
      );
      return tally(answers);
    },
  },
  {
    name: 'more mappings than the table holds',
    expected: `${LIMITS.maxMappings} in all, then table-full`,
    gets: true,
    async run(target) {
      const wishes = Array.from({ length: LIMITS.maxMappings + 200 }, (_, index) =>
        add({
          internalAddress: MINE(10 + Math.floor(index / 100)),
          internalPort: 1 + (index % 100),
          externalPort: 20_000 + index,
        }),
      );
      const answers = await target.askAll(wishes);
      // Four stand already.
      assert.is(tally(answers), `granted ${LIMITS.maxMappings - 4}, table-full ${204}`);
      return tally(answers);
    },
  },
  {
    name: 'replays of requests that were carried out',
    expected: 'nothing that the first did not do',
    gets: true,
    async run(target) {
      const recorded = [
        add({ internalAddress: MINE(2) }),
        add({ internalAddress: MINE(2), lifetime: 60 }),
        { kind: 'remove-mapping', protocol: 'tcp', internalAddress: MINE(2), internalPort: 80 } as const,
      ].map((request, index) => encodeRequest(index + 1, request));
      const frames = Array.from({ length: 60 }, () => recorded).flat();
      const answers = (await target.sendAll(frames)).map(({ body }) => body);
      assert.is(tally(answers), 'granted 120, removed 60');
      const [left] = await target.askAll([{ kind: 'remove-host-mappings', protocol: 'tcp', internalAddress: MINE(2) }]);
      assert.equal(left, { kind: 'host-mappings-removed', count: 0, kept: 0 });
      return tally(answers);
    },
  },
  {
    name: 'requests far faster than they can be served',
    expected: 'one answer each, in order',
    gets: true,
    async run(target) {
      // Renewals, each a change in the kernel and on disk, and questions between them.
      const requests: Request[] = [];
      for (let count = 0; count < 6000 * target.scale; count++) {
        requests.push(
          count % 4 === 0
            ? { kind: 'status' }
            : add({ internalAddress: MINE(3), internalPort: 1 + (count % 50), externalPort: 25_000 + (count % 50) }),
        );
      }
      const answered = (await target.askAll(requests)).length;
      return `${answered} answers`;
    },
  },
  {
    name: 'renewals until the journal is rewritten',
    expected: 'no pause for anybody',
    gets: true,
    async run(target) {
      const renewals = Array.from({ length: 1000 }, (_, index) =>
        frame(
          encodeRequest(
            7,
            add({
              internalAddress: MINE(4 + Math.floor(index / 100)),
              internalPort: 1 + (index % 100),
              externalPort: 20_000 + index,
            }),
          ),
        ),
      );
      const peer = await target.peer();
      peer.socket.pause(); // answers are dropped
      let rounds = 0;
      for (let [before, now] = [0, target.helper.journalBytes()]; now >= before; now = target.helper.journalBytes()) {
        before = now;
        await peer.write(Buffer.concat(renewals), 60_000);
        rounds++;
      }
      return `${rounds * renewals.length} renewals`;
    },
  },
];
