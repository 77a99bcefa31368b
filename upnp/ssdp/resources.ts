// What can be found here: the devices and services of one LAN, each with the type by which it is searched and announced
// and the name that is unique in the network (USN). UPnP Device Architecture (UDA) 1.1 §1.2.2, tables 1-1 to 1-3.

import type { DeviceNames } from './types.js';

export interface Resource {
  /** NT of an announcement, ST of a reply. */
  readonly type: string;
  readonly usn: string;
}

export interface Resources {
  /** All of them, the gateway's type first: some clients read only so many replies. */
  readonly all: readonly Resource[];
  /** What a search for this target finds; empty if it is not here. */
  find(target: string): readonly Resource[];
}

const ALL = 'ssdp:all';
const DEVICE = 'urn:schemas-upnp-org:device:';
const SERVICE = 'urn:schemas-upnp-org:service:';
/** `uuid:` and a UUID. */
const UUID_CHARACTERS = 41;
const NOTHING: readonly Resource[] = [];

/** Version 1 of everything: a device may be found by a lower version than its own, and by no higher one (UDA 1.1 §1.3.2). */
export function resourcesOf({ root, wan, connection }: DeviceNames): Resources {
  const typed = (udn: string, type: string): Resource => ({ type, usn: `${udn}::${type}` });
  const all = [
    typed(root, `${DEVICE}InternetGatewayDevice:1`),
    typed(root, 'upnp:rootdevice'),
    { type: root, usn: root },
    typed(root, `${SERVICE}Layer3Forwarding:1`),
    { type: wan, usn: wan },
    typed(wan, `${DEVICE}WANDevice:1`),
    typed(wan, `${SERVICE}WANCommonInterfaceConfig:1`),
    { type: connection, usn: connection },
    typed(connection, `${DEVICE}WANConnectionDevice:1`),
    typed(connection, `${SERVICE}WANIPConnection:1`),
  ];
  // Clients that search for this alone look for either service in the description then.
  const searchedBesides = typed(connection, `${SERVICE}WANPPPConnection:1`);
  const byType = new Map([...all, searchedBesides].map((resource) => [resource.type, [resource]]));
  return {
    all,
    find(target) {
      if (target === ALL) return all;
      const found = byType.get(target);
      if (found !== undefined || target.length !== UUID_CHARACTERS) return found ?? NOTHING;
      // A UUID may be written in any case. The reply repeats what was searched, as clients compare the two.
      const [named] = byType.get(target.toLowerCase()) ?? NOTHING;
      return named === undefined ? NOTHING : [{ type: target, usn: named.usn }];
    },
  };
}
