// natpmpctl top: a live table of the mappings and pinholes.

import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { readClocks } from './clocks.js';
import type { Options } from './command.js';
import { command } from './command.js';
import { chooseSocket, withHelper } from './connect.js';
import type { Helper } from './helper.js';
import { listedMapping } from './mapping.js';
import type { NameOptions } from './name-options.js';
import { readNames, withNames } from './name-options.js';
import type { Names } from './names.js';
import { outputWidth, print, printJson, wantsColour } from './output.js';
import { takeTerminal } from './terminal.js';
import type { Sample } from './top-frame.js';
import { frame } from './top-frame.js';

interface TopOptions extends Options, NameOptions {
  /** Seconds. */
  readonly interval: number;
}

/** Sampling may take this share of the time, so that a large table does not keep the helper busy. */
const MAX_LOAD_SHARE = 0.1;

export function topCommand(): Command {
  return withNames(command('top', 'a live table of the mappings and pinholes, the busiest first; q ends it'))
    .option(
      '--interval <seconds>',
      'time between two samples',
      (text) => {
        const seconds = Number(text);
        if (!/^[0-9.]+$/.test(text) || !(seconds >= 0.2 && seconds <= 3600))
          throw new InvalidArgumentError('Seconds from 0.2 to 3600 are needed.');
        return seconds;
      },
      1,
    )
    .addHelpText(
      'after',
      '\nBytes and packets are those of both directions. Into a pipe, and with --json, it\nprints one frame, after one interval.',
    )
    .action(top);
}

async function top(options: TopOptions): Promise<void> {
  const names = readNames(options);
  await withHelper(chooseSocket(options), (helper) =>
    process.stdout.isTTY && !options.json === true
      ? follow(helper, names, options.interval * 1000)
      : once(helper, names, options),
  );
}

async function takeSample(helper: Helper, names: Names): Promise<Sample> {
  const [all, status] = [await helper.listAll(), await helper.status()];
  const now = readClocks();
  return { atMs: now.bootMs, mappings: all.map((each) => listedMapping(each, now, names)), status };
}

async function once(helper: Helper, names: Names, options: TopOptions): Promise<void> {
  const before = await takeSample(helper, names);
  await new Promise((resolve) => setTimeout(resolve, options.interval * 1000));
  const now = await takeSample(helper, names);
  if (options.json === true) return printJson({ before, now });
  const lines = frame(now, before, { columns: outputWidth(), rows: Infinity, inColour: false, isUtf8: isUtf8() });
  print(lines.map((line) => line.trimEnd()).join('\n'));
}

async function follow(helper: Helper, names: Names, intervalMs: number): Promise<void> {
  const terminal = takeTerminal();
  let ended = false;
  const quit = terminal.quit.then(() => {
    ended = true;
  });
  let [before, now]: [Sample | null, Sample | null] = [null, null];
  const draw = (): void => {
    const { columns, rows } = terminal;
    if (now !== null)
      terminal.draw(frame(now, before, { columns, rows, inColour: wantsColour(), isUtf8: isUtf8() }).slice(0, rows));
  };
  terminal.onResize(draw);
  try {
    while (!ended) {
      const startMs = performance.now();
      [before, now] = [now, await takeSample(helper, names)];
      draw();
      const tookMs = performance.now() - startMs;
      let timer: NodeJS.Timeout | undefined;
      await Promise.race([
        quit,
        new Promise((resolve) => {
          timer = setTimeout(resolve, Math.max(intervalMs - tookMs, tookMs / MAX_LOAD_SHARE));
        }),
      ]);
      clearTimeout(timer);
    }
  } finally {
    terminal.restore();
  }
}

function isUtf8(): boolean {
  const { LC_ALL, LC_CTYPE, LANG } = process.env;
  return /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || '');
}
