// What must hold of every storm, however fast the machine is. Pure.

import type { Trial } from './trial.js';

/** Far above what either takes, megabytes; a process that grows with the storm is beyond it in seconds. */
const MOST_MEGABYTES = 200;
const MOST_LOG_BYTES = 1024;

/** What is wrong, a line each; none if all is well. */
export function complaints({ before, during, after, memory, logBytesPerSecond, listed, options }: Trial): string[] {
  const found: string[] = [];
  const complain = (isWrong: boolean, what: string) => {
    if (isWrong) found.push(`${options.storm}: ${what}`);
  };
  for (const [when, seen] of Object.entries({ before, during, after })) {
    complain(
      seen.wrong.length > 0,
      `${when}: ${seen.wrong.length} wrong answers, the first (request, answer): ${seen.wrong[0]}`,
    );
    complain(seen.unanswered > 0, `${when}: ${seen.unanswered} requests without an answer`);
    complain(seen.latencies.length === 0, `${when}: nothing was asked`);
  }
  complain(Math.max(...Object.values(memory)) > MOST_MEGABYTES, `memory: ${JSON.stringify(memory)} MB`);
  complain(logBytesPerSecond > MOST_LOG_BYTES, `log: ${logBytesPerSecond} bytes a second`);
  complain(listed.outside.length > 0, `mappings that nobody may have: ${listed.outside.join(', ')}`);
  complain(listed.mostOfAHost > listed.quota, `${listed.mostOfAHost} mappings of one host`);
  return found;
}
