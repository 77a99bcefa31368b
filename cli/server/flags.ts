// The flags of natpmp-server, and their help. config.ts checks their values.

import { version } from '../../process/version.js';
import { LOG_LEVELS } from '../../config/settings.js';
import { Command } from 'commander';
import { DANGEROUS_PORTS } from '../../config/rules.js';

/** The output of commander: text, not checked yet. */
export interface Flags {
  listenInterface?: string[];
  listenPort?: string;
  externalInterface?: string;
  natTable: string;
  natChain: string;
  maxMappings: string;
  maxMappingsPerIp: string;
  defaultLifetime?: string;
  maxLifetime: string;
  stateDir?: string;
  runDir?: string;
  allowedPorts?: string[];
  deniedPorts?: string[];
  reservedPorts?: string[];
  rule?: string[];
  defaultRule: string;
  requirePublicAddress: boolean;
  hairpin: boolean;
  externalAddress?: string;
  sandbox: boolean;
  metricsListen: string;
  upnp: boolean;
  upnpPort: string;
  upnpMetricsListen: string;
  logLevel: string;
  user?: string;
  pinholes: boolean;
  pinholeInterface?: string;
  jit: boolean;
  check: boolean;
}

export function command(): Command {
  const several = (value: string, before: string[] = []): string[] => {
    before.push(value); // not a copy for each of thousands of rules
    return before;
  };
  return new Command('natpmp-server')
    .description(
      'A NAT-PMP (RFC 6886) gateway on nftables: opens the sockets, installs the ruleset, starts and supervises\n' +
        'the unprivileged frontend and the helper, and stays in the foreground until SIGTERM.',
    )
    .option(
      '--config <file>',
      'more of these flags, as lines "name = value"; repeat for several; read again on SIGHUP; the command line takes precedence',
    )
    .option('--listen-interface <name>', 'LAN interface; repeat for several (default: br-lan)', several)
    .option('--listen-port <port>', 'UDP port (default: 5351; with --sandbox 15351, on 127.0.0.1)')
    .option('--external-interface <name>', 'interface with the external address; required unless --sandbox')
    .option('--nat-table <name>', 'name of the nftables table, family inet; others may use it, too', 'nat')
    .option(
      '--nat-chain <name>',
      'what the chains and sets in the table are named after; another for each gateway on this router',
      'NATPMP',
    )
    .option(
      '--rule <rule>',
      'what a LAN host may have, such as "allow 192.168.1.50 ports 6881-6999 max-mappings 10",\n' +
        '"deny 192.168.1.64/26" or "deny mac 02:00:00:00:00:07"; repeat for several, the first that matches a host applies',
      several,
    )
    .option('--default-rule <rule>', 'allow or deny: for hosts that match no rule', 'allow')
    .option('--max-mappings <n>', 'most mappings in all', '129024')
    .option('--max-mappings-per-ip <n>', 'most mappings one LAN host may hold', '100')
    .option(
      '--default-lifetime <seconds>',
      'lifetime for NAT-PMP requests of 2^32-1 seconds, "forever"; UPnP\'s lease 0 is --max-lifetime (default: 3600, or --max-lifetime if shorter)',
    )
    .option('--max-lifetime <seconds>', 'longest lifetime granted', '86400')
    .option(
      '--allowed-ports <ports>',
      'external ports that may be mapped; repeat for several (default: 1024-65535)',
      several,
    )
    .option(
      '--denied-ports <ports>',
      `neither given out nor mapped to, or none; repeat for several (default: ${DANGEROUS_PORTS})`,
      several,
    )
    .option(
      '--reserved-ports <ports>',
      'external ports not to be mapped, besides those found in use; repeat for several',
      several,
    )
    .option('--hairpin', 'let LAN hosts reach mappings through the external address', true)
    .option('--no-hairpin', 'translate only what arrives on the external interface')
    .option(
      '--external-address <address>',
      "report this address instead of the interface's own; if it is this router's, mappings are reached through it alone",
    )
    .option(
      '--pinholes',
      'let IPv6 hosts open their own addresses and ports to the outside by PCP; the firewall has to accept the conntrack label (docs/pcp.md)',
      false,
    )
    .option(
      '--pinhole-interface <name>',
      'interface that IPv6 connections from outside arrive on, such as a tunnel (default: --external-interface)',
    )
    .option(
      '--upnp',
      'serve UPnP (Internet gateway device, version 1), too, by a process of its own; not beside another UPnP gateway (docs/upnp.md)',
      false,
    )
    .option('--upnp-port <port>', 'TCP port for UPnP on the LAN interfaces', '2869')
    .option('--require-public-address', 'answer NETWORK_FAILURE while the external address is not a public one', false)
    .option(
      '--state-dir <path>',
      'where leases are kept (default: /var/lib/natpmp-server; with --sandbox a temporary folder)',
    )
    .option('--run-dir <path>', 'where the sockets are (default: /run/natpmp; with --sandbox a temporary folder)')
    .option(
      '--user <frontend[:helper[:upnp]]>',
      'unprivileged users of the daemons, names or numbers; one that is left out is an unused number (default: unused numbers)',
    )
    .option('--sandbox', 'run in a temporary network namespace, with a LAN host and an outside host of its own', false)
    .option(
      '--metrics-listen <address>',
      'serve metrics for Prometheus on a loopback address and port, such as 127.0.0.1:9551',
      'off',
    )
    .option(
      '--upnp-metrics-listen <address>',
      'serve metrics of UPnP for Prometheus on a loopback address and port of their own, such as 127.0.0.1:9552',
      'off',
    )
    .option('--log-level <level>', LOG_LEVELS.join(', '), 'info')
    .option(
      '--jit',
      'for large networks: two to three times as many changes a second, but the daemons have memory that is writable and executable (docs/performance.md)',
      false,
    )
    .option('--check', 'check the flags, and do nothing else', false)
    .version(version(), '--version', 'print the version')
    .allowExcessArguments(false);
}
