// The test's end of the fault layer: tells it what is to fail, and hears what has.

import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../lab/flows.js';
import type { Rule, Rules } from './rules.js';
import { RULES_FILE, STRUCK_FILE } from './rules.js';

export class FaultControl {
  readonly folder: string;
  #rules: Rules = { rules: [], wallMs: 0, bootMs: 0 };

  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(folder);
    chmodSync(folder, 0o777); // the daemons' users note there what has struck
    writeFileSync(join(folder, STRUCK_FILE), '');
    chmodSync(join(folder, STRUCK_FILE), 0o666);
    this.set({});
  }

  set(rules: Partial<Rules>): void {
    this.#rules = { ...this.#rules, ...rules };
    writeFileSync(join(this.folder, `${RULES_FILE}.new`), JSON.stringify(this.#rules));
    renameSync(join(this.folder, `${RULES_FILE}.new`), join(this.folder, RULES_FILE));
  }

  clear(): void {
    this.set({ rules: [] });
  }

  /** How often rules have struck. */
  struck(): number {
    return readFileSync(join(this.folder, STRUCK_FILE), 'utf8').split('\n').length - 1;
  }

  /** Forget what has struck, let the rules strike, and resolve when they have, so many times in all. */
  async strike(rules: readonly Rule[], times: number, begin: () => Promise<void>): Promise<void> {
    writeFileSync(join(this.folder, STRUCK_FILE), '');
    this.set({ rules });
    await begin();
    await until(
      `${rules.map(({ id }) => id).join(', ')} has struck ${times} times`,
      async () => this.struck() >= times,
      60_000,
    );
  }

  /** Another boot: its id, and how long it has been running in comparison with the real one, in milliseconds. */
  boot(id: string | null, bootMs: number, wallMs: number): void {
    const path = join(this.folder, 'boot-id');
    if (id === null) rmSync(path, { force: true });
    else writeFileSync(path, `${id}\n`);
    this.set({ bootMs, wallMs });
  }
}
