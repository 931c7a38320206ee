/** Durations and instants are whole microseconds; text and wire units are converted at the edge. */

declare const unit: unique symbol;

/**
 * A whole number of microseconds: a duration, or an instant of one monotonic clock.
 * A double holds whole numbers to 2^53, which is 285 years of microseconds.
 */
export type Micros = number & { readonly [unit]: "us" };

/** Takes a number of microseconds, rounded down to a whole one. */
export function micros(us: number): Micros {
  return Math.floor(us) as Micros;
}

/** Seconds (fractions allowed) as microseconds. */
export function seconds(s: number): Micros {
  return Math.round(s * 1_000_000) as Micros;
}

/** Milliseconds as microseconds. */
export function millis(ms: number): Micros {
  return Math.round(ms * 1000) as Micros;
}

/** Centiseconds, the unit of VRRPv3's Max Advertise Interval (RFC 9568 5.2.7), as microseconds. */
export function centiseconds(cs: number): Micros {
  return Math.round(cs * 10_000) as Micros;
}

/** The instant `by` after `from`. */
export function after(from: Micros, by: Micros): Micros {
  return (from + by) as Micros;
}

/** A duration for people: "3.609 s", "36 ms", "180 us". */
export function formatMicros(us: Micros): string {
  if (us >= 1_000_000) return `${trim(us / 1_000_000, 3)} s`;
  if (us >= 1000) return `${trim(us / 1000, 2)} ms`;
  return `${us} us`;
}

function trim(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}
