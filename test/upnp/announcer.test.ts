import * as assert from 'uvu/assert';
import { Announcer } from '../../upnp/ssdp/announcer.js';
import { manualClock } from '../frontend/support.js';
import { claims } from '../support/cases.js';

/** An announcer whose chance is always the same. */
function watched(chance: number) {
  const clock = manualClock();
  const sent: string[] = [];
  const announcer = new Announcer({
    alive: () => void sent.push(`alive ${clock.now()}`),
    byebye: () => void sent.push(`byebye ${clock.now()}`),
    schedule: clock.schedule,
    random: () => chance,
  });
  return { clock, sent, announcer };
}

claims('announcements', {
  'U-16 start: byebye, then three times alive, 200 ms apart': () => {
    const { clock, sent, announcer } = watched(0.5);
    announcer.start();
    clock.advance(500_000);
    assert.equal(sent, ['byebye 50', 'alive 250', 'alive 450', 'alive 650']);
  },
  'U-17 again and again, at random before half of max-age': () => {
    for (const [chance, first, second] of [
      [0, 600_600, 1_200_600],
      [0.999999, 850_699.65, 1_700_699.4],
    ] as const) {
      const { clock, sent, announcer } = watched(chance);
      announcer.start();
      clock.advance(2000);
      sent.length = 0;
      clock.advance(1_799_000 - 2000);
      const times = sent.map((text) => Number(text.replace('alive ', '')));
      assert.ok(Math.abs(times[0]! - first) < 1 && Math.abs(times[1]! - second) < 1, sent.join());
      assert.ok(times[0]! < 900_000, 'before half of 1800 s');
      assert.is(clock.pending(), 1);
    }
  },
  'a change: three times alive, and nothing of the old rhythm is left': () => {
    const { clock, sent, announcer } = watched(0);
    announcer.start();
    clock.advance(10_000);
    sent.length = 0;
    announcer.announceAlive();
    clock.advance(590_000);
    assert.equal(sent, ['alive 10000', 'alive 10200', 'alive 10400']);
    clock.advance(10_400);
    assert.equal(sent.slice(3), ['alive 610400']);
    assert.is(clock.pending(), 1);
  },
  'changes in a row do not put it off, and make no more than a set each 200 ms': () => {
    const { clock, sent, announcer } = watched(0.5);
    announcer.start();
    for (let times = 0; times < 100; times++) {
      announcer.announceAlive();
      clock.advance(10);
    }
    assert.equal(sent, ['byebye 50', 'alive 250', 'alive 450', 'alive 650', 'alive 850']);
    clock.advance(10_000);
    assert.equal(sent.slice(5), ['alive 1050', 'alive 1250', 'alive 1450'], 'three after the last');
  },
  stopped: () => {
    const { clock, sent, announcer } = watched(0);
    announcer.start();
    clock.advance(300);
    announcer.stop();
    clock.advance(1_000_000);
    assert.equal(sent, ['byebye 0', 'alive 200']);
    announcer.announceAlive();
    clock.advance(100);
    assert.equal(sent.slice(2), ['alive 1000300']);
  },
});
