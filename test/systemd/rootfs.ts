// A Debian with systemd 257 to boot in a container.

import { debianRoot } from '../support/debian-root.js';

const SUITE = 'trixie';
const PACKAGES = ['systemd', 'systemd-sysv', 'dbus', 'nftables', 'iproute2', 'procps', 'libatomic1', 'libstdc++6'];

/** The folder of the root file system, or why there is none. */
export function rootfs(): Promise<{ readonly folder: string } | { readonly why: string }> {
  return debianRoot({ name: `${SUITE}-1`, suite: SUITE, packages: PACKAGES });
}
