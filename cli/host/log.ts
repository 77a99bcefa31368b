// Log lines: plain text on a terminal, JSON otherwise.

import { fstatSync } from 'node:fs';
import type { Logger } from 'pino';
import { pino } from 'pino';
import { createLog as createDaemonLog } from '../../process/log.js';
import { printable } from './printable.js';
import { isJournal, priorityPrefix } from '../../process/syslog-prefix.js';

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

/**
 * Pure, and total: a JSON log line as plain text; any other line unchanged. Both without control characters, colours
 * among them.
 */
export function readable(line: string): string {
  return withoutControls(plainText(line));
}

/** What a daemon writes is not believed: the escape character of a colour goes, too. Tabs and line feeds stay. */
function withoutControls(text: string): string {
  return printable(text.replaceAll('\x1b', '\ufffd'));
}

function plainText(line: string): string {
  if (!line.startsWith('{')) return line;
  try {
    return worded(JSON.parse(line) as Record<string, unknown>);
  } catch {
    // No JSON; or of a daemon that was taken over: nested without end, a `toString` that is none.
    return line;
  }
}

function worded({ time, level, name, msg, pid, hostname, v, ...fields }: Readonly<Record<string, unknown>>): string {
  const clock = new Date(Number(time)).toTimeString().slice(0, 8);
  const rest = Object.entries(fields).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return [clock, String(name ?? '').padEnd(15), LEVEL[Number(level)] ?? '', msg, ...rest]
    .filter((part) => part !== '')
    .join(' ');
}

/** Where the lines of a daemon go: to people, to systemd's journal, or to a pipe or file. */
export type LogReader = 'terminal' | 'journal' | 'other';

/**
 * Pure, and total: a line of a daemon as it is passed on. No reader obeys anything in it: control characters are U+FFFD,
 * and it has no priority but ours (sd-daemon(3)). Behind a pipe may be a journal, too (systemd-cat(1)).
 *
 * @param isError From stderr: plain text is an error.
 */
export function passedOn(line: string, reader: LogReader, isError: boolean): string {
  if (reader === 'terminal') return readable(line);
  const plain = withoutControls(line);
  return reader === 'journal' ? journalLine(plain, isError) : plain.replace(/^</, '\ufffd');
}

/** After something was passed on, so many times as long as that took, in milliseconds at most: a reader may be slow. */
const REST = { times: 9, mostMs: 500 } as const;

/** A longer line of a daemon is cut. The longest of ours, a defect with its stack, has a few thousand bytes. */
const MAX_LINE_BYTES = 65_536;

/**
 * Calls `onLine` with every complete line of a stream of text. A line that is longer than `maxBytes` is cut to that, so
 * the memory that a stream without line ends can take is bounded.
 */
export function byLine(
  onLine: (line: string) => void,
  maxBytes: number = MAX_LINE_BYTES,
): (chunk: Buffer | string) => void {
  let rest = Buffer.alloc(0);
  /** The rest of a line that was cut. */
  let isSkipping = false;
  return (chunk) => {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    let start = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
      // Without a copy: a chunk may be as many lines as bytes.
      if (rest.length === 0 && !isSkipping) onLine(bytes.toString('utf8', start, Math.min(end, start + maxBytes)));
      else if (!isSkipping) onLine(Buffer.concat([rest, bytes.subarray(start, end)]).toString('utf8', 0, maxBytes));
      isSkipping = false;
      if (rest.length > 0) rest = Buffer.alloc(0);
      start = end + 1;
    }
    if (isSkipping) return;
    rest = Buffer.concat([rest, bytes.subarray(start)]);
    if (rest.length <= maxBytes) return;
    onLine(rest.toString('utf8', 0, maxBytes));
    rest = Buffer.alloc(0);
    isSkipping = true;
  };
}

/**
 * Pass on the lines of a daemon to our own stdout or stderr. The daemon gets a pipe, never the descriptor itself: through
 * that of a terminal it could read what the operator types, and through that of a file write anywhere in it. That takes
 * at most a tenth of our time, whatever it writes: 64 KiB may be as many lines.
 *
 * @returns to be called at its end: what is left in the pipe is passed on without a rest.
 */
export function forwardLines(from: NodeJS.ReadableStream, to: NodeJS.WriteStream, fd: number): () => void {
  let isOver = false;
  const inJournal = !to.isTTY && isJournal(process.env['JOURNAL_STREAM'], fstatSync(fd));
  const reader = to.isTTY ? 'terminal' : inJournal ? 'journal' : 'other';
  const lines: string[] = [];
  const take = byLine((line) => lines.push(passedOn(line, reader, fd === 2)));
  from.on('data', (chunk: Buffer) => {
    const start = performance.now();
    take(chunk);
    // In one write, which waits for a reader that is slow.
    if (lines.length > 0) to.write(lines.splice(0).join('\n').concat('\n'));
    if (isOver) return;
    from.pause();
    setTimeout(() => from.resume(), Math.min(REST.mostMs, REST.times * (performance.now() - start)));
  });
  return () => {
    isOver = true;
    from.resume();
  };
}

/**
 * A line of a daemon, which does not see the journal behind its pipe, as it would write it to the journal. Every line
 * gets a priority: the journal reads one at the beginning, and what follows is text.
 */
function journalLine(line: string, isError: boolean): string {
  const [whole = '', level = ''] = /^\{"level":(\d+)(?:,"time":\d+)?/.exec(line) ?? [];
  if (whole === '') return priorityPrefix(isError ? 50 : 30) + line;
  return `${priorityPrefix(Number(level))}{"level":${level}${line.slice(whole.length)}`;
}
