// The decoder of searches (M-SEARCH): UPnP Device Architecture (UDA) 1.1 §1.3.2 and §1.3.3. Bytes in, a value out.

/** More than any client sends: the longest search that is known has 200 bytes. */
export const MAX_SEARCH_BYTES = 2048;
const MAX_LINES = 32;
const MAX_TARGET_CHARACTERS = 256;

const METHOD = 'M-SEARCH';
const REQUEST_LINE = 'M-SEARCH * HTTP/1.1';
/** With the quotes (UDA 1.1 §1.3.2). */
const MAN = '"ssdp:discover"';
/** The fields that matter here, by their names in lower case. */
type Field = 'man' | 'mx' | 'st';

export type Search =
  | { readonly kind: 'search' /** ST, as it was sent, without blanks around it. */; readonly target: string }
  | { readonly kind: 'not-a-search' | 'malformed' };

const MALFORMED: Search = { kind: 'malformed' };

/**
 * Decode a datagram that came to port 1900. What is not needed is not looked at: HOST, and what follows the empty line.
 *
 * @param isMulticast It was sent to the group: then it has to say how long it waits for replies (MX), and is ignored
 * otherwise (§1.3.3). The value does not matter beside that, because all replies leave within a second.
 */
export function parseSearch(datagram: Uint8Array, isMulticast: boolean): Search {
  if (!beginsWith(datagram, METHOD)) return { kind: 'not-a-search' };
  if (datagram.length > MAX_SEARCH_BYTES) return MALFORMED;
  const lines = headerLines(Buffer.from(datagram.buffer, datagram.byteOffset, datagram.length).toString('latin1'));
  if (lines === null || lines[0] !== REQUEST_LINE) return MALFORMED;
  const fields = fieldsOf(lines);
  if (fields === null || fields.man !== MAN || (isMulticast && !isWait(fields.mx))) return MALFORMED;
  const target = fields.st ?? '';
  if (target === '' || target.length > MAX_TARGET_CHARACTERS) return MALFORMED;
  return { kind: 'search', target };
}

function beginsWith(datagram: Uint8Array, text: string): boolean {
  for (let at = 0; at < text.length; at++) if (datagram[at] !== text.charCodeAt(at)) return false;
  return true;
}

/** The lines up to the first empty one or the end, which end in LF or CRLF; null if there are too many. */
function headerLines(text: string): readonly string[] | null {
  const lines: string[] = [];
  for (let at = 0; at < text.length; ) {
    const found = text.indexOf('\n', at);
    const end = found < 0 ? text.length : found;
    const line = trim(text, at, end);
    if (line === '') break;
    if (lines.push(line) > MAX_LINES) return null;
    at = end + 1;
  }
  return lines;
}

/** Null if one of them is there twice: then nobody can say which is meant. */
function fieldsOf(lines: readonly string[]): Partial<Record<Field, string>> | null {
  const fields: Partial<Record<Field, string>> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    // No name that matters is longer.
    const name = colon < 0 || colon > 16 ? '' : trim(line, 0, colon).toLowerCase();
    if (name !== 'man' && name !== 'mx' && name !== 'st') continue;
    if (fields[name] !== undefined) return null;
    fields[name] = trim(line, colon + 1, line.length);
  }
  return fields;
}

/** Whether it is a number of seconds, at least 1; blanks around it are gone. */
function isWait(text: string | undefined): boolean {
  if (text === undefined || text === '' || text.length > 10) return false;
  for (let at = 0; at < text.length; at++) if (text[at]! < '0' || text[at]! > '9') return false;
  return Number(text) >= 1;
}

/** Without blanks, tabs and carriage returns at both ends. A loop, because the text is anybody's. */
function trim(text: string, from: number, to: number): string {
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0d;
}
