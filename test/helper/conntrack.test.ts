// Which flows are deleted from connection tracking, in a real one, and the bytes that ask for it.
import * as assert from 'uvu/assert';
import { NETLINK } from '../../cli/server/sockets.js';
import { ruleset } from '../../cli/host/ruleset-text.js';
import { encodeDelete, encodeDump6, encodeEarlier, flowTo } from '../../helper/nft/conntrack.js';
import { NftKernel } from '../../helper/nft/kernel.js';
import { MessageWriter } from '../../helper/nft/netlink.js';
import { netlinkSocket } from '../../helper/nft/netlink-socket.js';
import { hex } from '../support/bytes.js';
import { cases, claims, skip } from '../support/cases.js';
import { canMakeNetns, makeNetns } from '../support/netns.js';
import { lease, pinhole } from './leases.js';

/** udp 9999 -> 192.168.1.2:777 */
const GRANTED = lease({ protocol: 'udp', internalPort: 777, externalPort: 9999 });

/** The tuple of a flow, as it is asked for. */
const TUPLE =
  '3400 0180' + '1400 0180' + '0800 0100 c0a80102' + '0800 0200 00000000' + '1c00 0280' + '0500 0100 11000000';
const asked = (write: (writer: MessageWriter) => void): string => {
  const writer = new MessageWriter(4096);
  writer.last = 6;
  write(writer);
  return hex(writer.bytes());
};

cases(
  'conntrack messages',
  [
    {
      name: 'delete one flow',
      message: asked((writer) => encodeDelete(writer, [0xc0a80102, 777 << 16, 0, 9999 << 16])),
      // IPCTNL_MSG_CT_DELETE; NLM_F_REQUEST | NLM_F_ACK; number 7; AF_INET
      wire: `48000000 0201 0500 07000000 00000000 02000000 ${TUPLE} 0600 0200 03090000 0600 0300 270f0000`,
    },
    {
      name: 'delete one flow over IPv6',
      message: asked((writer) =>
        encodeDelete(writer, [0x20010db8, 0xffff0000, 0, 1, 3478 << 16, 0x20010db8, 0x000a0001, 0, 2, 777 << 16]),
      ),
      // AF_INET6; CTA_IP_V6_SRC, CTA_IP_V6_DST
      wire: `60000000 0201 0500 07000000 00000000 0a000000 4c00 0180 2c00 0180
        1400 0300 20010db8ffff00000000000000000001 1400 0400 20010db8000a00010000000000000002
        1c00 0280 0500 0100 11000000 0600 0200 0d960000 0600 0300 03090000`,
    },
    {
      name: 'find all flows over IPv6',
      message: asked(encodeDump6),
      wire: '14000000 0101 0103 07000000 00000000 0a000000',
    },
    {
      name: 'flush those to an external port',
      message: asked((writer) => encodeEarlier(writer, 'delete', GRANTED, true)),
      // CTA_FILTER: protocol and destination port; CTA_STATUS 0 of SEEN_REPLY | SRC_NAT | DST_NAT
      wire: `64000000 0201 0500 07000000 00000000 02000000 ${TUPLE} 0600 0200 03090000 0600 0300 270f0000
        0c00 1980 0800 0100 28000000 0800 0300 00000000 0800 1a00 00000032`,
    },
    {
      name: 'find those from an internal endpoint',
      message: asked((writer) => encodeEarlier(writer, 'dump', GRANTED, false)),
      // IPCTNL_MSG_CT_GET; NLM_F_REQUEST | NLM_F_DUMP
      wire: `64000000 0101 0103 07000000 00000000 02000000 ${TUPLE} 0600 0200 03090000 0600 0300 270f0000
        0c00 1980 0800 0100 19000000 0800 0300 00000010 0800 1a00 00000030`,
    },
    {
      name: 'flush those from an internal endpoint',
      message: asked((writer) => encodeEarlier(writer, 'delete', GRANTED, false)),
      // CTA_FILTER: source address, protocol and source port; CTA_STATUS SRC_NAT of SRC_NAT | DST_NAT
      wire: `64000000 0201 0500 07000000 00000000 02000000 ${TUPLE} 0600 0200 03090000 0600 0300 270f0000
        0c00 1980 0800 0100 19000000 0800 0300 00000010 0800 1a00 00000030`,
    },
  ],
  ({ message, wire }) => {
    assert.is(message, wire.replace(/\s/g, ''));
  },
);

