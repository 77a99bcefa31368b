// Exit statuses of all programs, as far as each applies; docs/architecture.md lists them for users. Values from 66 on
// follow sysexits.h where it has a fitting one.

export const EXIT = {
  ok: 0,
  /** natpmpctl: the object asked for does not exist, was not confirmed, or does not work. */
  no: 1,
  flags: 2,
  interface: 66,
  occupied: 69,
  defect: 70,
  program: 72,
  /** natpmpctl: the helper refused the mapping. */
  refused: 73,
  state: 74,
  rulesetGone: 75,
  capability: 77,
  foreignTable: 78,
} as const;
