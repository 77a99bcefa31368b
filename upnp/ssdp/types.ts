// What the discovery of UPnP (SSDP: UPnP Device Architecture 1.1 §1) needs of its process.

import type { Schedule } from '../../caller/schedule.js';
import type { BootClock } from '../../proto/clock.js';
import type { Ipv4 } from '../../proto/mapping.js';

/** What is counted. */
export const SSDP_EVENTS = [
  /** A search for something that is here, by a host of the LAN. */
  'search',
  /** A reply that was handed to the kernel. */
  'reply',
  /** A set of messages that announces the device, or its end, on one LAN from one address. */
  'announced',
  /** Ignored: NOTIFY and replies of other devices, and any other bytes. */
  'not-a-search',
  /** Ignored: a search that is longer than any is, or not as UDA 1.1 §1.3.2 and §1.3.3 want it. */
  'malformed',
  /** Ignored: a search for what is not here. */
  'other-target',
  /** Ignored: sent to another address than the group and those of this LAN. */
  'destination',
  /** Ignored: by no host of this LAN, or from port 0. */
  'source',
  /** Ignored: the host has had as many replies as it may. */
  'host-rate',
  /** Ignored: all hosts together have had as many replies as they may. */
  'total-rate',
  /** Ignored: too many replies wait. */
  'busy',
  /** Not answered, or not announced: the interface has no address. */
  'no-address',
  /** The kernel did not take a datagram. */
  'send-failed',
  /** The group could not be joined; it is tried again. */
  'join-failed',
  /** A datagram met a defect of this program. */
  'defect',
] as const;
export type SsdpEvent = (typeof SSDP_EVENTS)[number];

/** The unique device names of the three devices, each `uuid:` and a UUID in lower case. */
export interface DeviceNames {
  /** InternetGatewayDevice */
  readonly root: string;
  /** WANDevice */
  readonly wan: string;
  /** WANConnectionDevice */
  readonly connection: string;
}

/** What all messages say. */
export interface MessageConfig {
  /** Of the HTTP server. */
  readonly httpPort: number;
  /** The path of the device's description there: `/igd.xml`. */
  readonly descriptionPath: string;
  /** `OS/version UPnP/1.1 product/version` */
  readonly serverHeader: string;
  /** BOOTID.UPNP.ORG: greater after each start (UDA 1.1 §1.2.2). Its lower 31 bits are sent. */
  readonly bootId: number;
  /** CONFIGID.UPNP.ORG: another one for another description; 0 to 2^24 - 1. */
  readonly configId: number;
}

export interface SsdpDeps extends MessageConfig {
  /** By the index of its interface. */
  readonly lans: ReadonlyMap<number, { readonly identity: DeviceNames }>;
  /** Look up who may ask, for all searches that are at hand, before `isLanHost` is called for each. */
  lookUp(interfaceIndex: number, hosts: readonly Ipv4[]): void;
  isLanHost(interfaceIndex: number, host: Ipv4): boolean;
  isOwnAddress(interfaceIndex: number, address: Ipv4): boolean;
  /** The router's addresses on the interface, as the kernel has them now. */
  addresses(interfaceIndex: number): readonly Ipv4[];
  /** Whether the kernel knows the hardware address of this host. */
  isResolved(interfaceIndex: number, host: Ipv4): boolean;
  readonly clock: BootClock;
  readonly schedule: Schedule;
  /** [0, 1) */
  readonly random: () => number;
  count(event: SsdpEvent): void;
  onDefect(error: unknown): void;
}
