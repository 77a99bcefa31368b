// The exit statuses of the daemons; those of the programs of cli/ are in cli/host/failure.ts, and docs/architecture.md
// lists all for users. Values from 66 on follow sysexits.h if it has a fitting one.

export const EXIT = {
  success: 0,
  usage: 2,
  defect: 70,
  state: 74,
  noRuleset: 75,
  capability: 77,
} as const;
