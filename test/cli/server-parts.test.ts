// The pure parts of natpmp-server: users, rights, command lines, log lines.
import * as assert from 'uvu/assert';
import { missingCapabilities } from '../../cli/host/programs.js';
import { commandLine } from '../../cli/server/daemon-command.js';
import { prefixLength } from '../../cli/host/interfaces.js';
import { byLine, readable } from '../../cli/host/log.js';
import { nextAction } from '../../cli/server/supervise.js';
import { pickUsers } from '../../cli/server/users.js';
import { cases, claims } from '../support/cases.js';

const PASSWD = 'root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\nalice:x:1000:100::/:/bin/sh\n';
const system = { passwd: PASSWD, group: 'root:x:0:\n', busy: new Set<number>(), uidMap: '0 0 4294967295' };
const two = (frontend: [number, number], helper: [number, number]): ReturnType<typeof pickUsers> => ({
  kind: 'two',
  identities: { frontend: { uid: frontend[0], gid: frontend[1] }, helper: { uid: helper[0], gid: helper[1] } },
});

cases<{
  name: string;
  wanted: readonly [string | null, string | null];
  change: Partial<typeof system>;
  want: ReturnType<typeof pickUsers>;
}>(
  'users',
  [
    {
      name: 'none named: two unused numbers',
      wanted: [null, null],
      change: {},
      want: two([61184, 61184], [61185, 61185]),
    },
    {
      name: 'numbers of running processes are not unused',
      wanted: [null, null],
      change: { busy: new Set([61184, 61185]) },
      want: two([61186, 61186], [61187, 61187]),
    },
    {
      name: 'the users of a package',
      wanted: [null, null],
      change: { passwd: `${PASSWD}natpmp-frontend:x:101:101::/:/x\nnatpmp-helper:x:102:102::/:/x\n` },
      want: two([101, 101], [102, 102]),
    },
    {
      name: "the group natpmp is the frontend's",
      wanted: [null, null],
      change: { group: 'natpmp:x:77:\n' },
      want: two([61184, 77], [61185, 61185]),
    },
    { name: 'one named: the frontend', wanted: ['alice', null], change: {}, want: two([1000, 100], [61184, 61184]) },
    { name: 'a number without an entry', wanted: ['4000', 'alice'], change: {}, want: two([4000, 4000], [1000, 100]) },
    {
      name: 'an unknown name',
      wanted: ['bob', null],
      change: {},
      want: { kind: 'complaint', line: '--user bob: no such user' },
    },
    {
      name: 'a name and its number',
      wanted: ['alice', '1000'],
      change: {},
      want: { kind: 'complaint', line: '--user: frontend and helper are both uid 1000: name two different users' },
    },
    {
      name: 'another name of root',
      wanted: ['toor', null],
      change: { passwd: `${PASSWD}toor:x:0:0::/:/x\n` },
      want: { kind: 'complaint', line: '--user: uid 0 is not an unprivileged user' },
    },
    {
      name: 'a user namespace of one user',
      wanted: [null, null],
      change: { uidMap: '         0       1000          1' },
      want: { kind: 'own' },
    },
    {
      name: 'a container with 65536 users',
      wanted: [null, null],
      change: { uidMap: '0 100000 65536' },
      want: two([61184, 61184], [61185, 61185]),
    },
  ],
  ({ wanted, change, want }) => {
    assert.equal(pickUsers({ frontend: wanted[0], helper: wanted[1] }, { ...system, ...change }), want);
  },
);

cases(
  'capabilities',
  [
    { name: 'root has them all', effective: 0x1ffffffffffn, want: [] },
    {
      name: 'nobody has none',
      effective: 0n,
      want: [
        'CAP_CHOWN',
        'CAP_DAC_OVERRIDE',
        'CAP_FOWNER',
        'CAP_KILL',
        'CAP_SETGID',
        'CAP_SETUID',
        'CAP_SETPCAP',
        'CAP_NET_ADMIN',
      ],
    },
    { name: 'a container without CAP_NET_ADMIN', effective: 0x1ffffffffffn & ~0x1000n, want: ['CAP_NET_ADMIN'] },
  ],
  ({ effective, want }) => assert.equal(missingCapabilities(effective), want),
);

