import * as assert from 'uvu/assert';
import type { NextHop, RouteMessage } from '../../caller/route/rtnetlink.js';
import {
  addressesOf,
  decodeRoute,
  DUMP,
  encodeDump,
  encodeLookup,
  encodeNeighbour,
  encodeNeighbourDump,
  encodeNextHops,
  encodeRouteLookups,
  FAMILY,
  indexOf,
  sourceAddress,
} from '../../caller/route/rtnetlink.js';
import { bytes, hex } from '../support/bytes.js';
import { cases, claims } from '../support/cases.js';
import { ip, seeded } from '../frontend/support.js';

// As a little-endian kernel writes them: length, type, flags, sequence, port id; then the body; then attributes.
const LINK_LO =
  '2c000000 1000 0200 07000000 d43c0000 0000 0403 01000000 49000100 00000000 0700 0300 6c6f0000 0400 0d00';
const LINK_PPP =
  '2c000000 1000 0200 07000000 d43c0000 0000 0002 03000000 d1100000 00000000 0900 0300 70707030 00 000000';
const LINK_SCOPE =
  '30000000 1400 0200 07000000 d43c0000 02 10 80 fd 03000000 0800 0100 a9fe0304 0800 0200 a9fe0304 0800 0800 80000000';
const PEER =
  '30000000 1400 0200 07000000 d43c0000 02 20 80 00 03000000 0800 0100 0a400001 0800 0200 cb007107 0800 0800 80000000';
const PLAIN = '20000000 1400 0200 07000000 d43c0000 02 18 80 00 03000000 0800 0100 cb007109';
const SECONDARY = '28000000 1400 0200 07000000 d43c0000 02 18 81 00 03000000 0800 0100 cb00710a 0800 0200 cb00710a';
const ON_LO = '28000000 1400 0200 07000000 d43c0000 02 18 80 00 01000000 0800 0100 cb00710b 0800 0200 cb00710b';
/** ip route get 198.41.0.4 oif ppp0 */
const VIA_GATEWAY =
  '34000000 1800 0000 07000000 d43c0000 02200000 00000001 00020000 0800 0100 c6290004 0800 0500 cb007101 0800 0f00 fe000000';
const ON_LINK = '2c000000 1800 0000 07000000 d43c0000 02200000 00000001 00020000 0800 0100 c6290004 0800 0f00 fe000000';
const ROUTE =
  '2c000000 1800 0000 07000000 d43c0000 02 18 00 00 fe 02 fd 01 00000000 0800 0100 c0a80100 0800 0400 03000000';
const TWO_HOPS =
  '40000000 1800 0000 07000000 d43c0000 02 10 00 00 fe 03 00 01 00000000 2400 0900 ' +
  '1000 00 00 04000000 0800 0500 c0a80103 1000 00 00 05000000 0800 0500 c0a80104';
/** 2001:db8:1::/64 by the link, and by a router. */
const IPV6_ROUTE =
  '38000000 1800 0000 07000000 d43c0000 0a 40 00 00 fe 02 00 01 00000000 1400 0100 20010db8000100000000000000000000 ' +
  '0800 0400 03000000';
const IPV6_GATEWAY =
  '38000000 1800 0000 07000000 d43c0000 0a 38 00 00 fe 02 00 01 00000000 1400 0500 fe800000000000000000000000000001 ' +
  '0800 0400 03000000';
const IPV6_TWO_HOPS =
  '58000000 1800 0000 07000000 d43c0000 0a 38 00 00 fe 03 00 01 00000000 3c00 0900 ' +
  '1c00 00 00 04000000 1400 0500 fe800000000000000000000000000001 ' +
  '1c00 00 00 05000000 1400 0500 fe800000000000000000000000000002';
const IPV6_NEIGHBOUR =
  '3c000000 1c00 0000 07000000 d43c0000 0a000000 03000000 02000001 14000100 20010db8000100000000000000000a0a ' +
  '0a000200 020000000007 0000';
const IPV6_ADDRESS =
  '2c000000 1400 0200 07000000 d43c0000 0a 40 80 fd 03000000 1400 0100 fe800000000000000000000000000001';
