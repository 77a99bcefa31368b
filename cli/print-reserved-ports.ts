#!/usr/bin/env node
// print-reserved-ports: print the ports that are forwarded by hand, as --reserved-ports flags for the daemons. For the units
// of systemd (natpmp-own-ports); natpmp-server looks for itself.

import { formatPortRange } from '../config/format.js';
import { EXIT, messageOf } from './host/failure.js';
import { findForwardedPorts } from './host/ports-in-use.js';

try {
  const flags = findForwardedPorts().map((range) => `--reserved-ports ${formatPortRange(range)}`);
  process.stdout.write(`${flags.join(' ')}\n`);
} catch (error) {
  process.stderr.write(`print-reserved-ports: ${messageOf(error)}\n`);
  process.exitCode = EXIT.failed;
}
