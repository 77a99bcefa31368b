// Pure.

/** SUB_UID_MIN (login.defs(5)): one local user may have 65,536 uids from here on, for containers (subuid(5)). */
export const FIRST_SUBORDINATE = 100_000;

/** Whose share a uid takes of what each user has: all from FIRST_SUBORDINATE on count as one. */
export const userOf = (uid: number): number => Math.min(uid, FIRST_SUBORDINATE);
