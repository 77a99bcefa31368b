// The ports that the router needs itself: those it listens on, and those forwarded by hand.

import type { Lan, PortRange } from '../../proto/mapping.js';
import { listeningPorts } from './listening-ports.js';
import { readOr } from './machine.js';
import { listOf, objectsOf, only } from './nft-json.js';
import { nftFailure, runNft } from './nft.js';
import { forwardedPorts } from './port-forwards.js';
import { listTables, ownChains } from './ruleset.js';

/** All of them, as far as they can be reached from outside, in ascending order. */
export function portsInUse(lans: readonly Lan[]): readonly PortRange[] {
  const routerAddresses = lans.map((lan) => lan.routerAddress);
  const listening = (['tcp', 'udp'] as const)
    .flatMap((protocol) =>
      [protocol, `${protocol}6`].flatMap((file) =>
        listeningPorts(protocol, readOr(`/proc/net/${file}`, ''), routerAddresses),
      ),
    )
    .map((port) => ({ from: port, to: port }));
  return joined([...listening, ...findForwardedPorts()]);
}

/** The ports that rules of others forward. Every gateway's rules count as our own. */
export function findForwardedPorts(): readonly PortRange[] {
  const ours = ownChains(listTables());
  const listing = runNft(['--json', '--terse', 'list', 'ruleset']);
  if (listing.status !== 0) throw nftFailure(listing.stderr);
  return forwardedPorts(listing.stdout, ours, (kind, { family, table, name }) => {
    const set = runNft(['--json', 'list', kind, family, table, name]);
    // The set may have been deleted since the listing.
    return set.status === 0 ? only(kind, objectsOf(set.stdout)).flatMap((object) => listOf(object['elem'])) : [];
  });
}

/** In ascending order, each port once. */
function joined(ranges: readonly PortRange[]): readonly PortRange[] {
  const all: PortRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = all.at(-1);
    if (last === undefined || range.from > last.to + 1) all.push(range);
    else all[all.length - 1] = { from: last.from, to: Math.max(last.to, range.to) };
  }
  return all;
}
