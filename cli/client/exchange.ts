// One request to a gateway: repeated as RFC 6886 §3.1 and RFC 6887 §8.1.1 say, until it is answered.

import type { Socket } from 'node:dgram';
import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { OP, RESULT } from '../../frontend/wire.js';
import type { Target } from './arguments.js';
import { isIpv6Host } from './arguments.js';
import type { ClientRequest, Reply } from './packets.js';
import { decodeReply, encodeRequest } from './packets.js';
import type { PcpReply, PcpRequest } from './pcp-packets.js';
import { decodePcpReply, encodePcpRequest, isPcpAnswerTo } from './pcp-packets.js';
import { ATTEMPTS_MS, pcpAttemptsMs } from './timing.js';

/** A gateway whose address is known. */
export interface Gateway {
  /** IPv4, or IPv6: then PCP is spoken to it. */
  readonly address: string;
  readonly port: number;
}

export type Answer<R = Reply> =
  | { readonly kind: 'reply'; readonly reply: R }
  | { readonly kind: 'no-answer'; readonly attempts: number }
  /** ICMP reported that nothing listens there. */
  | { readonly kind: 'port-closed' }
  /** The system did not send it: no route, no permission. */
  | { readonly kind: 'not-sent'; readonly code: string };

/** What is said to a gateway, as bytes and back. */
interface Dialogue<Q, R> {
  encode(request: Q): Uint8Array;
  /** Null for what is no reply. */
  decode(datagram: Uint8Array): R | null;
  isAnswer(request: Q, reply: R): boolean;
}
const NATPMP: Dialogue<ClientRequest, Reply> = {
  encode: encodeRequest,
  decode: decodeReply,
  isAnswer: isAnswerTo,
};
const PCP: Dialogue<PcpRequest, PcpReply> = {
  encode: encodePcpRequest,
  decode: decodePcpReply,
  isAnswer: isPcpAnswerTo,
};

/** The gateway's address, of a name the IPv4 address; null if the name has none. */
export async function findGateway({ host, port }: Target): Promise<Gateway | null> {
  if (isIpv6Host(host)) return { address: host, port };
  try {
    const { address } = await lookup(host, { family: 4 });
    return { address, port };
  } catch {
    return null;
  }
}

/** Ask until there is an answer, waiting after each attempt as the schedule says. `signal` ends it early. */
export async function ask(
  gateway: Gateway,
  request: ClientRequest,
  scheduleMs = ATTEMPTS_MS,
  signal?: AbortSignal,
): Promise<Answer> {
  return exchangeWith(NATPMP, await connectTo(gateway), request, scheduleMs, signal);
}

/** The same by PCP, from this address of this machine. */
export async function askPcp(
  gateway: Gateway,
  from: string,
  request: PcpRequest,
  scheduleMs = pcpAttemptsMs(Math.random),
  signal?: AbortSignal,
): Promise<Answer<PcpReply>> {
  return exchangeWith(PCP, await connectTo(gateway, from), request, scheduleMs, signal);
}

/** How long nothing is said about a gateway that does not answer, in milliseconds. */
const SILENT_MS = 4000;

/** The answer; meanwhile a line on standard error that says what is waited for, because it may take two minutes. */
export async function sayingThatItWaits<R>(
  { address, port }: Gateway,
  answer: Promise<R>,
  say = (line: string): void => void process.stderr.write(line),
  silentMs = SILENT_MS,
): Promise<R> {
  const line = `no answer yet from ${address}, UDP port ${port}: asking again, for two minutes at most\n`;
  const timer = setTimeout(() => say(line), silentMs);
  try {
    return await answer;
  } finally {
    clearTimeout(timer);
  }
}

async function exchangeWith<Q, R>(
  dialogue: Dialogue<Q, R>,
  socket: Socket | string,
  request: Q,
  scheduleMs: readonly number[],
  signal?: AbortSignal,
): Promise<Answer<R>> {
  if (typeof socket === 'string') return { kind: 'not-sent', code: socket };
  try {
    return await exchange(dialogue, socket, request, scheduleMs, signal);
  } finally {
    socket.close();
  }
}

/** This machine's own address on the route to the gateway; null if there is no route. */
export async function findLocalAddress(gateway: Gateway): Promise<string | null> {
  const socket = await connectTo(gateway);
  if (typeof socket === 'string') return null;
  const { address } = socket.address();
  socket.close();
  return address;
}

/**
 * A socket that receives from the gateway only, because a reply from any other address does not count (RFC 6886 §3.1,
 * RFC 6887 §8.3); or the name of an errno. `from`: the address of this machine to send from; by default the kernel chooses.
 */
function connectTo({ address, port }: Gateway, from?: string): Promise<Socket | string> {
  const [type, family] = isIpv6Host(address) ? (['udp6', 6] as const) : (['udp4', 4] as const);
  const socket = createSocket({ type, lookup: (host, _options, found) => found(null, host, family) });
  return new Promise((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close();
      resolve(error.code ?? error.message);
    });
    const connect = (): void =>
      socket.connect(port, address, () => {
        socket.removeAllListeners('error');
        resolve(socket);
      });
    if (from === undefined) connect();
    else socket.bind(0, from, connect);
  });
}

function exchange<Q, R>(
  dialogue: Dialogue<Q, R>,
  socket: Socket,
  request: Q,
  scheduleMs: readonly number[],
  signal?: AbortSignal,
): Promise<Answer<R>> {
  const bytes = dialogue.encode(request);
  let attempts = 0;
  let refusals = 0;
  let timer: NodeJS.Timeout | undefined;
  return new Promise((resolve) => {
    function settle(answer: Answer<R>): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', giveUp);
      resolve(answer);
    }

    function giveUp(): void {
      settle({ kind: 'no-answer', attempts });
    }

    function fail(error: NodeJS.ErrnoException): void {
      if (error.code !== 'ECONNREFUSED') settle({ kind: 'not-sent', code: error.code ?? error.message });
      // One refusal may come from a gateway that is being restarted; a second one 250 ms later is an answer.
      else if (++refusals >= 2) settle({ kind: 'port-closed' });
    }

    function attempt(): void {
      const waitMs = scheduleMs[attempts];
      if (waitMs === undefined) return giveUp();
      attempts++;
      socket.send(bytes, (error) => {
        if (error) fail(error);
      });
      timer = setTimeout(attempt, waitMs);
    }

    socket.on('error', fail);
    socket.on('message', (datagram) => {
      const reply = dialogue.decode(datagram);
      if (reply !== null && dialogue.isAnswer(request, reply)) settle({ kind: 'reply', reply });
    });
    signal?.addEventListener('abort', giveUp);
    if (signal?.aborted === true) giveUp();
    else attempt();
  });
}

/** Whether the reply belongs to the request; a late reply to an earlier request does not. Pure. */
export function isAnswerTo(request: ClientRequest, reply: Reply): boolean {
  switch (reply.kind) {
    case 'external-address':
      return request.kind === 'external-address';
    case 'mapping':
      return (
        request.kind === 'map' && reply.protocol === request.protocol && reply.internalPort === request.internalPort
      );
    case 'error':
      // §3.5: Unsupported Version carries no opcode of the request, so it answers any request.
      return reply.result === RESULT.UNSUPPORTED_VERSION || reply.opcode === opcodeOf(request);
  }
}

function opcodeOf(request: ClientRequest): number {
  if (request.kind === 'external-address') return OP.EXTERNAL_ADDRESS;
  return request.protocol === 'udp' ? OP.MAP_UDP : OP.MAP_TCP;
}
