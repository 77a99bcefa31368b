#!/usr/bin/env node
// natpmp-helper: the only program here with CAP_NET_ADMIN. The flags, and what they ask for: the ruleset, or the
// daemon.

import { readFileSync } from 'node:fs';
import { withConfigFile } from '../config/file.js';
import type { Validated } from '../config/validate.js';
import { validate } from '../config/validate.js';
import type { Flags } from './config.js';
import { parseConfig, parseRulesetConfig } from './config.js';
import { EXIT } from '../process/exit.js';
import { fail } from './fail.js';
import { command } from './flags.js';
import { ruleset } from './ruleset.js';

const ARGS = process.argv.slice(2);
const readArguments = () => withConfigFile(ARGS, 'natpmp-helper', (path) => readFileSync(path, 'utf8'));
const from = readArguments();
/** SIGHUP before there is anything to reload must not end us. */
let hangUp = (): void => {};
process.on('SIGHUP', () => hangUp());
process.on('uncaughtException', (error) => fail(EXIT.defect, error.stack ?? error.message));

const program = command();
program
  .command('ruleset')
  .description('print the static nftables ruleset, as a script for `nft -f -`')
  .action(() => {
    process.stdout.write(ruleset(accepted(validate(from, () => parseRulesetConfig(program.opts<Flags>())))));
  });
program.action(async () => {
  const config = accepted(validate(from, () => parseConfig(program.opts<Flags>())));
  if (program.opts<{ check?: boolean }>().check === true) return;
  // Most of what there is to load is for this alone, and whoever starts us waits for the ruleset first.
  const { run } = await import('./daemon.js');
  hangUp = run(config, from, readArguments);
});
program.parse('args' in from ? from.args : ARGS, { from: 'user' });

function accepted<T>(parsed: Validated<T>): T {
  return 'ok' in parsed ? parsed.ok : fail(EXIT.usage, parsed.complaints.join('\nnatpmp-helper: '));
}
