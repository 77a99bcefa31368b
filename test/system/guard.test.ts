// What the ruleset lets through to the frontend: a plain socket in its place hears it.
import * as assert from 'uvu/assert';
import { ruleset } from '../../cli/host/ruleset-text.js';
import { cases, claims } from '../support/cases.js';
import { until } from '../lab/flows.js';
import { ALICE, BOB, openLab, ROUTER } from '../lab/lab.js';
import { SILENCE_MS } from '../lab/inbox.js';
import { CONFIG } from '../lab/ruleset.js';

const PORT = 5351;
const REQUEST = '0000';
const LAST = '00000000ffff';

/** 20,000 of another version, and as many requests; prints how many milliseconds that took. */
const STORM = `
  const socket = require('dgram').createSocket('udp4');
  socket.bind(0, () => socket.connect(${PORT}, '${ROUTER}', async () => {
    const startMs = performance.now();
    for (let sent = 0; sent < 20_000; sent += 100) {
      await new Promise((done) => {
        for (let number = 0; number < 100; number++) socket.send(Buffer.from('0201', 'hex'));
        for (let number = 1; number < 100; number++) socket.send(Buffer.from('${REQUEST}', 'hex'));
        socket.send(Buffer.from('${REQUEST}', 'hex'), done);
      });
    }
    console.log(performance.now() - startMs);
    socket.close();
  }));`;

const lab = await openLab();

if (lab !== null) {
  await lab.nft(ruleset({ ...CONFIG, listenPort: PORT }));
  const frontend = await lab.router.udp({ port: PORT });
  const alice = await lab.alice.udp({});

  /** Whether it is heard; a request after it always is, so nothing has to be waited for that does not come. */
  const isHeard = async (hex: string): Promise<boolean> => {
    alice.send(hex, ROUTER, PORT);
    alice.send(LAST, ROUTER, PORT);
    const heard = [];
    while (heard.at(-1) !== LAST)
      heard.push((await frontend.receive())?.hex ?? assert.unreachable('a request is heard'));
    assert.ok(heard.length === 1 || heard[0] === hex);
    return heard.length === 2;
  };

  cases(
    'requests to the LAN address',
    [
      { name: 'R-23 the external address', hex: REQUEST, heard: true },
      { name: 'R-38 a UDP mapping', hex: '000100001f901f9000000e10', heard: true },
      { name: 'R-38 a TCP mapping', hex: '000200001f901f9000000e10', heard: true },
      { name: 'D-2 more octets than are needed', hex: `000200001f901f9000000e10${'00'.repeat(48)}`, heard: true },
      { name: 'R-2 another version', hex: '0201', heard: true },
      { name: 'R-14 an unknown opcode', hex: '0003', heard: true },
      { name: 'R-14 the highest one', hex: '007f', heard: true },
      { name: 'D-1 nothing', hex: '', heard: false },
      { name: 'D-1 one octet', hex: '00', heard: false },
      { name: 'D-1 a UDP mapping cut short', hex: '000100001f901f9000000e', heard: false },
      { name: 'D-1 a TCP mapping cut short', hex: '0002', heard: false },
      { name: 'R-13 a response', hex: '0080000000000000cb00710a', heard: false },
      { name: 'R-13 a response cut short', hex: '00ff', heard: false },
      { name: 'D-13 a response of another version', hex: '0281', heard: false },
    ],
    async ({ hex, heard }) => assert.is(await isHeard(hex), heard),
  );

  claims('senders', {
    'another port is none of its business': async () => {
      const other = await lab.router.udp({ port: PORT + 2 });
      alice.send('ff', ROUTER, PORT + 2);
      assert.is((await other.receive())?.hex, 'ff');
    },
    'the second socket cannot be asked by its own port': async () => {
      const second = await lab.router.udp({ port: PORT + 1 });
      alice.send(REQUEST, ROUTER, PORT + 1);
      assert.is(await isHeard('0003'), true);
      assert.is(await second.receive(SILENCE_MS), null);
      second.close();
    },
    'other versions and opcodes beyond any need are dropped, and mapping requests are not': async () => {
      // Behind ours: what it counts has passed.
      await lab.nft(`table ip passed {
      chain input {
        type filter hook input priority filter + 1;
        udp dport ${PORT} @th,64,8 2 counter
        udp dport ${PORT} @th,64,16 0 counter
      }
      }`);
      const { status, stdout } = await lab.alice.run(process.execPath, '-e', STORM);
      assert.is(status, 0);
      const seconds = Number(stdout) / 1000;
      const { stdout: listing } = await lab.router.run('nft', 'list', 'chain', 'ip', 'passed', 'input');
      const [odd = 0, requests = 0] = [...listing.matchAll(/counter packets (\d+)/g)].map(([, count]) => Number(count));
      assert.is(requests, 20_000);
      // A machine that needs ten seconds for them sends no more than may pass.
      const most = Math.min(2000 + 2000 * (seconds + 1), seconds < 8 ? 19_999 : 20_000);
      assert.ok(odd >= 2000 && odd <= most, `${odd} of 20,000 in ${seconds} s`);
    },
    'a device that asks more than 500 times a second, and 1000 at once, is led to the second socket, and no other is':
      async () => {
        const second = await lab.router.udp({ port: PORT + 1 });
        // Behind all of ours: where it goes in the end.
        await lab.nft(`table ip passed
      delete table ip passed
      table ip passed {
      chain input {
        type filter hook input priority 301;
        ip saddr ${ALICE} udp dport ${PORT} @th,64,16 0 counter
        ip saddr ${ALICE} udp dport ${PORT + 1} @th,64,16 0 counter
        ip saddr ${BOB} udp dport ${PORT} counter
        ip saddr ${BOB} udp dport ${PORT + 1} counter
      }
      }`);
        const [flood, bob] = [lab.alice.run(process.execPath, '-e', STORM), await lab.bob.udp({})];
        // The storm is on as soon as the second socket hears of it.
        assert.match((await second.receive(10_000))?.hex ?? '', new RegExp(`^(${REQUEST}|0201)$`));
        for (let times = 0; times < 5; times++) bob.send(REQUEST, ROUTER, PORT);
        const seconds = Number((await flood).stdout) / 1000;
        let [first, led, ofBob, ledOfBob] = [0, 0, 0, 0];
        await until('what was sent has come', async () => {
          const { stdout: listing } = await lab.router.run('nft', 'list', 'chain', 'ip', 'passed', 'input');
          const counts = [...listing.matchAll(/counter packets (\d+)/g)].map(([, count]) => Number(count));
          [first = 0, led = 0, ofBob = 0, ledOfBob = 0] = counts;
          return first + led >= 20_000 && ofBob + ledOfBob >= 5;
        });
        assert.is(first + led, 20_000);
        assert.ok(first > 0 && first <= 1000 + 500 * (seconds + 1), `${first} of 20,000 in ${seconds} s`);
        assert.equal([ofBob, ledOfBob], [5, 0]);
      },
  });
}
