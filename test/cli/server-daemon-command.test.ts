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
  ownNetwork: true,
  jit: false,
  nodeMajor: 22,
} as const;

const line = (change: object): string =>
  commandLine({ ...daemon, ...change })
    .slice(4)
    .join(' ');

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
        'unshare --net setpriv --reuid=61185 --regid=61185 --clear-groups ' +
        '--inh-caps=-all,+net_admin --ambient-caps=-all,+net_admin --bounding-set=-all,+net_admin ' +
        '--no-new-privs --pdeathsig=SIGKILL ' +
        NODE,
    },
    {
      name: 'the frontend keeps none',
      change: { role: 'frontend' },
      want:
        'unshare --net setpriv --reuid=61185 --regid=61185 --clear-groups ' +
        '--inh-caps=-all --ambient-caps=-all --bounding-set=-all --no-new-privs --pdeathsig=SIGKILL ' +
        NODE,
    },
    {
      name: 'no other user, no own network',
      change: { role: 'frontend', identity: null, ownNetwork: false },
      want: `setpriv --inh-caps=-all --ambient-caps=-all --bounding-set=-all --no-new-privs --pdeathsig=SIGKILL ${NODE}`,
    },
    {
      name: 'Node 24 knows no --no-expose-wasm',
      change: { role: 'frontend', identity: null, ownNetwork: false, nodeMajor: 24 },
      want: `setpriv --inh-caps=-all --ambient-caps=-all --bounding-set=-all --no-new-privs --pdeathsig=SIGKILL ${NODE.replace('--no-expose-wasm ', '')}`,
    },
    {
      name: '--jit, for debugging',
      change: { role: 'frontend', identity: null, ownNetwork: false, jit: true },
      want: `setpriv --inh-caps=-all --ambient-caps=-all --bounding-set=-all --no-new-privs --pdeathsig=SIGKILL ${NODE.replace('--jitless --no-expose-wasm --max-semi-space-size=2 --optimize-for-size ', '')}`,
    },
  ],
  ({ change, want }) => assert.is(line(change), want),
);

cases<{ name: string; role: 'helper' | 'frontend'; want: string }>(
  'what a daemon may have at most',
  [
    {
      name: 'the helper',
      role: 'helper',
      want: 'ulimit -d 786432 2>&-; ulimit -n 4096 2>&-; export LISTEN_PID=$$; exec "$@"',
    },
    {
      name: 'the frontend: fewer connections than the helper takes',
      role: 'frontend',
      want: 'ulimit -d 786432 2>&-; ulimit -n 256 2>&-; export LISTEN_PID=$$; exec "$@"',
    },
  ],
  ({ role, want }) => assert.equal(commandLine({ ...daemon, role }).slice(0, 4), ['sh', '-c', want, 'sh']),
);
