// A man page: the words of man/*.in, with @USAGE@, @OPTIONS@, @RULESET@, @COMMANDS@ and @EXIT@ filled in. A line @EXIT 0 69 77@
// takes what these exit statuses mean from docs/architecture.md.
import { readFileSync } from 'node:fs';

export function page(frame, { name, section, version }, help, ruleset) {
  const common = commonOptions(help);
  return frame
    .replace(
      '@HEAD@',
      `.\\" Generated from ${name}.${section}.in and ${name} --help by \`npm run manuals\`. Do not edit.\n` +
        `.TH ${name.toUpperCase()} ${section} "${CHANGED}" "natpmp-server ${version}"`,
    )
    .replace('@USAGE@', usageOf(help))
    .replace(
      '@OPTIONS@',
      [...help.options.filter(({ long }) => long !== '--help'), ...common].map(optionItem).join('\n'),
    )
    .replace(
      '@RULESET@',
      ruleset.options
        .filter(({ long }) => long !== '--help')
        .map(optionItem)
        .join('\n'),
    )
    .replace('@COMMANDS@', help.commands.map((command) => commandPart(command, common)).join('\n'))
    .replace(/@EXIT ([0-9 ]+)@/, (_, statuses) => statuses.split(' ').map(statusItem).join('\n'))
    .replace('@EXIT@', escapeRoff(/^Exit status: ([\s\S]*)$/m.exec(help.after)?.[1].replaceAll('\n', ' ') ?? ''));
}

/** Of the words in man/*.in; a page is the same whenever it is made. */
const CHANGED = '2026-03-28';

function usageOf({ usage, commands }) {
  const lines = commands.length > 0 && commands[0].usage !== '' ? commands.map((command) => command.usage) : [usage];
  return lines
    .map((line) => {
      const [program, ...words] = line.split(' ');
      return `.B ${escapeRoff(program)}\n${words.map((word) => (/^[a-z]+$/.test(word) ? `\\fB${word}\\fR` : escapeRoff(word))).join(' ')}`;
    })
    .join('\n.br\n');
}

/** Those that all commands have. */
function commonOptions({ commands: [first, ...others] }) {
  if (first === undefined || others.length === 0) return [];
  const same = (a, b) => a.long === b.long && a.says === b.says;
  return first.options.filter(
    (option) => option.long !== '--help' && others.every(({ options }) => options.some((other) => same(option, other))),
  );
}

function commandPart({ name, says, usage, arguments: words, options, after }, common) {
  const own = options.filter((option) => option.long !== '--help' && !common.some(({ long }) => long === option.long));
  const line = usage.slice(usage.indexOf(` ${name}`) + 1).replace(' [options]', own.length > 0 ? ' [options]' : '');
  return [
    `.SS ${escapeRoff(line)}`,
    `${escapeRoff(sentence(says))}`,
    ...(after === '' ? [] : ['.PP', escapeRoff(after.replaceAll('\n', ' '))]),
    ...words.map((word) => `.TP\n.I ${escapeRoff(word.name)}\n${escapeRoff(sentence(word.says))}`),
    ...own.map(optionItem),
  ].join('\n');
}

function optionItem({ short, long, value, says, choices, preset }) {
  const flag = [...(short === undefined ? [] : [short]), long].map((each) => `\\fB${escapeRoff(each)}\\fR`).join(', ');
  const more = [
    ...(choices.length > 0 && !choices.every((choice) => says.includes(choice))
      ? [`One of ${choices.join(', ')}.`]
      : []),
    ...(preset === '' ? [] : [`Default: ${preset}.`]),
  ];
  return `.TP\n${flag}${value === undefined ? '' : ` \\fI${escapeRoff(value)}\\fR`}\n${escapeRoff([sentence(says), ...more].join(' '))}`;
}

function statusItem(status) {
  const [, meaning] = new RegExp(`^\\| ${status} \\| (.*) \\|$`, 'm').exec(
    readFileSync('docs/architecture.md', 'utf8'),
  );
  return `.TP\n.B ${status}\n${escapeRoff(sentence(meaning.replaceAll('`', '')))}`;
}

function sentence(text) {
  return `${text[0].toUpperCase()}${text.slice(1)}${/[.?!]$/.test(text) ? '' : '.'}`;
}

export function escapeRoff(text) {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^(?=[.'])/gm, '\\&');
}
