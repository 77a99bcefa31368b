// The version of the program.

import { readFileSync } from 'node:fs';

/** The version in package.json, which is above this file in every installation, because it makes this file a module. */
export function version(): string {
  return (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string })
    .version;
}
