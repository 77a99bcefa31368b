import * as assert from 'uvu/assert';
import { announcementDelays, Announcer } from '../../frontend/announce.js';
import { claims } from '../support/cases.js';
import { manualClock } from './support.js';

function watched() {
  const clock = manualClock();
  const sentAt: number[] = [];
  return { clock, sentAt, announcer: new Announcer(() => sentAt.push(clock.now()), clock.schedule) };
}

const TIMES = [0, 250, 750, 1750, 3750, 7750, 15750, 31750, 63750, 127750];

claims('announcements', {
  'R-32 R-33 ten, the first interval 250 ms, each double the last': () =>
    assert.equal([...announcementDelays()], [0, 250, 500, 1000, 2000, 4000, 8000, 16000, 32000, 64000]),
  'R-32 ten in 127.75 s, the first at once': () => {
    const { clock, sentAt, announcer } = watched();
    announcer.start();
    clock.advance(1_000_000);
    assert.equal(sentAt, TIMES);
    assert.is(clock.pending(), 0);
  },
  'R-29 a new event starts over': () => {
    const { clock, sentAt, announcer } = watched();
    announcer.start();
    clock.advance(800);
    announcer.start();
    assert.is(clock.pending(), 1);
    clock.advance(1_000_000);
    assert.equal(sentAt, [0, 250, 750, ...TIMES.map((time) => 800 + time)]);
  },
  'R-29 stopped': () => {
    const { clock, sentAt, announcer } = watched();
    announcer.start();
    clock.advance(300);
    announcer.stop();
    clock.advance(1_000_000);
    assert.equal(sentAt, [0, 250]);
  },
});
