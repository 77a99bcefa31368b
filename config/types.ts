// What the configuration is read into: settings, lines, rules. Types only.

import type { Ipv4, PortRange } from '../proto/lease.js';

/** A hardware (MAC) address as a number below 2^48: 02:00:00:00:00:07 is 0x020000000007. */
export type Mac = number;

export type Who =
  | { readonly kind: 'prefix'; readonly address: Ipv4; readonly length: number }
  | { readonly kind: 'mac'; readonly mac: Mac };

/** The limits of one host. */
export interface Grant {
  /** External ports that may be mapped. */
  readonly ports: readonly PortRange[];
  /** Ports that pinholes may open: also those that the router reserves, because there they are another host's. */
  readonly pinholePorts: readonly PortRange[];
  readonly maxMappings: number;
  /** Seconds. */
  readonly maxLifetime: number;
}

export interface HostRule {
  readonly who: Who;
  /** Null: these hosts may not map anything. */
  readonly grant: Grant | null;
}

/** The flags as typed. */
export interface PolicyFlags {
  readonly allowedPorts?: readonly string[] | undefined;
  readonly deniedPorts?: readonly string[] | undefined;
  readonly reservedPorts?: readonly string[] | undefined;
  readonly rule?: readonly string[] | undefined;
  readonly defaultRule?: string | undefined;
}

export interface Policy {
  readonly allowedPorts: readonly PortRange[];
  /** Neither given out nor mapped to: what listens there is dangerous to offer, on whichever external port. */
  readonly deniedPorts: readonly PortRange[];
  /** Not given out: the router uses them itself. */
  readonly reservedPorts: readonly PortRange[];
  /** In order of precedence; the last one matches every host. */
  readonly rules: readonly HostRule[];
}

/** `natpmp-ruleset`: `natpmp-server ruleset` and install-ruleset. */
export type Program = 'natpmp-server' | 'natpmp-frontend' | 'natpmp-upnp' | 'natpmp-helper' | 'natpmp-ruleset';

export interface Setting {
  /** The flag without dashes. */
  readonly name: string;
  /** `list`: may be repeated. `switch`: yes or no. */
  readonly kind: 'one' | 'list' | 'switch';
  readonly of: readonly Program[];
  /** SIGHUP puts a change in force; if false, a restart does. */
  readonly reload: boolean;
}

export interface Entry {
  readonly setting: Setting;
  readonly value: string;
  /** The file, and the line in it. */
  readonly path?: string;
  readonly line: number;
}

/** The arguments of a program, with those of its configuration file. */
export interface Arguments {
  /** Those from the file first. */
  readonly args: readonly string[];
  /** Of the first file; null without --config. */
  readonly path: string | null;
  /** Lines of the file that no flag overrides, also those for other programs. */
  readonly entries: readonly Entry[];
}

export type ArgumentsOrErrors = Arguments | { readonly complaints: readonly string[] };

/** The part of a logger that is used. */
export interface Lines {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** A configuration, or complaints: at least one line, each beginning with the flag or with the file and line. */
export type Validated<T> = { readonly ok: T } | { readonly complaints: readonly string[] };
