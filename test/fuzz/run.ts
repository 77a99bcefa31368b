// `npm run fuzz`: every target for its share of the time, guided by coverage. docs/fuzzing.md.

import { readFileSync } from 'node:fs';
import { basename, dirname, relative } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { fromText, writeInput, writeSeeds } from './corpus.js';
import { signatureOf } from './minimise.js';
import { TARGETS } from './targets.js';
import { exploreInThread } from './thread.js';

/** 1 is a finding. */
const EXIT_USAGE = 2;

/** Shares of the time; 1 where nothing is said. These two have the most state to get lost in. */
const SHARES: Readonly<Record<string, number>> = { gateway: 3, helper: 3 };

interface Options {
  readonly seconds: number;
  readonly target: readonly string[];
  readonly seed: number;
  readonly replay?: string;
  readonly writeSeeds?: true;
  readonly grow?: true;
}

const program = new Command('fuzz')
  .option('--seconds <n>', 'how long the whole run takes', number, 120)
  .option(
    '--target <name...>',
    `only these of ${TARGETS.map(({ name }) => name).join(', ')}`,
    TARGETS.map(({ name }) => name),
  )
  .option('--seed <n>', 'where chance begins', number, 1)
  .option('--replay <file>', 'run one file of the corpus and show what it does')
  .option('--grow', 'add inputs that reach code no file of the corpus reaches')
  .option('--write-seeds', 'write the seeds of all targets as files, and do nothing else')
  .allowExcessArguments(false)
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : EXIT_USAGE))
  .parse();
const options = program.opts<Options>();
const unknown = options.target.find((name) => TARGETS.every((target) => target.name !== name));
if (unknown !== undefined) program.error(`error: there is no target ${unknown}`);

if (options.writeSeeds) writeSeeds();
else if (options.replay !== undefined) await replay(options.replay);
else await fuzz(options);

async function fuzz({ seconds, target: names, seed, grow }: Options): Promise<void> {
  let [executions, findings] = [0, 0];
  const end = Date.now() + seconds * 1000;
  let shares = names.reduce((sum, name) => sum + (SHARES[name] ?? 1), 0);
  for (const name of names) {
    const milliseconds = ((end - Date.now()) * (SHARES[name] ?? 1)) / shares;
    shares -= SHARES[name] ?? 1;
    const told = await exploreInThread({ target: name, seed, milliseconds });
    executions += told.executions;
    findings += told.findings.length;
    console.log(
      `${name}: ${told.executions} executions, ${told.corpus.length} inputs kept, ` +
        `${told.characters} characters of code reached`,
    );
    for (const { signature, error, input, afterMs } of told.findings) {
      const path = writeInput(name, `crash-${slug(signature)}.hex`, firstLines(error), input);
      console.log(
        `FINDING ${name} after ${(afterMs / 1000).toFixed(1)} s: ${error}\n` +
          `  replay: npm run fuzz -- --replay ${relative(process.cwd(), path)}`,
      );
    }
    if (grow)
      for (const input of told.fresh)
        writeInput(
          name,
          `grown-${slug(Buffer.from(input).toString('hex'))}-${input.length}.hex`,
          'found by coverage',
          input,
        );
  }
  console.log(`${executions} executions, ${findings} findings`);
  process.exitCode = findings === 0 ? 0 : 1;
}

async function replay(path: string): Promise<void> {
  const target = TARGETS.find(({ name }) => name === basename(dirname(path)));
  if (target === undefined) return program.error(`error: ${path}: its folder is not the name of a target`);
  const input = inputOf(path);
  try {
    await target.run(input);
    console.log(`${target.name}: every property holds\n1 executions, 0 findings`);
  } catch (error) {
    console.error(error);
    console.log(`${target.name}: ${signatureOf(error)}\n1 executions, 1 findings`);
    process.exitCode = 1;
  }
}

function inputOf(path: string): Uint8Array {
  try {
    return fromText(readFileSync(path, 'utf8'));
  } catch (error) {
    return program.error(`error: ${path}: ${(error as Error).message}`);
  }
}

function slug(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 50)
    .replace(/^-|-$/g, '');
}

function firstLines(text: string): string {
  return text
    .split('\n')
    .slice(0, 3)
    .map((line) => line.trim().slice(0, 200))
    .filter((line) => !line.includes('file://'))
    .join('\n');
}

function number(text: string): number {
  if (!/^[1-9][0-9]{0,8}$/.test(text)) throw new InvalidArgumentError('give a whole number from 1');
  return Number(text);
}
