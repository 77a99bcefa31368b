// The users and the rights of the daemons.

import * as assert from 'uvu/assert';
import { missingCapabilities } from '../../cli/host/programs.js';
import { pickUsers } from '../../cli/server/users.js';
import { cases } from '../support/cases.js';

const PASSWD = 'root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\nalice:x:1000:100::/:/bin/sh\n';

const system = { passwd: PASSWD, group: 'root:x:0:\n', busy: new Set<number>(), uidMap: '0 0 4294967295' };

/** The ids of each, and the uid of UPnP, which is in the frontend's group. */
const picked = (frontend: [number, number], helper: [number, number], upnp: number): ReturnType<typeof pickUsers> => ({
  kind: 'different',
  identities: {
    frontend: { uid: frontend[0], gid: frontend[1] },
    helper: { uid: helper[0], gid: helper[1] },
    upnp: { uid: upnp, gid: frontend[1] },
  },
});

cases<{
  name: string;
  wanted: readonly [frontend: string | null, helper: string | null, upnp?: string];
  change: Partial<typeof system>;
  want: ReturnType<typeof pickUsers>;
}>(
  'users',
  [
    {
      name: 'none named: unused numbers',
      wanted: [null, null],
      change: {},
      want: picked([60706, 60706], [60707, 60707], 60708),
    },
    {
      name: 'numbers of running processes are not unused',
      wanted: [null, null],
      change: { busy: new Set([60706, 60707]) },
      want: picked([60708, 60708], [60709, 60709], 60710),
    },
    {
      name: 'the users of a package',
      wanted: [null, null],
      change: {
        passwd: `${PASSWD}natpmp-frontend:x:101:101::/:/x\nnatpmp-helper:x:102:102::/:/x\nnatpmp-upnp:x:103:103::/:/x\n`,
      },
      want: picked([101, 101], [102, 102], 103),
    },
    {
      name: "the group natpmp is the frontend's",
      wanted: [null, null],
      change: { group: 'natpmp:x:77:\n' },
      want: picked([60706, 77], [60707, 60707], 60708),
    },
    {
      name: 'three named',
      wanted: ['4000', '4001', '4002'],
      change: {},
      want: picked([4000, 4000], [4001, 4001], 4002),
    },
    {
      name: 'one named: the frontend',
      wanted: ['alice', null],
      change: {},
      want: picked([1000, 100], [60706, 60706], 60707),
    },
    {
      name: 'a number without an entry',
      wanted: ['4000', 'alice'],
      change: {},
      want: picked([4000, 4000], [1000, 100], 60706),
    },
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
      want: { kind: 'complaint', line: '--user: frontend and helper are both uid 1000: name different users' },
    },
    {
      name: 'the same for the third',
      wanted: ['alice', null, '1000'],
      change: {},
      want: { kind: 'complaint', line: '--user: frontend and upnp are both uid 1000: name different users' },
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
      want: picked([60706, 60706], [60707, 60707], 60708),
    },
  ],
  ({ wanted, change, want }) => {
    assert.equal(
      pickUsers({ frontend: wanted[0], helper: wanted[1], upnp: wanted[2] ?? null }, { ...system, ...change }),
      want,
    );
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
