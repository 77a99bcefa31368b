// Leases for the helper's tests.

import type { HeldPinhole, Limits } from '../../helper/types.js';
import type { Lease } from '../../proto/mapping.js';
import { withoutPorts } from '../../proto/mapping.js';
import { EVERYONE } from '../../config/rules.js';

/** tcp 8080 -> 192.168.1.2:80 for an hour, but for what is given. */
export function lease(fields: Partial<Lease> = {}): Lease {
  return {
    protocol: 'tcp',
    internalAddress: 0xc0a80102,
    internalPort: 80,
    externalPort: 8080,
    origin: 'dynamic',
    lifetime: 3600,
    expiresAt: 1_000_000 + 3_600_000,
    ...fields,
  };
}

/** tcp 8080 of 2001:db8::2 for two hours, with a nonce, but for what is given. */
export function pinhole(fields: Partial<HeldPinhole> = {}): HeldPinhole {
  return {
    protocol: 'tcp',
    address: '20010db8000000000000000000000002',
    port: 8080,
    origin: 'dynamic',
    lifetime: 7200,
    expiresAt: 1_000_000 + 7_200_000,
    hardwareAddress: 0x020000000002,
    nonce: '000102030405060708090a0b',
    ...fields,
  };
}

/** Limits with no rule but the default one. */
export function limitsFor(
  limits: Omit<Limits, 'rules' | 'deniedPorts' | 'maxPinholes' | 'loopback'> & Partial<Limits>,
): Limits {
  const grant = {
    ports: withoutPorts(limits.allowedPorts, limits.reservedPorts),
    pinholePorts: limits.allowedPorts,
    maxMappings: limits.maxMappingsPerHost,
    maxLifetime: limits.maxLifetime,
  };
  return { maxPinholes: 0, loopback: false, deniedPorts: [], rules: [{ who: EVERYONE, grant }], ...limits };
}
