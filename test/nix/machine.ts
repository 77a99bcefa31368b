// A router in a container whose units are those that NixOS would write, with the package as its install step makes it;
// and
// `nixos-rebuild switch` from one configuration to the next.

import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Box, FRONTEND, HELPER } from '../systemd/box.js';
import { HOOKS } from './hooks.js';
import type { Evaluated } from './nix.js';
import { evaluate, STORE, STUB } from './nix.js';
import type { Switch } from './switch.js';
import { planSwitch } from './switch.js';
import { directives, words } from './unit-text.js';

/** The stand-in for nixpkgs, or the real NixOS. */
export const TREE = process.env['NATPMP_NIXPKGS'] || STUB;

const UNITS = '/etc/systemd/system';
/** Where the store is in the container; that of the tests is in /tmp, which the units do not see. */
const NIX = '/nix/store';

/** Packages in the closure of the daemons, as node may bring some, with programs that they must not start. */
export const FOREIGN = {
  bash: `${NIX}/00000000000000000000000000000000-bash-5.3p9`,
  nft: `${NIX}/00000000000000000000000000000000-nftables-1.1.6`,
} as const;

/** Of nixpkgs' packages in units, those of Debian that have the same programs. */
const DEBIAN: Readonly<Record<string, string>> = {
  coreutils: 'coreutils',
  findutils: 'findutils',
  gawk: 'mawk',
  gnugrep: 'grep',
  gnused: 'sed',
  nftables: 'nftables',
  systemd: 'systemd',
};

type Units = Evaluated['units'];

export class Machine {
  readonly box: Box;
  #units: Units = {};

  private constructor(box: Box) {
    this.box = box;
  }

  /** Boot, with nothing of ours in it; null, loudly, if that cannot be. */
  static async open(): Promise<Machine | null> {
    const box = await Box.open([]);
    if (box === null) return null;
    // multi-user.target is what wants ours.
    await box.sh('groupadd --system natpmp');
    return new Machine(box);
  }

  /** Evaluate a configuration, which has to be right, and switch to it. */
  async use(configuration: string, activate?: () => Promise<unknown>): Promise<Switch> {
    return this.switchTo(evaluate(configuration, TREE), activate);
  }

  /**
   * `nixos-rebuild switch`: `activate` is what other units do meanwhile, such as giving an interface another address.
   */
  async switchTo(
    { units, failed, package: made, execPaths }: Evaluated,
    activate?: () => Promise<unknown>,
  ): Promise<Switch> {
    assert.equal(failed, []);
    const after: Units = Object.fromEntries(
      Object.entries(units).map(([name, unit]) => [name, { ...unit, text: unit.text.replaceAll(STORE, NIX) }]),
    );
    const outputs = outputsOf(after, made.upnp.replace(STORE, NIX));
    await this.#install(after, outputs, made.installPhase);
    const plan = planSwitch(await this.#active(), this.#units, { ...after, 'multi-user.target': { text: '' } });
    // What became of it is not looked at.
    if (plan.stop.length > 0) await this.box.run('systemctl', 'stop', '--', ...plan.stop);
    this.#write(after);
    await this.#writeDropIns(outputs, execPaths);
    await activate?.();
    await this.box.must('systemctl', 'daemon-reload');
    await this.#systemctl('reload', plan.reload);
    await this.#systemctl('restart', plan.restart);
    await this.#systemctl('start', [...plan.start, 'multi-user.target']);
    this.#units = after;
    return plan;
  }

  async #systemctl(verb: string, units: readonly string[]): Promise<void> {
    if (units.length > 0) await this.box.must('systemctl', verb, '--', ...units);
  }

