// A watcher of flows: in the LAN it accepts and answers; outside it makes new TCP connections one after the other, and
// keeps one UDP flow going, for as long as it is told to.

import { createSocket, type Socket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import type { FlowFigures, FlowJob, FlowReport } from './flows-protocol.js';
import { monotonicMs } from '../load/generator-protocol.js';

/** Below the second after which TCP itself tries again: a lost first packet is a failure. */
const CONNECT_MS = 900;
const PAUSE_MS = 1;
const SEND_EVERY_MS = 2;
/** An answer that has not come by then is not waited for at the end. */
const LATE_MS = 200;

const tell = (report: FlowReport): void => void process.send?.(report);

function serve(address: string, port: number): void {
  const udp = createSocket('udp4');
  udp.on('message', (datagram, { address: from, port: to }) => udp.send(datagram, to, from));
  const tcp = createServer((connection) => {
    connection.on('error', () => {});
    connection.resume();
  });
  tcp.listen(port, address, () => udp.bind(port, address, () => tell({ kind: 'ready' })));
}

class Watch {
  readonly #address: string;
  readonly #port: number;
  readonly #udp: Socket = createSocket('udp4');
  #isOver = false;
  readonly #figures = {
    attempts: 0,
    failures: 0,
    longestConnect: 0,
    longestGap: 0,
    sent: 0,
    lost: 0,
    longestSilence: 0,
  };
  readonly #waiting = new Set<number>();
  #lastConnection = monotonicMs();
  #lastAnswer = monotonicMs();

  constructor(address: string, port: number) {
    this.#address = address;
    this.#port = port;
  }

  begin(): void {
    void this.#connections();
    this.#udp.on('message', (datagram) => {
      this.#heard();
      this.#waiting.delete(datagram.readUInt32BE(0));
    });
    this.#udp.bind(0, () => this.#send());
  }

  async end(): Promise<FlowFigures> {
    this.#isOver = true;
    await new Promise((resolve) => setTimeout(resolve, LATE_MS));
    this.#udp.close();
    return { ...this.#figures, lost: this.#waiting.size };
  }

  #send(): void {
    if (this.#isOver) return;
    const number = this.#figures.sent++;
    const datagram = Buffer.alloc(4);
    datagram.writeUInt32BE(number);
    this.#waiting.add(number);
    this.#udp.send(datagram, this.#port, this.#address, () => {}); // an error is an answer that does not come
    setTimeout(() => this.#send(), SEND_EVERY_MS);
  }

  #heard(): void {
    const now = monotonicMs();
    this.#figures.longestSilence = Math.max(this.#figures.longestSilence, now - this.#lastAnswer);
    this.#lastAnswer = now;
  }

  async #connections(): Promise<void> {
    while (!this.#isOver) {
      const start = monotonicMs();
      const succeeded = await this.#connection();
      const now = monotonicMs();
      this.#figures.attempts++;
      if (succeeded) {
        this.#figures.longestConnect = Math.max(this.#figures.longestConnect, now - start);
        this.#figures.longestGap = Math.max(this.#figures.longestGap, now - this.#lastConnection);
        this.#lastConnection = now;
      } else {
        this.#figures.failures++;
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  #connection(): Promise<boolean> {
    return new Promise((resolve) => {
      const connection = connect({ host: this.#address, port: this.#port });
      const over = (succeeded: boolean) => {
        clearTimeout(timer);
        connection.resetAndDestroy(); // leaves no port behind that waits for a minute
        resolve(succeeded);
      };
      const timer = setTimeout(() => over(false), CONNECT_MS);
      connection.once('connect', () => over(true));
      connection.on('error', () => over(false));
    });
  }
}

let watch: Watch | null = null;
process.on('message', (job: FlowJob) => {
  if (job.kind === 'serve') serve(job.address, job.port);
  else if (job.kind === 'begin') {
    watch = new Watch(job.address, job.port);
    watch.begin();
    tell({ kind: 'ready' });
  } else void watch?.end().then((figures) => tell({ kind: 'figures', ...figures }));
});
// The bench is over, or has died.
process.on('disconnect', () => process.exit(0));
tell({ kind: 'ready' });
