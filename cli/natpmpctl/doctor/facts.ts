// The facts that natpmpctl doctor judges, as data, so that its checks can be tested without a broken router.

import type { StatusReport } from '../../../proto/codec.js';
import type { Ipv4, Lan, Mapping, Origin } from '../../../proto/mapping.js';
import type { Json } from '../../host/nft-json.js';
import type { Tables } from '../../host/ruleset-plan.js';
import type { PortsInUse } from '../../host/ports-in-use.js';
import type { BoundSocket } from '../../host/bound-sockets.js';
import type { Device } from '../descriptions.js';
import type { Finding } from '../finding.js';
import type { DaemonProcess } from '../processes.js';

/** The setup of the gateway, from flags, or from the command lines of the daemons. */
export interface Setup {
  readonly externalInterface: string | null;
  /** From --external-address. */
  readonly externalAddress: Ipv4 | null;
  readonly listenInterfaces: readonly string[];
  readonly lans: readonly Lan[];
  readonly listenPort: number;
  readonly natTable: string;
  readonly natChain: string;
  readonly stateDir: string;
}

export interface Interface {
  readonly isUp: boolean;
  /** It has a carrier. */
  readonly isRunning: boolean;
  readonly lans: readonly Lan[];
}

export interface StateDir {
  readonly uid: number;
  /** The permission bits. */
  readonly mode: number;
  readonly freeBytes: number;
  /** In memory: lost at the next reboot. */
  readonly isVolatile: boolean;
  /** When the lease table was last written, by the wall clock; null if there is none yet. */
  readonly writtenAtMs: number | null;
}

export interface Unit {
  readonly name: string;
  readonly state: string;
  readonly restarts: number;
}

/** A fact that could not be read, and why. */
export interface Unavailable {
  readonly reason: string;
}

/** Details that `nft --json --terse list ruleset` leaves out. */
export interface NftDetails {
  /** `nft --terse list ruleset`: the JSON of nft 1.0.6 has neither devices nor the flags of tables. */
  readonly text: string;
  /** Elements of sets and maps, by key; null if they could not be read. */
  readonly elements: ReadonlyMap<string, readonly Json[] | null>;
  /** `iptables-nft-save`: the rules of which nft shows only names; empty if there are none. */
  readonly iptables: string;
  /** The same of `ip6tables-nft-save`. */
  readonly ip6tables: string;
}

/** What concerns pinholes alone. */
export interface Ipv6 {
  /** Interfaces that have a default route. */
  readonly defaultRoutes: readonly string[];
  /** Global unicast addresses (2000::/3), by interface. */
  readonly addresses: ReadonlyMap<string, readonly string[]>;
  /** /proc/net/udp6. */
  readonly udpTable: string;
  /** Tables of the legacy ip6tables. */
  readonly legacyTables: readonly string[];
}

/** A route of IPv4 that is not a default route. */
export interface LanRoute {
  readonly interfaceName: string;
  readonly address: Ipv4;
  readonly prefixLength: number;
}

/** Where searches for UPnP devices are sent: UPnP Device Architecture 1.1 §1. */
export const SSDP = { group: 0xef_ff_ff_fa, port: 1900 } as const;

/** What concerns UPnP alone. */
export interface Upnp {
  /** The TCP port of descriptions and requests. */
  readonly port: number;
  /** Listening TCP sockets and unconnected UDP sockets with its ports. */
  readonly sockets: readonly BoundSocket[];
  /** The inodes of natpmp-upnp's sockets; null if this user may not see them. */
  readonly inodes: ReadonlySet<string> | null;
  /** Indexes of the LAN interfaces, by name. */
  readonly indexes: ReadonlyMap<string, number>;
  /** Programs that are other UPnP gateways. */
  readonly others: readonly { readonly pid: number; readonly name: string }[];
  /** What each natpmp-upnp that answers says that LAN hosts are told. */
  readonly devices: readonly Device[];
}

export interface Facts {
  readonly setup: Setup;
  readonly helper: StatusReport | Unavailable;
  readonly daemons: readonly DaemonProcess[];
  /** If the gateway is in another network namespace than this program: how to run it there. */
  readonly elsewhere: string | null;
  /** What is missing of the isolation of a daemon, by its pid; without those that this user may not see. */
  readonly missingIsolation: ReadonlyMap<number, readonly string[]>;
  readonly interfaces: ReadonlyMap<string, Interface>;
  /** Interfaces that have a default route. */
  readonly defaultRoutes: readonly string[];
  /** The other routes of IPv4 in the main table. */
  readonly routes: readonly LanRoute[];
  /** Null if this kernel has no IPv6. */
  readonly ipv6: Ipv6 | null;
  /** Null if UPnP is off. */
  readonly upnp: Upnp | null;
  /** Files below /proc/sys, by their path there; without those that do not exist. */
  readonly kernelSettings: ReadonlyMap<string, string>;
  /** /proc/net/udp. */
  readonly udpTable: string;
  /** The inodes of the frontends' sockets; null if this user may not see them. */
  readonly frontendInodes: ReadonlySet<string> | null;
  /** What gateways and others have in nftables. */
  readonly tables: Tables | Unavailable;
  /** `nft --json --terse list ruleset`. */
  readonly rulesetListing: string | Unavailable;
  /** What the listing leaves out. */
  readonly nftDetails: NftDetails;
  /** The ports that the router needs itself; null if the external interface is not known. */
  readonly portsInUse: PortsInUse | Unavailable | null;
  /** Interface groups, by interface. */
  readonly interfaceGroups: ReadonlyMap<string, number>;
  /** The mappings of the gateway; empty if there are too many to list. */
  readonly mappings: readonly (Mapping & { readonly origin?: Origin })[];
  /** What is wrong with configured names of interfaces that are altnames, a text for each. */
  readonly altnames: ReadonlyMap<string, string>;
  /** Tables of the legacy iptables, which nft does not show. */
  readonly legacyTables: readonly string[];
  readonly stateDir: StateDir | Unavailable | null;
  readonly units: readonly Unit[];
  readonly wallMs: number;
  readonly bootMs: number;
}

/** Findings of one check. */
export type Check = (facts: Facts) => readonly Finding[];

/** The interface that has the address; undefined if there is none. */
export function interfaceWith(address: Ipv4, interfaces: Facts['interfaces']): string | undefined {
  return [...interfaces].find(([, { lans }]) => lans.some(({ routerAddress }) => routerAddress === address))?.[0];
}

export function isUnavailable(value: object | string | null): value is Unavailable {
  return typeof value === 'object' && value !== null && 'reason' in value;
}
