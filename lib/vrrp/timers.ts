/** The protocol's time formulas, in whole microseconds: rounding to anything coarser loses the skew. */

import { after, type Micros, micros } from "../core/time.ts";
import type { Router, Version } from "./types.ts";

/** Adverts that may be missed before a master counts as gone (RFC 9568 6.1, RFC 3768 6.1). */
export const MISSED_ADVERTS = 3;

/**
 * Skew_Time: what a backup waits beyond three intervals, so that the highest priority fires first.
 * Version 3: `(256 - priority) / 256` of the master's interval (RFC 9568 6.1); version 2: of one
 * second, whatever the interval (RFC 3768 6.1).
 *
 * @param priority The local effective priority, 1 to 255.
 */
export function skewTime(version: Version, priority: number, masterAdvertIntervalUs: Micros) {
  const unitUs = version === 3 ? masterAdvertIntervalUs : 1_000_000;
  return micros((256 - priority) * unitUs / 256);
}

/**
 * Master_Down_Interval (Active_Down_Interval): `3 x interval + skew`; 3 609 375 us for priority 100
 * and one second.
 *
 * @param missedAdverts Another number than the RFCs' 3 (`down_timer_adverts`).
 */
export function masterDownInterval(
  version: Version,
  priority: number,
  masterAdvertIntervalUs: Micros,
  missedAdverts = MISSED_ADVERTS,
): Micros {
  return after(
    micros(missedAdverts * masterAdvertIntervalUs),
    skewTime(version, priority, masterAdvertIntervalUs),
  );
}

/** The skew of a router as it is now. */
export function routerSkew(r: Router): Micros {
  return skewTime(r.config.version, r.priority, r.masterAdvertIntervalUs);
}

/** The down interval of a router as it is now. */
export function routerDownInterval(r: Router): Micros {
  const { version, downTimerAdverts } = r.config;
  return masterDownInterval(version, r.priority, r.masterAdvertIntervalUs, downTimerAdverts);
}

/**
 * The next instant of a periodic timer: counted from when it was due, so that periods do not drift;
 * from now if that has passed too, so that a stalled loop does not burst.
 */
export function nextPeriod(dueUs: Micros, periodUs: Micros, now: Micros): Micros {
  const next = after(dueUs, periodUs);
  return next > now ? next : after(now, periodUs);
}
