// The same claims about the fake kernel and about nftables in a namespace: what a transaction does, what it refuses,
// and that `repair` brings back exactly the table.

import type { AnyLease, Change, Kernel } from '../../helper/types.js';
import * as assert from 'uvu/assert';
import { NETLINK } from '../../cli/server/sockets.js';
import { NftKernel } from '../../helper/nft/kernel.js';
import { netlinkSocket } from '../../helper/nft/netlink-socket.js';
import { ruleset } from '../../cli/host/ruleset-text.js';
import { leaseKey } from '../../helper/leases.js';
import { formatIpv6 } from '../../proto/ipv6.js';
import { formatIpv4, type Pinhole } from '../../proto/mapping.js';
import { cases, claims, skip } from '../support/cases.js';
import { FakeKernel } from '../support/fake-kernel.js';
import { canMakeNetns, makeNetns } from '../support/netns.js';
import { lease, pinhole } from './leases.js';
import { mappingsOf, pinholesOf } from '../support/mappings.js';
import { CONFIG, NAMES, WITH_PINHOLES } from '../lab/ruleset.js';

const NOW = 1_000_000;
// It goes on, like the kernel's: on a busy machine a test takes longer than two ends may differ.
function clock(): () => number {
  const begun = Date.now();
  return () => NOW + Date.now() - begun;
}
const now = clock();
const add = (after: AnyLease): Change => ({ before: undefined, after });
const remove = (before: AnyLease): Change => ({ before, after: undefined });

const pinholeLine = ({ protocol, address, port }: Pinhole) => `${protocol} [${formatIpv6(address)}]:${port}`;

interface Subject {
  readonly kernel: Kernel;
  /** "tcp 8080 -> 192.168.1.2:80" for each mapping, then "tcp [2001:db8::2]:8080" for each pinhole, both sorted. */
  held(): string[];
  flush(): void;
  /** As if packets had passed. */
  count(lease: AnyLease, packets: number, bytes: number): void;
}

const web = lease({ externalPort: 8080 });
const game = lease({ protocol: 'udp', externalPort: 3074, internalPort: 3074 });
const bobs = lease({ externalPort: 8080, internalAddress: 0xc0a80103 });
const webLine = 'tcp 8080 -> 192.168.1.2:80';
const gameLine = 'udp 3074 -> 192.168.1.2:3074';
const ssh = pinhole({ port: 2222 });
const call = pinhole({ protocol: 'udp', address: 'fedcba9876543210ffffffff80000001', port: 65535 });
const fixed = pinhole({ port: 443, origin: 'static', lifetime: 0, expiresAt: Infinity, nonce: '' });
const sshLine = 'tcp [2001:db8::2]:2222';
const callLine = 'udp [fedc:ba98:7654:3210:ffff:ffff:8000:1]:65535';
const fixedLine = 'tcp [2001:db8::2]:443';
const holes = Array.from({ length: 2000 }, (_, index) => pinhole({ port: 10000 + index }));
const many = Array.from({ length: 2000 }, (_, index) =>
  lease({ externalPort: 10000 + index, internalPort: 1 + index }),
);

