#!/usr/bin/env node
// print-reserved-ports FLAGS: print the ports that the router needs itself, as lines of a configuration file for the
// daemons. FLAGS are those of install-ruleset. For the units of systemd (natpmp-own-ports); natpmp-server looks for
// itself. Standard input has the inodes of the sockets that were there at the look before, separated by blanks.

import { readFileSync } from 'node:fs';
import { EXIT, messageOf } from './host/failure.js';
import { portLines } from './host/port-lines.js';
import { PortFinder, warningsOf } from './host/ports-in-use.js';
import { printable } from './host/printable.js';
import { readConfigFile } from './host/read-config.js';
import { externalAddressIn, parseRulesetFlags } from './host/ruleset-flags.js';

try {
  const flags = [...externalAddressIn(process.env['NATPMP_FRONTEND'] ?? ''), ...process.argv.slice(2)];
  const parsed = parseRulesetFlags(flags, readConfigFile);
  if (!('ok' in parsed)) throw new Error('complaints' in parsed ? parsed.complaints.join('; ') : 'see install-ruleset');
  const { externalInterface, externalAddress, table, chain } = parsed.ok;
  const inodes = readFileSync(0, 'utf8').split(/\s+/).filter(Boolean).map(Number);
  const found = new PortFinder({ externalInterface, externalAddress, own: { table, chain } }, inodes).find(true);
  process.stdout.write(`# Written by natpmp-own-ports: ports that the router needs itself.\n`);
  process.stdout.write(
    portLines('reserved-ports', found.ports.ranges())
      .map((line) => `${line}\n`)
      .join(''),
  );
  for (const line of warningsOf(found)) process.stderr.write(`natpmp-own-ports: ${printable(line)}\n`);
} catch (error) {
  process.stderr.write(`natpmp-own-ports: ${printable(messageOf(error))}\n`);
  process.exitCode = EXIT.failed;
}
