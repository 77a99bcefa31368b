// The remedy for a chain that drops packets of mappings, or of pinholes. Pure.

import { keyOf } from '../../../host/nft-json.js';
import { savedChains } from '../../../host/firewall/iptables.js';
import type { Stage } from '../../../host/firewall/packet.js';
import type { Protocol } from '../../../../proto/mapping.js';
import type { Chain } from './ruleset.js';

/** The base chains of iptables. */
const OF_IPTABLES = /^(PREROUTING|FORWARD|POSTROUTING)$/;
const OF_IPTABLES_INPUT = /^(PREROUTING|INPUT)$/;
const OF_IPTABLES_OUTPUT = /^(OUTPUT|POSTROUTING)$/;
/** The default of --allowed-ports. */
const PORTS = { nft: '1024-65535', iptables: '1024:65535' } as const;

export function remedyFor(chain: Chain, stage: Stage, externalInterface: string | null, saved: string): string {
  const isEarly = stage === 'untracked' || stage === 'untranslated';
  const { family, table, name } = chain;
  if (chain.isOwned)
    return `only the program that owns table ${family} ${table} can change it: have it accept ${isEarly ? 'the ports of mappings' : 'ct status dnat'} in chain ${name}`;
  if (isOfIptables(chain, saved)) return isEarly ? earlyIptables(chain, externalInterface) : iptables(chain);
  const condition = isEarly
    ? `iifname ${externalInterface ?? 'WAN'} meta l4proto { tcp, udp } th dport ${PORTS.nft}`
    : 'ct status dnat';
  return `nft insert rule ${family} ${table} ${name} ${condition} accept; to keep it, put it into your firewall's configuration${
    isEarly ? '; with --allowed-ports, those' : ''
  }`;
}

/** `isLabelled`: the packets that it sees have the label. */
export function pinholeRemedy(chain: Chain, label: number, isLabelled: boolean, saved: string): string {
  const { family, table, name } = chain;
  if (!isLabelled)
    return 'it comes before the gateway has marked them: what drops unasked connections belongs into the forward hook, at priority filter (0) or later';
  if (chain.isOwned)
    return `only the program that owns table ${family} ${table} can change it: have it accept ct label ${label} in chain ${name}`;
  if (
    family === 'ip6' &&
    OF_IPTABLES.test(name) &&
    (saved === '' || savedChains(saved, 'ip6').has(keyOf(family, table, name)))
  )
    return `ip6tables ${table === 'filter' ? '' : `-t ${table} `}-I ${name} -m connlabel --label ${label} -j ACCEPT; to keep it, have your firewall do the same (ufw: in /etc/ufw/before6.rules)`;
  return `nft insert rule ${family} ${table} ${name} ${family === 'inet' ? 'meta nfproto ipv6 ' : ''}ct label ${label} accept; to keep it, put it into your firewall's configuration`;
}

/** Where the router takes requests. */
export interface Listening {
  readonly protocol: Protocol;
  readonly port: number;
}

/** For a chain that drops requests of these LANs to these ports. */
export function requestRemedy(
  chain: Chain,
  lans: readonly string[],
  ports: readonly Listening[],
  saved: string,
): string {
  const { family, table, name } = chain;
  const on = lans.length === 1 ? lans[0] : `{ ${lans.join(', ')} }`;
  const wanted = ports.map(({ protocol, port }) => `${protocol.toUpperCase()} ${port}`).join(' and ');
  if (chain.isOwned && table !== 'firewalld')
    return `only the program that owns table ${family} ${table} can change it: have it accept ${wanted} on ${lans.join(', ')} in chain ${name}`;
  const keep = keepingRequests(chain, lans, ports, saved);
  if (chain.isOwned) return keep;
  if (OF_IPTABLES_INPUT.test(name) && isSaved(chain, saved)) {
    const program = family === 'ip6' ? 'ip6tables' : 'iptables';
    const inTable = table === 'filter' ? '' : `-t ${table} `;
    const commands = lans.flatMap((lan) =>
      ports.map(
        ({ protocol, port }) => `${program} ${inTable}-I ${name} -i ${lan} -p ${protocol} --dport ${port} -j ACCEPT`,
      ),
    );
    return `${commands.join('; ')}; to keep it, ${keep}`;
  }
  const commands = ports.map(
    ({ protocol, port }) => `nft insert rule ${family} ${table} ${name} iifname ${on} ${protocol} dport ${port} accept`,
  );
  return `${commands.join('; ')}; to keep it, ${keep}`;
}

