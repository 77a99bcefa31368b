// The caller's end of the contract on a real socket, against a helper that says what the test tells it to.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Router } from 'zeromq';
import { openListener } from '../../cli/server/sockets.js';
import { Server } from '../../helper/server.js';
import type { Answer, HelperClient } from '../../proto/client.js';
import { connectHelper } from '../../proto/client.js';
import type { Event, Request, Response } from '../../proto/codec.js';
import { decodeRequest, encodeResponse } from '../../proto/codec.js';
import { lease } from '../helper/leases.js';
import { bytes } from '../support/bytes.js';
import { StatsRecorder } from '../../proto/totals.js';
import { atEnd, claims } from '../support/cases.js';

const folder = mkdtempSync(join(tmpdir(), 'natpmp-client-test-'));
atEnd(() => rmSync(folder, { recursive: true }));
let sockets = 0;
const freshPath = () => join(folder, `${++sockets}.sock`);

/** No test waits for this deadline: where it passes, the test has failed. */
const NEVER_MS = 60_000;
/** What is known without the helper is said within this, in milliseconds. */
const AT_ONCE_MS = 5000;

const status = {
  epochStart: 0,
  mappings: 0,
  staticMappings: 0,
  maxMappings: 0,
  maxMappingsPerHost: 0,
  maxLifetime: 0,
  journalBytes: 0,
  kernelInStep: true,
  pid: 1,
  resynchronisations: 0,
  startedAt: 0,
  pinholes: 0,
  maxPinholes: 0,
  staticPinholes: 0,
};
const UNAVAILABLE: Answer = { kind: 'unavailable' };
const WATCHING: Response = { kind: 'watching', status };
const page = (next: number): Response => ({ kind: 'mapping-list', leases: [], next });
const list = (after: number): Request => ({ kind: 'list-mappings', after, limit: 1 });

interface Heard {
  readonly peer: Buffer;
  readonly id: number;
  readonly request: Request;
}

/** A helper that hears, and says only what it is told to. */
class ScriptedHelper {
  readonly heard: Heard[] = [];
  readonly #router = new Router({ linger: 0 });
  #wake: () => void = () => {};

  static async start(path: string): Promise<ScriptedHelper> {
    const helper = new ScriptedHelper();
    await helper.#router.bind(`ipc://${path}`);
    atEnd(() => helper.stop());
    helper.#listen().catch(() => {}); // it has been stopped
    return helper;
  }

  stop(): void {
    this.#router.close();
  }

  /** Resolves when this many requests have come, in all. */
  async requests(count: number): Promise<readonly Heard[]> {
    while (this.heard.length < count)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    return this.heard;
  }

  async say({ peer }: Heard, id: number, response: Response): Promise<void> {
    await this.#router.send([peer, encodeResponse(id, response)]);
  }

  async sayBytes({ peer }: Heard, octets: Uint8Array): Promise<void> {
    await this.#router.send([peer, octets]);
  }

  async #listen(): Promise<void> {
    for await (const [peer, ...frames] of this.#router) {
      for (const frame of frames) {
        const request = decodeRequest(frame);
        if (request === null) throw new Error('the client sends nothing malformed');
        this.heard.push({ peer: peer as Buffer, id: request.id, request: request.body });
      }
      this.#wake();
    }
  }
}

/** A client, what its listener has heard so far, and a way to wait for more of it. */
function connected(path: string, deadlineMs = NEVER_MS) {
  const told: string[] = [];
  const events: Event[] = [];
  let wake = () => {};
  const tell = (what: string) => {
    told.push(what);
    wake();
  };
  const client = connectHelper(
    path,
    {
      connected: () => tell('connected'),
      resync: () => tell('resync'),
      disconnected: () => tell('disconnected'),
      event: (event) => {
        events.push(event);
        tell(`event ${event.kind}`);
      },
    },
    deadlineMs,
  );
  atEnd(() => client.close());
  return {
    client,
    told,
    events,
    /** Resolves when the listener has been told so much, in all. */
    async toldAll(...wanted: readonly string[]): Promise<void> {
      while (told.length < wanted.length)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      assert.equal(told, [...wanted]);
    },
  };
}

async function timed<T>(work: Promise<T>): Promise<{ value: T; tookMs: number }> {
  const startedMs = performance.now();
  const value = await work;
  return { value, tookMs: performance.now() - startedMs };
}

