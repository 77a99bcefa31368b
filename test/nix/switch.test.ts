// `nixos-rebuild switch`: after each kind of change the new state is served without anything done by hand, mappings stand, and
// so does a connection through one, over which both ends send all the while. Then the same way back.

import * as assert from 'uvu/assert';
import { cases, claims, skip } from '../support/cases.js';
import type { Host } from '../lab/host.js';
import type { TcpFlow } from '../lab/flows.js';
import { keepBusy, tcpFlow, until } from '../lab/flows.js';
import { SILENCE_MS } from '../lab/inbox.js';
import { ALICE, EXTERNAL, GUEST_ROUTER, ROUTER } from '../lab/lab.js';
import { addIpv6, ALICE6, onLan, ROUTER6_LOCAL } from '../lab/ipv6.js';
import { Asker, PORT } from '../lab/natpmp.js';
import { ControlPoint, discover, GATEWAY_DEVICE, http, SSDP_GROUP } from '../lab/upnp.js';
import { PcpClient, RESULT } from '../lab/pcp.js';
import { answering, FRONTEND, HELPER } from '../systemd/box.js';
import { startStream } from '../systemd/stream.js';
import { Machine, TREE } from './machine.js';
import type { Evaluated } from './nix.js';
import { evaluate, hasNix, router } from './nix.js';
import type { Switch, UnitFiles } from './switch.js';
import { planSwitch } from './switch.js';

/** The LOCATION that a search is answered with; null if it is not. */
const find = (host: Host, to: string, withinMs?: number): Promise<string | null> =>
  discover(host, to, GATEWAY_DEVICE, withinMs);

/** A router, and what is different in it. */
const routerWith = (more: string): string =>
  router(`{ lib, ... }: { imports = [ (${more}) ]; services.natpmp-server.maxMappingsPerClient = 5000; }`);
const ours = (settings: string): string => routerWith(`{ services.natpmp-server = { ${settings} }; }`);
const addresses = (...list: readonly string[]): string =>
  routerWith(
    `{ lib, ... }: { networking.interfaces.br-lan.ipv4.addresses = lib.mkForce [ ${list.map((one) => `{ address = "${one}"; prefixLength = 24; }`).join(' ')} ]; }`,
  );

/** What the program behind `nixos-rebuild switch` does, in its own rules. */
const service = (text: string): { text: string } => ({ text: `[Service]\n${text}` });
cases<{ name: string; before: UnitFiles; after: UnitFiles; want: Partial<Switch> }>(
  'the stand-in for switch-to-configuration',
  [
    {
      name: 'the same: nothing',
      before: { 'a.service': service('ExecStart=a') },
      after: { 'a.service': service('ExecStart=a') },
      want: {},
    },
    {
      name: 'a service is stopped before, and started after',
      before: { 'a.service': service('ExecStart=a') },
      after: { 'a.service': service('ExecStart=b') },
      want: { stop: ['a.service'], start: ['a.service'] },
    },
    {
      name: 'its socket is opened again in its place',
      before: { 'a.service': service('ExecStart=a'), 'a.socket': { text: '' } },
      after: { 'a.service': service('ExecStart=b'), 'a.socket': { text: '' } },
      want: { stop: ['a.service', 'a.socket'], start: ['a.socket'] },
    },
    {
      name: 'a socket that comes new is left to start it',
      before: { 'a.service': service('ExecStart=a') },
      after: { 'a.service': service('ExecStart=b'), 'a.socket': { text: '' } },
      want: { stop: ['a.service'] },
    },
    {
      name: 'Sockets= names them by its words alone: %i is none',
      before: { 'a@x.service': service('ExecStart=a'), 'a@x.socket': { text: '' } },
      after: { 'a@x.service': service('ExecStart=b\nSockets=a@%i.socket'), 'a@x.socket': { text: '' } },
      want: { stop: ['a@x.service'], start: ['a@x.service'] },
    },
    {
      name: 'a changed socket: nothing',
      before: { 'a.socket': { text: '[Socket]\nListenStream=1' } },
      after: { 'a.socket': { text: '[Socket]\nListenStream=2' } },
      want: {},
    },
    {
      name: 'restarted in one step',
      before: { 'a.service': service('ExecStart=a') },
      after: { 'a.service': service('X-StopIfChanged=false\nExecStart=b') },
      want: { restart: ['a.service'] },
    },
    {
      name: 'left alone',
      before: { 'a.service': service('ExecStart=a') },
      after: { 'a.service': service('X-RestartIfChanged=false\nExecStart=b') },
      want: { skip: ['a.service'] },
    },
    {
      name: 'gone',
      before: { 'a.service': service('ExecStart=a'), 'a.socket': { text: '' } },
      after: {},
      want: { stop: ['a.service', 'a.socket'] },
    },
    {
      name: 'a target is started again, changed or not',
      before: { 'a.target': { text: '' } },
      after: { 'a.target': { text: '' } },
      want: { start: ['a.target'] },
    },
    {
      name: 'another description is no change',
      before: { 'a.service': { text: '[Unit]\nDescription=a' } },
      after: { 'a.service': { text: '[Unit]\nDescription=b' } },
      want: {},
    },
    {
      name: 'another trigger is one',
      before: { 'a.service': { text: '[Unit]\nX-Restart-Triggers=a' } },
      after: { 'a.service': { text: '[Unit]\nX-Restart-Triggers=b' } },
      want: { stop: ['a.service'], start: ['a.service'] },
    },
  ],
  ({ before, after, want }) => {
    assert.equal(planSwitch(Object.keys(before), before, after), {
      stop: [],
      reload: [],
      restart: [],
      start: [],
      skip: [],
      ...want,
    });
  },
);

