import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Failure } from '../../cli/host/failure.js';
import { prepareStateDir, unmountedAbove } from '../../cli/server/folders.js';
import { atEnd, cases } from '../support/cases.js';

const FSTAB = `# <file system> <mount point> <type> <options> <dump> <pass>
UUID=1  /            ext4  errors=remount-ro  0  1
UUID=2\t/var\text4\tdefaults\t0\t2
UUID=3  /mnt/usb/    ext4  nofail             0  2
UUID=4  /mnt/by\\040hand  vfat  noauto,user  0  0
UUID=5  /mnt/my\\040disk  ext4  nofail       0  2
UUID=6  none         swap  sw                 0  0
tmpfs   /tmp         tmpfs
`;
const mountinfo = (...points: readonly string[]): string =>
  points.map((point, id) => `${id} 1 8:${id} / ${point} rw,relatime shared:${id} - ext4 /dev/sda${id} rw\n`).join('');

cases<{ name: string; path: string; mounted: readonly string[]; want: string | null }>(
  'unmountedAbove',
  [
    { name: 'on the root', path: '/srv/state', mounted: ['/'], want: null },
    { name: 'all are mounted', path: '/var/lib/natpmp-server', mounted: ['/', '/var'], want: null },
    { name: 'not mounted yet', path: '/var/lib/natpmp-server', mounted: ['/'], want: '/var' },
    { name: 'the mount point itself', path: '/mnt/usb', mounted: ['/', '/var'], want: '/mnt/usb' },
    { name: 'with a slash at the end', path: '/mnt/usb/state', mounted: ['/', '/mnt/usb'], want: null },
    { name: 'beside it', path: '/mnt/usbstick/state', mounted: ['/'], want: null },
    { name: 'nobody mounts it at boot', path: '/mnt/by hand/state', mounted: ['/'], want: null },
    { name: 'a blank in its name', path: '/mnt/my disk/state', mounted: ['/'], want: '/mnt/my disk' },
    { name: 'the same, mounted', path: '/mnt/my disk/state', mounted: ['/mnt/my\\040disk'], want: null },
    { name: 'without options', path: '/tmp/state', mounted: ['/'], want: '/tmp' },
  ],
  ({ path, mounted, want }) => assert.is(unmountedAbove(path, FSTAB, mountinfo(...mounted)), want),
);

const folder = mkdtempSync(join(tmpdir(), 'natpmp-folders-'));
atEnd(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, 'file'), '');
symlinkSync(join(folder, 'not-yet/state'), join(folder, 'link'));

cases<{ name: string; path: string; want: RegExp | null; isLasting?: true }>(
  'prepareStateDir',
  [
    { name: 'made', path: 'made/state', want: null },
    { name: 'there', path: 'made/state', want: null },
    {
      name: 'a link to what is not there yet: waited for',
      path: 'link/state',
      want: /^--state-dir .*link\/state: a link that leads nowhere yet/,
    },
    { name: 'below a file: never', path: 'file/state', want: /^--state-dir .*ENOTDIR/, isLasting: true },
    { name: 'not ours: never', path: '.', want: /holds "file|holds "link|holds "made/, isLasting: true },
  ],
  ({ path, want, isLasting = false }) => {
    const prepare = () => prepareStateDir(join(folder, path), null);
    if (!isLasting) return want === null ? assert.is(prepare(), null) : assert.match(prepare() ?? '', want);
    try {
      prepare();
      assert.unreachable();
    } catch (error) {
      assert.ok(error instanceof Failure && error.status === 74, String(error));
      assert.match((error as Failure).message, want ?? /./);
    }
  },
);
