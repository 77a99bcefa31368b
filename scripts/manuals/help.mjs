// What a program says with --help, taken apart again. The layout is commander's.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * The program's help, and that of each of its commands: { usage, description, arguments, options, commands, after }; an
 * option has { short, long, value, repeats, says, choices, preset }, an argument { name, says }.
 */
export async function readHelp({ script, host, words = [] }) {
  const ask = async (...args) => parseHelp((await run(process.execPath, [script, ...words, ...args, '--help'])).stdout);
  const help = await ask();
  const named = help.commands.filter(({ name }) => name !== 'help');
  const commands = await Promise.all(
    named.map(async ({ name, says }) => ({ name, says, ...(await ask(...(host ? ['HOST'] : []), name)) })),
  );
  return { ...help, commands };
}

export function parseHelp(text) {
  const help = { usage: '', description: '', arguments: [], options: [], commands: [], after: '' };
  const rest = [];
  for (const part of text.trimEnd().split('\n\n')) {
    const [head, ...lines] = part.split('\n');
    if (head.startsWith('Usage: ')) help.usage = [head.slice(7), ...lines].join(' ');
    else if (head === 'Arguments:') help.arguments = items(lines).map(([name, says]) => ({ name, says }));
    else if (head === 'Options:') help.options = items(lines).map(([term, says]) => option(term, says));
    else if (head === 'Commands:')
      help.commands = items(lines).map(([term, says]) => ({ name: term.split(' ')[0], says }));
    else rest.push({ text: part, isAfter: help.options.length > 0 });
  }
  const joined = (isAfter) =>
    rest
      .filter((each) => each.isAfter === isAfter)
      .map((each) => each.text)
      .join('\n\n');
  return { ...help, description: joined(false), after: joined(true) };
}

/** Lines "  term   says", and what is further indented goes on. */
function items(lines) {
  const found = [];
  for (const line of lines) {
    const [, term, says = ''] = /^ {2}(\S.*?)(?: {2,}(\S.*))?$/.exec(line) ?? [];
    if (term !== undefined) found.push([term, says]);
    else found.at(-1)[1] += ` ${line.trim()}`;
  }
  return found;
}

function option(term, text) {
  const [, short, long, value] = /^(?:(-\w), )?(--[\w-]+)(?: <(.*)>)?$/.exec(term);
  const [, says, bracket = ''] = /^(.*?)(?: \(((?:choices|default): .*)\))?$/.exec(text);
  const [, listed = ''] = /choices: ((?:"[^"]*"(?:, )?)+)/.exec(bracket) ?? [];
  const [, preset = ''] = /default: (.*)$/.exec(bracket) ?? [];
  const choices = [...listed.matchAll(/"([^"]*)"/g)].map(([, choice]) => choice);
  return {
    short,
    long,
    value: value?.replace(/\.\.\.$/, ''),
    says,
    choices: choices.length > 0 ? choices : named(long, value, says),
    preset: preset === 'false' || preset === 'true' ? '' : preset.replace(/^\["?|"?\]$|"/g, ''),
  };
}

/** Values that commander does not know of, but the words do. */
function named(long, value, says) {
  if (long === '--log-level') return says.match(/\b(trace|debug|info|warn|error|fatal|silent)\b/g) ?? [];
  if (long === '--default-rule') return ['allow', 'deny'];
  return value === 'proto' ? ['tcp', 'udp'] : [];
}

/** What a value is: 'file', 'folder', 'interface', or null if it cannot be guessed. */
export function kindOf({ long, value }) {
  if (/-(dir)$/.test(long) || value === 'folder') return 'folder';
  if (/-interface$/.test(long)) return value === 'address' ? null : 'interface';
  return value === 'file' || value === 'path' ? 'file' : null;
}
