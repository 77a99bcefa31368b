// What the frontend's user can do to the helper besides asking it.

import { chmodSync } from 'node:fs';
import { connect } from 'node:net';
import * as assert from 'uvu/assert';
import { must } from '../../support/run.js';
import type { Attack } from '../attack.js';
import { FRONTEND_UID } from '../attacked-helper.js';
import { GREETING } from '../zmtp.js';

/** What a user gets from a socket: an error, or the first octets, or nothing before it is closed. */
function knock(path: string, uid: number): Promise<string> {
  return new Promise((resolve) => {
    process.seteuid?.(uid);
    const socket = connect(path);
    process.seteuid?.(0);
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.once('data', (data) => {
      resolve(`${data.length} octets`);
      socket.destroy();
    });
    socket.once('close', () => resolve('closed without a word'));
    socket.write(GREETING);
  });
}

export const USERS: readonly Attack[] = [
  {
    name: "the admin socket, from the frontend's user",
    expected: 'refused by the mode of the file; where that is wrong, by the uid',
    async run({ helper }) {
      const byMode = await knock(helper.adminPath, FRONTEND_UID);
      assert.is(byMode, 'EACCES');
      chmodSync(helper.adminPath, 0o666);
      try {
        const byUid = await knock(helper.adminPath, FRONTEND_UID);
        assert.ok(['closed without a word', 'ECONNRESET', 'EPIPE'].includes(byUid), byUid);
        return `${byMode}; ${byUid}`;
      } finally {
        chmodSync(helper.adminPath, 0o600);
      }
    },
  },
  {
    name: "signals, memory, descriptors and journal, from the frontend's user",
    expected: 'refused, each',
    async run({ helper }) {
      const pid = helper.pid();
      const attempts = [
        `kill -9 ${pid}`,
        `kill -STOP ${pid}`,
        `head -c1 /proc/${pid}/mem`,
        `cat /proc/${pid}/environ`,
        `ls -l /proc/${pid}/fd/`,
        `cat ${helper.stateDir}/leases.journal`,
        `touch ${helper.stateDir}/leases.journal.new`,
        `rm ${helper.path}`,
        `nsenter --net=/proc/${pid}/ns/net true`,
      ];
      const script = attempts
        .map((attempt) => `if ${attempt} >/dev/null 2>&1; then echo done; else echo refused; fi`)
        .join('; ');
      const said = await must('setpriv', [
        `--reuid=${FRONTEND_UID}`,
        `--regid=${FRONTEND_UID}`,
        '--clear-groups',
        '--inh-caps=-all',
        '--bounding-set=-all',
        'sh',
        '-c',
        script,
      ]);
      const seen = said.trim().split('\n');
      assert.equal(
        seen,
        attempts.map(() => 'refused'),
      );
      return `refused ${seen.length}`;
    },
  },
];
