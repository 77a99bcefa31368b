// The parts of natpmp-upnp together, without its sockets: the helper comes and goes, the address changes, rules change.

import { pino } from 'pino';
import * as assert from 'uvu/assert';
import type { Answer, Listener } from '../../proto/client.js';
import type { Request, StatusReport } from '../../proto/codec.js';
import type { Lease } from '../../proto/mapping.js';
import { parseIpv4 } from '../../proto/mapping.js';
import type { Config } from '../../upnp/config.js';
import { parseConfig } from '../../upnp/config.js';
import { startGateway } from '../../upnp/gateway.js';
import { exposition } from '../../upnp/metrics/exposition.js';
import { claims } from '../support/cases.js';

const ALICE = parseIpv4('192.168.1.2') ?? 0;
const [PUBLIC, PRIVATE] = [parseIpv4('44.0.0.2') ?? 0, parseIpv4('10.0.0.2') ?? 0];
const STATUS = { epochStart: 1, mappings: 0, pinholes: 0, maxPinholes: 0 } as unknown as StatusReport;

function configOf(more: Parameters<typeof parseConfig>[0] = {}): Config {
  const parsed = parseConfig({ externalInterface: 'wan0', ...more });
  if (!('ok' in parsed)) throw new Error(parsed.complaints.join());
  return parsed.ok;
}

/** A gateway with a helper that grants all it is asked for. */
function start(config = configOf()) {
  let nowMs = 1000;
  let listener: Listener | null = null;
  const statuses: string[] = [];
  const log: string[] = [];
  const answer = (request: Request): Answer => {
    switch (request.kind) {
      case 'watch':
        return { kind: 'watching', status: STATUS };
      case 'list-mappings':
        return { kind: 'mapping-list', leases: [], next: 0 };
      case 'add-mapping': {
        const { kind: _, ...asked } = request;
        const lease: Lease = { ...asked, expiresAt: nowMs + asked.lifetime * 1000 };
        return { kind: 'granted', lease };
      }
      default:
        return { kind: 'unavailable' };
    }
  };
  const gateway = startGateway({
    config,
    log: pino({ level: 'info' }, { write: (line: string) => void log.push(line) }),
    clock: () => nowMs,
    schedule: () => () => {},
    hardwareAddress: () => null,
    identity: () => ({ root: 'uuid:r', wan: 'uuid:w', connection: 'uuid:c' }),
    connect(one) {
      listener = one;
      return { ask: (request) => Promise.resolve(answer(request)), close() {} };
    },
    setStatus: (status) => statuses.push(status),
  });
  return {
    gateway,
    statuses,
    log,
    event: (lease: Lease, kind: 'removed' | 'granted') => listener?.event({ kind, lease }),
    pass: (ms: number) => void (nowMs += ms),
    /** The helper is there; resolves when its list is. */
    async connect() {
      listener?.connected();
      await gateway.state.helperReady(1000);
    },
    lose: () => listener?.disconnected(),
    call: (action: string, values: Readonly<Record<string, string>> = {}, from = { host: ALICE, interfaceIndex: 2 }) =>
      gateway.control({ service: 'WANIPConnection', action, arguments: new Map(Object.entries(values)) }, from),
  };
}

const MAPPING = {
  NewRemoteHost: '',
  NewExternalPort: '4000',
  NewProtocol: 'TCP',
  NewInternalPort: '4000',
  NewInternalClient: '192.168.1.2',
  NewEnabled: '1',
  NewPortMappingDescription: 'a game',
  NewLeaseDuration: '600',
};

/** The value of an answer. */
function argumentOf(result: Awaited<ReturnType<ReturnType<typeof start>['call']>>, name: string): string | null {
  return result.kind === 'fault' ? null : (result.values.find(([each]) => each === name)?.[1] ?? null);
}

