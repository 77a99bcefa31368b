// `natpmp-client HOST keep`: make a mapping, renew it while this runs, and remove it at the end.

import type { MapRequest } from '../../frontend/wire.js';
import { RESULT } from '../../frontend/wire.js';
import { EXIT } from '../host/failure.js';
import type { StateChange } from './announcements.js';
import { GatewayMonitor, receiveAnnouncements } from './announcements.js';
import type { Answer, Gateway } from './exchange.js';
import { ask, findLocalAddress } from './exchange.js';
import type { Output, PrintOutput } from './format.js';
import { describe } from './format.js';
import type { Reply } from './packets.js';
import { ATTEMPTS_MS, REMOVAL_ATTEMPTS_MS, renewAfterMs, retryAfterMs } from './timing.js';

/** What was granted. */
export interface Held {
  readonly externalPort: number;
  /** Seconds. */
  readonly lifetime: number;
}

/** A mapping or a pinhole, as `keep` asks for it. */
export interface Wanted {
  /** Ask for it, or renew what is held. `held` is null if it was refused, or nothing answered. */
  request(
    before: Held | null,
    signal: AbortSignal,
  ): Promise<{ readonly output: Output; readonly held: Held | null; readonly change: StateChange | null }>;
  remove(): Promise<Output>;
  /** Receive announcements; null if that is not possible: then the next renewal shows a loss of state. */
  receiveAnnouncements(onChange: (change: StateChange) => void): Promise<{ close(): void } | null>;
}

/** A mapping by NAT-PMP. */
export function wantedMapping(gateway: Gateway, mapping: MapRequest): Wanted {
  const monitor = new GatewayMonitor();
  return {
    async request(before, signal) {
      // §3.3: after a loss of state, suggest the port that was granted before.
      const request = { ...mapping, suggestedExternalPort: before?.externalPort ?? mapping.suggestedExternalPort };
      const answer = await ask(gateway, request, ATTEMPTS_MS, signal);
      const held = grantedBy(answer);
      return {
        output: describe(gateway, answer, false),
        held,
        change: held === null ? null : monitor.observe(held, performance.now()),
      };
    },
    async remove() {
      const answer = await ask(gateway, { ...mapping, suggestedExternalPort: 0, lifetime: 0 }, REMOVAL_ATTEMPTS_MS);
      return describe(gateway, answer, true);
    },
    async receiveAnnouncements(onChange) {
      const localAddress = await findLocalAddress(gateway);
      if (localAddress === null) return null;
      return receiveAnnouncements(gateway.address, localAddress, (announcement) =>
        onChange(monitor.observe(announcement, performance.now())),
      ).catch(() => null);
    },
  };
}

function grantedBy(answer: Answer): (Reply & { kind: 'mapping' }) | null {
  if (answer.kind !== 'reply' || answer.reply.kind !== 'mapping') return null;
  // A success with lifetime 0 grants nothing; renewing it at half of that would be a busy loop.
  return answer.reply.result === RESULT.SUCCESS && answer.reply.lifetime > 0 ? answer.reply : null;
}

/** Hold it until the signal; resolves with the exit status. A refusal of the first request ends it too. */
export async function keep(wanted: Wanted, print: PrintOutput, signal: AbortSignal): Promise<number> {
  const pause = new Pause(signal);
  let isLost = false;
  const listener = await wanted.receiveAnnouncements(({ lostState, addressChanged }) => {
    isLost ||= lostState;
    if (lostState || addressChanged) pause.cutShort();
  });

  let held: Held | null = null;
  let failures = 0;
  try {
    while (!signal.aborted) {
      const { output, held: granted, change } = await wanted.request(held, signal);
      if (signal.aborted) break;
      if (granted !== null) {
        isLost ||= change?.lostState === true;
        const event = held === null ? 'mapped' : isLost ? 'recreated' : 'renewed';
        isLost = false;
        print(eventOf(event, output));
        held = granted;
        failures = 0;
        await pause.sleep(renewAfterMs(granted.lifetime));
      } else {
        print(eventOf('failed', output));
        if (held === null) return output.status;
        failures++;
        await pause.sleep(retryAfterMs(failures));
      }
    }
  } finally {
    listener?.close();
  }
  const output = await wanted.remove();
  print(eventOf(output.status === EXIT.success ? 'removed' : 'not-removed', output));
  return output.status;
}

function eventOf(event: string, { report, line, status }: Output): Output {
  return { report: { event, ...report }, line: `${event}: ${line}`, status };
}

/** A sleep that can be cut short, also before it begins: by an announcement that arrives during a request. */
class Pause {
  readonly #signal: AbortSignal;
  #wake: (() => void) | null = null;
  #isDue = false;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', () => this.cutShort());
  }

  cutShort(): void {
    this.#isDue = true;
    this.#wake?.();
  }

  async sleep(durationMs: number): Promise<void> {
    if (!this.#isDue && !this.#signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, durationMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#wake = null;
    this.#isDue = false;
  }
}
