import { readSync, writeSync } from 'node:fs';
import * as assert from 'uvu/assert';
import type { RouteSocket } from '../../caller/route/socket.js';
import { AddressWatch } from '../../caller/route/address.js';
import type { Ipv4 } from '../../proto/mapping.js';
import { formatIpv4 } from '../../proto/mapping.js';
import { claims, skip } from '../support/cases.js';
import { canMakeNetns, makeNetns } from '../support/netns.js';
import { ip, manualClock } from '../frontend/support.js';

const UNIVERSE = 0;

function message(type: number, flags: number, sequence: number, body: readonly number[]): Buffer {
  const octets = Buffer.alloc(16 + body.length);
  octets.writeUInt32LE(octets.length, 0);
  octets.writeUInt16LE(type, 4);
  octets.writeUInt16LE(flags, 6);
  octets.writeUInt32LE(sequence, 8);
  octets.set(body, 16);
  return octets;
}

/** A kernel with one interface, eth1, and a default route over it, whose reads can be made to fail. */
class FakeKernel implements RouteSocket {
  address: Ipv4 | null = null;
  index = 4;
  dumps = 0;
  flags = 2;
  isRouted = true;
  readonly queue: (Buffer | 'overrun')[] = [];

  write(request: Uint8Array): void {
    this.dumps++;
    const sequence = request[8]!;
    if (request[4] === 26) {
      this.queue.push(
        this.isRouted
          ? message(24, 0, sequence, [2, 32, 0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 8, 0, 15, 0, 254, 0, 0, 0])
          : message(2, 0, sequence, [0x9b, 0xff, 0xff, 0xff]),
      );
      return;
    }
    if (request[4] === 18) {
      const name = [...Buffer.from('eth1\0'), 0, 0, 0];
      this.queue.push(
        message(16, this.flags, sequence, [0, 0, 0, 0, this.index, ...Array<number>(11).fill(0), 9, 0, 3, 0, ...name]),
      );
    } else if (this.address !== null) {
      const octets = formatIpv4(this.address).split('.').map(Number);
      this.queue.push(
        message(20, this.flags, sequence, [2, 24, 0x80, UNIVERSE, this.index, 0, 0, 0, 8, 0, 2, 0, ...octets]),
      );
    }
    this.queue.push(message(3, this.flags, sequence, [0, 0, 0, 0]));
  }

  read(into: Uint8Array): number | 'empty' | 'overrun' {
    const next = this.queue.shift();
    if (next === undefined || next === 'overrun') return next ?? 'empty';
    into.set(next);
    return next.length;
  }

  event(): void {
    this.queue.push(message(20, 0, 0, []));
  }
}

function watched() {
  const kernel = new FakeKernel();
  const changes: (Ipv4 | null)[] = [];
  const again: string[] = [];
  const clock = manualClock();
  const watch = new AddressWatch(
    kernel,
    'eth1',
    (address) => changes.push(address),
    () => again.push('again'),
    clock.schedule,
  );
  return { kernel, changes, again, clock, watch };
}

