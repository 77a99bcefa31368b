// The configuration file: "name = value" lines, which are flags in another place. Text in, arguments out; each program
// then checks the values with its own parser, and its complaints are traced back to the line. Pure: reading the file is
// an argument.

import type { Arguments, ArgumentsOrErrors, Entry, Program, Suggest } from './types.js';
import { settingOf } from './settings.js';

export type * from './types.js';

const noSuggestion: Suggest = () => null;

/** The arguments (without node and script), with the file that --config names. A flag overrides the file. */
export function withConfigFile(
  args: readonly string[],
  program: Program,
  read: (path: string) => string,
  suggest: Suggest = noSuggestion,
): ArgumentsOrErrors {
  const path = configPath(args);
  if (path === null) return { args, path, entries: [] };
  let text: string;
  try {
    text = read(path);
  } catch (error) {
    return { complaints: [`--config ${path}: cannot be read: ${(error as Error).message}`] };
  }
  const { entries, complaints } = parseConfigFile(text, suggest);
  if (complaints.length > 0) return { complaints: complaints.map((complaint) => `${path}:${complaint}`) };
  const given = new Set(args.map(flagName));
  const inForce = entries.filter(({ setting }) => !given.has(setting.name));
  const ours = inForce.filter(({ setting }) => setting.of.includes(program));
  return { args: [...ours.flatMap(asFlag), ...args], path, entries: inForce };
}

/** The entries of a file. Total; each complaint begins with the line number and the name. */
export function parseConfigFile(text: string, suggest: Suggest = noSuggestion) {
  const entries: Entry[] = [];
  const complaints: string[] = [];
  for (const [index, whole] of text.split('\n').entries()) {
    const content = whole.replace(/(^|\s)#.*$/, '').trim();
    const entry = content === '' ? null : parseLine(content, index + 1, entries, suggest);
    if (typeof entry === 'string') complaints.push(`${index + 1}: ${entry}`);
    else if (entry !== null) entries.push(entry);
  }
  return { entries, complaints };
}

/** One line, or why it cannot be used. */
function parseLine(content: string, line: number, before: readonly Entry[], suggest: Suggest): Entry | string {
  const [, name = '', typed = ''] = /^([^=\s]+)\s*=\s*(.*)$/.exec(content) ?? [];
  const value = /^"(.*)"$/.exec(typed)?.[1] ?? typed;
  if (name === '') return `"${content}": write name = value`;
  const setting = settingOf(name);
  if (setting === undefined) {
    const nearest = suggest(name.replace(/^--/, ''));
    return `${name}: no such setting${nearest === null ? '' : `: is ${nearest} meant?`}`;
  }
  if (value === '') return `${name}: its value is missing`;
  if (setting.kind === 'switch' && value !== 'yes' && value !== 'no') return `${name} ${value}: give yes or no`;
  const first = before.find((entry) => entry.setting === setting);
  if (setting.kind !== 'list' && first !== undefined) return `${name}: is in line ${first.line} already`;
  return { setting, value, line };
}

/** A complaint about a flag, with the line of the file if the flag comes from there. */
export function withLocation(complaint: string, { path, entries }: Arguments): string {
  const [, name, rest = ''] = /^--(?:no-)?([a-z-]+)(.*)$/s.exec(complaint) ?? [];
  const lines = entries.filter(({ setting }) => setting.name === name);
  // Of several, the one whose value the complaint quotes.
  const entry = lines.find(({ value }) => rest.includes(value)) ?? lines[0];
  return entry === undefined ? complaint : `${path}:${entry.line}: ${name}${rest}`;
}

function asFlag({ setting: { name, kind }, value }: Entry): readonly string[] {
  if (kind !== 'switch') return [`--${name}=${value}`];
  // Only hairpin is on by default.
  if (name === 'hairpin') return value === 'no' ? ['--no-hairpin'] : [];
  return value === 'yes' ? [`--${name}`] : [];
}

function configPath(args: readonly string[]): string | null {
  const at = args.findLastIndex((arg) => /^--config(=|$)/.test(arg));
  return at < 0 ? null : (/^--config=(.*)$/s.exec(args[at] ?? '')?.[1] ?? args[at + 1] ?? null);
}

/** The name of a flag: "max-lifetime" for "--max-lifetime=60", "hairpin" for "--no-hairpin". */
function flagName(arg: string): string {
  return /^--(?:no-)?([a-z-]+)/.exec(arg)?.[1] ?? '';
}
