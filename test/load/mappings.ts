// The mappings the load asks for, by number: every port from 1024 up, both protocols, spread over the hosts of the LAN.
// Pure.

/** The router's address in the LAN is 10.77.0.1/16; the hosts that ask are those from here on, one after the other. */
export const ROUTER = '10.77.0.1';
export const ROUTER_LAN = '10.77.0.1/16';
/** The load generator's own address, and the half of the LAN that all leads to it. */
export const LAN_GATE = '10.77.0.2';
/** Another device of the LAN, with a hardware address of its own. */
export const NEIGHBOUR = '10.77.0.3';
export const LAN_HOSTS = '10.77.128.0/17';
export const FIRST_HOST = 0x0a4d8001;
export const MOST_HOSTS = 0x7ffe;

/** The same over IPv6: a host has the last 32 bits of its IPv4 address behind these 96. */
export const ROUTER6 = '2001:db8:77::1';
export const LAN_GATE6 = '2001:db8:77::2';
export const NEIGHBOUR6 = '2001:db8:77::3';
export const LAN_HOSTS6 = '2001:db8:77:1::/64';
export const HOST_PREFIX6 = '20010db80077000100000000';

const FIRST_PORT = 1024;
const PORTS = 65536 - FIRST_PORT;
/** The full port space: 64,512 for TCP and as many for UDP. */
export const MOST_MAPPINGS = 2 * PORTS;
/** As the helper limits them. */
export const MOST_PINHOLES = 16_384;
/** Ports of one host, both protocols of each: what makes 256 hosts of the whole space. */
const PORTS_A_HOST = 252;

export const OPCODE = { address: 0, udp: 1, tcp: 2 } as const;

export interface Wish {
  /** Counted from FIRST_HOST. */
  readonly host: number;
  readonly opcode: 1 | 2;
  /** Internal port, and the external one suggested. */
  readonly port: number;
}

/** Both protocols of a port are the same host's: nobody else may have the second one (RFC 6886 §3.3). */
export function wish(number: number, portsAHost = PORTS_A_HOST): Wish {
  const port = number >>> 1;
  return {
    host: Math.floor(port / portsAHost),
    opcode: (number & 1) === 0 ? OPCODE.udp : OPCODE.tcp,
    port: FIRST_PORT + port,
  };
}

/** Which of `span` comes as the n-th, jumping about so that no cache finds it easy. Each comes once in `span` steps. */
export function jump(n: number, span: number): number {
  return (n * strideFor(span)) % span;
}

/** A prime that does not divide the span, and so meets all of it; small enough that the product stays exact. */
function strideFor(span: number): number {
  return span <= 2 ? 1 : span % 7919 === 0 ? 7907 : 7919;
}
