// What the helper promises of its table and of its answers, in words other than its own.

import type { AnyLease, Limits } from '../../../helper/types.js';
import type { Pinholes } from '../../../helper/pinholes.js';
import type { Request, Response } from '../../../proto/codec.js';
import type { Lease } from '../../../proto/mapping.js';
import { must } from '../target.js';

/** The leases that have not ended, in an order and a form that can be compared. */
export function standing(leases: Iterable<AnyLease>, now: number): string {
  return [...leases]
    .filter(({ expiresAt }) => expiresAt > now)
    .map((lease) => JSON.stringify(Object.entries(lease).sort()))
    .sort()
    .join('\n');
}

export function mustBeWithin(table: { leases(): Iterable<Lease>; readonly size: number }, limits: Limits): void {
  const all = [...table.leases()];
  must(all.length === table.size && all.length <= limits.maxMappings, 'the table is no larger than allowed', all);
  const owners = new Map<number, number>();
  const endpoints = new Set<string>();
  const dynamic = new Map<number, number>();
  for (const lease of all) {
    const { internalAddress: host, externalPort, lifetime } = lease;
    must(
      host >= 0x01000000 && host < 0xe0000000 && (host < 0x7f000000 || host >= 0x80000000),
      'only addresses that a host can have hold mappings',
      lease,
    );
    must(
      limits.allowedPorts.some(({ from, to }) => externalPort >= from && externalPort <= to) &&
        limits.reservedPorts.every(({ from, to }) => externalPort < from || externalPort > to),
      'only allowed ports are mapped',
      lease,
    );
    must(lease.internalPort >= 1 && lease.internalPort <= 65535, 'an internal port is a port', lease);
    must(
      lease.origin === 'static' ? lifetime === 0 : lifetime >= 1 && lifetime <= limits.maxLifetime,
      'no lifetime is above the ceiling',
      lease,
    );
    must((owners.get(externalPort) ?? host) === host, "a port of both protocols is one host's", all);
    owners.set(externalPort, host);
    const endpoint = `${lease.protocol} ${host} ${lease.internalPort}`;
    must(!endpoints.has(endpoint), 'an endpoint has one mapping', all);
    endpoints.add(endpoint);
    if (lease.origin === 'static') continue;
    must(
      limits.rules.every(({ who, grant }) => grant !== null || who.kind !== 'prefix' || who.address !== host),
      'a denied host holds nothing',
      lease,
    );
    must(
      limits.deniedPorts.every(({ from, to }) => lease.internalPort < from || lease.internalPort > to),
      'a denied port is not mapped to',
      lease,
    );
    dynamic.set(host, (dynamic.get(host) ?? 0) + 1);
  }
  must(
    [...dynamic.values()].every((count) => count <= limits.maxMappingsPerHost),
    'no host holds more than its share',
    all,
  );
}

export function pinholesMustBeWithin(table: Pinholes, limits: Limits, deniedDevice: number): void {
  const all = [...table.above(0)];
  must(all.length === table.size && all.length <= limits.maxPinholes, 'no more pinholes than allowed', all);
  const dynamic = new Map<number | string, number>();
  for (const pinhole of all) {
    const { address, port, origin, lifetime, hardwareAddress } = pinhole;
    must(parseInt(address.slice(0, 2), 16) >>> 5 === 1 && address.length === 32, 'only 2000::/3 is opened', pinhole);
    must(port >= 1 && port <= 65535, 'a port is a port', pinhole);
    must(
      origin === 'static' ? lifetime === 0 : lifetime >= 1 && lifetime <= limits.maxLifetime,
      'no lifetime is above the ceiling',
      pinhole,
    );
    if (origin === 'static') continue;
    must(
      limits.allowedPorts.some(({ from, to }) => port >= from && port <= to) &&
        limits.deniedPorts.every(({ from, to }) => port < from || port > to),
      'only allowed ports are opened',
      pinhole,
    );
    must(hardwareAddress !== deniedDevice, 'a denied device holds nothing', pinhole);
    const device = hardwareAddress || address;
    dynamic.set(device, (dynamic.get(device) ?? 0) + 1);
  }
  must(
    [...dynamic.values()].every((count) => count <= limits.maxMappingsPerHost),
    'no device holds more than its share',
    all,
  );
}

const ANSWER: Readonly<Record<Request['kind'], Response['kind']>> = {
  'add-mapping': 'granted',
  'remove-mapping': 'removed',
  'remove-host-mappings': 'host-mappings-removed',
  'list-mappings': 'mapping-list',
  'add-pinhole': 'pinhole-granted',
  'remove-pinhole': 'removed',
  'list-pinholes': 'pinhole-list',
  watch: 'watching',
  status: 'status-report',
};

export function mustAnswer(request: Request, response: Response): void {
  const seen = { request, response };
  must(
    response.kind === 'refused' || response.kind === ANSWER[request.kind],
    "an answer is of its request's kind",
    seen,
  );
  if (request.kind === 'add-mapping' && response.kind === 'granted') {
    const { lease } = response;
    must(
      lease.internalAddress === request.internalAddress &&
        lease.internalPort === request.internalPort &&
        lease.protocol === request.protocol,
      'granted is what was asked',
      seen,
    );
    must(lease.origin === 'static' || lease.lifetime === request.lifetime, 'a lifetime is granted as asked', seen);
  }
  if (request.kind === 'add-pinhole' && response.kind === 'pinhole-granted') {
    const { pinhole } = response;
    must(
      pinhole.address === request.address && pinhole.port === request.port && pinhole.protocol === request.protocol,
      'opened is what was asked',
      seen,
    );
    must(pinhole.origin === 'static' || pinhole.lifetime === request.lifetime, 'a lifetime is granted as asked', seen);
  }
  if (request.kind === 'list-pinholes' && response.kind === 'pinhole-list')
    must(
      response.pinholes.length <= request.limit && (response.next === 0 || response.next > request.after),
      'a page of pinholes is within its bounds, and goes on',
      seen,
    );
  if (request.kind === 'list-mappings' && response.kind === 'mapping-list') {
    const keys = response.leases.map(
      ({ protocol, externalPort }) => (protocol === 'tcp' ? 6 : 17) * 0x10000 + externalPort,
    );
    must(
      keys.length <= request.limit && keys.every((key, index) => key > (keys[index - 1] ?? request.after)),
      'a page is in order and within its bounds',
      seen,
    );
    must(response.next === 0 || response.next === keys.at(-1), 'a page says where the next begins', seen);
  }
}
