// What natpmp-client makes of a reply, and when it asks again.

import * as assert from 'uvu/assert';
import { GatewayMonitor, type Announcement } from '../../cli/client/announcements.js';
import { hasLostPcpState, hasLostState } from '../../cli/client/epoch.js';
import { describe } from '../../cli/client/format.js';
import { isAnswerTo } from '../../cli/client/exchange.js';
import { ATTEMPTS_MS, pcpAttemptsMs, renewAfterMs, retryAfterMs } from '../../cli/client/timing.js';
import { decodeReply } from '../../cli/client/packets.js';
import type { ClientRequest } from '../../cli/client/packets.js';
import { bytes } from '../support/bytes.js';
import { cases, claims } from '../support/cases.js';

// The floor is 1000 + 7/8 * 80 - 2 = 1068.
cases(
  '§3.6 hasLostState',
  [
    { name: '§3.6 the first that is heard tells nothing', before: null, epoch: 0, atMs: 0, want: false },
    { name: '§3.6 on time', before: 1000, epoch: 1080, atMs: 80_000, want: false },
    { name: '§3.6 a clock slow by an eighth, at the floor', before: 1000, epoch: 1068, atMs: 80_000, want: false },
    { name: '§3.6 a second below the floor', before: 1000, epoch: 1067, atMs: 80_000, want: true },
    { name: '§3.6 a fast clock is no loss', before: 1000, epoch: 5000, atMs: 80_000, want: false },
    { name: '§3.6 two seconds back at once are slack', before: 1000, epoch: 998, atMs: 0, want: false },
    { name: '§3.6 three are not', before: 1000, epoch: 997, atMs: 0, want: true },
    { name: '§3.7 started again', before: 1000, epoch: 0, atMs: 1000, want: true },
  ],
  ({ before, epoch, atMs, want }) =>
    assert.is(
      hasLostState(before === null ? null : { epochSeconds: before, atMs: 0 }, { epochSeconds: epoch, atMs }),
      want,
    ),
);

// 80 s of ours: 1000 + 80 - 80/16 - 2 = 1073; of theirs: t - t/16 > 82 from 88 on.
cases(
  'RFC 6887 §8.5 hasLostPcpState',
  [
    { name: 'the first that is heard tells nothing', before: null, epoch: 0, atMs: 0, want: false },
    { name: 'on time', before: 1000, epoch: 1080, atMs: 80_000, want: false },
    { name: 'a second back is out of order', before: 1000, epoch: 999, atMs: 0, want: false },
    { name: 'two seconds back are a loss', before: 1000, epoch: 998, atMs: 0, want: true },
    { name: 'a clock slow by a sixteenth and the slack', before: 1000, epoch: 1073, atMs: 80_000, want: false },
    { name: 'one second slower', before: 1000, epoch: 1072, atMs: 80_000, want: true },
    { name: 'a clock fast by a sixteenth and the slack', before: 1000, epoch: 1087, atMs: 80_000, want: false },
    { name: 'one second faster', before: 1000, epoch: 1088, atMs: 80_000, want: true },
  ],
  ({ before, epoch, atMs, want }) =>
    assert.is(
      hasLostPcpState(before === null ? null : { epochSeconds: before, atMs: 0 }, { epochSeconds: epoch, atMs }),
      want,
    ),
);

claims('timing', {
  'RFC 6887 §8.1.1 PCP: 3 s, doubling, each a tenth longer or shorter': () => {
    assert.equal(
      pcpAttemptsMs(() => 0.5),
      [3000, 6000, 12_000, 24_000, 48_000],
    );
    assert.equal([pcpAttemptsMs(() => 0)[0], pcpAttemptsMs(() => 1)[4]], [2700, 52_800]);
  },
  '§3.1 nine attempts from 250 ms, doubling: 127.75 s in all': () => {
    assert.equal(ATTEMPTS_MS, [250, 500, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000]);
    assert.is(
      ATTEMPTS_MS.reduce((sum, each) => sum + each),
      127_750,
    );
  },
  '§3.3 renewal at half the lifetime': () => assert.is(renewAfterMs(3600), 1_800_000),
  'the longest lifetime still fits into a timer': () => assert.is(renewAfterMs(0xffffffff), 0x7fffffff),
  'retries slow down, to a minute': () =>
    assert.equal([1, 2, 3, 6, 7, 100].map(retryAfterMs), [1000, 2000, 4000, 32_000, 60_000, 60_000]),
});

const info: ClientRequest = { kind: 'external-address' };

