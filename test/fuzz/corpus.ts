// Inputs as files: hex, in lines, with comments that say what they are. Those that start with "crash-" once showed a
// defect.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { hex } from '../support/bytes.js';
import { TARGETS } from './targets.js';

/** In the sources, not in what the compiler emits. */
export const FOLDER = resolve(import.meta.dirname, '../../../test/fuzz/corpus');

export interface CorpusFile {
  readonly target: string;
  readonly name: string;
  readonly input: Uint8Array;
}

export function toText(comment: string, input: Uint8Array): string {
  const comments = comment.split('\n').map((line) => `# ${line}`.trimEnd());
  return `${[...comments, ...(hex(input).match(/.{1,64}/g) ?? [])].join('\n')}\n`;
}

/** @throws if the text is not hex. */
export function fromText(text: string): Uint8Array {
  const digits = text.replace(/^#.*$/gm, '').replace(/\s/g, '');
  if (!/^([0-9a-f]{2})*$/.test(digits)) throw new Error('not hex');
  return Uint8Array.from(Buffer.from(digits, 'hex'));
}

export function readCorpus(target: string): readonly CorpusFile[] {
  return filesOf(target).map((name) => ({
    target,
    name,
    input: fromText(readFileSync(join(FOLDER, target, name), 'utf8')),
  }));
}

/** Returns the path. */
export function writeInput(target: string, name: string, comment: string, input: Uint8Array): string {
  mkdirSync(join(FOLDER, target), { recursive: true });
  const path = join(FOLDER, target, name);
  writeFileSync(path, toText(comment, input));
  return path;
}

/** Write the seeds as files: `npm run fuzz -- --write-seeds`. */
export function writeSeeds(): void {
  for (const { name, seeds } of TARGETS) {
    for (const [seed, input] of Object.entries(seeds)) writeInput(name, `seed-${seed}.hex`, seedComment(name), input);
  }
}

export function seedComment(target: string): string {
  return `made by test/fuzz/targets/${target}.ts: npm run fuzz -- --write-seeds`;
}

function filesOf(target: string): readonly string[] {
  try {
    return readdirSync(join(FOLDER, target))
      .filter((name) => name.endsWith('.hex'))
      .sort();
  } catch {
    return [];
  }
}
