import fs, {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Failure } from '../../cli/host/failure.js';
import { prepareRunDir, prepareStateDir, unmountedAbove } from '../../cli/server/folders.js';
import { atEnd, cases, skip } from '../support/cases.js';

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

const HELPER = { uid: 4002, gid: 4003 };

/** How many names of folders are read meanwhile. */
function namesRead(act: () => void): number {
  const { opendirSync, readdirSync } = fs;
  let count = 0;
  fs.readdirSync = ((path: string) => {
    const names = readdirSync(path);
    count += names.length;
    return names;
  }) as typeof readdirSync;
  fs.opendirSync = (path) => {
    const opened = opendirSync(path);
    const read = opened.readSync.bind(opened);
    opened.readSync = () => {
      count++;
      return read();
    };
    return opened;
  };
  syncBuiltinESMExports();
  try {
    act();
  } finally {
    Object.assign(fs, { opendirSync, readdirSync });
    syncBuiltinESMExports();
  }
  return count;
}

if (process.getuid?.() !== 0) skip('a state directory with many files', 'not root');
else
  cases<{
    name: string;
    owner: number;
    journal: boolean;
    files: (at: number) => string;
    want: RegExp | null;
    most: number;
  }>(
    'of a state directory with 3,000 files, names are read up to the first that is not ours',
    [
      { name: "the helper's", owner: HELPER.uid, journal: false, files: (at) => `x${at}`, want: null, most: 0 },
      { name: 'with a journal', owner: 0, journal: true, files: (at) => `x${at}`, want: null, most: 0 },
      { name: 'of others', owner: 0, journal: false, files: (at) => `x${at}`, want: /holds "x\d+"/, most: 1 },
      {
        name: 'moved out of the way by the helper, of another user now',
        owner: 0,
        journal: false,
        files: (at) => `leases.journal.new.${at}`,
        want: null,
        most: 3001,
      },
    ],
    ({ name, owner, journal, files, want, most }) => {
      const path = join(folder, `many ${name}`);
      mkdirSync(path);
      for (let at = 0; at < 3000; at++) writeFileSync(join(path, files(at)), '');
      if (journal) writeFileSync(join(path, 'leases.journal'), '');
      chownSync(path, owner, owner);
      chmodSync(folder, 0o755);
      let said: string | null = null;
      const count = namesRead(() => {
        try {
          assert.is(prepareStateDir(path, HELPER), null);
        } catch (error) {
          said = (error as Error).message;
        }
      });
      if (want === null) assert.is(said, null);
      else assert.match(said ?? '', want);
      assert.ok(count <= most, `${count} names`);
    },
  );

const STRANGER = 65534;
/** Of those that systemd and natpmp-server pick from: this one by an earlier start. */
const PICKED_BEFORE = 61200;
const FLAGS = ['--run-dir', '--state-dir'] as const;
const [RUN, STATE] = [['--run-dir'], ['--state-dir']] as const;

interface Somebody {
  readonly name: string;
  /** Below a new folder of root's: `name/` is a folder, `name=text` a file, `name>target` a link. */
  readonly made: readonly (readonly [what: string, uid?: number, mode?: number, gid?: number])[];
  /** What to use: dir, if not given. */
  readonly path?: string;
  /** Whether it is refused, and as what; null: used. */
  readonly want: RegExp | null;
  readonly flags?: readonly (typeof FLAGS)[number][];
}

/** @returns a new folder, with this in it. */
function make(made: Somebody['made']): string {
  const root = mkdtempSync(join(folder, 'of-'));
  for (const above of [folder, root]) chmodSync(above, 0o755); // the helper's user has to pass
  for (const [what, uid = 0, mode = 0o755, gid = uid] of made) {
    const [, name = '', kind = '', value = ''] = /^([^=>]*[^=>/])([/=>])(.*)$/.exec(what) ?? [];
    const path = join(root, name);
    if (kind === '>') symlinkSync(value.replace('ROOT', root), path);
    else if (kind === '=') writeFileSync(path, value);
    else mkdirSync(path);
    lchownSync(path, uid, gid);
    if (kind !== '>') chmodSync(path, mode);
  }
  return root;
}

/** Of all below it: what it is, and whose. */
const look = (root: string): readonly string[] =>
  (readdirSync(root, { recursive: true }) as string[]).sort().map((name) => {
    const path = join(root, name);
    return existsSync(path) ? `${name} ${statSync(path).uid} ${statSync(path).mode.toString(8)}` : name;
  });

