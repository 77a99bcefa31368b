// natpmpctl as a program, against a helper that says what the test tells it to.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Router } from 'zeromq';
import { decodeRequest, encodeResponse, type Request, type Response } from '../../proto/codec.js';
import { bootClock } from '../../proto/clock.js';
import type { Lease } from '../../proto/mapping.js';
import { TOOL } from '../../proto/tools.js';
import { readDescriptions, readDevices } from '../../cli/natpmpctl/descriptions.js';
import { atEnd, cases, claims } from '../support/cases.js';
import { nobodyIn } from '../support/nobody.js';
import { run } from '../support/run.js';

const folder = mkdtempSync(join(tmpdir(), 'natpmpctl-test-'));
atEnd(() => rmSync(folder, { recursive: true }));
const socketPath = join(folder, 'helper.sock');

mkdirSync(join(folder, 'closed'), { mode: 0o700 });
chmodSync(folder, 0o755);

const asked: Request[] = [];
const router = new Router({ linger: 0 });
await router.bind(`ipc://${socketPath}`);
atEnd(() => router.close());

const startedMs = Date.now();
/** 2500 leases of 1000 s: ten pages. */
const leases: readonly Lease[] = Array.from({ length: 2500 }, (_, index) => ({
  protocol: 'udp',
  internalAddress: 0xc0a80102,
  internalPort: index + 1,
  externalPort: index + 1024,
  origin: 'dynamic',
  lifetime: 1000,
  expiresAt: bootClock()() + 1_000_000,
  ...(index === 1 ? { tool: TOOL.UPNP } : {}),
}));

function answer(request: Request): Response {
  asked.push(request);
  switch (request.kind) {
    case 'list-mappings': {
      const from = Math.max(0, (request.after & 0xffff) - 1023);
      const page = leases.slice(from, from + request.limit);
      const last = page.at(-1)?.externalPort ?? 0;
      return {
        kind: 'mapping-list',
        next: from + page.length < leases.length ? last : 0,
        leases:
          request.traffic === true ? page.map((lease) => ({ ...lease, traffic: { packets: 1, bytes: 60 } })) : page,
      };
    }
    case 'status':
      return {
        kind: 'status-report',
        status: {
          epochStart: 0,
          mappings: 2500,
          staticMappings: 0,
          maxMappings: 129024,
          maxMappingsPerHost: 100,
          maxLifetime: 86400,
          journalBytes: 1,
          kernelInStep: true,
          pid: 4711,
          resynchronisations: 0,
          startedAt: 0,
          pinholes: 0,
          maxPinholes: 0,
          staticPinholes: 0,
        },
      };
    case 'watch':
      return { kind: 'refused', reason: 'too-many-watchers' };
    default:
      return { kind: 'refused', reason: 'not-permitted' };
  }
}

async function serve(): Promise<void> {
  for await (const [caller, frame] of router) {
    const request = frame === undefined ? null : decodeRequest(frame);
    if (caller !== undefined && request !== null)
      await router.send([caller, encodeResponse(request.id, answer(request.body))]);
  }
}
void serve();

const PROGRAM = join(import.meta.dirname, '../../cli/natpmpctl.js');
const natpmpctl = (...args: readonly string[]) => run(process.execPath, [PROGRAM, ...args]);

