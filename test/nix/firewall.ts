// The firewall of NixOS, as its nftables.service loads it and loads it again at a reload: its own table is made again,
// and no other is touched.

import type { Evaluated } from './nix.js';

const NAME = 'nixos-fw';

/** A script for `nft -f`. With the stand-in for nixpkgs the table is what NixOS makes of these options, in short. */
export function firewall(evaluated: Evaluated): string {
  const content = evaluated.nftables[NAME] ?? inShort(evaluated);
  return `table inet ${NAME}\ndelete table inet ${NAME}\ntable inet ${NAME} {\n${content}\n}\n`;
}

function inShort({ firewall: udp, firewallTcp: tcp }: Evaluated): string {
  const ports = Object.entries({ udp, tcp }).flatMap(([protocol, open]) =>
    Object.entries(open)
      .filter(([, numbers]) => numbers.length > 0)
      .map(([name, numbers]) => `iifname "${name}" ${protocol} dport { ${numbers.join(', ')} } accept`),
  );
  return `
  chain input {
    type filter hook input priority filter; policy drop;
    iifname lo accept
    ct state vmap { invalid : drop, established : accept, related : accept, new : jump input-allow, untracked : jump input-allow }
    tcp flags & (fin | syn | rst | ack) == syn log level info prefix "refused connection: "
  }
  chain input-allow {
    ${ports.join('\n    ')}
    icmp type echo-request accept
  }
  chain forward {
    type filter hook forward priority filter; policy drop;
    ct state vmap { invalid : drop, established : accept, related : accept, new : jump forward-allow, untracked : jump forward-allow }
  }
  chain forward-allow {
    ct status dnat accept comment "allow port forward"
  }`;
}
