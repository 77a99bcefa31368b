// What a request's head has to be before anything is done for it. A page of the Internet, shown by a browser of the LAN,
// can have the browser send requests here, and can give this router a name of its own (DNS rebinding). It cannot leave
// out Origin, name a literal address of the LAN in Host under such a name, or send SOAPAction without asking first.
//
// There is no proxy before this server, and a connection carries one request, so the grammar is the strict one of
// RFC 9112 without its leniency; chunks are not taken.

import type { Ipv4 } from '../../proto/mapping.js';
import { parseIpv4 } from '../../proto/mapping.js';
import { CONTROL_PATHS } from '../igd/description.js';
import type { ServiceName } from '../igd/services.js';

/** What is counted: connections, requests by what became of them, and connections that were closed without an answer. */
export const HTTP_EVENTS = [
  'connection',
  'document',
  'action',
  'fault',
  'bad-request',
  'forbidden',
  'not-found',
  'bad-method',
  'subscription',
  'too-large',
  'bad-expectation',
  'off-lan',
  'crowded',
  'rate-limited',
  'timeout',
] as const;
export type HttpEvent = (typeof HTTP_EVENTS)[number];

/** Request line and header fields. */
export interface Head {
  readonly method: string;
  readonly target: string;
  /** HTTP/1.0 or HTTP/1.1. */
  readonly minor: 0 | 1;
  /** By name in lower case, each value in order, without blanks around it. */
  readonly fields: ReadonlyMap<string, readonly string[]>;
}

/** An answer without a body, and what it is counted as. */
export interface Refusal {
  readonly kind: 'refused';
  readonly status: number;
  readonly event: HttpEvent;
  /** The field Allow of a 405. */
  readonly allow?: string;
}

export type CheckedHead =
  | { readonly kind: 'document'; readonly path: string; readonly isHead: boolean }
  | {
      readonly kind: 'control';
      readonly service: ServiceName;
      readonly soapAction: string;
      readonly bodyBytes: number;
      /** The client waits for 100 (Continue). */
      readonly expectsContinue: boolean;
    }
  | Refusal;

/** Of the head, and of the body: real ones have 400 and 700. */
export const MAX_HEAD_BYTES = 8192;
export const MAX_BODY_BYTES = 8192;

const REQUEST_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([!-~]+) HTTP\/([0-9])\.([0-9])$/;
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const NOT_IN_VALUE = /[^\t -~\u0080-\u00ff]/;
/** Fields that must not be there twice: a second one is meant for another reader. */
const SINGLE = ['host', 'soapaction', 'content-type', 'content-length', 'expect'];
/** Paths of the events that the descriptions name. */
const EVENT_PREFIX = '/event/';

export function refused(status: number, event: HttpEvent): Refusal {
  return { kind: 'refused', status, event };
}

/**
 * Parse the head of a request.
 *
 * @param bytes From the request line up to the empty line, without it.
 */
export function parseHead(bytes: Buffer): Head | Refusal {
  const [requestLine = '', ...lines] = bytes.toString('latin1').split('\r\n');
  const [, method, target, major, minor] = REQUEST_LINE.exec(requestLine) ?? [];
  if (method === undefined || target === undefined) return refused(400, 'bad-request');
  if (major !== '1' || (minor !== '0' && minor !== '1')) return refused(505, 'bad-request');
  const fields = new Map<string, string[]>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon)).toLowerCase();
    const value = line.slice(colon + 1);
    if (!FIELD_NAME.test(name) || NOT_IN_VALUE.test(value)) return refused(400, 'bad-request');
    const values = fields.get(name) ?? [];
    values.push(value.trim());
    fields.set(name, values);
  }
  if (SINGLE.some((name) => (fields.get(name)?.length ?? 0) > 1)) return refused(400, 'bad-request');
  return { method, target, minor: minor === '0' ? 0 : 1, fields };
}

/** Where the request came in. */
export interface Place {
  /** Our port. */
  readonly port: number;
  /** Whether it is an address of this router on the LAN of the connection. */
  isOwnAddress(address: Ipv4): boolean;
  isDocument(path: string): boolean;
}

/** Decide what to do for a request, before its body is read. */
export function checkHead(head: Head, place: Place): CheckedHead {
  const { method, fields, minor } = head;
  const field = (name: string): string | undefined => fields.get(name)?.[0];
  const host = field('host');
  if (host === undefined ? minor === 1 : !isOurs(host, place)) return refused(403, 'forbidden');
  if (fields.has('origin') || fields.has('sec-fetch-site')) return refused(403, 'forbidden');
  const path = pathOf(head.target, place);
  if (path === null) return refused(403, 'forbidden');
  const expectation = minor === 1 ? field('expect')?.toLowerCase() : undefined;
  if (expectation !== undefined && expectation !== '100-continue') return refused(417, 'bad-expectation');
  if (method === 'SUBSCRIBE' || method === 'UNSUBSCRIBE' || path.startsWith(EVENT_PREFIX))
    return refused(501, 'subscription');
  if (place.isDocument(path)) {
    if (method !== 'GET' && method !== 'HEAD') return { ...refused(405, 'bad-method'), allow: 'GET, HEAD' };
    return { kind: 'document', path, isHead: method === 'HEAD' };
  }
  const service = CONTROL_PATHS.get(path);
  if (service === undefined) return refused(404, 'not-found');
  if (method !== 'POST') return { ...refused(405, 'bad-method'), allow: 'POST' };
  const soapAction = field('soapaction');
  if (soapAction === undefined) return refused(400, 'bad-request');
  const bodyBytes = bodyBytesOf(fields);
  if (typeof bodyBytes !== 'number') return bodyBytes;
  return { kind: 'control', service, soapAction, bodyBytes, expectsContinue: expectation !== undefined };
}

function bodyBytesOf(fields: Head['fields']): number | Refusal {
  const [length] = fields.get('content-length') ?? [];
  if (fields.has('transfer-encoding')) return refused(length === undefined ? 411 : 400, 'bad-request');
  if (length === undefined) return refused(411, 'bad-request');
  if (!/^[0-9]+$/.test(length)) return refused(400, 'bad-request');
  const bytes = Number(length);
  return bytes <= MAX_BODY_BYTES ? bytes : refused(413, 'too-large');
}

/** A literal address of ours, with our port or none. */
function isOurs(authority: string, { port, isOwnAddress }: Place): boolean {
  const [text = '', ...rest] = authority.split(':');
  const address = parseIpv4(text);
  const isOurPort = rest.length === 0 || (rest.length === 1 && rest[0] === String(port));
  return isOurPort && address !== null && isOwnAddress(address);
}

/** The path of a target in absolute or origin form (RFC 9112 §3.2); null if it names another server. */
function pathOf(target: string, place: Place): string | null {
  const match = /^http:\/\/([^/]*)(.*)$/i.exec(target);
  if (match === null) return target;
  const [, authority = '', path = ''] = match;
  return isOurs(authority, place) ? path : null;
}