/** Of a dump: a flow to udp [2001:db8:b:1::2]:777, which is translated to [2001:db8:a:1::2]:777. */
const DUMPED = `0a000000 4c00 0180 2c00 0180
  1400 0300 20010db8ffff00000000000000000001 1400 0400 20010db8000b00010000000000000002
  1c00 0280 0500 0100 11000000 0600 0200 0d960000 0600 0300 03090000
  4c00 0280 2c00 0180
  1400 0300 20010db8000a00010000000000000002 1400 0400 20010db8ffff00000000000000000001
  1c00 0280 0500 0100 11000000 0600 0200 03090000 0600 0300 0d960000`.replace(/\s/g, '');
const HOST_END = [0x20010db8, 0x000a0001, 0, 2, 777 << 16];
const FLOW = [0x20010db8, 0xffff0000 | 0, 0, 1, 3478 << 16, 0x20010db8, 0x000b0001, 0, 2, 777 << 16];
const found = (payload: string, of: readonly number[]) =>
  flowTo(
    { type: 0x0100, flags: 2, sequence: 7, portId: 1, payload: Buffer.from(payload, 'hex') },
    new Set([of.join()]),
  );
cases(
  'the flow of a pinhole in a message of a dump',
  [
    { name: 'by who answers it', payload: DUMPED, of: HOST_END, want: FLOW },
    { name: 'not by who is called', payload: DUMPED, of: [0x20010db8, 0x000b0001, 0, 2, 777 << 16], want: null },
    { name: 'not by who calls', payload: DUMPED, of: FLOW.slice(0, 5), want: null },
    { name: 'of another port', payload: DUMPED, of: [...HOST_END.slice(0, 4), 778 << 16], want: null },
    { name: 'of another family', payload: `02${DUMPED.slice(2)}`, of: HOST_END, want: null },
    { name: 'without tuples', payload: '0a000000', of: HOST_END, want: null },
    { name: 'empty', payload: '', of: HOST_END, want: null },
  ],
  ({ payload, of, want }) => assert.equal(found(payload, of), want),
);
claims('a message of a dump that is cut short', {
  'has no flow, wherever it is cut': () => {
    for (let length = 0; length < DUMPED.length; length += 2)
      assert.is(found(DUMPED.slice(0, length), HOST_END), null, `${length / 2} bytes`);
  },
});

