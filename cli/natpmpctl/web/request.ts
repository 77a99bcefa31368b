// Which requests the web server accepts. Pure. A request may come from another user's program, or from any page of the
// Internet that is open in the same browser.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { Protocol } from '../../../proto/mapping.js';
import { formatIpv6, parseIpv6 } from '../../../proto/ipv6.js';
import { isPort, parseIpv4 } from '../../../proto/mapping.js';
import type { RevokeRequest } from './messages.js';

/** The parts of a request that are checked, with node:http's names of headers. */
export interface RequestHead {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export type Verdict =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'events' }
  | { readonly kind: 'revoke' }
  | {
      readonly kind: 'refuse';
      readonly status: number;
      readonly says: string;
      readonly headers?: Readonly<Record<string, string>>;
    };

export const MAX_BODY_BYTES = 1024;
const OWN_HOST = /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]{1,5})?$/i;

/** `token`: null if nothing may be revoked. */
export function checkRequest(asked: RequestHead, files: { has(path: string): boolean }, token: string | null): Verdict {
  const { method, url } = asked;
  const host = header(asked, 'host') ?? '';
  // With DNS rebinding, a foreign name leads here, and its page could read our answers. A tunnel may have any port.
  if (!OWN_HOST.test(host)) return refuse(421, 'reach this page as http://127.0.0.1 or http://localhost');
  const path = url.split('?', 1)[0] ?? '';
  if (path !== '/' && !isSameOrigin(asked, host)) return refuse(403, 'not for other pages');
  if (path === '/revoke' && token !== null) return checkRevoke(asked, token);
  if (path !== '/events' && !files.has(path)) return refuse(404, 'nothing is here');
  if (method !== 'GET' && (method !== 'HEAD' || path === '/events'))
    return refuse(405, 'GET it', { Allow: path === '/events' ? 'GET' : 'GET, HEAD' });
  return path === '/events' ? { kind: 'events' } : { kind: 'file', path };
}

function checkRevoke(asked: RequestHead, token: string): Verdict {
  if (asked.method !== 'POST') return refuse(405, 'POST it', { Allow: 'POST' });
  const [, given = ''] = /^Bearer ([\w-]+)$/.exec(header(asked, 'authorization') ?? '') ?? [];
  if (!isEqualSecret(given, token))
    return refuse(401, 'the token is missing or wrong: open the address that natpmpctl has printed', {
      'WWW-Authenticate': 'Bearer',
    });
  if (header(asked, 'content-type') !== 'application/json') return refuse(415, 'application/json is needed');
  const length = Number(header(asked, 'content-length') ?? NaN);
  if (!(length >= 0)) return refuse(411, 'the length is missing');
  return length <= MAX_BODY_BYTES ? { kind: 'revoke' } : refuse(413, 'that is too long');
}

/** Whether the request comes from our own page, as browsers report it, or from no browser at all. */
function isSameOrigin(asked: RequestHead, host: string): boolean {
  const [origin, site] = [header(asked, 'origin'), header(asked, 'sec-fetch-site')];
  return (
    (origin === undefined || origin === `http://${host}`) &&
    (site === undefined || site === 'same-origin' || site === 'none')
  );
}

/** In constant time. */
function isEqualSecret(given: string, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}

function header({ headers }: RequestHead, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

function refuse(status: number, says: string, headers: Readonly<Record<string, string>> = {}): Verdict {
  return { kind: 'refuse', status, says, headers };
}

/** The body of a POST /revoke; null for anything else. */
export function parseRevoke(text: string): RevokeRequest | null {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof body !== 'object' || body === null) return null;
  const { protocol, externalPort, internalAddress, internalPort } = body as Readonly<
    Record<keyof RevokeRequest, unknown>
  >;
  if (protocol !== 'tcp' && protocol !== 'udp') return null;
  if (
    typeof externalPort !== 'number' ||
    !isPort(externalPort) ||
    typeof internalPort !== 'number' ||
    !isPort(internalPort)
  )
    return null;
  if (typeof internalAddress !== 'string' || !isAddress(internalAddress)) return null;
  return { protocol: protocol satisfies Protocol, externalPort, internalAddress, internalPort };
}

/** IPv4, or IPv6 in the form of the page. */
function isAddress(text: string): boolean {
  const ipv6 = parseIpv6(text);
  return parseIpv4(text) !== null || (ipv6 !== null && formatIpv6(ipv6) === text);
}