if (!hasNix) skip('nixos-rebuild switch', 'no nix-instantiate (Debian: nix-bin)');
const machine = hasNix ? await Machine.open() : null;

if (machine !== null) {
  const { box } = machine;
  const { lab } = box;
  const { alice, bob, outside } = lab;
  const carol = lab.carol ?? bob;
  const BASE = ours('');
  const web = await alice.listen(8080);
  await addIpv6(lab);
  // Its firewall: there are no tables but the gateway's, and that of the lab.
  await lab.nft('delete table inet lab6');
  const pcp = await PcpClient.open(alice, ALICE6, onLan(ROUTER6_LOCAL));

  const ask = async (host: typeof alice, gateway: string, port = PORT): Promise<string> => {
    const socket = await host.udp();
    socket.send('0000', gateway, port);
    const reply = await socket.receive(2000);
    socket.close();
    return reply === null ? 'silence' : `${reply.address}:${reply.port}`;
  };
  const silent = async (host: typeof alice, gateway: string, port = PORT): Promise<void> => {
    const socket = await host.udp();
    socket.send('0000', gateway, port);
    assert.is(await socket.receive(SILENCE_MS), null);
    socket.close();
  };
  const metrics = () =>
    box.get('http://127.0.0.1:9551/metrics').then(
      ({ status }) => status,
      () => 0,
    );
  /** The external port that is given to who suggests this one; nothing stays mapped. */
  const granted = async (port: number): Promise<number> => {
    const asker = await Asker.open(alice, ROUTER);
    const { externalPort } = await asker.map('udp', port, port, 60);
    await asker.unmap('udp', port);
    return externalPort;
  };
  const list = async () => box.mappings();
  /** Another release: other paths, the same in all else. */
  const updated = (evaluated: Evaluated): Evaluated =>
    JSON.parse(JSON.stringify(evaluated).replaceAll('natpmp-server-0.1.0', 'natpmp-server-0.2.0')) as Evaluated;

  interface Change {
    readonly name: string;
    readonly to: string;
    readonly update?: (evaluated: Evaluated) => Evaluated;
    /** What other units do during the activation, on the way there and back. */
    readonly there?: () => Promise<unknown>;
    readonly back?: () => Promise<unknown>;
    /** Where the LAN is asked now. */
    readonly gateway?: string;
    readonly port?: number;
    /** Resolves if the new state is served. */
    readonly served: () => Promise<unknown>;
    readonly servedAgain?: () => Promise<unknown>;
    /** The sockets of the LAN stay open: what is asked meanwhile waits. */
    readonly keepsSockets?: boolean;
  }
  const OTHER = '192.168.1.254';
  const ip = (command: string) => lab.ip(command);
  const moveTo = async (address: string, from: string): Promise<void> => {
    await ip(`addr add ${address}/24 dev br-lan`);
    await alice.run('ip', 'route', 'replace', 'default', 'via', address);
    await ip(`addr del ${from}/24 dev br-lan`);
    // Without the first address the second may have become the first.
    await ip(`addr replace ${address}/24 dev br-lan`);
  };
  const CHANGES: readonly Change[] = [
    {
      name: 'the address of the LAN',
      to: addresses(OTHER),
      gateway: OTHER,
      there: () => moveTo(OTHER, ROUTER),
      back: () => moveTo(ROUTER, OTHER),
      served: async () => assert.is(await ask(alice, OTHER), `${OTHER}:5351`),
      servedAgain: async () => assert.is(await ask(alice, ROUTER), `${ROUTER}:5351`),
    },
    {
      name: 'a second address of the LAN',
      to: addresses(ROUTER, OTHER),
      there: () => ip(`addr add ${OTHER}/24 dev br-lan`),
      back: () => ip(`addr del ${OTHER}/24 dev br-lan`),
      served: async () =>
        assert.equal([await ask(alice, ROUTER), await ask(bob, OTHER)], [`${ROUTER}:5351`, `${OTHER}:5351`]),
    },
    {
      name: 'another LAN',
      to: ours(`listenInterfaces.br-guest.listenAddresses = [ "${GUEST_ROUTER}/24" ];`),
      served: async () => assert.is(await ask(carol, GUEST_ROUTER), `${GUEST_ROUTER}:5351`),
      servedAgain: () => silent(carol, GUEST_ROUTER),
    },
    {
      name: 'listenPort',
      to: ours('listenPort = 5400;'),
      port: 5400,
      served: async () => {
        assert.is(await ask(alice, ROUTER, 5400), `${ROUTER}:5400`);
        await silent(alice, ROUTER);
      },
      servedAgain: () => silent(alice, ROUTER, 5400),
    },
    {
      name: 'pinholes.enable',
      to: ours('pinholes.enable = true;'),
      served: async () => assert.is((await pcp.map(8080, { lifetime: 600 })).result, RESULT.success),
      servedAgain: async () => assert.is(await pcp.announce(SILENCE_MS), null),
    },
    {
      name: 'upnp.enable',
      to: ours('upnp.enable = true;'),
      served: async () => {
        await until('it is found', async () => (await find(alice, SSDP_GROUP, 1000)) !== null, 10_000);
        assert.is(await new ControlPoint(alice, ROUTER).add('UDP', 4200, ALICE, 4200, 60), null);
      },
      servedAgain: async () => {
        assert.is(await find(alice, SSDP_GROUP, SILENCE_MS), null);
        assert.equal(await http(alice, ROUTER, 'GET / HTTP/1.0\r\n\r\n'), { status: 0, body: 'ECONNREFUSED' });
      },
    },
    {
      name: 'jit',
      to: ours('jit = true;'),
      served: async () => {
        for (const unit of [HELPER, FRONTEND]) {
          assert.not.match(await box.sh(`cat /proc/${await box.pid(unit)}/cmdline`), /--jitless/, unit);
          assert.is(await box.property(unit, 'MemoryDenyWriteExecute'), 'no', unit);
        }
        assert.is(await ask(alice, ROUTER), `${ROUTER}:5351`);
      },
      servedAgain: async () => {
        for (const unit of [HELPER, FRONTEND])
          assert.match(await box.sh(`cat /proc/${await box.pid(unit)}/cmdline`), /--jitless/, unit);
      },
    },
    {
      name: 'metrics.enable',
      to: ours('metrics.enable = true;'),
      served: async () => assert.is(await metrics(), 200),
      servedAgain: async () => assert.is(await metrics(), 0),
    },
    {
      name: 'natTable',
      to: ours('natTable = "portmap";'),
      keepsSockets: true,
      served: async () => assert.match(await box.must('nft', 'list', 'tables'), /^table ip lab\ntable inet portmap\n$/),
    },
    {
      name: 'hairpin',
      to: ours('hairpin = false;'),
      keepsSockets: true,
      served: async () => assert.is((await bob.connect(EXTERNAL, 8080, { withinMs: SILENCE_MS })).kind, 'failed'),
      servedAgain: async () => {
        await tcpFlow(bob, EXTERNAL, 8080, web);
      },
    },
    {
      name: 'rules',
      to: ours(`rules = [ { action = "deny"; host = "${ALICE}"; } ];`),
      keepsSockets: true,
      served: async () => assert.is((await (await Asker.open(alice, ROUTER)).map('udp', 4000, 4000, 60)).result, 2),
      servedAgain: async () => assert.is(await granted(4000), 4000),
    },
    {
      name: 'a port that the firewall opens',
      to: routerWith('{ networking.firewall.allowedUDPPorts = [ 4100 ]; }'),
      keepsSockets: true,
      served: async () => assert.is.not(await granted(4100), 4100),
      servedAgain: async () => assert.is(await granted(4100), 4100),
    },
    {
      name: 'externalInterface',
      to: ours('externalInterface = "wan1";'),
      keepsSockets: true,
      there: () =>
        lab.router.run(
          'sh',
          '-ec',
          'ip link add wan1 type bridge; ip addr add 198.18.0.1/24 dev wan1; ip link set wan1 up',
        ),
      back: () => ip('link del wan1'),
      served: async () => assert.is((await (await Asker.open(alice, ROUTER)).info()).address, '198.18.0.1'),
      servedAgain: async () => assert.is((await (await Asker.open(alice, ROUTER)).info()).address, EXTERNAL),
    },
    {
      name: 'the package',
      to: BASE,
      update: updated,
      keepsSockets: true,
      served: async () => {
        for (const unit of [HELPER, FRONTEND])
          assert.match(await box.sh(`tr '\\0' ' ' </proc/${await box.pid(unit)}/cmdline`), /natpmp-server-0\.2\.0/);
      },
    },
  ];

  await machine.use(BASE);
  await answering(box);
  assert.is((await (await Asker.open(alice, ROUTER)).map('tcp', 8080, 8080, 3600)).externalPort, 8080);

  /** Switch, and see that mappings, a connection and what is asked meanwhile come through. */
  const through = async (
    flow: TcpFlow,
    change: () => Promise<unknown>,
    { gateway = ROUTER, port = PORT, keepsSockets = false }: Pick<Change, 'gateway' | 'port' | 'keepsSockets'>,
  ): Promise<void> => {
    const livesOn = keepBusy(flow);
    const stream = keepsSockets ? await startStream(bob) : null;
    await change();
    await until(
      'the helper answers',
      async () => {
        const reply = await (await Asker.open(alice, gateway, port))
          .ask('0002 0000 0001 0000 00000000', 250)
          .catch(() => null);
        return reply?.slice(4, 8) === '0000';
      },
      10_000,
    );
    if (stream !== null) {
      const { unanswered, slowestMs, lastUnansweredUs } = await stream.stop();
      console.log(`  ${unanswered} requests without an answer, the slowest after ${Math.round(slowestMs)} ms`);
      // Only those that the frontend had taken and not answered when it ended; the rest waited in the socket. How many
      // that are depends on how long systemd takes from the end of the helper to that of the frontend.
      const endedUs = Number(await box.property(FRONTEND, 'InactiveEnterTimestampMonotonic'));
      assert.ok(
        lastUnansweredUs <= endedUs,
        `unanswered although sent ${(lastUnansweredUs - endedUs) / 1000} ms after the frontend had ended`,
      );
      assert.ok(unanswered <= 100, `${unanswered} requests of one each 10 ms without an answer`);
      await (await Asker.open(bob, gateway)).unmap('tcp', 0);
    }
    assert.ok(await livesOn(), 'the connection');
    assert.ok((await list()).includes(`tcp 8080 -> ${ALICE}:8080`), 'the mapping');
    assert.is(await box.must('systemctl', '--failed', '--quiet'), '');
  };

  cases('a change of', CHANGES, async (change) => {
    const { to, update = (same) => same, there, back, served, servedAgain } = change;
    const flow = await tcpFlow(outside, EXTERNAL, 8080, web);
    await through(flow, () => machine.switchTo(update(evaluate(to, TREE)), there), change);
    await served();
    await through(flow, () => machine.use(BASE, back), { ...change, gateway: ROUTER, port: PORT });
    await servedAgain?.();
  });

  claims('a change of UPnP', {
    'another port is told to those who search': async () => {
      await machine.use(ours('upnp.enable = true;'));
      await until('it is served', async () => (await find(alice, SSDP_GROUP, 1000)) !== null, 10_000);
      await machine.use(ours('upnp = { enable = true; port = 5000; };'));
      await until(
        'the port is told',
        async () => (await find(alice, SSDP_GROUP, 1000))?.startsWith(`http://${ROUTER}:5000/`) === true,
        10_000,
      );
      const request = `GET /igd.xml HTTP/1.1\r\nHost: ${ROUTER}:5000\r\n\r\n`;
      assert.is((await http(alice, ROUTER, request, 5000)).status, 200);
      assert.equal(await http(alice, ROUTER, 'GET / HTTP/1.0\r\n\r\n'), { status: 0, body: 'ECONNREFUSED' });
      await machine.use(BASE);
      await answering(box);
    },
  });

  claims('stateDir', {
    'a folder that is moved while nothing runs is gone on with': async () => {
      const flow = await tcpFlow(outside, EXTERNAL, 8080, web);
      await through(
        flow,
        async () => {
          await box.must('systemctl', 'stop', 'natpmp-server.target');
          await box.must('mv', '/var/lib/private/natpmp-server', '/var/lib/private/portmap');
          await machine.use(ours('stateDir = "/var/lib/portmap";'));
        },
        {},
      );
      await box.must('systemctl', 'stop', 'natpmp-server.target');
      await box.must('mv', '/var/lib/private/portmap', '/var/lib/private/natpmp-server');
      await machine.use(BASE);
      await answering(box);
    },
    'another folder begins with no mapping: the ports are closed, and hosts are told to ask again': async () => {
      await machine.use(ours('stateDir = "/var/lib/empty-one";'));
      await answering(box);
      assert.equal(await list(), []);
      assert.is((await outside.connect(EXTERNAL, 8080, { withinMs: SILENCE_MS })).kind, 'failed');
      await machine.use(BASE);
      await answering(box);
      await tcpFlow(outside, EXTERNAL, 8080, web);
    },
  });

  claims('enable = false', {
    'closes what was open: no unit, no socket, no table, nobody comes in; those of others stay': async () => {
      await machine.use(ours('enable = false;'));
      assert.is(
        await box.must(
          'systemctl',
          'list-units',
          '--plain',
          '--no-legend',
          '--state=active,activating,failed',
          'natpmp-*',
        ),
        '',
      );
      assert.is((await outside.connect(EXTERNAL, 8080, { withinMs: SILENCE_MS })).kind, 'failed');
      assert.is(await box.must('nft', 'list', 'tables'), 'table ip lab\n');
      assert.is(await box.must('ss', '-Hlun'), '');
    },
    'and true again: the mapping that was promised for longer is back': async () => {
      await machine.use(BASE);
      await answering(box);
      await tcpFlow(outside, EXTERNAL, 8080, web);
    },
    'so does what was loaded again after natpmp-table.service had been stopped': async () => {
      await box.must('systemctl', 'stop', 'natpmp-table.service');
      // As an interface does that comes back.
      await box.must('systemctl', 'start', 'natpmp-helper.service');
      assert.match(await box.must('nft', 'list', 'tables'), /table inet nat\n/);
      await machine.use(ours('enable = false;'));
      assert.is(await box.must('nft', 'list', 'tables'), 'table ip lab\n');
      await machine.use(BASE);
      await answering(box);
    },
    'ten times in a row, as an interface may come and go: nothing has given up': async () => {
      for (let round = 0; round < 10; round++) {
        await box.must('systemctl', 'stop', 'natpmp-server.target');
        await box.must('systemctl', 'start', 'natpmp-server.target');
      }
      await answering(box);
      assert.is(await box.must('systemctl', '--failed', '--quiet'), '');
    },
    'natpmp-table.service cannot be restarted by hand, which would end everything and start nothing': async () => {
      assert.is.not((await box.run('systemctl', 'restart', 'natpmp-table.service')).status, 0);
      await tcpFlow(outside, EXTERNAL, 8080, web);
      await answering(box);
    },
    'systemctl stop natpmp-server.target leaves mappings to their time; natpmp-table.service ends them': async () => {
      await box.must('systemctl', 'stop', 'natpmp-server.target');
      await tcpFlow(outside, EXTERNAL, 8080, web);
      await box.must('systemctl', 'start', 'natpmp-server.target');
      await answering(box);
      await box.must('systemctl', 'stop', 'natpmp-table.service');
      assert.is((await outside.connect(EXTERNAL, 8080, { withinMs: SILENCE_MS })).kind, 'failed');
      assert.is(
        await box.must(
          'systemctl',
          'list-units',
          '--plain',
          '--no-legend',
          '--state=active,activating,failed',
          'natpmp-*',
        ),
        '',
      );
    },
  });
}
