// natpmpctl add and remove: static mappings and pinholes, which stay until an administrator removes them.

import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { formatIpv6, parseIpv6 } from '../../proto/ipv6.js';
import type { Ipv4, Ipv6, Protocol } from '../../proto/mapping.js';
import { EXIT, Failure } from '../host/failure.js';
import { addressArgument, portArgument, protocolArgument, scopedComplaint } from './arguments.js';
import { readClocks } from './clocks.js';
import type { Options } from './command.js';
import { command } from './command.js';
import { chooseSocket, withHelper } from './connect.js';
import type { Helper } from './helper.js';
import type { Listed } from './mapping.js';
import { endpointOf, formatEndpoint, listedMapping } from './mapping.js';
import { print, printJson } from './output.js';

/** The host of a mapping (IPv4), or of a pinhole (IPv6). */
interface Target {
  readonly address: Ipv4 | Ipv6;
  /** Null: the same as the external port. */
  readonly port: number | null;
  /** As it was typed. */
  readonly text: string;
}

export function addCommand(): Command {
  return command(
    'add',
    'add a static mapping, or a pinhole (IPv6): it stays until it is removed, also after a reboot (administrators)',
  )
    .argument('<proto>', 'tcp or udp', protocolArgument)
    .argument('<port>', 'the external port', portArgument)
    .argument(
      '<host[:port]>',
      'the address of a LAN host, and its port if it is different; IPv6 for a pinhole, which has the port outside',
      targetArgument,
    )
    .action(add);
}

export function removeCommand(): Command {
  return command('remove', 'remove a static mapping, or a pinhole (administrators)')
    .argument('<proto>', 'tcp or udp', protocolArgument)
    .argument('<port>', 'the external port', portArgument)
    .argument('[host]', 'the IPv6 address of a pinhole', ipv6Argument)
    .action(remove);
}

async function add(protocol: Protocol, externalPort: number, target: Target, options: Options): Promise<void> {
  const { address, port, text } = target;
  const internalPort = port ?? externalPort;
  if (typeof address === 'string' && internalPort !== externalPort)
    throw new Failure(EXIT.usage, 'a pinhole has the same port outside and on the host: IPv6 is not translated');
  // It is an address, too: its last part might be meant as the port.
  if (text.endsWith(`:${externalPort}`) && !text.startsWith('[') && typeof address === 'string')
    throw new Failure(EXIT.usage, `${text}: write the address in brackets: [ADDRESS], or [ADDRESS]:${externalPort}`);
  const added = await withHelper<Listed>(chooseSocket(options, true), (helper) =>
    typeof address === 'string'
      ? helper.addPinhole({ protocol, address, port: externalPort })
      : helper.add({ protocol, internalAddress: address, internalPort, externalPort }),
  );
  report('added', added, options);
}

async function remove(
  protocol: Protocol,
  externalPort: number,
  address: Ipv6 | undefined,
  options: Options,
): Promise<void> {
  const removed = await withHelper(chooseSocket(options, true), async (helper) => {
    const found = await find(helper, protocol, externalPort, address);
    if (found.origin === 'dynamic') {
      const name = `${protocol} ${externalPort}`;
      const host = address === undefined ? '' : ` --host ${formatIpv6(address)}`;
      throw new Failure(
        EXIT.failed,
        `${name} is not static, a host requested it: natpmpctl revoke --port ${protocol}/${externalPort}${host}`,
      );
    }
    await helper.remove([found]);
    return found;
  });
  report('removed', removed, options);
}

async function find(
  helper: Helper,
  protocol: Protocol,
  externalPort: number,
  address: Ipv6 | undefined,
): Promise<Listed> {
  const found =
    address === undefined
      ? await helper.find(protocol, externalPort)
      : await helper.findPinhole({ protocol, address, port: externalPort });
  if (found !== null) return found;
  const name = `${protocol} ${externalPort}`;
  if (address !== undefined) throw new Failure(EXIT.failed, `there is no pinhole of ${name} to ${formatIpv6(address)}`);
  const hint = (await helper.status()).maxPinholes === 0 ? '' : `; of a pinhole: natpmpctl remove ${name} ADDRESS`;
  throw new Failure(EXIT.failed, `there is no mapping of ${name}${hint}`);
}

function report(what: 'added' | 'removed', listed: Listed, { json }: Options): void {
  if (json === true) printJson(listedMapping(listed, readClocks(), new Map()));
  else print(`${what}: ${formatEndpoint({ protocol: listed.protocol, ...endpointOf(listed) })}`);
}

function targetArgument(text: string): Target {
  const [, inBrackets, afterBrackets] = /^\[(.*)\](?::(.*))?$/.exec(text) ?? [];
  refuseScoped(inBrackets ?? text);
  const ipv6 = parseIpv6(inBrackets ?? text);
  if (ipv6 !== null)
    return { text, address: ipv6, port: afterBrackets === undefined ? null : portArgument(afterBrackets) };
  const [address = '', port, ...rest] = text.split(':');
  if (rest.length > 0) {
    throw new InvalidArgumentError(
      'ADDRESS or ADDRESS:PORT is needed, such as 192.168.1.5:80; or an IPv6 address, such as 2001:db8::5.',
    );
  }
  return { text, address: addressArgument(address), port: port === undefined ? null : portArgument(port) };
}

function refuseScoped(text: string): void {
  const complaint = scopedComplaint(text);
  if (complaint !== null) throw new InvalidArgumentError(`${complaint.replace(/^a/, 'A')}.`);
}

function ipv6Argument(text: string): Ipv6 {
  refuseScoped(text);
  const address = parseIpv6(text);
  if (address === null)
    throw new InvalidArgumentError('An IPv6 address is needed: mappings are removed by their port.');
  return address;
}
