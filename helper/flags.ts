// The command line of natpmp-helper: the text that --help prints, which is also the table of its flags. Values are for
// config.ts.

import { parseArgs } from 'node:util';
import { ALLOWED_PORTS } from '../config/grants.js';
import { DANGEROUS_PORTS } from '../config/rules.js';
import { LOG_LEVELS } from '../config/settings.js';

/**
 * A flag is `--name`, or `--name <value>`, or `--name <value...>` if it may be repeated; its default stands at the end of
 * its line.
 */
export const HELP = `Usage: natpmp-helper [options]

Adds and removes NAT-PMP mappings in nftables, and keeps the lease table. Started by natpmp-server or by systemd.

Options:
  --config <file>  more of these flags, as lines "name = value"; repeatable; read again on SIGHUP; flags given here count more
  --socket <path>  path of the inherited socket "helper" (default: /run/natpmp/helper.sock)
  --admin-socket <path>  path of the inherited socket "helper-admin" (default: /run/natpmp/admin.sock)
  --admin-uid <uid...>  user ids that may use the admin socket (default: 0)
  --state-dir <path>  where the lease table is kept (default: /var/lib/natpmp-server)
  --nat-table <name>  nftables table of family inet that holds the ruleset (default: nat)
  --nat-chain <name>  name of its prerouting chain, after which its sets are named (default: NATPMP)
  --rule <rule...>  what a host may have, as in natpmp-frontend; one by hardware address may be about any host
  --default-rule <rule>  allow or deny: for hosts that no rule names (default: allow)
  --max-mappings <n>  most mappings in all (default: 129024)
  --max-mappings-per-ip <n>  most mappings of one internal address (default: 100)
  --new-mappings-per-ip <n>  most new mappings of one internal address at once, and again every 10 s
      (default: twice the largest quota, at least 64)
  --max-lifetime <seconds>  longest lifetime of a mapping (default: 86400)
  --allowed-ports <ports...>  external ports that may be mapped (default: ${ALLOWED_PORTS})
  --denied-ports <ports...>  ports that may neither be given out nor be mapped to, or none (default: ${DANGEROUS_PORTS})
  --reserved-ports <ports...>  external ports that may not be mapped, although allowed
  --pinholes  keep IPv6 pinholes, too: at most 16384, of one device as many as mappings of an address
  --boot-id <id>  content of /proc/sys/kernel/random/boot_id
  --log-level <level>  least level that is logged: one of ${LOG_LEVELS.join(', ')} (default: info)
  --lan <address/length...>  not used here: a frontend's
  --external-interface <name>  not used here: the ruleset's, as are the next three
  --listen-interface <name...>  not used here: the ruleset's
  --listen-port <port>  not used here: the ruleset's (default: 5351)
  --no-hairpin  not used here: the ruleset's
  --loopback  addresses of 127.0.0.0/8 may hold mappings: for the sandbox of natpmp-server
  --check  say whether these flags can be used, and do nothing
  -h, --help  display help for command
`;

/** The flags of HELP: the name of the value, or null for a switch; and the default, or null. */
const FLAGS: ReadonlyMap<string, readonly [value: string | null, preset: string | null]> = new Map(
  [...HELP.matchAll(/^ {2}--([a-z-]+)(?: <(.+?)>)?.*?(?:\(default: (\S+)\))?$/gm)].map(
    ([, name = '', value = null, preset = null]) => [name, [value, preset]],
  ),
);

/** By the name of the flag: its values in order, or its default; none for a switch. */
export type Flags = ReadonlyMap<string, readonly string[]>;

export function parseFlags(args: readonly string[], complain: (complaint: string) => void): Flags {
  const options = Object.fromEntries(
    [...FLAGS].map(([name, [value]]) => [name, { type: value === null ? ('boolean' as const) : ('string' as const) }]),
  );
  const flags = new Map<string, string[]>();
  /** The values of a repeatable flag, while more of them may follow: `--lan A B`. */
  let open: string[] | null = null;
  for (const token of parseArgs({ args: [...args], options, strict: false, tokens: true }).tokens) {
    if (token.kind === 'positional' && open !== null) open.push(token.value);
    else if (token.kind === 'positional') complain(`too many arguments: ${token.value}`);
    if (token.kind !== 'option') continue;
    const { name, rawName, value } = token;
    const [wanted = undefined] = FLAGS.get(name) ?? [];
    const values = flags.get(name) ?? [];
    flags.set(name, values);
    if (wanted === undefined || rawName !== `--${name}`) complain(`unknown option '${rawName}'`);
    else if (wanted !== null && value === undefined) complain(`${rawName} <${wanted}>: its value is missing`);
    else if (wanted === null && value !== undefined) complain(`${rawName}: takes no value`);
    else if (value !== undefined) values.push(value);
    open = wanted?.endsWith('...') === true && token.inlineValue !== true ? values : null;
  }
  for (const [name, [, preset]] of FLAGS) if (preset !== null && !flags.has(name)) flags.set(name, [preset]);
  return flags;
}
