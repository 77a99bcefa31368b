// Which external address may be told and used.

import { addressKind } from '../config/public-address.js';
import type { Ipv4 } from '../proto/mapping.js';

export interface AddressConfig {
  /** In place of the external interface's address; null to use that. */
  readonly externalAddress: Ipv4 | null;
  /** An address that is not a public one is of no use. */
  readonly requirePublicAddress: boolean;
}

/** A configured --external-address is trusted even if it is not public. */
export function isUsable(address: Ipv4 | null, config: AddressConfig): boolean {
  return (
    address === null ||
    !config.requirePublicAddress ||
    config.externalAddress !== null ||
    addressKind(address) === 'public'
  );
}
