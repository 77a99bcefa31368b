// What a daemon sees of the file system: the mounts, as mount(8) reads them.

import * as assert from 'uvu/assert';
import { fstabText } from '../../cli/server/daemon-root.js';
import { cases } from '../support/cases.js';

const MOUNTINFO = [
  '21 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw',
  '30 21 0:20 / /run rw,nosuid,nodev - tmpfs tmpfs rw',
  '31 21 0:21 / /tmp rw,nosuid,noexec - tmpfs tmpfs rw',
  '32 21 8:2 / /srv/a\\040b rw,nodev - ext4 /dev/sda2 rw',
  '33 30 0:22 / /run/over rw - tmpfs tmpfs rw',
  '34 30 0:23 / /run/over rw,noexec - tmpfs tmpfs rw',
  '',
].join('\n');
const ROOT = '/run/natpmp/root /run/natpmp/root none bind,ro,nosuid,nodev,noexec 0 0';
const PROC = 'proc /run/natpmp/root/proc proc ro,nosuid,nodev,noexec,hidepid=invisible,subset=pid 0 0';

cases(
  'mounts of a root folder',
  [
    { name: 'none: an empty root, and its own processes', mounts: [], want: [] },
    {
      name: 'parents before what is in them, whatever the order',
      mounts: [
        { from: '/usr/local', to: '/usr/local', options: ['ro'] },
        { from: '/usr', to: '/usr', options: ['ro'] },
      ],
      want: ['/usr /run/natpmp/root/usr none bind,ro 0 0', '/usr/local /run/natpmp/root/usr/local none bind,ro 0 0'],
    },
    {
      name: 'flags of the mount that a path is on stay: in a user namespace they cannot be cleared',
      mounts: [{ from: '/tmp/x', to: '/tmp/x', options: ['ro', 'nosuid'] }],
      want: ['/tmp/x /run/natpmp/root/tmp/x none bind,ro,nosuid,noexec 0 0'],
    },
    {
      name: 'of two mounts on one folder, those of the upper one',
      mounts: [{ from: '/run/over/x', to: '/x', options: [] }],
      want: ['/run/over/x /run/natpmp/root/x none bind,noexec 0 0'],
    },
    {
      name: 'blanks, in both files',
      mounts: [{ from: '/srv/a b/c', to: '/srv/a b/c', options: ['ro'] }],
      want: ['/srv/a\\040b/c /run/natpmp/root/srv/a\\040b/c none bind,ro,nodev 0 0'],
    },
    {
      name: 'a folder beside a mount with a name that begins alike',
      mounts: [{ from: '/tmpx', to: '/tmpx', options: ['ro'] }],
      want: ['/tmpx /run/natpmp/root/tmpx none bind,ro 0 0'],
    },
  ],
  ({ mounts, want }) =>
    assert.is(fstabText('/run/natpmp/root', mounts, MOUNTINFO), `${[ROOT, ...want, PROC].join('\n')}\n`),
);
