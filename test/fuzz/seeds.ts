// What the corpora begin with: one of each kind of message, journal and lease.

import type { Clock } from '../../helper/types.js';
import type { Request, Response, StatusReport } from '../../proto/codec.js';
import type { Lease, Pinhole } from '../../proto/mapping.js';
import { bytes } from '../support/bytes.js';

export const datagram = bytes;

const web: Lease = {
  protocol: 'tcp',
  internalAddress: 0xc0a8010a,
  internalPort: 80,
  externalPort: 8080,
  origin: 'dynamic',
  lifetime: 3600,
  expiresAt: 10_000_000,
};
const game: Lease = { ...web, protocol: 'udp', internalAddress: 0xc0a8010b, internalPort: 3074, externalPort: 3074 };
const fixed: Lease = {
  ...web,
  internalPort: 22,
  externalPort: 2222,
  origin: 'static',
  lifetime: 0,
  expiresAt: Infinity,
};
export const LEASES: readonly Lease[] = [web, game, fixed];

export const CLOCK: Clock = { bootId: 'b1', wallOffsetMs: 1_700_000_000_000, epochStartMs: -5000, agedAtMs: 0 };

export const REQUESTS: readonly Request[] = [
  {
    kind: 'add-mapping',
    protocol: 'udp',
    internalAddress: 0xc0a8010a,
    internalPort: 6881,
    externalPort: 6881,
    lifetime: 7200,
    origin: 'dynamic',
  },
  {
    kind: 'add-mapping',
    protocol: 'tcp',
    internalAddress: 0xc0a8010b,
    internalPort: 22,
    externalPort: 2222,
    lifetime: 0,
    origin: 'static',
  },
  { kind: 'remove-mapping', protocol: 'udp', internalAddress: 0xc0a8010a, internalPort: 6881 },
  { kind: 'remove-host-mappings', protocol: 'tcp', internalAddress: 0xc0a8010a },
  { kind: 'list-mappings', after: 0, limit: 1000 },
  { kind: 'watch' },
  { kind: 'status' },
  {
    kind: 'add-pinhole',
    protocol: 'udp',
    address: '20010db8000000000000000000000002',
    port: 6881,
    lifetime: 7200,
    origin: 'dynamic',
    nonce: '000102030405060708090a0b',
    hardwareAddress: 0x020000000002,
  },
  {
    kind: 'add-pinhole',
    protocol: 'tcp',
    address: '20010db8000000000000000000000003',
    port: 443,
    lifetime: 0,
    origin: 'static',
    nonce: '',
    hardwareAddress: 0,
  },
  {
    kind: 'remove-pinhole',
    protocol: 'udp',
    address: '20010db8000000000000000000000002',
    port: 6881,
    nonce: '000102030405060708090a0b',
  },
  { kind: 'list-pinholes', after: 3, limit: 250, traffic: true },
  { kind: 'watch', pinholes: true },
];

const hole: Pinhole = {
  protocol: 'tcp',
  address: '20010db8000000000000000000000002',
  port: 8080,
  origin: 'dynamic',
  lifetime: 7200,
  expiresAt: 10_000_000,
  hardwareAddress: 0x020000000002,
};

const STATUS: StatusReport = {
  epochStart: -5000,
  mappings: 3,
  staticMappings: 1,
  maxMappings: 10,
  maxMappingsPerHost: 5,
  maxLifetime: 86400,
  journalBytes: 400,
  kernelInStep: true,
  pid: 7,
  resynchronisations: 2,
  startedAt: 9000,
  pinholes: 0,
  maxPinholes: 0,
  staticPinholes: 0,
};

export const RESPONSES: readonly Response[] = [
  { kind: 'granted', lease: web },
  { kind: 'granted', lease: fixed },
  { kind: 'removed', count: 1 },
  { kind: 'host-mappings-removed', count: 2, kept: 1 },
  { kind: 'mapping-list', leases: LEASES, next: 0x110c02 },
  { kind: 'watching', status: STATUS },
  { kind: 'status-report', status: STATUS },
  { kind: 'refused', reason: 'conflict' },
  { kind: 'event', sequence: 1, event: { kind: 'renewed', lease: game } },
  { kind: 'event', sequence: 2, event: { kind: 'resynchronised' } },
  { kind: 'event', sequence: 3, event: { kind: 'probe' } },
  { kind: 'pinhole-granted', pinhole: hole },
  { kind: 'pinhole-list', pinholes: [{ ...hole, traffic: { packets: 1, bytes: 60 } }, hole], next: 2 },
  { kind: 'event', sequence: 4, event: { kind: 'expired', pinhole: hole } },
];
