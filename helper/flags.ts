// The flags of natpmp-helper as its help shows them. What their values may be is for config.ts.

import { Command } from 'commander';
import { ALLOWED_PORTS } from '../config/grants.js';
import { DANGEROUS_PORTS } from '../config/rules.js';
import { LOG_LEVELS } from '../config/settings.js';
import { EXIT } from '../process/exit.js';

export function command(): Command {
  return new Command('natpmp-helper')
    .description(
      'Adds and removes NAT-PMP mappings in nftables, and keeps the lease table. Started by natpmp-server or by systemd.',
    )
    .option(
      '--config <file>',
      'more of these flags, as lines "name = value"; read again on SIGHUP; flags given here count more',
    )
    .option(
      '--lan <address/length...>',
      "LAN whose hosts may hold mappings: the router's own address there and the prefix length",
    )
    .option('--socket <path>', 'path of the inherited socket "helper"', '/run/natpmp/helper.sock')
    .option('--admin-socket <path>', 'path of the inherited socket "helper-admin"', '/run/natpmp/admin.sock')
    .option('--admin-uid <uid...>', 'user ids that may use the admin socket', ['0'])
    .option('--state-dir <path>', 'where the lease table is kept', '/var/lib/natpmp-server')
    .option('--nat-table <name>', 'nftables table of family ip that holds the ruleset', 'nat')
    .option('--nat-chain <name>', 'name of the prerouting chain; the others are named after it', 'NATPMP')
    .option(
      '--rule <rule...>',
      'what a host may have, as in natpmp-frontend; one by hardware address may be about any host',
    )
    .option('--default-rule <rule>', 'allow or deny: for hosts that no rule names', 'allow')
    .option('--max-mappings <n>', 'most mappings in all', '129024')
    .option('--max-mappings-per-ip <n>', 'most mappings of one internal address', '100')
    .option(
      '--new-mappings-per-ip <n>',
      'most new mappings of one internal address at once, and again every 10 s (default: twice the largest quota, at least 64)',
    )
    .option('--max-lifetime <seconds>', 'longest lifetime of a mapping', '86400')
    .option('--allowed-ports <ports...>', `external ports that may be mapped (default: ${ALLOWED_PORTS})`)
    .option(
      '--denied-ports <ports...>',
      `ports that may neither be given out nor be mapped to, or none (default: ${DANGEROUS_PORTS})`,
    )
    .option('--reserved-ports <ports...>', 'external ports that may not be mapped, although allowed')
    .option('--boot-id <id>', 'content of /proc/sys/kernel/random/boot_id')
    .option('--log-level <level>', `least level that is logged: one of ${LOG_LEVELS.join(', ')}`, 'info')
    .option('--external-interface <name>', 'for "ruleset": the interface that faces the internet')
    .option('--listen-interface <name...>', 'for "ruleset": the interface of the LAN')
    .option('--listen-port <port>', 'for "ruleset": the UDP port that is asked there', '5351')
    .option('--no-hairpin', 'for "ruleset": LAN hosts do not reach mappings through the external address')
    .option('--check', 'say whether these flags can be used, and do nothing')
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'natpmp-helper: ')) })
    .exitOverride((error) => process.exit(error.exitCode === 0 ? EXIT.success : EXIT.usage));
}
