import * as assert from 'uvu/assert';
import { REASON } from '../../proto/codec.js';
import type { Reason } from '../../proto/codec.js';
import { codeOf, restoreRequest } from '../../upnp/igd/policy.js';
import { cases, claims } from '../support/cases.js';
import { ALICE, byNatPmp, lease, NOW } from './control-world.js';

const CODES: Readonly<Record<Reason, number>> = {
  malformed: 501,
  'not-permitted': 606,
  address: 606,
  port: 718,
  lifetime: 501,
  conflict: 718,
  'host-full': 728,
  'table-full': 728,
  kernel: 501,
  'too-many-watchers': 501,
  late: 501,
  rate: 501,
  nonce: 501,
};

cases(
  'U-54 U-64 U-65 U-66 U-67 a reason of the helper and its code',
  (Object.keys(REASON) as Reason[]).map((name) => ({ name })),
  ({ name }) => assert.is(codeOf({ kind: 'refused', reason: name }), CODES[name]),
);

claims('an answer that is no refusal', {
  'is a failure if it is not the one that was hoped for': () => {
    assert.is(codeOf({ kind: 'unavailable' }), 501);
    assert.is(codeOf({ kind: 'removed', count: 1 }), 501);
  },
});

const RESTORED = {
  kind: 'add-mapping',
  protocol: 'tcp',
  internalAddress: ALICE,
  internalPort: 4001,
  externalPort: 4000,
  origin: 'dynamic',
} as const;

claims('a mapping is put back', {
  'for the rest of its time, of the same tool': () => {
    const held = lease({ externalPort: 4000, internalPort: 4001, lifetime: 60, expiresAt: NOW + 30_001 });
    assert.equal(restoreRequest(held, NOW), { ...RESTORED, lifetime: 31, tool: 1 });
    const { tool: _, ...natPmp } = held;
    assert.equal(restoreRequest(byNatPmp(natPmp), NOW), { ...RESTORED, lifetime: 31 });
  },
  'for at most as long as it was granted': () => {
    const held = lease({ externalPort: 4000, internalPort: 4001, lifetime: 60, expiresAt: NOW + 60_001 });
    assert.equal(restoreRequest(held, NOW), { ...RESTORED, lifetime: 60, tool: 1 });
  },
  'not if its time is over': () => {
    assert.is(restoreRequest(lease({ externalPort: 4000, expiresAt: NOW }), NOW), null);
    assert.equal(restoreRequest(lease({ externalPort: 4000, expiresAt: NOW + 1 }), NOW)?.lifetime, 1);
  },
});
