// The configuration file: "name = value" lines, which are flags in another place. Text in, arguments out; each program
// then checks the values with its own parser. Pure: reading the file is
// an argument.

import type { ArgumentsOrErrors, Entry, Program } from './types.js';
import { settingOf } from './settings.js';

/** In characters; a complaint may quote a line. */
const MAX_LINE_LENGTH = 4096;
/** More are counted: each takes time to word and to trace back to its line, and nobody reads thousands. */
const MAX_COMPLAINTS = 20;

/** The first complaints, and how many there are besides. */
export function firstFew(complaints: readonly string[]): readonly string[] {
  const more = complaints.length - MAX_COMPLAINTS;
  return more <= 0 ? complaints : [...complaints.slice(0, MAX_COMPLAINTS), `and ${more} more`];
}

/**
 * The arguments (without node and script), with the files that --config names. A flag overrides the files, except that
 * reserved ports add up. A file whose name is written after "-" may be missing.
 */
export function withConfigFile(
  args: readonly string[],
  program: Program,
  read: (path: string) => string,
): ArgumentsOrErrors {
  const given = new Set(args.map(flagName));
  const paths = configPaths(args);
  const found: Entry[] = [];
  for (const name of paths) {
    const path = name.replace(/^-(?=.)/, '');
    try {
      const { entries, complaints } = parseConfigFile(read(path));
      if (complaints.length > 0) return { complaints: firstFew(complaints).map((complaint) => `${path}:${complaint}`) };
      found.push(...entries.map((entry) => ({ ...entry, path })));
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (name === path || code !== 'ENOENT') return { complaints: [`--config ${path}: cannot be read: ${message}`] };
    }
  }
  const entries = found.filter(({ setting: { name } }) => !given.has(name) || name === 'reserved-ports');
  const ours = entries.filter(({ setting }) => setting.of.includes(program));
  return { args: [...ours.flatMap(asFlag), ...args], path: paths[0]?.replace(/^-/, '') ?? null, entries };
}

/** The entries of a file. Total; each complaint begins with the line number and the name. */
export function parseConfigFile(text: string) {
  const entries: Entry[] = [];
  const complaints: string[] = [];
  for (const [index, whole] of text.split('\n').entries()) {
    const content = whole.replace(/(^|\s)#.*$/, '').trim();
    const entry = content.length > MAX_LINE_LENGTH ? 'the line is too long' : parseLine(content, index + 1, entries);
    if (typeof entry === 'string') complaints.push(`${index + 1}: ${entry}`);
    else if (entry !== null) entries.push(entry);
  }
  return { entries, complaints };
}

/** One line, or why it cannot be used; null if it is empty. */
function parseLine(content: string, line: number, before: readonly Entry[]): Entry | string | null {
  const [, name = '', typed = ''] = /^([^=\s]+)\s*=\s*(.*)$/.exec(content) ?? [];
  const value = /^"(.*)"$/.exec(typed)?.[1] ?? typed;
  if (content === '') return null;
  if (name === '') return `"${content}": write name = value`;
  const setting = settingOf(name);
  if (setting === undefined) return `${name}: no such setting`;
  if (value === '') return `${name}: its value is missing`;
  if (setting.kind === 'switch' && value !== 'yes' && value !== 'no') return `${name} ${value}: give yes or no`;
  const first = before.find((entry) => entry.setting === setting);
  if (setting.kind !== 'list' && first !== undefined) return `${name}: is in line ${first.line} already`;
  return { setting, value, line };
}

function asFlag({ setting: { name, kind }, value }: Entry): readonly string[] {
  if (kind !== 'switch') return [`--${name}=${value}`];
  // Only hairpin is on by default.
  if (name === 'hairpin') return value === 'no' ? ['--no-hairpin'] : [];
  return value === 'yes' ? [`--${name}`] : [];
}

function configPaths(args: readonly string[]): readonly string[] {
  return args.flatMap(
    (arg, at) => (arg === '--config' ? (args[at + 1] ?? []) : /^--config=(.*)$/s.exec(arg)?.[1]) ?? [],
  );
}

/** The name of a flag: "max-lifetime" for "--max-lifetime=60", "hairpin" for "--no-hairpin". */
function flagName(arg: string): string {
  return /^--(?:no-)?([a-z-]+)/.exec(arg)?.[1] ?? '';
}
