// The flags of commands that know hosts by name.

import type { Command } from 'commander';
import { readRegularFile } from '../../process/read-file.js';
import { EXIT, Failure, messageOf } from '../host/failure.js';
import { scopedComplaint } from './arguments.js';
import type { HostKey, Names } from './names.js';
import { mergeNames, namesFromHosts, namesFromLeases, parseHostKey } from './names.js';

/** Names of some 100,000 hosts. The files may be other programs': a DHCP server's user can put anything in their place. */
const MAX_NAMES_BYTES = 16 << 20;

export interface NameOptions {
  readonly hosts?: readonly string[];
  readonly dhcpLeases?: readonly string[];
}

export function withNames(command: Command): Command {
  const several = (value: string, before: string[] = []): string[] => [...before, value];
  return command
    .option('--hosts <file>', 'names of hosts, in the format of /etc/hosts; repeatable', several)
    .option('--dhcp-leases <file>', 'names of hosts, from the leases of dnsmasq or Kea (CSV); repeatable', several);
}

export function readNames({ hosts = [], dhcpLeases = [] }: NameOptions): Names {
  const read = (flag: string, path: string): string => {
    try {
      return readRegularFile(path, MAX_NAMES_BYTES).toString();
    } catch (error) {
      throw new Failure(EXIT.state, `${flag}: ${messageOf(error)}`);
    }
  };
  return mergeNames([
    ...hosts.map((path) => namesFromHosts(read('--hosts', path))),
    ...dhcpLeases.map((path) => namesFromLeases(read('--dhcp-leases', path))),
  ]);
}

/** HOST is an address, a hardware address, or one of the names: then all that has the name. Empty: it is none of them. */
export function findHost(text: string, names: Names): ReadonlySet<HostKey> {
  const key = parseHostKey(text);
  if (key !== null) return new Set([key]);
  return new Set([...names].filter(([, name]) => name.toLowerCase() === text.toLowerCase()).map(([known]) => known));
}

export function resolveHost(text: string, names: Names): ReadonlySet<HostKey> {
  const keys = findHost(text, names);
  if (keys.size > 0) return keys;
  const complaint = scopedComplaint(text) ?? 'neither an address nor a name in the files of --hosts or --dhcp-leases';
  throw new Failure(EXIT.usage, `host ${text}: ${complaint}`);
}
