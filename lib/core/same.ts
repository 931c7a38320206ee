/** Whether two plain values say the same. */

/**
 * Compares plain data (JSON values, undefined as if it were not there) by what it holds.
 *
 * @param ignored Names of fields that do not count, wherever they are.
 */
export function isSame(a: unknown, b: unknown, ignored: ReadonlySet<string> = NOTHING): boolean {
  if (Object.is(a, b)) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((one, at) => isSame(one, b[at], ignored));
  }
  if (!isRecord(a) || !isRecord(b)) return false;
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  for (const name of names) {
    if (!ignored.has(name) && !isSame(a[name], b[name], ignored)) return false;
  }
  return true;
}

const NOTHING: ReadonlySet<string> = new Set();

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
