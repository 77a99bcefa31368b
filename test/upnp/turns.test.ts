import * as assert from 'uvu/assert';
import { Turns } from '../../upnp/igd/turns.js';
import { claims } from '../support/cases.js';

/** A step that ends when it is told. */
function step(name: string, log: string[]) {
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const run = async (): Promise<string> => {
    log.push(`${name} begins`);
    await ended;
    log.push(`${name} ends`);
    return name;
  };
  return { run, end };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

claims('turns', {
  'run as many as may be, for each host and in all': async () => {
    const turns = new Turns({ total: 3, perHost: 2 });
    const steps = Array.from({ length: 6 }, (_, index) => step(String(index), []));
    const [a, b, c, d, e] = steps as [Step, Step, Step, Step, Step];
    const first = turns.run(1, a.run);
    const second = turns.run(1, b.run);
    assert.is(turns.run(1, c.run), null, 'the host has two');
    const third = turns.run(2, d.run);
    assert.is(turns.run(3, e.run), null, 'there are three');
    assert.is(turns.total, 3);
    a.end();
    assert.is(await first, '0');
    assert.is(turns.total, 2);
    const fourth = turns.run(3, e.run);
    assert.is.not(fourth, null);
    for (const each of steps) each.end();
    await Promise.all([second, third, fourth]);
    assert.equal([turns.total, turns.remembered], [0, 0]);
  },
  'are given back if one fails': async () => {
    const turns = new Turns({ total: 1, perHost: 1 });
    const failed = turns.run(1, () => Promise.reject(new Error('no')));
    assert.is(await failed!.catch((error: Error) => error.message), 'no');
    assert.is(turns.total, 0);
    assert.is(await turns.run(1, () => Promise.resolve('yes')), 'yes');
  },
  'change one after the other for a host, whatever the protocol': async () => {
    const turns = new Turns({ total: 9, perHost: 9 });
    const log: string[] = [];
    const [a, b, c, other] = ['a', 'b', 'c', 'other'].map((name) => step(name, log)) as [Step, Step, Step, Step];
    const all = [
      turns.inOrder(1, a.run),
      turns.inOrder(1, b.run),
      turns.inOrder(1, c.run),
      turns.inOrder(2, other.run),
    ];
    b.end();
    c.end();
    await settled();
    assert.equal(log, ['a begins', 'other begins']);
    a.end();
    await settled();
    assert.equal(log.slice(2), ['a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
    other.end();
    assert.equal(await Promise.all(all), ['a', 'b', 'c', 'other']);
    assert.is(turns.remembered, 0);
  },
  'go on after one that failed': async () => {
    const turns = new Turns({ total: 9, perHost: 9 });
    const failed = turns.inOrder(1, () => Promise.reject(new Error('no')));
    const next = turns.inOrder(1, () => Promise.resolve('yes'));
    assert.is(await failed.catch((error: Error) => error.message), 'no');
    assert.is(await next, 'yes');
    assert.is(turns.remembered, 0);
  },
});

type Step = ReturnType<typeof step>;
