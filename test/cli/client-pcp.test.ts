// natpmp-client over IPv6: PCP (RFC 6887), as a program, against a gateway that says what the test tells it to.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { askPcp } from '../../cli/client/exchange.js';
import { addressToOpen, interfaceNamed, parseIfInet6 } from '../../cli/client/local-ipv6.js';
import { parseNetDev } from '../../cli/host/machine.js';
import { describePcp } from '../../cli/client/pcp-format.js';
import { decodePcpReply, isPcpAnswerTo, type PcpRequest } from '../../cli/client/pcp-packets.js';
import { parseIpv6 } from '../../proto/ipv6.js';
import { bytes } from '../support/bytes.js';
import { cases, claims } from '../support/cases.js';
import { scripted, type Scripted } from '../support/scripted-gateway.js';
import { run } from '../support/run.js';

const PROGRAM = join(import.meta.dirname, '../../cli/natpmp-client.js');
const SELF = ['--from', '::1'] as const;
const client = ({ port }: Scripted, ...args: readonly string[]) =>
  run(process.execPath, [PROGRAM, `[::1]:${port}`, ...args]);

// Figures 2, 3 and 9 of RFC 6887, by line of 32 bits.
const ONE = '00000000000000000000000000000001';
const HOST = '20010db8000000000000000000000005';
const NONCE = '00112233445566778899aabb';
/** version, R and opcode, reserved, result; lifetime; epoch; reserved. */
const head = (opcode: string, result: string, lifetime: string, epoch = '0000000a') =>
  `02 ${opcode} 00 ${result} ${lifetime} ${epoch} 000000000000000000000000`;
/** nonce; protocol, reserved; internal port, external port; external address. */
const map = (ports: string, protocol = '06', nonce = NONCE) => `${nonce} ${protocol} 000000 ${ports} ${HOST}`;

interface Row {
  readonly name: string;
  readonly args: readonly string[];
  readonly sends: string;
  readonly reply: string;
  readonly status: number;
  readonly says?: RegExp;
}

const ROWS: readonly Row[] = [
  {
    name: '§14.1 info asks by ANNOUNCE',
    args: ['info'],
    sends: `02 00 0000 00000000 ${ONE}`,
    reply: head('80', '00', '00000000'),
    status: 0,
    says: /^PCP is spoken, epoch 10 s\n$/,
  },
  {
    name: '§11.1 map',
    args: ['map', '8080', '0', 'tcp', '3600', '--nonce', NONCE.toUpperCase()],
    sends: `02 01 0000 00000e10 ${ONE} ${NONCE} 06 000000 1f90 0000 ${'00'.repeat(16)}`,
    reply: `${head('81', '00', '00000e0f')} ${map('1f90 1f90')}`,
    status: 0,
    says: /^tcp 8080 open: \[2001:db8::5\]:8080, for 3599 s, epoch 10 s, nonce 00112233445566778899aabb\n$/,
  },
  {
    name: '§11.1 map UDP, suggesting a port, the longest lifetime',
    args: ['map', '1', '2', 'udp', '4294967295', '--nonce', NONCE],
    sends: `02 01 0000 ffffffff ${ONE} ${NONCE} 11 000000 0001 0002 ${'00'.repeat(16)}`,
    reply: `${head('81', '00', '00015180')} ${map('0001 0001', '11')}`,
    status: 0,
  },
  {
    name: '§15.1 unmap',
    args: ['unmap', '8080', 'tcp', '--nonce', NONCE],
    sends: `02 01 0000 00000000 ${ONE} ${NONCE} 06 000000 1f90 0000 ${'00'.repeat(16)}`,
    reply: `${head('81', '00', '00000000')} ${map('1f90 1f90')}`,
    status: 0,
    says: /^tcp 8080 closed, epoch 10 s\n$/,
  },
  ...(
    [
      ['01 UNSUPP_VERSION', 11],
      ['02 NOT_AUTHORIZED', 12],
      ['07 NETWORK_FAILURE', 17],
      ['08 NO_RESOURCES', 18],
      ['0a USER_EX_QUOTA', 20],
      ['0c ADDRESS_MISMATCH', 22],
      ['0d EXCESSIVE_REMOTE_PEERS', 23],
    ] as const
  ).map(([result, status]) => ({
    name: `§7.4 ${result.slice(3)}: exit ${status}`,
    args: ['map', '8080', '0', 'tcp', '3600', '--nonce', NONCE],
    sends: `02 01 0000 00000e10 ${ONE} ${NONCE} 06 000000 1f90 0000 ${'00'.repeat(16)}`,
    reply: `${head('81', result.slice(0, 2), '0000001e')} ${map('1f90 0000')}`,
    status,
    says: new RegExp(`^natpmp-client: \\[::1\\]:\\d+: result \\d+ ${result.slice(3)}: \\w.*; for another 30 s\n$`),
  })),
  {
    name: 'RFC 6886 §3.5 a gateway that speaks NAT-PMP only: exit 11',
    args: ['info'],
    sends: `02 00 0000 00000000 ${ONE}`,
    reply: '00 80 0001 0000000a',
    status: 11,
  },
];

