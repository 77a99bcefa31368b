// Requests for pinholes: of addresses that are none of a LAN's, in the name of other hosts and devices, too many, too fast,
// and in forms that no encoder writes.

import * as assert from 'uvu/assert';
import type { Reason, Request } from '../../../proto/codec.js';
import { encodeRequest } from '../../../proto/client-codec.js';
import type { Attack } from '../attack.js';
import { addPinhole, ip6, MY_DEVICE, MY_OTHER_DEVICE, tally, VICTIM6, VICTIMS_NONCE, word } from '../attack-target.js';
import { LIMITS } from '../attacked-helper.js';
import { bytesOf, message, number } from '../frames.js';

const MOST = 0xffffffff;
const wishes = (...fields: readonly Parameters<typeof addPinhole>[0][]) => fields.map((each) => addPinhole(each));
const removal = (fields: object = {}): Request => ({
  kind: 'remove-pinhole',
  protocol: 'tcp',
  address: VICTIM6,
  port: 6000,
  nonce: '',
  ...fields,
});

interface Refused {
  readonly name: string;
  readonly reason: Reason;
  readonly requests: readonly Request[];
}

const NO_HOSTS = [
  '::',
  '::1',
  '::ffff:192.168.1.40',
  '64:ff9b::c0a8:128',
  '1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
  '4000::1',
  'fd00:db8::40',
  'fe80::40',
  'fec0::40',
  'ff02::1',
  'ff3e::1',
  'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
].map(ip6);

