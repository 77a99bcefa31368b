// The stream of messages from natpmpctl web, while the page is visible.

import type { Message } from '../natpmpctl/web/messages.js';

/** Reconnect after this time if the browser has given up. */
const RECONNECT_MS = 3000;

export function followMessages(onMessage: (message: Message) => void, onLost: () => void): void {
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
    mine.onmessage = ({ data }: MessageEvent<string>) => onMessage(JSON.parse(data) as Message);
    mine.onerror = () => {
      onLost();
      // The browser reconnects by itself, unless the server has refused the request.
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
