// Exit statuses of all programs, as far as each applies; docs/architecture.md explains them to users. Values from 66 on
// follow sysexits.h if it has a fitting one.

export const EXIT = {
  success: 0,
  /** natpmp-client: no answer. natpmpctl: not there, not confirmed, or (doctor) not working. */
  failed: 1,
  usage: 2,
  /** natpmp-client: this plus the result code of the gateway, at most 255. */
  result: 10,
  interface: 66,
  /** Something is in use; natpmpctl: the helper cannot be reached. */
  unavailable: 69,
  defect: 70,
  missingProgram: 72,
  /** natpmpctl: the helper refused the mapping. */
  refused: 73,
  state: 74,
  noRuleset: 75,
  capability: 77,
  foreignTable: 78,
  /** npm start: Ctrl-C, as shells report it. */
  interrupted: 130,
} as const;
