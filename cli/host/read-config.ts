// Reads a configuration file: a regular one, not a FIFO or a device that would never end.

import { readRegularFile } from '../../process/read-file.js';

/** Some 20,000 rules. */
export const MAX_CONFIG_BYTES = 1 << 20;

/** @throws an Error if it cannot be read, is no regular file, or is too large. Does not wait. */
export function readConfigFile(path: string): string {
  return readRegularFile(path, MAX_CONFIG_BYTES).toString();
}
