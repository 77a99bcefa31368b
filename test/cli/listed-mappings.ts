// Mappings as the helper lists them, for the tests of natpmpctl.

import type { Descriptions } from '../../cli/natpmpctl/descriptions.js';
import type { ListedLease, ListedPinhole } from '../../proto/codec.js';

export const web: ListedLease = {
  protocol: 'tcp',
  internalAddress: 0xc0a80102,
  internalPort: 8080,
  externalPort: 80,
  origin: 'dynamic',
  lifetime: 3600,
  expiresAt: 5_000_000,
  traffic: { packets: 1234, bytes: 5_600_000 },
};
export const byHand: ListedLease = {
  protocol: 'udp',
  internalAddress: 0xffffffff,
  internalPort: 65535,
  externalPort: 65535,
  origin: 'static',
  lifetime: 0,
  expiresAt: Infinity,
};
export const PINHOLE: ListedPinhole = {
  protocol: 'tcp',
  address: '20010db8000000000000000000000005',
  port: 51413,
  origin: 'dynamic',
  lifetime: 3600,
  expiresAt: 5_000_000,
  hardwareAddress: 0x020000000007,
  traffic: { packets: 3, bytes: 180 },
};
export const NOW = { bootMs: 4_000_000, wallMs: Date.UTC(2026, 2, 28, 14, 0, 0) };
export const NONE = new Map<number, string>();
export const NAMES = new Map([[0xc0a80102, 'nas']]);

export const xbox: ListedLease = { ...web, protocol: 'udp', externalPort: 3074, tool: 1 };
export const DESCRIPTIONS: Descriptions = new Map([['udp 3074', 'Xbox']]);
