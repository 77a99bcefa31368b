// Reads the rules of all firewalls, for natpmpctl doctor. Changes nothing.

import type { Json } from '../../host/nft-json.js';
import { keyOf, listOf, objectsOf, only } from '../../host/nft-json.js';
import { firstLine, runNft, saveIptables } from '../../host/nft.js';
import type { NftDetails } from './facts.js';
import type { NamedSet } from './firewall/ruleset.js';
import { missingSets } from './firewall/ruleset.js';

/** Without the elements of sets, which would take minutes for a full table. */
export function listRulesetJson(): string {
  const { status, stdout, stderr } = runNft(['--terse', '--json', 'list', 'ruleset']);
  if (status !== 0) throw new Error(`nft: ${firstLine(stderr)}`);
  return stdout;
}

/** The details that the listing leaves out, as far as they are needed. */
export function collectNftDetails(listing: string, ours: ReadonlySet<string>): NftDetails {
  const elements = new Map<string, readonly Json[] | null>();
  const details: NftDetails = {
    text: runNft(['--terse', 'list', 'ruleset']).stdout,
    elements,
    iptables: saveIptables(listing, 'ip'),
    ip6tables: saveIptables(listing, 'ip6'),
  };
  // A verdict map leads to chains, which may name more sets. Unreadable sets become null, so this ends.
  for (
    let missing = missingSets(listing, details, ours);
    missing.length > 0;
    missing = missingSets(listing, details, ours)
  ) {
    for (const which of missing) elements.set(keyOf(which.family, which.table, which.name), elementsOf(which));
  }
  return details;
}

function elementsOf({ kind, family, table, name }: NamedSet): readonly Json[] | null {
  const { status, stdout } = runNft(['--json', 'list', kind, family, table, name]);
  return status !== 0 ? null : only(kind, objectsOf(stdout)).flatMap((object) => listOf(object['elem']));
}
