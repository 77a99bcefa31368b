// Inherited sockets by name: the LISTEN_FDS protocol of sd_listen_fds(3). Pure.

/** The first passed descriptor (SD_LISTEN_FDS_START). */
const FIRST_FD = 3;

/**
 * The passed descriptors by name, in the order passed; empty if they are meant for another process. Several may have
 * one name, such as a UDP socket for each LAN address. The order may change from start to start.
 */
export function listenFds(
  env: Readonly<Record<string, string | undefined>>,
  pid: number,
): ReadonlyMap<string, number[]> {
  const fds = new Map<string, number[]>();
  const count = Number(env['LISTEN_FDS'] ?? '0');
  if (env['LISTEN_PID'] !== String(pid) || !Number.isInteger(count)) return fds;
  const names = (env['LISTEN_FDNAMES'] ?? '').split(':');
  for (let index = 0; index < count; index++) {
    const name = names[index] || 'unknown';
    fds.set(name, [...(fds.get(name) ?? []), FIRST_FD + index]);
  }
  return fds;
}