cases('natpmp-client over IPv6: octets sent, reply read, exit status', ROWS, async (row) => {
  const gateway = await scripted(() => row.reply, '::1');
  const done = await client(gateway, ...row.args, ...SELF);
  assert.equal(gateway.heard, [row.sends.replaceAll(' ', '')]);
  assert.is(done.status, row.status, done.stderr);
  if (row.says !== undefined) assert.match(row.status === 0 ? done.stdout : done.stderr, row.says);
});

cases(
  'natpmp-client over IPv6: wrong arguments are exit 2, and nothing is sent',
  [
    { name: 'unmap without the nonce', args: ['unmap', '8080', 'tcp'], says: /--nonce is needed/ },
    { name: 'unmap --all', args: ['unmap', '0', 'tcp', '--all', '--nonce', NONCE], says: /--all is for IPv4/ },
    { name: 'a short nonce', args: ['map', '1', '0', 'tcp', '60', '--nonce', '0011'], says: /24 hexadecimal digits/ },
    { name: 'from an IPv4 address', args: ['info', '--from', '192.168.1.2'], says: /An IPv6 address is needed/ },
    {
      name: 'from an address with an interface',
      args: ['info', '--from', 'fe80::2%eth0'],
      says: /without an interface/,
    },
    { name: 'map port 0', args: ['map', '0', '0', 'tcp', '60'], says: /from 1 to 65535/ },
  ],
  async ({ args, says }) => {
    const gateway = await scripted(() => null, '::1');
    const { status, stderr } = await client(gateway, ...args);
    assert.is(status, 2);
    assert.match(stderr, says);
    assert.equal(gateway.heard, []);
  },
);

cases(
  'natpmp-client over IPv4 knows nothing of',
  [
    { name: '--nonce', args: ['map', '1', '0', 'tcp', '60', '--nonce', NONCE] },
    { name: '--from', args: ['info', '--from', '::1'] },
  ],
  async ({ name, args }) => {
    const { status, stderr } = await run(process.execPath, [PROGRAM, '127.0.0.1:1', ...args]);
    assert.is(status, 2);
    assert.match(stderr, new RegExp(`${name} is for a gateway at an IPv6 address`));
  },
);

const announce: PcpRequest = { kind: 'announce', clientAddress: ONE };
const request: PcpRequest = {
  kind: 'map',
  clientAddress: ONE,
  nonce: NONCE,
  protocol: 'tcp',
  internalPort: 8080,
  suggestedExternalPort: 0,
  lifetime: 1,
};
const MAPPED = `${head('81', '00', '00000e10')} ${map('1f90 1f90')}`;

