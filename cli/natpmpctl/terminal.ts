// A full-screen terminal, which is restored however the program ends.

import { printable } from '../host/printable.js';

export interface Terminal {
  /** Replace the screen by these lines. */
  draw(lines: readonly string[]): void;
  readonly columns: number;
  readonly rows: number;
  /** Resolves on q, Ctrl-C or a signal. */
  readonly quit: Promise<void>;
  /** `act` is called when the size has changed. */
  onResize(act: () => void): void;
  restore(): void;
}

// The alternate screen, without a cursor; and back.
const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const TO_END_OF_LINE = '\x1b[K';
const BELOW = '\x1b[J';
const CTRL_C = '\x03';

/** Take over the terminal on standard output. */
export function takeTerminal(): Terminal {
  const { stdin, stdout } = process;
  let restored = false;
  function restore(): void {
    if (restored) return;
    restored = true;
    if (stdin.isTTY) stdin.setRawMode(false);
    stdin.pause();
    stdout.write(LEAVE);
  }
  // Also if an error ends the program: it is printed afterwards, on the restored screen.
  process.once('exit', restore);
  const quit = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
    // Standard input may not be the terminal; then Ctrl-C is a signal as usual.
    if (!stdin.isTTY) return;
    stdin.setRawMode(true);
    stdin.on('data', (keys) => {
      if (/[qQ]/.test(keys.toString()) || keys.toString().includes(CTRL_C)) resolve();
    });
  });
  stdout.write(ENTER);
  return {
    draw(lines) {
      stdout.write(HOME + lines.map((line) => printable(line) + TO_END_OF_LINE).join('\r\n') + BELOW);
    },
    // A serial line does not report its size.
    get columns() {
      return stdout.columns || 80;
    },
    get rows() {
      return stdout.rows || 24;
    },
    quit,
    onResize(act) {
      stdout.on('resize', act);
    },
    restore,
  };
}
