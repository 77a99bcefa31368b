// The machine, and the gateways that are compared on it.

import { chmodSync, copyFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { join } from 'node:path';
import type { MeasuredGateway } from '../load/measured-gateway.js';
import { fileSystemOf } from './limits.js';
import { MOST_MAPPINGS } from '../load/mappings.js';
import { Miniupnpd } from './miniupnpd.js';
import { miniupnpdProgram } from './miniupnpd-package.js';
import type { Options } from './options.js';
import { MeasuredServer } from '../load/measured-server.js';

/** As in production, and as it would be without --jitless. */
const VARIANTS = [
  { name: 'jitless', flags: ['--pinholes'] },
  { name: 'jit', flags: ['--pinholes', '--jit'] },
] as const;

export function machineNow(folder: string) {
  return {
    kernel: release(),
    node: process.versions.node,
    cpu: cpus()[0]?.model ?? '?',
    cores: cpus().length,
    fileSystem: fileSystemOf(folder),
    loadBefore: loadavg()[0] ?? NaN,
  };
}

/** Our own, each added to those that are to be closed. */
export async function openServers(folder: string, hosts: number, opened: MeasuredGateway[]): Promise<MeasuredServer[]> {
  const servers: MeasuredServer[] = [];
  const portsAHost = portsOf(hosts);
  for (const variant of VARIANTS) {
    const server = await MeasuredServer.open({
      ...variant,
      folder,
      portsAHost,
      hardware: 'many devices',
      node: ownNode(folder, variant.name),
    });
    servers.push(server);
    opened.push(server);
  }
  return servers;
}

/** miniupnpd, if it is to be had; if not, that is printed. */
export async function openRival(folder: string, { miniupnpd: most, hosts }: Options, opened: MeasuredGateway[]) {
  if (most === null) return null;
  try {
    const program = await miniupnpdProgram();
    if ('why' in program) throw new Error(program.why);
    const gateway = await Miniupnpd.open(program, folder, portsOf(hosts), most);
    opened.push(gateway);
    return { gateway, version: program.version };
  } catch (error) {
    console.error(`bench: NOT MEASURED: miniupnpd: ${(error as Error).message}`);
    return null;
  }
}

function portsOf(hosts: number): number {
  return Math.ceil(MOST_MAPPINGS / 2 / hosts);
}

/** A copy of this node for each gateway: what it shares with other programs on the machine would count as theirs. */
export function ownNode(folder: string, name: string): string {
  const path = join(folder, `node-${name}`);
  copyFileSync(process.execPath, path);
  chmodSync(path, 0o755);
  return path;
}
