// Requests in the right form whose values are wrong.

import * as assert from 'uvu/assert';
import type { Reason, Request } from '../../../proto/codec.js';
import type { Attack } from '../attack.js';
import { bytesOf, message, number } from '../frames.js';
import { add, type Add, ip, MINE, tally, word } from '../attack-target.js';

const MOST = 0xffffffff;
const adds = (...fields: readonly Partial<Add>[]): readonly Request[] => fields.map(add);
const removals = (...fields: readonly { internalAddress?: number; internalPort?: number }[]): readonly Request[] =>
  fields.flatMap((each) => {
    const endpoint = { protocol: 'udp', internalAddress: MINE(0), internalPort: 80, ...each } as const;
    return [{ kind: 'remove-mapping', ...endpoint }];
  });
const ofHosts = (...addresses: readonly number[]): readonly Request[] =>
  addresses.flatMap((internalAddress) => [
    add({ internalAddress }),
    ...removals({ internalAddress }),
    { kind: 'remove-host-mappings', protocol: 'tcp', internalAddress } as const,
  ]);

interface Refused {
  readonly name: string;
  readonly reason: Reason;
  readonly requests: readonly Request[];
}

const REFUSED: readonly Refused[] = [
  {
    name: 'lifetimes 0, a second too long, 2^32-1',
    reason: 'lifetime',
    requests: adds({ lifetime: 0 }, { lifetime: 86_401 }, { lifetime: MOST }),
  },
  {
    name: 'hosts that rules deny: neighbours, the internet',
    reason: 'not-permitted',
    requests: adds(
      ...['192.168.0.255', '192.168.2.0', '192.168.2.100', '10.9.0.8', '203.0.113.9'].map((host) => ({
        internalAddress: ip(host),
      })),
    ),
  },
  {
    name: "the router's own addresses, in both LANs, which rules deny",
    reason: 'not-permitted',
    requests: adds(...['192.168.1.1', '10.9.0.1'].map((host) => ({ internalAddress: ip(host) }))),
  },
  {
    name: 'addresses that no host has: loopback, multicast, broadcast, 0',
    reason: 'address',
    requests: ofHosts(ip('127.0.0.1'), ip('224.0.0.1'), MOST, 0, 1),
  },
  {
    name: 'external ports not allowed, or none',
    reason: 'port',
    requests: adds(...[0, 1, 22, 80, 1023, 65_536, 65_536 + 20_000, MOST].map((externalPort) => ({ externalPort }))),
  },
  {
    name: "reserved ports: the router's own",
    reason: 'port',
    requests: adds(
      ...[5351, 8443].flatMap((externalPort) => [{ externalPort }, { externalPort, protocol: 'udp' as const }]),
    ),
  },
  {
    name: 'internal ports that are none',
    reason: 'malformed',
    requests: [
      ...adds({ internalPort: 0 }, { internalPort: 65_536 }, { internalPort: 65_536 + 80 }, { internalPort: MOST }),
      ...removals({ internalPort: 0 }, { internalPort: 65_536 }, { internalPort: MOST }),
    ],
  },
  {
    name: 'pages of 0, of 1001, of 2^32-1 mappings',
    reason: 'malformed',
    requests: [0, 1001, MOST].map((limit) => ({ kind: 'list-mappings', after: 0, limit })),
  },
];

const refusals: readonly Attack[] = REFUSED.map(({ name, reason, requests }) => ({
  name,
  expected: `${reason}, each`,
  async run(target) {
    const answers = await target.askAll(requests);
    assert.equal([...new Set(answers.map(word))], [reason]);
    return tally(answers);
  },
}));

/** AddMapping with these numbers in its fields 1 to 6, as an encoder that checks nothing would write it. */
const rawAdd = (...values: readonly number[]): Uint8Array =>
  bytesOf(number(1, 7), message(2, ...values.map((value, index) => (value === 0 ? [] : number(index + 1, value)))));

export const VALUES: readonly Attack[] = [
  ...refusals,
  {
    name: 'protocols and origins that do not exist, id 0',
    expected: 'malformed, each',
    async run(target) {
      const frames = [
        ...[0, 1, 5, 7, 18, 255, MOST].map((protocol) => rawAdd(protocol, MINE(0), 80, 20_000, 600)),
        ...[2, 3, MOST].map((origin) => rawAdd(6, MINE(0), 80, 20_000, 600, origin)),
        bytesOf(message(7)), // Status without an id
        bytesOf(number(1, 7)), // an id, and nothing asked
      ];
      const answers = (await target.sendAll(frames)).map(({ body }) => body);
      assert.equal([...new Set(answers.map(word))], ['malformed']);
      return tally(answers);
    },
  },
  {
    name: 'cursors of the list: any number',
    expected: 'mappings above it, or none',
    async run(target) {
      const cursors = [
        1,
        2,
        0x5ffff,
        0x60000,
        0x6ffff,
        0x70000,
        0x10ffff,
        0x110000,
        0x11ffff,
        0x120000,
        0x7fffffff,
        0x80000000,
        MOST,
      ];
      const answers = await target.askAll(cursors.map((after) => ({ kind: 'list-mappings', after, limit: 1000 })));
      const counts = answers.map((answer) => (answer.kind === 'mapping-list' ? answer.leases.length : -1));
      // Four mappings stand: three of TCP and one of UDP.
      assert.equal(counts, [4, 4, 4, 4, 1, 1, 1, 1, 0, 0, 0, 0, 0]);
      return `pages of ${counts.join(', ')} mappings`;
    },
  },
  {
    name: 'not_after_ms: long past, far ahead, beyond what is exact',
    expected: 'late; carried out; carried out or malformed',
    async run(target) {
      const status = (notAfter: bigint): Uint8Array => bytesOf(number(1, 7), message(7), number(8, notAfter));
      const answers = (await target.sendAll([1n, 2n ** 53n - 1n, 2n ** 63n, 2n ** 64n - 1n].map(status))).map(
        ({ body }) => word(body),
      );
      assert.equal(answers.slice(0, 2), ['late', 'status-report']);
      for (const answer of answers.slice(2)) assert.ok(['malformed', 'status-report'].includes(answer), answer);
      return answers.join(', ');
    },
  },
];
