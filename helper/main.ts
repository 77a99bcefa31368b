#!/usr/bin/env node
// natpmp-helper: the daemon with CAP_NET_ADMIN. Its flags and signals.

import { readFileSync } from 'node:fs';
import { withConfigFile } from '../config/file.js';
import { EXIT } from '../process/exit.js';
import { parseConfig } from './config.js';
import { fail } from './fail.js';
import { HELP } from './flags.js';

const ARGS = process.argv.slice(2);
/** SIGHUP before there is anything to reload must not end us. */
let reload = (): void => {};
process.on('SIGHUP', () => reload());
process.on('uncaughtException', (error) => fail(EXIT.defect, error.stack ?? error.message));

if (ARGS.includes('--help') || ARGS.includes('-h')) process.stdout.write(HELP);
else await start();

async function start(): Promise<void> {
  const readConfig = () => {
    const from = withConfigFile(ARGS, 'natpmp-helper', (path) => readFileSync(path, 'utf8'));
    return 'complaints' in from ? from : parseConfig(from.args);
  };
  const parsed = readConfig();
  if (!('ok' in parsed)) return fail(EXIT.usage, parsed.complaints.join('\nnatpmp-helper: '));
  if (parsed.ok.check) return;
  // Only now: loading takes a while, in which SIGHUP must not end us, and neither --check nor --help needs it.
  const { run } = await import('./daemon.js');
  reload = run(parsed.ok, readConfig);
}
