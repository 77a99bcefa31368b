// Pure: whose share a uid takes of what each user has. All from SUB_UID_MIN (login.defs(5)) on count as one, because one
// local user may have 65,536 of them, for containers (subuid(5)).
export const FIRST_SUBORDINATE = 100_000;
export const userOf = (uid: number): number => Math.min(uid, FIRST_SUBORDINATE);