const map: ClientRequest = { kind: 'map', protocol: 'tcp', internalPort: 8080, suggestedExternalPort: 0, lifetime: 1 };

cases(
  'isAnswerTo',
  [
    { name: '§3.2 address to address', request: info, hex: '00 80 0000 00000001 cb00710a', want: true },
    { name: '§3.2 address to a mapping', request: map, hex: '00 80 0000 00000001 cb00710a', want: false },
    { name: '§3.3 its own mapping', request: map, hex: '00 82 0000 00000001 1f90 1f90 00000001', want: true },
    { name: '§3.3 another internal port', request: map, hex: '00 82 0000 00000001 1f91 1f90 00000001', want: false },
    { name: '§3.3 the other protocol', request: map, hex: '00 81 0000 00000001 1f90 1f90 00000001', want: false },
    { name: '§3.5 unsupported version answers everything', request: map, hex: '00 80 0001 00000001', want: true },
    {
      name: '§3.5 unsupported opcode, its own',
      request: map,
      hex: '00 82 0005 00000001 1f90 0000 00000001',
      want: true,
    },
    { name: '§3.5 unsupported opcode, of another', request: info, hex: '00 83 0005 00000001', want: false },
  ],
  ({ request, hex, want }) => {
    const reply = decodeReply(bytes(hex));
    assert.ok(reply !== null);
    if (reply !== null) assert.is(isAnswerTo(request, reply), want);
  },
);

const gateway = { address: '192.168.1.1', port: 5351 };

cases(
  'describe',
  [
    {
      name: '§3.2 address',
      hex: '00 80 0000 0000000a cb00710a',
      status: 0,
      line: 'external address 203.0.113.10, epoch 10 s',
    },
    {
      name: '§3.3 mapping',
      hex: '00 82 0000 0000000a 1f90 1f91 00000e10',
      status: 0,
      line: 'tcp 8080 mapped: external port 8081, for 3600 s, epoch 10 s',
    },
    {
      name: '§3.4 deletion',
      hex: '00 81 0000 0000000a 1f90 0000 00000000',
      deletes: true,
      status: 0,
      line: 'udp 8080 removed, epoch 10 s',
    },
    {
      name: '§3.4 deletion of all',
      hex: '00 81 0000 0000000a 0000 0000 00000000',
      deletes: true,
      status: 0,
      line: 'all udp mappings removed, epoch 10 s',
    },
    {
      name: '§3.5 unsupported version',
      hex: '00 80 0001 0000000a',
      status: 11,
      line: '192.168.1.1:5351: result 1 UNSUPPORTED_VERSION: the gateway does not speak NAT-PMP version 0',
    },
    {
      name: '§3.5 out of resources',
      hex: '00 82 0004 0000000a 1f90 0000 00000000',
      status: 14,
      line:
        '192.168.1.1:5351: result 4 OUT_OF_RESOURCES: the gateway has no more mappings to give to this ' +
        'host, or at all',
    },
    {
      name: 'a result nobody knows',
      hex: '00 80 ffff 0000000a',
      status: 255,
      line: '192.168.1.1:5351: result 65535 UNKNOWN: a result code that RFC 6886 does not know',
    },
  ],
  ({ hex, deletes, status, line }) => {
    const reply = decodeReply(bytes(hex));
    assert.ok(reply !== null);
    if (reply === null) return;
    const said = describe(gateway, { kind: 'reply', reply }, deletes === true);
    assert.is(said.line, line);
    assert.is(said.status, status);
    assert.is(said.report['result'], reply.result);
  },
);

const announcement = (epoch: number, address: number): Announcement => ({
  kind: 'external-address',
  result: 0,
  secondsSinceStartOfEpoch: epoch,
  address,
});

claims('Memory', {
  'the first packet is no news': () =>
    assert.equal(new GatewayMonitor().observe(announcement(0, 1), 0), { lostState: false, addressChanged: false }),
  '§3.2.1 another address is news once': () => {
    const memory = new GatewayMonitor();
    memory.observe(announcement(10, 1), 0);
    assert.equal(memory.observe(announcement(11, 2), 1000), { lostState: false, addressChanged: true });
    assert.equal(memory.observe(announcement(12, 2), 2000), { lostState: false, addressChanged: false });
  },
  '§3.7 a new epoch is news once': () => {
    const memory = new GatewayMonitor();
    memory.observe(announcement(100, 1), 0);
    assert.equal(memory.observe(announcement(0, 1), 1000), { lostState: true, addressChanged: false });
    assert.equal(memory.observe(announcement(0, 1), 1250), { lostState: false, addressChanged: false });
  },
});
