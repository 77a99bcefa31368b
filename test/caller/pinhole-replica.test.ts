import * as assert from 'uvu/assert';
import { deviceKey, PinholeReplica } from '../../caller/pinhole-replica.js';
import type { Event } from '../../proto/codec.js';
import type { Pinhole } from '../../proto/mapping.js';
import { claims } from '../support/cases.js';
import { lease } from '../frontend/support.js';

const HOST = '20010db8000100000000000000000a0a';
const OTHER = '20010db8000100000000000000000b0b';
const MAC = 7;

function pinhole(more: Partial<Pinhole> = {}): Pinhole {
  const given = { protocol: 'tcp', address: HOST, port: 80, origin: 'dynamic', lifetime: 60, expiresAt: 1 } as const;
  return { ...given, hardwareAddress: MAC, ...more };
}

claims('the replica of the pinholes', {
  'one for each protocol, address and port': () => {
    const replica = new PinholeReplica();
    const all = [pinhole(), pinhole({ protocol: 'udp' }), pinhole({ port: 81 }), pinhole({ address: OTHER })];
    for (const each of all) replica.put(each);
    assert.equal(
      all.map((each) => replica.get(each)),
      all,
    );
    assert.equal([replica.size, replica.sizeOf('tcp'), replica.sizeOf('udp')], [4, 3, 1]);
    assert.is(replica.get(pinhole({ address: OTHER, port: 81 })), undefined);
  },
  'counts by hardware address, whatever the address, and by address without one': () => {
    const replica = new PinholeReplica();
    replica.put(pinhole());
    replica.put(pinhole({ address: OTHER }));
    replica.put(pinhole({ port: 81, hardwareAddress: 0 }));
    assert.equal([replica.count(MAC), replica.count(HOST), replica.count(OTHER), replica.devices], [2, 1, 0, 2]);
    assert.equal([deviceKey(pinhole()), deviceKey(pinhole({ hardwareAddress: 0 }))], [MAC, HOST]);
  },
  'a renewal counts once, and for the device that it names now': () => {
    const replica = new PinholeReplica();
    replica.put(pinhole());
    replica.put(pinhole({ lifetime: 61 }));
    assert.equal([replica.count(MAC), replica.size, replica.get(pinhole())?.lifetime], [1, 1, 61]);
    replica.put(pinhole({ hardwareAddress: 8 }));
    assert.equal([replica.count(MAC), replica.count(8), replica.devices], [0, 1, 1]);
  },
  'follows events of pinholes, and no others': () => {
    const replica = new PinholeReplica();
    const hear = (event: Event) => replica.apply(event);
    hear({ kind: 'granted', pinhole: pinhole() });
    hear({ kind: 'renewed', pinhole: pinhole({ port: 81 }) });
    hear({ kind: 'granted', pinhole: pinhole({ port: 82 }) });
    hear({ kind: 'granted', lease: lease({ externalPort: 2000 }) });
    hear({ kind: 'resynchronised' });
    hear({ kind: 'probe' });
    assert.is(replica.count(MAC), 3);
    hear({ kind: 'removed', pinhole: pinhole() });
    hear({ kind: 'removed', pinhole: pinhole() });
    hear({ kind: 'expired', pinhole: pinhole({ port: 81 }) });
    assert.equal([replica.count(MAC), replica.size, replica.get(pinhole({ port: 82 }))?.port], [1, 1, 82]);
  },
  'reservations count until the last request for one is answered': () => {
    const replica = new PinholeReplica();
    replica.reserve(pinhole(), MAC);
    replica.reserve(pinhole(), MAC);
    assert.equal([replica.count(MAC), replica.isReserved(pinhole()), replica.size], [1, true, 0]);
    replica.release(pinhole());
    assert.equal([replica.count(MAC), replica.isReserved(pinhole())], [1, true]);
    replica.release(pinhole());
    assert.equal([replica.count(MAC), replica.isReserved(pinhole())], [0, false]);
    replica.release(pinhole());
    assert.is(replica.count(MAC), 0);
  },
  'a new list replaces all, but not the reservations': () => {
    const replica = new PinholeReplica();
    replica.put(pinhole());
    replica.reserve(pinhole({ port: 81 }), MAC);
    replica.reset([pinhole({ port: 90, hardwareAddress: 8 }), pinhole({ port: 91, hardwareAddress: 8 })]);
    assert.equal([replica.count(MAC), replica.count(8), replica.size, replica.devices], [1, 2, 2, 1]);
    assert.is(replica.get(pinhole()), undefined);
  },
});