const CONTRACT: { name: string; steps: (subject: Subject) => void }[] = [
  {
    name: 'adds and removes',
    steps: ({ kernel, held }) => {
      assert.is(kernel.apply([add(web), add(game)], now()), 'done');
      assert.equal(held(), [webLine, gameLine]);
      assert.is(kernel.apply([remove(web)], now()), 'done');
      assert.equal(held(), [gameLine]);
    },
  },
  {
    name: 'renews without a change of tuple',
    steps: ({ kernel, held }) => {
      kernel.apply([add(web)], now());
      assert.is(kernel.apply([{ before: web, after: { ...web, expiresAt: web.expiresAt + 5000 } }], now()), 'done');
      assert.equal(held(), [webLine]);
    },
  },
  {
    name: 'gives a port to another host in the transaction that takes it from the first',
    steps: ({ kernel, held }) => {
      kernel.apply([add(web)], now());
      assert.is(kernel.apply([remove(web), add(bobs)], now()), 'done');
      assert.equal(held(), ['tcp 8080 -> 192.168.1.3:80']);
    },
  },
  {
    name: 'a mapping that comes and goes within one transaction leaves nothing',
    steps: ({ kernel, held }) => {
      assert.is(kernel.apply([add(web), remove(web)], now()), 'done');
      assert.equal(held(), []);
    },
  },
  {
    name: 'refuses a port that something else holds',
    steps: ({ kernel, held }) => {
      kernel.apply([add(web)], now());
      assert.is(kernel.apply([add(game), add(bobs)], now()), 'out-of-sync');
      assert.ok(held().includes(webLine));
    },
  },
  {
    name: 'removing what is gone already is done',
    steps: ({ kernel, held }) => {
      assert.is(kernel.apply([remove(web), add(game)], now()), 'done');
      assert.equal(held(), [gameLine]);
    },
  },
  {
    name: 'tells what mappings have carried, each in its place, and of what it does not hold nothing',
    steps: ({ kernel, count }) => {
      kernel.apply([add(web), add(game)], now());
      assert.equal(kernel.traffic([]), []);
      assert.equal(kernel.traffic([game, web]), [
        { packets: 0, bytes: 0 },
        { packets: 0, bytes: 0 },
      ]);
      count(web, 7, 2 ** 40 + 1);
      const other = lease({ externalPort: 9999, internalPort: 9999 });
      assert.equal(kernel.traffic([other, web, bobs, other, game]), [
        null,
        { packets: 7, bytes: 2 ** 40 + 1 },
        null,
        null,
        { packets: 0, bytes: 0 },
      ]);
      kernel.apply([remove(web)], now());
      assert.equal(kernel.traffic([web]), [null]);
    },
  },
  {
    name: 'tells the traffic of a whole page, with a gap in it',
    steps: ({ kernel, count }) => {
      const page = many.slice(0, 250);
      kernel.apply(page.filter((_, index) => index !== 100).map(add), now());
      count(page[249] as AnyLease, 3, 4);
      const told = kernel.traffic(page);
      assert.is(told.length, 250);
      assert.equal(
        told.flatMap((each, index) => (each === null ? [index] : [])),
        [100],
      );
      assert.equal(told[249], { packets: 3, bytes: 4 });
    },
  },
  {
    name: 'repair removes the surplus and adds what is missing',
    steps: ({ kernel, held }) => {
      kernel.apply([add(web)], now());
      assert.equal(kernel.repair([game], now), { added: 3, removed: 3 });
      assert.equal(held(), [gameLine]);
      assert.equal(kernel.repair([game], now), { added: 0, removed: 0 });
    },
  },
  {
    name: 'repair after a flush, in several transactions',
    steps: ({ kernel, held, flush }) => {
      assert.is(kernel.apply(many.map(add), now()), 'done');
      flush();
      assert.equal(kernel.repair(many, now), { added: 6000, removed: 0 });
      assert.is(held().length, 2000);
    },
  },
  {
    name: 'adds, renews and removes pinholes, in one transaction with mappings',
    steps: ({ kernel, held }) => {
      assert.is(kernel.apply([add(ssh), add(web), add(call), add(fixed)], now()), 'done');
      assert.equal(held(), [webLine, sshLine, fixedLine, callLine]);
      const renewed = { ...ssh, expiresAt: ssh.expiresAt + 5000, nonce: '' };
      assert.is(kernel.apply([{ before: ssh, after: renewed }, remove(web), remove(fixed)], now()), 'done');
      assert.equal(held(), [sshLine, callLine]);
      assert.is(kernel.apply([remove(renewed), add(fixed), remove(fixed)], now()), 'done');
      assert.equal(held(), [callLine]);
    },
  },
  {
    name: 'a dynamic mapping becomes static',
    steps: ({ kernel, held }) => {
      kernel.apply([add(web)], now());
      const after = { ...web, origin: 'static', lifetime: 0, expiresAt: Infinity } as const;
      assert.is(kernel.apply([{ before: web, after }], now()), 'done');
      assert.equal(held(), [webLine]);
      assert.equal(kernel.repair([after], now), { added: 0, removed: 0 });
    },
  },
  {
    name: 'a dynamic pinhole becomes static',
    steps: ({ kernel, held }) => {
      kernel.apply([add(ssh)], now());
      const after = { ...ssh, origin: 'static', lifetime: 0, expiresAt: Infinity } as const;
      assert.is(kernel.apply([{ before: ssh, after }], now()), 'done');
      assert.equal(held(), [sshLine]);
      assert.equal(kernel.repair([after], now), { added: 0, removed: 0 });
    },
  },
  {
    name: 'tells what pinholes have carried',
    steps: ({ kernel, count }) => {
      kernel.apply([add(ssh), add(call)], now());
      count(ssh, 7, 2 ** 40 + 1);
      assert.equal(kernel.traffic([call, fixed, ssh]), [
        { packets: 0, bytes: 0 },
        null,
        { packets: 7, bytes: 2 ** 40 + 1 },
      ]);
    },
  },
  {
    name: 'repair removes pinholes that are too many and adds what is missing',
    steps: ({ kernel, held }) => {
      kernel.apply([add(ssh), add(call), add(web)], now());
      assert.equal(kernel.repair([call, fixed, game], now), { added: 4, removed: 4 });
      assert.equal(held(), [gameLine, fixedLine, callLine]);
      assert.equal(kernel.repair([call, fixed, game], now), { added: 0, removed: 0 });
    },
  },
  {
    name: 'repair brings back very many pinholes',
    steps: ({ kernel, held, flush }) => {
      assert.is(kernel.apply(holes.map(add), now()), 'done');
      flush();
      assert.equal(kernel.repair(holes, now), { added: 2000, removed: 0 });
      assert.is(held().length, 2000);
      assert.is(kernel.apply(holes.map(remove), now()), 'done');
      assert.equal(held(), []);
    },
  },
  {
    name: 'removes very many in one call',
    steps: ({ kernel, held }) => {
      kernel.apply(many.map(add), now());
      assert.is(kernel.apply(many.map(remove), now()), 'done');
      assert.equal(held(), []);
    },
  },
];

