// Storms from addresses that answer no ARP request, and no neighbour solicitation: the router holds a reply to each for
// up to three seconds.

import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { LAN_HOSTS, LAN_HOSTS6 } from '../load/mappings.js';
import { MeasuredServer } from '../load/measured-server.js';
import { atEnd, cases, skip } from '../support/cases.js';
import type { Seen } from './client.js';
import { complaints } from './judge.js';
import { FLAGS, trial, type TrialOptions } from './trial.js';

/** What a client waits before it asks again (RFC 6886 §3.1). */
const REPEAT_MS = 250;
/** Beyond what the frontend takes without a storm, megabytes. */
const MOST_GROWTH_MEGABYTES = 20;

/** How many answers took longer than that, beyond one in a hundred and two that a busy machine may delay. */
function slow({ latencies }: Seen): number {
  const late = latencies.filter((ms) => ms >= REPEAT_MS).length;
  return Math.max(0, late - Math.max(2, Math.floor(latencies.length / 100)));
}

if (process.getuid?.() !== 0) skip('storms over a gateway', 'needs root, for network namespaces');
else {
  const folder = mkdtempSync(join(tmpdir(), 'natpmp-flood-'));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o755);
  const gateways = {
    'one device': null as MeasuredServer | null,
    'many devices': null as MeasuredServer | null,
  };
  cases<{ name: string; hardware: keyof typeof gateways } & Omit<TrialOptions, 'seconds'>>(
    'D-7 a client that behaves gets its answers beside replies that cannot be delivered',
    [
      { name: '300 a second, one address', hardware: 'one device', storm: 'address', perSecond: 300, hosts: 1 },
      { name: '300 a second, 200 addresses', hardware: 'one device', storm: 'address', perSecond: 300, hosts: 200 },
      { name: '20,000 a second', hardware: 'one device', storm: 'address', perSecond: 20_000, hosts: 4000 },
      { name: '60,000 octets, 300 a second', hardware: 'one device', storm: 'echo', perSecond: 300, hosts: 200 },
      { name: 'many devices', hardware: 'many devices', storm: 'address', perSecond: 20_000, hosts: 4000 },
      { name: 'IPv6, 300 a second', hardware: 'one device', storm: 'announce', perSecond: 300, hosts: 200 },
      { name: 'IPv6, 20,000 a second', hardware: 'one device', storm: 'announce', perSecond: 20_000, hosts: 4000 },
      { name: 'IPv6, pinholes', hardware: 'one device', storm: 'pcp', perSecond: 20_000, hosts: 4000 },
      { name: 'IPv6, many devices', hardware: 'many devices', storm: 'pcp', perSecond: 5000, hosts: 4000 },
    ],
    async ({ name, hardware, storm, perSecond, hosts }) => {
      gateways[hardware] ??= await open(hardware, folder);
      const result = await trial(gateways[hardware], { storm, perSecond, seconds: 4, hosts });
      assert.equal(complaints(result), [], name);
      for (const when of ['before', 'during', 'after'] as const)
        assert.is(slow(result[when]), 0, `${when}: ${result[when].latencies.join(' ')}`);
      assert.ok(
        result.memory.frontend < result.memoryBefore.frontend + MOST_GROWTH_MEGABYTES,
        `${result.memoryBefore.frontend} MB, then ${result.memory.frontend} MB`,
      );
      assert.ok(result.sentPerSecond > perSecond / 4, `${result.sentPerSecond}`);
    },
  );
}

async function open(hardware: 'one device' | 'many devices', folder: string): Promise<MeasuredServer> {
  const gateway = await MeasuredServer.open({
    name: hardware.replace(' ', '-'),
    flags: FLAGS,
    folder,
    portsAHost: 252,
    hardware,
  });
  atEnd(() => gateway.close());
  // The hosts of the storm are in the router's network now, and nobody answers for them.
  await gateway.network.router.ip(`route add ${LAN_HOSTS} dev br-lan`, `route replace ${LAN_HOSTS6} dev br-lan`);
  await gateway.network.lan.must('sh', ['-c', 'echo 8 > /proc/sys/net/ipv4/conf/all/arp_ignore']);
  return gateway;
}