  async #active(): Promise<readonly string[]> {
    const listed = await this.box.must(
      'systemctl',
      'list-units',
      '--plain',
      '--no-legend',
      '--state=active,activating',
      'natpmp-*',
    );
    return listed
      .trim()
      .split('\n')
      .map((line) => line.split(' ')[0] ?? '');
  }

  #inside(path: string): string {
    return join(`/proc/${this.box.init}/root`, path);
  }

  /** The unit files, and the links of those that want them; what was there before goes. */
  #write(units: Units): void {
    this.#remove(this.#units);
    for (const [name, { text, wantedBy }] of Object.entries(units)) {
      writeFileSync(this.#inside(join(UNITS, name)), text);
      for (const wanting of wantedBy) {
        mkdirSync(this.#inside(join(UNITS, `${wanting}.wants`)), { recursive: true });
        symlinkSync(`../${name}`, this.#inside(join(UNITS, `${wanting}.wants`, name)));
      }
      if (!name.endsWith('.service')) continue;
      // node is Debian's, and so are its libraries; wrappers are scripts here, and programs in nixpkgs.
      mkdirSync(this.#inside(join(UNITS, `${name}.d`)), { recursive: true });
      writeFileSync(
        this.#inside(join(UNITS, `${name}.d/debian.conf`)),
        directives(text).has('Service.NoExecPaths')
          ? '[Service]\nExecPaths=/usr/bin/dash /usr/bin/node /usr/lib -/usr/lib64\n'
          : '',
      );
    }
  }

  /** Drop-ins as the build of these units makes them. */
  async #writeDropIns(outputs: Outputs | null, execPaths: string): Promise<void> {
    if (outputs === null) return;
    const { out, frontend, upnp, helper } = outputs;
    await this.box.sh(`rm -rf /root/exec-paths.out; mkdir -p ${FOREIGN.bash}/bin ${FOREIGN.nft}/bin /root/closure; cp /bin/bash ${FOREIGN.bash}/bin/; cp /usr/sbin/nft ${FOREIGN.nft}/bin/
      printf '%s\\n' ${frontend} ${upnp} ${helper} ${out}-modules ${FOREIGN.bash} ${FOREIGN.nft} >/root/closure/store-paths`);
    writeFileSync(
      this.#inside('/root/exec-paths'),
      `out=/root/exec-paths.out frontend=${frontend} upnp=${upnp} helper=${helper} frontendClosure=/root/closure upnpClosure=/root/closure helperClosure=/root/closure\n${execPaths}`,
    );
    await this.box.must('bash', '-eu', '/root/exec-paths');
    await this.box.sh(`cp -R /root/exec-paths.out/lib/systemd/system/* ${UNITS}/`);
  }

  #remove(units: Units): void {
    for (const [name, { wantedBy }] of Object.entries(units)) {
      for (const path of [name, ...wantedBy.map((wanting) => join(`${wanting}.wants`, name))])
        rmSync(this.#inside(join(UNITS, path)));
    }
  }

  /** Have in the store what the units refer to. */
  async #install(units: Units, outputs: Outputs | null, installPhase: string): Promise<void> {
    const texts = Object.values(units)
      .map(({ text }) => text)
      .join('\n');
    // Programs of other packages are Debian's, each in its own package alone, because PATH of a unit names packages.
    for (const [, path = '', name = ''] of texts.matchAll(
      /(\/nix\/store\/[a-z0-9]{32}-(?!natpmp)([^/\s:"]+))\/s?bin\b/g,
    )) {
      if (existsSync(this.#inside(`${path}/bin`))) continue;
      const debian = DEBIAN[name.replace(/-\d[\d.]*$/, '')];
      assert.ok(debian !== undefined, `which programs ${name} has is not known`);
      await this.box.sh(`mkdir -p ${path}/bin; ln -s bin ${path}/sbin
        for program in $(grep -hE '^(/usr)?/s?bin/' /var/lib/dpkg/info/${debian}.list); do ln -s $program ${path}/bin/; done`);
      // To Debian it is an alternative.
      if (debian === 'mawk') await this.box.sh(`ln -s mawk ${path}/bin/awk`);
    }
    for (const [, name] of texts.matchAll(/\/nix\/store\/([a-z0-9]{32}-(?!natpmp)[^/\s:"]+)\/lib\/systemd\b/g))
      await this.box.sh(`[ -e ${NIX}/${name}/lib ] || { mkdir -p ${NIX}/${name}; ln -s /usr/lib ${NIX}/${name}/lib; }`);
    // A script of the module's lies in the store by its own name.
    for (const [path, name] of texts.matchAll(/\/nix\/store\/[a-z0-9]{32}-(natpmp-(?:ruleset|own-ports))(?=\s)/g))
      await this.box.sh(`mkdir -p ${NIX}; cp /src/systemd/${name} ${path}`);
    if (outputs === null || existsSync(this.#inside(outputs.out))) return;
    const { out, frontend, upnp, helper } = outputs;
    writeFileSync(
      this.#inside('/root/install'),
      `NODE=/usr/bin/node out=${out} modules=${out}-modules helper=${helper} upnp=${upnp} frontend=${frontend}\ncd /src\n${HOOKS}\n${installPhase}`,
    );
    await this.box.must('bash', '/root/install');
    await this.box.sh(`ln -sf ${out}/bin/natpmpctl /usr/local/bin/natpmpctl`);
  }
}

interface Outputs {
  readonly out: string;
  readonly frontend: string;
  readonly upnp: string;
  readonly helper: string;
}

/** Where the units have the package's outputs; null if there are no units. */
function outputsOf(units: Units, upnp: string): Outputs | null {
  const output = (unit: string, key: string): string | undefined =>
    words(directives(units[unit]?.text ?? '').get(`Service.${key}`)?.[0] ?? '')[0]?.replace(/\/bin\/.*/, '');
  const [frontend, helper, out] = [
    output(FRONTEND, 'ExecStart'),
    output(HELPER, 'ExecStart'),
    output('natpmp-table.service', 'ExecStop'),
  ];
  return frontend === undefined || helper === undefined || out === undefined ? null : { out, frontend, upnp, helper };
}
