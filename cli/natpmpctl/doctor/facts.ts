// What natpmpctl doctor looks at, as data: so that what it makes of it can be tested without a broken router at hand.

import type { StatusReport } from '../../../proto/codec.js';
import type { Ipv4, Lan, Mapping } from '../../../proto/mapping.js';
import type { Json } from '../../host/nft-json.js';
import type { Table } from '../../host/ruleset-plan.js';
import type { Finding } from '../finding.js';
import type { DaemonProcess } from '../processes.js';

/** What the gateway is made for, from flags, or from the command lines of what runs. */
export interface Setup {
  readonly externalInterface: string | null;
  /** As told by --external-address. */
  readonly externalAddress: Ipv4 | null;
  readonly listenInterfaces: readonly string[];
  readonly lans: readonly Lan[];
  readonly listenPort: number;
  readonly natTable: string;
  readonly stateDir: string;
}

export interface Interface {
  readonly isUp: boolean;
  /** It has a carrier: a cable is in, someone is at the other end. */
  readonly isRunning: boolean;
  readonly lans: readonly Lan[];
}

export interface StateDir {
  readonly uid: number;
  /** The permission bits. */
  readonly mode: number;
  readonly freeBytes: number;
  /** In memory: gone with the next reboot. */
  readonly isVolatile: boolean;
  /** When the lease table was last written, milliseconds of the wall clock; null where there is none yet. */
  readonly writtenAtMs: number | null;
}

export interface Unit {
  readonly name: string;
  readonly state: string;
  readonly restarts: number;
}

/** Something that could not be looked at, and why. */
export interface Unavailable {
  readonly reason: string;
}

/** What `nft --json --terse list ruleset` leaves out. */
export interface NftDetails {
  /** `nft --terse list ruleset`: nft 1.0.6 writes neither devices nor the flags of tables as JSON. */
  readonly text: string;
  /** Elements of sets and maps, by key; null where they could not be had. */
  readonly elements: ReadonlyMap<string, readonly Json[] | null>;
  /** `iptables-nft-save`: what nft knows only by name; empty where there is none. */
  readonly iptables: string;
}

export interface Facts {
  readonly setup: Setup;
  readonly helper: StatusReport | Unavailable;
  readonly daemons: readonly DaemonProcess[];
  readonly interfaces: ReadonlyMap<string, Interface>;
  /** Interfaces that have a default route. */
  readonly defaultRoutes: readonly string[];
  /** Files below /proc/sys, by their path there; what is not there is not in it. */
  readonly kernelSettings: ReadonlyMap<string, string>;
  /** /proc/net/udp. */
  readonly udpTable: string;
  /** Sockets that the frontends hold, by inode; null where that may not be seen. */
  readonly frontendInodes: ReadonlySet<string> | null;
  /** By name, of family ip. */
  readonly tables: ReadonlyMap<string, Table> | Unavailable;
  /** `nft --json --terse list ruleset`. */
  readonly rulesetListing: string | Unavailable;
  /** What that leaves out. */
  readonly nftDetails: NftDetails;
  /** Interface groups, by interface. */
  readonly interfaceGroups: ReadonlyMap<string, number>;
  /** What the gateway holds; none where there are many. */
  readonly mappings: readonly Mapping[];
  /** Tables of the old iptables, which nft does not show. */
  readonly legacyTables: readonly string[];
  readonly stateDir: StateDir | Unavailable | null;
  readonly units: readonly Unit[];
  readonly wallMs: number;
  readonly bootMs: number;
}

/** Findings of one check. */
export type Check = (facts: Facts) => readonly Finding[];

export function isUnavailable(value: object | string | null): value is Unavailable {
  return typeof value === 'object' && value !== null && 'reason' in value;
}
