// What natpmpctl doctor looks at, as data: so that what it makes of it can be tested without a broken router at hand.

import type { StatusReport } from '../../../proto/codec.js';
import type { Ipv4, Lan, Mapping } from '../../../proto/mapping.js';
import type { Table } from '../../host/ruleset-plan.js';
import type { Daemon } from '../processes.js';
import type { Beside } from './firewall/ruleset.js';

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
  readonly unseen: string;
}

export interface Facts {
  readonly setup: Setup;
  readonly helper: StatusReport | Unavailable;
  readonly daemons: readonly Daemon[];
  readonly interfaces: ReadonlyMap<string, Interface>;
  /** Interfaces that have a default route. */
  readonly defaultRoutes: readonly string[];
  /** Files below /proc/sys, by their path there; what is not there is not in it. */
  readonly kernel: ReadonlyMap<string, string>;
  /** /proc/net/udp. */
  readonly udp: string;
  /** Sockets that the frontends hold, by inode; null where that may not be seen. */
  readonly held: ReadonlySet<string> | null;
  /** By name, of family ip. */
  readonly tables: ReadonlyMap<string, Table> | Unavailable;
  /** `nft --json --terse list ruleset`. */
  readonly ruleset: string | Unavailable;
  /** What that leaves out. */
  readonly beside: Beside;
  /** Interface groups, by interface. */
  readonly groups: ReadonlyMap<string, number>;
  /** What the gateway holds; none where there are many. */
  readonly mappings: readonly Mapping[];
  /** Tables of the old iptables, which nft does not show. */
  readonly oldTables: readonly string[];
  readonly state: StateDir | Unavailable | null;
  readonly units: readonly Unit[];
  readonly wallMs: number;
  readonly bootMs: number;
}

export interface Finding {
  readonly check: string;
  /** `unknown`: it could not be looked at. */
  readonly verdict: 'ok' | 'warn' | 'fail' | 'unknown';
  readonly says: string;
  /** What to do; null where there is nothing to do. */
  readonly remedy: string | null;
}

/** Findings of one check. */
export type Check = (seen: Facts) => readonly Finding[];

export const ok = (check: string, says: string): Finding => ({ check, verdict: 'ok', says, remedy: null });
export const warn = (check: string, says: string, remedy: string): Finding => ({
  check,
  verdict: 'warn',
  says,
  remedy,
});
export const fail = (check: string, says: string, remedy: string): Finding => ({
  check,
  verdict: 'fail',
  says,
  remedy,
});
export const unknown = (check: string, says: string, remedy: string | null = null): Finding => ({
  check,
  verdict: 'unknown',
  says,
  remedy,
});

export function isUnavailable(value: object | string | null): value is Unavailable {
  return typeof value === 'object' && value !== null && 'unseen' in value;
}
