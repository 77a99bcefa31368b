// Values of flags that several programs have. Pure; a complaint names the flag and the value.

/**
 * Both protocols of every port: as many mappings as --allowed-ports can permit. The default of --max-mappings is less,
 * both protocols of the default ports.
 */
export const MOST_MAPPINGS = 2 * 65535;
/** Seconds. RFC 6886 §3.3 has 32 bits for a lifetime; clients use 2^32-1 to ask for "forever", so it is no lifetime. */
export const LONGEST_LIFETIME = 0xfffffffe;

export type Complain = (complaint: string) => void;

/** A whole number from `least` to `most`; after a complaint, `least` if the text is not one. */
export function wholeNumber(flag: string, text: string, least: number, most: number, complain: Complain): number {
  const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  complain(`${flag} ${text}: give a whole number from ${least} to ${most}`);
  return least;
}

/** A name that nft takes as an identifier without quoting. */
export function isNftName(name: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_.-]{0,30}$/.test(name);
}
