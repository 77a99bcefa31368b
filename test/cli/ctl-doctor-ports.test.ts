// What natpmpctl doctor makes of static mappings, and of ports that the router needs.

import * as assert from 'uvu/assert';
import { diagnose } from '../../cli/natpmpctl/doctor.js';
import { PortSet } from '../../cli/host/port-set.js';
import type { Facts } from '../../cli/natpmpctl/doctor/facts.js';
import type { Origin } from '../../proto/mapping.js';
import { cases } from '../support/cases.js';
import { daemon, HEALTHY } from '../support/healthy-router.js';

const NO_PORTS = { ports: PortSet.NONE, ofAdministrator: PortSet.NONE, capped: [], unread: [], legacy: null };

const staticTo = (internalAddress: number, origin: Origin = 'static') =>
  ({ protocol: 'tcp', externalPort: 8500, internalAddress, internalPort: 80, origin }) as const;
cases<{ name: string; facts: Partial<Facts>; want: RegExp | null }>(
  'doctor: where static mappings lead',
  [
    { name: 'a LAN', facts: { mappings: [staticTo(0xc0a80102)] }, want: null },
    {
      name: 'a network behind a router of the LAN',
      facts: {
        mappings: [staticTo(0x0a010203)],
        routes: [
          { interfaceName: 'wan0', address: 0x0a000000, prefixLength: 8 },
          { interfaceName: 'br-lan', address: 0x0a010000, prefixLength: 16 },
        ],
      },
      want: null,
    },
    {
      name: 'a network beyond another interface',
      facts: {
        mappings: [staticTo(0xc0a80102)],
        routes: [
          { interfaceName: 'br-lan', address: 0xc0a80000, prefixLength: 16 },
          { interfaceName: 'wg0', address: 0xc0a80100, prefixLength: 24 },
        ],
      },
      want: /^warn mappings the static mapping of tcp 8500 leads to 192\.168\.1\.2, and no route into a LAN leads there/,
    },
    {
      name: 'nowhere',
      facts: { mappings: [staticTo(0x0a010203)] },
      want: /^warn mappings .* no route into a LAN leads there .*natpmpctl remove tcp 8500$/,
    },
    { name: 'nowhere, but it is not static', facts: { mappings: [staticTo(0x0a010203, 'dynamic')] }, want: null },
    {
      name: 'the router itself',
      facts: { mappings: [staticTo(0xc0a80101)] },
      want: /^warn mappings .* leads to 192\.168\.1\.1, which is the router itself/,
    },
  ],
  ({ facts, want }) => {
    const told = diagnose({ ...HEALTHY, ...facts })
      .filter(({ check }) => check === 'mappings')
      .map(({ verdict, check, says, remedy }) => `${verdict} ${check} ${says} ${remedy}`);
    if (want === null) assert.equal(told, []);
    else assert.match(told.join(), want);
  },
);

cases<{ name: string; facts: Partial<Facts>; want: RegExp }>(
  'doctor: ports',
  [
    {
      name: 'a forward that cannot be read',
      facts: { portsInUse: { ...NO_PORTS, unread: ['chain c of table ip t forwards what has meta mark 7'] } },
      want: /^warn ports chain c of table ip t forwards what has meta mark 7.*reserved-ports/,
    },
    {
      name: 'a user with sockets on more ports than count',
      facts: { portsInUse: { ...NO_PORTS, capped: [{ uid: 1000, ports: 300 }] } },
      want: /^warn ports user 1000 has sockets on more than 256 ports/,
    },
    {
      name: 'a static mapping on a port that the router needs',
      facts: {
        portsInUse: { ...NO_PORTS, ports: PortSet.of([{ from: 8500, to: 8500 }]) },
        mappings: [
          { protocol: 'tcp', externalPort: 8500, internalAddress: 0xc0a80102, internalPort: 80, origin: 'static' },
          { protocol: 'udp', externalPort: 8500, internalAddress: 0xc0a80102, internalPort: 80, origin: 'dynamic' },
        ],
      },
      want: /^warn ports the router itself needs port 8500: the static tcp mapping to 192\.168\.1\.2:80 .*revoke --static --port tcp\/8500/,
    },
    {
      name: 'forwards of iptables-legacy that the daemons are not told',
      facts: {
        daemons: [daemon('frontend', { args: ['--reserved-ports', '8080', '--reserved-ports=22,8443-8450'] })],
        portsInUse: {
          ...NO_PORTS,
          legacy: PortSet.of([
            { from: 8080, to: 8081 },
            { from: 8445, to: 8451 },
          ]),
        },
      },
      want: /^warn ports iptables-legacy forwards 8081, 8451, and the daemons do not know.*reserved-ports = 8081,8451$/,
    },
    {
      name: 'nft that fails',
      facts: { portsInUse: { reason: 'nft: no' } },
      want: /^unknown ports not checked: nft: no/,
    },
  ],
  ({ facts, want }) => {
    const told = diagnose({ ...HEALTHY, ...facts }).filter(({ check }) => check === 'ports');
    assert.is(told.length, 1);
    assert.match(told.map(({ verdict, check, says, remedy }) => `${verdict} ${check} ${says} ${remedy}`).join(), want);
  },
);
