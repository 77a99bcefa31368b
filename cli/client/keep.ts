// `natpmp-client HOST keep`: make a mapping, hold it as long as this runs, and remove it at the end.

import type { MapRequest } from '../../frontend/wire.js';
import { RESULT } from '../../frontend/wire.js';
import { EXIT } from '../host/failure.js';
import { GatewayMonitor, hearAnnouncements } from './announcements.js';
import type { Answer, Gateway } from './exchange.js';
import { ask, ownAddress } from './exchange.js';
import type { Output } from './format.js';
import { describe } from './format.js';
import type { Reply } from './packets.js';
import { ATTEMPTS_MS, FAREWELL_ATTEMPTS_MS, renewAfterMs, retryAfterMs } from './timing.js';

type Say = (said: Output) => void;

/** Hold the mapping until the signal; resolves with the exit status. A gateway that refuses it at first ends it too. */
export async function keep(gateway: Gateway, wish: MapRequest, say: Say, signal: AbortSignal): Promise<number> {
  const memory = new GatewayMonitor();
  const pause = new Pause(signal);
  let isLost = false;
  const own = await ownAddress(gateway);
  const listener =
    own === null
      ? null
      : await hearAnnouncements(gateway.address, own, (announcement) => {
          const { lostState, addressChanged } = memory.takeIn(announcement, performance.now());
          isLost ||= lostState;
          if (lostState || addressChanged) pause.cutShort();
        }).catch(() => null); // Without announcements a loss shows at the next renewal.

  let held: (Reply & { kind: 'mapping' }) | null = null;
  let failures = 0;
  try {
    while (!signal.aborted) {
      // §3.3: after a loss of state the port that was given is the one to suggest.
      const request = { ...wish, suggestedExternalPort: held?.externalPort ?? wish.suggestedExternalPort };
      const answer = await ask(gateway, request, ATTEMPTS_MS, signal);
      if (signal.aborted) break;
      const said = describe(gateway, answer, false);
      const granted = grantedBy(answer);
      if (granted !== null) {
        isLost ||= memory.takeIn(granted, performance.now()).lostState;
        const event = held === null ? 'mapped' : isLost ? 'recreated' : 'renewed';
        isLost = false;
        say(eventOf(event, said));
        held = granted;
        failures = 0;
        await pause.sleep(renewAfterMs(granted.lifetime));
      } else {
        say(eventOf('failed', said));
        if (held === null) return said.status;
        failures++;
        await pause.sleep(retryAfterMs(failures));
      }
    }
  } finally {
    listener?.close();
  }
  return remove(gateway, wish, say);
}

async function remove(gateway: Gateway, wish: MapRequest, say: Say): Promise<number> {
  const answer = await ask(gateway, { ...wish, suggestedExternalPort: 0, lifetime: 0 }, FAREWELL_ATTEMPTS_MS);
  const said = describe(gateway, answer, true);
  say(eventOf(said.status === EXIT.success ? 'removed' : 'not-removed', said));
  return said.status;
}

function eventOf(event: string, { report, line, status }: Output): Output {
  return { report: { event, ...report }, line: `${event}: ${line}`, status };
}

function grantedBy(answer: Answer): (Reply & { kind: 'mapping' }) | null {
  if (answer.kind !== 'reply' || answer.reply.kind !== 'mapping') return null;
  // A success without a lifetime grants nothing; to renew it at half of nothing would never end.
  return answer.reply.result === RESULT.SUCCESS && answer.reply.lifetime > 0 ? answer.reply : null;
}

/** Sleep that can be cut short, also before it begins: what is heard while a request is under way is not forgotten. */
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
