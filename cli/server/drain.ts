// Reads what waits at a netlink socket of events. No sender and no error keeps it at that.

/** Messages at once; what is left waits for the next time. */
const MAX_READS = 4096;
/** Errors in a row: one that stays is not waited out. */
const MAX_ERRORS = 16;

/**
 * Read until nothing is left.
 *
 * @param read Reads once: how many bytes; null or 0 if nothing is there (EAGAIN).
 * @param taken Called after each read that has read something.
 * @returns Whether events were lost: the kernel says so by an error of the socket, mostly ENOBUFS (netlink(7)), but also
 * by the one for which it could not tell of a change (rtnl_set_sk_err of net/core/rtnetlink.c). Reading takes it away.
 */
export function drain(read: () => number | null, taken: (length: number) => void): boolean {
  let isLost = false;
  let errors = 0;
  for (let reads = 0; reads < MAX_READS && errors < MAX_ERRORS; reads++) {
    let length: number | null;
    try {
      length = read();
      errors = 0;
    } catch {
      isLost = true;
      errors++;
      continue;
    }
    if (length === null || length === 0) return isLost;
    taken(length);
  }
  return isLost;
}
