import * as assert from 'uvu/assert';
import { LeaseReplica } from '../../caller/lease-replica.js';
import type { Event } from '../../proto/codec.js';
import type { Lease } from '../../proto/mapping.js';
import { Descriptions } from '../../upnp/igd/descriptions.js';
import { cases, claims } from '../support/cases.js';
import { BOB, lease } from './control-world.js';

const HELD = lease({ externalPort: 4000 });

/** The texts of these mappings, which are in force. */
function withTexts(...texts: readonly (readonly [Lease, string])[]): Descriptions {
  const leases = new LeaseReplica();
  const descriptions = new Descriptions(leases);
  for (const [held, text] of texts) {
    leases.put(held);
    descriptions.set(held, text);
  }
  return descriptions;
}

interface TextRow {
  readonly name: string;
  readonly text: string;
  readonly want: string;
}

cases<TextRow>(
  'U-63 a description as it is kept',
  [
    { name: 'as it was', text: 'R&D <x> "ä" 日本', want: 'R&D <x> "ä" 日本' },
    { name: 'its first 64 characters', text: 'x'.repeat(65), want: 'x'.repeat(64) },
    { name: 'characters, not halves of them', text: '😀'.repeat(65), want: '😀'.repeat(64) },
    { name: 'no control characters', text: 'a\u0000\u001b[2J\r\nb\u009b', want: 'a[2Jb' },
    { name: 'nothing that turns a line around', text: 'a\u202eb\u2066c\u200fd', want: 'abcd' },
    { name: 'nothing', text: '', want: '' },
  ],
  ({ text, want }) => {
    const descriptions = withTexts([HELD, text]);
    assert.is(descriptions.get(HELD), want);
    assert.equal(descriptions.list(), want === '' ? [] : [{ protocol: 'tcp', externalPort: 4000, description: want }]);
  },
);

interface EventRow {
  readonly name: string;
  readonly event: Event;
  readonly want: string;
}

cases<EventRow>(
  'a description after an event',
  [
    { name: 'the mapping was removed', event: { kind: 'removed', lease: HELD }, want: '' },
    { name: 'it has expired', event: { kind: 'expired', lease: HELD }, want: '' },
    { name: 'it was granted', event: { kind: 'granted', lease: HELD }, want: 'a game' },
    { name: 'it was renewed', event: { kind: 'renewed', lease: { ...HELD, lifetime: 1 } }, want: 'a game' },
    {
      name: "the port is another host's",
      event: { kind: 'granted', lease: { ...HELD, internalAddress: BOB } },
      want: '',
    },
    {
      name: "the port is another internal port's",
      event: { kind: 'renewed', lease: { ...HELD, internalPort: 4001 } },
      want: '',
    },
    {
      name: 'the endpoint that had the port before has lost it',
      event: { kind: 'removed', lease: { ...HELD, internalPort: 4001 } },
      want: 'a game',
    },
    { name: 'another port', event: { kind: 'removed', lease: lease({ externalPort: 4001 }) }, want: 'a game' },
    {
      name: 'the other protocol',
      event: { kind: 'removed', lease: { ...HELD, protocol: 'udp' } },
      want: 'a game',
    },
    { name: 'of no mapping', event: { kind: 'resynchronised' }, want: 'a game' },
    {
      name: 'of a pinhole',
      event: {
        kind: 'removed',
        pinhole: {
          protocol: 'tcp',
          address: '20010db8000000000000000000000002',
          port: 4000,
          origin: 'dynamic',
          lifetime: 1,
          expiresAt: 1,
          hardwareAddress: 0,
        },
      },
      want: 'a game',
    },
  ],
  ({ event, want }) => {
    const descriptions = withTexts([HELD, 'a game']);
    descriptions.apply(event);
    assert.is(descriptions.get(HELD), want);
  },
);

claims('descriptions', {
  'are of one endpoint: another one on the port has none': () => {
    const descriptions = withTexts([HELD, 'a game']);
    assert.is(descriptions.get({ ...HELD, internalAddress: BOB }), '');
    assert.is(descriptions.get({ ...HELD, internalPort: 4001 }), '');
    assert.is(descriptions.get({ ...HELD, protocol: 'udp' }), '');
  },
  'are replaced, also by none': () => {
    const descriptions = withTexts([HELD, 'first'], [HELD, 'second']);
    assert.is(descriptions.get(HELD), 'second');
    descriptions.set(HELD, '');
    assert.equal([descriptions.get(HELD), descriptions.list()], ['', []]);
  },
  'are listed by protocol and port': () => {
    const descriptions = withTexts(
      [lease({ externalPort: 9000 }), 'c'],
      [lease({ externalPort: 3000, protocol: 'udp' }), 'd'],
      [lease({ externalPort: 2000 }), 'a'],
    );
    assert.equal(
      descriptions.list().map(({ protocol, externalPort }) => `${protocol} ${externalPort}`),
      ['tcp 2000', 'tcp 9000', 'udp 3000'],
    );
  },
  'of mappings that ended unseen are not listed': () => {
    const leases = new LeaseReplica();
    const descriptions = new Descriptions(leases);
    descriptions.set(HELD, 'gone');
    leases.put({ ...HELD, internalAddress: BOB });
    assert.equal(descriptions.list(), []);
    assert.is(descriptions.get(HELD), '');
  },
  'are bounded by the mappings, also if no event comes': () => {
    const leases = new LeaseReplica();
    leases.put(HELD);
    const descriptions = new Descriptions(leases);
    descriptions.set(HELD, 'kept');
    // Without a bound, the next line lists 60,000 once their mappings are there.
    for (let externalPort = 5000; externalPort < 65000; externalPort++)
      descriptions.set(lease({ externalPort }), 'x'.repeat(64));
    for (let externalPort = 5000; externalPort < 65000; externalPort++) leases.put(lease({ externalPort }));
    const listed = descriptions.list();
    assert.ok(listed.length <= 258, `${listed.length}`);
    assert.is(descriptions.get(HELD), 'kept');
  },
});
