// The flags that every command of natpmpctl has.

import { Command } from 'commander';
import { PRINTABLE_ERRORS } from '../host/printable.js';
import { ADMIN_SOCKET } from './connect.js';

export interface Options {
  readonly json?: boolean;
  readonly socket?: string;
}

/** A command that prints for people, or JSON. */
export function command(name: string, says: string): Command {
  return new Command(name)
    .configureOutput(PRINTABLE_ERRORS)
    .description(says)
    .option('--json', 'print JSON')
    .option(
      '--socket <path>',
      `the helper's socket (default: ${ADMIN_SOCKET}, or helper.sock beside it if that is not permitted)`,
    )
    .allowExcessArguments(false);
}
