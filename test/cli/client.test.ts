// natpmp-client as a program and its question to a gateway, against a gateway that says what the test tells it to.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { ask, type Gateway, sayingThatItWaits } from '../../cli/client/exchange.js';
import { bytes } from '../support/bytes.js';
import { cases, claims } from '../support/cases.js';
import { scripted } from '../support/scripted-gateway.js';
import { run } from '../support/run.js';

const PROGRAM = join(import.meta.dirname, '../../cli/natpmp-client.js');

const client = ({ port }: Gateway, ...args: readonly string[]) =>
  run(process.execPath, [PROGRAM, `localhost:${port}`, ...args]);

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
    name: '§3.2 info',
    args: ['info'],
    sends: '00 00',
    reply: '00 80 0000 0000000a cb00710a',
    status: 0,
    says: /^external address 203\.0\.113\.10, epoch 10 s\n$/,
  },
  {
    name: '§3.3 map',
    args: ['map', '8080', '80', 'tcp', '3600'],
    sends: '00 02 0000 1f90 0050 00000e10',
    reply: '00 82 0000 0000000a 1f90 0051 00000e0f',
    status: 0,
    says: /^tcp 8080 mapped: external port 81, for 3599 s, epoch 10 s\n$/,
  },
  {
    name: '§3.3 map, the longest lifetime',
    args: ['map', '1', '0', 'udp', '4294967295'],
    sends: '00 01 0000 0001 0000 ffffffff',
    reply: '00 81 0000 0000000a 0001 c001 00015180',
    status: 0,
  },
  {
    name: '§3.4 unmap',
    args: ['unmap', '8080', 'tcp'],
    sends: '00 02 0000 1f90 0000 00000000',
    reply: '00 82 0000 0000000a 1f90 0000 00000000',
    status: 0,
    says: /^tcp 8080 removed/,
  },
  {
    name: '§3.4 unmap --all',
    args: ['unmap', '0', 'udp', '--all'],
    sends: '00 01 0000 0000 0000 00000000',
    reply: '00 81 0000 0000000a 0000 0000 00000000',
    status: 0,
    says: /^all udp mappings removed/,
  },
  {
    name: '§3.5 unsupported version: exit 11',
    args: ['info'],
    sends: '00 00',
    reply: '00 80 0001 0000000a',
    status: 11,
  },
  {
    name: '§3.5 not authorized: exit 12',
    args: ['map', '1', '1', 'tcp', '60'],
    sends: '00 02 0000 0001 0001 0000003c',
    reply: '00 82 0002 0000000a 0001 0000 00000000',
    status: 12,
  },
  {
    name: '§3.5 network failure: exit 13',
    args: ['info'],
    sends: '00 00',
    reply: '00 80 0003 0000000a 00000000',
    status: 13,
  },
  {
    name: '§3.5 out of resources: exit 14',
    args: ['map', '1', '1', 'udp', '60'],
    sends: '00 01 0000 0001 0001 0000003c',
    reply: '00 81 0004 0000000a 0001 0000 00000000',
    status: 14,
  },
  {
    name: '§3.5 unsupported opcode: exit 15',
    args: ['map', '1', '1', 'udp', '60'],
    sends: '00 01 0000 0001 0001 0000003c',
    reply: '00 81 0005 0000000a 0001 0001 0000003c',
    status: 15,
  },
];

cases('natpmp-client: octets sent, reply read, exit status', ROWS, async ({ args, sends, reply, status, says }) => {
  const gateway = await scripted(() => reply);
  const done = await client(gateway, ...args);
  assert.equal(gateway.heard, [sends.replaceAll(' ', '')]);
  assert.is(done.status, status, done.stderr);
  if (says !== undefined) assert.match(done.stdout, says);
  if (status !== 0) assert.match(done.stderr, /^natpmp-client: 127\.0\.0\.1:\d+: result \d /);
});

cases(
  'natpmp-client: wrong arguments are exit 2, and nothing is sent',
  [
    { name: 'no command', args: [] },
    { name: 'an unknown command', args: ['mop'] },
    { name: 'a missing argument', args: ['map', '1', '1', 'tcp'] },
    { name: 'a superfluous argument', args: ['info', '1'] },
    { name: 'map port 0', args: ['map', '0', '1', 'tcp', '60'] },
    { name: 'map for no time', args: ['map', '1', '1', 'tcp', '0'] },
    { name: 'map a port beyond the last', args: ['map', '1', '65536', 'tcp', '60'] },
    { name: 'map ICMP', args: ['map', '1', '1', 'icmp', '60'] },
    { name: 'unmap 0 without --all', args: ['unmap', '0', 'tcp'] },
    { name: 'unmap --all of one port', args: ['unmap', '1', 'tcp', '--all'] },
    { name: 'watch on a name', args: ['watch', '--interface', 'eth0'] },
  ],
  async ({ args }) => {
    const gateway = await scripted(() => null);
    const { status, stderr } = await client(gateway, ...args);
    assert.is(status, 2);
    assert.ok(stderr.length > 0);
    assert.equal(gateway.heard, []);
  },
);