const LINK_ETHERNET =
  '2c000000 1000 0200 07000000 d43c0000 0000 0100 04000000 43100000 00000000 0900 0300 65746830 00 000000';
/** IFLA_LINKINFO: macvlan, in the mode PASSTHRU. */
const MACVLAN_INFO = '1c00 1200 0c00 0100 6d6163766c616e00 0c00 0200 0800 0100 08000000';
/** RTM_NEWLINK, as the others here. */
const withLength = (body: string): string => {
  const octets = body.replaceAll(' ', '').length / 2 + 16;
  return `${octets.toString(16).padStart(2, '0')}000000 1000 0200 07000000 d43c0000 ${body}`;
};
const DONE = '14000000 0300 0200 07000000 d43c0000 00000000';

const part = { sequence: 7, isPart: true, isInterrupted: false } as const;
const other = { ...part, kind: 'other' } as const;

cases<{ name: string; type: Parameters<typeof encodeDump>[0]; want: string }>(
  'encodeDump',
  [
    {
      name: 'R-27 all links',
      type: DUMP.LINKS,
      want: '20000000 1200 0103 05000000 00000000 00000000 00000000 00000000 00000000',
    },
    {
      name: 'R-27 all IPv4 addresses',
      type: DUMP.ADDRESSES,
      want: '18000000 1600 0103 05000000 00000000 02000000 00000000',
    },
  ],
  ({ type, want }) => assert.is(hex(encodeDump(type, 5)), want.replaceAll(' ', '')),
);

claims('encodeLookup', {
  'R-27 by which route does this leave by that interface, and from which table?': () =>
    assert.is(
      hex(encodeLookup(3, ip('198.41.0.4'), 5)),
      '2c000000 1a00 0100 05000000 00000000 02200000 00000000 00100000 0800 0100 c6290004 0800 0400 03000000'.replaceAll(
        ' ',
        '',
      ),
    ),
});
cases<{ name: string; request: Uint8Array; want: string }>(
  'requests',
  [
    {
      name: 'R-64 the route to a host',
      request: encodeRouteLookups([ip('192.168.1.10')], 5),
      want: '24000000 1a00 0100 05000000 00000000 02 20 00 00 00 00 00 00 00200000 0800 0100 c0a8010a',
    },
    {
      name: 'R-64 the routes to two hosts, in one message',
      request: encodeRouteLookups([ip('192.168.1.10'), ip('10.0.0.9')], 0x7ffffffe),
      want:
        '24000000 1a00 0100 feffff7f 00000000 02 20 00 00 00 00 00 00 00200000 0800 0100 c0a8010a' +
        '24000000 1a00 0100 ffffff7f 00000000 02 20 00 00 00 00 00 00 00200000 0800 0100 0a000009',
    },
    {
      name: '§3.5 a neighbour',
      request: encodeNeighbour(3, ip('192.168.1.10'), 5),
      want: '24000000 1e00 0100 05000000 00000000 02000000 03000000 00000000 0800 0100 c0a8010a',
    },
    {
      name: 'IPv6: the route to a host',
      request: encodeRouteLookups(['20010db8000100000000000000000a0a'], 5),
      want: '30000000 1a00 0100 05000000 00000000 0a 80 00 00 00 00 00 00 00200000 1400 0100 20010db8000100000000000000000a0a',
    },
    {
      name: 'IPv6: a neighbour',
      request: encodeNeighbour(3, '20010db8000100000000000000000a0a', 5),
      want: '30000000 1e00 0100 05000000 00000000 0a000000 03000000 00000000 1400 0100 20010db8000100000000000000000a0a',
    },
    {
      name: 'R-64 two nexthop objects, in one message',
      request: encodeNextHops([5, 6], 0x7ffffffe),
      want:
        '20000000 6a00 0100 feffff7f 00000000 00000000 00000000 0800 0100 05000000' +
        '20000000 6a00 0100 ffffff7f 00000000 00000000 00000000 0800 0100 06000000',
    },
    {
      name: 'IPv6: all neighbours',
      request: encodeNeighbourDump(5, FAMILY.IPV6),
      want: '1c000000 1e00 0103 05000000 00000000 0a000000 00000000 00000000',
    },
    {
      name: 'IPv6: all addresses',
      request: encodeDump(DUMP.ADDRESSES, 5, FAMILY.IPV6),
      want: '18000000 1600 0103 05000000 00000000 0a000000 00000000',
    },
    {
      name: 'D-7 all neighbours',
      request: encodeNeighbourDump(5),
      want: '1c000000 1e00 0103 05000000 00000000 02000000 00000000 00000000',
    },
  ],
  ({ request, want }) => assert.is(hex(request), want.replaceAll(' ', '')),
);

