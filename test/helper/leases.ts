// Leases for the helper's tests.

import type { Limits } from '../../helper/types.js';
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

/** Limits with no rule but the default one. */
export function limitsFor(limits: Omit<Limits, 'rules' | 'deniedPorts' | 'loopback'>): Limits {
  const grant = {
    ports: withoutPorts(limits.allowedPorts, limits.reservedPorts),
    maxMappings: limits.maxMappingsPerHost,
    maxLifetime: limits.maxLifetime,
  };
  return { ...limits, loopback: false, deniedPorts: [], rules: [{ who: EVERYONE, grant }] };
}
