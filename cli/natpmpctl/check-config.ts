// natpmpctl check-config FILE: all complaints of all programs about the file. It runs the programs themselves
// (--check), so that nothing passes here that a program refuses when it starts.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { suggesting } from '../../config/nearest.js';
import { withLocation } from '../../config/validate.js';
import { firstFew, parseConfigFile } from '../../config/file.js';
import { EXIT } from '../host/failure.js';
import { readConfigFile } from '../host/read-config.js';
import { printable } from '../host/printable.js';
import { IPV4_RULES_REMEDY } from '../../frontend/pcp/ipv4-rules.js';
import { ipv4RulesIn } from './ipv4-rules.js';
import { findDaemons, flagValues } from './processes.js';

const DIST = join(import.meta.dirname, '../..');

/** `needs`: flags that the program requires and the file may not have. Flags override the file. */
interface CheckedProgram {
  readonly script: string;
  readonly needs: Readonly<Record<string, string>>;
}

const PROGRAMS: readonly CheckedProgram[] = [
  { script: 'cli/natpmp-server.js', needs: { 'external-interface': 'wan0' } },
  { script: 'frontend/main.js', needs: { 'external-interface': 'wan0', lan: '192.168.1.1/24' } },
  { script: 'upnp/main.js', needs: { 'external-interface': 'wan0' } },
  { script: 'helper/main.js', needs: { 'boot-id': 'check' } },
];

/** The complaints, each beginning with file, line and key; empty if all programs accept the file. */
export function checkConfig(path: string): readonly string[] {
  let text: string;
  try {
    text = readConfigFile(path);
  } catch (error) {
    return [`${path}: cannot be read: ${(error as Error).message}`];
  }
  const { entries, complaints } = parseConfigFile(text);
  if (complaints.length > 0) return firstFew(complaints).map((complaint) => `${path}:${suggesting(complaint)}`);
  // The helper names the flag alone.
  const from = { args: [], path, entries: entries.map((entry) => ({ ...entry, path })) };
  const inFile = new Set(entries.map(({ setting }) => setting.name));
  const complaintsOfPrograms = PROGRAMS.filter(({ script }) => existsSync(join(DIST, script))).flatMap(
    ({ script, needs }) => {
      const flags = Object.entries(needs)
        .filter(([name]) => !inFile.has(name))
        .flatMap(([name, value]) => [`--${name}`, value]);
      const { status, stderr } = spawnSync(
        process.execPath,
        [join(DIST, script), '--config', path, ...flags, '--check'],
        { encoding: 'utf8', env: {} },
      );
      return status === 0
        ? []
        : stderr
            .trim()
            .split('\n')
            .map((line) => withLocation(line.replace(/^natpmp-\w+: /, ''), from));
    },
  );
  return firstOfEachLine(complaintsOfPrograms);
}

/** Each line of the file once, although several programs complain about it. */
function firstOfEachLine(complaints: readonly string[]): readonly string[] {
  const places = new Map(
    complaints.toReversed().map((complaint) => [/^.*?:\d+: [a-z-]+/.exec(complaint)?.[0] ?? complaint, complaint]),
  );
  return [...places.values()].toReversed();
}

/**
 * What is no mistake, and may not be what is meant; of a good file. `hasPinholes`: they are turned on by a flag, which
 * overrides the file.
 */
export function warningsOf(path: string, hasPinholes: boolean): readonly string[] {
  const { entries } = parseConfigFile(readConfigFile(path));
  const values = (name: string): readonly string[] =>
    entries.filter(({ setting }) => setting.name === name).map(({ value }) => value);
  const notice = hasPinholes || values('pinholes').includes('yes') ? ipv4RulesIn(values) : null;
  const withoutEffect = isOfUnits(path)
    ? entries.flatMap(({ setting: { name }, line }) => {
        const instead = BY_UNITS.get(name);
        return instead === undefined
          ? []
          : [`${path}:${line}: ${name}: has no effect with the systemd units: ${instead}`];
      })
    : [];
  return [...withoutEffect, ...(notice === null ? [] : [`${path}: ${notice}; ${IPV4_RULES_REMEDY}`])];
}

/** Settings of natpmp-server for which the units have other places. */
const BY_UNITS: ReadonlyMap<string, string> = new Map([
  ['upnp', 'run install.sh with --upnp yes, or --upnp no'],
  [
    'upnp-port',
    'the socket decides (a drop-in for natpmp-upnp@INSTANCE.socket), and natpmp-upnp does not start if this differs from it',
  ],
  ['jit', 'run install.sh with --jit yes, or --jit no'],
  ['metrics-listen', 'run install.sh with --metrics-port'],
  ['upnp-metrics-listen', 'run install.sh with --metrics-port: those of UPnP are 100 higher'],
]);

/** install.sh keeps its settings beside the file. */
function isOfUnits(path: string): boolean {
  return existsSync(join(dirname(resolve(path)), 'interfaces.env'));
}

/** Whether a daemon that reads this file has them turned on, as the units do, by a flag. */
function hasPinholes(path: string): boolean {
  return findDaemons().some(
    ({ args }) =>
      args.includes('--pinholes') &&
      flagValues(args, '--config').some((file) => resolve(file.replace(/^-/, '')) === resolve(path)),
  );
}

/** Print, and return the exit status. */
export function runCheckConfig(path: string): number {
  const complaints = checkConfig(path);
  for (const complaint of complaints) process.stderr.write(`natpmpctl: ${printable(complaint)}\n`);
  if (complaints.length > 0) return EXIT.usage;
  for (const warning of warningsOf(path, hasPinholes(path)))
    process.stderr.write(`natpmpctl: warning: ${printable(warning)}\n`);
  process.stdout.write(`${path}: good\n`);
  return EXIT.success;
}
