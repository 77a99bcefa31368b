// What the unprivileged daemons have in common at their start and end.

import { fstatSync, readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import type { Validated } from '../config/validate.js';
import { EXIT } from '../process/exit.js';
import { errorPrefix } from '../process/syslog-prefix.js';
import type { Rules } from './policy.js';

const O_NONBLOCK = 0o4000;
/** The remedy for a missing socket, at the end of a complaint. */
export const REMEDY = 'sockets are handed over: start natpmp-server, or the systemd socket units, instead';

/** How long to wait for the helper at the start. Without it there are only errors to send. */
const HELPER_WAIT_MS = 3000;
/** Between two checks of the helper at the start. */
const HELPER_CHECK_MS = 5;

/** End with complaints about the flags or the sockets. `name`: of the program. */
function usageError(name: string, complaints: readonly string[]): never {
  const prefix = errorPrefix(process.env['JOURNAL_STREAM'], fstatSync(2));
  // Nothing that a terminal obeys.
  for (const complaint of complaints) process.stderr.write(`${prefix}${name}: ${complaint.replace(/\p{C}/gu, '?')}\n`);
  process.exit(EXIT.usage);
}

/** The value, or the end of the process with complaints. `name`: of the program. */
export function okOrExit<T>(name: string, validated: Validated<T>): T {
  return 'ok' in validated ? validated.ok : usageError(name, validated.complaints);
}

/** Reject rules by hardware address if no route socket was passed. */
export function checkMacRules<T extends Pick<Rules, 'rules'>>(
  validated: Validated<T>,
  hasRoute: boolean,
): Validated<T> {
  if (!('ok' in validated) || hasRoute || !validated.ok.rules.some(({ who }) => who.kind === 'mac')) return validated;
  return { complaints: [`--rule: a hardware address needs the file descriptor "route": ${REMEDY}`] };
}

/**
 * Resolves when the session with the helper is ready, or after HELPER_WAIT_MS. Requests that came in meanwhile, or
 * while the daemon was restarted, wait in the sockets; read before, they would get no reply.
 */
export async function waitForHelper(state: { readonly isHelperReady: boolean }, now: () => number): Promise<void> {
  const endMs = now() + HELPER_WAIT_MS;
  while (!state.isHelperReady && now() < endMs) await new Promise((resolve) => setTimeout(resolve, HELPER_CHECK_MS));
}

/** A defect ends the process: the supervisor starts it again. */
export function exitOnDefect(log: Logger): void {
  const exit = (error: unknown): void => {
    log.fatal({ err: error }, 'defect');
    process.exit(EXIT.defect);
  };
  process.on('uncaughtException', exit);
  process.on('unhandledRejection', exit);
}

/** The O_NONBLOCK flag, from proc_pid_fdinfo(5). */
export function isNonBlocking(fd: number): boolean {
  const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1];
  return (parseInt(flags ?? '0', 8) & O_NONBLOCK) !== 0;
}
