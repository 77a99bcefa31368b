// Text of others on the way to a terminal. Pure.

/** Colours, as cli/natpmpctl/table.ts writes them; control characters of C0 and C1; marks that turn text around. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROLS = /\x1b\[(?:0|1|2|31|32|33|36)m|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g;

/** The same with U+FFFD for everything that a terminal would obey, except colours, tabs and line feeds. */
export function printable(text: string): string {
  return text.replace(CONTROLS, (found) => (found.length > 1 ? found : '\ufffd'));
}

/** For commander's configureOutput: its complaints, too. Commands made by `command()` of a program inherit it. */
export const PRINTABLE_ERRORS = {
  outputError: (text: string, write: (text: string) => void): void => write(printable(text)),
};