cases(
  'what answers a request',
  [
    { name: '§11.4 its own pinhole', request, hex: MAPPED, want: true },
    {
      name: '§11.4 another nonce',
      request,
      hex: MAPPED.replace(NONCE, 'ff112233445566778899aabb'),
      want: false,
    },
    { name: '§11.4 another port', request, hex: MAPPED.replace('1f90 1f90', '1f91 1f90'), want: false },
    { name: '§11.4 the other protocol', request, hex: MAPPED.replace('06 000000', '11 000000'), want: false },
    { name: '§11.4 an announcement', request, hex: head('80', '00', '00000000'), want: false },
    { name: '§14.1 an announcement, to ANNOUNCE', request: announce, hex: head('80', '00', '00000000'), want: true },
    { name: '§11.4 a pinhole, to ANNOUNCE', request: announce, hex: MAPPED, want: false },
    { name: '§8.3 a request', request: announce, hex: head('00', '00', '00000000'), want: false },
    { name: '§8.3 a length that is no multiple of 4', request, hex: `${MAPPED} 00`, want: false },
    { name: '§8.3 a success too short for its opcode', request, hex: head('81', '00', '00000e10'), want: false },
    { name: '§8.3 an error too short for its opcode', request, hex: head('81', '03', '00000708'), want: true },
    { name: '§9 a success of another version', request, hex: `01${MAPPED.slice(2)}`, want: false },
    {
      name: '§9 UNSUPP_VERSION of another version',
      request,
      hex: `01${head('81', '01', '00000708').slice(2)}`,
      want: true,
    },
    { name: '§8.3 an error to ANNOUNCE', request, hex: head('80', '01', '00000708'), want: false },
    {
      name: '§11 a protocol that is none of ours',
      request,
      hex: MAPPED.replace('06 000000', '84 000000'),
      want: false,
    },
    { name: 'an error to another opcode', request, hex: head('82', '04', '00000708'), want: false },
    { name: 'nothing', request, hex: '', want: false },
  ],
  ({ request: asked, hex, want }) => {
    const reply = decodePcpReply(bytes(hex));
    assert.is(reply !== null && isPcpAnswerTo(asked, reply), want);
  },
);

const LINES = `fe8000000000000000fc00fffe000001 04 40 20 80     eth0
20010db8000000000000000000000bad 04 40 00 08     eth0
20010db80000000000000000000001ee 04 40 00 40     eth0
20010db80000000000000000000000de 04 40 00 20     eth0
20010db8000000000000000000001234 04 40 00 01     eth0
20010db8000000000000000000000005 04 40 00 00     eth0
fd000000000000000000000000000002 04 40 00 80     eth0
20010db8000100000000000000000007 05 40 00 01   wlan0
fd000000000000000000000000000003 06 40 00 80  br-lan
`;
cases(
  'which address is opened',
  [
    { name: 'one that lasts, before a temporary one', on: 'eth0', want: '2001:db8::5' },
    { name: 'a temporary one if there is no other', on: 'wlan0', want: '2001:db8:1::7' },
    { name: 'none: only a local one', on: 'br-lan', want: null },
    { name: 'none: no such interface', on: 'eth1', want: null },
  ],
  ({ on, want }) => assert.is(addressToOpen(parseIfInet6(LINES), on), want === null ? null : parseIpv6(want)),
);

const DEVICES = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 5110 51 0 0 0 0 0 0 5110 51 0 0 0 0 0 0
eth0.5:       0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
  eth0: 1 2 0 0 0 0 0 0 0 0 0 0 0 0 0 0
     6: 1 2 0 0 0 0 0 0 0 0 0 0 0 0 0 0
