// natpmpctl and pinholes, as a program, against a helper that holds what the test gives it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import * as assert from 'uvu/assert';
import { Router } from 'zeromq';
import { decodeRequest, encodeResponse, type Request, type Response, type StatusReport } from '../../proto/codec.js';
import { bootClock } from '../../proto/clock.js';
import type { Lease, Pinhole } from '../../proto/mapping.js';
import { atEnd, cases, claims } from '../support/cases.js';
import { run } from '../support/run.js';

const folder = mkdtempSync(join(tmpdir(), 'natpmpctl-pinholes-'));
atEnd(() => rmSync(folder, { recursive: true }));
const socketPath = join(folder, 'helper.sock');
const hostsPath = join(folder, 'leases');
// The phone makes its IPv6 addresses itself: it is known by its hardware address.
writeFileSync(hostsPath, '1 02:00:00:00:00:07 192.168.1.7 phone *\n');

const MAX_PINHOLES = 16384;
const PREFIX = '20010db800000000000000000000';
const PHONE = 0x020000000007;
const mapping: Lease = {
  protocol: 'tcp',
  internalAddress: 0xc0a80107,
  internalPort: 80,
  externalPort: 8080,
  origin: 'dynamic',
  lifetime: 1000,
  expiresAt: bootClock()() + 1_000_000,
};
const pinhole = (host: string, port: number, fields: Partial<Pinhole> = {}): Pinhole => ({
  protocol: 'tcp',
  address: PREFIX + host,
  port,
  origin: 'dynamic',
  lifetime: 1000,
  expiresAt: bootClock()() + 1_000_000,
  hardwareAddress: PHONE,
  ...fields,
});
const STATIC = { origin: 'static', lifetime: 0, expiresAt: Infinity, hardwareAddress: 0 } as const;

const byUpnp: Lease = { ...mapping, internalPort: 81, externalPort: 8081, tool: 1 };

const world = { mappings: [mapping], pinholes: [] as Pinhole[], maxPinholes: MAX_PINHOLES };
const asked: Request[] = [];
const router = new Router({ linger: 0 });
await router.bind(`ipc://${socketPath}`);
atEnd(() => router.close());

const status = (): StatusReport => ({
  epochStart: 0,
  mappings: 1,
  staticMappings: 0,
  maxMappings: 129024,
  pinholes: world.pinholes.length,
  staticPinholes: world.pinholes.filter(({ origin }) => origin === 'static').length,
  maxPinholes: world.maxPinholes,
  maxMappingsPerHost: 100,
  maxLifetime: 86400,
  journalBytes: 1,
  kernelInStep: true,
  pid: 4711,
  resynchronisations: 0,
  startedAt: 0,
});
const isSame = (a: Pick<Pinhole, 'protocol' | 'address' | 'port'>) => (b: Pinhole) =>
  a.protocol === b.protocol && a.address === b.address && a.port === b.port;

function answer(request: Request): Response {
  asked.push(request);
  switch (request.kind) {
    case 'list-mappings':
      return {
        kind: 'mapping-list',
        next: 0,
        leases: world.mappings.filter(({ externalPort }) => request.after < 6 * 65536 + externalPort),
      };
    case 'list-pinholes': {
      const page = world.pinholes.slice(request.after, request.after + request.limit);
      const next = request.after + page.length;
      const traffic = { packets: 3, bytes: 180 };
      return {
        kind: 'pinhole-list',
        pinholes: request.traffic === true ? page.map((each) => ({ ...each, traffic })) : page,
        next: next < world.pinholes.length ? next : 0,
      };
    }
    case 'add-pinhole': {
      const { protocol, address, port } = request;
      const added: Pinhole = { protocol, address, port, ...STATIC };
      world.pinholes.push(added);
      return { kind: 'pinhole-granted', pinhole: added };
    }
    case 'remove-pinhole': {
      const before = world.pinholes.length;
      world.pinholes = world.pinholes.filter((each) => !isSame(request)(each));
      return { kind: 'removed', count: before - world.pinholes.length };
    }
    case 'remove-mapping':
      world.mappings = world.mappings.filter(({ internalPort }) => internalPort !== request.internalPort);
      return { kind: 'removed', count: 1 };
    case 'status':
      return { kind: 'status-report', status: status() };
    case 'watch':
      return { kind: 'watching', status: status() };
    default:
      return { kind: 'refused', reason: 'not-permitted' };
  }
}

