// The connection of a command to the helper: which of its sockets, and until when.

import { accessSync, constants } from 'node:fs';
import type { Helper } from './helper.js';
import { openHelper } from './helper.js';

export const ADMIN_SOCKET = '/run/natpmp/admin.sock';
const HELPER_SOCKET = '/run/natpmp/helper.sock';

/** The administrator's socket if this user may use it, else the other one. Changes need the administrator's. */
export function chooseSocket({ socket }: { readonly socket?: string }, changes = false): string {
  if (socket !== undefined) return socket;
  if (changes) return ADMIN_SOCKET;
  try {
    accessSync(ADMIN_SOCKET, constants.R_OK | constants.W_OK);
    return ADMIN_SOCKET;
  } catch {
    return HELPER_SOCKET;
  }
}

/** Connect, do the work, and always close. */
export async function withHelper<T>(socketPath: string, work: (helper: Helper) => Promise<T>): Promise<T> {
  const helper = await openHelper(socketPath);
  try {
    return await work(helper);
  } finally {
    helper.close();
  }
}
