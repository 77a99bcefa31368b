#!/usr/bin/env node
// natpmp-server: flags, signals, exit status; nothing else. `natpmp-server ruleset` prints the ruleset and ends.

import { fstatSync, readFileSync } from 'node:fs';
import type { Arguments } from '../config/file.js';
import { withConfigFile } from '../config/file.js';
import { nearestSetting } from '../config/nearest.js';
import { errorMark } from '../process/syslog-prefix.js';
import type { ResolvedConfig } from './server/arguments.js';
import { EXIT, Failure, messageOf } from './host/failure.js';
import { parseRulesetFlags } from './host/ruleset-flags.js';
import { ruleset } from './host/ruleset-text.js';
import type { Config } from './server/flags.js';
import { parseFlags } from './server/flags.js';
import { runGateway } from './server/run.js';
import { createLog } from './host/log.js';
import { runSandbox } from './server/sandbox.js';
import { stopSignals } from './server/signals.js';

const args = process.argv.slice(2);
const readFile = (path: string): string => readFileSync(path, 'utf8');
if (args[0] === 'ruleset') process.exitCode = printRuleset(args.slice(1));
else await main();

async function main(): Promise<void> {
  const parsed = parseFlags(args, readFile);
  switch (parsed.kind) {
    case 'help':
      process.stdout.write(parsed.text);
      break;
    case 'complaints':
      for (const line of parsed.lines) process.stderr.write(`natpmp-server: ${line}\n`);
      process.exitCode = EXIT.flags;
      break;
    case 'config':
      // Not exitCode: a socket or timer that is left must not keep a stopped launcher alive.
      process.exit(parsed.check ? 0 : await run(parsed.config, parsed.from));
  }
}

/** `natpmp-server ruleset`: returns the exit status. */
function printRuleset(flags: readonly string[]): number {
  const ruled = parseRulesetFlags(flags, readFile);
  if ('complaints' in ruled) {
    for (const line of ruled.complaints) process.stderr.write(`natpmp-server: ${line}\n`);
    return EXIT.flags;
  }
  process.stdout.write('help' in ruled ? ruled.help : ruleset(ruled.ok));
  return 0;
}

async function run(config: Config, from: Arguments): Promise<number> {
  const log = createLog(config.logLevel);
  try {
    const stopped = stopSignals(log);
    if (config.sandbox) return await runSandbox(config, args, { log, stopped });
    const readArguments = () => withConfigFile(args, 'natpmp-server', readFile, nearestSetting);
    return await runGateway(settled(config), { log, stopped, loopback: null, metrics: null, from, readArguments });
  } catch (error) {
    process.stderr.write(
      `${errorMark(process.env['JOURNAL_STREAM'], fstatSync(2))}natpmp-server: ${messageOf(error)}\n`,
    );
    if (!(error instanceof Failure)) log.fatal(error);
    return error instanceof Failure ? error.status : EXIT.defect;
  }
}

function settled(config: Config): ResolvedConfig {
  const { stateDir, runDir } = config;
  if (stateDir === null || runDir === null) throw new Error('flags.ts leaves these open for the sandbox only');
  return { ...config, stateDir, runDir };
}