async function serve(): Promise<void> {
  for await (const [caller, ...frames] of router) {
    for (const frame of frames) {
      const request = decodeRequest(frame);
      if (caller === undefined || request === null) continue;
      await router.send([caller, encodeResponse(request.id, answer(request.body))]);
      if (request.body.kind !== 'watch' || request.body.pinholes !== true) continue;
      const event = { kind: 'granted', pinhole: pinhole('0005', 51413) } as const;
      await router.send([caller, encodeResponse(request.id, { kind: 'event', sequence: 1, event })]);
    }
  }
}
void serve();

const PROGRAM = join(import.meta.dirname, '../../cli/natpmpctl.js');
const natpmpctl = (...args: readonly string[]) => run(process.execPath, [PROGRAM, ...args, '--socket', socketPath]);
/** Start with these pinholes, and without what was asked before. */
function hold(...pinholes: readonly Pinhole[]): void {
  world.mappings = [mapping];
  world.pinholes = [...pinholes];
  asked.length = 0;
}
const kinds = () => asked.map(({ kind }) => kind);

claims('natpmpctl: pinholes', {
  'list --json pages through all of them, behind the mappings': async () => {
    hold(...Array.from({ length: 600 }, (_, index) => pinhole('0005', index + 1)));
    const { status: ended, stdout } = await natpmpctl('list', '--json');
    assert.is(ended, 0);
    const listed = JSON.parse(stdout) as { internalAddress: string; timeLeft: number; grantedAt: string }[];
    assert.is(listed.length, 601);
    assert.equal(
      asked.filter(({ kind }) => kind === 'list-pinholes').map((request) => 'after' in request && request.after),
      [0, 250, 500],
    );
    const { timeLeft, grantedAt, ...first } = listed[0] ?? { timeLeft: 0, grantedAt: '' };
    assert.ok(timeLeft > 900 && timeLeft <= 1000 && Date.parse(grantedAt) > 0, `${timeLeft} ${grantedAt}`);
    assert.equal(first, {
      protocol: 'tcp',
      externalPort: 1,
      internalAddress: '2001:db8::5',
      internalPort: 1,
      name: null,
      origin: 'dynamic',
      lifetime: 1000,
      packets: 3,
      bytes: 180,
      hardwareAddress: '02:00:00:00:00:07',
      askedBy: 'PCP',
      description: null,
    });
    assert.not('hardwareAddress' in (listed.find(({ internalAddress }) => internalAddress === '192.168.1.7') ?? {}));
  },
  'a helper that has them off, or knows nothing of them, is not asked for them': async () => {
    hold(pinhole('0005', 1));
    world.maxPinholes = 0;
    const { stdout } = await natpmpctl('list', '--json');
    const added = await natpmpctl('add', 'tcp', '80', '2001:db8::5');
    world.maxPinholes = MAX_PINHOLES;
    assert.is((JSON.parse(stdout) as unknown[]).length, 1);
    assert.equal([added.status, added.stdout], [73, '']);
    assert.match(added.stderr, /^natpmpctl: pinholes are off: start natpmp-server with --pinholes/);
    assert.equal(kinds(), ['list-mappings', 'status', 'status']);
  },
  'list: a device by its name, its hardware address and one of its addresses': async () => {
    hold(pinhole('0005', 1), pinhole('0006', 2), pinhole('0009', 3, { hardwareAddress: 0 }));
    const ports = async (host: string) => {
      const { stdout } = await natpmpctl('list', '--json', '--dhcp-leases', hostsPath, '--host', host);
      return (JSON.parse(stdout) as { externalPort: number }[]).map(({ externalPort }) => externalPort);
    };
    assert.equal(
      [await ports('phone'), await ports('02:00:00:00:00:07'), await ports('2001:DB8::6'), await ports('192.168.1.7')],
      [[1, 2, 8080], [1, 2], [2], [8080]],
    );
  },
  'list for people has the whole address, and the name of the device': async () => {
    hold(pinhole('0005', 51413));
    const { stdout } = await natpmpctl('list', '--dhcp-leases', hostsPath);
    assert.match(stdout, /^tcp +51413 +2001:db8::5 +phone +PCP .* 180$/m);
    assert.match(stdout, /^tcp +8080 +192\.168\.1\.7:80 +phone +NAT-PMP /m);
  },
  'show: of a port all that have it, mapping or pinhole': async () => {
    hold(pinhole('0005', 8080), pinhole('0006', 8080), pinhole('0006', 8081));
    const { stdout } = await natpmpctl('show', 'tcp/8080');
    assert.equal(stdout.match(/^tcp .*$/gm), [
      'tcp 8080 -> 192.168.1.7:80',
      'tcp 8080 -> [2001:db8::5]:8080',
      'tcp 8080 -> [2001:db8::6]:8080',
    ]);
    const one = await natpmpctl('show', '2001:db8::6', '--json');
    assert.is((JSON.parse(one.stdout) as unknown[]).length, 2);
  },
  'add: an address whose last part may be the port is refused, and in brackets it is not': async () => {
    const { status: refused, stderr } = await natpmpctl('add', 'tcp', '80', '2001:db8:0:1::5:80');
    assert.equal(
      [refused, stderr],
      [2, 'natpmpctl: 2001:db8:0:1::5:80: write the address in brackets: [ADDRESS], or [ADDRESS]:80\n'],
    );
    hold();
    assert.is((await natpmpctl('add', 'tcp', '80', '[2001:db8:0:1::5:80]')).status, 0);
  },
  'add: a static pinhole, by an address in any form': async () => {
    for (const host of ['2001:db8::5', '[2001:DB8:0::5]', '[2001:db8::5]:80']) {
      hold();
      const { status: ended, stdout } = await natpmpctl('add', 'tcp', '80', host);
      assert.equal([ended, stdout], [0, 'added: tcp 80 -> [2001:db8::5]:80\n'], host);
      assert.equal(asked.at(-1), {
        kind: 'add-pinhole',
        protocol: 'tcp',
        address: `${PREFIX}0005`,
        port: 80,
        lifetime: 0,
        origin: 'static',
        nonce: '',
        hardwareAddress: 0,
      });
    }
  },
  'remove: a static pinhole by its address, of which several have the port': async () => {
    hold(pinhole('0005', 80, STATIC), pinhole('0006', 80, STATIC));
    const { status: ended, stdout } = await natpmpctl('remove', 'tcp', '80', '2001:db8::6');
    assert.equal([ended, stdout], [0, 'removed: tcp 80 -> [2001:db8::6]:80\n']);
    assert.equal(
      world.pinholes.map(({ address }) => address.slice(-4)),
      ['0005'],
    );
    assert.equal(asked.at(-1), {
      kind: 'remove-pinhole',
      protocol: 'tcp',
      address: `${PREFIX}0006`,
      port: 80,
      nonce: '',
    });
  },
  'remove: one that a host requested stays, and how to end it is said': async () => {
    hold(pinhole('0005', 80));
    const { status: ended, stderr } = await natpmpctl('remove', 'tcp', '80', '2001:db8::5');
    assert.equal(
      [ended, stderr, world.pinholes.length],
      [
        1,
        'natpmpctl: tcp 80 is not static, a host requested it: natpmpctl revoke --port tcp/80 --host 2001:db8::5\n',
        1,
      ],
    );
  },
  'remove: there is none': async () => {
    hold(pinhole('0005', 80, STATIC));
    const other = await natpmpctl('remove', 'tcp', '80', '2001:db8::6');
    assert.equal([other.status, other.stderr], [1, 'natpmpctl: there is no pinhole of tcp 80 to 2001:db8::6\n']);
    const port = await natpmpctl('remove', 'tcp', '80');
    assert.equal([port.status, world.pinholes.length], [1, 1]);
    assert.match(port.stderr, /there is no mapping of tcp 80; of a pinhole: natpmpctl remove tcp 80 ADDRESS\n$/);
  },
  'revoke --host NAME ends all of a device, of both families': async () => {
    hold(
      pinhole('0005', 1),
      pinhole('0006', 2),
      pinhole('0009', 3, { hardwareAddress: 0 }),
      pinhole('000a', 4, STATIC),
    );
    const { status: ended, stdout } = await natpmpctl('revoke', '--host', 'phone', '--dhcp-leases', hostsPath, '--yes');
    assert.equal([ended, stdout], [0, '1 mapping and 2 pinholes removed\n']);
    assert.equal(
      world.pinholes.map(({ port }) => port),
      [3, 4],
    );
    assert.ok(kinds().includes('remove-mapping'));
  },
  'revoke --all spares static ones': async () => {
    hold(pinhole('0005', 1), pinhole('000a', 4, STATIC));
    const { stdout } = await natpmpctl('revoke', '--all', '--yes', '--json');
    const { removed, kept, mappings } = JSON.parse(stdout) as { removed: number; kept: number; mappings: unknown[] };
    assert.equal([removed, kept, mappings.length, world.pinholes.length], [2, 1, 2, 1]);
  },
  'revoke: what is no choice': async () => {
    hold();
    for (const [args, says] of [
      [['--all', '--origin', 'upnp'], /say what to revoke: .*--origin ORIGIN/],
      [['--origin', 'static'], /--origin.*Allowed choices are dynamic, nat-pmp, pcp, upnp/s],
      [['--origin', 'upnp', '--static'], /--static and --origin exclude each other/],
    ] as const) {
      const { status: ended, stderr } = await natpmpctl('revoke', '--yes', ...args);
      assert.is(ended, 2, stderr);
      assert.match(stderr, says);
      assert.equal(asked, []);
    }
  },
  'revoke asks, and names what it would end': async () => {
    hold(pinhole('0005', 1));
    const asks = `exec script -qec "$0 $1 revoke --host 2001:db8::5 --socket $2" /dev/null`;
    const { stdout } = await run('bash', ['-c', asks, process.execPath, PROGRAM, socketPath], 'n\n');
    assert.match(stdout, /tcp 1 -> \[2001:db8::5\]:1\r?\nRemove 1 pinhole\? \[y\/N\]/);
    assert.is(world.pinholes.length, 1);
  },
  'top has them among the mappings': async () => {
    hold(pinhole('0005', 51413));
    const { stdout } = await natpmpctl('top', '--interval', '0.2');
    assert.match(stdout, /^1 mappings, 0 static; 1 pinholes; epoch /);
    assert.match(stdout, /^tcp +51413 +2001:db8::5 /m);
  },
  'status has how many there are': async () => {
    hold(pinhole('0005', 1), pinhole('0005', 2, STATIC));
    const { stdout } = await natpmpctl('status');
    assert.match(stdout, /^pinholes: +2 of at most 16384, 1 of them static$/m);
    const { pinholes, staticPinholes, maxPinholes } = JSON.parse(
      (await natpmpctl('status', '--json')).stdout,
    ) as Record<string, unknown>;
    assert.equal([pinholes, staticPinholes, maxPinholes], [2, 1, MAX_PINHOLES]);
  },
  'watch is told of them': async () => {
    const { stdout } = await natpmpctl('watch', '--json', '--count', '1');
    const [watching, granted] = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string; mapping: Record<string, unknown> | null });
    assert.is(watching?.event, 'watching');
    assert.equal(
      [granted?.event, granted?.mapping?.['internalAddress'], granted?.mapping?.['hardwareAddress']],
      ['granted', '2001:db8::5', '02:00:00:00:00:07'],
    );
  },
});

