// natpmp-client keep, as a program, against a gateway that says what the test tells it to.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { claims } from '../support/cases.js';
import { scripted, type Scripted } from '../support/scripted-gateway.js';

const PROGRAM = join(import.meta.dirname, '../../cli/natpmp-client.js');

/** Run `keep`, hand every event to `hear`, and resolve with the exit status. */
async function keep(
  gateway: Scripted,
  hear: (event: { event: string }, stop: () => void) => void,
): Promise<number | null> {
  const child = spawn(
    process.execPath,
    [PROGRAM, `localhost:${gateway.port}`, 'keep', '8080', '80', 'tcp', '60', '--json'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  createInterface({ input: child.stdout }).on('line', (line) => {
    hear(JSON.parse(line) as { event: string }, () => {
      child.kill('SIGTERM');
    });
  });
  const [status] = (await once(child, 'exit')) as [number | null];
  return status;
}

const GONE = '00 82 0000 00000064 1f90 0000 00000000';

/** The epoch of a gateway that goes on, however slow this machine is, as its field: 100 s old at the start. */
const begunMs = performance.now();
const epoch = (): string =>
  Math.floor(100 + (performance.now() - begunMs) / 1000)
    .toString(16)
    .padStart(8, '0');

claims('natpmp-client keep', {
  '§3.3 renews at half the lifetime, with the port granted; at the end it removes the mapping and exits 0':
    async () => {
      const times: number[] = [];
      const gateway = await scripted((request) => {
        times.push(performance.now());
        return request.endsWith('00000000') ? GONE : `00 82 0000 ${epoch()} 1f90 0051 00000003`;
      });
      const events: string[] = [];
      const status = await keep(gateway, ({ event }, stop) => {
        events.push(event);
        if (events.length === 3) stop();
      });
      assert.is(status, 0);
      assert.equal(events, ['mapped', 'renewed', 'renewed', 'removed']);
      assert.equal(gateway.heard, [
        '000200001f9000500000003c',
        '000200001f9000510000003c',
        '000200001f9000510000003c',
        '000200001f90000000000000',
      ]);
      const halves = (times[1] ?? 0) - (times[0] ?? 0);
      assert.ok(halves >= 1490 && halves < 2900, `renewed after ${halves} ms`);
    },
  '§3.7 an epoch that went back makes the mapping again': async () => {
    const gateway = await scripted((request, n) =>
      request.endsWith('00000000') ? GONE : `00 82 0000 000000${n === 0 ? '64' : '00'} 1f90 0051 00000001`,
    );
    const events: string[] = [];
    await keep(gateway, ({ event }, stop) => {
      events.push(event);
      if (events.length === 2) stop();
    });
    assert.equal(events, ['mapped', 'recreated', 'removed']);
  },
  'a renewal that fails is tried again': async () => {
    const gateway = await scripted((request, n) => {
      if (request.endsWith('00000000')) return GONE;
      return `00 82 ${n === 1 ? `0003 ${epoch()} 1f90 0000 00000000` : `0000 ${epoch()} 1f90 0051 00000001`}`;
    });
    const events: string[] = [];
    await keep(gateway, ({ event }, stop) => {
      events.push(event);
      if (events.length === 3) stop();
    });
    assert.equal(events, ['mapped', 'failed', 'renewed', 'removed']);
  },
  'a gateway that refuses from the start ends it': async () => {
    const gateway = await scripted(() => '00 82 0002 00000064 1f90 0000 00000000');
    assert.is(await keep(gateway, () => {}), 12);
    assert.is(gateway.heard.length, 1);
  },
});
