// The UUIDs of the three devices: the same after a restart and a reboot, and different for each router and LAN.

import { createHmac } from 'node:crypto';

/** The unique device names (UPnP Device Architecture 1.0 §2.1), each 'uuid:' and 36 lower-case characters. */
export interface Identity {
  /** InternetGatewayDevice */
  readonly root: string;
  /** WANDevice */
  readonly wan: string;
  /** WANConnectionDevice */
  readonly connection: string;
}

/**
 * The identity on one LAN.
 *
 * @param deviceId A secret of some length, such as the content of /etc/machine-id: it cannot be read from the result.
 * @param lan The name of the LAN.
 */
export function identityOf(deviceId: string, lan: string): Identity {
  const uuid = (device: string): string => `uuid:${uuidOf(deviceId.trim(), `natpmp-server\0${lan}\0${device}`)}`;
  return { root: uuid('InternetGatewayDevice'), wan: uuid('WANDevice'), connection: uuid('WANConnectionDevice') };
}

/**
 * A UUID of a name, as of version 5 (RFC 9562 §5.5) but by HMAC-SHA256: machine-id(5) asks for a keyed hash. It has the
 * version's number all the same, because readers that check the number do not know the newer ones.
 */
function uuidOf(secret: string, name: string): string {
  const octets = createHmac('sha256', secret).update(name).digest().subarray(0, 16);
  octets[6] = (octets[6]! & 0x0f) | 0x50;
  octets[8] = (octets[8]! & 0x3f) | 0x80;
  return octets.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
