// Storms of searches, and connections that do everything but ask, beside a control point that behaves: it finds the
// gateway, maps, and is answered.

import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { MeasuredServer } from '../load/measured-server.js';
import { atEnd, cases, skip } from '../support/cases.js';
import { complaints } from './judge.js';
import { compose, type CONNECTION_STORMS, octetsOf, SSDP_STORMS } from './storm.js';
import { trial, UPNP_FLAGS } from './trial.js';

/** Beyond what natpmp-upnp takes without a storm, megabytes. */
const MOST_GROWTH_MEGABYTES = 40;

cases<{ name: (typeof SSDP_STORMS)[number]; searches: number }>(
  'a storm of searches is the same every time, and what it says it is',
  [
    { name: 'search', searches: 500 },
    { name: 'search-all', searches: 1000 },
  ],
  ({ name, searches }) => {
    const draw = () =>
      Array.from({ length: 1000 }, (_, number) => {
        const octets = Buffer.alloc(octetsOf(name));
        const length = compose(name, number, new DataView(octets.buffer, octets.byteOffset), 0);
        return octets.subarray(0, length).toString('latin1');
      });
    const all = draw();
    assert.equal(draw(), all);
    const right = all.filter((each) =>
      /^M-SEARCH \* HTTP\/1\.1\r\nHOST: [\d.:]+\r\nST: \S+\r\nMAN: "ssdp:discover"\r\nMX: 2\r\n\r\n$/.test(each),
    );
    assert.ok(Math.abs(right.length - searches) < 60, `${right.length}`);
  },
);

if (process.getuid?.() !== 0) skip('storms over natpmp-upnp', 'needs root, for network namespaces');
else {
  const folder = mkdtempSync(join(tmpdir(), 'natpmp-flood-'));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o755);
  let opened: MeasuredServer | null = null;
  const open = async (): Promise<MeasuredServer> => {
    if (opened !== null) return opened;
    const gateway = await MeasuredServer.open({ name: 'upnp', flags: UPNP_FLAGS, folder, portsAHost: 252 });
    atEnd(() => gateway.close());
    return (opened = gateway);
  };
  cases(
    'a control point that behaves finds and maps through a storm of searches',
    SSDP_STORMS.map((name) => ({ name })),
    async ({ name }) => {
      const result = await trial(await open(), { storm: name, perSecond: 10_000, seconds: 1, hosts: 2000 });
      assert.equal(complaints(result), []);
      assert.ok(result.sentPerSecond > 500, `${result.sentPerSecond}`);
      const [before = 0, during = 0] = [result.memoryBefore.upnp, result.memory.upnp];
      assert.ok(during < before + MOST_GROWTH_MEGABYTES, `${before} MB, then ${during} MB`);
    },
  );

  cases<{ name: string; storm: (typeof CONNECTION_STORMS)[number]; hosts: number; perSecond?: number }>(
    'a control point that behaves is answered beside hostile connections',
    [
      { name: 'that say nothing, of one host', storm: 'silent', hosts: 1 },
      { name: 'that say nothing, of 100 hosts', storm: 'silent', hosts: 100 },
      { name: 'that send an octet now and then', storm: 'slow', hosts: 100 },
      { name: 'that ask again and again in one connection, and read nothing', storm: 'deaf', hosts: 100 },
      { name: 'that are gone before their answer', storm: 'hasty', hosts: 100 },
      { name: 'that send garbage', storm: 'garbled', hosts: 100 },
      { name: 'that send what costs a parser most', storm: 'heavy', hosts: 100 },
      // At 1,000 a second all that are let in may be at work: then one more is reset.
      { name: 'that map without end', storm: 'mappings', hosts: 100, perSecond: 300 },
    ],
    async ({ storm, hosts, perSecond = 1000 }) => {
      const result = await trial(await open(), { storm, perSecond, seconds: 1, hosts });
      assert.equal(complaints(result), []);
      assert.ok(result.sentPerSecond > 100, `${result.sentPerSecond}`);
      // The control point's own, and of no other host.
      if (storm === 'mappings') assert.ok(result.listed.hosts > 50, 'the storm was served as well');
      else assert.ok(result.listed.hosts <= 1, `${result.listed.hosts}`);
      const [before = 0, during = 0] = [result.memoryBefore.upnp, result.memory.upnp];
      assert.ok(during < before + MOST_GROWTH_MEGABYTES, `${before} MB, then ${during} MB`);
    },
  );
}
