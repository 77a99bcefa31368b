#!/usr/bin/env node
// forwarded-ports: print the ports that are forwarded by hand, as --reserved-ports flags for the daemons. For the units
// of systemd (natpmp-own-ports); natpmp-server looks for itself.

import { messageOf } from './host/failure.js';
import { formatPortRange } from '../config/format.js';
import { handMadeForwards } from './host/ruleset.js';

try {
  const flags = handMadeForwards().map((range) => `--reserved-ports ${formatPortRange(range)}`);
  process.stdout.write(`${flags.join(' ')}\n`);
} catch (error) {
  process.stderr.write(`forwarded-ports: ${messageOf(error)}\n`);
  process.exitCode = 1;
}
