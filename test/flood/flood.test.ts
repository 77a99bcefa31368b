// A short storm of each kind over the whole gateway (the long form: run.ts), and what the ruleset keeps from the
// frontend.

import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { MeasuredServer } from '../load/measured-server.js';
import { atEnd, cases, skip } from '../support/cases.js';
import { complaints } from './judge.js';
import type { Storm } from './storm.js';
import { compose, MOST_OCTETS, PCP_STORMS, STORMS } from './storm.js';
import { FLAGS, trial } from './trial.js';

cases<{ name: string; storm: Storm; lengths: number; requests: number }>(
  'a storm is the same every time, and what it says it is',
  [
    { name: 'garbage: of every length', storm: 'garbage', lengths: MOST_OCTETS + 1, requests: 0 },
    { name: 'valid: requests alone', storm: 'valid', lengths: 2, requests: 1000 },
    { name: 'mixed: half of each', storm: 'mixed', lengths: MOST_OCTETS + 1, requests: 500 },
  ],
  ({ storm, lengths, requests }) => {
    const draw = () =>
      Array.from({ length: 1000 }, (_, number) => {
        const octets = Buffer.alloc(MOST_OCTETS);
        const length = compose(storm, number, new DataView(octets.buffer, octets.byteOffset), 0);
        return octets.subarray(0, length).toString('hex');
      });
    const all = draw();
    assert.equal(draw(), all);
    assert.is(new Set(all.map((hex) => hex.length)).size, lengths);
    const isRequest = (hex: string) => /^000[012]/.test(hex) && (hex.length === 4 || hex.length === 24);
    assert.ok(Math.abs(all.filter(isRequest).length - requests) < 20, `${all.filter(isRequest).length}`);
  },
);

if (process.getuid?.() !== 0) skip('storms over a gateway', 'needs root, for network namespaces');
else {
  const folder = mkdtempSync(join(tmpdir(), 'natpmp-flood-'));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o755);
  cases(
    'P-19 the same over IPv6, by PCP: one device forges all the hosts of the storm',
    PCP_STORMS.map((name) => ({ name })),
    async ({ name }) => {
      const gateway = await MeasuredServer.open({ name, flags: FLAGS, folder, portsAHost: 252 });
      atEnd(() => gateway.close());
      const result = await trial(gateway, { storm: name, perSecond: 10_000, seconds: 2, hosts: 2000 });
      await gateway.close();
      assert.equal(complaints(result), []);
      assert.ok(result.sentPerSecond > 500, `${result.sentPerSecond}`);
      if (name === 'pcp') assert.is(result.listed.mostOfAHost, result.listed.quota, 'the storm was served as well');
    },
  );
  cases(
    'D-5 D-7 a client that behaves gets its answers through a storm',
    STORMS.map((name) => ({ name })),
    async ({ name }) => {
      const gateway = await MeasuredServer.open({ name, flags: FLAGS, folder, portsAHost: 252 });
      atEnd(() => gateway.close());
      const result = await trial(gateway, { storm: name, perSecond: 10_000, seconds: 2, hosts: 2000 });
      await gateway.close();
      assert.equal(complaints(result), []);
      assert.ok(result.sentPerSecond > 500, `${result.sentPerSecond}`);
      if (name !== 'garbage') assert.ok(result.listed.hosts > 100, 'the storm was served as well');
    },
  );
}
