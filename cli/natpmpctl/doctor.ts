// natpmpctl doctor: looks for common problems around a gateway, and prints a remedy for each.

import type { Command } from 'commander';
import { EXIT } from '../host/failure.js';
import { portArgument } from './arguments.js';
import type { Options } from './command.js';
import { command } from './command.js';
import { chooseSocket } from './connect.js';
import type { Overrides } from './doctor/collect.js';
import { collectFacts } from './doctor/collect.js';
import type { Check, Facts } from './doctor/facts.js';
import { firewall } from './doctor/firewall.js';
import { input, output, upnpInput, upnpOutput } from './doctor/input.js';
import { pinholes } from './doctor/pinholes.js';
import { ports, staticHosts } from './doctor/ports.js';
import { upnp } from './doctor/upnp.js';
import { clock, frontend, helper, sandbox, socket, stateDir, units } from './doctor/host.js';
import {
  bridge,
  conntrack,
  offload,
  externalInterface,
  forwarding,
  lanInterfaces,
  publicAddress,
  ruleset,
} from './doctor/network.js';
import type { Finding } from './finding.js';
import { unknown } from './finding.js';
import { outputWidth, print, printJson, wantsColour } from './output.js';
import type { Style } from './table.js';
import { paint } from './table.js';

/** What is the same in every network namespace: the first checks, and the last ones. */
const OF_PROCESSES: readonly Check[] = [helper, frontend, units];
const OF_MACHINE: readonly Check[] = [stateDir, clock, sandbox];
const OF_NETWORK: readonly Check[] = [
  socket,
  lanInterfaces,
  externalInterface,
  publicAddress,
  forwarding,
  ruleset,
  input,
  output,
  firewall,
  pinholes,
  upnp,
  upnpInput,
  upnpOutput,
  ports,
  staticHosts,
  bridge,
  conntrack,
  offload,
];
/** In place of those of the network, if the gateway has another. */
const elsewhere: Check = ({ elsewhere: command }) => [
  unknown(
    'network',
    'not checked: the gateway is in another network namespace than this command (a sandbox, or a container)',
    `run it there: ${command}`,
  ),
];

/** Pure. */
export function diagnose(facts: Facts): readonly Finding[] {
  const ofNetwork = facts.elsewhere === null ? OF_NETWORK : [elsewhere];
  return [...OF_PROCESSES, ...ofNetwork, ...OF_MACHINE].flatMap((check) => check(facts));
}

export function doctorCommand(): Command {
  const several = (value: string, before: string[] = []): string[] => [...before, value];
  return command('doctor', 'check for common problems around a gateway, and print remedies')
    .option('--external-interface <interface>', 'as for natpmp-server; needed only if it does not run')
    .option('--listen-interface <interface>', 'the same; repeatable', several)
    .option('--listen-port <port>', 'the same', portArgument)
    .option('--nat-table <name>', 'the same')
    .option('--nat-chain <name>', 'the same')
    .option('--state-dir <folder>', 'the same')
    .option('--upnp', 'the same: UPnP is to be checked')
    .option('--upnp-port <port>', 'the same', portArgument)
    .addHelpText(
      'after',
      '\nChanges nothing. Exit status: 0 if nothing fails, with or without warnings; 1 if a check fails.',
    )
    .action(doctor);
}

async function doctor(options: Options & Overrides): Promise<void> {
  const findings = diagnose(await collectFacts(chooseSocket(options), options));
  if (options.json === true) printJson(findings);
  else print(formatFindings(findings, outputWidth(), wantsColour()));
  if (findings.some(({ verdict }) => verdict === 'fail')) process.exitCode = EXIT.failed;
}

const VERDICTS: Readonly<Record<Finding['verdict'], { readonly word: string; readonly style: Style }>> = {
  ok: { word: 'ok', style: 'green' },
  warn: { word: 'WARN', style: 'yellow' },
  fail: { word: 'FAIL', style: 'red' },
  unknown: { word: '?', style: 'dim' },
};
/** In columns. */
const INDENT = 6 + 12;

/** Pure. */
export function formatFindings(findings: readonly Finding[], columns: number, inColour: boolean): string {
  const lines = findings.flatMap(({ check, verdict, says, remedy }) => {
    const { word, style } = VERDICTS[verdict];
    const head = paint(word.padEnd(6), style, inColour) + check.padEnd(12);
    const room = Math.max(20, columns - INDENT);
    const [first = '', ...more] = wrap(says, room);
    const todo =
      remedy === null ? [] : wrap(remedy, room - 3).map((line, index) => (index === 0 ? `-> ${line}` : `   ${line}`));
    return [head + first, ...[...more, ...todo].map((line) => ' '.repeat(INDENT) + line)];
  });
  const count = (verdict: Finding['verdict']): number =>
    findings.filter((finding) => finding.verdict === verdict).length;
  const [fails, warns] = [count('fail'), count('warn')];
  const last = fails + warns === 0 ? 'nothing wrong was found' : `${fails} failed, ${warns} to look at`;
  return [...lines, '', last].join('\n');
}

/** Pure: lines of at most `room` characters; a longer word has a line of its own. */
export function wrap(text: string, room: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > room) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