const info = { kind: 'external-address' } as const;
const SUCCESS = '00 80 0000 0000000a cb00710a';

claims('natpmp-client: one question', {
  'a reader that stops after the beginning breaks nothing': async () => {
    const { status, stderr } = await run('bash', [
      '-o',
      'pipefail',
      '-c',
      '"$@" | true',
      'bash',
      process.execPath,
      PROGRAM,
      '--help',
    ]);
    assert.equal([status, stderr], [0, '']);
  },
  'after some silence it says once that it waits; not if the answer comes before': async () => {
    const said: string[] = [];
    const say = (line: string): void => void said.push(line);
    const gateway = await scripted(() => null);
    const late = ask(gateway, info, [5, 10, 20]);
    assert.equal(await sayingThatItWaits(gateway, late, say, 1), { kind: 'no-answer', attempts: 3 });
    assert.equal(said, [
      `no answer yet from ${gateway.address}, UDP port ${gateway.port}: asking again, for two minutes at most\n`,
    ]);
    await sayingThatItWaits(gateway, Promise.resolve(), say, 1);
    await sayingThatItWaits(gateway, late, say, 1);
    assert.is(said.length, 1);
  },
  'its version is that of the package': async () => {
    const { status, stdout } = await run(process.execPath, [PROGRAM, '--version']);
    assert.equal([status, /^\d+\.\d+\.\d+\n$/.test(stdout)], [0, true]);
  },
  '§3.1 silence: as many requests as the schedule has attempts, then no answer': async () => {
    const gateway = await scripted(() => null);
    assert.equal(await ask(gateway, info, [5, 10, 20, 40]), { kind: 'no-answer', attempts: 4 });
    assert.equal(gateway.heard, ['0000', '0000', '0000', '0000']);
  },
  '§3.1 an answer ends the retransmission': async () => {
    const gateway = await scripted((_, n) => (n === 2 ? SUCCESS : null));
    assert.is((await ask(gateway, info, [5, 10, 1000, 1000])).kind, 'reply');
    assert.is(gateway.heard.length, 3);
  },
  '§3.1 the program itself asks again after 250 ms': async () => {
    const gateway = await scripted((_, n) => (n === 1 ? SUCCESS : null));
    assert.is((await client(gateway, 'info')).status, 0);
    assert.is(gateway.heard.length, 2);
  },
  '§3.1 a reply from another port is no reply': async () => {
    const stranger = createSocket('udp4');
    const socket = createSocket('udp4');
    socket.on('message', (_, from) => stranger.send(bytes(SUCCESS), from.port, from.address));
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const answer = await ask({ address: '127.0.0.1', port: socket.address().port }, info, [20, 20]);
    stranger.close();
    socket.close();
    assert.is(answer.kind, 'no-answer');
  },
  '§3.1 replies to something else, and noise, are passed over': async () => {
    const replies = [
      '',
      '00',
      '02 80 0000 0000000a cb00710a',
      '00 00 0000 0000000a cb00710a',
      '00 82 0000 0000000a 1f90 1f90 00000001',
    ];
    const gateway = await scripted((_, n) => replies[n] ?? SUCCESS);
    assert.is((await ask(gateway, info, [10, 10, 10, 10, 10, 1000])).kind, 'reply');
    assert.is(gateway.heard.length, replies.length + 1);
  },
  'a closed port is said without waiting for the last attempt': async () => {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const { port } = socket.address();
    socket.close();
    const startedMs = performance.now();
    const { status, stderr } = await client({ address: '', port }, 'info');
    assert.ok(performance.now() - startedMs < 20_000);
    assert.is(status, 1);
    assert.match(stderr, /nobody listens on this port/);
  },
  'a name without an address is exit 1': async () => {
    const { status, stderr } = await run(process.execPath, [PROGRAM, 'nobody.invalid', 'info']);
    assert.is(status, 1);
    assert.match(stderr, /^natpmp-client: nobody\.invalid: no such host/);
  },
  '--json prints one object, for errors too': async () => {
    const replies = ['00 82 0000 0000000a 1f90 0051 00000e0f', '00 82 0004 0000000b 1f90 0000 00000000'];
    const gateway = await scripted((_, n) => replies[n] ?? null);
    const map = () => client(gateway, 'map', '8080', '80', 'tcp', '3600', '--json');
    const [good, bad] = [await map(), await map()];
    const common = { gateway: `127.0.0.1:${gateway.port}`, protocol: 'tcp', internalPort: 8080 };
    assert.equal(JSON.parse(good.stdout), {
      ...common,
      result: 0,
      resultName: 'SUCCESS',
      meaning: 'done',
      epoch: 10,
      externalPort: 81,
      lifetime: 3599,
    });
    assert.equal(JSON.parse(bad.stdout), {
      ...common,
      result: 4,
      resultName: 'OUT_OF_RESOURCES',
      epoch: 11,
      externalPort: 0,
      lifetime: 0,
      meaning: 'the gateway has no more mappings to give to this host, or at all',
    });
  },
});
