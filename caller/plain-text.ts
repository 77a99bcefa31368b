// Text of others on the way to a list. Pure.

/** Control and format characters, line and paragraph separators, halves of a surrogate pair, what has no meaning yet. */
const NOT_PLAIN = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** What can be shown on a terminal or a page without effect on what is beside it: at most `most` characters. */
export function plainText(text: string, most: number): string {
  let plain = '';
  let count = 0;
  for (const character of text.replace(NOT_PLAIN, '')) {
    if (count++ === most) break;
    plain += character;
  }
  return plain;
}
