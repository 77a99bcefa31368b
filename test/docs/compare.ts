// Whether a program still says what a document shows of it. Pure.

/**
 * The lines that are shown and did not come, or null. What differs by itself from run to run (times, pids, widths)
 * counts as the same.
 */
export function differs(shown: readonly string[], said: string): string | null {
  const want = trimmed(shown.map(normal));
  const got = trimmed(said.split('\n').map(normal));
  return matches(want, got) ? null : `shown:\n${want.join('\n')}\n\nsaid:\n${got.join('\n')}`;
}

/** Lines one by one; "..." is any number of them. */
function matches(want: readonly string[], got: readonly string[]): boolean {
  const [first, ...rest] = want;
  if (first === undefined) return got.length === 0;
  if (first === '...') return got.some((_, skipped) => matches(rest, got.slice(skipped))) || matches(rest, []);
  return got[0] !== undefined && isLine(first, got[0]) && matches(rest, got.slice(1));
}

/** "..." in a line is any part of it. */
function isLine(want: string, got: string): boolean {
  const parts = want.split('...').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(got);
}

function trimmed(lines: readonly string[]): readonly string[] {
  const last = lines.findLastIndex((line) => line !== '');
  return lines.slice(0, last + 1);
}

function normal(line: string): string {
  return line
    .replace(/\b\d\d:\d\d(:\d\d)?\b/g, 'TIME')
    .replace(/\b(\d+[dhms] ?)+(?<! )(?= |,|$)/g, 'DURATION')
    .replace(/\b(epoch) \d+ s\b/g, '$1 N s')
    .replace(/\b(pid) \d+/g, '$1 N')
    .replace(/\s+/g, ' ')
    .trimEnd();
}
