import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createSocket } from 'node:dgram';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import koffi from 'koffi';
import * as assert from 'uvu/assert';
import { openUdp } from '../../cli/server/sockets.js';
import { bindingOf } from '../../caller/datagrams.js';
import { EarliestTimer } from '../../process/earliest-timer.js';
import { onReadable } from '../../process/poll.js';
import { atEnd, cases, claims } from '../support/cases.js';

const pipe = koffi.load(null).func('int pipe(_Out_ int *ends)') as (ends: number[]) => number;

const connect = koffi.load(null).func('int connect(int fd, const uint8_t *address, uint32_t length)') as (
  fd: number,
  address: Uint8Array,
  length: number,
) => number;
const setsockopt = koffi
  .load(null)
  .func('int setsockopt(int fd, int level, int name, const uint8_t *value, uint32_t length)') as (
  fd: number,
  level: number,
  name: number,
  value: Uint8Array,
  length: number,
) => number;
const sendto = koffi
  .load(null)
  .func('intptr_t sendto(int fd, const uint8_t *b, size_t n, int flags, const uint8_t *to, uint32_t length)') as (
  fd: number,
  data: Uint8Array,
  size: number,
  flags: number,
  to: Uint8Array,
  length: number,
) => number;
const SOL_IP = 0;
const IP_RECVERR = 11;
const MODULE = pathToFileURL(resolve(import.meta.dirname, '../../process/poll.js')).href;
const LOOPBACK = 0x7f000001;
/** struct sockaddr_in of a port of 127.0.0.1. */
const sockaddr = (port: number): Uint8Array =>
  new Uint8Array([2, 0, port >>> 8, port & 255, 127, 0, 0, 1, ...Array<number>(8).fill(0)]);

function makePipe(): { read: number; write: number } {
  const ends = [0, 0];
  assert.is(pipe(ends), 0);
  const [read, write] = ends as [number, number];
  return { read, write };
}

/** Runs of a callback, each of which can be awaited. */
function runs() {
  let count = 0;
  let arrived = (): void => {};
  return {
    run(): void {
      count++;
      arrived();
    },
    get count() {
      return count;
    },
    async reach(wanted: number): Promise<void> {
      const late = AbortSignal.timeout(5000);
      while (count < wanted) {
        await new Promise<void>((done, fail) => {
          arrived = done;
          late.addEventListener('abort', () => fail(new Error(`ran ${count} times, not ${wanted}`)));
        });
      }
    },
  };
}

claims('onReadable', {
  'runs for what is there already, for what comes later, and not for what has been read': async () => {
    const { read, write } = makePipe();
    const taken = runs();
    let octets = 0;
    writeSync(write, 'a');
    onReadable(read, 1, () => {
      octets += readSync(read, new Uint8Array(10));
      taken.run();
    });
    await taken.reach(1);
    for (let more = 2; more < 6; more++) {
      writeSync(write, 'b');
      await taken.reach(more);
    }
    assert.equal([taken.count, octets], [5, 5]);
  },
  'runs again, after a rest, while something is left to read': async () => {
    const { read, write } = makePipe();
    const taken = runs();
    writeSync(write, 'a');
    onReadable(read, 1, () => {
      if (taken.count === 3) readSync(read, new Uint8Array(10));
      taken.run();
    });
    await taken.reach(4);
  },
  'one that rests holds up no other': async () => {
    const [resting, other] = [makePipe(), makePipe()];
    const [once, taken] = [runs(), runs()];
    writeSync(resting.write, 'a');
    onReadable(resting.read, 2 ** 31 - 1, () => once.run());
    await once.reach(1);
    onReadable(other.read, 1, () => {
      readSync(other.read, new Uint8Array(10));
      taken.run();
    });
    for (let more = 1; more < 4; more++) {
      writeSync(other.write, 'b');
      await taken.reach(more);
    }
    assert.is(once.count, 1);
  },
  'none after it is stopped, and others go on': async () => {
    const [one, other] = [makePipe(), makePipe()];
    const [stopped, going] = [runs(), runs()];
    const stop = onReadable(one.read, 0, () => {
      readSync(one.read, new Uint8Array(10));
      stopped.run();
    });
    writeSync(one.write, 'a');
    await stopped.reach(1);
    stop();
    writeSync(one.write, 'b');
    onReadable(other.read, 1, () => {
      readSync(other.read, new Uint8Array(10));
      going.run();
    });
    for (let more = 1; more < 4; more++) {
      writeSync(other.write, 'c');
      await going.reach(more);
    }
    assert.is(stopped.count, 1);
  },
  'none either if it is stopped by the call of another that is readable at the same time': async () => {
    const both = [makePipe(), makePipe()];
    const taken = runs();
    const stops: (() => void)[] = both.map(({ read }, index) =>
      onReadable(read, 0, () => {
        readSync(read, new Uint8Array(10));
        stops[1 - index]!();
        taken.run();
      }),
    );
    for (const { write } of both) writeSync(write, 'a');
    await taken.reach(1);
    await new Promise((done) => setTimeout(done, 20));
    assert.is(taken.count, 1);
  },
  'an error is reported, and what comes after it': async () => {
    // An ICMP error of a connected socket (udp(7)): poll(2) reports POLLERR.
    const closed = createSocket('udp4');
    closed.bind(0, '127.0.0.1');
    await once(closed, 'listening');
    const own = openUdp(LOOPBACK, 0, null);
    const { port } = bindingOf(own);
    const there = sockaddr(closed.address().port);
    assert.is(connect(own, there, there.length), 0);
    const taken = runs();
    const reads: string[] = [];
    onReadable(own, 0, () => {
      try {
        reads.push(`${readSync(own, new Uint8Array(10))}`);
      } catch (error) {
        reads.push((error as NodeJS.ErrnoException).code ?? '?');
      }
      taken.run();
    });
    const { port: peer } = closed.address();
    closed.close();
    await once(closed, 'close');
    writeSync(own, 'a');
    await taken.reach(1);
    const again = createSocket('udp4');
    again.bind(peer, '127.0.0.1');
    await once(again, 'listening');
    for (let more = 2; more < 5; more++) {
      again.send('abc', port, '127.0.0.1');
      await taken.reach(more);
    }
    again.close();
    assert.equal(reads, ['ECONNREFUSED', '3', '3', '3']);
  },
  'a file is refused with an error that tells it, and so is what is closed': () => {
    const file = openSync('/dev/null', 'r');
    assert.throws(() => onReadable(file, 0, () => {}), `file descriptor ${file} is no socket`);
    assert.throws(() => onReadable(0x7fff, 0, () => {}), /EBADF/);
    closeSync(file);
  },
  'a second poll of one descriptor is refused until the first is stopped': () => {
    const { read } = makePipe();
    const stop = onReadable(read, 0, () => {});
    assert.throws(() => onReadable(read, 0, () => {}), `file descriptor ${read} is polled already`);
    stop();
    onReadable(read, 0, () => {})();
  },
  'an error that stays, because no read takes it away, is met with a rest': async () => {
    const own = openUdp(LOOPBACK, 0, null);
    assert.is(setsockopt(own, SOL_IP, IP_RECVERR, new Uint8Array([1, 0, 0, 0]), 4), 0);
    const closed = createSocket('udp4').bind(0, '127.0.0.1');
    await once(closed, 'listening');
    const to = sockaddr(closed.address().port);
    closed.close();
    await once(closed, 'close');
    assert.is(sendto(own, new Uint8Array(1), 1, 0, to, to.length), 1); // the ICMP error stays in the error queue
    const taken = runs();
    onReadable(own, 0, () => taken.run());
    await taken.reach(1);
    const from = performance.now();
    await taken.reach(101);
    assert.ok(performance.now() - from >= 50, '100 calls, each after a rest of about 1 ms');
  },
  'an end is reported as well': async () => {
    const { read, write } = makePipe();
    const taken = runs();
    onReadable(read, 1, () => taken.run());
    closeSync(write);
    await taken.reach(1);
  },
});

