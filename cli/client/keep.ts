// `natpmp-client HOST keep`: make a mapping, renew it while this runs, and remove it at the end.

import type { MapRequest } from '../../frontend/wire.js';
import { RESULT } from '../../frontend/wire.js';
import { EXIT } from '../host/failure.js';
import { GatewayMonitor, receiveAnnouncements } from './announcements.js';
import type { Answer, Gateway } from './exchange.js';
import { ask, findLocalAddress } from './exchange.js';
import type { Output, PrintOutput } from './format.js';
import { describe } from './format.js';
import type { Reply } from './packets.js';
import { ATTEMPTS_MS, REMOVAL_ATTEMPTS_MS, renewAfterMs, retryAfterMs } from './timing.js';

/** Hold the mapping until the signal; resolves with the exit status. A refusal of the first request ends it too. */
export async function keep(
  gateway: Gateway,
  mapping: MapRequest,
  print: PrintOutput,
  signal: AbortSignal,
): Promise<number> {
  const monitor = new GatewayMonitor();
  const pause = new Pause(signal);
  let isLost = false;
  const localAddress = await findLocalAddress(gateway);
  const listener =
    localAddress === null
      ? null
      : await receiveAnnouncements(gateway.address, localAddress, (announcement) => {
          const { lostState, addressChanged } = monitor.observe(announcement, performance.now());
          isLost ||= lostState;
          if (lostState || addressChanged) pause.cutShort();
        }).catch(() => null); // Without announcements, the next renewal shows a loss of state.

  let held: (Reply & { kind: 'mapping' }) | null = null;
  let failures = 0;
  try {
    while (!signal.aborted) {
      // §3.3: after a loss of state, suggest the port that was granted before.
      const request = { ...mapping, suggestedExternalPort: held?.externalPort ?? mapping.suggestedExternalPort };
      const answer = await ask(gateway, request, ATTEMPTS_MS, signal);
      if (signal.aborted) break;
      const output = describe(gateway, answer, false);
      const granted = grantedBy(answer);
      if (granted !== null) {
        isLost ||= monitor.observe(granted, performance.now()).lostState;
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
  return remove(gateway, mapping, print);
}

async function remove(gateway: Gateway, mapping: MapRequest, print: PrintOutput): Promise<number> {
  const answer = await ask(gateway, { ...mapping, suggestedExternalPort: 0, lifetime: 0 }, REMOVAL_ATTEMPTS_MS);
  const output = describe(gateway, answer, true);
  print(eventOf(output.status === EXIT.success ? 'removed' : 'not-removed', output));
  return output.status;
}

function eventOf(event: string, { report, line, status }: Output): Output {
  return { report: { event, ...report }, line: `${event}: ${line}`, status };
}

function grantedBy(answer: Answer): (Reply & { kind: 'mapping' }) | null {
  if (answer.kind !== 'reply' || answer.reply.kind !== 'mapping') return null;
  // A success with lifetime 0 grants nothing; renewing it at half of that would be a busy loop.
  return answer.reply.result === RESULT.SUCCESS && answer.reply.lifetime > 0 ? answer.reply : null;
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
