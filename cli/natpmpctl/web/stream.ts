// The live part of the page: server-sent events, to a reader who may be slow.

import type { ServerResponse } from 'node:http';
import type { Message } from './messages.js';
import type { View } from './view.js';

/**
 * How often something is sent where there is nothing to say, in milliseconds: a connection that is gone is then
 * noticed.
 */
const KEEPALIVE_MS = 10_000;
/** After which time a browser comes again, in milliseconds. */
const RETRY_MS = 1000;

/** What may wait for a reader besides a table, in bytes. */
const MAX_QUEUED_BYTES = 1 << 20;

/**
 * Tell the view's messages, until the connection ends. Who does not read misses what comes, and when they go on, they
 * get the table anew: so a reader costs little more than the table once, whatever they do.
 */
export function openStream(response: ServerResponse, view: Pick<View, 'join' | 'table'>): void {
  let isBehind = false;
  const tell = (message: Message): void => {
    if (isBehind || response.writableLength > MAX_QUEUED_BYTES) isBehind = true;
    else response.write(`data: ${JSON.stringify(message)}\n\n`);
  };
  response.write(`retry: ${RETRY_MS}\n\n`);
  const leave = view.join(tell);
  response.on('drain', () => {
    if (!isBehind) return;
    isBehind = false;
    tell(view.table());
  });
  const timer = setInterval(() => {
    if (!response.writableNeedDrain) response.write(':\n\n');
  }, KEEPALIVE_MS);
  response.once('close', () => {
    clearInterval(timer);
    leave();
  });
}
