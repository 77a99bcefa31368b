#!/usr/bin/env node
// natpmp-helper: the daemon with CAP_NET_ADMIN. Its flags and signals.

import { firstFew, withConfigFile } from '../config/file.js';
import { EXIT } from '../process/exit.js';
import { readRegularFile } from '../process/read-file.js';
import { parseConfig } from './config.js';
import { fail } from './fail.js';
import { HELP } from './flags.js';

/** natpmp-server writes down what it has read, which is 1 MiB at most, in other words, and the ports in use. */
const MAX_CONFIG_BYTES = 4 << 20;
const ARGS = process.argv.slice(2);
/** SIGHUP before there is anything to reload must not end us. */
let reload = (): void => {};
process.on('SIGHUP', () => reload());
process.on('uncaughtException', (error) => fail(EXIT.defect, error.stack ?? error.message));

if (ARGS.includes('--help') || ARGS.includes('-h')) process.stdout.write(HELP);
else await start();

async function start(): Promise<void> {
  const readConfig = () => {
    const from = withConfigFile(ARGS, 'natpmp-helper', (path) => readRegularFile(path, MAX_CONFIG_BYTES).toString());
    if ('complaints' in from) return from;
    const parsed = parseConfig(from.args);
    return 'ok' in parsed ? parsed : { complaints: firstFew(parsed.complaints) };
  };
  const parsed = readConfig();
  if (!('ok' in parsed)) return fail(EXIT.usage, parsed.complaints.join('\nnatpmp-helper: '));
  if (parsed.ok.check) return;
  // Only now: loading takes a while, in which SIGHUP must not end us, and neither --check nor --help needs it.
  const { run } = await import('./daemon.js');
  reload = run(parsed.ok, readConfig);
}
