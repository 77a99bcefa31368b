import * as assert from 'uvu/assert';
import { bootIdOf, silentMs } from '../../upnp/ssdp/boot-id.js';
import { cases, claims } from '../support/cases.js';

const AT = Date.UTC(2026, 10, 28);

claims('BOOTID', {
  'U-19 is greater after each start, however soon the next one is': () => {
    let last = 0;
    // Each is killed once it has sent its first message, and the next one is started in the same moment.
    for (let startedAtMs = AT, count = 0; count < 1000; count++) {
      const bootId = bootIdOf(startedAtMs);
      assert.ok(bootId > last, `${bootId} after ${last}`);
      last = bootId;
      const readyAtMs = startedAtMs + (count % 400) + 0.25;
      startedAtMs = readyAtMs + silentMs(startedAtMs, readyAtMs);
    }
  },
  'U-19 grows when a clock that began in 1970 is set': () => assert.ok(bootIdOf(20_000) < bootIdOf(AT) % 2 ** 31),
});

cases(
  'U-19 for how long nothing is sent',
  [
    { name: 'started at the beginning of a unit, at once', startedAtMs: AT, nowMs: AT, want: 250 },
    { name: 'later', startedAtMs: AT, nowMs: AT + 249.5, want: 1 },
    { name: 'near its end', startedAtMs: AT + 249, nowMs: AT + 249, want: 1 },
    { name: 'when it is over', startedAtMs: AT, nowMs: AT + 250, want: 0 },
    { name: 'long after it', startedAtMs: AT, nowMs: AT + 9000, want: 0 },
    { name: 'the clock was set back meanwhile', startedAtMs: AT, nowMs: AT - 3_600_000, want: 250 },
    { name: 'the clock was set forward meanwhile', startedAtMs: AT, nowMs: AT + 3_600_000, want: 0 },
  ],
  ({ startedAtMs, nowMs, want }) => assert.is(silentMs(startedAtMs, nowMs), want),
);
