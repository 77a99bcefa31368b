// What the helper promises of its table and of its answers, in words other than its own.

import type { AnyLease, Limits } from '../../../helper/types.js';
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
