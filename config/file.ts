// The configuration file: its "name = value" lines become flags, in front of those on the command line. Each program's
// own parser then validates the values; `withLocation` traces its complaints back to the line. Pure: the caller reads
// the file.

import type { Program, Setting } from './settings.js';
import { nearestSetting, settingOf } from './settings.js';

export interface Entry {
  readonly setting: Setting;
  readonly value: string;
  readonly line: number;
}

/** The arguments of a program, with those of its configuration file. */
export interface Arguments {
  /** Those from the file first. */
  readonly args: readonly string[];
  /** Null without --config. */
  readonly path: string | null;
  /** Lines of the file that concern this program and that no flag overrides. */
  readonly entries: readonly Entry[];
}

export type ArgumentsOrErrors = Arguments | { readonly complaints: readonly string[] };

/**
 * Combine the arguments with the file that their --config names. A flag on the command line overrides every line of
 * that name in the file.
 *
 * @param args Arguments without node and script.
 * @param read Reads the file; may throw.
 */
export function withConfigFile(
  args: readonly string[],
  program: Program,
  read: (path: string) => string,
): ArgumentsOrErrors {
  const path = configPath(args);
  if (path === null) return { args, path, entries: [] };
  let text: string;
  try {
    text = read(path);
  } catch (error) {
    return { complaints: [`--config ${path}: cannot be read: ${(error as Error).message}`] };
  }
  const { entries, complaints } = parseConfigFile(text);
  if (complaints.length > 0) return { complaints: complaints.map((complaint) => `${path}:${complaint}`) };
  const given = new Set(args.map(flagName));
  const ours = entries.filter(({ setting }) => setting.of.includes(program) && !given.has(setting.name));
  return { args: [...ours.flatMap(asFlag), ...args], path, entries: ours };
}

/** The entries of a file. Total; each complaint begins with the line number and the name. */
export function parseConfigFile(text: string): {
  readonly entries: readonly Entry[];
  readonly complaints: readonly string[];
} {
  const entries: Entry[] = [];
  const complaints: string[] = [];
  for (const [index, whole] of text.split('\n').entries()) {
    const content = whole.replace(/(^|\s)#.*$/, '').trim();
    if (content === '') continue;
    const [, name = '', typed = ''] = /^([^=\s]+)\s*=\s*(.*)$/.exec(content) ?? [];
    const setting = settingOf(name);
    const value = /^"(.*)"$/.exec(typed)?.[1] ?? typed;
    const problem = problemOf(content, name, setting, value, entries);
    if (problem !== null) complaints.push(`${index + 1}: ${problem}`);
    else if (setting !== undefined) entries.push({ setting, value, line: index + 1 });
  }
  return { entries, complaints };
}

/** The complaint with file and line in place of the flag, if the flag came from the file. */
export function withLocation(complaint: string, { path, entries }: Arguments): string {
  const [, name, rest = ''] = /^--(?:no-)?([a-z-]+)(.*)$/s.exec(complaint) ?? [];
  const lines = entries.filter(({ setting }) => setting.name === name);
  // If there are several lines of this name: the one whose value the complaint quotes.
  const entry = lines.find(({ value }) => rest.includes(value)) ?? lines[0];
  return entry === undefined ? complaint : `${path}:${entry.line}: ${name}${rest}`;
}

function problemOf(
  content: string,
  name: string,
  setting: Setting | undefined,
  value: string,
  before: readonly Entry[],
): string | null {
  if (name === '') return `"${content}": write name = value`;
  if (setting === undefined) {
    const nearest = nearestSetting(name.replace(/^--/, ''));
    return `${name}: no such setting${nearest === null ? '' : `: is ${nearest} meant?`}`;
  }
  if (value === '') return `${name}: its value is missing`;
  if (setting.kind === 'switch' && value !== 'yes' && value !== 'no') return `${name} ${value}: give yes or no`;
  const first = before.find((entry) => entry.setting === setting);
  return setting.kind !== 'list' && first !== undefined ? `${name}: is in line ${first.line} already` : null;
}

function asFlag({ setting: { name, kind }, value }: Entry): readonly string[] {
  if (kind !== 'switch') return [`--${name}=${value}`];
  // Only hairpin is on by default.
  if (name === 'hairpin') return value === 'no' ? ['--no-hairpin'] : [];
  return value === 'yes' ? [`--${name}`] : [];
}

function configPath(args: readonly string[]): string | null {
  const at = args.findLastIndex((arg) => arg === '--config' || arg.startsWith('--config='));
  if (at < 0) return null;
  return (args[at] as string).startsWith('--config=')
    ? (args[at] as string).slice('--config='.length)
    : (args[at + 1] ?? null);
}

/** The name of a flag: "max-lifetime" for "--max-lifetime=60", "hairpin" for "--no-hairpin". */
function flagName(arg: string): string {
  return /^--(?:no-)?([a-z-]+)/.exec(arg)?.[1] ?? '';
}
