// The command line of natpmp-helper: the text that --help prints, which is also the table of its flags. Values are for
// config.ts.

import { parseArgs } from 'node:util';
import { ALLOWED_PORTS } from '../config/grants.js';
import { DANGEROUS_PORTS } from '../config/rules.js';
import { LOG_LEVELS } from '../config/settings.js';

/** If neither a flag nor the file says otherwise. */
export const DEFAULTS = {
  socket: '/run/natpmp/helper.sock',
  'admin-socket': '/run/natpmp/admin.sock',
  'admin-uid': '0',
  'state-dir': '/var/lib/natpmp-server',
  'nat-table': 'nat',
  'max-mappings': '129024',
  'max-mappings-per-ip': '100',
  'max-lifetime': '86400',
  'log-level': 'info',
} as const;

/** A flag is `--name`, or `--name <value>`, or `--name <value...>` if it may be there several times. */
export const HELP = `Usage: natpmp-helper [options]

Adds and removes NAT-PMP mappings in nftables, and keeps the lease table. Started by natpmp-server or by systemd.

Options:
  --config <file>  more of these flags, as lines "name = value"; read again on SIGHUP; flags given here count more
  --lan <address/length...>  LAN whose hosts may hold mappings: the router's own address there and the prefix length
  --socket <path>  path of the inherited socket "helper" (default: ${DEFAULTS.socket})
  --admin-socket <path>  path of the inherited socket "helper-admin" (default: ${DEFAULTS['admin-socket']})
  --admin-uid <uid...>  user ids that may use the admin socket (default: ${DEFAULTS['admin-uid']})
  --state-dir <path>  where the lease table is kept (default: ${DEFAULTS['state-dir']})
  --nat-table <name>  nftables table of family ip that holds the ruleset (default: ${DEFAULTS['nat-table']})
  --rule <rule...>  what a host may have, as in natpmp-frontend; one by hardware address may be about any host
  --default-rule <rule>  allow or deny: for hosts that no rule names (default: allow)
  --max-mappings <n>  most mappings in all (default: ${DEFAULTS['max-mappings']})
  --max-mappings-per-ip <n>  most mappings of one internal address (default: ${DEFAULTS['max-mappings-per-ip']})
  --new-mappings-per-ip <n>  most new mappings of one internal address at once, and again every 10 s
      (default: twice the largest quota, at least 64)
  --max-lifetime <seconds>  longest lifetime of a mapping (default: ${DEFAULTS['max-lifetime']})
  --allowed-ports <ports...>  external ports that may be mapped (default: ${ALLOWED_PORTS})
  --denied-ports <ports...>  ports that may neither be given out nor be mapped to, or none (default: ${DANGEROUS_PORTS})
  --reserved-ports <ports...>  external ports that may not be mapped, although allowed
  --boot-id <id>  content of /proc/sys/kernel/random/boot_id
  --log-level <level>  least level that is logged: one of ${LOG_LEVELS.join(', ')} (default: ${DEFAULTS['log-level']})
  --external-interface <name>  not used here: the ruleset's, as are the next four
  --listen-interface <name...>  not used here: the ruleset's
  --listen-port <port>  not used here: the ruleset's (default: 5351)
  --nat-chain <name>  not used here: the ruleset's (default: NATPMP)
  --no-hairpin  not used here: the ruleset's
  --check  say whether these flags can be used, and do nothing
  -h, --help  display help for command
`;

/** The flags of HELP: what it calls their value; null: a switch. */
const FLAGS: ReadonlyMap<string, string | null> = new Map(
  [...HELP.matchAll(/^ {2}--([a-z-]+)(?: <(.+?)>)?/gm)].map(([, name = '', value = null]) => [name, value]),
);

/** By the name of the flag: its values in order; none for a switch. */
export type Flags = ReadonlyMap<string, readonly string[]>;

export function parseFlags(args: readonly string[], complain: (complaint: string) => void): Flags {
  const options = Object.fromEntries(
    [...FLAGS].map(([name, value]) => [name, { type: value === null ? ('boolean' as const) : ('string' as const) }]),
  );
  const flags = new Map<string, string[]>();
  /** The values of a repeatable flag, while more of them may follow: `--lan A B`. */
  let open: string[] | null = null;
  for (const token of parseArgs({ args: [...args], options, strict: false, tokens: true }).tokens) {
    if (token.kind === 'positional' && open !== null) open.push(token.value);
    else if (token.kind === 'positional') complain(`too many arguments: ${token.value}`);
    if (token.kind !== 'option') continue;
    const { name, rawName, value } = token;
    const wanted = FLAGS.get(name);
    const values = flags.get(name) ?? [];
    flags.set(name, values);
    if (wanted === undefined || rawName !== `--${name}`) complain(`unknown option '${rawName}'`);
    else if (wanted !== null && value === undefined) complain(`${rawName} <${wanted}>: its value is missing`);
    else if (wanted === null && value !== undefined) complain(`${rawName}: takes no value`);
    else if (value !== undefined) values.push(value);
    open = wanted?.endsWith('...') === true && token.inlineValue !== true ? values : null;
  }
  return flags;
}
