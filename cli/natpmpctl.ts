#!/usr/bin/env node
// The operator's program: what the helper holds. Asks the helper and prints; changes nothing.

import { Command, CommanderError } from 'commander';
import { bootClock } from '../proto/clock.js';
import { runCheckConfig } from './natpmpctl-check-config.js';
import { formatList, formatStatus, listedMapping, reportedStatus } from './natpmpctl-format.js';
import { chooseSocket, openHelper, Unreachable } from './natpmpctl-helper.js';

const now = bootClock();

interface Options {
  readonly json: boolean;
  readonly socket: string;
}

async function list(options: Options): Promise<void> {
  const helper = await openHelper(options.socket);
  try {
    const leases = await helper.list();
    const mappings = leases.map((lease) => listedMapping(lease, now()));
    print(options.json ? JSON.stringify(mappings, null, 2) : formatList(mappings, process.stdout.isTTY));
  } finally {
    helper.close();
  }
}

async function status(options: Options): Promise<void> {
  const helper = await openHelper(options.socket);
  try {
    const report = reportedStatus(await helper.status(), now());
    print(options.json ? JSON.stringify(report, null, 2) : formatStatus(report));
  } finally {
    helper.close();
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

const COMMANDS = [
  { name: 'list', says: 'the mappings the gateway holds', run: list },
  { name: 'status', says: 'the state of the helper', run: status },
] as const;

async function main(): Promise<number> {
  const program = new Command('natpmpctl').description('Look into a NAT-PMP gateway, by its helper.').exitOverride();
  for (const { name, says, run } of COMMANDS) {
    program.command(name).description(says)
      .option('--json', 'print JSON', false)
      .option('--socket <path>', "the helper's socket", chooseSocket())
      .action(run)
      .exitOverride();
  }
  program.command('check-config <file>').description('what is wrong with a configuration file').exitOverride()
    .action((file: string) => { process.exitCode = runCheckConfig(file); });
  program.addHelpText('after', '\nExit status: 0 done, 2 wrong arguments, 69 no helper answers.');
  try {
    await program.parseAsync();
    return Number(process.exitCode ?? 0);
  } catch (error) {
    // commander has said what is wrong; its status is 0 where help was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof Unreachable)) throw error;
    process.stderr.write(`natpmpctl: ${error.message}\n`);
    return 69;
  }
}

process.exitCode = await main();
