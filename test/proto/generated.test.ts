// The committed codecs are those of the schemas.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { atEnd, cases } from '../support/cases.js';

const fresh = mkdtempSync(join(tmpdir(), 'natpmp-codecs-'));
atEnd(() => rmSync(fresh, { recursive: true }));
execFileSync(process.execPath, ['scripts/generate-codecs.mjs', fresh], { stdio: 'inherit' });

cases(
  'generated as committed',
  [
    { name: 'proto/generated/helper.js' },
    { name: 'proto/generated/helper.d.ts' },
    { name: 'helper/journal/generated/journal.js' },
    { name: 'helper/journal/generated/journal.d.ts' },
  ],
  ({ name }) => assert.ok(readFileSync(name).equals(readFileSync(join(fresh, name))), `${name}: run npm run proto`),
);
