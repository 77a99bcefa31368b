// natpmpctl as a program, against a helper that says what the test tells it to.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Router } from 'zeromq';
import { decodeRequest, encodeResponse, type Request, type Response } from '../../proto/codec.js';
import { bootClock } from '../../proto/clock.js';
import type { Lease } from '../../proto/mapping.js';
import { atEnd, claims } from '../support/cases.js';
import { run } from '../support/lab-run.js';

const folder = mkdtempSync(join(tmpdir(), 'natpmpctl-test-'));
atEnd(() => rmSync(folder, { recursive: true }));
const socketPath = join(folder, 'helper.sock');

const asked: Request[] = [];
const router = new Router({ linger: 0 });
await router.bind(`ipc://${socketPath}`);
atEnd(() => router.close());

/** 2500 leases of 1000 s: three pages. */
const leases: readonly Lease[] = Array.from({ length: 2500 }, (_, index) => ({
  protocol: 'udp', internalAddress: 0xc0a80102, internalPort: index + 1, externalPort: index + 1024, origin: 'dynamic',
  lifetime: 1000, expiresAt: bootClock()() + 1_000_000,
}));

function answer(request: Request): Response {
  asked.push(request);
  switch (request.kind) {
    case 'list-mappings': {
      const from = request.after === 0 ? 0 : request.after - 1023;
      const page = leases.slice(from, from + request.limit);
      const last = page.at(-1)?.externalPort ?? 0;
      return { kind: 'mapping-list', leases: page, next: from + page.length < leases.length ? last : 0 };
    }
    case 'status':
      return { kind: 'status-report', status: {
        epochStart: 0, mappings: 2500, staticMappings: 0, maxMappings: 129024, maxMappingsPerHost: 100, maxLifetime: 86400,
        journalBytes: 1, kernelInStep: true, pid: 4711, resynchronisations: 0, startedAt: 0,
      } };
    default:
      return { kind: 'refused', reason: 'not-permitted' };
  }
}

async function serve(): Promise<void> {
  for await (const [caller, frame] of router) {
    const request = frame === undefined ? null : decodeRequest(frame);
    if (caller !== undefined && request !== null) await router.send([caller, encodeResponse(request.id, answer(request.body))]);
  }
}
void serve();

const PROGRAM = join(import.meta.dirname, '../../cli/natpmpctl.js');
const natpmpctl = (...args: readonly string[]) => run(process.execPath, [PROGRAM, ...args]);

claims('natpmpctl', {
  'list --json pages through all the table': async () => {
    const { status, stdout } = await natpmpctl('list', '--json', '--socket', socketPath);
    assert.is(status, 0);
    const listed = JSON.parse(stdout) as { externalPort: number; timeLeft: number }[];
    assert.is(listed.length, 2500);
    assert.is(asked.filter(({ kind }) => kind === 'list-mappings').length, 3);
    const { timeLeft, ...first } = listed[0] ?? { timeLeft: 0 };
    assert.equal(first, {
      protocol: 'udp', externalPort: 1024, internalAddress: '192.168.1.2', internalPort: 1, origin: 'dynamic', lifetime: 1000,
    });
    assert.ok(timeLeft > 900 && timeLeft <= 1000, `${timeLeft} s left`);
  },
  'list writes no colours into a pipe': async () => {
    const { stdout } = await natpmpctl('list', '--socket', socketPath);
    assert.is(stdout.split('\n').length, 1 + 2500 + 1);
    assert.not.match(stdout, /\x1b/);
  },
  'status --json': async () => {
    const { status, stdout } = await natpmpctl('status', '--json', '--socket', socketPath);
    assert.is(status, 0);
    assert.is((JSON.parse(stdout) as { pid: number }).pid, 4711);
  },
  'no helper: one line with the remedy, exit 69': async () => {
    const { status, stdout, stderr } = await natpmpctl('status', '--socket', join(folder, 'nobody.sock'));
    assert.is(status, 69);
    assert.is(stdout, '');
    assert.match(stderr, /^natpmpctl: no helper at \S+nobody\.sock: start natpmp-server .*\n$/);
  },
  'an unknown command is exit 2': async () => assert.is((await natpmpctl('lst')).status, 2),
});
