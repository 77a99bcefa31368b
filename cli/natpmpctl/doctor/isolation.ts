// What a daemon that was taken over could reach beside its descriptors, as the kernel shows it in /proc. Pure.

/** What is missing of the isolation that natpmp-server and the units give a daemon, in words; empty if nothing is. */
export function missingIsolation(mountinfo: string, sharesNetwork: boolean): readonly string[] {
  const mounts = mountinfo
    .split('\n')
    .map((line) => line.split(' '))
    .map(([, , , , point, options = '', ...rest]) => ({
      point,
      options: options.split(','),
      // Behind the separator: type, source, options of the file system.
      fileSystem: (rest.slice(rest.indexOf('-')).at(3) ?? '').split(','),
    }));
  const root = mounts.findLast(({ point }) => point === '/');
  const proc = mounts.findLast(({ point }) => point === '/proc');
  return [
    ...(sharesNetwork ? ['is in the network of this machine'] : []),
    ...(root !== undefined && !root.options.includes('ro') ? ['sees its files and sockets'] : []),
    ...(proc !== undefined && !proc.fileSystem.includes('hidepid=invisible') ? ['sees its processes'] : []),
  ];
}