const REFUSED: readonly Refused[] = [
  {
    name: 'pinholes of addresses that are not global unicast',
    reason: 'address',
    requests: NO_HOSTS.flatMap((address) => [addPinhole({ address }), removal({ address })]),
  },
  {
    name: 'pinholes of ports that are none',
    reason: 'malformed',
    requests: [0, 65_536, 65_536 + 20_000, MOST].flatMap((port) => [addPinhole({ port }), removal({ port })]),
  },
  {
    name: 'pinholes of ports that are not allowed',
    reason: 'port',
    requests: wishes({ port: 1 }, { port: 22 }, { port: 443, protocol: 'udp' }, { port: 1023 }),
  },
  {
    name: 'pinholes for 0 s, for a second too long, for 2^32-1 s',
    reason: 'lifetime',
    requests: wishes({ lifetime: 0 }, { lifetime: LIMITS.maxLifetime + 1 }, { lifetime: MOST }),
  },
  {
    name: 'pinholes for devices that no rule names, and for no device',
    reason: 'not-permitted',
    requests: wishes({ hardwareAddress: 0 }, { hardwareAddress: MY_DEVICE + 77 }, { hardwareAddress: 2 ** 48 - 1 }),
  },
  {
    name: 'static pinholes on the client socket: add, make static, end',
    reason: 'not-permitted',
    requests: [
      addPinhole({ origin: 'static', lifetime: 0 }),
      addPinhole({ origin: 'static' }),
      addPinhole({ origin: 'static', lifetime: 0, address: VICTIM6, port: 6000, nonce: VICTIMS_NONCE }),
      removal({ port: 443 }),
      removal({ port: 443, nonce: VICTIMS_NONCE }),
    ],
  },
  {
    name: 'the pinhole of another, with wrong nonces: renewed for a second, adopted, ended',
    reason: 'nonce',
    requests: Array.from({ length: 500 }, (_, guess) => guess.toString(16).padStart(24, '0'))
      .concat('')
      .flatMap((nonce) => [
        addPinhole({ address: VICTIM6, port: 6000, nonce, lifetime: 1 }),
        addPinhole({ address: VICTIM6, port: 6000, nonce, hardwareAddress: MY_OTHER_DEVICE }),
        removal({ nonce }),
      ]),
  },
  {
    name: 'pages of 0, of 1001, of 2^32-1 pinholes; of 251 with traffic',
    reason: 'malformed',
    requests: [
      ...[0, 1001, MOST].map((limit) => ({ kind: 'list-pinholes', after: 0, limit }) as const),
      { kind: 'list-pinholes', after: 0, limit: 251, traffic: true },
    ],
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

const bytesField = (field: number, hex: string): number[] => message(field, [...Buffer.from(hex, 'hex')]);
const [PROTOCOL, PORT, LIFETIME] = [number(1, 6), number(3, 20_000), number(4, 600)];
const ADDRESS = bytesField(2, ip6('2001:db8:66::1'));
const NONCE = bytesField(6, '6'.repeat(24));
const DEVICE = number(7, MY_DEVICE);
const add = (...fields: readonly (readonly number[])[]): Uint8Array => bytesOf(number(1, 7), message(9, ...fields));
const GOOD = encodeRequest(7, addPinhole());

const FORMS: readonly Uint8Array[] = [
  // Addresses and nonces of other lengths, and none.
  add(PROTOCOL, PORT, LIFETIME, NONCE, DEVICE),
  ...['', '20010db8', ip6('2001:db8:66::1').slice(2), `${ip6('2001:db8:66::1')}00`, 'ff'.repeat(40)].map((address) =>
    add(PROTOCOL, bytesField(2, address), PORT, LIFETIME, NONCE, DEVICE),
  ),
  ...['', '66', '6'.repeat(22), '6'.repeat(26), '6'.repeat(48)].map((nonce) =>
    add(PROTOCOL, ADDRESS, PORT, LIFETIME, bytesField(6, nonce), DEVICE),
  ),
  add(PROTOCOL, ADDRESS, PORT, LIFETIME, NONCE, number(7, 2n ** 48n)),
  add(PROTOCOL, ADDRESS, PORT, LIFETIME, NONCE, number(7, 2n ** 64n - 1n)),
  // Protocols and origins that do not exist.
  ...[0, 1, 58, 132, 255].map((protocol) => add(number(1, protocol), ADDRESS, PORT, LIFETIME, NONCE, DEVICE)),
  add(PROTOCOL, ADDRESS, PORT, LIFETIME, number(5, 2), NONCE, DEVICE),
  // Fields twice, out of order, with their default, unknown, in more bytes than they need.
  add(PROTOCOL, ADDRESS, ADDRESS, PORT, LIFETIME, NONCE, DEVICE),
  add(PROTOCOL, ADDRESS, PORT, LIFETIME, NONCE, NONCE, DEVICE),
  add(ADDRESS, PROTOCOL, PORT, LIFETIME, NONCE, DEVICE),
  add(PROTOCOL, ADDRESS, PORT, LIFETIME, number(5, 0), NONCE, DEVICE),
  add(PROTOCOL, ADDRESS, PORT, LIFETIME, NONCE, number(7, 0)),
  add(PROTOCOL, ADDRESS, PORT, LIFETIME, NONCE, DEVICE, number(8, 1)),
  add(PROTOCOL, ADDRESS, number(3, 20_000, 1), LIFETIME, NONCE, DEVICE),
  // Two kinds in one, and the kind twice.
  bytesOf(number(1, 7), message(7), message(9, PROTOCOL, ADDRESS, PORT, LIFETIME, NONCE, DEVICE)),
  bytesOf(number(1, 7), message(11, number(2, 10)), message(11, number(2, 10))),
  bytesOf(number(1, 7), message(6, number(1, 2))), // Watch { pinholes: 2 }
  bytesOf(number(1, 7), message(11, number(1, 2n ** 64n - 1n), number(2, 10))),
  GOOD.subarray(0, GOOD.length - 1),
  Buffer.concat([GOOD, Buffer.from([0])]),
];

export const PINHOLES: readonly Attack[] = [
  ...refusals,
  {
    name: 'pinholes in forms that no encoder writes',
    expected: 'malformed, each',
    async run(target) {
      const answers = (await target.sendAll(FORMS)).map(({ body }) => body);
      assert.equal([...new Set(answers.map(word))], ['malformed'], JSON.stringify(answers.map(word)));
      return tally(answers);
    },
  },
  {
    name: 'a request for a pinhole that is longer than any',
    expected: 'its connection ends',
    async run(target) {
      const peer = await target.peer();
      peer.socket.write(Buffer.concat([Buffer.from([0, 97]), Buffer.alloc(97)]));
      assert.equal(await peer.take(1, 5000), [], 'no answer');
      return 'ended';
    },
  },
  {
    name: 'a static pinhole: shadowed, renewed as dynamic for a second',
    expected: 'answered as it stands, and kept',
    async run(target) {
      const [answer] = await target.askAll([addPinhole({ address: VICTIM6, port: 443, lifetime: 1 })]);
      assert.equal(answer?.kind === 'pinhole-granted' && answer.pinhole.origin, 'static');
      return 'static';
    },
  },
  {
    name: 'more pinholes than one device may hold, with an address for each',
    expected: `${LIMITS.maxMappingsPerHost}, then host-full`,
    gets: true,
    async run(target) {
      const answers = await target.askAll(
        Array.from({ length: 180 }, (_, index) => addPinhole({ address: ip6(`2001:db8:66::${index + 1}`) })),
      );
      const more = 180 - LIMITS.maxMappingsPerHost;
      assert.is(tally(answers), `pinhole-granted ${LIMITS.maxMappingsPerHost}, host-full ${more}`);
      return tally(answers);
    },
  },
  {
    name: "pinholes that move to another device, beyond that one's share",
    expected: 'host-full',
    gets: true,
    async run(target) {
      const of = (hardwareAddress: number) =>
        Array.from({ length: 60 }, (_, index) =>
          addPinhole({ address: ip6(`2001:db8:66:${hardwareAddress & 7}::${index + 1}`), hardwareAddress }),
        );
      const [mine, others] = [of(MY_DEVICE), of(MY_OTHER_DEVICE)];
      const moved = others.map((wish) => ({ ...wish, hardwareAddress: MY_DEVICE }));
      const answers = await target.askAll([...mine, ...others, ...moved]);
      const left = LIMITS.maxMappingsPerHost - 60;
      assert.is(tally(answers.slice(120)), `pinhole-granted ${left}, host-full ${60 - left}`);
      return tally(answers);
    },
  },
  {
    name: 'a pinhole opened and shut again and again',
    expected: 'as many as the rate allows, then rate',
    gets: true,
    async run(target) {
      const since = performance.now();
      const hardwareAddress = MY_OTHER_DEVICE + 1;
      const { address, port, nonce } = addPinhole();
      const rounds = 1000 * target.scale;
      const answers = await target.askAll(
        Array.from({ length: rounds }, () => [
          addPinhole({ hardwareAddress }),
          removal({ address, port, nonce }),
        ]).flat(),
      );
      const granted = answers.filter(({ kind }) => kind === 'pinhole-granted').length;
      const burst = 2 * LIMITS.maxMappingsPerHost;
      const most = burst + Math.ceil(((performance.now() - since) / 10_000) * burst) + 1;
      assert.ok(granted >= burst && granted <= most, `${granted} of at most ${most}`);
      assert.is(answers.filter((answer) => word(answer) === 'rate').length, rounds - granted);
      return tally(answers);
    },
  },
  {
    name: 'cursors of the list of pinholes: any number',
    expected: 'pinholes behind it, or none; no nonce',
    async run(target) {
      const cursors = [0, 1, 2, 2 ** 31, 2 ** 32, 2 ** 53 - 1];
      const answers = await target.askAll(cursors.map((after) => ({ kind: 'list-pinholes', after, limit: 1000 })));
      const counts = answers.map((answer) => (answer.kind === 'pinhole-list' ? answer.pinholes.length : -1));
      assert.equal([counts[0], ...counts.slice(3)], [2, 0, 0, 0], 'two stand');
      assert.not.match(JSON.stringify(answers), new RegExp(VICTIMS_NONCE));
      return `pages of ${counts.join(', ')} pinholes`;
    },
  },
];