claims('AddressWatch', {
  'R-27 asks at the first poll, and then only after an event': () => {
    const { kernel, changes, watch } = watched();
    kernel.address = 1;
    for (let polls = 0; polls < 5; polls++) watch.poll();
    assert.equal([kernel.dumps, changes], [3, [1]]);
    kernel.address = 2;
    for (let events = 0; events < 100; events++) kernel.event();
    watch.poll();
    assert.equal([kernel.dumps, changes], [6, [1, 2]], 'a hundred events are one look');
  },
  'R-26 the address goes, and comes back on a new interface': () => {
    const { kernel, changes, clock, watch } = watched();
    kernel.address = 1;
    watch.poll();
    kernel.address = null;
    kernel.event();
    watch.poll();
    clock.advance(2000);
    assert.is(watch.address, null);
    kernel.address = 1;
    kernel.index = 9;
    kernel.event();
    watch.poll();
    assert.equal(changes, [1, null, 1]);
  },
  'R-27 it goes and comes back within two seconds: nobody hears of it': () => {
    const { kernel, changes, clock, watch } = watched();
    kernel.address = 1;
    watch.poll();
    for (const lossMs of [50, 1000, 1999]) {
      kernel.address = null;
      kernel.event();
      watch.poll();
      clock.advance(lossMs);
      assert.is(watch.address, 1);
      kernel.address = 1;
      kernel.event();
      watch.poll();
      clock.advance(10_000);
    }
    assert.equal(changes, [1]);
    assert.is(clock.pending(), 0);
  },
  'R-26 events while it is gone do not put the news off': () => {
    const { kernel, changes, clock, watch } = watched();
    kernel.address = 1;
    watch.poll();
    kernel.address = null;
    for (let tenths = 0; tenths < 20; tenths++) {
      kernel.event();
      watch.poll();
      assert.equal(changes, [1]);
      clock.advance(100);
    }
    assert.equal(changes, [1, null]);
  },
  'R-27 another address in its place is told at once': () => {
    const { kernel, changes, clock, watch } = watched();
    kernel.address = 1;
    watch.poll();
    kernel.address = null;
    kernel.event();
    watch.poll();
    clock.advance(50);
    kernel.address = 2;
    kernel.event();
    watch.poll();
    assert.equal(changes, [1, 2]);
    clock.advance(10_000);
    assert.equal(changes, [1, 2]);
  },
  'R-28 no route: the address is told all the same': () => {
    const { kernel, changes, watch } = watched();
    kernel.isRouted = false;
    kernel.address = 1;
    watch.poll();
    assert.equal(changes, [1]);
  },
  'R-27 events that change nothing are not told': () => {
    const { kernel, changes, watch } = watched();
    kernel.address = 1;
    watch.poll();
    kernel.event();
    watch.poll();
    assert.equal(changes, [1]);
  },
  'R-27 an overrun is an event': () => {
    const { kernel, changes, watch } = watched();
    watch.poll();
    kernel.address = 1;
    kernel.queue.push('overrun');
    watch.poll();
    assert.equal(changes, [1]);
  },
  'R-27 an event during the dump: once more': () => {
    const { kernel, changes, watch } = watched();
    kernel.address = 1;
    const write = kernel.write.bind(kernel);
    kernel.write = (request) => {
      if (kernel.dumps === 1) kernel.event();
      write(request);
    };
    watch.poll();
    kernel.address = 2;
    watch.poll();
    assert.equal(changes, [1, 2]);
    watch.poll();
    assert.is(kernel.dumps, 6);
  },
  'R-27 an interrupted dump is not believed': () => {
    const { kernel, changes, watch } = watched();
    kernel.address = 1;
    kernel.flags = 2 | 16;
    watch.poll();
    assert.equal(changes, []);
    kernel.flags = 2;
    watch.poll();
    assert.equal(changes, [1]);
  },
  'R-27 nor one whose parts were lost': () => {
    const { kernel, changes, watch } = watched();
    kernel.address = 1;
    const write = kernel.write.bind(kernel);
    kernel.write = (request) => {
      write(request);
      if (kernel.dumps === 2) kernel.queue.splice(-2, 1, 'overrun');
    };
    watch.poll();
    assert.equal([changes, kernel.queue], [[], []]);
    watch.poll();
    assert.equal(changes, [1]);
  },
  'R-27 an interrupted dump is read to its end, before which the kernel refuses the next': () => {
    const { kernel, watch } = watched();
    kernel.flags = 2 | 16;
    watch.poll();
    assert.equal([kernel.dumps, kernel.queue], [1, []]);
  },
  'R-27 it asks to be polled again where there may be nothing to read, and else does not': () => {
    const { kernel, again, watch } = watched();
    watch.poll();
    kernel.event();
    watch.poll();
    assert.equal(again, []);
    watch.markStale();
    assert.equal(again, ['again'], 'someone else has read the event');
    kernel.flags = 2 | 16;
    watch.poll();
    assert.equal(again, ['again', 'again'], 'a dump that cannot be relied on');
    kernel.flags = 2;
    watch.poll();
    assert.is(again.length, 2);
  },
  'R-27 a dump that breaks off is asked for again': () => {
    const { kernel, changes, watch } = watched();
    kernel.address = 1;
    const write = kernel.write.bind(kernel);
    kernel.write = (request) => {
      write(request);
      if (kernel.dumps === 2) kernel.queue.pop(); // no end
    };
    watch.poll();
    assert.equal(changes, []);
    watch.poll();
    assert.equal(changes, [1]);
  },
  'D-5 a socket that never ends does not hold the process': () => {
    let reads = 0;
    const socket: RouteSocket = {
      write() {},
      read: () => {
        reads++;
        return 'overrun';
      },
    };
    new AddressWatch(
      socket,
      'eth1',
      () => {},
      () => {},
      manualClock().schedule,
    ).poll();
    assert.ok(reads < 10_000);
  },
});

