// The flags of natpmp-server as its help shows them. What their values may be is for flags.ts.

import { Command } from 'commander';

export const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'];

/** What commander makes of the arguments: text, not yet judged. */
export interface Options {
  listenInterface?: string[];
  listenPort?: string;
  externalInterface?: string;
  natTable: string;
  natChain: string;
  maxMappingsPerIp: string;
  defaultLifetime?: string;
  maxLifetime: string;
  stateDir?: string;
  runDir?: string;
  allowedPorts?: string[];
  hairpin: boolean;
  externalAddress?: string;
  sandbox: boolean;
  logLevel: string;
  user?: string;
  jit: boolean;
}

export function program(): Command {
  const several = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];
  return new Command('natpmp-server')
    .description('A NAT-PMP (RFC 6886) gateway on nftables: opens the sockets, installs the ruleset, starts and supervises\n'
      + 'the unprivileged frontend and the helper, and stays in the foreground until SIGTERM.')
    .option('--listen-interface <name>', 'LAN interface; repeat for several (default: br-lan)', several)
    .option('--listen-port <port>', 'UDP port (default: 5351; with --sandbox 15351, on 127.0.0.1)')
    .option('--external-interface <name>', 'interface with the external address; required unless --sandbox')
    .option('--nat-table <name>', 'name of the nftables table, family ip', 'nat')
    .option('--nat-chain <name>', 'prefix of the names in the table', 'NATPMP')
    .option('--max-mappings-per-ip <n>', 'most mappings one LAN host may hold', '100')
    .option('--default-lifetime <seconds>', 'lifetime where policy needs one (default: 3600, or --max-lifetime if shorter)')
    .option('--max-lifetime <seconds>', 'longest lifetime granted', '86400')
    .option('--allowed-ports <range>', 'external ports that may be mapped; repeat for several (default: 1024-65535)', several)
    .option('--hairpin', 'let LAN hosts reach mappings through the external address', true)
    .option('--no-hairpin', 'translate only what arrives on the external interface')
    .option('--external-address <address>', 'answer this address instead of the interface\'s own')
    .option('--state-dir <path>', 'where leases are kept (default: /var/lib/natpmp-server; with --sandbox a temporary folder)')
    .option('--run-dir <path>', 'where the sockets are (default: /run/natpmp; with --sandbox a temporary folder)')
    .option('--user <frontend[:helper]>', 'unprivileged users, names or numbers (default: two unused numbers)')
    .option('--sandbox', 'run in a throw-away network namespace, with a LAN and an outside host of its own', false)
    .option('--log-level <level>', LEVELS.join(', '), 'info')
    .option('--jit', 'for debugging: run the daemons without --jitless', false)
    .allowExcessArguments(false);
}
