// Flows through a mapping, held at both ends.

import type { Host, Listening } from './host.js';
import { EVENTUALLY_MS, SOON_MS } from './inbox.js';
import type { Connection, Datagram, Udp } from './sockets.js';

export interface TcpFlow {
  /** The end that connected. */
  readonly caller: Connection;
  /** The end that accepted. */
  readonly called: Connection;
}

/** Connect to the address and port where `listening` is reached, and prove that both ways work. */
export async function tcpFlow(
  host: Host,
  address: string,
  port: number,
  listening: Listening,
  from: { address?: string; port?: number } = {},
): Promise<TcpFlow> {
  const connected = await host.connect(address, port, from);
  if (connected.kind === 'failed') throw new Error(`${host.name} to ${address}:${port}: ${connected.code}`);
  const accepted = await listening.accept();
  if (accepted === null) throw new Error(`${host.name} to ${address}:${port}: connected, but not to whom it should be`);
  const flow = { caller: connected.connection, called: accepted.connection };
  if (!(await isAlive(flow))) throw new Error(`${host.name} to ${address}:${port}: connected, but nothing passes`);
  return flow;
}

/** Whether text passes both ways. */
export async function isAlive({ caller, called }: TcpFlow): Promise<boolean> {
  caller.send('there');
  if ((await called.receive()) !== 'there') return false;
  called.send('back');
  return (await caller.receive()) === 'back';
}

/** How often each end of a busy flow sends, in milliseconds. */
const BUSY_MS = 2;

/**
 * Have both ends send all the while, so that a moment in which the flow is rejected ends it. Returns how to stop:
 * resolves with whether the flow has lived through it all.
 */
export function keepBusy(flow: TcpFlow): () => Promise<boolean> {
  const ends = [flow.caller, flow.called];
  const timer = setInterval(() => {
    for (const end of ends) end.send('.');
  }, BUSY_MS);
  return async () => {
    clearInterval(timer);
    const { caller, called } = flow;
    return (await passesBehind('there', caller, called)) && (await passesBehind('back', called, caller));
  };
}

/** Whether the text arrives, behind what is still under way. */
async function passesBehind(text: string, from: Connection, to: Connection): Promise<boolean> {
  from.send(text);
  for (let heard = ''; !heard.endsWith(text); ) {
    heard += await to.receive();
    if (!`${'.'.repeat(heard.length)}${text}`.includes(heard)) return false;
  }
  return true;
}

/** What each end meets when it next sends, the caller first: 'ECONNRESET' for a reset. */
export async function endsOf({ caller, called }: TcpFlow): Promise<{ caller: string; called: string }> {
  caller.send('still there?');
  const atCaller = await caller.receive();
  called.send('still there?');
  return { caller: atCaller, called: await called.receive() };
}

/** Send a datagram where `called` is reached; what arrived there, or null: if it must not arrive, after SILENCE_MS. */
export async function passes(
  caller: Udp,
  called: Udp,
  address: string,
  port: number,
  withinMs = SOON_MS,
): Promise<Datagram | null> {
  called.drain();
  caller.sendText('passing', address, port);
  return called.receive(withinMs);
}

/**
 * Look again and again until it is so; throws when it is not in time. For what the kernel does without telling anybody.
 */
export async function until(what: string, isSo: () => Promise<boolean>, withinMs = EVENTUALLY_MS): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
