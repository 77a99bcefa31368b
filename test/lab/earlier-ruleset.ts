// The ruleset of the releases before, literally, as `natpmp-server ruleset --external-interface wan0 --listen-interface
// br-lan --lan 192.168.1.1/24` printed it: what an upgrade finds.

export const EARLIER_RULESET = `
table ip nat {
  comment "natpmp-server owns this table"

  # external protocol and port : inside address and port
  map in {
    type inet_proto . inet_service : ipv4_addr . inet_service
    flags timeout
    size 131072
  }

  # inside endpoint : external port
  map out {
    type inet_proto . ipv4_addr . inet_service : inet_service
    flags timeout
    size 131072
  }

  # inside endpoint and external port of each mapping in force; counts its packets
  set live {
    type inet_proto . ipv4_addr . inet_service . inet_service
    flags timeout
    counter
    size 131072
  }

  # who asks, by hardware address
  set askers {
    type ether_addr
    flags dynamic,timeout
    timeout 10s
    size 4096
  }

  # requests that would be met with silence do not take the frontend's time
  chain NATPMP-input {
    type filter hook input priority filter; policy accept;
    iifname { "br-lan" } udp dport 5351 goto NATPMP-senders
    iifname { "br-lan" } udp dport 5352 drop
  }
  chain NATPMP-senders {
    ip saddr 192.168.1.1/24 goto NATPMP-requests
    drop
  }
  # @th,64,16 is version and opcode (RFC 6886 §3)
  chain NATPMP-requests {
    udp length < 10 drop
    @th,72,8 >= 128 drop
    @th,64,16 { 1, 2 } udp length < 20 drop
    @th,64,16 > 2 limit rate over 2000/second burst 2000 packets drop
  }

  # devices over the rate limit are redirected to the overflow socket; after every chain that admits 5351
  chain NATPMP-admitted {
    type filter hook input priority 300; policy accept;
    iifname { "br-lan" } udp dport 5351 goto NATPMP-askers
  }
  chain NATPMP-askers {
    update @askers { ether saddr limit rate 500/second burst 1000 packets } accept
    udp dport set 5352
  }

  # inbound: the first packet of a connection to a mapped port
  chain NATPMP {
    comment "natpmp-server 89337bc6"
    type nat hook prerouting priority dstnat; policy accept;
    iifname "wan0" fib daddr type local meta l4proto { tcp, udp } dnat ip to meta l4proto . th dport map @in
    iifname { "br-lan" } fib daddr type local fib daddr . iif type != local ip daddr != { 192.168.1.1 } meta l4proto { tcp, udp } dnat ip to meta l4proto . th dport map @in
  }

  # outbound from a mapped inside port: leaves from the mapped external port
  chain NATPMP-postrouting {
    type nat hook postrouting priority srcnat - 1; policy accept;
    oifname "wan0" meta l4proto { tcp, udp } masquerade to : meta l4proto . ip saddr . th sport map @out
    iifname "br-lan" oifname "br-lan" ct label 113 masquerade
  }

  # connections of a mapping are marked on their first packet ...
  chain NATPMP-outbound {
    type filter hook postrouting priority srcnat + 1; policy accept;
    oifname "wan0" ct state new ct status snat meta l4proto { tcp, udp } goto NATPMP-mark
  }
  chain NATPMP-mark {
    meta l4proto tcp meta l4proto . ct original ip saddr . ct original proto-src . ct reply proto-dst @live ct label set 113
    meta l4proto udp meta l4proto . ct original ip saddr . ct original proto-src . ct reply proto-dst @live ct label set 113
  }

  chain NATPMP-forward {
    type filter hook forward priority filter; policy accept;
    ct state new ct status dnat meta l4proto tcp meta l4proto . ip daddr . th dport . ct original proto-dst @live ct label set 113 accept
    ct state new ct status dnat meta l4proto udp meta l4proto . ip daddr . th dport . ct original proto-dst @live ct label set 113 accept
    ct label 113 goto NATPMP-live
  }

  # ... and end with it: once the mapping is not in force any more, neither direction passes
  chain NATPMP-live {
    meta l4proto tcp ct status dnat ct direction original meta l4proto . ip daddr . th dport . ct original proto-dst @live return
    meta l4proto tcp ct status dnat ct direction reply meta l4proto . ip saddr . th sport . ct original proto-dst @live return
    meta l4proto tcp ct direction original meta l4proto . ip saddr . th sport . ct reply proto-dst @live return
    meta l4proto tcp ct direction reply meta l4proto . ip daddr . th dport . ct reply proto-dst @live return
    meta l4proto udp ct status dnat ct direction original meta l4proto . ip daddr . th dport . ct original proto-dst @live return
    meta l4proto udp ct status dnat ct direction reply meta l4proto . ip saddr . th sport . ct original proto-dst @live return
    meta l4proto udp ct direction original meta l4proto . ip saddr . th sport . ct reply proto-dst @live return
    meta l4proto udp ct direction reply meta l4proto . ip daddr . th dport . ct reply proto-dst @live return
    meta l4proto tcp reject with tcp reset
    reject
  }
}
`;
