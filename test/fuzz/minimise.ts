// Makes an input that shows a defect as small as it gets while it shows the same one.

/** What two errors share when they are the same defect: the words, without the numbers and texts seen. */
export function signatureOf(error: unknown): string {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const property = message.split(': ')[0] as string;
  return `${name === 'Error' ? '' : `${name} `}${property}`.replace(/[0-9]+/g, 'N');
}

/** `shows`: whether an input shows the defect. At most `budget` inputs are tried. */
export async function minimise(
  input: Uint8Array,
  shows: (input: Uint8Array) => Promise<boolean>,
  budget: number,
): Promise<Uint8Array> {
  let best = input;
  const attempt = async (candidate: Uint8Array): Promise<boolean> => {
    if (budget-- <= 0 || !(await shows(candidate))) return false;
    best = candidate;
    return true;
  };
  for (let size = best.length >>> 1; size >= 1 && budget > 0; size = size >>> 1) {
    for (let from = 0; from < best.length && budget > 0; ) {
      const without = Buffer.concat([best.subarray(0, from), best.subarray(from + size)]);
      if (!(await attempt(without))) from += size;
    }
  }
  for (let at = 0; at < best.length && budget > 0; at++) {
    if (best[at] !== 0) await attempt(best.map((byte, index) => (index === at ? 0 : byte)));
  }
  return best;
}
