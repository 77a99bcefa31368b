#!/usr/bin/env node
// install-ruleset FLAGS: install the ruleset of these flags (those of `natpmp-server ruleset`) in the kernel, and keep
// the mappings there. --print FLAGS: only print it. --remove [--nat-chain NAME]: delete what was installed; under
// natpmp-ruleset what that has recorded, whatever the flags have become since. For the units
// of systemd (natpmp-ruleset, natpmp-table.service), and for a gateway that is not to come back; natpmp-server installs by
// itself. Prints the names of table and chain; messages go to standard error.

import { EXIT, Failure, messageOf } from './host/failure.js';
import { printable } from './host/printable.js';
import { interfaceNames } from './host/machine.js';
import { closeGateway, installRuleset, rulesetHere } from './host/ruleset.js';
import { chainFrom, externalAddressIn, parseRulesetFlags } from './host/ruleset-flags.js';
import type { RulesetName } from './host/ruleset-plan.js';
import { readConfigFile } from './host/read-config.js';
import type { RulesetConfig } from './host/ruleset-text.js';

/** natpmp-ruleset sets it if the table is not as it was when it was loaded. */
const isBroken = process.env['NATPMP_TABLE_CHANGED'] === '1';
/** What natpmp-ruleset had from us last: "TABLE CHAIN", empty if it has had nothing; not set without natpmp-ruleset. */
const record = process.env['NATPMP_INSTALLED'];
const [installedTable = '', installedChain = ''] = (record ?? '').split(' ');
/** gateway.env has the address there. */
const frontendFlags = process.env['NATPMP_FRONTEND'] ?? '';

try {
  const [command, ...flags] = process.argv.slice(2);
  if (command === '--remove') remove(flags);
  else if (command === '--print') process.stdout.write(rulesetHere(configFrom(flags)));
  else process.stdout.write(`${install(configFrom(process.argv.slice(2)))}\n`);
} catch (error) {
  const isForeign = error instanceof Failure && error.status === EXIT.foreignTable;
  say(
    messageOf(error) +
      (isForeign
        ? ': NATPMP_TABLE in /etc/natpmp-server/gateway.env, on NixOS services.natpmp-server.natTable and natChain'
        : ''),
  );
  process.exitCode = error instanceof Failure ? error.status : EXIT.defect;
}

function configFrom(flags: readonly string[]): RulesetConfig {
  const parsed = parseRulesetFlags([...externalAddressIn(frontendFlags), ...flags], readConfigFile);
  if ('ok' in parsed) return parsed.ok;
  const lines = 'help' in parsed ? ['the flags are those of natpmp-server ruleset --help'] : parsed.complaints;
  for (const line of lines.slice(0, -1)) say(line);
  throw new Failure(EXIT.usage, lines.at(-1) ?? '');
}

function remove(flags: readonly string[]): void {
  const chain = record === undefined ? null : installedChain;
  const { deleted, others } = closeGateway(chain, () => chainFrom(flags, readConfigFile));
  for (const one of deleted)
    say(`${one.chain} deleted from table ${one.family} ${one.table}: no port is open any more`);
  for (const one of others) say(`${one.chain} in table ${one.family} ${one.table} stays: it is of another gateway`);
}

function install(config: RulesetConfig): string {
  const { table, chain, pinholes } = config;
  const name = pinholes?.externalInterface ?? config.externalInterface;
  const names = interfaceNames();
  // Nobody else in the units says it: the frontends tell of the external interface alone.
  if (name !== config.externalInterface && !names.includes(name))
    say(`waiting for the interface of pinholes, ${name}: there are: ${names.toSorted().join(', ')}`);
  const installed: RulesetName | null =
    installedTable !== '' && installedChain !== '' ? { table: installedTable, chain: installedChain } : null;
  const { isLoaded, deleted } = installRuleset({ table, chain }, rulesetHere(config), isBroken, installed);
  if (isLoaded) say(`table inet ${table} installed`);
  for (const one of deleted)
    say(`${one.chain} deleted from table ${one.family} ${one.table}: it was of an earlier configuration or release`);
  return `${table} ${chain}`;
}

function say(line: string): void {
  process.stderr.write(`natpmp-ruleset: ${printable(line)}\n`);
}