const crash = { status: 70, upMs: 50, wasReady: false, everReady: true };
const delays = (ends: number): number[] => {
  let failures = 0;
  return Array.from({ length: ends }, () => {
    const verdict = nextAction('frontend', crash, failures);
    if (verdict.kind !== 'restart') throw new Error('a crash is no reason to give up');
    failures = verdict.failures;
    return verdict.delayMs;
  });
};
const restart = (delayMs: number, failures: number, reinstall = false) => ({
  kind: 'restart',
  delayMs,
  failures,
  reinstall,
});

claims('after a daemon has ended', {
  'at once the first time; then the delay doubles from 100 ms to half a second': () =>
    assert.equal(delays(6), [0, 100, 200, 400, 500, 500]),
  'up for ten seconds counts as well again': () => {
    assert.equal(nextAction('frontend', { ...crash, upMs: 10_000, wasReady: true }, 6), restart(0, 1));
  },
  'killed by a signal is a crash': () =>
    assert.equal(nextAction('helper', { ...crash, status: null }, 0), restart(0, 1)),
  'status 0 without being told to is one as well': () =>
    assert.equal(nextAction('helper', { ...crash, status: 0 }, 0), restart(0, 1)),
  'the ruleset is gone: reinstalled at once': () => {
    assert.equal(nextAction('helper', { ...crash, status: 75, wasReady: true }, 3), restart(0, 0, true));
  },
  'gone again before it was ready: not a busy loop': () =>
    assert.equal(nextAction('helper', { ...crash, status: 75 }, 2), restart(200, 3, true)),
  'the frontend has no ruleset to lose': () =>
    assert.equal(nextAction('frontend', { ...crash, status: 75, wasReady: true }, 0), restart(0, 1)),
});

cases(
  'a start that cannot succeed ends the launcher',
  [2, 74, 77, 78].map((status) => ({ name: `status ${status}`, status })),
  ({ status }) => {
    assert.equal(nextAction('helper', { ...crash, status, everReady: false }, 0), { kind: 'give-up', status });
    // A disk that fills up under way is no reason to stop for good.
    assert.equal(nextAction('helper', { ...crash, status }, 0), restart(0, 1));
  },
);

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
  '/n --jitless --no-expose-wasm --max-semi-space-size=2 --optimize-for-size --disallow-code-generation-from-strings --disable-proto=throw /s.js --lan x';
cases(
  'command line of a daemon',
  [
    {
      name: 'the helper keeps one capability',
      change: {},
      want:
        'unshare --net setpriv --reuid=61185 --regid=61185 --clear-groups ' +
        '--inh-caps=-all,+net_admin --ambient-caps=-all,+net_admin --bounding-set=-all,+net_admin --no-new-privs --pdeathsig=SIGKILL ' +
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

cases(
  'a daemon that cannot even be started',
  [9, 126, 127].map((status) => ({ name: `status ${status}`, status })),
  ({ status }) => {
    assert.equal(nextAction('frontend', { ...crash, status, everReady: false }, 0), { kind: 'give-up', status: 70 });
  },
);

cases(
  'prefix length of a mask',
  [
    { name: '/32', mask: 0xffffffff, want: 32 },
    { name: '/24', mask: 0xffffff00, want: 24 },
    { name: '/8', mask: 0xff000000, want: 8 },
    { name: '/0', mask: 0, want: 0 },
  ],
  ({ mask, want }) => assert.is(prefixLength(mask), want),
);

claims('log lines for people', {
  'a JSON line becomes words': () => {
    const text = readable('{"level":40,"time":0,"pid":1,"name":"helper","role":"x","n":[1],"msg":"gone"}');
    assert.match(text, /^\d\d:\d\d:\d\d helper +WARNING gone role=x n=\[1\]$/);
  },
  'a line that is no JSON stays': () => assert.equal(['a b', '{oops'].map(readable), ['a b', '{oops']),
  'lines are put together from pieces': () => {
    const lines: string[] = [];
    const take = byLine((one) => lines.push(one));
    for (const piece of ['a', 'b\nc', '\n\nd']) take(piece);
    assert.equal(lines, ['ab', 'c', '']);
  },
});
