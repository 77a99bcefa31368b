#!/usr/bin/env node
// install-ruleset PRINTER [ARGUMENT...]: have the ruleset that the printer prints in the kernel, with the mappings that
// are there. install-ruleset --remove: delete what was installed. For the units of systemd (natpmp-ruleset,
// natpmp-table.service); natpmp-server does the same by itself. Prints the name of the table; what else there is to say
// goes to standard error.

import { EXIT, Failure, messageOf } from './host/failure.js';
import { installRuleset, printRuleset, removeRulesets } from './host/ruleset.js';

/** natpmp-ruleset sets it where the table is not as it was when it was loaded. */
const isBroken = process.env['NATPMP_TABLE_CHANGED'] === '1';

try {
  const printer = process.argv.slice(2);
  if (printer[0] === '--remove')
    for (const table of removeRulesets()) say(`table ip ${table} deleted: no port is open any more`);
  else process.stdout.write(`${await install(printer)}\n`);
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

async function install(printer: readonly string[]): Promise<string> {
  const ruleset = await printRuleset(printer);
  const name = /^table ip (\S+)$/m.exec(ruleset)?.[1];
  if (name === undefined) throw new Failure(EXIT.defect, `${printer.join(' ')} printed no ruleset`);
  const { isLoaded, deleted } = installRuleset(name, ruleset, isBroken);
  if (isLoaded) say(`table ip ${name} installed`);
  for (const table of deleted) say(`table ip ${table} deleted: it was left from before the table's name was changed`);
  return name;
}

function say(line: string): void {
  process.stderr.write(`natpmp-ruleset: ${line}\n`);
}