claims('natpmpctl', {
  'list --json pages through all the table': async () => {
    const { status, stdout } = await natpmpctl('list', '--json', '--socket', socketPath);
    assert.is(status, 0);
    const listed = JSON.parse(stdout) as { externalPort: number; timeLeft: number; grantedAt: string }[];
    assert.is(listed.length, 2500);
    assert.is(asked.filter(({ kind }) => kind === 'list-mappings').length, 10);
    const { timeLeft, grantedAt, ...first } = listed[0] ?? { timeLeft: 0, grantedAt: '' };
    assert.ok(Math.abs(Date.parse(grantedAt) - startedMs) < 60_000, grantedAt);
    assert.equal(first, {
      protocol: 'udp',
      externalPort: 1024,
      internalAddress: '192.168.1.2',
      internalPort: 1,
      name: null,
      origin: 'dynamic',
      askedBy: 'NAT-PMP',
      description: null,
      lifetime: 1000,
      packets: 1,
      bytes: 60,
    });
    assert.ok(timeLeft > 900 && timeLeft <= 1000, `${timeLeft} s left`);
  },
  'watch says at once that there are too many watchers, and waits': async () => {
    const child = spawn(process.execPath, [PROGRAM, 'watch', '--socket', socketPath]);
    const [said] = (await once(child.stderr, 'data')) as [Buffer];
    assert.is(String(said), 'natpmpctl: too many watchers: waiting until one of them leaves\n');
    child.kill('SIGINT');
    assert.equal(await once(child, 'close'), [0, null]);
  },
  'list writes no colours into a pipe': async () => {
    const { stdout } = await natpmpctl('list', '--socket', socketPath);
    assert.is(stdout.split('\n').length, 1 + 2500 + 1);
    assert.not.match(stdout, /\x1b/);
  },
  'status --json': async () => {
    const { status, stdout } = await natpmpctl('status', '--json', '--socket', socketPath);
    assert.is(status, 0);
    assert.is((JSON.parse(stdout) as { pid: number }).pid, 4711);
  },
  'no helper: one line with the remedy, exit 69': async () => {
    const { status, stdout, stderr } = await natpmpctl('status', '--socket', join(folder, 'nobody.sock'));
    assert.is(status, 69);
    assert.is(stdout, '');
    assert.match(stderr, /^natpmpctl: no helper at \S+nobody\.sock: start natpmp-server .*\n$/);
  },
  'list: filters and order': async () => {
    const { stdout } = await natpmpctl(
      'list',
      '--port',
      '1030',
      '--protocol',
      'udp',
      '--host',
      '192.168.1.2',
      '--json',
      '--socket',
      socketPath,
    );
    assert.equal(
      (JSON.parse(stdout) as { internalPort: number }[]).map(({ internalPort }) => internalPort),
      [7],
    );
    const none = await natpmpctl('list', '--origin', 'static', '--socket', socketPath);
    assert.is(none.stdout, 'no mappings\n');
    const ended = await natpmpctl('list', '--sort', 'left', '--json', '--socket', socketPath);
    assert.is((JSON.parse(ended.stdout) as unknown[]).length, 2500);
  },
  'names come from files, and hosts are found by them': async () => {
    writeFileSync(join(folder, 'hosts'), '192.168.1.2 nas\n');
    writeFileSync(join(folder, 'leases'), '1 aa 192.168.1.2 other *\n');
    const files = [
      '--dhcp-leases',
      join(folder, 'leases'),
      '--hosts',
      join(folder, 'hosts'),
      '--socket',
      socketPath,
    ] as const;
    const { stdout } = await natpmpctl('list', '--host', 'nas', '--port', '1024', ...files);
    assert.match(stdout, /^udp +1024 +192\.168\.1\.2:1 +nas /m);
    assert.is((await natpmpctl('show', 'NAS', ...files)).status, 0);
    const unknown = await natpmpctl('list', '--host', 'tv', ...files);
    assert.is(unknown.status, 2);
    assert.match(unknown.stderr, /^natpmpctl: host tv: neither an address nor a name/);
    const missing = await natpmpctl('list', '--hosts', join(folder, 'no-hosts'), '--socket', socketPath);
    assert.is(missing.status, 74);
    assert.match(missing.stderr, /^natpmpctl: --hosts: ENOENT/);
  },
  'show tells all about a port, and exits 1 where there is nothing': async () => {
    asked.length = 0;
    const { status, stdout } = await natpmpctl('show', 'udp/1030', '--socket', socketPath);
    assert.equal(
      asked,
      [{ kind: 'list-mappings', after: 0x110000 + 1029, limit: 1, traffic: true }, { kind: 'status' }],
      'no more is read than the port, and whether there are pinholes',
    );
    assert.is(status, 0);
    assert.match(
      stdout,
      /^udp 1030 -> 192\.168\.1\.2:7\n  origin: .*\n  granted: .*\n  ends: .*\n  traffic:  1 packets, 60 bytes/,
    );
    const none = await natpmpctl('show', 'tcp/1030', '--socket', socketPath);
    assert.equal([none.status, none.stdout, none.stderr], [1, '', 'natpmpctl: no mapping of external port tcp/1030\n']);
    assert.is((await natpmpctl('show', '10.0.0.1', '--json', '--socket', socketPath)).stdout, '[]\n');
  },
  'without the right it says to be root, exit 77': async () => {
    const { status, stdout, stderr } = await natpmpctl('add', 'tcp', '80', '192.168.1.5', '--socket', socketPath);
    assert.equal([status, stdout], [77, '']);
    assert.match(stderr, /^natpmpctl: refused: only an administrator may do this, .* \(sudo\)/);
    assert.equal(asked.at(-1), {
      kind: 'add-mapping',
      protocol: 'tcp',
      internalAddress: 0xc0a80105,
      internalPort: 80,
      externalPort: 80,
      lifetime: 0,
      origin: 'static',
    });
  },
  'a socket that this user may not open is exit 77': async () => {
    const {
      prefix: [program, ...args],
      project,
    } = nobodyIn(folder);
    const { status, stderr } = await run(program, [
      ...args,
      process.execPath,
      join(project, 'dist/cli/natpmpctl.js'),
      'list',
      '--socket',
      join(folder, 'closed', 'a.sock'),
    ]);
    assert.is(status, 77, stderr);
    assert.match(stderr, /^natpmpctl: no permission to use .*: run as root \(sudo\)/);
  },
  'revoke does nothing without a terminal to ask on, or --yes': async () => {
    const before = asked.length;
    const { status, stderr } = await natpmpctl('revoke', '--all', '--socket', socketPath);
    assert.is(status, 2);
    assert.match(stderr, /--yes is required/);
    assert.is(asked.length, before);
  },
  'top on a pipe is one frame with rates, within 80 columns': async () => {
    const { status, stdout } = await natpmpctl('top', '--interval', '0.2', '--socket', socketPath);
    assert.is(status, 0);
    const lines = stdout.trimEnd().split('\n');
    assert.match(lines[0] ?? '', /^2500 mappings, 0 static; epoch .*; 0 packets\/s, 0 B\/s$/);
    assert.match(lines[2] ?? '', /^PROTO +PORT +HOST +NAME +LEFT +PKT\/s +B\/s +BYTES$/);
    assert.is(lines.length, 3 + 2500);
    for (const line of lines) assert.ok(line.length <= 80, line);
  },
  'its version is that of the package': async () => {
    const { status, stdout } = await run(process.execPath, [PROGRAM, '--version']);
    assert.equal([status, /^\d+\.\d+\.\d+\n$/.test(stdout)], [0, true]);
  },
  'a reader of only the beginning breaks nothing': async () => {
    const { status, stderr, stdout } = await run('bash', [
      '-o',
      'pipefail',
      '-c',
      `"$@" | head -1`,
      'bash',
      process.execPath,
      PROGRAM,
      'list',
      '--socket',
      socketPath,
    ]);
    assert.equal([status, stderr], [0, '']);
    assert.match(stdout, /^PROTO/);
  },
});

