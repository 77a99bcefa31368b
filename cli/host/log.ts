// Log lines: plain text on a terminal, JSON otherwise.

import { fstatSync } from 'node:fs';
import type { Logger } from 'pino';
import { pino } from 'pino';
import { createLog as createDaemonLog } from '../../process/log.js';
import { printable } from './printable.js';

export type Log = Logger;

export function createLog(level: string): Log {
  const base = { pid: process.pid, name: 'natpmp-server' };
  if (!process.stdout.isTTY) return createDaemonLog(base, level, process.env['JOURNAL_STREAM'], fstatSync(1));
  return pino(
    { base, level },
    {
      write: (line: string) => {
        process.stdout.write(`${readable(line.trimEnd())}\n`);
      },
    },
  );
}

const LEVEL: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: '',
  40: 'WARNING',
  50: 'ERROR',
  60: 'FATAL',
};

/** Pure: a JSON log line as plain text; any other line unchanged, except for control characters. */
export function readable(line: string): string {
  return printable(plainText(line));
}

function plainText(line: string): string {
  if (!line.startsWith('{')) return line;
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return line;
  }
  const { time, level, name, msg, pid, hostname, v, ...fields } = entry;
  const clock = new Date(Number(time)).toTimeString().slice(0, 8);
  const rest = Object.entries(fields).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return [clock, String(name ?? '').padEnd(15), LEVEL[Number(level)] ?? '', msg, ...rest]
    .filter((part) => part !== '')
    .join(' ');
}

/** Calls `onLine` with every complete line of a stream of text. */
export function byLine(onLine: (line: string) => void): (chunk: Buffer | string) => void {
  let rest = '';
  return (chunk) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  };
}