async function unavailableAtOnce(client: HelperClient): Promise<void> {
  const { value, tookMs } = await timed(client.ask(list(1)));
  assert.equal(value, UNAVAILABLE);
  assert.ok(tookMs < AT_ONCE_MS, `after ${tookMs} ms`);
}

/** A helper in a process of its own, the real server on a real socket, which can be frozen. */
async function helperProcess(path: string) {
  const fd = await openListener({ path, mode: 0o600, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 });
  const server = new URL('../../helper/server.js', import.meta.url).href;
  const clock = new URL('../../proto/clock.js', import.meta.url).href;
  const totals = new URL('../../proto/totals.js', import.meta.url).href;
  const script = `
    import { Server } from ${JSON.stringify(server)};
    import { bootClock } from ${JSON.stringify(clock)};
    import { StatsRecorder } from ${JSON.stringify(totals)};
    const responses = (asked) => asked.map(({ request }) => ({ kind: 'mapping-list', leases: [], next: request.after }));
    const totals = new StatsRecorder(() => 0);
    const handler = { handle: (asked) => ({ responses: responses(asked), events: [] }), onEvents() {}, totals };
    new Server(handler, bootClock()).serve({ role: 'client', fd: 3, path: ${JSON.stringify(path)}, uids: [] });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'inherit', 'inherit', fd],
  });
  atEnd(() => {
    child.kill('SIGKILL');
  });
  return child;
}

claims('client: requests and answers', {
  'a thousand at once, answered in the opposite order: each gets its own': async () => {
    const path = freshPath();
    const helper = await ScriptedHelper.start(path);
    const { client, toldAll } = connected(path);
    await toldAll('connected');
    const answers = Array.from({ length: 1000 }, (_, index) => client.ask(list(index)));
    const heard = await helper.requests(1000);
    assert.is(new Set(heard.map(({ id }) => id)).size, 1000);
    for (const each of heard.toReversed()) {
      await helper.say(each, each.id, page(each.request.kind === 'list-mappings' ? each.request.after : -1));
    }
    assert.equal(
      await Promise.all(answers),
      Array.from({ length: 1000 }, (_, index) => page(index)),
    );
  },
  'the same against the real server': async () => {
    const path = freshPath();
    const fd = await openListener({ path, mode: 0o600, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 });
    const server = new Server(
      {
        handle: (asked) => ({
          responses: asked.map(({ request }) => page(request.kind === 'list-mappings' ? request.after : -1)),
          events: [],
        }),
        heldBy: () => 0,
        watching: () => WATCHING,
        onEvents() {},
        totals: new StatsRecorder(() => 0),
      },
      () => 0,
    );
    void server.serve({ role: 'client', fd, uids: [] });
    const { client, events, toldAll } = connected(path);
    await toldAll('connected');
    assert.equal(
      await Promise.all(Array.from({ length: 1000 }, (_, index) => client.ask(list(index)))),
      Array.from({ length: 1000 }, (_, index) => page(index)),
    );
    assert.equal(await client.ask({ kind: 'watch' }), WATCHING);
    const granted: Event = { kind: 'granted', lease: lease() };
    server.publish([granted, { kind: 'resynchronised' }]);
    await toldAll('connected', 'event granted', 'event resynchronised');
    assert.equal(events, [granted, { kind: 'resynchronised' }]);
  },
  'a second answer to a request, and one to none, are passed over': async () => {
    const path = freshPath();
    const helper = await ScriptedHelper.start(path);
    const { client, toldAll } = connected(path);
    await toldAll('connected');
    const first = client.ask(list(1));
    const [heard] = (await helper.requests(1)) as [Heard];
    await helper.say(heard, 77, page(77));
    await helper.say(heard, heard.id, page(1));
    await helper.say(heard, heard.id, page(2));
    assert.equal(await first, page(1));
    const second = client.ask(list(2));
    const next = (await helper.requests(2))[1] as Heard;
    await helper.say(next, next.id, page(3));
    assert.equal(await second, page(3));
  },
  "an answer after the deadline is nobody's": async () => {
    const path = freshPath();
    const helper = await ScriptedHelper.start(path);
    const { client, toldAll } = connected(path, 100);
    await toldAll('connected');
    const { value, tookMs } = await timed(client.ask(list(1)));
    assert.equal(value, UNAVAILABLE);
    // Node counts from the time at which this turn of its event loop began; the deadline of who names none is 3 s.
    assert.ok(tookMs >= 50 && tookMs < 2900, `after ${tookMs} ms`);
    const [heard] = (await helper.requests(1)) as [Heard];
    const second = client.ask(list(2));
    await helper.requests(2);
    await helper.say(heard, heard.id, page(1));
    await helper.say(heard, (helper.heard[1] as Heard).id, page(2));
    assert.equal(await second, page(2));
  },
  'what it does not understand, as a newer helper may say it, is passed over': async () => {
    const path = freshPath();
    const helper = await ScriptedHelper.start(path);
    const { client, toldAll } = connected(path);
    await toldAll('connected');
    const answer = client.ask(list(1));
    const [heard] = (await helper.requests(1)) as [Heard];
    for (const strange of ['', 'ff', '0801', '0801 7a 00', '0801 42 02 087f', '0801 4a 02 087f'])
      await helper.sayBytes(heard, bytes(strange));
    await helper.say(heard, heard.id, page(1));
    assert.equal(await answer, page(1));
  },
  'refused is an answer': async () => {
    const path = freshPath();
    const helper = await ScriptedHelper.start(path);
    const { client, toldAll } = connected(path);
    await toldAll('connected');
    const answer = client.ask(list(1));
    const [heard] = (await helper.requests(1)) as [Heard];
    await helper.say(heard, heard.id, { kind: 'refused', reason: 'malformed' });
    assert.equal(await answer, { kind: 'refused', reason: 'malformed' });
  },
});

const granted: Event = { kind: 'granted', lease: lease() };
const tell = (sequence: number): Response => ({ kind: 'event', sequence, event: granted });

claims('client: events', {
  'arrive as they come': async () => {
    const path = freshPath();
    const helper = await ScriptedHelper.start(path);
    const { client, toldAll } = connected(path);
    await toldAll('connected');
    const watching = client.ask({ kind: 'watch' });
    const [heard] = (await helper.requests(1)) as [Heard];
    await helper.say(heard, heard.id, WATCHING);
    await helper.say(heard, heard.id, tell(1));
    await helper.say(heard, heard.id, tell(2));
    assert.equal(await watching, WATCHING);
    await toldAll('connected', 'event granted', 'event granted');
  },
  'a gap in their numbers asks for a resync, and the next watch begins at 1': async () => {
    const path = freshPath();
    const helper = await ScriptedHelper.start(path);
    const { client, toldAll } = connected(path);
    await toldAll('connected');
    void client.ask({ kind: 'watch' });
    const [heard] = (await helper.requests(1)) as [Heard];
    await helper.say(heard, heard.id, WATCHING);
    await helper.say(heard, heard.id, tell(1));
    await helper.say(heard, heard.id, tell(4));
    await toldAll('connected', 'event granted', 'resync');
    void client.ask({ kind: 'watch' });
    const again = (await helper.requests(2))[1] as Heard;
    await helper.say(heard, heard.id, tell(5)); // on its way when it asked
    await helper.say(again, again.id, WATCHING);
    await helper.say(again, again.id, tell(1));
    await helper.say(again, again.id, tell(2));
    await toldAll('connected', 'event granted', 'resync', 'event granted', 'event granted', 'event granted');
  },
  'lost before the first: resync as well': async () => {
    const path = freshPath();
    const helper = await ScriptedHelper.start(path);
    const { client, toldAll } = connected(path);
    await toldAll('connected');
    void client.ask({ kind: 'watch' });
    const [heard] = (await helper.requests(1)) as [Heard];
    await helper.say(heard, heard.id, WATCHING);
    await helper.say(heard, heard.id, tell(2));
    await toldAll('connected', 'resync');
  },
});

claims('client: a helper that comes and goes', {
  'is not there: unavailable at once, and no connection is reported': async () => {
    const { client, told } = connected(freshPath());
    await unavailableAtOnce(client);
    await unavailableAtOnce(client);
    assert.equal(told, []);
  },
  'comes up: connected, and hears nothing of what was asked before': async () => {
    const path = freshPath();
    const { client, toldAll } = connected(path);
    await unavailableAtOnce(client);
    const helper = await ScriptedHelper.start(path);
    await toldAll('connected');
    const answer = client.ask(list(2));
    const [heard] = (await helper.requests(1)) as [Heard];
    assert.equal(heard.request, list(2));
    await helper.say(heard, heard.id, page(2));
    assert.equal(await answer, page(2));
  },
  'goes: all that is pending is unavailable at once; comes back: connected again': async () => {
    const path = freshPath();
    const helper = await ScriptedHelper.start(path);
    const { client, toldAll } = connected(path);
    await toldAll('connected');
    const pending = Array.from({ length: 10 }, (_, index) => client.ask(list(index)));
    await helper.requests(10);
    helper.stop();
    const { value, tookMs } = await timed(Promise.all(pending));
    assert.equal(
      value,
      Array.from({ length: 10 }, () => UNAVAILABLE),
    );
    assert.ok(tookMs < AT_ONCE_MS, `after ${tookMs} ms`);
    await toldAll('connected', 'disconnected');
    await unavailableAtOnce(client);
    const next = await ScriptedHelper.start(path);
    await toldAll('connected', 'disconnected', 'connected');
    void client.ask(list(99));
    const heard = await next.requests(1);
    assert.equal(
      heard.map(({ request }) => request),
      [list(99)],
      'and nothing from before',
    );
  },
  'is killed': async () => {
    const path = freshPath();
    const child = await helperProcess(path);
    const { client, toldAll } = connected(path);
    await toldAll('connected');
    assert.equal(await client.ask(list(5)), page(5));
    child.kill('SIGKILL');
    await once(child, 'exit');
    await toldAll('connected', 'disconnected');
    await unavailableAtOnce(client);
  },
  'is frozen: unavailable at the deadline, disconnected by its missing heartbeat, connected when it thaws':
    async () => {
      const path = freshPath();
      const child = await helperProcess(path);
      const { client, told, toldAll } = connected(path, 200);
      await toldAll('connected');
      assert.equal(await client.ask(list(5)), page(5));
      child.kill('SIGSTOP');
      const { value, tookMs } = await timed(client.ask(list(6)));
      assert.equal(value, UNAVAILABLE);
      assert.ok(tookMs >= 100 && tookMs < 2900, `after ${tookMs} ms`);
      assert.equal(told, ['connected'], 'so far it is just slow');
      await toldAll('connected', 'disconnected');
      await unavailableAtOnce(client);
      child.kill('SIGCONT');
      await toldAll('connected', 'disconnected', 'connected');
      assert.equal(await client.ask(list(7)), page(7));
    },
  'more requests than can wait are unavailable at once, and memory stays bounded': async () => {
    const path = freshPath();
    const child = await helperProcess(path);
    const { client, toldAll } = connected(path, 1000);
    await toldAll('connected');
    child.kill('SIGSTOP');
    const answers = await timed(Promise.all(Array.from({ length: 20_000 }, (_, index) => client.ask(list(index)))));
    assert.ok(answers.value.every(({ kind }) => kind === 'unavailable'));
    assert.ok(answers.tookMs < 3000, `after ${answers.tookMs} ms`);
    child.kill('SIGKILL');
  },
});

claims('client: closing', {
  'pending requests are unavailable, and no event comes any more': async () => {
    const path = freshPath();
    const helper = await ScriptedHelper.start(path);
    const { client, told, toldAll } = connected(path);
    await toldAll('connected');
    const pending = client.ask(list(1));
    await helper.requests(1);
    client.close();
    assert.equal(await pending, UNAVAILABLE);
    await connected(path).toldAll('connected'); // by then the end of the first connection has been noticed
    assert.equal(told, ['connected', 'disconnected']);
  },
  'a program that has its answer ends at once, and not at the deadline': async () => {
    const path = freshPath();
    const helper = await helperProcess(path);
    const client = new URL('../../proto/client.js', import.meta.url).href;
    const script = `
      import { connectHelper } from ${JSON.stringify(client)};
      const client = connectHelper(${JSON.stringify(path)}, { resync() {}, async connected() {
        const { kind } = await client.ask({ kind: 'list-mappings', after: 1, limit: 1 });
        client.close();
        process.stdout.write(kind);
      }, disconnected() {}, event() {} }, 3_600_000);`;
    const program = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    atEnd(() => {
      program.kill('SIGKILL');
    });
    const [answer, [code]] = await Promise.all([
      once(program.stdout, 'data'),
      once(program, 'exit', { signal: AbortSignal.timeout(30_000) }),
    ]);
    assert.equal([String(answer), code], ['mapping-list', 0]);
    helper.kill('SIGKILL');
  },
  'a later request is unavailable too': async () => {
    const { client } = connected(freshPath());
    client.close();
    await unavailableAtOnce(client);
  },
});