/** For a chain that drops answers from these ports to hosts of these LANs. */
export function answerRemedy(
  chain: Chain,
  lans: readonly string[],
  ports: readonly Listening[],
  saved: string,
): string {
  const { family, table, name } = chain;
  const on = lans.length === 1 ? lans[0] : `{ ${lans.join(', ')} }`;
  if (chain.isOwned)
    return `only the program that owns table ${family} ${table} can change it: have it accept in chain ${name} what leaves by ${lans.join(', ')} from ${ports.map(({ protocol, port }) => `${protocol.toUpperCase()} ${port}`).join(' and ')}`;
  const isOfIptablesOutput = OF_IPTABLES_OUTPUT.test(name) && isSaved(chain, saved);
  const program = family === 'ip6' ? 'ip6tables' : 'iptables';
  const inTable = table === 'filter' ? '' : `-t ${table} `;
  const commands = isOfIptablesOutput
    ? lans.flatMap((lan) =>
        ports.map(
          ({ protocol, port }) => `${program} ${inTable}-I ${name} -o ${lan} -p ${protocol} --sport ${port} -j ACCEPT`,
        ),
      )
    : ports.map(
        ({ protocol, port }) =>
          `nft insert rule ${family} ${table} ${name} ${family === 'netdev' ? '' : `oifname ${on} `}${protocol} sport ${port} accept`,
      );
  const keep = isOfIptablesOutput ? 'have your firewall do the same' : "put it into your firewall's configuration";
  return `${commands.join('; ')}; to keep it, ${keep}`;
}

/** How the firewall that has made the chain is told, if it is a known one. */
function keepingRequests(
  { table, family }: Chain,
  lans: readonly string[],
  ports: readonly Listening[],
  saved: string,
): string {
  if (table === 'nixos-fw' || saved.includes(':nixos-fw ')) return 'services.natpmp-server.openFirewall = true';
  if (table === 'firewalld')
    return lans
      .map((lan) => {
        const added = ports.map(({ protocol, port }) => `--add-port=${port}/${protocol}`).join(' ');
        return `firewall-cmd --permanent --zone=$(firewall-cmd --get-zone-of-interface=${lan}) ${added}; firewall-cmd --reload`;
      })
      .join('; ');
  if (table === 'fw4')
    return ports
      .map(
        ({ protocol, port }) =>
          `a rule in /etc/config/firewall: option src lan, option proto ${protocol}, option dest_port ${port}, option target ACCEPT`,
      )
      .join('; ');
  if (/^:ufw6?-/m.test(saved))
    return lans
      .flatMap((lan) =>
        ports.map(({ protocol, port }) => `ufw allow in on ${lan} to any port ${port} proto ${protocol}`),
      )
      .join('; ');
  return family === 'ip' || family === 'ip6'
    ? 'have your firewall do the same'
    : "put it into your firewall's configuration";
}

/** iptables rejects a whole table that has a rule made by nft, and Docker and ufw would fail. */
function isOfIptables(chain: Chain, saved: string): boolean {
  return chain.family === 'ip' && OF_IPTABLES.test(chain.name) && isSaved(chain, saved);
}

/** If nothing is known of iptables, a chain of its names may be one of it. */
function isSaved({ family, table, name }: Chain, saved: string): boolean {
  if (family !== 'ip' && family !== 'ip6') return false;
  return saved === '' || savedChains(saved, family).has(keyOf(family, table, name));
}

function command({ table, name }: Chain): string {
  return `iptables ${table === 'filter' ? '' : `-t ${table} `}-I ${name}`;
}

function iptables(chain: Chain): string {
  return `${command(chain)} -m conntrack --ctstate DNAT -j ACCEPT; to keep it, have your firewall do the same (Docker: in chain DOCKER-USER; ufw: in /etc/ufw/before.rules)`;
}

function earlyIptables(chain: Chain, externalInterface: string | null): string {
  const one = (protocol: string): string =>
    `${command(chain)} -i ${externalInterface ?? 'WAN'} -p ${protocol} --dport ${PORTS.iptables} -j ACCEPT`;
  return `${one('tcp')}; ${one('udp')}; to keep it, have your firewall do the same; with --allowed-ports, those`;
}
