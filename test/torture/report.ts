// What a part of the torture came to. Pure.

export interface Findings {
  readonly lost: string[];
  readonly revived: string[];
  /** The observers differ from each other, the epoch restarted, something did not come back ... */
  readonly other: string[];
}

export interface Report {
  readonly part: string;
  /** Kills, injected faults, damaged files. */
  readonly faults: number;
  /** Leases that were acknowledged and so could be lost. */
  readonly acknowledged: number;
  readonly findings: Findings;
  /** Figures for the reader. */
  readonly notes: readonly string[];
  readonly seconds: number;
}

/** Findings beyond these are counted and not shown. */
const SHOWN = 20;

export function isClean({ findings: { lost, revived, other } }: Report): boolean {
  return lost.length + revived.length + other.length === 0;
}

/** One report of several runs of the same part. */
export function added(reports: readonly Report[]): Report {
  const sum = (pick: (report: Report) => number) => reports.reduce((total, report) => total + pick(report), 0);
  const all = (pick: (findings: Findings) => string[]) => reports.flatMap(({ findings }) => pick(findings));
  return {
    part: reports[0]?.part ?? '?',
    faults: sum(({ faults }) => faults),
    acknowledged: sum(({ acknowledged }) => acknowledged),
    findings: {
      lost: all(({ lost }) => lost),
      revived: all(({ revived }) => revived),
      other: all(({ other }) => other),
    },
    notes: reports.flatMap(({ notes }) => notes),
    seconds: Math.max(...reports.map(({ seconds }) => seconds)),
  };
}

export function reportText(report: Report): string {
  const { part, faults, acknowledged, findings, notes, seconds } = report;
  const shown = [
    ...findings.lost.map((line) => `LOST ${line}`),
    ...findings.revived.map((line) => `REVIVED ${line}`),
    ...findings.other.map((line) => `WRONG ${line}`),
  ];
  return [
    `${part}: faults ${faults}, leases acknowledged ${acknowledged}, lost ${findings.lost.length}, ` +
      `revived ${findings.revived.length}, other findings ${findings.other.length}, in ${Math.round(seconds)} s`,
    ...notes.map((note) => `  ${note}`),
    ...shown.slice(0, SHOWN).map((line) => `  ${line}`),
    ...(shown.length > SHOWN ? [`  and ${shown.length - SHOWN} more`] : []),
  ].join('\n');
}
