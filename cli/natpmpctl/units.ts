// Numbers and times for people, in a narrow column. Pure.

/** "45s", "59m 58s", "23h 59m", "12d 3h": the two largest units. */
export function formatSeconds(seconds: number): string {
  const days = Math.floor(seconds / 86400);
  const hours = Math.floor(seconds / 3600) % 24;
  const minutes = Math.floor(seconds / 60) % 60;
  if (days > 0) return `${days}d ${hours}h`;
  if (hours > 0) return `${hours}h ${minutes}m`;
  if (minutes > 0) return `${minutes}m ${seconds % 60}s`;
  return `${seconds}s`;
}

/** The same in at most six columns: "59m58s", "1h", "23h59m"; from a hundred days on, only days. */
export function shortSeconds(seconds: number): string {
  if (seconds >= 100 * 86400) return `${Math.floor(seconds / 86400)}d`;
  const [first = '', second = ''] = formatSeconds(seconds).split(' ');
  return /^0/.test(second) ? first : first + second;
}

const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P', 'E'];

/** At most four columns: "999", "1.2k", "12k", "3.4M". Prefixes are powers of 1000. */
export function formatCount(count: number): string {
  let value = count;
  let power = 0;
  // Rounding must not lead to 1000k.
  while (Math.round(value) >= 1000 && power < PREFIXES.length - 1) {
    value /= 1000;
    power++;
  }
  return (power > 0 && value < 9.95 ? value.toFixed(1) : String(Math.round(value))) + PREFIXES[power];
}

/** The time of day if it was within the last day, else the date: "14:05", "03-28". Local time; five columns. */
export function formatWhen(whenMs: number, nowMs: number): string {
  const when = new Date(whenMs);
  const pad = (number: number): string => String(number).padStart(2, '0');
  if (nowMs - whenMs < 86_400_000) return `${pad(when.getHours())}:${pad(when.getMinutes())}`;
  return `${pad(when.getMonth() + 1)}-${pad(when.getDate())}`;
}