if (process.getuid?.() !== 0) skip('folders of others', 'not root');
else
  cases<Somebody>(
    'a folder that another user could exchange',
    [
      {
        name: 'below one of his',
        made: [['above/', STRANGER]],
        path: 'above/x',
        want: /user 65534, whose .*\/above is/,
      },
      { name: 'his own', made: [['dir/', STRANGER]], want: /user 65534, whose .*\/dir is, may write there/ },
      { name: 'through his link', made: [['a/'], ['dir>a', STRANGER]], want: /user 65534, whose link .*\/dir is/ },
      {
        name: "through his link to a file system's root",
        made: [['a/'], ['dir>ROOT/a', STRANGER]],
        want: /user 65534, whose link .*\/dir is/,
      },
      {
        name: 'through a link of root to a link of his',
        made: [['a/'], ['his>a', STRANGER], ['dir>./his']],
        want: /user 65534, whose link .*\/his is/,
      },
      {
        name: 'through his folder, and out of it again',
        made: [['a/'], ['his/', STRANGER], ['his/b>../a'], ['dir>his/b']],
        want: /user 65534, whose .*\/his is/,
      },
      {
        name: 'through a link of root out of his folder, by ..',
        made: [['his/', STRANGER], ['his/b/'], ['a/'], ['up>his/b'], ['dir>up/../../a']],
        want: /user 65534, whose .*\/his is/,
      },
      {
        name: 'anyone may write above',
        made: [['above/', 0, 0o777]],
        path: 'above/x',
        want: /anyone may write to .*above/,
      },
      {
        name: 'a group may write above',
        made: [['above/', 0, 0o775, 50]],
        path: 'above/x',
        want: /group 50, or whom an ACL names, may write to .*above \(chmod g-w it\)/,
      },
      // With an ACL for a user, the bits of the group are the mask: this is what stat(2) says of it.
      {
        name: "root's group may write above",
        made: [['above/', 0, 0o775, 0]],
        path: 'above/x',
        want: /group 0, or whom an ACL names, may write to .*above/,
      },
      {
        name: "the helper's group may write",
        made: [['dir/', 0, 0o770, HELPER.gid]],
        want: /group 4003, or whom an ACL names, may write to .*dir/,
      },
      { name: 'anyone may write', made: [['dir/', 0, 0o777]], want: /anyone may write to .*\/dir/ },
      {
        name: "the helper's user owns the folder above",
        made: [['above/', HELPER.uid]],
        path: 'above/x',
        want: /user 4002, whose .*\/above is/,
      },
      {
        name: "through a link of the helper's user",
        made: [['a/'], ['dir>a', HELPER.uid]],
        want: /user 4002, whose link/,
      },
      {
        name: 'with a journal of his',
        made: [
          ['dir/', 0, 0o1777],
          ['dir/leases.journal=natpmp-1', STRANGER],
        ],
        want: /user 65534 has put a file of his own there, leases\.journal/,
        flags: STATE,
      },
      { name: "the helper's", made: [['dir/', HELPER.uid, 0o700]], want: /user 4002, whose/, flags: RUN },

      { name: 'of root', made: [['dir/']], want: null },
      { name: 'not there yet', made: [], want: null },
      { name: 'as /tmp above', made: [['tmp/', 0, 0o1777]], path: 'tmp/x', want: null },
      { name: 'a group above, as /tmp', made: [['above/', 0, 0o1775, 50]], path: 'above/x', want: null },
      {
        name: 'as systemd has it, started before as a unit',
        made: [
          ['private/'],
          ['private/x/', PICKED_BEFORE, 0o700],
          ['private/x/leases.journal=', PICKED_BEFORE],
          ['dir>private/x'],
        ],
        want: null,
        flags: STATE,
      },
      {
        name: "the helper's, with its journal",
        made: [
          ['dir/', HELPER.uid, 0o700],
          ['dir/leases.journal=', HELPER.uid],
        ],
        want: null,
        flags: STATE,
      },
      { name: 'a journal that root has restored', made: [['dir/'], ['dir/leases.journal=']], want: null, flags: STATE },
    ],
    ({ made, path: used = 'dir', want, flags = FLAGS }) => {
      for (const flag of flags) {
        const root = make(made);
        const path = join(root, used);
        const before = look(root);
        let line = '';
        try {
          const waits = flag === '--run-dir' ? prepareRunDir(path) : prepareStateDir(path, HELPER);
          assert.ok(waits === undefined || waits === null, String(waits));
        } catch (error) {
          assert.ok(error instanceof Failure && error.status === 2, String(error));
          line = error.message;
        }
        if (want === null) assert.is(line, '');
        else {
          assert.ok(line.startsWith(`${flag} ${path}: `), line);
          assert.match(line, want);
          assert.equal(look(root), before, 'nothing was made or given away');
        }
      }
    },
  );
