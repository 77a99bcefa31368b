// The protocol over real UDP: literal octets in, literal octets out, and what the operator then sees in the table.
import * as assert from 'uvu/assert';
import { cases, claims } from '../support/cases.js';
import { ALICE, BOB, openLab, ROUTER } from '../lab/lab.js';
import { SILENCE_MS } from '../lab/inbox.js';
import { Asker, epochOf, withoutEpoch } from '../lab/natpmp.js';
import { Server } from '../lab/server.js';

const lab = await openLab();

if (lab !== null) {
  const startedMs = performance.now();
  const server = await Server.start(lab, ['--max-lifetime', '7200', '--default-lifetime', '600']);
  const alice = await Asker.open(lab.alice, ROUTER);
  const bob = await Asker.open(lab.bob, ROUTER);

  let before: readonly string[] = [];
  /** Rows run in order: each builds on what those before have mapped. Dots are the epoch. */
  cases(
    'octets',
    [
      { name: '§3.2 external address', send: '00 00', want: '00 80 0000 ........ cb00710a' },
      {
        name: '§3.3 map TCP 8080',
        send: '00 02 0000 1f90 1f90 00000e10',
        want: '00 82 0000 ........ 1f90 1f90 00000e10',
        adds: 'tcp 8080 -> 192.168.1.2:8080',
      },
      {
        name: '§3.3 map UDP 8080: its own protocol only, the companion port is kept for its holder',
        send: '00 01 0000 1f90 1f90 00000e10',
        want: '00 81 0000 ........ 1f90 1f90 00000e10',
        adds: 'udp 8080 -> 192.168.1.2:8080',
      },
      {
        name: '§3.3 renewal, shorter',
        send: '00 02 0000 1f90 1f90 0000003c',
        want: '00 82 0000 ........ 1f90 1f90 0000003c',
      },
      {
        name: '§3.3 renewal with another suggestion: the port it has',
        send: '00 02 0000 1f90 2382 00000e10',
        want: '00 82 0000 ........ 1f90 1f90 00000e10',
      },
      {
        name: '§3.3 the reserved field is ignored',
        send: '00 02 ffff 1f90 1f90 00000e10',
        want: '00 82 0000 ........ 1f90 1f90 00000e10',
      },
      {
        name: 'D-2 octets after the request are ignored',
        send: '00 02 0000 1f90 1f90 00000e10 deadbeef',
        want: '00 82 0000 ........ 1f90 1f90 00000e10',
      },
      {
        name: '§3.3 never longer than the ceiling',
        send: '00 02 0000 1f91 1f91 00015180',
        want: '00 82 0000 ........ 1f91 1f91 00001c20',
        adds: 'tcp 8081 -> 192.168.1.2:8081',
      },
      {
        name: 'D-4 the longest lifetime there is',
        send: '00 02 0000 1f91 1f91 ffffffff',
        want: '00 82 0000 ........ 1f91 1f91 00000258',
      },
      {
        name: '§3.3 no wish: a port all the same',
        send: '00 01 0000 0400 0000 00000e10',
        want: '00 81 0000 ........ 0400 .... 00000e10',
        adds: 'udp \\d+ -> 192.168.1.2:1024',
      },
      {
        name: 'D-3 internal port 0 with a lifetime: refused',
        send: '00 02 0000 0000 1f92 00000e10',
        want: '00 82 0002 ........ 0000 0000 00000000',
      },
      {
        name: '§3.4 delete UDP 8080; the suggested port is ignored',
        send: '00 01 0000 1f90 ffff 00000000',
        want: '00 81 0000 ........ 1f90 0000 00000000',
        removes: 'udp 8080 -> 192.168.1.2:8080',
      },
      {
        name: '§3.4 delete it again: the same answer',
        send: '00 01 0000 1f90 0000 00000000',
        want: '00 81 0000 ........ 1f90 0000 00000000',
      },
      {
        name: '§3.4 delete what never was',
        send: '00 01 0000 2222 0000 00000000',
        want: '00 81 0000 ........ 2222 0000 00000000',
      },
      {
        name: '§3.4 delete all TCP: and no UDP',
        send: '00 02 0000 0000 0000 00000000',
        want: '00 82 0000 ........ 0000 0000 00000000',
        keeps: ['udp \\d+ -> 192.168.1.2:1024'],
      },
      {
        name: '§3.4 delete all TCP when there is none',
        send: '00 02 0000 0000 0000 00000000',
        want: '00 82 0000 ........ 0000 0000 00000000',
      },
      {
        name: '§3.4 delete all UDP, with an external port that is ignored',
        send: '00 01 0000 0000 1234 00000000',
        want: '00 81 0000 ........ 0000 0000 00000000',
        keeps: [],
      },
      {
        name: '§3.5 PCP ANNOUNCE: eight octets',
        send: `02 00 0000 00000000 ${'00'.repeat(16)}`,
        want: '00 80 0001 ........',
      },
      {
        name: '§3.5 PCP MAP: eight octets',
        send: `02 01 0000 00000e10 ${'00'.repeat(52)}`,
        want: '00 80 0001 ........',
      },
      {
        name: '§3.5 PCP PEER: eight octets',
        send: `02 02 0000 00000e10 ${'00'.repeat(72)}`,
        want: '00 80 0001 ........',
      },
      { name: '§3.5 version 255', send: 'ff 00', want: '00 80 0001 ........' },
      {
        name: '§3.5 unsupported opcode 3: echoed whole',
        send: '00 03 aabb ccddeeff 01020304 05',
        want: '00 83 0005 ........ 01020304 05',
      },
      { name: '§3.5 unsupported opcode 127, the shortest', send: '00 7f', want: '00 ff 0005 ........' },
    ],
    async ({ send, want, adds, removes, keeps }) => {
      const reply = withoutEpoch(await alice.ask(send));
      const shape = new RegExp(`^${want.replaceAll(' ', '')}$`);
      assert.match(reply, shape);
      const after = keeps ?? [...before.filter((line) => line !== removes), ...(adds === undefined ? [] : [adds])];
      const seen = await server.mappings();
      assert.is(seen.length, after.length, `${seen}`);
      for (const line of after)
        assert.ok(
          seen.some((each) => new RegExp(`^${line}$`).test(each)),
          `${line} in ${seen}`,
        );
      const { in: inbound, out, live } = await server.elements();
      for (const set of [inbound, out, live]) assert.equal(set, [...seen].sort());
      before = seen;
    },
  );

  cases(
    'silence',
    [
      { name: 'D-1 nothing at all', send: '' },
      { name: 'D-1 one octet', send: '00' },
      { name: 'D-1 map one octet short', send: '00 02 0000 1f90 1f90 00000e' },
      { name: 'D-1 map of two octets', send: '00 01' },
      { name: '§3.5 a response is not a request', send: '00 80 0000 00000001 cb00710a' },
      { name: '§3.5 a mapping response', send: '00 82 0000 00000001 1f90 1f90 00000e10' },
      { name: 'D-13 a response of another version', send: '02 81 0000 00000000' },
    ],
    async ({ send }) => {
      alice.udp.drain();
      alice.udp.send(send);
      assert.is(await alice.udp.receive(SILENCE_MS), null);
      assert.equal(await server.mappings(), []);
      assert.is((await alice.info()).result, 0);
    },
  );

  claims('mappings', {
    '§3.4 deletion touches nobody else': async () => {
      await alice.map('tcp', 5000, 5000, 600);
      await bob.map('tcp', 5000, 5001, 600);
      await bob.unmap('tcp', 0);
      assert.equal(await server.mappings(), [`tcp 5000 -> ${ALICE}:5000`]);
    },
    '§3.3 the companion port is kept: another host gets another port': async () => {
      assert.is((await bob.map('udp', 5000, 5000, 600)).externalPort === 5000, false);
      assert.is((await alice.map('udp', 5002, 5000, 600)).externalPort, 5000);
    },
    '§3.3 a taken port: another one is given': async () => {
      const { result, externalPort } = await bob.map('tcp', 7000, 5000, 600);
      assert.is(result, 0);
      assert.is.not(externalPort, 5000);
      assert.ok((await server.mappings()).includes(`tcp ${externalPort} -> ${BOB}:7000`));
    },
    '§3.3 a port below the allowed ones is not given': async () => {
      const { result, externalPort } = await bob.map('tcp', 22, 22, 600);
      assert.is(result, 0);
      assert.ok(externalPort >= 1024);
    },
    '§3.5 a retransmitted request gets the same answer': async () => {
      const first = await bob.map('udp', 7001, 0, 600);
      const again = await bob.map('udp', 7001, 0, 600);
      assert.is(again.externalPort, first.externalPort);
    },
    '§3.6 the epoch runs with time, in every reply': async () => {
      const askedMs = performance.now();
      const one = epochOf(await alice.ask('0000'));
      const other = epochOf(await alice.ask('0002 0000 2222 0000 00000000'));
      const [passed, sinceStart] = [askedMs, startedMs].map((ms) => (performance.now() - ms) / 1000);
      assert.ok(
        other - one <= 1 + (passed ?? 0) && other >= one && one <= (sinceStart ?? 0) + 1,
        `${one}, then ${other}`,
      );
    },
    'time left counts down from the lifetime granted': async () => {
      await alice.map('tcp', 5003, 5003, 100);
      const mapping = (await server.list()).find(({ externalPort }) => externalPort === 5003);
      assert.is(mapping?.lifetime, 100);
      assert.ok(mapping !== undefined && mapping.timeLeft !== null && mapping.timeLeft > 90 && mapping.timeLeft <= 100);
      assert.is(mapping?.origin, 'dynamic');
    },
    'natpmpctl status counts them': async () => {
      const { status, stdout } = await server.natpmpctl('status', '--json');
      assert.is(status, 0);
      const report = JSON.parse(stdout) as { mappings: number; kernelInStep: boolean; pid: number };
      assert.is(report.mappings, (await server.mappings()).length);
      assert.is(report.kernelInStep, true);
      assert.is(report.pid, server.pid('helper'));
    },
    'SIGTERM ends it within seconds, with 0': async () => {
      const startedMs = performance.now();
      assert.is(await server.stop(), 0);
      assert.ok(performance.now() - startedMs < 5000);
    },
  });
}