`;
cases(
  'the interface behind the % of an address',
  [
    { name: 'a name', zone: 'eth0.5', want: 'eth0.5' },
    { name: 'a number', zone: '4', want: 'eth0' },
    { name: 'a name that is a number', zone: '6', want: '6' },
    { name: 'no such name', zone: 'eth9', want: null },
    { name: 'no such number', zone: '7', want: null },
    { name: 'the head of the table', zone: 'face', want: null },
  ],
  ({ zone, want }) => assert.is(interfaceNamed(zone, parseNetDev(DEVICES), parseIfInet6(LINES)), want),
);

claims('natpmp-client over IPv6', {
  '§8.1.1 silence: as many requests as the schedule has attempts, then no answer': async () => {
    const gateway = await scripted(() => null, '::1');
    const answer = await askPcp(gateway, '::1', announce, [5, 10, 20]);
    assert.equal(answer, { kind: 'no-answer', attempts: 3 });
    assert.equal(gateway.heard, Array<string>(3).fill(`0200000000000000${ONE}`));
    assert.is(
      describePcp({ address: 'fe80::1%eth0', port: 5351 }, answer, false).line,
      '[fe80::1%eth0]:5351: no answer to 3 requests: no PCP gateway there, or a firewall in between',
    );
  },
  '--json prints one object, for errors too': async () => {
    const replies = [MAPPED, `${head('81', '02', '00000708')} ${map('1f90 0000')}`];
    const gateway = await scripted((_, n) => replies[n] ?? null, '::1');
    const ask = () => client(gateway, 'map', '8080', '0', 'tcp', '3600', '--nonce', NONCE, '--json', ...SELF);
    const [good, bad] = [await ask(), await ask()];
    const common = {
      gateway: `[::1]:${gateway.port}`,
      epoch: 10,
      protocol: 'tcp',
      internalPort: 8080,
      externalAddress: '2001:db8::5',
      nonce: NONCE,
    };
    assert.equal(JSON.parse(good.stdout), {
      ...common,
      result: 0,
      resultName: 'SUCCESS',
      meaning: 'done',
      externalPort: 8080,
      lifetime: 3600,
    });
    assert.equal(JSON.parse(bad.stdout), {
      ...common,
      result: 2,
      resultName: 'NOT_AUTHORIZED',
      meaning:
        "the gateway's policy does not allow it; or the pinhole has another nonce (--nonce), or was made by hand",
      externalPort: 0,
      lifetime: 1800,
    });
  },
  '§11.2 each map draws a nonce of its own': async () => {
    const gateway = await scripted(() => head('81', '04', '00000708'), '::1');
    for (let n = 0; n < 2; n++) await client(gateway, 'map', '1', '0', 'tcp', '60', ...SELF);
    const nonces = gateway.heard.map((datagram) => datagram.slice(48, 72));
    assert.is(new Set(nonces).size, 2, nonces.join());
  },
  'without an interface of this name it says so, whatever address is to be opened': async () => {
    for (const from of [[], ['--from', '::1']]) {
      const { status, stderr } = await run(process.execPath, [PROGRAM, 'fe80::1%nosuch0', 'info', ...from]);
      assert.is(status, 1);
      assert.match(
        stderr,
        /^natpmp-client: \[fe80::1%nosuch0\]:5351: this machine has no interface nosuch0; there are: (?:[^ ,]+, )*lo(?:, [^ ,]+)*\n$/,
      );
    }
  },
  'without an address of its own it says so': async () => {
    const namespace = ['--net', process.execPath, PROGRAM];
    const { status, stderr } = await run('unshare', ['--user', '--map-root-user', ...namespace, 'fe80::1%lo', 'info']);
    assert.equal(
      [status, stderr],
      [1, 'natpmp-client: [fe80::1%lo]:5351: this machine has no global IPv6 address on lo: --from names one\n'],
    );
  },
  'watch needs the link-local address, where announcements come from': async () => {
    const { status, stderr } = await run(process.execPath, [PROGRAM, '::1', 'watch', ...SELF]);
    assert.is(status, 1);
    assert.match(stderr, /announcements come from the gateway's link-local address/);
  },
  '§11.2 keep renews at half the lifetime with the same nonce, and removes the pinhole at the end': async () => {
    const begunMs = performance.now();
    const gateway = await scripted((asked) => {
      const epoch = Math.floor(100 + (performance.now() - begunMs) / 1000)
        .toString(16)
        .padStart(8, '0');
      const lifetime = asked.slice(8, 16) === '00000000' ? '00000000' : '00000001';
      return `${head('81', '00', lifetime, epoch)} ${map('1f90 1f90', '06', asked.slice(48, 72))}`;
    }, '::1');
    const child = spawn(
      process.execPath,
      [PROGRAM, `[::1]:${gateway.port}`, 'keep', '8080', '0', 'tcp', '60', '--json', ...SELF],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const events: string[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => {
      events.push((JSON.parse(line) as { event: string }).event);
      if (events.length === 2) child.kill('SIGTERM');
    });
    const [status] = (await once(child, 'exit')) as [number | null];
    assert.equal([status, events], [0, ['mapped', 'renewed', 'removed']]);
    assert.equal(
      gateway.heard.map((datagram) => [datagram.slice(8, 16), datagram.slice(80, 88)]),
      [
        ['0000003c', '1f900000'],
        ['0000003c', '1f901f90'],
        ['00000000', '1f900000'],
      ],
    );
    assert.is(new Set(gateway.heard.map((datagram) => datagram.slice(48, 72))).size, 1);
  },
});
