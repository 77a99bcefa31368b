// The flags of natpmp-upnp that it alone has; the others are those of the frontend (test/frontend/config.test.ts).

import * as assert from 'uvu/assert';
import type { Flags } from '../../upnp/config.js';
import { parseConfig } from '../../upnp/config.js';
import { cases, claims } from '../support/cases.js';

const good: Flags = { externalInterface: 'wan0' };

cases<{ name: string; flags: Flags; want: readonly string[] }>(
  'complaints',
  [
    { name: 'none', flags: good, want: [] },
    { name: 'port 0', flags: { ...good, upnpPort: '0' }, want: ['--upnp-port 0: give a whole number from 1 to 65535'] },
    {
      name: 'a port too high',
      flags: { ...good, upnpPort: '65536' },
      want: ['--upnp-port 65536: give a whole number from 1 to 65535'],
    },
    {
      name: 'an empty id',
      flags: { ...good, deviceId: '' },
      want: ['--device-id : give up to 128 characters of ASCII without blanks'],
    },
    {
      name: 'an id of two words',
      flags: { ...good, deviceId: 'my router' },
      want: ['--device-id my router: give up to 128 characters of ASCII without blanks'],
    },
    {
      name: 'several at once',
      flags: { upnpPort: 'x', maxLifetime: '0' },
      want: [
        '--max-lifetime 0: give a whole number from 1 to 4294967294',
        '--external-interface: is required: the interface towards the Internet, like eth1',
        '--upnp-port x: give a whole number from 1 to 65535',
      ],
    },
  ],
  ({ flags, want }) => {
    const parsed = parseConfig(flags);
    assert.equal('complaints' in parsed ? parsed.complaints : [], want);
  },
);

claims('the configuration of natpmp-upnp', {
  'leaves the port to the sockets and the id to the machine, if neither is named': () => {
    const parsed = parseConfig(good);
    assert.ok('ok' in parsed && parsed.ok.upnpPort === null && parsed.ok.deviceId === null);
  },
  'has both if they are named, and the rules as the frontend has them': () => {
    const parsed = parseConfig({ ...good, upnpPort: '5000', deviceId: 'x', deniedPorts: ['80'], defaultRule: 'deny' });
    if (!('ok' in parsed)) throw new Error(parsed.complaints.join());
    const { upnpPort, deviceId, deniedPorts, rules } = parsed.ok;
    assert.equal([upnpPort, deviceId, deniedPorts], [5000, 'x', [{ from: 80, to: 80 }]]);
    assert.is(rules.at(-1)?.grant, null);
  },
});
