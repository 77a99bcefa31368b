// The output of natpmp-client where it speaks PCP: one object for programs, one line for people. Pure.

import { formatIpv6 } from '../../proto/ipv6.js';
import type { Answer, Gateway } from './exchange.js';
import type { Output, Report } from './format.js';
import { describeFailure, formatEndpoint, refusalOutput } from './format.js';
import type { PcpReply } from './pcp-packets.js';
import { PCP_RESULT, PCP_RESULT_NAMES } from '../../frontend/pcp/wire.js';
import { EXIT } from '../host/failure.js';

/** What a result code means for the client (RFC 6887 §7.4). */
const MEANINGS: readonly string[] = [
  'done',
  'the gateway does not speak PCP version 2',
  "the gateway's policy does not allow it; or the pinhole has another nonce (--nonce), or was made by hand",
  'the gateway finds the request malformed',
  'the gateway does not know this operation',
  'the gateway does not know an option',
  'the gateway finds an option malformed',
  'the gateway cannot do it at present: try again later',
  'the gateway has no more pinholes to give',
  'the gateway does not open this protocol',
  'this host has as many pinholes as one may have',
  'the gateway cannot give this external address and port',
  'the request did not come from the address that is written in it: is there a NAT in between?',
  'the gateway does not take so many filters',
];

/** The output for an answer to a request. `deletes`: it asked to delete a pinhole. */
export function describePcp(gateway: Gateway, answer: Answer<PcpReply>, deletes: boolean): Output {
  const where = formatEndpoint(gateway);
  if (answer.kind !== 'reply') return describeFailure(where, answer, 'PCP');
  const { reply } = answer;
  const { result } = reply;
  const meaning = MEANINGS[result] ?? 'a result code that RFC 6887 does not know';
  const resultName = PCP_RESULT_NAMES[result] ?? 'UNKNOWN';
  const head = { gateway: where, result, resultName, meaning, epoch: reply.secondsSinceStartOfEpoch };
  const report = { ...head, ...bodyOf(reply) };
  return result === PCP_RESULT.SUCCESS
    ? { report, line: successLine(reply, deletes), status: EXIT.success }
    : refusalOutput(where, report);
}

function bodyOf(reply: PcpReply): Report {
  if (reply.kind !== 'map') return reply.result === PCP_RESULT.SUCCESS ? {} : { lifetime: reply.lifetime };
  const { protocol, internalPort, externalAddress, externalPort, lifetime, nonce } = reply;
  return { protocol, internalPort, externalAddress: formatIpv6(externalAddress), externalPort, lifetime, nonce };
}

function successLine(reply: PcpReply, deletes: boolean): string {
  const epoch = `epoch ${reply.secondsSinceStartOfEpoch} s`;
  if (reply.kind !== 'map') return `PCP is spoken, ${epoch}`;
  const { protocol, internalPort, externalAddress, externalPort, lifetime, nonce } = reply;
  if (deletes) return `${protocol} ${internalPort} closed, ${epoch}`;
  const address = formatIpv6(externalAddress);
  return `${protocol} ${internalPort} open: ${formatEndpoint({ address, port: externalPort })}, for ${lifetime} s, ${epoch}, nonce ${nonce}`;
}