const PORT = '127.0.0.1:0';
cases<{ name: string; args: readonly string[]; ports: readonly number[]; says: string }>(
  'natpmpctl revoke --origin: what is left of a mapping of NAT-PMP, one of UPnP, a pinhole and a static one',
  [
    { name: 'upnp', args: ['upnp'], ports: [8080, 1, 2], says: '1 mapping removed\n' },
    { name: 'nat-pmp', args: ['nat-pmp'], ports: [8081, 1, 2], says: '1 mapping removed\n' },
    { name: 'pcp', args: ['pcp'], ports: [8080, 8081, 2], says: '1 pinhole removed\n' },
    { name: 'dynamic', args: ['dynamic'], ports: [2], says: '2 mappings and 1 pinhole removed\n' },
    {
      name: 'of a host',
      args: ['upnp', '--host', '192.168.1.7'],
      ports: [8080, 1, 2],
      says: '1 mapping removed\n',
    },
    { name: 'of another host', args: ['upnp', '--host', '192.168.1.8'], ports: [8080, 8081, 1, 2], says: '' },
    { name: 'on another port', args: ['upnp', '--port', '8080'], ports: [8080, 8081, 1, 2], says: '' },
  ],
  async ({ args, ports, says }) => {
    hold(pinhole('0005', 1), pinhole('0005', 2, STATIC));
    world.mappings = [mapping, byUpnp];
    const { status: ended, stdout } = await natpmpctl('revoke', '--yes', '--origin', ...args);
    assert.equal([ended, stdout], [says === '' ? 1 : 0, says]);
    assert.equal(
      [...world.mappings.map(({ externalPort }) => externalPort), ...world.pinholes.map(({ port }) => port)],
      ports,
    );
  },
);

