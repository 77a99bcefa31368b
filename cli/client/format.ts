// The output of natpmp-client: one object for programs, one line for people; and its exit status. Pure.

import { RESULT, RESULT_NAMES } from '../../frontend/wire.js';
import { formatIpv4 } from '../../proto/mapping.js';
import { EXIT } from '../host/failure.js';
import type { Answer, Gateway } from './exchange.js';
import type { Reply } from './packets.js';

/** What a result code means for the client (RFC 6886 §3.5). */
const MEANINGS: readonly string[] = [
  'done',
  'the gateway does not speak NAT-PMP version 0',
  "the gateway's policy does not allow it, or the mapping was made by hand",
  'the gateway has no external address, or cannot reach its NAT: try again later',
  'the gateway has no more mappings to give to this host, or at all',
  'the gateway does not know this operation',
];

/** A JSON object on one line. */
export type Report = Readonly<Record<string, string | number | boolean | null>>;

export interface Output {
  readonly report: Report;
  readonly line: string;
  readonly status: number;
}

export type PrintOutput = (output: Output) => void;

/** Result code 4 is OUT_OF_RESOURCES. */
export function resultName(result: number): string {
  return RESULT_NAMES[result] ?? 'UNKNOWN';
}

/** The output for an answer to a request. `deletes`: it asked to delete a mapping. */
export function describe(gateway: Gateway, answer: Answer, deletes: boolean): Output {
  const where = formatEndpoint(gateway);
  return answer.kind === 'reply'
    ? describeReply(where, answer.reply, deletes)
    : describeFailure(where, answer, 'NAT-PMP');
}

/** An address and a port; an IPv6 address is in brackets. */
export function formatEndpoint({ address, port }: Gateway): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The output if nothing came back to a request by this protocol. */
export function describeFailure(
  where: string,
  answer: Exclude<Answer<never>, { kind: 'reply' }>,
  protocol: 'NAT-PMP' | 'PCP',
): Output {
  switch (answer.kind) {
    case 'no-answer':
      return noAnswer(
        where,
        'no-answer',
        `no answer to ${answer.attempts} requests: no ${protocol} gateway there, or a firewall in between`,
      );
    case 'port-closed':
      return noAnswer(
        where,
        'port-closed',
        `nobody listens on this port: ${protocol} is switched off there, or the port is wrong`,
      );
    case 'not-sent':
      return noAnswer(
        where,
        'not-sent',
        `the request could not be sent (${answer.code}): is there a route to the gateway?`,
      );
  }
}

/** The output if nothing came back: the reason in a word, and what it means. */
export function noAnswer(where: string, error: string, meaning: string): Output {
  const report = { gateway: where, result: null, error, meaning };
  return { report, line: `${where}: ${meaning}`, status: EXIT.failed };
}

function describeReply(where: string, reply: Reply, deletes: boolean): Output {
  const { result } = reply;
  const meaning = MEANINGS[result] ?? 'a result code that RFC 6886 does not know';
  const head = {
    gateway: where,
    result,
    resultName: resultName(result),
    meaning,
    epoch: reply.secondsSinceStartOfEpoch,
  };
  const report = { ...head, ...bodyOf(reply) };
  return result === RESULT.SUCCESS
    ? { report, line: successLine(reply, deletes), status: EXIT.success }
    : refusalOutput(where, report);
}

/** The output for a reply with an error. */
export function refusalOutput(
  where: string,
  report: Report & { readonly result: number; readonly resultName: string; readonly meaning: string },
): Output {
  const { result, resultName: name, meaning } = report;
  // PCP tells how long the same answer is to be expected (RFC 6887 §7.4).
  const seconds = Number(report['lifetime'] ?? 0);
  const line = `${where}: result ${result} ${name}: ${meaning}${seconds > 0 ? `; for another ${seconds} s` : ''}`;
  return { report, line, status: Math.min(EXIT.result + result, 255) };
}

function bodyOf(reply: Reply): Report {
  switch (reply.kind) {
    case 'external-address':
      return { externalAddress: formatIpv4(reply.address) };
    case 'mapping': {
      const { protocol, internalPort, externalPort, lifetime } = reply;
      return { protocol, internalPort, externalPort, lifetime };
    }
    case 'error':
      return {};
  }
}

function successLine(reply: Reply, deletes: boolean): string {
  const epoch = `epoch ${reply.secondsSinceStartOfEpoch} s`;
  if (reply.kind !== 'mapping') {
    return reply.kind === 'error' ? `success, ${epoch}` : `external address ${formatIpv4(reply.address)}, ${epoch}`;
  }
  const { protocol, internalPort, externalPort, lifetime } = reply;
  if (deletes)
    return `${internalPort === 0 ? `all ${protocol} mappings` : `${protocol} ${internalPort}`} removed, ${epoch}`;
  return `${protocol} ${internalPort} mapped: external port ${externalPort}, for ${lifetime} s, ${epoch}`;
}
