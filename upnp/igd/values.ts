// The data types of arguments (UPnP Device Architecture 1.0 §2.5), and text as XML has it.

/** As many digits as the largest number of 32 bits has. */
const NUMBER = /^[0-9]{1,10}$/;

/**
 * ui2 or ui4: decimal digits, at most 10, with blanks around them.
 *
 * @returns Null for anything else, a sign included, and for numbers above `max`.
 */
export function parseUint(text: string, max: number): number | null {
  const digits = text.trim();
  if (!NUMBER.test(digits)) return null;
  const value = Number(digits);
  return value <= max ? value : null;
}

/** boolean: 0, 1, or false, true, no, yes in any case; null for anything else. */
export function parseBoolean(text: string): boolean | null {
  switch (text.trim().toLowerCase()) {
    case '1':
    case 'true':
    case 'yes':
      return true;
    case '0':
    case 'false':
    case 'no':
      return false;
    default:
      return null;
  }
}

/** Not allowed in XML 1.0 (§2.2), or a control character; U+FFFE and U+FFFF too. */
const NOT_XML = /[\p{Cc}\p{Cs}\uFFFE\uFFFF]/gu;
const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** Text as content of an element or an attribute, without control characters. */
export function escapeXml(text: string): string {
  return text.replace(NOT_XML, '').replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
