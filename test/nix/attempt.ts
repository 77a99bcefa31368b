// Runs in place of a daemon, in its unit: tries to start each of the programs it is given, and prints how that ends, as
// JSON.

import { spawnSync } from 'node:child_process';

const attempt = Object.fromEntries(
  process.argv.slice(2).map((program) => {
    const { error } = spawnSync(program, ['--version'], { stdio: 'ignore' });
    return [program, error === undefined ? 'done' : (error as NodeJS.ErrnoException).code];
  }),
);
process.stdout.write(`${JSON.stringify({ attempt })}\n`);
