// Revoking a mapping: with the token from the page's address, and only after a question.

import type { RevokeAnswer, RevokeRequest, ShownMapping } from '../natpmpctl/web/messages.js';
import { elementById, setText } from './draw.js';
import { formatHost } from './model.js';

const STORAGE_KEY = 'token';
const REQUEST_TIMEOUT_MS = 10_000;

/** Take the token out of the address, which may be shown, stored and passed on. */
export function takeToken(): string | null {
  const [, given] = /^#token=([\w-]+)$/.exec(location.hash) ?? [];
  if (given !== undefined) {
    sessionStorage.setItem(STORAGE_KEY, given);
    history.replaceState(null, '', location.pathname);
  }
  return sessionStorage.getItem(STORAGE_KEY);
}

/**
 * Prepare the dialog; the returned function asks, and revokes. `done`: the mapping is revoked; `wrong`: the token is
 * wrong.
 */
export function prepareDialog(
  done: (mapping: ShownMapping) => void,
  wrong: () => void,
): (mapping: ShownMapping) => void {
  const dialog = elementById<HTMLDialogElement>('question');
  const [what, error] = [elementById('question-what'), elementById('question-error')];
  const [yes, no] = [elementById<HTMLButtonElement>('question-yes'), elementById<HTMLButtonElement>('question-no')];
  let asked: ShownMapping | null = null;

  async function revoke(mapping: ShownMapping): Promise<void> {
    yes.disabled = true;
    const { status, answer } = await post(mapping);
    yes.disabled = false;
    if (asked !== mapping) return; // the dialog was closed in the meantime
    if (status === 401) {
      sessionStorage.removeItem(STORAGE_KEY);
      wrong();
    }
    if ('error' in answer) {
      setText(error, `Not revoked: ${answer.error}.`);
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
    const { protocol, externalPort, name } = mapping;
    asked = mapping;
    setText(elementById('question-title'), `Revoke ${protocol} ${externalPort}?`);
    setText(what, `It leads to ${name === null ? '' : `${name}, `}${formatHost(mapping)}.`);
    setText(error, '');
    dialog.showModal();
    no.focus();
  };
}

async function post({
  protocol,
  externalPort,
  internalAddress,
  internalPort,
}: ShownMapping): Promise<{ status: number; answer: RevokeAnswer }> {
  try {
    const body: RevokeRequest = { protocol, externalPort, internalAddress, internalPort };
    const reply = await fetch('/revoke', {
      method: 'POST',
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      headers: {
        Authorization: `Bearer ${sessionStorage.getItem(STORAGE_KEY) ?? ''}`,
        'Content-Type': 'application/json',
      },
    });
    const isJson = reply.headers.get('Content-Type') === 'application/json';
    return {
      status: reply.status,
      answer: isJson ? ((await reply.json()) as RevokeAnswer) : { error: (await reply.text()).trim() },
    };
  } catch {
    return { status: 0, answer: { error: 'natpmpctl web does not answer' } };
  }
}
