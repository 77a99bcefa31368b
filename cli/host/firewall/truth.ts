// Whether a condition holds for the packets of a class: yes, no, for a part of them, or unknown. Pure.

export type Truth =
  | { readonly kind: 'yes' }
  | { readonly kind: 'no' }
  /** For this share of them, from 0 to 1, estimated; `on` has the conditions that it depends on. */
  | { readonly kind: 'part'; readonly share: number; readonly on: readonly string[] }
  /** For all, for none or for some. */
  | { readonly kind: 'unknown'; readonly on: readonly string[] };

export const YES: Truth = { kind: 'yes' };
export const NO: Truth = { kind: 'no' };

/** The rounding error of adding the shares of many elements. */
const NEARLY = 1e-12;
/** The share of "a few" packets that cannot be counted. */
export const FEW = 0.1;

export function part(share: number, on: readonly string[]): Truth {
  if (share <= 0) return NO;
  return share >= 1 - NEARLY ? YES : { kind: 'part', share, on };
}

export const unknown = (on: readonly string[]): Truth => ({ kind: 'unknown', on });

export function is(holds: boolean): Truth {
  return holds ? YES : NO;
}

export function not(truth: Truth): Truth {
  switch (truth.kind) {
    case 'yes':
      return NO;
    case 'no':
      return YES;
    case 'part':
      return part(1 - truth.share, truth.on.map(negated));
    case 'unknown':
      return unknown(truth.on);
  }
}

/** All conditions hold; they are independent of each other. A small share stays small, whatever else is unknown. */
export function all(truths: readonly Truth[]): Truth {
  if (truths.some(({ kind }) => kind === 'no')) return NO;
  const share = truths.reduce((product, truth) => product * (truth.kind === 'part' ? truth.share : 1), 1);
  const isUnknown = share > 0.5 && truths.some(({ kind }) => kind === 'unknown');
  return isUnknown ? unknown(reasons(truths)) : part(share, reasons(truths));
}

/** One of the conditions holds; they exclude each other, as the elements of a set do. */
export function any(truths: readonly Truth[]): Truth {
  if (truths.some(({ kind }) => kind === 'yes')) return YES;
  if (truths.some(({ kind }) => kind === 'unknown')) return unknown(reasons(truths));
  return part(
    truths.reduce((sum, truth) => sum + shareOf(truth), 0),
    reasons(truths),
  );
}

function shareOf(truth: Truth): number {
  return truth.kind === 'part' ? truth.share : truth.kind === 'yes' ? 1 : 0;
}

/** The conditions that it depends on; none if it is certain. */
export function reasonsOf(truth: Truth): readonly string[] {
  return truth.kind === 'part' || truth.kind === 'unknown' ? truth.on : [];
}

function reasons(truths: readonly Truth[]): readonly string[] {
  return [...new Set(truths.flatMap(reasonsOf))];
}

function negated(condition: string): string {
  return condition.startsWith('not ') ? condition.slice('not '.length) : `not ${condition}`;
}