cases<{ name: string; wire: string; want: RouteMessage[] }>(
  'decodeRoute',
  [
    {
      name: 'R-27 two links',
      wire: LINK_LO + LINK_PPP,
      want: [
        { ...part, kind: 'link', index: 1, name: 'lo', isEthernet: false, lowerIndex: null },
        { ...part, kind: 'link', index: 3, name: 'ppp0', isEthernet: false, lowerIndex: null },
      ],
    },
    {
      name: 'R-27 point to point: the local address, not the peer’s',
      wire: PEER,
      want: [
        {
          ...part,
          kind: 'address',
          index: 3,
          address: ip('203.0.113.7'),
          network: { address: ip('10.64.0.1'), length: 32 },
          isPrimary: true,
        },
      ],
    },
    {
      name: 'R-27 no local attribute',
      wire: PLAIN,
      want: [
        {
          ...part,
          kind: 'address',
          index: 3,
          address: ip('203.0.113.9'),
          network: { address: ip('203.0.113.9'), length: 24 },
          isPrimary: true,
        },
      ],
    },
    {
      name: 'R-27 secondary',
      wire: SECONDARY,
      want: [
        {
          ...part,
          kind: 'address',
          index: 3,
          address: ip('203.0.113.10'),
          network: { address: ip('203.0.113.10'), length: 24 },
          isPrimary: false,
        },
      ],
    },
    {
      name: 'R-27 scope link',
      wire: LINK_SCOPE,
      want: [
        {
          ...part,
          kind: 'address',
          index: 3,
          address: ip('169.254.3.4'),
          network: { address: ip('169.254.3.4'), length: 16 },
          isPrimary: false,
        },
      ],
    },
    { name: 'R-27 the end', wire: DONE, want: [{ ...part, kind: 'done' }] },
    {
      name: 'the end of a dump that failed (EMSGSIZE)',
      wire: '14000000 0300 0200 07000000 d43c0000 a6ffffff',
      want: [{ ...part, kind: 'error', errno: 90 }],
    },
    {
      name: 'R-27 interrupted',
      wire: DONE.replace('0300 0200', '0300 1200'),
      want: [{ ...part, isInterrupted: true, kind: 'done' }],
    },
    {
      name: 'R-27 an error',
      wire: '24000000 0200 0000 07000000 d43c0000 f0ffffff 00000000 00000000 00000000 00000000',
      want: [{ ...part, isPart: false, kind: 'error', errno: 16 }],
    },
    {
      name: 'IPv6: an address',
      wire: IPV6_ADDRESS,
      want: [{ ...part, kind: 'ipv6-address', index: 3, address: 'fe800000000000000000000000000001' }],
    },
    { name: 'D-5 an address of IPv6 that is too short', wire: PLAIN.replace('02 18', '0a 18'), want: [other] },
    {
      name: 'IPv6: a neighbour',
      wire: IPV6_NEIGHBOUR,
      want: [
        {
          ...part,
          isPart: false,
          kind: 'ipv6-neighbour',
          index: 3,
          address: '20010db8000100000000000000000a0a',
          mac: 0x020000000007,
          isResolved: true,
        },
      ],
    },
    {
      name: 'IPv6: a neighbour that is being asked for',
      wire: '30000000 1c00 0000 07000000 d43c0000 0a000000 03000000 01000001 14000100 20010db8000100000000000000000a0a',
      want: [
        {
          ...part,
          isPart: false,
          kind: 'ipv6-neighbour',
          index: 3,
          address: '20010db8000100000000000000000a0a',
          mac: null,
          isResolved: false,
        },
      ],
    },
    {
      name: 'IPv6: a route on the link',
      wire: IPV6_ROUTE,
      want: [
        {
          ...part,
          isPart: false,
          kind: 'ipv6-route',
          prefixLength: 64,
          isUnicast: true,
          interfaces: [3],
          gateway: null,
        },
      ],
    },
    {
      name: 'IPv6: a route by another router',
      wire: IPV6_GATEWAY,
      want: [
        {
          ...part,
          isPart: false,
          kind: 'ipv6-route',
          prefixLength: 56,
          isUnicast: true,
          interfaces: [3],
          gateway: 'fe800000000000000000000000000001',
        },
      ],
    },
    {
      name: 'IPv6: a route by two other routers',
      wire: IPV6_TWO_HOPS,
      want: [
        {
          ...part,
          isPart: false,
          kind: 'ipv6-route',
          prefixLength: 56,
          isUnicast: true,
          interfaces: [4, 5],
          gateway: 'fe800000000000000000000000000001',
        },
      ],
    },
    {
      name: 'a route by a nexthop object that the kernel names by its number alone',
      wire: ROUTE.replace('0800 0400 03000000', '0800 1e00 05000000'),
      want: [
        {
          ...part,
          isPart: false,
          kind: 'route',
          prefixLength: 24,
          isUnicast: true,
          interfaces: [],
          nextHopId: 5,
        },
      ],
    },
    {
      name: 'a route by a nexthop object that the kernel names, and its interface',
      wire: ROUTE.replace('2c000000', '34000000') + '0800 1e00 05000000',
      want: [{ ...part, isPart: false, kind: 'route', prefixLength: 24, isUnicast: true, interfaces: [3] }],
    },
    {
      name: 'nexthop objects: one of IPv4, one of IPv6, and a group of the two',
      wire:
        '30000000 6800 0000 07000000 d43c0000 02000000 00000000 0800 0100 05000000 0800 0500 03000000 0800 0600 c0a80102' +
        '3c000000 6800 0000 07000000 d43c0000 0a000000 00000000 0800 0100 06000000 0800 0500 04000000 ' +
        '1400 0600 fe800000000000000000000000000001' +
        '34000000 6800 0000 07000000 d43c0000 00000000 00000000 0800 0100 07000000 1400 0200 0500000000000000 0600000001000000',
      want: [
        { ...part, isPart: false, kind: 'next-hop-object', index: 3, gateway: null, members: [] },
        {
          ...part,
          isPart: false,
          kind: 'next-hop-object',
          index: 4,
          gateway: 'fe800000000000000000000000000001',
          members: [],
        },
        { ...part, isPart: false, kind: 'next-hop-object', index: null, gateway: null, members: [5, 6] },
      ],
    },
    {
      name: 'IPv6: a route to the router itself',
      wire: IPV6_ROUTE.replace('00 01 0000', '00 02 0000'),
      want: [
        {
          ...part,
          isPart: false,
          kind: 'ipv6-route',
          prefixLength: 64,
          isUnicast: false,
          interfaces: [3],
          gateway: null,
        },
      ],
    },
    {
      name: 'a link whose hosts have Ethernet addresses',
      wire: LINK_ETHERNET,
      want: [{ ...part, kind: 'link', index: 4, name: 'eth0', isEthernet: true, lowerIndex: null }],
    },
    ...[
      { name: 'macvlan', info: MACVLAN_INFO, lowerIndex: 2 },
      { name: 'macvtap', info: MACVLAN_INFO.replace('766c616e', '76746170'), lowerIndex: 2 },
      { name: 'ipvlan', info: '1400 1200 0b00 0100 697076 6c616e00 00 0400 0200', lowerIndex: 2 },
      {
        name: 'VLAN, whose hosts are others',
        info: '1400 1200 0900 0100 766c616e 00 000000 0400 0200',
        lowerIndex: null,
      },
      {
        name: 'macvlan of source mode, which tells senders apart',
        info: MACVLAN_INFO.replace('08000000', '10000000'),
        lowerIndex: null,
      },
      {
        name: 'macvlan on an interface of another network namespace',
        info: `${MACVLAN_INFO} 0800 2500 00000000`,
        lowerIndex: null,
      },
      { name: 'interface of no kind', info: '', lowerIndex: null },
    ].map(({ name, info, lowerIndex }) => ({
      name: `a link that is below another: ${name}`,
      wire: withLength(`0000 0100 04000000 43100000 00000000 0900 0300 65746830 00 000000 0800 0500 02000000 ${info}`),
      want: [{ ...part, kind: 'link' as const, index: 4, name: 'eth0', isEthernet: true, lowerIndex }],
    })),
    {
      name: 'a link of Ethernet that asks for none (NOARP)',
      wire: LINK_ETHERNET.replace('43100000', 'c3100000'),
      want: [{ ...part, kind: 'link', index: 4, name: 'eth0', isEthernet: false, lowerIndex: null }],
    },
    {
      name: '§3.5 a neighbour',
      wire:
        '30000000 1c00 0000 07000000 d43c0000 02000000 03000000 02000001 08000100 c0a8010a 0a000200 ' +
        '020000000007 0000',
      want: [
        {
          ...part,
          isPart: false,
          kind: 'neighbour',
          index: 3,
          address: ip('192.168.1.10'),
          mac: 0x020000000007,
          isResolved: true,
        },
      ],
    },
    {
      name: '§3.5 a neighbour that is being asked for',
      wire: '24000000 1c00 0000 07000000 d43c0000 02000000 03000000 01000001 08000100 c0a8010a',
      want: [
        {
          ...part,
          isPart: false,
          kind: 'neighbour',
          index: 3,
          address: ip('192.168.1.10'),
          mac: null,
          isResolved: false,
        },
      ],
    },
    {
      name: '§3.5 one of another link layer',
      wire: '2c000000 1c00 0000 07000000 d43c0000 02000000 03000000 02000001 08000100 c0a8010a 08000200 0a000001',
      want: [
        {
          ...part,
          isPart: false,
          kind: 'neighbour',
          index: 3,
          address: ip('192.168.1.10'),
          mac: null,
          isResolved: true,
        },
      ],
    },
    {
      name: '§3.5 a neighbour that did not answer',
      wire: '24000000 1c00 0000 07000000 d43c0000 02000000 03000000 20000001 08000100 c0a8010a',
      want: [
        {
          ...part,
          isPart: false,
          kind: 'neighbour',
          index: 3,
          address: ip('192.168.1.10'),
          mac: null,
          isResolved: false,
        },
      ],
    },
    {
      name: 'R-64 a route',
      wire: ROUTE,
      want: [{ ...part, isPart: false, kind: 'route', prefixLength: 24, isUnicast: true, interfaces: [3] }],
    },
    {
      name: 'R-64 a route to the router itself',
      wire: ROUTE.replace('fd 01', 'fd 02'),
      want: [{ ...part, isPart: false, kind: 'route', prefixLength: 24, isUnicast: false, interfaces: [3] }],
    },
    {
      name: 'R-64 a route of two next hops',
      wire: TWO_HOPS,
      want: [{ ...part, isPart: false, kind: 'route', prefixLength: 16, isUnicast: true, interfaces: [4, 5] }],
    },
    {
      name: 'D-5 a next hop longer than the list',
      wire: TWO_HOPS.replace('1000 00 00 05', '1100 00 00 05'),
      want: [{ ...part, isPart: false, kind: 'route', prefixLength: 16, isUnicast: true, interfaces: [4] }],
    },
    {
      name: 'D-5 a next hop shorter than its header',
      wire: TWO_HOPS.replace('1000 00 00 04', '0700 00 00 04'),
      want: [{ ...part, isPart: false, kind: 'route', prefixLength: 16, isUnicast: true, interfaces: [] }],
    },
    {
      name: 'D-5 a route of another family',
      wire: ROUTE.replace('02 18', '1c 18'),
      want: [{ ...other, isPart: false }],
    },
    {
      name: 'D-5 a route without body',
      wire: '10000000 1800 0000 07000000 00000000',
      want: [{ ...other, isPart: false }],
    },
    {
      name: 'R-27 the answer to a lookup: by a gateway',
      wire: VIA_GATEWAY,
      want: [{ ...part, isPart: false, kind: 'next-hop', gateway: ip('203.0.113.1'), isRouted: true }],
    },
    {
      name: 'R-27 the answer to a lookup: on the link, by a route',
      wire: ON_LINK,
      want: [{ ...part, isPart: false, kind: 'next-hop', gateway: null, isRouted: true }],
    },
    {
      name: 'R-27 the answer to a lookup: on the link, for want of a route',
      wire: ON_LINK.replace('0f00 fe', '0f00 00'),
      want: [{ ...part, isPart: false, kind: 'next-hop', gateway: null, isRouted: false }],
    },
    {
      name: 'R-27 an event: a route was added',
      wire: VIA_GATEWAY.replace('00020000 0800', '00000000 0800'),
      want: [{ ...part, isPart: false, kind: 'route', prefixLength: 32, isUnicast: true, interfaces: [] }],
    },
    {
      name: 'D-5 an answer without a body',
      wire: '14000000 1800 0000 07000000 d43c0000 02200000',
      want: [{ ...part, isPart: false, kind: 'other' }],
    },
    {
      name: 'R-27 an event: address removed',
      wire: SECONDARY.replace('1400 0200 07', '1500 0000 00'),
      want: [{ sequence: 0, isPart: false, isInterrupted: false, kind: 'other' }],
    },
    { name: 'D-5 nothing', wire: '', want: [] },
    { name: 'D-5 half a header', wire: DONE.slice(0, 30), want: [] },
    { name: 'D-5 a message longer than the read', wire: DONE.replace('14', '15'), want: [] },
    { name: 'D-5 a message shorter than its header', wire: DONE.replace('14', '0f'), want: [] },
    { name: 'D-5 a length of zero', wire: DONE.replace('14', '00'), want: [] },
    { name: 'D-5 a link without body', wire: '10000000 1000 0200 07000000 00000000', want: [other] },
    {
      name: 'D-5 an address without attributes',
      wire: '18000000 1400 0200 07000000 00000000 02 18 80 00 03000000',
      want: [other],
    },
    {
      name: 'D-5 an address of three octets',
      wire: '1f000000 1400 0200 07000000 d43c0000 02 18 80 00 03000000 0700 0100 cb007109',
      want: [other],
    },
    { name: 'D-5 an attribute longer than the message', wire: PLAIN.replace('0800 0100', '0900 0100'), want: [other] },
    { name: 'D-5 an attribute shorter than its header', wire: PLAIN.replace('0800 0100', '0300 0100'), want: [other] },
    { name: 'D-5 an address of another family', wire: PLAIN.replace('02 18', '0a 18'), want: [other] },
  ],
  ({ wire, want }) => assert.equal(decodeRoute(bytes(wire)), want),
);

