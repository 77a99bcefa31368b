// Unit files taken apart, those in systemd/ and those that NixOS would write.

/** "Service.ExecStart" and so on to its values, in order. */
export type Directives = ReadonlyMap<string, readonly string[]>;

export function directives(text: string): Directives {
  const found = new Map<string, string[]>();
  let section = '';
  for (const line of text.replaceAll('\\\n', ' ').split('\n')) {
    if (line === '' || /^[#;]/.test(line)) continue;
    const header = /^\[(\w+)\]$/.exec(line)?.[1];
    if (header !== undefined) {
      section = header;
      continue;
    }
    const [, key = '', value = ''] = /^([\w-]+)=(.*)$/.exec(line) ?? [];
    if (key === '') throw new Error(`not a line of a unit: ${line}`);
    const name = `${section}.${key}`;
    found.set(name, [...(found.get(name) ?? []), value.replace(/\s+/g, ' ').trim()]);
  }
  return found;
}

/**
 * A command line as systemd takes it apart: blanks separate, double quotes hold together, %% and $$ are one of each.
 */
export function words(command: string): readonly string[] {
  return [...command.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, plain]) =>
    (quoted === undefined ? (plain ?? '') : (JSON.parse(`"${quoted}"`) as string))
      .replaceAll('%%', '%')
      .replaceAll('$$', '$'),
  );
}

/** The flags of a command line behind the program, as commander would give them: { lan: [..], maxLifetime: [..] }. */
export function flags(command: readonly string[]): Readonly<Record<string, readonly string[]>> {
  const found: Record<string, string[]> = {};
  let values: string[] = [];
  for (const word of command) {
    const flag = /^--(.+)$/.exec(word)?.[1];
    if (flag === undefined) values.push(word);
    else values = found[flag.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())] ??= [];
  }
  return found;
}