if (canMakeNetns()) {
  const netns = await makeNetns();
  const fd = netns.openNetlink(0, 80);
  const socket: RouteSocket = {
    write: (request) => void writeSync(fd, request),
    read(into) {
      try {
        return readSync(fd, into);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 'empty';
        throw error;
      }
    },
  };
  const changes: (Ipv4 | null)[] = [];
  const clock = manualClock();
  const watch = new AddressWatch(
    socket,
    'ppp0',
    (address) => changes.push(address),
    () => {},
    clock.schedule,
  );
  /** Change something with `ip`, and see what comes of it at once. */
  const after = (...commands: string[]): (Ipv4 | null)[] => {
    for (const command of commands) netns.run('ip', command.split(' '));
    watch.poll();
    return changes.splice(0);
  };
  /** The same, and what comes of it within two seconds. */
  const later = (...commands: string[]): (Ipv4 | null)[] => {
    const atOnce = after(...commands);
    clock.advance(2000);
    return [...atOnce, ...changes.splice(0)];
  };

  claims('AddressWatch, the real kernel', {
    'R-26 no such interface': () => assert.equal(after(), []),
    'R-26 no address yet': () => assert.equal(after('link add ppp0 type veth peer name far0'), []),
    'R-27 an address, beside a link-local one': () =>
      assert.equal(
        after('addr add 169.254.3.4/16 scope link dev ppp0', 'addr add 203.0.113.7 peer 10.64.0.1 dev ppp0'),
        [ip('203.0.113.7')],
      ),
    'R-28 a second and a secondary one change nothing': () =>
      assert.equal(after('addr add 198.51.100.9/24 dev ppp0', 'addr add 198.51.100.10/24 dev ppp0'), []),
    'R-28 an address of another interface changes nothing': () =>
      assert.equal(after('addr add 192.0.2.1/24 dev far0'), []),
    'R-27 it goes, and another one is left: not news at once': () =>
      assert.equal(after('addr del 203.0.113.7 peer 10.64.0.1 dev ppp0'), []),
    'R-27 it comes back, behind the others': () => {
      assert.equal(later('addr add 203.0.113.7 peer 10.64.0.1 dev ppp0'), []);
      assert.is(watch.address, ip('203.0.113.7'));
    },
    'R-28 a route decides: the address in the network of the gateway': () =>
      assert.equal(after('link set ppp0 up', 'link set far0 up', 'route add default via 198.51.100.1'), [
        ip('198.51.100.9'),
      ]),
    'R-28 a gateway that is the peer of a point-to-point link': () =>
      assert.equal(after('route replace default via 10.64.0.1'), [ip('203.0.113.7')]),
    'R-28 a preferred source is for the router’s own traffic: masquerade does not heed it': () =>
      assert.equal(after('route replace default via 198.51.100.1 src 203.0.113.7'), [ip('198.51.100.9')]),
    'R-28 the route goes: the address stays': () => assert.equal(later('route del default'), []),
    'R-28 a route over another interface decides nothing': () => {
      netns.run('ip', 'link add wan1 type veth peer name far1'.split(' '));
      assert.equal(
        later('addr add 192.0.2.9/24 dev wan1', 'link set wan1 up', 'route add default via 192.0.2.1 dev wan1'),
        [],
      );
    },
    'R-27 it goes for longer than two seconds: another address': () =>
      assert.equal(later('addr del 198.51.100.9/24 dev ppp0', 'addr flush to 198.51.100.10 dev ppp0'), [
        ip('203.0.113.7'),
      ]),
    'R-26 the interface goes': () => {
      assert.equal(after('link del ppp0'), []);
      assert.equal(later(), [null]);
    },
    'R-27 it is made again, with another index': () =>
      assert.equal(after('link add ppp0 type veth peer name far0', 'addr add 203.0.113.8/32 dev ppp0'), [
        ip('203.0.113.8'),
      ]),
    'R-27 among two hundred interfaces': () => {
      for (let n = 0; n < 100; n++) netns.run('ip', `link add a${n} type veth peer name b${n}`.split(' '));
      assert.equal(later('addr add 203.0.113.9/32 dev a99', 'addr del 203.0.113.8/32 dev ppp0'), [null]);
      assert.equal(after('addr add 203.0.113.8/32 dev ppp0'), [ip('203.0.113.8')]);
    },
  });
} else {
  skip('AddressWatch, the real kernel', 'not root');
}
