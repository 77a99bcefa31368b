// Reads a configuration file: a regular one, not a FIFO or a device that would never end.

import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';

/** Some 20,000 rules. */
export const MAX_CONFIG_BYTES = 1 << 20;

/** @throws an Error if it cannot be read, is no regular file, or is too large. Does not wait. */
export function readConfigFile(path: string): string {
  // Without O_NONBLOCK the open of a FIFO waits for a writer.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const file = fstatSync(fd);
    if (!file.isFile()) throw new Error('not a regular file');
    if (file.size > MAX_CONFIG_BYTES) throw new Error(`larger than ${MAX_CONFIG_BYTES} bytes`);
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}
