// Asks Nix, without a network and without building: of the flake, and of the module in one configuration.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atEnd } from '../support/cases.js';

export const ROOT = join(import.meta.dirname, '../../..');
export const STUB = join(ROOT, 'test/nix/stub');

/** Where Nix is installed (Debian: nix-bin). Everything it writes goes into a folder that ends with the test. */
export const hasNix = spawnSync('nix-instantiate', ['--version']).status === 0;

const scratch = mkdtempSync(join(tmpdir(), 'natpmp-nix-'));
atEnd(() => {
  // What Nix puts into its store cannot be written to, folders included.
  spawnSync('chmod', ['-R', 'u+w', scratch]);
  rmSync(scratch, { recursive: true, force: true });
});
/** Where its store is. */
export const STORE = join(scratch, 'store');
const env = {
  PATH: process.env['PATH'],
  HOME: scratch,
  NIX_STORE_DIR: STORE,
  NIX_STATE_DIR: join(scratch, 'state'),
  NIX_LOG_DIR: join(scratch, 'log'),
  NIX_CONF_DIR: scratch,
  NIX_CONFIG: 'build-users-group =\nsubstituters =\nexperimental-features = nix-command flakes',
};

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function run(program: string, args: readonly string[]): Ran {
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    env,
    maxBuffer: 1 << 26,
    timeout: 120_000,
  });
  return { status, stdout, stderr };
}

/** What test/nix/eval.nix answers. */
export interface Evaluated {
  readonly units: Readonly<Record<string, { readonly text: string; readonly wantedBy: readonly string[] }>>;
  readonly failed: readonly string[];
  readonly warnings: readonly string[];
  /** Rules for folders called private. */
  readonly tmpfiles: readonly string[];
  /** The addresses of each LAN. */
  readonly lans: Readonly<Record<string, readonly string[]>>;
  /** UDP ports that are open outwards. */
  readonly filterOutput: Readonly<Record<string, readonly number[]>>;
  /** Other rules of that filter. */
  readonly filterOutputRules: string;
  /** UDP ports that are open on an interface. */
  readonly firewall: Readonly<Record<string, readonly number[]>>;
  readonly firewallTcp: Readonly<Record<string, readonly number[]>>;
  /** What NixOS' firewall lets through besides port forwards. */
  readonly forwardRules: string;
  readonly nftables: Readonly<Record<string, string>>;
  readonly groups: readonly string[];
  readonly kernelModules: readonly string[];
  readonly packages: readonly string[];
  readonly check: string;
  /** The script that makes the drop-ins of nix/exec-paths.nix. */
  readonly execPaths: string;
  readonly options: readonly OptionText[];
  readonly package: {
    readonly name: string;
    readonly outputs: readonly string[];
    /** The path of this output, which no unit names while UPnP is off. */
    readonly upnp: string;
    readonly meta: { readonly platforms: readonly string[]; readonly mainProgram: string };
    readonly installPhase: string;
    /** What the build gets to see; in the store with --read-write-mode. */
    readonly source: string;
    readonly buildPhase: string;
    /** The names of what no output may refer to. */
    readonly disallowed: readonly string[];
    readonly lock: {
      readonly packages: Readonly<Record<string, { readonly resolved?: string; readonly integrity?: string }>>;
    };
  };
}

export interface OptionText {
  readonly name: string;
  readonly type: string;
  readonly description: string | null;
  readonly default: string | null;
  readonly example: string | null;
}

/** A router's configuration: what it needs at least, and more of it as a Nix expression. */
export function router(more = '{ }'): string {
  return `{ lib, ... }: {
    imports = [ (${more}) ];
    networking.nftables.enable = lib.mkDefault true;
    networking.interfaces.br-lan.ipv4.addresses = [ { address = "192.168.1.1"; prefixLength = 24; } ];
    services.natpmp-server = { enable = lib.mkDefault true; externalInterface = lib.mkDefault "wan0"; };
  }`;
}

/**
 * The configuration, evaluated with the stand-in for nixpkgs or with a real tree. The package is for the node that runs
 * this, unless it is told.
 */
export function evaluate(configuration: string, tree = STUB, ...more: readonly string[]): Evaluated {
  const { status, stdout, stderr } = instantiate(configuration, tree, ...more);
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Evaluated;
}

export function instantiate(configuration: string, tree = STUB, ...more: readonly string[]): Ran {
  return run('nix-instantiate', [
    '--eval',
    '--strict',
    '--json',
    join(ROOT, 'test/nix/eval.nix'),
    '--argstr',
    'nixpkgs',
    tree,
    '--arg',
    'configuration',
    configuration,
    ...more,
    ...(more.includes('nodeVersion') ? [] : ['--argstr', 'nodeVersion', process.versions.node]),
    ...(tree === STUB ? [] : ['--argstr', 'packageNames', JSON.stringify(packageNames(tree))]),
  ]);
}

/** Every name that may be one of a package: what the modules of NixOS mention behind "pkgs." and in `with pkgs`. */
function packageNames(tree: string): readonly string[] {
  const names = new Set<string>();
  for (const file of readdirSync(join(tree, 'nixos'), { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.nix')) continue;
    const text = readFileSync(join(tree, 'nixos', file), 'utf8');
    for (const [, name = ''] of text.matchAll(/\bpkgs\.([A-Za-z_][\w'-]*)/g)) names.add(name);
    for (const [, , name = ''] of text.matchAll(/mk(Package|PackageOption)\w* pkgs "([A-Za-z_][\w-]*)"/g))
      names.add(name);
    for (const [, list = ''] of text.matchAll(/with pkgs;\s*\[([^\]]*)\]/g))
      for (const word of list.match(/[A-Za-z_][\w'-]*/g) ?? []) names.add(word);
    for (const [, list = ''] of text.matchAll(/inherit \(pkgs\)([^;]*);/g))
      for (const word of list.match(/[A-Za-z_][\w'-]*/g) ?? []) names.add(word);
  }
  return [...names].sort();
}
