// The inner process of --sandbox, in the network namespace: builds the network around the gateway, then runs the
// gateway. Started by sandbox.ts only: FOLDER and the flags; fd 3 is the host's UDP socket, fd 4 a pipe that ends with
// the outer process, fd 5 and fd 6 the host's sockets for metrics, as far as there are some.

import { rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { withSuggestions } from '../../config/nearest.js';
import { EXIT, Failure, messageOf } from '../host/failure.js';
import { createLog } from '../host/log.js';
import { printable } from '../host/printable.js';
import { readConfig } from './config.js';
import { runGateway } from './run.js';
import { stopSignal } from './signals.js';
import { buildNetwork } from './topology.js';
import { readConfigFile } from '../host/read-config.js';

const UDP_FD = 3;
const LIFELINE_FD = 4;
/** The first of those that there are. */
const METRICS_FD = 5;

const [folder = '', ...args] = process.argv.slice(2);
const parsed = readConfig(args, readConfigFile);
if (parsed.kind !== 'config') throw new Error('sandbox.ts has read these flags before');
const { config, from: initialArguments } = parsed;
const log = createLog(config.logLevel);
process.exit(await run());

async function run(): Promise<number> {
  try {
    const stopped = Promise.race([stopSignal(log), lifelineClosed()]);
    const network = await buildNetwork(config);
    log.info({ ...network }, 'sandbox');
    const resolved = {
      ...config,
      stateDir: config.stateDir ?? join(folder, 'state'),
      runDir: config.runDir ?? join(folder, 'run'),
    };
    const readArguments = () => withSuggestions(args, 'natpmp-server', readConfigFile);
    return await runGateway(resolved, {
      log,
      stopped,
      loopbackFd: UDP_FD,
      metricsFds: {
        frontend: config.metricsListen === null ? null : METRICS_FD,
        upnp: config.upnpMetricsListen === null ? null : METRICS_FD + (config.metricsListen === null ? 0 : 1),
      },
      initialArguments,
      readArguments,
    });
  } catch (error) {
    process.stderr.write(`natpmp-server: ${printable(messageOf(error))}\n`);
    return error instanceof Failure ? error.status : EXIT.defect;
  } finally {
    // The outer process does this too, but it may have been killed.
    rmSync(folder, { recursive: true, force: true });
  }
}

function lifelineClosed(): Promise<'stop'> {
  return new Promise((resolve) => {
    const lifeline = new Socket({ fd: LIFELINE_FD });
    lifeline.once('close', () => resolve('stop'));
    lifeline.on('error', () => {});
    lifeline.resume();
  });
}
