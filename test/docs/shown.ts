// The commands that a document shows. Pure. Two forms count: lines behind a prompt in a block ```console ("$ " for
// anybody, "# " for root), with what comes out below them; and code in a sentence or a table that begins with the name
// of a program.

export interface Shown {
  /** As typed: without the prompt, and without the remark behind it. */
  readonly command: string;
  /** "README.md:47". */
  readonly where: string;
  /** The lines below it; a line "..." stands for any number of lines. Empty if nothing is shown. */
  readonly output: readonly string[];
}

/** What the first word of code in a sentence has to be for it to be a command. */
const PROGRAMS = new Set([
  'apt-get',
  'cp',
  'curl',
  'git',
  'ip',
  'journalctl',
  'kill',
  'man',
  'natpmp-client',
  'natpmp-frontend',
  'natpmp-helper',
  'natpmp-server',
  'natpmpctl',
  'nft',
  'nix',
  'nixos-rebuild',
  'node',
  'npm',
  'npx',
  'ps',
  'promtool',
  'rm',
  'scp',
  'sh',
  'ss',
  'sudo',
  'sysctl',
  'systemctl',
  'systemd-analyze',
  'systemd-escape',
  'tar',
]);
const REMARK = / {2,}# .*$/;

export function commandsIn(file: string, text: string): readonly Shown[] {
  const shown: Shown[] = [];
  let language: string | null = null;
  let lines: string[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const [, fence] = /^```(.*)$/.exec(line) ?? [];
    if (fence !== undefined) {
      if (language === 'console') shown.push(...inBlock(file, index - lines.length + 1, lines));
      language = language === null ? fence : null;
      lines = [];
    } else if (language !== null) lines.push(line);
    else shown.push(...inSentence(`${file}:${index + 1}`, line));
  }
  return shown;
}

/** What a document has that could hide a command: a block without a language, or code by indenting. */
export function unmarked(file: string, text: string): readonly string[] {
  const found: string[] = [];
  let inside = false;
  let before = '';
  for (const [index, line] of text.split('\n').entries()) {
    if (line.startsWith('```')) {
      if (!inside && line === '```') found.push(`${file}:${index + 1}: a block without a language`);
      inside = !inside;
    } else if (!inside && before === '' && line.startsWith('    '))
      found.push(`${file}:${index + 1}: an indented block`);
    before = line;
  }
  return found;
}

function inBlock(file: string, first: number, lines: readonly string[]): readonly Shown[] {
  const shown: { command: string; where: string; output: string[] }[] = [];
  let goesOn = false;
  for (const [index, line] of lines.entries()) {
    const [, typed] = /^[$#] (.*)$/.exec(line) ?? [];
    const last = shown.at(-1);
    if (typed !== undefined) shown.push({ command: typed, where: `${file}:${first + index}`, output: [] });
    else if (last === undefined) throw new Error(`${file}:${first + index}: a block of console begins with a prompt`);
    else if (goesOn) last.command += `\n${line}`;
    else last.output.push(line);
    goesOn = (typed ?? (goesOn ? line : '')).endsWith('\\');
  }
  return shown.map((each) => ({ ...each, command: each.command.replace(REMARK, '') }));
}

function inSentence(where: string, line: string): readonly Shown[] {
  return [...line.matchAll(/`([^`]+)`/g)]
    .map(([, code = '']) => code.replaceAll('\\|', '|'))
    .filter((code) => code.includes(' ') && PROGRAMS.has(code.split(' ')[0] ?? ''))
    .map((command) => ({ command, where, output: [] }));
}
