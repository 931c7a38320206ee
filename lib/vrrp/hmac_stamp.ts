/**
 * The sequence number of an advert signed by `auth_hmac`: seconds (32 bits), fractions of 1/65536 s
 * (16 bits) and a counter (16 bits), which together are one serial number of 64 bits.
 */

/** One such number. */
export type Stamp = bigint;

/** Of the seconds, which count in units of 2^-32 s when the number is read as fixed point. */
const SECOND = 1n << 32n;

/** The stamp of an instant: Unix time modulo 2^32 s, the counter at zero. */
export function stampOf(wallMs: number): Stamp {
  const units = BigInt(Math.floor(wallMs / 1000 * 65_536));
  return BigInt.asUintN(64, units << 16n);
}

/** Whether `a` comes after `b` (RFC 1982 3.2). */
export function isNewer(a: Stamp, b: Stamp): boolean {
  return BigInt.asIntN(64, a - b) > 0n;
}

/** From `b` to `a`, in seconds; negative if `a` is before. */
export function secondsFrom(b: Stamp, a: Stamp): number {
  return Number(BigInt.asIntN(64, a - b)) / Number(SECOND);
}

/**
 * The stamp of the next advert: what the clock says, or one more than the last where the clock has
 * not moved, so that none is ever repeated.
 *
 * @param windowS If receivers look at the time: a last stamp so far ahead of the clock is of another
 *   time, and sending goes on from the clock. Null if they look at the order alone.
 */
export function nextStamp(last: Stamp | null, clock: Stamp, windowS: number | null): Stamp {
  if (last === null || isNewer(clock, last)) return clock;
  if (windowS !== null && secondsFrom(clock, last) > windowS) return clock;
  return BigInt.asUintN(64, last + 1n);
}