cases(
  'addressesOf',
  [
    {
      name: 'R-28 the primary ones, in the order of the kernel',
      wire: [LINK_LO, LINK_PPP, ON_LO, LINK_SCOPE, SECONDARY, PEER, PLAIN],
      interface: 'ppp0',
      want: ['203.0.113.7', '203.0.113.9'],
    },
    {
      name: 'R-27 of the interface of this name',
      wire: [LINK_LO, LINK_PPP, ON_LO, PEER],
      interface: 'lo',
      want: ['203.0.113.11'],
    },
    {
      name: 'R-26 none but secondary and link-local ones',
      wire: [LINK_LO, LINK_PPP, LINK_SCOPE, SECONDARY],
      interface: 'ppp0',
      want: [],
    },
    { name: 'R-26 no such interface', wire: [LINK_LO, PEER], interface: 'ppp0', want: [] },
    { name: 'R-26 a name that only begins alike', wire: [LINK_PPP, PEER], interface: 'ppp', want: [] },
  ],
  ({ wire, interface: name, want }) => {
    const messages = decodeRoute(bytes(wire.join('')));
    const found = addressesOf(messages, indexOf(messages, name) ?? -1);
    assert.equal(
      found.map(({ address }) => address),
      want.map(ip),
    );
  },
);

