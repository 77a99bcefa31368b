#!/usr/bin/env node
// natpmp-server: flags, signals, exit status; nothing else.

import { fstatSync } from 'node:fs';
import type { Arguments } from '../config/types.js';
import { errorPrefix } from '../process/syslog-prefix.js';
import { withSuggestions } from '../config/nearest.js';
import { parseRulesetFlags } from './host/ruleset-flags.js';
import { rulesetHere } from './host/ruleset.js';
import { EXIT, Failure, messageOf } from './host/failure.js';
import { createLog } from './host/log.js';
import { printable } from './host/printable.js';
import type { Config, ResolvedConfig } from './server/config.js';
import { readConfig } from './server/config.js';
import { runGateway } from './server/run.js';
import { runSandbox } from './server/sandbox.js';
import { stopSignal } from './server/signals.js';
import { readConfigFile } from './host/read-config.js';

// Until there is something to reload: a SIGHUP during the start must not end it.
process.on('SIGHUP', () => {});

const args = process.argv.slice(2);
if (args[0] === 'ruleset') process.exitCode = printRuleset(args.slice(1));
else await main();

async function main(): Promise<void> {
  const parsed = readConfig(args, readConfigFile);
  switch (parsed.kind) {
    case 'help':
      process.stdout.write(parsed.text);
      break;
    case 'complaints':
      for (const line of parsed.lines) process.stderr.write(`natpmp-server: ${printable(line)}\n`);
      process.exitCode = EXIT.usage;
      break;
    case 'config':
      // Not exitCode: a remaining socket or timer must not keep a stopped launcher alive.
      process.exit(parsed.check ? 0 : await run(parsed.config, parsed.from));
  }
}

/** `natpmp-server ruleset`: returns the exit status. */
function printRuleset(flags: readonly string[]): number {
  const parsed = parseRulesetFlags(flags, readConfigFile);
  if ('complaints' in parsed) {
    for (const line of parsed.complaints) process.stderr.write(`natpmp-server: ${printable(line)}\n`);
    return EXIT.usage;
  }
  process.stdout.write('help' in parsed ? parsed.help : rulesetHere(parsed.ok));
  return EXIT.success;
}

async function run(config: Config, initialArguments: Arguments): Promise<number> {
  const log = createLog(config.logLevel);
  try {
    const stopped = stopSignal(log);
    if (config.sandbox) return await runSandbox(config, args, { log, stopped });
    const readArguments = () => withSuggestions(args, 'natpmp-server', readConfigFile);
    return await runGateway(resolved(config), {
      log,
      stopped,
      loopbackFd: null,
      metricsFds: { frontend: null, upnp: null },
      initialArguments,
      readArguments,
    });
  } catch (error) {
    process.stderr.write(
      `${errorPrefix(process.env['JOURNAL_STREAM'], fstatSync(2))}natpmp-server: ${printable(messageOf(error))}\n`,
    );
    if (!(error instanceof Failure)) log.fatal(error);
    return error instanceof Failure ? error.status : EXIT.defect;
  }
}

function resolved(config: Config): ResolvedConfig {
  const { stateDir, runDir } = config;
  if (stateDir === null || runDir === null) throw new Error('flags.ts leaves these open for the sandbox only');
  return { ...config, stateDir, runDir };
}
