// SOAP 1.1 as control points send it (UPnP Device Architecture 1.0 §3.2): the request is read by saxes, a strict parser,
// with limits that keep its time short; the answer is written from our own constants and escaped values.

import type { SaxesTagNS } from 'saxes';
import { SaxesParser } from 'saxes';
import type { ServiceName } from './services.js';
import { SERVICES } from './services.js';
import { escapeXml } from './values.js';

/** A request of a control point. The names are not checked against those of the service; values are as sent. */
export interface Call {
  readonly service: ServiceName;
  readonly action: string;
  readonly arguments: ReadonlyMap<string, string>;
}

export type ParsedCall =
  | { readonly kind: 'call'; readonly call: Call }
  /** Not well-formed, no SOAP, or above a limit. */
  | { readonly kind: 'http'; readonly status: 400 }
  /** 401: header, body and URL disagree; 402: an argument is there twice. */
  | { readonly kind: 'fault'; readonly code: 401 | 402 };

const ENVELOPE = 'http://schemas.xmlsoap.org/soap/envelope/';
// Requests of clients have depth 4 and 11 elements, with 2 attributes at most. saxes needs time in the square of the
// depth, and of the number of attributes.
const MAX_DEPTH = 8;
const MAX_ELEMENTS = 40;
const MAX_ATTRIBUTES = 8;
/** Of an argument, in UTF-16 units. */
const MAX_TEXT = 256;
/** As long as the body may be: UPnP has no limit for it, clients send long ones, and all but its beginning is dropped. */
const LONG_ARGUMENT = 'NewPortMappingDescription';
/** Depths of elements: Envelope, Body, the action, its arguments. */
const [ENVELOPE_DEPTH, BODY_DEPTH, ACTION_DEPTH, ARGUMENT_DEPTH] = [1, 2, 3, 4];

const BAD_REQUEST: ParsedCall = { kind: 'http', status: 400 };

/**
 * Read a request.
 *
 * @param body In UTF-8; other bytes become U+FFFD, so that a description in another encoding harms nobody.
 * @param soapAction The header's value, in quotes of any kind or none.
 * @param service The one whose control URL was asked.
 */
export function parseCall(body: Uint8Array, soapAction: string, service: ServiceName): ParsedCall {
  const read = readEnvelope(trimmed(new TextDecoder().decode(body)));
  if (read === null) return BAD_REQUEST;
  const { type } = SERVICES[service];
  if (read.type !== type || unquoted(soapAction) !== `${type}#${read.action}`) return { kind: 'fault', code: 401 };
  if (read.hasDuplicate) return { kind: 'fault', code: 402 };
  return { kind: 'call', call: { service, action: read.action, arguments: read.arguments } };
}

interface Envelope {
  /** The namespace of the action's element: the type of a service. */
  readonly type: string;
  readonly action: string;
  readonly arguments: ReadonlyMap<string, string>;
  readonly hasDuplicate: boolean;
}

/** Thrown to end the parser. */
class Malformed extends Error {}

/** Null if it is none, or above a limit. */
function readEnvelope(text: string): Envelope | null {
  const reader = new EnvelopeReader();
  try {
    return reader.read(withEscapedAmpersands(text));
  } catch (error) {
    if (error instanceof Malformed) return null;
    throw error;
  }
}

class EnvelopeReader {
  readonly #parser = new SaxesParser({ xmlns: true, position: false });
  #depth = 0;
  #elements = 0;
  #attributes = 0;
  /** Whether the element of depth 2 that we are in is the Body. */
  #isInBody = false;
  #action: { readonly type: string; readonly name: string } | null = null;
  readonly #arguments = new Map<string, string>();
  #hasDuplicate = false;
  /** The argument that we are in, and its text so far. */
  #argument: string | null = null;
  #text = '';

