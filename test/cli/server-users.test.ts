// The users and the rights of the two daemons.

import * as assert from 'uvu/assert';
import { missingCapabilities } from '../../cli/host/programs.js';
import { pickUsers } from '../../cli/server/users.js';
import { cases } from '../support/cases.js';

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
