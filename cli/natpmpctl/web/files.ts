// The files of the page. Its scripts are modules that import each other by their paths here; one is natpmpctl's own.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface PageFile {
  readonly type: string;
  readonly content: Buffer;
}

const HOME = join(import.meta.dirname, '../..');
const TYPES = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
} as const;

/** By the path of a URL. Only these files can be requested. */
const FILES: Readonly<Record<string, string>> = {
  '/': 'web/page.html',
  ...Object.fromEntries(
    [
      'web/page.css',
      'web/icon.svg',
      'web/page.js',
      'web/connection.js',
      'web/draw.js',
      'web/lists.js',
      'web/model.js',
      'web/overview.js',
      'web/revoke.js',
      'web/table.js',
      'natpmpctl/units.js',
    ].map((file) => [`/${file}`, file]),
  ),
};

export function readPage(): ReadonlyMap<string, PageFile> {
  return new Map(
    Object.entries(FILES).map(([path, file]) => {
      const kind = file.slice(file.lastIndexOf('.') + 1) as keyof typeof TYPES;
      return [path, { type: TYPES[kind], content: readFileSync(join(HOME, file)) }];
    }),
  );
}