/** natpmpctl web --allow-revoke: what it answers to the page. */
async function revokeOnPage(wanted: object): Promise<readonly [number, string]> {
  const child = spawn(
    process.execPath,
    [PROGRAM, 'web', '--json', '--allow-revoke', '--listen', PORT, '--socket', socketPath],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  atEnd(() => {
    child.kill('SIGKILL');
  });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const { origin, hash } = new URL((JSON.parse(line) as { url: string }).url);
  const reply = await fetch(`${origin}/revoke`, {
    method: 'POST',
    body: JSON.stringify(wanted),
    headers: { Authorization: `Bearer ${hash.replace('#token=', '')}`, 'Content-Type': 'application/json' },
  });
  const text = await reply.text();
  child.kill('SIGTERM');
  await once(child, 'exit');
  return [reply.status, text];
}

const WANTED = { protocol: 'tcp', externalPort: 80, internalAddress: '2001:db8::5', internalPort: 80 };
cases(
  'natpmpctl web: a pinhole to revoke',
  [
    { name: 'is removed, and no other', wanted: WANTED, want: [200, '{"removed":1}'], left: ['0006', '0007'] },
    {
      name: 'is not there any more',
      wanted: { ...WANTED, internalAddress: '2001:db8::9' },
      want: [409, '{"error":"it is not there any more"}'],
      left: ['0005', '0006', '0007'],
    },
    {
      name: 'has no port of its own on the host',
      wanted: { ...WANTED, internalPort: 81 },
      want: [409, '{"error":"it is not there any more"}'],
      left: ['0005', '0006', '0007'],
    },
    {
      name: 'is static',
      wanted: { ...WANTED, internalAddress: '2001:db8::7' },
      want: [403, '{"error":"it is static: natpmpctl remove tcp 80 2001:db8::7"}'],
      left: ['0005', '0006', '0007'],
    },
  ],
  async ({ wanted, want, left }) => {
    hold(pinhole('0005', 80), pinhole('0006', 80), pinhole('0007', 80, STATIC));
    assert.equal(await revokeOnPage(wanted), want);
    assert.equal(
      world.pinholes.map(({ address }) => address.slice(-4)),
      left,
    );
  },
);

cases(
  'natpmpctl: wrong arguments about pinholes are exit 2, and nothing is asked',
  [
    { name: 'add: another port on the host', args: ['add', 'tcp', '80', '[2001:db8::5]:81'], says: /the same port/ },
    { name: 'add: port 0', args: ['add', 'tcp', '80', '[2001:db8::5]:0'], says: /port from 1 to 65535/ },
    {
      name: 'remove: an IPv4 address',
      args: ['remove', 'tcp', '80', '192.168.1.5'],
      says: /An IPv6 address is needed/,
    },
    ...(
      [
        ['list', '--host', 'fe80::1%eth9'],
        ['show', 'fe80::1%eth9'],
        ['add', 'tcp', '8443', 'fe80::1%eth9'],
        ['add', 'tcp', '8443', '[fe80::1%eth9]:8443'],
        ['remove', 'tcp', '8443', 'fe80::1%eth9'],
        ['revoke', '--host', 'fe80::1%eth9', '--yes'],
      ] as const
    ).map((args) => ({
      name: `${args.join(' ')}: an interface, which may be missing`,
      args,
      says: /^[^\n]*fe80::1%eth9[^\n]* an address without an interface is needed, such as 2001:db8::5: pinholes are of global addresses\.?\n$/i,
    })),
  ],
  async ({ args, says }) => {
    hold();
    const { status: ended, stderr } = await natpmpctl(...args);
    assert.equal([ended, asked], [2, []], stderr);
    assert.match(stderr, says);
  },
);
