// Names that nft cannot be given, because they are words of its language. Pure.

/** Words of nft's language, of 1.0.6 and newer: where it wants a name, each is a syntax error. */
const NFT_WORDS = new Set(
  (
    'accept add ah all and arp auto-merge bridge cgroup chain comment comp constant continue counter cpu create ct day dccp define ' +
    'delete describe destroy device devices dnat drop dst dup dynamic ecn element elements eq erspan esp ether exists expires export ' +
    'exthdr fib flags flow flowtable flush frag fwd gc-interval ge geneve get goto gre gretap gt handle hbh hook hour ibriport ' +
    'ibrname icmp icmpv6 igmp iif iifgroup iifname iiftype import include index inet insert interval ip ip6 ipsec jhash jump le limit ' +
    'list log lshift lt map mark masquerade meta meter mh missing monitor ne netdev nftrace not notrack numgen obriport obrname ' +
    'offload oif oifgroup oifname oiftype or osf pkttype policy position priority queue quota random redefine redirect reject rename ' +
    'replace reset return rshift rt rt0 rt2 rtclassid rule ruleset sctp secmark set size skgid skuid snat socket srh symhash synproxy ' +
    'table tcp th time timeout tproxy tunnel type typeof udp udplite undefine update vlan vmap vxlan xor xt'
  ).split(' '),
);

/** Whether nft reads the name as a word of its language: there is no quoting. */
export function isNftWord(name: string): boolean {
  return NFT_WORDS.has(name);
}
