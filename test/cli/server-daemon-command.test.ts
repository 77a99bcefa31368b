// The command lines of the two daemons.

import * as assert from 'uvu/assert';
import { commandLine } from '../../cli/server/daemon-command.js';
import { cases } from '../support/cases.js';

const daemon = {
  role: 'helper',
  identity: { uid: 61185, gid: 61185 },
  node: '/n',
  script: '/s.js',
  args: ['--lan', 'x'],
  binds: [],
  root: null,
  maxTasks: null,
  ownNetwork: true,
  jit: false,
  nodeMajor: 22,
} as const;

/** What is run, without the text of the script. */
const line = (change: object): string => {
  const words = commandLine({ ...daemon, ...change });
  const at = words.indexOf('-c') + 1;
  return words.filter((_, index) => index !== at).join(' ');
};
const script = (change: object): string => {
  const words = commandLine({ ...daemon, ...change });
  return words[words.indexOf('-c') + 1] ?? '';
};

const NODE =
  '/n --jitless --no-expose-wasm --max-semi-space-size=2 --optimize-for-size ' +
  '--disallow-code-generation-from-strings --disable-proto=throw /s.js --lan x';

cases(
  'command line of a daemon',
  [
    {
      name: 'the helper keeps one capability',
      change: {},
      want:
        'unshare --net --ipc sh -c sh setpriv --reuid=61185 --regid=61185 --clear-groups ' +
        '--inh-caps=-all,+net_admin --ambient-caps=-all,+net_admin --bounding-set=-all,+net_admin ' +
        '--no-new-privs --pdeathsig=SIGKILL ' +
        NODE,
    },
    {
      name: 'the frontend keeps none',
      change: { role: 'frontend' },
      want:
        'unshare --net --ipc sh -c sh setpriv --reuid=61185 --regid=61185 --clear-groups ' +
        '--inh-caps=-all --ambient-caps=-all --bounding-set=-all --no-new-privs --pdeathsig=SIGKILL ' +
        NODE,
    },
    {
      name: 'no other user, no own network',
      change: { role: 'frontend', identity: null, ownNetwork: false },
      want: `sh -c sh setpriv --inh-caps=-all --ambient-caps=-all --bounding-set=-all --no-new-privs --pdeathsig=SIGKILL ${NODE}`,
    },
    {
      name: 'Node 24 knows no --no-expose-wasm',
      change: { role: 'frontend', identity: null, ownNetwork: false, nodeMajor: 24 },
      want: `sh -c sh setpriv --inh-caps=-all --ambient-caps=-all --bounding-set=-all --no-new-privs --pdeathsig=SIGKILL ${NODE.replace('--no-expose-wasm ', '')}`,
    },
    {
      name: '--jit, for debugging',
      change: { role: 'frontend', identity: null, ownNetwork: false, jit: true },
      want: `sh -c sh setpriv --inh-caps=-all --ambient-caps=-all --bounding-set=-all --no-new-privs --pdeathsig=SIGKILL ${NODE.replace('--jitless --no-expose-wasm --max-semi-space-size=2 --optimize-for-size ', '')}`,
    },
    {
      name: 'with a root folder: the mounts, then the change of root, and the binds are among the mounts',
      change: {
        role: 'frontend',
        identity: null,
        root: { folder: '/r/root', fstab: '/r/fstab' },
        binds: [{ from: '/a', to: '/r/a' }],
      },
      want:
        'unshare --net --ipc --mount --propagation slave sh -c sh /r/fstab unshare --root=/r/root ' +
        `setpriv --inh-caps=-all --ambient-caps=-all --bounding-set=-all --no-new-privs --pdeathsig=SIGKILL ${NODE}`,
    },
    {
      name: 'without one: the binds',
      change: { role: 'frontend', identity: null, ownNetwork: false, binds: [{ from: '/a', to: '/r/a' }] },
      want:
        'unshare --mount --propagation slave sh -c sh 1 /a /r/a ' +
        `setpriv --inh-caps=-all --ambient-caps=-all --bounding-set=-all --no-new-privs --pdeathsig=SIGKILL ${NODE}`,
    },
  ],
  ({ change, want }) => assert.is(line(change), want),
);

const LIMITS = 'ulimit -d 786432 2>&-; ulimit -n 256 2>&-; ulimit -f 0 2>&-; ulimit -c 0 2>&-; ';
const END = 'read -r MAINPID; export MAINPID LISTEN_PID=$$; exec "$@"';

cases<{ name: string; change: object; want: string }>(
  'what a daemon may have at most',
  [
    {
      name: 'the helper: more connections than the frontend has descriptors, and a journal',
      change: {},
      want: `ulimit -d 786432 2>&-; ulimit -n 4096 2>&-; ulimit -f 131072 2>&-; ulimit -c 0 2>&-; ${END}`,
    },
    { name: 'the frontend: no file', change: { role: 'frontend' }, want: LIMITS + END },
    {
      name: 'tasks, in the words of dash or of bash',
      change: { role: 'frontend', maxTasks: 50 },
      want: `${LIMITS}ulimit -p 50 2>&- || ulimit -u 50 2>&-; ${END}`,
    },
    {
      name: 'a root folder that cannot be mounted ends it',
      change: { role: 'frontend', root: { folder: '/r/root', fstab: '/r/fstab' } },
      want: `mount -a -T "$1" || exit 70; shift; ${LIMITS}${END}`,
    },
  ],
  ({ change, want }) => assert.is(script(change), want),
);
