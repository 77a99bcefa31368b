// The words that all programs use for a mapping and for a pinhole. Types only.

/** The two protocols NAT-PMP maps (RFC 6886 §3.3). */
export type Protocol = 'udp' | 'tcp';

/** An IPv4 address as an unsigned 32 bit number, most significant byte first: 192.168.1.2 is 0xc0a80102. */
export type Ipv4 = number;

/** An IPv6 address as 32 lower-case hexadecimal digits, so that it can be a key; to and from text: ipv6.ts. */
export type Ipv6 = string;

export type Origin = 'dynamic' | 'static';

/** An inside endpoint: what a client names in a request, together with its own address (RFC 6886 §3.3). */
export interface Endpoint {
  readonly protocol: Protocol;
  readonly internalAddress: Ipv4;
  /** 1..65535 */
  readonly internalPort: number;
}

export interface Mapping extends Endpoint {
  /** 1..65535 */
  readonly externalPort: number;
}

/** A mapping as granted. */
export interface Lease extends Mapping {
  readonly origin: Origin;
  /** Seconds, as granted; 0 for a static mapping. */
  readonly lifetime: number;
  /** Milliseconds of CLOCK_BOOTTIME; `Infinity` for a static mapping. */
  readonly expiresAt: number;
  /** 1..255: the tool that asked for it last (tools.ts); absent for 0. */
  readonly tool?: number;
}

/** What a pinhole opens in the firewall. Nothing is translated: the port outside is the same. */
export interface PinholeEndpoint {
  readonly protocol: Protocol;
  readonly address: Ipv6;
  /** 1..65535 */
  readonly port: number;
}

/** A pinhole as granted. */
export interface Pinhole extends PinholeEndpoint {
  readonly origin: Origin;
  /** Seconds, as granted; 0 for a static pinhole. */
  readonly lifetime: number;
  /** Milliseconds of CLOCK_BOOTTIME; `Infinity` for a static pinhole. */
  readonly expiresAt: number;
  /** 48 bits, the first octet most significant; 0 if it was not known. */
  readonly hardwareAddress: number;
}

/** A LAN as configured: the router's own address in it, and the prefix length: "192.168.1.1/24". */
export interface Lan {
  readonly routerAddress: Ipv4;
  /** 8..32 */
  readonly prefixLength: number;
}

/** An inclusive range of ports. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}
