// The links of the documents lead somewhere, and their picture is complete.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import * as assert from 'uvu/assert';
import { cases, claims } from '../support/cases.js';

const PROJECT = resolve(import.meta.dirname, '../../..');

const DOCUMENTS = [...readdirSync(PROJECT), ...readdirSync(join(PROJECT, 'docs')).map((file) => `docs/${file}`)].filter(
  (file) => file.endsWith('.md'),
);

const read = (file: string) => readFileSync(join(PROJECT, file), 'utf8');

/** As GitHub makes them of headings. */
const anchorsOf = (text: string) =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

cases(
  'links lead to files and headings that are there, in',
  DOCUMENTS.map((name) => ({ name })),
  ({ name }) => {
    for (const [, link = ''] of read(name).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(link)) continue;
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? name : join(dirname(name), path);
      assert.ok(existsSync(join(PROJECT, target)), link);
      if (anchor !== undefined) assert.ok(anchorsOf(read(target)).includes(anchor), link);
    }
  },
);

claims('the picture in docs/life-of-a-mapping.md', {
  'needs nothing from elsewhere, and has a text alternative': () => {
    const picture = read('docs/life-of-a-mapping.svg');
    assert.equal(picture.match(/https?:[^"]*/g), ['http://www.w3.org/2000/svg']);
    assert.match(picture, /<title id="title">[^<]+<[\s\S]*<desc id="what">[^<]+</);
    assert.match(picture, /prefers-color-scheme: dark/);
  },
});
