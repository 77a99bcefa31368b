// Text of others on the way to a list. Pure.

/** Control and format characters, line and paragraph separators, halves of a surrogate pair, what has no meaning yet. */
const NOT_PLAIN = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** What can be shown on a terminal or a page without effect on what is beside it: at most `most` characters. */
export function plainText(text: string, most: number): string {
  // Joined, not added up: a text made of additions keeps them all, 25 times its size, for as long as it is held.
  const characters: string[] = [];
  for (const character of text.replace(NOT_PLAIN, '')) {
    if (characters.length === most) break;
    characters.push(character);
  }
  return characters.join('');
}
