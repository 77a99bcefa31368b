// Ports for people, and for configuration files. Pure.

import { formatPortRange } from '../../config/format.js';
import type { PortRange } from '../../proto/mapping.js';

/** A line with more would be longer than config/file.ts takes. */
const RANGES_IN_LINE = 100;

/** "name = 22,80,8000-8999", as many lines as needed. */
export function portLines(name: string, ranges: readonly PortRange[]): readonly string[] {
  return Array.from({ length: Math.ceil(ranges.length / RANGES_IN_LINE) }, (_, line) => {
    const texts = ranges.slice(line * RANGES_IN_LINE, (line + 1) * RANGES_IN_LINE).map(formatPortRange);
    return `${name} = ${texts.join(',')}`;
  });
}

/** The first ranges, and how many more there are. */
export function shortList(ranges: readonly PortRange[], most = 20): readonly string[] {
  const texts = ranges.slice(0, most).map(formatPortRange);
  return ranges.length <= most ? texts : [...texts, `and ${ranges.length - most} more`];
}