const via = (gateway: string): NextHop => ({ gateway: ip(gateway), isRouted: true });
const ON_THE_LINK: NextHop = { gateway: null, isRouted: true };
const NOWHERE: NextHop = { gateway: null, isRouted: false };

cases<{
  readonly name: string;
  readonly addresses: readonly string[];
  readonly nextHop: NextHop;
  readonly current?: string;
  readonly want: string | null;
}>(
  'sourceAddress: as masquerade chooses',
  [
    { name: 'R-26 none', addresses: [], nextHop: ON_THE_LINK, want: null },
    { name: 'R-28 the only one', addresses: ['203.0.113.2/24'], nextHop: via('203.0.113.1'), want: '203.0.113.2' },
    {
      name: 'R-28 the one in the network of the gateway, behind one that leads to the modem',
      addresses: ['192.168.100.2/24', '203.0.113.2/24'],
      nextHop: via('203.0.113.1'),
      want: '203.0.113.2',
    },
    {
      name: 'R-28 private before public, if traffic leaves so',
      addresses: ['203.0.113.2/24', '10.0.0.2/8'],
      nextHop: via('10.0.0.1'),
      want: '10.0.0.2',
    },
    {
      name: 'R-28 the first one, with a gateway in no network (onlink)',
      addresses: ['10.0.0.2/24', '203.0.113.2/32'],
      nextHop: via('198.51.100.1'),
      want: '10.0.0.2',
    },
    {
      name: 'R-28 the first one, without a gateway (PPP)',
      addresses: ['10.0.0.2/32', '203.0.113.2/32'],
      nextHop: ON_THE_LINK,
      want: '10.0.0.2',
    },
    {
      name: 'R-28 the network of a point-to-point link is the peer’s',
      addresses: ['10.0.0.2/24', '203.0.113.2/32 peer 198.51.100.1'],
      nextHop: via('198.51.100.1'),
      want: '203.0.113.2',
    },
    {
      name: 'R-28 no route: the current one stays',
      addresses: ['192.168.100.2/24', '203.0.113.3/24', '203.0.113.2/24'],
      nextHop: NOWHERE,
      current: '203.0.113.2',
      want: '203.0.113.2',
    },
    {
      name: 'R-28 no route, no current one: a public one first',
      addresses: ['192.168.100.2/24', '203.0.113.3/24'],
      nextHop: NOWHERE,
      current: '203.0.113.2',
      want: '203.0.113.3',
    },
    {
      name: 'R-28 no route, none is public: the first',
      addresses: ['192.168.100.2/24', '10.0.0.2/24'],
      nextHop: NOWHERE,
      want: '192.168.100.2',
    },
    {
      name: 'R-28 the current one goes if traffic leaves by another',
      addresses: ['203.0.113.2/24', '198.51.100.2/24'],
      nextHop: via('198.51.100.1'),
      current: '203.0.113.2',
      want: '198.51.100.2',
    },
  ],
  ({ addresses, nextHop, current, want }) => {
    const found = addresses.map((text) => {
      const [, address = '', length, peer] = /^([\d.]+)\/(\d+)(?: peer ([\d.]+))?$/.exec(text) ?? [];
      const network = { address: ip(peer ?? address), length: Number(length) };
      return { index: 3, address: ip(address), network, isPrimary: true };
    });
    const chosen = sourceAddress(found, nextHop, current === undefined ? null : ip(current));
    assert.is(chosen, want === null ? null : ip(want));
  },
);

claims('decodeRoute, garbage', {
  'D-5 20,000 mutants: no error, and no address out of thin air': () => {
    const random = seeded(3);
    const whole = bytes(
      [LINK_LO, LINK_PPP, PEER, PLAIN, ROUTE, TWO_HOPS, SECONDARY, IPV6_TWO_HOPS, IPV6_NEIGHBOUR, DONE].join(''),
    );
    for (let run = 0; run < 20_000; run++) {
      const mutant = whole.slice(0, Math.floor(random() * (whole.length + 1)));
      for (let flips = 0; flips < 4; flips++) mutant[Math.floor(random() * mutant.length)] = Math.floor(random() * 256);
      for (const message of decodeRoute(mutant)) {
        if (message.kind === 'ipv6-neighbour') assert.match(message.address, /^[0-9a-f]{32}$/);
        if (message.kind === 'address') assert.ok(message.address >= 0 && message.address <= 0xffffffff);
      }
    }
  },
});
