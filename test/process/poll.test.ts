import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, readSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import koffi from 'koffi';
import * as assert from 'uvu/assert';
import { EarliestTimer } from '../../process/earliest-timer.js';
import { onReadable } from '../../process/poll.js';
import { atEnd, cases, claims } from '../support/cases.js';

const pipe = koffi.load(null).func('int pipe(_Out_ int *ends)') as (ends: number[]) => number;

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
  'one call for several descriptors; none after it is stopped, and others go on': async () => {
    const [one, other, third] = [makePipe(), makePipe(), makePipe()];
    const [both, going] = [runs(), runs()];
    const stop = onReadable([one.read, other.read], 0, () => {
      for (const { read } of [one, other]) readSync(read, new Uint8Array(10));
      both.run();
    });
    writeSync(one.write, 'a');
    writeSync(other.write, 'b');
    await both.reach(1);
    stop();
    const { count } = both;
    writeSync(one.write, 'c');
    onReadable(third.read, 1, () => {
      readSync(third.read, new Uint8Array(10));
      going.run();
    });
    for (let more = 1; more < 4; more++) {
      writeSync(third.write, 'd');
      await going.reach(more);
    }
    assert.is(both.count, count);
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
    const module = pathToFileURL(resolve(import.meta.dirname, '../../process/poll.js')).href;
    // 0 is a pipe that nobody writes to.
    const child = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { onReadable } from ${JSON.stringify(module)};
        onReadable(0, 1, () => {}); onReadable(0, 1, () => {});
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
