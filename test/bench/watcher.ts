// The bench's end of the two watchers of flows, in the LAN and outside.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { formatIpv4 } from '../../proto/mapping.js';
import type { FlowFigures, FlowJob, FlowReport } from './flows-protocol.js';
import type { MeasuredGateway } from '../load/measured-gateway.js';
import type { Namespace } from '../support/network.js';
import { EXTERNAL } from '../load/wide-lan.js';

/** Flows are there before what they are to outlive. */
const SETTLE_MS = 100;

export class Watcher {
  readonly #inside: ChildProcess;
  readonly #outside: ChildProcess;
  readonly #port: number;

  private constructor(inside: ChildProcess, outside: ChildProcess, port: number) {
    this.#inside = inside;
    this.#outside = outside;
    this.#port = port;
  }

  /** For flows through the first two mappings of a gateway: of both protocols, of one port. */
  static async open({ network, generator }: MeasuredGateway): Promise<Watcher> {
    const { address, port } = generator.endpoint(0);
    const [inside, outside] = await Promise.all([start(network.lan), start(network.outside)]);
    const watcher = new Watcher(inside, outside, port);
    await order(inside, { kind: 'serve', address: formatIpv4(address), port });
    return watcher;
  }

  async begin(): Promise<void> {
    await order(this.#outside, { kind: 'begin', address: EXTERNAL, port: this.#port });
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  }

  async end(): Promise<FlowFigures> {
    const report = await order(this.#outside, { kind: 'end' });
    if (report.kind !== 'figures') throw new Error('no figures of the flows');
    const { kind: _, ...figures } = report;
    return figures;
  }

  close(): void {
    for (const child of [this.#inside, this.#outside]) if (child.connected) child.disconnect();
  }
}

async function start(namespace: Namespace): Promise<ChildProcess> {
  const [program, ...args] = namespace.entranceUntilOurEnd();
  const child = spawn(program, [...args, process.execPath, join(import.meta.dirname, 'flows.js')], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  await once(child, 'message');
  return child;
}

function order(child: ChildProcess, job: FlowJob): Promise<FlowReport> {
  return new Promise((resolve, reject) => {
    const ended = (status: number | null) => reject(new Error(`the watcher of flows has ended with ${status}`));
    child.once('exit', ended);
    child.once('message', (report: FlowReport) => {
      child.off('exit', ended);
      resolve(report);
    });
    child.send(job, (error) => {
      if (error !== null) reject(error);
    });
  });
}
