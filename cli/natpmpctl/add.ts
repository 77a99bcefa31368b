// natpmpctl add and remove: static mappings, which stay until an administrator removes them.

import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { Ipv4, Protocol } from '../../proto/mapping.js';
import { formatIpv4 } from '../../proto/mapping.js';
import { EXIT, Failure } from '../host/failure.js';
import { addressArgument, portArgument, protocolArgument } from './arguments.js';
import { readClocks } from './clocks.js';
import type { Options } from './command.js';
import { command } from './command.js';
import { chooseSocket, withHelper } from './connect.js';
import { listedMapping } from './mapping.js';
import { print, printJson } from './output.js';

interface Target {
  readonly address: Ipv4;
  /** Null: the same as the external port. */
  readonly port: number | null;
}

export function addCommand(): Command {
  return command('add', 'add a static mapping: it stays until it is removed, also after a reboot (administrators)')
    .argument('<proto>', 'tcp or udp', protocolArgument)
    .argument('<port>', 'the external port', portArgument)
    .argument('<host[:port]>', 'the address of a LAN host, and its port if it is different', targetArgument)
    .action(add);
}

export function removeCommand(): Command {
  return command('remove', 'remove a static mapping (administrators)')
    .argument('<proto>', 'tcp or udp', protocolArgument)
    .argument('<port>', 'the external port', portArgument)
    .action(remove);
}

async function add(protocol: Protocol, externalPort: number, target: Target, options: Options): Promise<void> {
  const mapping = {
    protocol,
    internalAddress: target.address,
    internalPort: target.port ?? externalPort,
    externalPort,
  };
  const lease = await withHelper(chooseSocket(options, true), (helper) => helper.add(mapping));
  if (options.json === true) printJson(listedMapping(lease, readClocks(), new Map()));
  else print(`added: ${protocol} ${externalPort} -> ${formatIpv4(lease.internalAddress)}:${lease.internalPort}`);
}

async function remove(protocol: Protocol, externalPort: number, options: Options): Promise<void> {
  const lease = await withHelper(chooseSocket(options, true), async (helper) => {
    const found = await helper.find(protocol, externalPort);
    if (found === null) throw new Failure(EXIT.failed, `there is no mapping of ${protocol} ${externalPort}`);
    if (found.origin === 'dynamic') {
      throw new Failure(
        EXIT.failed,
        `${protocol} ${externalPort} is not static, a host requested it: natpmpctl revoke --port ${protocol}/${externalPort}`,
      );
    }
    await helper.remove([found]);
    return found;
  });
  if (options.json === true) printJson(listedMapping(lease, readClocks(), new Map()));
  else print(`removed: ${protocol} ${externalPort} -> ${formatIpv4(lease.internalAddress)}:${lease.internalPort}`);
}

function targetArgument(text: string): Target {
  const [address = '', port, ...rest] = text.split(':');
  if (rest.length > 0) throw new InvalidArgumentError('ADDRESS or ADDRESS:PORT is needed, such as 192.168.1.5:80.');
  return { address: addressArgument(address), port: port === undefined ? null : portArgument(port) };
}
