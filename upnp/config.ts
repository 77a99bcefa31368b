// The values of natpmp-upnp's flags (flags.ts): text to Config. Pure: reads no file and no environment.

import type { CallerConfig, CallerFlags } from '../caller/config.js';
import { parseCaller } from '../caller/config.js';
import type { Validated } from '../config/validate.js';
import type { Complain } from '../config/values.js';
import { wholeNumber } from '../config/values.js';

/** The flags as typed. */
export interface Flags extends CallerFlags {
  readonly upnpPort?: string;
  readonly deviceId?: string;
}

export interface Config extends CallerConfig {
  /** The TCP port of the "upnp" sockets; null: the sockets tell it. */
  readonly upnpPort: number | null;
  /** What the device's UUIDs are derived from; null: the content of /etc/machine-id. */
  readonly deviceId: string | null;
}

/** The configuration, or every complaint about the flags. */
export function parseConfig(flags: Flags): Validated<Config> {
  const complaints: string[] = [];
  const complain: Complain = (complaint) => complaints.push(complaint);
  const { common } = parseCaller(flags, complain);
  const upnpPort = flags.upnpPort === undefined ? null : wholeNumber('--upnp-port', flags.upnpPort, 1, 65535, complain);
  const { deviceId = null } = flags;
  if (deviceId !== null && !/^[!-~]{1,128}$/.test(deviceId))
    complain(`--device-id ${deviceId}: give up to 128 characters of ASCII without blanks`);
  return complaints.length > 0 ? { complaints } : { ok: Object.freeze({ ...common, upnpPort, deviceId }) };
}