if (!canMakeNetns()) skip('connection tracking', 'network namespaces need root');
else {
  const netns = await makeNetns();
  const [script = '', script6 = ''] = [null, { externalInterface: 'wan0' }].map((pinholes) =>
    ruleset({
      table: 'nat',
      chain: 'NATPMP',
      externalInterface: 'wan0',
      listenInterfaces: ['br-lan'],
      listenPort: 5351,
      externalAddress: null,
      isAddressHere: true,
      allowedPorts: [{ from: 1024, to: 65535 }],
      hairpin: true,
      looksIntoMaps: false,
      pinholes,
      upnp: false,
    }),
  );
  netns.run('nft', ['-f', '-'], script);
  const open = (change: (asked: Buffer) => void = () => {}, hasPinholes = false) => {
    const socket = netlinkSocket(netns.openNetlink(NETLINK.netfilter.protocol, 0));
    const write = (data: Uint8Array) => {
      const asked = Buffer.from(data);
      change(asked);
      socket.write(asked);
    };
    const events = netlinkSocket(netns.openNetlink(NETLINK.netfilter.protocol, NETLINK.netfilter.nftables));
    const names = { table: 'nat', chain: 'NATPMP' };
    const opened = new NftKernel(names, { write, read: () => socket.read() }, events, hasPinholes);
    opened.repair([], () => 0);
    return opened;
  };
  const kernel = open();

  /** Kernels by what of a filter they read: an attribute of another type is not looked at. */
  const hide = (asked: Buffer, types: readonly (readonly [from: number, type: number])[]) => {
    for (const [from, type] of types)
      if (asked.length > from && asked.readUInt16LE(from + 2) === type) asked[from + 2] = 0x70;
  };
  const FILTER = [72, 0x8019] as const;
  const STATUS = [
    [84, 3],
    [92, 26],
  ] as const;
  const isDeletion = (asked: Buffer) => asked.readUInt16LE(4) === 0x0102;
  const KERNELS = [
    { since: '6.12', kernel },
    { since: '5.16', kernel: open((asked) => hide(asked, isDeletion(asked) ? [FILTER, ...STATUS] : [])) },
    { since: '5.8', kernel: open((asked) => hide(asked, isDeletion(asked) ? [FILTER, ...STATUS] : STATUS)) },
    { since: '4.0', kernel: open((asked) => hide(asked, [FILTER, ...STATUS])) },
  ];

  const LAST_COLON = /:(?=[^:]+$)/;
  /** As conntrack(8) takes them: `udp 192.168.1.2:777 198.51.100.7:3478`, and what is done to it. */
  const put = (flow: string) => {
    const [protocol = '', from = '', to = '', ...more] = flow.split(' ');
    const [[source = '', sport = ''], [destination = '', dport = '']] = [from.split(LAST_COLON), to.split(LAST_COLON)];
    const tcp = protocol === 'tcp' ? ['--state', 'ESTABLISHED'] : [];
    const ends = ['-s', source, '-d', destination, '--sport', sport, '--dport', dport, '-t', '60'];
    netns.run('conntrack', ['-I', '-p', protocol, ...ends, ...tcp, ...more]);
  };
  const flows = (family = 'ipv4') =>
    netns
      .run('conntrack', ['-L', '-f', family])
      .trim()
      .split('\n')
      .filter((line) => line !== '').length;

  cases(
    'a grant deletes the UDP flows that it would have translated',
    [
      { name: 'to the external port, not answered', flow: 'udp 198.51.100.7:3478 203.0.113.10:9999', isDeleted: true },
      { name: 'to another port', flow: 'udp 198.51.100.7:9999 203.0.113.10:9998', isDeleted: false },
      {
        name: 'answered by the router',
        flow: 'udp 198.51.100.7:3478 203.0.113.10:9999 -u SEEN_REPLY',
        isDeleted: false,
      },
      {
        name: 'translated to another host by someone else',
        flow: 'udp 198.51.100.7:3478 203.0.113.10:9999 --dst-nat 192.168.1.9',
        isDeleted: false,
      },
      {
        name: "another host's, to that port elsewhere",
        flow: 'udp 192.168.1.3:5000 198.51.100.7:9999 --src-nat 203.0.113.10',
        isDeleted: false,
      },
      { name: 'TCP to the external port', flow: 'tcp 198.51.100.7:3478 203.0.113.10:9999', isDeleted: false },
      {
        name: 'from the internal endpoint, masqueraded',
        flow: 'udp 192.168.1.2:777 198.51.100.7:3478 --src-nat 203.0.113.10',
        isDeleted: true,
      },
      {
        name: 'the same, answered',
        flow: 'udp 192.168.1.2:777 198.51.100.7:3478 --src-nat 203.0.113.10 -u SEEN_REPLY,ASSURED',
        isDeleted: true,
      },
      { name: 'from there, routed without translation', flow: 'udp 192.168.1.2:777 10.9.0.7:3478', isDeleted: false },
      {
        name: 'from there, to a mapping of another host',
        flow: 'udp 192.168.1.2:777 203.0.113.10:8888 --src-nat 192.168.1.1 --dst-nat 192.168.1.3',
        isDeleted: false,
      },
      {
        name: "from the host's other ports",
        flow: 'udp 192.168.1.2:778 198.51.100.7:3478 --src-nat 203.0.113.10',
        isDeleted: false,
      },
      {
        name: 'from the same port of another host',
        flow: 'udp 192.168.1.3:777 198.51.100.7:3478 --src-nat 203.0.113.10',
        isDeleted: false,
      },
      {
        name: 'TCP from the internal endpoint',
        flow: 'tcp 192.168.1.2:777 198.51.100.7:3478 --src-nat 203.0.113.10',
        isDeleted: false,
      },
    ],
    ({ flow, isDeleted }) => {
      for (const { since, kernel } of KERNELS) {
        netns.run('conntrack', ['-F']);
        put(flow);
        kernel.flushEarlierFlows(GRANTED);
        assert.is(flows(), isDeleted ? 0 : 1, `Linux ${since} and newer`);
      }
    },
  );

  /** udp [2001:db8:a:1::2]:777, and the same port of TCP elsewhere. */
  const PINHOLES = [
    pinhole({ protocol: 'udp', address: '20010db8000a00010000000000000002', port: 777 }),
    pinhole({ protocol: 'tcp', address: '20010db8000a00010000000000000003', port: 777 }),
  ];
  const HOST6 = '2001:db8:a:1::2';
  const PEER6 = '2001:db8:ffff::7';
  cases(
    'where pinholes are off, the UDP flows of those that there were are deleted',
    [
      { name: 'from outside', flow: `udp ${PEER6}:3478 ${HOST6}:777`, isDeleted: true },
      { name: 'the same, answered', flow: `udp ${PEER6}:3478 ${HOST6}:777 -u SEEN_REPLY,ASSURED`, isDeleted: true },
      {
        name: 'to another address, which is translated to that host',
        flow: `udp ${PEER6}:3478 2001:db8:b:1::2:777 --dst-nat ${HOST6}`,
        isDeleted: true,
      },
      { name: 'from the host', flow: `udp ${HOST6}:777 ${PEER6}:3478`, isDeleted: false },
      { name: 'to its other ports', flow: `udp ${PEER6}:3478 ${HOST6}:778`, isDeleted: false },
      { name: 'from that port outside', flow: `udp ${PEER6}:777 ${HOST6}:3478`, isDeleted: false },
      { name: 'to other hosts', flow: `udp ${PEER6}:3478 2001:db8:a:1::4:777`, isDeleted: false },
      { name: 'to the port of a TCP pinhole', flow: `udp ${PEER6}:3478 2001:db8:a:1::3:777`, isDeleted: false },
      { name: 'TCP', flow: `tcp ${PEER6}:3478 ${HOST6}:777`, isDeleted: false },
    ],
    ({ flow, isDeleted }) => {
      netns.run('conntrack', ['-F']);
      put(flow);
      kernel.flushPinholeFlows([GRANTED, ...PINHOLES]);
      assert.is(flows('ipv6'), isDeleted ? 0 : 1);
    },
  );

  claims('flows of ended pinholes', {
    'are those that the ruleset has put into its other set; each is deleted once': () => {
      netns.run('nft', ['-f', '-'], script6);
      const withPinholes = open(() => {}, true);
      netns.run('conntrack', ['-F']);
      const put6 = (port: number) => put(`udp ${PEER6}:${port} ${HOST6}:777`);
      const ports = Array.from({ length: 256 }, (_, index) => 1000 + index);
      for (const port of ports.slice(0, 20)) put6(port);
      put6(999);
      put('udp 198.51.100.7:1000 203.0.113.10:9999');
      const tuples = ports.map((port) => `${PEER6} . ${port} . ${HOST6} . 777`);
      netns.run('nft', ['add', 'element', 'inet', 'nat', 'NATPMP-stale6', `{ ${tuples.join(', ')} }`]);
      netns.run('nft', [
        'add',
        'element',
        'inet',
        'nat',
        'NATPMP-stale',
        '{ 198.51.100.7 . 1000 . 203.0.113.10 . 9999 }',
      ]);
      withPinholes.takeForeignChange();
      assert.is(withPinholes.flushEndedFlows(), 257);
      assert.equal([flows('ipv6'), flows()], [1, 0]);
      put6(1000);
      assert.is(withPinholes.flushEndedFlows(), 0);
      assert.is(flows('ipv6'), 2, 'a new flow of the same tuple is left alone');
      assert.is(withPinholes.takeForeignChange(), false);
      assert.equal(
        withPinholes.repair([], () => 0),
        { added: 0, removed: 0 },
      );
      netns.run('nft', ['-f', '-'], `delete table inet nat; ${script}`);
      kernel.takeForeignChange();
    },
  });

  claims('flows of ended mappings', {
    'are those that the ruleset has put into its set; each is deleted once': () => {
      netns.run('conntrack', ['-F']);
      const ports = Array.from({ length: 256 }, (_, index) => 1000 + index);
      for (const port of ports.slice(0, 20)) put(`udp 198.51.100.7:${port} 203.0.113.10:9999`);
      put('udp 198.51.100.7:999 203.0.113.10:9999');
      // Those that are gone already are errors, each of them read.
      const tuples = ports.map((port) => `198.51.100.7 . ${port} . 203.0.113.10 . 9999`);
      netns.run('nft', ['add', 'element', 'inet', 'nat', 'NATPMP-stale', `{ ${tuples.join(', ')} }`]);
      kernel.takeForeignChange();
      assert.is(kernel.flushEndedFlows(), 256);
      assert.is(flows(), 1);
      assert.is(kernel.flushEndedFlows(), 0);
      put('udp 198.51.100.7:1000 203.0.113.10:9999');
      assert.is(kernel.flushEndedFlows(), 0);
      assert.is(flows(), 2, 'a new flow of the same tuple is left alone');
      assert.is(kernel.takeForeignChange(), false);
      assert.equal(
        kernel.repair([], () => 0),
        { added: 0, removed: 0 },
      );
    },
    'are none in a ruleset of an older release, which has no such set': () => {
      netns.run('nft', ['-f', '-'], 'flush chain inet nat NATPMP-ended; delete set inet nat NATPMP-stale');
      assert.is(kernel.flushEndedFlows(), 0);
    },
  });
}
