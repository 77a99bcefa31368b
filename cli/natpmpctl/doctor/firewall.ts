// Whether a foreign chain drops packets that a mapping lets in: an accept in our chain does not overrule a drop in
// another one. Each base chain is judged by itself, for the packets of all mappings together; if the result is unclear,
// for each mapping. Pure.

import type { Mapping, Protocol } from '../../../proto/mapping.js';
import { formatIpv4 } from '../../../proto/mapping.js';
import type { Finding } from '../finding.js';
import { fail, ok, unknown, warn } from '../finding.js';
import type { Check, Facts } from './facts.js';
import { isUnavailable } from './facts.js';
import type { Judgement, Network } from './firewall/judge.js';
import { classesOf, classOf, judge, networkOf, stageOf } from './firewall/judge.js';
import type { Packets, Stage } from './firewall/packet.js';
import { remedyFor } from './firewall/remedy.js';
import type { Chain, Ruleset } from './firewall/ruleset.js';
import { chainsOfGateways, readRuleset } from './firewall/ruleset.js';

/** Conditions that a message lists. */
const MAX_SHOWN_CONDITIONS = 3;
/** Mappings that are judged one by one. */
const MAX_JUDGED_MAPPINGS = 200;

interface JudgedPackets {
  readonly packets: Packets;
  readonly judgement: Judgement;
}
/** A foreign chain, and its judgement for each class of packets. */
interface JudgedChain {
  readonly chain: Chain;
  readonly stage: Stage;
  readonly judged: readonly JudgedPackets[];
}

export const firewall: Check = (facts) => {
  const { rulesetListing: listing, setup, legacyTables } = facts;
  if (isUnavailable(listing)) return [unknown('firewall', `not checked: ${listing.reason}`)];
  const ruleset = readRuleset(listing, facts.nftDetails, chainsOfGateways(facts.tables));
  const network = networkOf(setup, facts.interfaces, facts.defaultRoutes, facts.interfaceGroups);
  const judgedChains = ruleset.bases.flatMap((chain) => judgeChain(chain, ruleset, network));
  const findings = judgedChains.flatMap((each) => findingsOf(each, ruleset, network, facts));
  if (legacyTables.includes('filter')) {
    findings.push(
      warn(
        'firewall',
        'there are rules of the legacy iptables, which nft does not show',
        'look at: iptables-legacy -S FORWARD; if it drops, put first: iptables-legacy -I FORWARD -m conntrack --ctstate DNAT -j ACCEPT',
      ),
    );
  }
  return findings.length > 0 ? findings : [ok('firewall', okText(judgedChains))];
};

function judgeChain(chain: Chain, ruleset: Ruleset, network: Network): readonly JudgedChain[] {
  const stage = stageOf(chain, network.externalInterface);
  if (stage === null) return [];
  return [
    {
      chain,
      stage,
      judged: classesOf(network, stage).map((packets) => ({ packets, judgement: judge(chain, ruleset, packets) })),
    },
  ];
}

function findingsOf(judgedChain: JudgedChain, ruleset: Ruleset, network: Network, facts: Facts): readonly Finding[] {
  const { chain, stage, judged } = judgedChain;
  const remedy = remedyFor(chain, stage, network.externalInterface, facts.nftDetails.iptables);
  const where = `chain ${chain.name} of table ${chain.family} ${chain.table}`;
  const before = stage === 'untracked' || stage === 'untranslated' ? ', before it is translated' : '';
  const lost = judged.filter(({ judgement }) => judgement.kind === 'lost');
  if (lost.some(({ judgement }) => judgement.kind === 'lost' && judgement.but.length === 0)) {
    const untracks = lost.every(({ judgement }) => judgement.kind === 'lost' && judgement.how === 'untracked');
    const what = untracks ? 'keeps connection tracking from seeing what mappings let in' : 'drops what mappings let in';
    return [fail('firewall', `${where} ${what}${affectedText(lost, judged)}${before}`, remedy)];
  }
  if (judged.every(({ judgement }) => judgement.kind === 'passes' && judgement.but.length === 0)) return [];

  const dropped = lostMappings(judgedChain, ruleset, network, facts.mappings);
  const isMostlyOpen = judged.every(({ judgement }) => judgement.kind === 'passes');
  const [one] = dropped;
  if (one !== undefined) {
    const says = `${where} drops what the mapping of ${one.protocol} ${one.externalPort} to ${formatIpv4(one.internalAddress)}:${one.internalPort} lets in${
      dropped.length > 1 ? `, and ${dropped.length - 1} more` : ''
    }${before}`;
    return [isMostlyOpen ? warn('firewall', says, remedy) : fail('firewall', says, remedy)];
  }
  return isMostlyOpen ? [] : [warn('firewall', `${where} ${uncertaintyText(judged)}`, remedy)];
}