cases(
  'a process that waits',
  [
    {
      name: 'goes on after its garbage was collected',
      script: `onReadable(0, 0, () => process.exit(3)); setTimeout(() => { gc(); gc(); say('now'); }, 50);`,
    },
    {
      name: 'hears of an error in a call as of any other',
      script: `process.on('uncaughtException', () => process.exit(3));
        onReadable(0, 0, () => { throw new Error('x'); });
        say('now');`,
    },
  ],
  async ({ script }) => {
    const child = spawn(
      process.execPath,
      [
        '--expose-gc',
        '--input-type=module',
        '-e',
        `import { writeSync } from 'node:fs';
        import { onReadable } from ${JSON.stringify(MODULE)};
        const say = (text) => writeSync(1, text);
        setTimeout(() => process.exit(4), 10_000);
        ${script}`,
      ],
      { stdio: ['pipe', 'pipe', 'ignore'] },
    );
    const ended = once(child, 'exit');
    await once(child.stdout, 'data');
    child.stdin.write('a');
    assert.equal(await ended, [3, null]);
  },
);

cases(
  'a process that waits ends when it is to end',
  [
    { name: 'by its own will', script: 'process.exit(3)', code: 3 },
    { name: 'by an error', script: 'throw new Error("x")', code: 1 },
    {
      name: 'by a signal it handles',
      script: 'process.on("SIGTERM", () => process.exit(4)); process.kill(process.pid, "SIGTERM")',
      code: 4,
    },
  ],
  async ({ script, code }) => {
    // 0 is a pipe that nobody writes to.
    const child = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { onReadable } from ${JSON.stringify(MODULE)};
        onReadable(0, 1, () => {});
        setTimeout(() => { ${script} }, 50);`,
      ],
      { stdio: ['pipe', 'ignore', 'ignore'] },
    );
    atEnd(() => {
      child.kill('SIGKILL');
    });
    const late = setTimeout(() => child.kill('SIGKILL'), 20_000);
    const [status] = await once(child, 'exit');
    clearTimeout(late);
    assert.is(status, code);
  },
);

claims('EarliestTimer', {
  'goes off once for all that asked, and again for later ones': async () => {
    const taken = runs();
    let now = 0;
    const alarm = new EarliestTimer(
      () => taken.run(),
      () => now,
    );
    for (const ms of [30, 20, 25, 1]) alarm.within(ms);
    await taken.reach(1);
    now += 100;
    alarm.within(1);
    await taken.reach(2);
    // Had the others been left, they would go off before this one.
    await new Promise((done) => setTimeout(done, 60));
    assert.is(taken.count, 2);
  },
  'comes nearer, and not further': async () => {
    const taken = runs();
    const alarm = new EarliestTimer(
      () => taken.run(),
      () => 0,
    );
    alarm.within(2 ** 30);
    alarm.within(1);
    alarm.within(2 ** 30);
    await taken.reach(1);
    alarm.within(1);
    await taken.reach(2);
  },
});
