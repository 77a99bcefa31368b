// Debian's Chromium in a network namespace of the lab, driven by playwright-core: it can reach nothing but the lab.
// What a page asks for and complains of is written down.

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { atEnd } from '../support/cases.js';
import type { Host } from './host.js';

/**
 * Besides what playwright gives: as root there is no sandbox, and nobody on the Internet is to be asked for anything.
 */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
] as const;
/** What a busy machine may take for anything, in milliseconds. */
export const DEADLINE_MS = 30_000;

export interface Tab {
  readonly page: Page;
  /** The addresses that the page has asked for. */
  readonly asked: readonly string[];
  /** What the browser complained of: errors of scripts, refused by policy, and the like. */
  readonly complaints: readonly string[];
}

/** Where Chromium is, or null. */
export function findChromium(): string | null {
  const { stdout } = spawnSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' });
  return stdout.trim() === '' ? null : stdout.trim();
}

/**
 * Start it in the namespace of a host; `folder`: one of the test's own. Its profile is a new one, and goes with it.
 * `flags`: Chromium's own, besides those that are always given.
 */
export async function openBrowser(
  program: string,
  host: Host,
  folder: string,
  flags: readonly string[] = [],
): Promise<Browser> {
  const wrapper = join(folder, 'chromium');
  writeFileSync(wrapper, `#!/bin/sh\nexec ${host.namespace.entrance.join(' ')} ${program} "$@"\n`, {
    mode: 0o755,
  });
  const browser = await chromium.launch({
    executablePath: wrapper,
    args: [...FLAGS, ...flags],
    timeout: DEADLINE_MS * 2,
  });
  atEnd(() => browser.close());
  return browser;
}

export async function openTab(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Tab> {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(DEADLINE_MS);
  const page = await context.newPage();
  const asked: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(url);
  return { page, asked, complaints };
}