function uncertaintyText(judged: readonly JudgedPackets[]): string {
  const conditions = (kind: Judgement['kind']): readonly string[] =>
    judged.flatMap(({ judgement }) =>
      judgement.kind !== kind ? [] : judgement.kind === 'unclear' ? judgement.on : judgement.but,
    );
  const only = conditions('lost');
  if (only.length > 0) return `drops what mappings let in, except if: ${listText(only)}`;
  return `drops what it does not accept, and whether that is so for mapped connections cannot be seen here: it depends on ${listText(conditions('unclear'))}`;
}

function listText(conditions: readonly string[]): string {
  const all = [...new Set(conditions)];
  return `${all.slice(0, MAX_SHOWN_CONDITIONS).join('; ')}${all.length > MAX_SHOWN_CONDITIONS ? '; ...' : ''}`;
}

/** The affected packets in words; empty if all are affected. */
function affectedText(some: readonly JudgedPackets[], all: readonly JudgedPackets[]): string {
  if (some.length === all.length) return '';
  const protocols = [...new Set(some.map(({ packets }) => packets.protocol))];
  const lans = [...new Set(some.map(({ packets }) => packets.to ?? 'the LAN'))];
  const isWhole = some.length === protocols.length * lans.length;
  const words: Readonly<Record<Protocol, string>> = { tcp: 'TCP', udp: 'UDP' };
  if (!isWhole)
    return ` (${some.map(({ packets }) => `${words[packets.protocol]} to ${packets.to ?? 'the LAN'}`).join(', ')})`;
  const isOfAllLans = lans.length === new Set(all.map(({ packets }) => packets.to ?? 'the LAN')).size;
  return ` (${protocols.length > 1 ? '' : words[protocols[0] ?? 'tcp']}${protocols.length > 1 || isOfAllLans ? '' : ' '}${isOfAllLans ? '' : `to ${lans.join(', ')}`})`;
}

function lostMappings(
  { chain, stage }: JudgedChain,
  ruleset: Ruleset,
  network: Network,
  mappings: readonly Mapping[],
): readonly Mapping[] {
  return mappings.slice(0, MAX_JUDGED_MAPPINGS).filter((mapping) => {
    const judgement = judge(chain, ruleset, classOf(network, stage, mapping));
    return judgement.kind === 'lost' && judgement.but.length === 0;
  });
}

function okText(judgedChains: readonly JudgedChain[]): string {
  const filters = judgedChains.filter(({ chain }) => chain.type !== 'nat');
  if (filters.length === 0) return 'nobody else filters forwarded packets';
  const who = filters.length === 1 ? 'the chain of others' : `the ${filters.length} chains of others`;
  const where = filters.every(({ stage }) => stage === 'forward') ? ' in the forward hook' : '';
  const but = judgedChains.flatMap(({ judged }) =>
    judged.flatMap(({ judgement }) => (judgement.kind === 'passes' ? judgement.but : [])),
  );
  return `${who}${where} let${filters.length === 1 ? 's' : ''} mapped connections in${but.length === 0 ? '' : `, but for: ${listText(but)}`}`;
}
