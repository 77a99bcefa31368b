// What the tests of PCP answers share: requests and replies as bytes, a gateway without sockets, and what is asked of its
// helper.

import * as assert from 'uvu/assert';
import type { PcpContext } from '../../frontend/pcp/answer.js';
import { createPcpResponder } from '../../frontend/pcp/answer.js';
import { PinholeReplica } from '../../caller/pinhole-replica.js';
import type { Device } from '../../caller/route/devices.js';
import type { Answer } from '../../proto/client.js';
import type { Reason, Request } from '../../proto/codec.js';
import type { Ipv6, Pinhole } from '../../proto/mapping.js';
import { RateLimiter } from '../../proto/token-bucket.js';
import { bytes, hex } from '../support/bytes.js';
import type { Setting } from './support.js';
import { gatewayWith, NOW, ScriptedHelper } from './support.js';

/** 2001:db8:1::a0a */
export const HOST: Ipv6 = '20010db8000100000000000000000a0a';
export const OTHER: Ipv6 = '20010db8000100000000000000000b0b';
export const NONE = '0'.repeat(32);
export const NONCE = '0102030405060708090a0b0c';
export const MAC = 0x0200_0000_0007;
export const BR_LAN = 3;
export const ZEROS = '00'.repeat(12);

export const EPOCH = '00012345';
export const open = (fields = '', host = HOST, lifetime = '00001c20'): string =>
  `02 01 0000 ${lifetime} ${host} ${fields === '' ? TCP : fields}`;
export const close = (fields = '', host = HOST): string => open(fields, host, '00000000');
export const TCP = `${NONCE} 06 000000 1ae1 0000 ${NONE}`;
export const UDP = `${NONCE} 11 000000 1ae1 0000 ${NONE}`;
export const granted = (lifetime = '00001c20', protocol = '06', epoch = EPOCH): string =>
  `02 81 00 00 ${lifetime} ${epoch} ${ZEROS} ${NONCE} ${protocol} 000000 1ae1 1ae1 ${HOST}`;
export const failed = (result: string, lifetime: string, fields = TCP, epoch = EPOCH): string =>
  `02 81 00 ${result} ${lifetime} ${epoch} ${ZEROS} ${fields}`;
export const LONG = '00000708';
export const SHORT = '0000001e';

interface PcpSetting extends Omit<Setting, 'leases' | 'isLanHost' | 'hardwareAddress' | 'newMappings'> {
  readonly pinholes?: readonly Pinhole[];
  readonly isHost?: PcpContext['isLanHost'];
  /** What is found, one look after the other; the last one stays. */
  readonly devices?: readonly Device[];
  readonly newPinholes?: RateLimiter;
}

export function contextWith({ isHost, ...setting }: PcpSetting) {
  const { state, helper, inFlight, counters, clock, schedule, startedAtMs, config } = gatewayWith(setting);
  const pinholes = new PinholeReplica();
  pinholes.reset(setting.pinholes ?? []);
  const devices = [...(setting.devices ?? [MAC])];
  const resolved: string[] = [];
  const context: PcpContext = {
    state,
    helper,
    inFlight,
    counters,
    clock,
    schedule,
    startedAtMs,
    config,
    pinholes,
    newPinholes: setting.newPinholes ?? new RateLimiter({ burst: 1000, intervalMs: 1 }),
    isLanHost: isHost ?? (() => true),
    findDevice: () => (devices.length > 1 ? devices.shift()! : devices[0]!),
    resolve: (interfaceIndex, host) => resolved.push(`${interfaceIndex} ${host}`),
    resolving: { count: 0 },
  };
  return { context, resolved };
}

export function pinhole(more: Partial<Pinhole> = {}): Pinhole {
  const lifetime = 7200;
  return {
    protocol: 'tcp',
    address: HOST,
    port: 0x1ae1,
    origin: 'dynamic',
    lifetime,
    expiresAt: NOW + lifetime * 1000,
    hardwareAddress: MAC,
    ...more,
  };
}
export const staticPinhole = pinhole({ origin: 'static', lifetime: 0, expiresAt: Infinity, hardwareAddress: 0 });

export function addition(more: Partial<Extract<Request, { kind: 'add-pinhole' }>> = {}): Request {
  return {
    kind: 'add-pinhole',
    protocol: 'tcp',
    address: HOST,
    port: 0x1ae1,
    lifetime: 7200,
    origin: 'dynamic',
    nonce: NONCE,
    hardwareAddress: MAC,
    ...more,
  };
}
export const removal: Request = { kind: 'remove-pinhole', protocol: 'tcp', address: HOST, port: 0x1ae1, nonce: NONCE };
export const yes = (more: Partial<Pinhole> = {}): Answer => ({ kind: 'pinhole-granted', pinhole: pinhole(more) });
export const no = (reason: Reason): Answer => ({ kind: 'refused', reason });

export interface Row {
  readonly name: string;
  readonly wire: string;
  readonly source?: Ipv6;
  readonly setting?: PcpSetting;
  readonly script?: readonly (readonly [Request, Answer])[];
  /** Null for silence. */
  readonly want: string | null;
  readonly counted: Parameters<PcpContext['counters']['get']>[0];
}

export async function check(row: Row): Promise<void> {
  const helper = new ScriptedHelper(row.script ?? []);
  const { context } = contextWith({ ...row.setting, helper });
  const datagram = Buffer.from(bytes(row.wire)); // as the sockets give it: its `slice` is no copy
  const answer = createPcpResponder(context)(datagram, row.source ?? HOST, false, BR_LAN);
  datagram.fill(0xee); // the buffer is used again
  const reply = await answer;
  assert.is(reply === null ? null : hex(reply), row.want?.replaceAll(' ', '') ?? null);
  assert.equal(helper.unexpected, []);
  assert.ok(helper.isDone, 'the helper was asked for all that it expected');
  assert.is(context.counters.get(row.counted), 1);
  assert.is(context.inFlight.total, 0);
}
export const three = [1, 2, 3].map((port) => pinhole({ port, address: OTHER }));
