#!/usr/bin/env node
// The operator's program: shows what the helper holds, and changes it by hand. natpmpctl/ has one file for each
// command.

import { Command, CommanderError } from 'commander';
import { EXIT, Failure } from './host/failure.js';
import { addCommand, removeCommand } from './natpmpctl/add.js';
import { runCheckConfig } from './natpmpctl/check-config.js';
import { doctorCommand } from './natpmpctl/doctor.js';
import { listCommand } from './natpmpctl/list.js';
import { revokeCommand } from './natpmpctl/revoke.js';
import { showCommand } from './natpmpctl/show.js';
import { statusCommand } from './natpmpctl/status.js';
import { topCommand } from './natpmpctl/top.js';
import { watchCommand } from './natpmpctl/watch.js';
import { webCommand } from './natpmpctl/web.js';
import { version } from '../process/version.js';
import { PRINTABLE_ERRORS, printable } from './host/printable.js';

const COMMANDS = [
  listCommand,
  showCommand,
  topCommand,
  watchCommand,
  webCommand,
  addCommand,
  removeCommand,
  revokeCommand,
  statusCommand,
  doctorCommand,
];

async function main(): Promise<void> {
  const program = new Command('natpmpctl')
    .configureOutput(PRINTABLE_ERRORS)
    .description('Show the mappings and the state of a NAT-PMP gateway, and change mappings by hand.')
    .addHelpText(
      'after',
      `
Exit status: 0 done; 1 not found, not confirmed, or (doctor) a check failed; 2
wrong arguments; 69 no helper answers; 73 the helper refused the mapping; 74 a
file cannot be read; 77 not permitted.`,
    )
    // All commands have options: showing that for each would leave no room for the descriptions.
    .configureHelp({
      subcommandTerm: (sub) => [sub.name(), ...sub.registeredArguments.map((each) => `<${each.name()}>`)].join(' '),
    })
    .version(version(), '--version', 'print the version')
    .helpCommand(false)
    .exitOverride();
  for (const make of COMMANDS) program.addCommand(make().exitOverride());
  program
    .command('check-config')
    .argument('<file>')
    .description('check a configuration file')
    .action((file: string) => {
      process.exitCode = runCheckConfig(file);
    })
    .exitOverride();
  await program.parseAsync();
}

// The reader of a pipe may stop early: natpmpctl list | head.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

try {
  await main();
} catch (error) {
  // commander has printed the error; its status is 0 after --help.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : EXIT.usage;
  else if (!(error instanceof Failure)) throw error;
  else {
    process.stderr.write(`natpmpctl: ${printable(error.message)}\n`);
    process.exitCode = error.status;
  }
}
