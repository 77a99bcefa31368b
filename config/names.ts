// Names that are printed into the ruleset. Pure.

/**
 * A name that the kernel accepts for a device (dev_valid_name: below 16 bytes, no white space, no slash or colon), that
 * nft takes between quotes (where * is a wildcard), and that no program takes for an option.
 */
export function isInterfaceName(name: string): boolean {
  return /^[!-~]{1,15}$/.test(name) && !/[/:"\\*]/.test(name) && !/^(-|\.\.?$)/.test(name);
}
