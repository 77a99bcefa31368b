// Loaded into natpmp-server before its own code (`node --import`). Two things that only a test wants:
//
// Every run of a daemon counts as a long one, so its restart always comes after the shortest delay. How the delay grows
// is for test/cli/server-supervise.test.ts; here it would only make a thousand kills take an hour.
//
// Where TORTURE_FOLDER is set, both daemons load faults.ts before their own code, see that folder and may write there,
// and the boot id is the one in it.

import childProcess from 'node:child_process';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';

const TIMES_FASTER = 1000;
const BOOT_ID = '/proc/sys/kernel/random/boot_id';

const { spawn } = childProcess;
const { readFileSync, writeFileSync } = fs;
const realNow = performance.now.bind(performance);
const folder = process.env['TORTURE_FOLDER'];

Object.defineProperty(performance, 'now', { value: () => realNow() * TIMES_FASTER });
if (folder !== undefined) {
  childProcess.spawn = ((program: string, args: readonly string[], options: childProcess.SpawnOptions) => {
    const at = args.findIndex((arg) => /\/(helper|frontend)\/main\.js$/.test(arg));
    if (at < 0) return spawn(program, args, options);
    // Beside the program that is run: this folder may be closed to the daemon's user.
    const faults = join(args[at] ?? '', '../../test/torture/faults.js');
    const writing = args.map((arg) => arg.replace('ulimit -f 0 2>&-; ', ''));
    return spawn(program, writing.toSpliced(at, 0, '--import', faults), {
      ...options,
      env: { ...options.env, TORTURE_FOLDER: folder },
    });
  }) as typeof spawn;
  fs.readFileSync = ((path: fs.PathOrFileDescriptor, options?: BufferEncoding) => {
    const given = join(folder, 'boot-id');
    return readFileSync(path === BOOT_ID && fs.existsSync(given) ? given : path, options);
  }) as typeof readFileSync;
  fs.writeFileSync = ((path: fs.PathOrFileDescriptor, data: string, options?: fs.WriteFileOptions) => {
    if (!/\.fstab$/.test(String(path))) return writeFileSync(path, data, options);
    const [root = ''] = data.split(' ');
    fs.mkdirSync(join(root, folder), { recursive: true });
    writeFileSync(path, `${data}${folder} ${join(root, folder)} none bind,nosuid,nodev,noexec 0 0\n`, options);
  }) as typeof writeFileSync;
  syncBuiltinESMExports();
}