claims('natpmp-upnp without its sockets', {
  'tells the supervisor what is waited for': async () => {
    const { gateway, statuses, connect, lose } = start();
    gateway.addressChanged(null);
    await connect();
    gateway.addressChanged(PUBLIC);
    lose();
    assert.equal(statuses, [
      'waiting for the helper and an address on wan0',
      'waiting for an address on wan0',
      'serving',
      'waiting for the helper',
    ]);
  },
  'uptime is counted from the address that is told, and again from 0 for another one': async () => {
    const { gateway, call, pass } = start();
    const uptime = async () => argumentOf(await call('GetStatusInfo'), 'NewUptime');
    pass(5000);
    gateway.addressChanged(PUBLIC);
    pass(60_000);
    gateway.addressChanged(PUBLIC);
    assert.is(await uptime(), '60');
    gateway.addressChanged(PRIVATE);
    assert.is(await uptime(), '0');
    pass(3000);
    assert.is(await uptime(), '3');
  },
  'its own questions get the same answers, and are not counted': async () => {
    const { gateway } = start();
    gateway.addressChanged(PUBLIC);
    const caller = { host: ALICE, interfaceIndex: 3 };
    const ask = (action: string) =>
      gateway.ownControl({ service: 'WANIPConnection', action, arguments: new Map() }, caller);
    assert.equal(await ask('GetExternalIPAddress'), {
      kind: 'values',
      values: [['NewExternalIPAddress', '44.0.0.2']],
    });
    gateway.reload(configOf({ requirePublicAddress: true }));
    gateway.addressChanged(PRIVATE);
    assert.equal(await ask('GetExternalIPAddress'), { kind: 'values', values: [['NewExternalIPAddress', '']] });
    assert.equal(await ask('NoSuchAction'), { kind: 'fault', code: 401 });
    assert.equal(gateway.counters.totals(), { 'process address-changed': 2 });
  },
  'an address that is not public counts as none if the configuration says so, from a reload on': async () => {
    const { gateway, call } = start();
    gateway.addressChanged(PRIVATE);
    assert.is(argumentOf(await call('GetExternalIPAddress'), 'NewExternalIPAddress'), '10.0.0.2');
    gateway.reload(configOf({ requirePublicAddress: true }));
    assert.is(argumentOf(await call('GetExternalIPAddress'), 'NewExternalIPAddress'), '');
    assert.is(argumentOf(await call('GetStatusInfo'), 'NewConnectionStatus'), 'Disconnected');
    gateway.reload(configOf());
    assert.is(argumentOf(await call('GetStatusInfo'), 'NewConnectionStatus'), 'Connected');
  },
  'the rate of new mappings is for each LAN: addresses that fold to one slot have their own there': async () => {
    const { call, connect, event, gateway } = start(configOf({ maxMappingsPerIp: '1' }));
    await connect();
    const add = (client: string, interfaceIndex: number) =>
      call(
        'AddPortMapping',
        { ...MAPPING, NewInternalClient: client },
        { host: parseIpv4(client) ?? 0, interfaceIndex },
      );
    for (let times = 0; times < 32; times++) {
      assert.is((await add('10.78.0.15', 3)).kind, 'values');
      const lease = gateway.leases.mappingAt('tcp', 4000);
      if (lease !== undefined) event(lease, 'removed');
    }
    assert.equal(await add('10.78.0.15', 3), { kind: 'fault', code: 501 });
    assert.is((await add('10.77.0.3', 2)).kind, 'values');
    assert.is(gateway.counters.get('control', 'rate-limited'), 1);
  },
  'the most mappings that a host may have are those of the rules in force': () => {
    const { gateway } = start(configOf({ maxMappingsPerIp: '7' }));
    assert.is(gateway.mostMappings(), 7);
    gateway.reload(configOf({ maxMappingsPerIp: '400' }));
    assert.is(gateway.mostMappings(), 400);
  },
  'an external address of the configuration is told, public or not': async () => {
    const { call } = start(configOf({ externalAddress: '10.0.0.2', requirePublicAddress: true }));
    assert.is(argumentOf(await call('GetExternalIPAddress'), 'NewExternalIPAddress'), '10.0.0.2');
  },
  'new rules apply from the next call on': async () => {
    const { gateway, call, connect } = start();
    gateway.addressChanged(PUBLIC);
    await connect();
    gateway.reload(configOf({ defaultRule: 'deny' }));
    assert.equal(await call('AddPortMapping', MAPPING), { kind: 'fault', code: 606 });
    gateway.reload(configOf());
    assert.is((await call('AddPortMapping', MAPPING)).kind, 'values');
  },
  'a description is forgotten when another process ends the mapping': async () => {
    const { gateway, call, connect, event } = start();
    gateway.addressChanged(PUBLIC);
    await connect();
    await call('AddPortMapping', MAPPING);
    assert.equal(gateway.descriptions.list(), [{ protocol: 'tcp', externalPort: 4000, description: 'a game' }]);
    const lease = gateway.leases.mappingAt('tcp', 4000);
    if (lease === undefined) throw new Error('no mapping');
    event(lease, 'removed');
    assert.equal(gateway.descriptions.list(), []);
    assert.is(gateway.leases.size, 0);
    event(lease, 'granted');
    assert.equal([gateway.leases.size, gateway.descriptions.list()], [1, []]);
  },
  'no text of a host is logged': async () => {
    const { gateway, call, connect, log } = start();
    gateway.addressChanged(PUBLIC);
    await connect();
    await call('AddPortMapping', MAPPING);
    await call('NoSuchAction');
    assert.ok(log.length > 0 && !log.some((line) => /a game|NoSuchAction/.test(line)), log.join(''));
  },
  'its metrics are what was counted': async () => {
    const { gateway, call, connect, lose } = start();
    gateway.addressChanged(PUBLIC);
    await connect();
    await call('AddPortMapping', MAPPING);
    await call('NoSuchAction');
    lose();
    const text = await exposition({
      version: '1.2.3',
      uptimeSeconds: 7,
      memoryBytes: 8,
      counters: gateway.counters,
      mappings: { tcp: 1, udp: 0 },
      isHelperReady: false,
      isConnected: true,
    });
    for (const line of [
      'natpmp_upnp_build_info{version="1.2.3"} 1',
      'natpmp_upnp_uptime_seconds 7',
      'natpmp_upnp_memory_bytes 8',
      'natpmp_upnp_mappings{protocol="tcp"} 1',
      'natpmp_upnp_helper_ready 0',
      'natpmp_upnp_connected 1',
      'natpmp_upnp_actions_total{action="add_port_mapping"} 1',
      'natpmp_upnp_outcomes_total{outcome="added"} 1',
      'natpmp_upnp_faults_total{code="401"} 1',
      'natpmp_upnp_ssdp_total{event="search"} 0',
      'natpmp_upnp_http_total{event="forbidden"} 0',
      'natpmp_upnp_process_total{event="helper_lost"} 1',
      'natpmp_upnp_process_total{event="address_changed"} 1',
    ])
      assert.ok(text.split('\n').includes(line), `${line}\n${text}`);
  },
});