  constructor() {
    const parser = this.#parser;
    parser.on('error', malformed);
    parser.on('doctype', malformed);
    parser.on('opentagstart', () => {
      this.#attributes = 0;
      if (++this.#depth > MAX_DEPTH || ++this.#elements > MAX_ELEMENTS) malformed();
    });
    parser.on('attribute', () => {
      if (++this.#attributes > MAX_ATTRIBUTES) malformed();
    });
    parser.on('opentag', (tag) => this.#open(tag));
    parser.on('text', (text) => this.#append(text));
    parser.on('cdata', (text) => this.#append(text));
    parser.on('closetag', () => this.#close());
  }

  /** @throws Malformed */
  read(text: string): Envelope {
    this.#parser.write(text).close();
    if (this.#action === null) return malformed();
    const { type, name } = this.#action;
    return { type, action: name, arguments: this.#arguments, hasDuplicate: this.#hasDuplicate };
  }

  #open({ uri, local }: SaxesTagNS): void {
    switch (this.#depth) {
      case ENVELOPE_DEPTH:
        if (uri !== ENVELOPE || local !== 'Envelope') malformed();
        break;
      case BODY_DEPTH:
        if (uri !== ENVELOPE || (local !== 'Body' && local !== 'Header')) malformed();
        this.#isInBody = local === 'Body';
        break;
      case ACTION_DEPTH:
        if (!this.#isInBody) break;
        if (this.#action !== null) malformed();
        this.#action = { type: uri, name: local };
        break;
      case ARGUMENT_DEPTH:
        if (!this.#isInBody) break;
        this.#argument = local;
        this.#text = '';
        break;
      default:
        if (this.#isInBody) malformed();
    }
  }

  #append(text: string): void {
    if (this.#argument === null) return;
    this.#text += text;
    if (this.#text.length > MAX_TEXT && this.#argument !== LONG_ARGUMENT) malformed();
  }

  #close(): void {
    if (this.#depth-- !== ARGUMENT_DEPTH || this.#argument === null) return;
    this.#hasDuplicate ||= this.#arguments.has(this.#argument);
    this.#arguments.set(this.#argument, this.#text);
    this.#argument = null;
  }
}

function malformed(): never {
  throw new Malformed();
}

/** Without blanks, NUL and a byte order mark around it, which some clients send with it. */
function trimmed(text: string): string {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) <= 0x20) end--;
  return text.slice(0, end).trimStart();
}

const SECTION = '<![CDATA[';
const SECTION_END = ']]>';
/** They make the text longer; no client sends as many. */
const MAX_BARE_AMPERSANDS = 256;
const BARE_AMPERSAND = /&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9a-fA-F]{1,6});)/g;

/**
 * miniupnpc and libtorrent write a description as it is, so that "R&D" is not well-formed.
 *
 * @throws Malformed
 */
function withEscapedAmpersands(text: string): string {
  const [first = '', ...sections] = text.split(SECTION);
  const rest = sections.map((section) => {
    const end = section.indexOf(SECTION_END);
    return end < 0 ? section : section.slice(0, end) + withEntity(section.slice(end));
  });
  const escaped = [withEntity(first), ...rest].join(SECTION);
  return escaped.length <= text.length + MAX_BARE_AMPERSANDS * 'amp;'.length ? escaped : malformed();
}

function withEntity(text: string): string {
  return text.replace(BARE_AMPERSAND, '&amp;');
}

/** libplum sends the value without quotes, some others in single ones. */
function unquoted(value: string): string {
  const text = value.trim();
  const [first] = text;
  const isQuoted = text.length >= 2 && (first === '"' || first === "'") && text.endsWith(first);
  return isQuoted ? text.slice(1, -1).trim() : text;
}

/** The answer to an action, with the values in the order of the service's description. */
export function answerXml(
  service: ServiceName,
  action: string,
  values: readonly (readonly [name: string, value: string])[],
): string {
  const out = values.map(([name, value]) => `<${name}>${escapeXml(value)}</${name}>`).join('');
  const response = `u:${action}Response`;
  return envelope(`<${response} xmlns:u="${SERVICES[service].type}">${out}</${response}>`);
}

/** The texts of UPnP Device Architecture 1.0 §3.2.2 and WANIPConnection:1 §2.4. */
const DESCRIPTIONS: ReadonlyMap<number, string> = new Map([
  [401, 'Invalid Action'],
  [402, 'Invalid Args'],
  [501, 'Action Failed'],
  [602, 'Optional Action Not Implemented'],
  [606, 'Action not authorized'],
  [704, 'ConnectionSetupFailed'],
  [713, 'SpecifiedArrayIndexInvalid'],
  [714, 'NoSuchEntryInArray'],
  [716, 'WildCardNotPermittedInExtPort'],
  [718, 'ConflictInMappingEntry'],
  [726, 'RemoteHostOnlySupportsWildcard'],
  [728, 'NoPortMapsAvailable'],
]);

/** The body of an HTTP 500: an error of UPnP. */
export function faultXml(code: number): string {
  const description = DESCRIPTIONS.get(code) ?? 'Error';
  return envelope(
    '<s:Fault><faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring><detail>' +
      '<UPnPError xmlns="urn:schemas-upnp-org:control-1-0">' +
      `<errorCode>${code}</errorCode><errorDescription>${description}</errorDescription></UPnPError>` +
      '</detail></s:Fault>',
  );
}

function envelope(body: string): string {
  return (
    `<?xml version="1.0"?>\r\n<s:Envelope xmlns:s="${ENVELOPE}" ` +
    `s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>${body}</s:Body></s:Envelope>\r\n`
  );
}
