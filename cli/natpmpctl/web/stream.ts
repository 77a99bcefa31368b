// The live part of the page: server-sent events, for a client that may read slowly.

import type { ServerResponse } from 'node:http';
import type { Message } from './messages.js';
import type { View } from './view.js';

/** How often a comment is sent: it detects dead connections. */
const KEEPALIVE_MS = 10_000;
/** The browser reconnects after this time. */
const RETRY_MS = 1000;

/** More than this may only be queued for a client by a table. */
const MAX_QUEUED_BYTES = 1 << 20;

/**
 * Send the view's messages until the connection ends. A client that does not read misses messages, and gets the whole
 * table when it reads again: so a client costs little more memory than one table.
 */
export function openStream(response: ServerResponse, view: Pick<View, 'join' | 'table'>): void {
  let isBehind = false;
  const send = (message: Message): void => {
    if (isBehind || response.writableLength > MAX_QUEUED_BYTES) isBehind = true;
    else response.write(`data: ${JSON.stringify(message)}\n\n`);
  };
  response.write(`retry: ${RETRY_MS}\n\n`);
  const leave = view.join(send);
  response.on('drain', () => {
    if (!isBehind) return;
    isBehind = false;
    send(view.table());
  });
  const timer = setInterval(() => {
    if (!response.writableNeedDrain) response.write(':\n\n');
  }, KEEPALIVE_MS);
  response.once('close', () => {
    clearInterval(timer);
    leave();
  });
}