cases('the fake kernel keeps the contract', CONTRACT, ({ steps }) => {
  const kernel = new FakeKernel();
  steps({
    kernel,
    flush: () => kernel.flush({ withRuleset: true }),
    count: (lease, packets, bytes) => void kernel.counted.set(leaseKey(lease), { packets, bytes }),
    held: () => [
      ...mappingsOf(kernel.held.values())
        .map(
          (each) =>
            `${each.protocol} ${each.externalPort} -> 192.168.1.${each.internalAddress & 255}:${each.internalPort}`,
        )
        .sort(),
      ...pinholesOf(kernel.held.values()).map(pinholeLine).sort(),
    ],
  });
});

if (!canMakeNetns()) skip('the kernel contract against nftables', 'network namespaces need root');
else {
  const netns = await makeNetns();
  // The script keeps the elements of sets that are there.
  const script = `table inet nat\ndelete table inet nat\n${ruleset(WITH_PINHOLES)}`;
  const install = () => netns.run('nft', ['-f', '-'], script);
  const open = () =>
    new NftKernel(
      NAMES,
      netlinkSocket(netns.openNetlink(NETLINK.netfilter.protocol, 0)),
      netlinkSocket(netns.openNetlink(NETLINK.netfilter.protocol, NETLINK.netfilter.nftables)),
      true,
    );
  interface ElementJson {
    readonly elem?: { readonly val: unknown; readonly timeout?: number; readonly expires?: number };
  }
  const elements = (kind: 'map' | 'set', name: string): [ElementJson | unknown, unknown][] => {
    const listing = JSON.parse(netns.run('nft', ['-j', 'list', kind, 'inet', 'nat', `NATPMP-${name}`])) as {
      nftables: Record<string, { elem?: unknown[] }>[];
    };
    const found = listing.nftables.find((entry) => entry[kind] !== undefined)?.[kind]?.elem ?? [];
    return found.map((each) => (kind === 'map' ? (each as [ElementJson, unknown]) : [each as ElementJson, null]));
  };
  const concat = (value: unknown) => (value as { concat: unknown[] }).concat;
  const key = (element: ElementJson | unknown) => concat((element as ElementJson).elem?.val ?? element);
  /** Reads all three sets and insists that they say the same. */
  const held = () => {
    const ins = elements('map', 'in')
      .map(([element, data]) => `${key(element).join(' ')} -> ${concat(data).join(':')}`)
      .sort();
    const outs = elements('map', 'out')
      .map(([element, data]) => {
        const [protocol, address, port] = key(element);
        return `${protocol} ${String(data)} -> ${address}:${port}`;
      })
      .sort();
    const lives = elements('set', 'live')
      .map(([element]) => {
        const [protocol, address, port, external] = key(element);
        return `${protocol} ${external} -> ${address}:${port}`;
      })
      .sort();
    assert.equal(outs, ins);
    assert.equal(lives, ins);
    const open = elements('set', 'pinholes').map(([element]) => {
      const [protocol, address, port] = key(element);
      return `${protocol} [${address}]:${port}`;
    });
    return [...ins, ...open.sort()];
  };

  cases('nftables keeps the contract', CONTRACT, ({ steps }) => {
    install();
    const kernel = open();
    assert.equal(kernel.repair([], now), { added: 0, removed: 0 });
    const count = (lease: AnyLease, packets: number, bytes: number) => {
      const [set, element] =
        'address' in lease
          ? ['NATPMP-pinholes', `${lease.protocol} . ${formatIpv6(lease.address)} . ${lease.port}`]
          : [
              'NATPMP-live',
              `${lease.protocol} . ${formatIpv4(lease.internalAddress)} . ${lease.internalPort} . ${lease.externalPort}`,
            ];
      netns.run(
        'nft',
        ['-f', '-'],
        `delete element inet nat ${set} { ${element} }
        add element inet nat ${set} { ${element} counter packets ${packets} bytes ${bytes} timeout 1h }`,
      );
    };
    steps({ kernel, held, flush: install, count });
  });

  claims('nftables', {
    'elements carry the time that is left, static ones none': () => {
      install();
      const kernel = open();
      kernel.repair([], () => NOW);
      kernel.apply([add(lease({ externalPort: 1, expiresAt: NOW + 600_000 }))], NOW);
      kernel.apply(
        [add(lease({ externalPort: 2, internalPort: 2, origin: 'static', lifetime: 0, expiresAt: Infinity }))],
        NOW,
      );
      const times = new Map(elements('map', 'in').map(([each]) => [key(each)[1], (each as ElementJson).elem?.timeout]));
      assert.equal(
        times,
        new Map([
          [1, 600],
          [2, undefined],
        ]),
      );
    },
    'what has ended in the kernel a moment before it is removed costs one look, not a transaction each': async () => {
      install();
      const socket = netlinkSocket(netns.openNetlink(NETLINK.netfilter.protocol, 0));
      const events = netlinkSocket(netns.openNetlink(NETLINK.netfilter.protocol, NETLINK.netfilter.nftables));
      let writes = 0;
      const counting = { read: () => socket.read(), write: (data: Uint8Array) => (writes++, socket.write(data)) };
      const kernel = new NftKernel(NAMES, counting, events, true);
      kernel.repair([], () => NOW);
      const ending = Array.from({ length: 100 }, (_, index) =>
        lease({
          externalPort: 2000 + index,
          internalPort: 1 + index,
          expiresAt: NOW + (index % 2 === 0 ? 1 : 600_000),
        }),
      );
      const last = { ...ssh, expiresAt: NOW + 600_000 };
      kernel.apply([...ending, last].map(add), NOW);
      for (const end = Date.now() + 5000; held().length > 51 && Date.now() < end; );
      writes = 0;
      const removals = [...ending, last].map((before) => ({ before, after: undefined }));
      const next = lease({ externalPort: 2000, internalPort: 9999 });
      assert.is(kernel.apply([...removals, add(next)], NOW), 'done');
      assert.ok(writes <= 5, `${writes} messages to the kernel`);
      assert.is(held().length, 1);
    },
    'a renewal sets the new time at once, longer or shorter (§3.3)': () => {
      install();
      const kernel = open();
      kernel.repair([], () => NOW);
      const sinceThen = clock();
      let current = lease({ externalPort: 7, expiresAt: NOW + 600_000 });
      kernel.apply([add(current)], NOW);
      for (const seconds of [7200, 60]) {
        const next = { ...current, expiresAt: NOW + seconds * 1000 };
        kernel.apply([{ before: current, after: next }], NOW);
        current = next;
        assert.is((elements('map', 'in')[0]?.[0] as ElementJson).elem?.timeout, seconds);
      }
      assert.equal(kernel.repair([current], sinceThen), { added: 0, removed: 0 });
    },
    'a pinhole carries the time that is left, and a renewal sets it at once; a static one has none': () => {
      install();
      const kernel = open();
      kernel.repair([], () => NOW);
      let current = { ...ssh, expiresAt: NOW + 600_000 };
      kernel.apply([add(current), add(fixed)], NOW);
      const times = () =>
        elements('set', 'pinholes').map(([each]) => [key(each)[2], (each as ElementJson).elem?.timeout]);
      assert.equal(times().sort(), [
        [2222, 600],
        [443, undefined],
      ]);
      for (const seconds of [7200, 60, 60]) {
        const next = { ...current, expiresAt: NOW + seconds * 1000 };
        assert.is(kernel.apply([{ before: current, after: next }], NOW), 'done');
        current = next;
        assert.equal(new Map(times() as [number, number][]).get(2222), seconds);
      }
    },
    'a pinhole whose time ran out in the kernel is opened again by a renewal': () => {
      install();
      const kernel = open();
      kernel.repair([], now);
      const gone = { ...ssh, expiresAt: NOW + 1 };
      kernel.apply([add(gone)], now());
      while (elements('set', 'pinholes').length > 0);
      assert.is(kernel.apply([{ before: gone, after: ssh }], now()), 'done');
      assert.equal(held(), [sshLine]);
    },
    'repair corrects a pinhole with the wrong time, and closes what somebody else has opened': () => {
      install();
      const kernel = open();
      kernel.repair([ssh], now);
      netns.run(
        'nft',
        ['-f', '-'],
        `flush set inet nat NATPMP-pinholes
        add element inet nat NATPMP-pinholes { tcp . 2001:db8::2 . 2222 timeout 1d, tcp . 2001:db8::bad . 22, icmpv6 . 2001:db8::2 . 2222 }`,
      );
      assert.is(kernel.takeForeignChange(), true);
      assert.equal(kernel.repair([ssh], now), { added: 1, removed: 3 });
      assert.equal(held(), [sshLine]);
      assert.equal(kernel.repair([ssh], now), { added: 0, removed: 0 });
    },
    'without pinholes, their set is neither needed nor looked at; with them, it is part of the ruleset': () => {
      install();
      netns.run('nft', ['add', 'element', 'inet', 'nat', 'NATPMP-pinholes', '{ tcp . 2001:db8::bad . 22 }']);
      const without = new NftKernel(
        NAMES,
        netlinkSocket(netns.openNetlink(NETLINK.netfilter.protocol, 0)),
        netlinkSocket(netns.openNetlink(NETLINK.netfilter.protocol, NETLINK.netfilter.nftables)),
      );
      assert.equal(without.repair([web], now), { added: 3, removed: 0 });
      assert.equal(elements('set', 'pinholes').length, 1);
      netns.run('nft', ['-f', '-'], `table inet nat\ndelete table inet nat\n${ruleset(CONFIG)}`);
      assert.equal(without.repair([web], now), 'no-ruleset', 'it had more rules');
      assert.is(open().repair([web], now), 'no-ruleset');
    },
    'a renewal for as long as before begins that time again, in every set': () => {
      install();
      const kernel = open();
      kernel.repair([], () => NOW);
      const before = lease({ externalPort: 7, expiresAt: NOW + 600_000 });
      kernel.apply([add(before)], NOW);
      const left = () =>
        [...elements('map', 'in'), ...elements('map', 'out'), ...elements('set', 'live')].map(
          ([element]) => (element as ElementJson).elem?.expires ?? 0,
        );
      while (Math.max(...left()) > 598); // two seconds, by the kernel's own count
      const after = { ...before, expiresAt: before.expiresAt + 2000 };
      assert.is(kernel.apply([{ before, after }], NOW + 2000), 'done');
      assert.ok(Math.min(...left()) >= 599, `${left()}`);
      assert.is(left().length, 3);
    },
    'an element whose time ran out in the kernel is added again by a renewal': () => {
      install();
      const kernel = open();
      kernel.repair([], now);
      const gone = lease({ externalPort: 7, expiresAt: NOW + 1 });
      kernel.apply([add(gone)], now());
      // The kernel ends it by itself within a tick, in one set after the other.
      while (elements('map', 'in').length + elements('map', 'out').length + elements('set', 'live').length > 0);
      assert.is(kernel.apply([{ before: gone, after: lease({ externalPort: 7 }) }], now()), 'done');
      assert.is(held().length, 1);
    },
    'our own transactions are no disturbance, those of others are': () => {
      install();
      const kernel = open();
      kernel.repair([], now);
      kernel.apply([add(web)], now());
      assert.is(kernel.takeForeignChange(), false);
      netns.run('nft', ['add', 'table', 'ip', 'other']);
      netns.run('nft', ['delete', 'table', 'ip', 'other']);
      assert.is(kernel.takeForeignChange(), false);
      netns.run('nft', ['flush', 'map', 'inet', 'nat', 'NATPMP-in']);
      assert.is(kernel.takeForeignChange(), true);
      assert.is(kernel.takeForeignChange(), false);
      assert.equal(kernel.repair([web], now), { added: 1, removed: 0 });
      netns.run('nft', ['flush', 'ruleset']);
      assert.is(kernel.takeForeignChange(), true);
      assert.is(kernel.repair([web], now), 'no-ruleset');
      assert.is(kernel.apply([add(game)], now()), 'out-of-sync');
    },
    'a repair whose own events overrun the socket is no disturbance, and what others did meanwhile is': () => {
      install();
      const kernel = open();
      // Static, because the kernel's clock goes on while a busy machine takes its time.
      const very = Array.from({ length: 20_000 }, (_, index) =>
        lease({
          externalPort: 10_000 + index,
          internalPort: 1 + index,
          origin: 'static',
          lifetime: 0,
          expiresAt: Infinity,
        }),
      );
      assert.equal(kernel.repair(very, now), { added: 60_000, removed: 0 });
      assert.is(kernel.takeForeignChange(), false);
      netns.run('nft', ['flush', 'map', 'inet', 'nat', 'NATPMP-in']);
      assert.equal(kernel.repair(very, now), { added: 20_000, removed: 0 });
      netns.run('nft', ['flush', 'map', 'inet', 'nat', 'NATPMP-out']);
      assert.is(kernel.takeForeignChange(), true);
    },
    'what others change while the sets are being read is a disturbance': () => {
      install();
      const socket = netlinkSocket(netns.openNetlink(NETLINK.netfilter.protocol, 0));
      let flushes = false;
      const kernel = new NftKernel(
        NAMES,
        {
          read: () => socket.read(),
          write(data) {
            // The dump of the last set is being asked for: the first has been read.
            if (flushes && Buffer.from(data).includes('live\0'))
              netns.run('nft', ['flush', 'map', 'inet', 'nat', 'NATPMP-in']);
            socket.write(data);
          },
        },
        netlinkSocket(netns.openNetlink(NETLINK.netfilter.protocol, NETLINK.netfilter.nftables)),
      );
      kernel.repair([web], now);
      flushes = true;
      assert.equal(kernel.repair([web], now), { added: 0, removed: 0 });
      flushes = false;
      assert.is(kernel.takeForeignChange(), true);
      assert.equal(kernel.repair([web], now), { added: 1, removed: 0 });
    },
    'a table that changes while it is read is read again, and compared with all leases again': () => {
      install();
      const socket = netlinkSocket(netns.openNetlink(NETLINK.netfilter.protocol, 0));
      let changes = 0;
      const kernel = new NftKernel(
        NAMES,
        {
          write: (data) => socket.write(data),
          read() {
            const data = socket.read();
            // NFT_MSG_NEWSETELEM; NLM_F_DUMP_INTR
            if (changes > 0 && data?.readUInt16LE(4) === 0x0a0c)
              data.writeUInt16LE(data.readUInt16LE(6) | 0x10, 6), changes--;
            return data;
          },
        },
        netlinkSocket(netns.openNetlink(NETLINK.netfilter.protocol, NETLINK.netfilter.nftables)),
      );
      // As the helper passes them: an iterator, which can be walked once.
      const leases = () => new Set([web, game]).values();
      assert.equal(kernel.repair(leases(), now), { added: 6, removed: 0 });
      for (changes = 1; changes > 0; ) assert.equal(kernel.repair(leases(), now), { added: 0, removed: 0 });
      assert.equal(held(), [webLine, gameLine]);
    },
    'without its rules there is no ruleset, whatever the sets hold': () => {
      install();
      const kernel = open();
      kernel.repair([web], now);
      netns.run('nft', ['flush', 'chain', 'inet', 'nat', 'NATPMP-live']);
      assert.is(kernel.takeForeignChange(), true);
      assert.is(kernel.repair([web], now), 'no-ruleset');
      install();
      assert.equal(kernel.repair([web], now), { added: 3, removed: 0 });
      netns.run('nft', ['flush', 'table', 'inet', 'nat']);
      assert.is(kernel.repair([web], now), 'no-ruleset');
    },
    'repair mends a wrong timeout and a wrong destination': () => {
      install();
      const kernel = open();
      kernel.repair([], now);
      kernel.apply([add(web), add(game)], now());
      netns.run(
        'nft',
        ['-f', '-'],
        `delete element inet nat NATPMP-in { tcp . 8080 }
        add element inet nat NATPMP-in { tcp . 8080 timeout 1h : 192.168.1.9 . 80 }
        delete element inet nat NATPMP-live { udp . 192.168.1.2 . 3074 . 3074 }
        add element inet nat NATPMP-live { udp . 192.168.1.2 . 3074 . 3074 timeout 9h }`,
      );
      assert.equal(kernel.repair([web, game], now), { added: 2, removed: 2 });
      assert.equal(held(), [webLine, gameLine]);
    },
  });

  // The sockets outlive the process: the next one gets them as they were left.
  cases(
    'nftables: who inherits the sockets of one that was killed',
    [
      {
        name: 'between a request and its answer',
        readsBefore: 0,
        left: (kernel: NftKernel) => kernel.apply([add(game)], now()),
        differs: 0,
      },
      {
        name: 'in the middle of reading the table',
        readsBefore: 4,
        left: (kernel: NftKernel) => kernel.repair(many, now),
        differs: 3,
      },
    ],
    ({ readsBefore, left, differs }) => {
      install();
      const requests = netlinkSocket(netns.openNetlink(NETLINK.netfilter.protocol, 0));
      const events = netlinkSocket(netns.openNetlink(NETLINK.netfilter.protocol, NETLINK.netfilter.nftables));
      let reads = Infinity;
      const dying = new NftKernel(
        NAMES,
        {
          write: (data) => requests.write(data),
          read() {
            if (reads-- <= 0) throw new Error('killed');
            return requests.read();
          },
        },
        events,
      );
      assert.equal(dying.repair(many, now), { added: 6000, removed: 0 });
      reads = readsBefore;
      assert.throws(() => left(dying), /killed/);

      const next = new NftKernel(NAMES, requests, events);
      assert.equal(next.repair([game, ...many], now), { added: differs, removed: 0 });
      assert.is(next.takeForeignChange(), false);
    },
  );
}
