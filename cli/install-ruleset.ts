#!/usr/bin/env node
// install-ruleset FLAGS: install the ruleset of these flags (those of `natpmp-server ruleset`) in the kernel, and keep
// the mappings there. --print FLAGS: only print it. --remove: delete what was installed. For the units of systemd
// (natpmp-ruleset, natpmp-table.service); natpmp-server does the same by itself. Prints the name of the table; messages
// go to standard error.

import { EXIT, Failure, messageOf } from './host/failure.js';
import { readConfigFile } from './host/read-config.js';
import { installRuleset, removeRulesets } from './host/ruleset.js';
import { parseRulesetFlags } from './host/ruleset-flags.js';
import type { RulesetConfig } from './host/ruleset-text.js';
import { ruleset } from './host/ruleset-text.js';

/** natpmp-ruleset sets it if the table is not as it was when it was loaded. */
const isBroken = process.env['NATPMP_TABLE_CHANGED'] === '1';

try {
  const [command, ...flags] = process.argv.slice(2);
  if (command === '--remove')
    for (const table of removeRulesets()) say(`table ip ${table} deleted: no port is open any more`);
  else if (command === '--print') process.stdout.write(ruleset(configFrom(flags)));
  else process.stdout.write(`${install(configFrom(process.argv.slice(2)))}\n`);
} catch (error) {
  const isForeign = error instanceof Failure && error.status === EXIT.foreignTable;
  say(
    messageOf(error) +
      (isForeign
        ? ': NATPMP_TABLE in /etc/natpmp-server/gateway.env, on NixOS services.natpmp-server.natTable = "natpmp"'
        : ''),
  );
  process.exitCode = error instanceof Failure ? error.status : EXIT.defect;
}

function configFrom(flags: readonly string[]): RulesetConfig {
  const parsed = parseRulesetFlags(flags, readConfigFile);
  if ('ok' in parsed) return parsed.ok;
  const lines = 'help' in parsed ? ['the flags are those of natpmp-server ruleset --help'] : parsed.complaints;
  for (const line of lines.slice(0, -1)) say(line);
  throw new Failure(EXIT.usage, lines.at(-1) ?? '');
}

function install(config: RulesetConfig): string {
  const { isLoaded, deleted } = installRuleset(config.table, ruleset(config), isBroken);
  if (isLoaded) say(`table ip ${config.table} installed`);
  for (const table of deleted) say(`table ip ${table} deleted: it was left from before the table's name was changed`);
  return config.table;
}

function say(line: string): void {
  process.stderr.write(`natpmp-ruleset: ${line}\n`);
}
