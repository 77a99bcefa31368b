// Taking a mapping away: with the token that came in the address, and only after a question.

import type { RevokeAnswer, RevokeRequest, ShownMapping } from '../natpmpctl/web/messages.js';
import { part, write } from './draw.js';

const KEPT_AS = 'token';
const PATIENCE_MS = 10_000;

/** The token out of the address, where it is not to stay: addresses are shown, kept and passed on. */
export function takeToken(): string | null {
  const [, given] = /^#token=([\w-]+)$/.exec(location.hash) ?? [];
  if (given !== undefined) {
    sessionStorage.setItem(KEPT_AS, given);
    history.replaceState(null, '', location.pathname);
  }
  return sessionStorage.getItem(KEPT_AS);
}

/**
 * Prepare the dialog; the function returned asks, and revokes. `done`: it is gone; `wrong`: the token is not the right
 * one.
 */
export function prepareDialog(
  done: (mapping: ShownMapping) => void,
  wrong: () => void,
): (mapping: ShownMapping) => void {
  const dialog = part<HTMLDialogElement>('question');
  const [what, error] = [part('question-what'), part('question-error')];
  const [yes, no] = [part<HTMLButtonElement>('question-yes'), part<HTMLButtonElement>('question-no')];
  let asked: ShownMapping | null = null;

  async function revoke(mapping: ShownMapping): Promise<void> {
    yes.disabled = true;
    const { status, told } = await post(mapping);
    yes.disabled = false;
    if (asked !== mapping) return; // it was closed in the meantime
    if (status === 401) {
      sessionStorage.removeItem(KEPT_AS);
      wrong();
    }
    if ('error' in told) {
      write(error, `Not revoked: ${told.error}.`);
      no.focus();
    } else {
      dialog.close();
      done(mapping);
    }
  }

  no.addEventListener('click', () => dialog.close());
  yes.addEventListener('click', () => {
    if (asked !== null) void revoke(asked);
  });
  dialog.addEventListener('close', () => {
    asked = null;
  });
  return (mapping) => {
    const { protocol, externalPort, internalAddress, internalPort, name } = mapping;
    asked = mapping;
    write(part('question-title'), `Revoke ${protocol} ${externalPort}?`);
    write(what, `It leads to ${name === null ? '' : `${name}, `}${internalAddress}:${internalPort}.`);
    write(error, '');
    dialog.showModal();
    no.focus();
  };
}

async function post({
  protocol,
  externalPort,
  internalAddress,
  internalPort,
}: ShownMapping): Promise<{ status: number; told: RevokeAnswer }> {
  try {
    const body: RevokeRequest = { protocol, externalPort, internalAddress, internalPort };
    const reply = await fetch('/revoke', {
      method: 'POST',
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE_MS),
      headers: { Authorization: `Bearer ${sessionStorage.getItem(KEPT_AS) ?? ''}`, 'Content-Type': 'application/json' },
    });
    const isJson = reply.headers.get('Content-Type') === 'application/json';
    return {
      status: reply.status,
      told: isJson ? ((await reply.json()) as RevokeAnswer) : { error: (await reply.text()).trim() },
    };
  } catch {
    return { status: 0, told: { error: 'natpmpctl web does not answer' } };
  }
}
