/** The few statistics that the report needs. */

/** The middle value; of an even number, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b), half = Math.floor(sorted.length / 2);
  if (sorted.length === 0) throw new RangeError("Cannot take the median of nothing");
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** The smallest value that `percent` of all do not exceed (nearest rank). */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = Math.max(1, Math.ceil(sorted.length * percent / 100));
  if (sorted.length === 0) throw new RangeError("Cannot take a percentile of nothing");
  return sorted[rank - 1]!;
}
