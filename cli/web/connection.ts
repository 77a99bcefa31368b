// The stream of messages from natpmpctl web, for as long as somebody looks: a page that nobody sees asks for nothing.

import type { Message } from '../natpmpctl/web/messages.js';

/** After which time to try again where the browser has given up, in milliseconds. */
const RECONNECT_MS = 3000;

export function followMessages(hear: (message: Message) => void, lost: () => void): void {
  let source: EventSource | null = null;
  const close = (): void => {
    source?.close();
    source = null;
  };
  const open = (): void => {
    close();
    if (document.hidden) return;
    const mine = new EventSource('/events');
    source = mine;
    mine.onmessage = ({ data }: MessageEvent<string>) => hear(JSON.parse(data) as Message);
    mine.onerror = () => {
      lost();
      // The browser tries again by itself, but not where it was refused.
      if (mine.readyState === EventSource.CLOSED)
        setTimeout(() => {
          if (source === mine) open();
        }, RECONNECT_MS);
    };
  };
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) close();
    else open();
  });
  open();
}
