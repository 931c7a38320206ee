/** How long an interface must stay as it is before it counts: what the configuration says of one. */

import type { Micros } from "./time.ts";

/** One line of `interface_up_down_delays`. */
export interface LinkDelay {
  readonly interface: string;
  /** It counts as down so long after it went down. */
  readonly downUs: Micros;
  /** It counts as up so long after it came up. */
  readonly upUs: Micros;
}