/** HTTP as natpmp-upnp speaks it on its socket file. */
const answering = (body: string, head = 'HTTP/1.1 200 OK') =>
  `${head}\r\nContent-Type: application/x-ndjson\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
const described = (externalPort: number, description: string) =>
  `${JSON.stringify({ protocol: 'udp', externalPort, description })}\n`;
/** A socket file that does this with each connection. */
function socketFile(path: string, connected: (socket: Socket) => void): Promise<void> {
  const server = createServer((socket) => {
    socket.on('error', () => {}); // the other end need not wait for all of it
    socket.once('data', () => connected(socket));
  });
  atEnd(() => void server.close());
  server.unref();
  return new Promise((resolve) => server.listen(path, resolve));
}
const saying = (text: string) => (socket: Socket) => void socket.end(text);
const XBOX = answering(described(1025, 'Xbox'));
/** Longer than natpmpctl waits. */
const LATE_MS = 3000;

claims('natpmpctl with a natpmp-upnp', {
  'list --json has the description of the mapping that was made by UPnP': async () => {
    await socketFile(join(folder, 'upnp.sock'), saying(XBOX));
    const { stdout } = await natpmpctl('list', '--port', '1025', '--json', '--socket', socketPath);
    const [listed] = JSON.parse(stdout) as { askedBy: string; description: string }[];
    assert.equal([listed?.askedBy, listed?.description], ['UPnP', 'Xbox']);
    rmSync(join(folder, 'upnp.sock'));
    const without = await natpmpctl('list', '--port', '1025', '--json', '--socket', socketPath);
    assert.is((JSON.parse(without.stdout) as { description: unknown }[])[0]?.description, null);
  },
  'what LAN hosts are told, of each LAN': async () => {
    const beside = mkdtempSync(join(folder, 'told-'));
    const device = (name: string) =>
      `{"interface":"${name}","location":null,"joined":true}\n{"status":"Connected","externalAddress":null}\n`;
    for (const name of ['br-lan', 'br-guest'])
      await socketFile(join(beside, `upnp-${name}.sock`), saying(answering(device(name))));
    await socketFile(join(beside, 'upnp.sock'), saying('HTTP/1.1 200 OK\r\n\r\nnonsense'));
    assert.equal(
      (await readDevices(join(beside, 'helper.sock'))).map(({ lans }) => lans.map((one) => one.interface)).sort(),
      [['br-guest'], ['br-lan']],
    );
  },
});

cases<{
  name: string;
  sockets: Readonly<Record<string, (socket: Socket) => void>>;
  want: readonly string[];
}>(
  'descriptions, from the sockets beside the helper',
  [
    { name: 'none', sockets: {}, want: [] },
    { name: 'of natpmp-server', sockets: { 'upnp.sock': saying(XBOX) }, want: ['udp 1025 Xbox'] },
    {
      name: 'of the units, one of each LAN',
      sockets: { 'upnp-br-lan.sock': saying(XBOX), 'upnp-br-x.sock': saying(answering(described(1026, 'Switch'))) },
      want: ['udp 1025 Xbox', 'udp 1026 Switch'],
    },
    {
      name: 'not of other sockets',
      sockets: { 'upnp-metrics': saying(XBOX), 'upnp.sock.old': saying(XBOX), 'admin.sock': saying(XBOX) },
      want: [],
    },
    {
      name: 'one that never answers, beside one that does',
      sockets: { 'upnp-a.sock': () => {}, 'upnp-b.sock': saying(XBOX) },
      want: ['udp 1025 Xbox'],
    },
    {
      name: 'one that is too late',
      sockets: { 'upnp.sock': (socket) => void setTimeout(() => socket.end(XBOX), LATE_MS) },
      want: [],
    },
    {
      name: 'one that says a little, now and then, until it is too late',
      sockets: {
        'upnp.sock': (socket) => {
          socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n');
          const more = setInterval(() => socket.write(' '), 50);
          setTimeout(() => {
            clearInterval(more);
            socket.end(described(1025, 'Xbox'));
          }, LATE_MS);
        },
      },
      want: [],
    },
    {
      name: 'one that says too much',
      sockets: { 'upnp.sock': saying(answering(described(1025, 'Xbox').repeat(200_000))) },
      want: [],
    },
    {
      name: 'one that goes in the middle of it',
      sockets: { 'upnp.sock': saying(XBOX.slice(0, -3)) },
      want: [],
    },
    { name: 'garbage', sockets: { 'upnp.sock': saying('\0\xff\x1b[2J garbage\r\n\r\n') }, want: [] },
    {
      name: 'HTTP, and garbage',
      sockets: { 'upnp.sock': saying(answering(`${described(1025, 'Xbox')}[[[\n`)) },
      want: [],
    },
    { name: 'one that hangs up', sockets: { 'upnp.sock': (socket) => void socket.destroy() }, want: [] },
    {
      name: 'an error',
      sockets: { 'upnp.sock': saying(answering(described(1025, 'Xbox'), 'HTTP/1.1 500 Internal Server Error')) },
      want: [],
    },
  ],
  async ({ sockets, want }) => {
    const beside = mkdtempSync(join(folder, 'beside-'));
    for (const [name, connected] of Object.entries(sockets)) await socketFile(join(beside, name), connected);
    writeFileSync(join(beside, 'upnp-file.sock'), 'no socket');
    const startedAtMs = performance.now();
    const found = await readDescriptions(join(beside, 'helper.sock'));
    assert.equal([...found].map(([key, text]) => `${key} ${text}`).sort(), want);
    assert.ok(performance.now() - startedAtMs < LATE_MS, 'a list waits a second at most');
  },
);

const WRONG: readonly { readonly name: string; readonly args: readonly string[]; readonly says: RegExp }[] = [
  { name: 'an unknown command', args: ['lst'], says: /unknown command 'lst'/ },
  { name: 'no command', args: [], says: /Usage: natpmpctl/ },
  { name: 'an unknown flag', args: ['list', '--jsn'], says: /unknown option '--jsn'/ },
  { name: 'a port that is none', args: ['list', '--port', '0'], says: /port from 1 to 65535/ },
  { name: 'an unknown order', args: ['list', '--sort', 'size'], says: /Allowed choices are port, host/ },
  { name: 'add: no protocol', args: ['add', '8080', '80', '192.168.1.5'], says: /tcp or udp is needed/ },
  { name: 'add: a host by name', args: ['add', 'tcp', '80', 'nas:80'], says: /An IPv4 address is needed/ },
  { name: 'add: too much', args: ['add', 'tcp', '80', '192.168.1.5', 'x'], says: /too many arguments/ },
  { name: 'revoke: nothing chosen', args: ['revoke', '--yes'], says: /say what to revoke/ },
  {
    name: 'revoke: all, and one host',
    args: ['revoke', '--all', '--host', '192.168.1.2', '--yes'],
    says: /say what to revoke/,
  },
  { name: 'watch: no count', args: ['watch', '--count', '0'], says: /A number from 1 is needed/ },
  { name: 'top: too often', args: ['top', '--interval', '0.01'], says: /Seconds from 0.2/ },
];
const asked0 = asked.length;
const ends = await Promise.all(
  WRONG.map(({ args }) => natpmpctl(...args, ...(args.length > 1 ? ['--socket', socketPath] : []))),
);
const askedByThem = asked.length - asked0;

cases(
  'natpmpctl: wrong arguments are exit 2, with the remedy, before anything is asked',
  WRONG.map((row, index) => ({ ...row, index })),
  ({ says, index }) => {
    const { status, stdout, stderr } = ends[index] ?? { status: 0, stdout: '', stderr: '' };
    assert.is(status, 2, stderr);
    assert.is(stdout, '');
    assert.match(stderr, says);
    assert.is(askedByThem, 0);
  },
);
